# SPDX-License-Identifier: GPL-2.0-only
# The kernel's programs by BPF_PROG_TEST_RUN: the decision against its twin in user space, and the
# packet hook on packets made by hand.

PROG_SRCS := $(addprefix tests/prog/,property.c gen_policy.c gen_flow.c) tests/loader/instance.c
PACKETS_SRCS := tests/prog/packets.c tests/link/frame.c tests/loader/instance.c

$(B)/prog/verdict_test.bpf.o: tests/prog/verdict_test.bpf.c tests/prog/verdict_test.h $(BPFHDRS)
	$(call msg,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -c $< -o $@

$(B)/prog/property: $(PROG_SRCS) $(wildcard tests/prog/*.h tests/loader/*.h) $(SANOBJS)
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -o $@ $(PROG_SRCS) $(SANOBJS) $(LDLIBS)

$(B)/prog/packets: $(PACKETS_SRCS) $(wildcard tests/link/frame.h tests/loader/*.h) $(SANOBJS)
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -o $@ $(PACKETS_SRCS) $(SANOBJS) $(LDLIBS)

TEST_PROGRAMS += $(B)/prog/property $(B)/prog/packets $(B)/prog/verdict_test.bpf.o
