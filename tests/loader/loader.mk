# SPDX-License-Identifier: GPL-2.0-only
# The loader under interruption, races and tampering; see tests/loader/run.sh.

LOADER_TESTS := $(addprefix $(B)/loader-tests/,interrupt swaps changes noted tamper before)
LOADER_SHARED := tests/loader/instance.c tests/loader/probe.c

$(LOADER_TESTS): $(B)/loader-tests/%: tests/loader/%.c $(LOADER_SHARED) \
		$(wildcard tests/loader/*.h) $(SANOBJS)
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -o $@ $< $(LOADER_SHARED) $(SANOBJS) $(LDLIBS)

TEST_PROGRAMS += $(LOADER_TESTS)

.PHONY: loader-tests
loader-tests: all $(LOADER_TESTS)
	$(Q)BUILD=$(B) BPFGUARD=$(B)/bpfguard tests/loader/run.sh $(NAMES)
