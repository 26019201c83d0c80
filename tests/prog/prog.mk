# SPDX-License-Identifier: GPL-2.0-only
# The decision in the kernel against its twin in user space (BPF_PROG_TEST_RUN).

PROG_SRCS := $(addprefix tests/prog/,property.c gen_policy.c gen_flow.c) tests/loader/instance.c

$(B)/prog/verdict_test.bpf.o: tests/prog/verdict_test.bpf.c tests/prog/verdict_test.h $(BPFHDRS)
	$(call msg,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -c $< -o $@

$(B)/prog/property: $(PROG_SRCS) $(wildcard tests/prog/*.h tests/loader/*.h) $(SANOBJS)
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -o $@ $(PROG_SRCS) $(SANOBJS) $(LDLIBS)

TEST_PROGRAMS += $(B)/prog/property $(B)/prog/verdict_test.bpf.o

# Does the property test see each difference? Breaks the kernel's side, one comparison at a time.
# -Wno-...: a broken comparison may leave a variable unused.
.PHONY: prog-mutants
prog-mutants: $(B)/prog/property
	$(Q)tests/prog/mutate.sh $(B)/prog/property $(B)/prog/mutant \
		$(CLANG) $(filter-out -I. -Werror,$(BPFFLAGS)) -Wno-unused-variable
