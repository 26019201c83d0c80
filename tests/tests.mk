# SPDX-License-Identifier: GPL-2.0-only
# How the tests are built and run; included by the Makefile.

UNIT	:= $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ	:= $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
export FUZZ_SECONDS

# Unit tests: cmocka, under ASan and UBSan, one program a file, linked with every room.
$(B)/unit/%: tests/unit/%.c $(SANOBJS)
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -MMD -MP -o $@ $< $(SANOBJS) $(LDLIBS) -lcmocka

# Fuzzers: libFuzzer with the sanitizers; a fuzzer includes the .c files it needs.
$(B)/fuzz/%: tests/fuzz/%.c
	$(call msg,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -std=gnu17 -O1 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -MMD -MP -o $@ $< $(LDLIBS)

include $(wildcard tests/*/*.mk)

.PHONY: unit fuzz check demo test test-installed
unit: $(UNIT)
	$(Q)for t in $(UNIT); do echo "== $$t"; $$(realpath $$t) || exit 1; done
fuzz: $(FUZZ)
	$(Q)tests/fuzz/run.sh $(B) $(FUZZ_SECONDS) $(FUZZ)

# House rules and static analysis; needs no root and loads nothing.
check: all
	$(Q)tests/check/run.sh $(B)

# Everything; installs what it needs. tests/run.sh TESTS="unit live" for a part.
test:
	$(Q)packaging/deps.sh test
	$(Q)$(MAKE) --no-print-directory test-installed
test-installed: all $(UNIT) $(FUZZ) $(TEST_PROGRAMS)
	$(Q)tests/run.sh $(B) $(TESTS)

demo:
	$(Q)B=$(B) stack/demo/demo.sh
