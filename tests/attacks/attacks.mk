# SPDX-License-Identifier: GPL-2.0-only
# The attack catalogue; see tests/attacks/run.sh.

ATTACK_SRCS := $(filter-out tests/attacks/capture.c,$(wildcard tests/attacks/*.c))
ATTACK_OBJS := $(ATTACK_SRCS:tests/attacks/%.c=$(B)/attacks/%.o)
ATTACK_LIBS := $(shell echo '\#include <liburing.h>' | $(CC) -E - > /dev/null 2>&1 && echo -luring)

# each table that there is: `const struct attack attacks_NAME[] = {`
ATTACK_TABLES := $(shell sed -n 's/^const struct attack attacks_\([a-z0-9_]*\)\[\] = {.*/\1/p' \
	$(ATTACK_SRCS))
$(B)/attacks/tables.h: $(ATTACK_SRCS) tests/attacks/attacks.mk
	@mkdir -p $(@D)
	@echo '#define TABLES(X) $(foreach t,$(ATTACK_TABLES),X($(t)))' > $@
$(B)/attacks/main.o: $(B)/attacks/tables.h

$(B)/attacks/%.o: tests/attacks/%.c
	$(call msg,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(ATTACK_LIBS),-DATTACK_URING) -MMD -MP -c $< -o $@

# static, so that it runs in the virtual machines, too
$(B)/attacks/attack: $(ATTACK_OBJS) $(B)/events/names.o
	$(call msg,LD,$@)
	$(Q)$(CC) $(CFLAGS) -static -o $@ $^ $(ATTACK_LIBS)

$(B)/attacks/capture: $(B)/attacks/capture.o
	$(call msg,LD,$@)
	$(Q)$(CC) $(CFLAGS) -static -o $@ $^

TEST_PROGRAMS += $(B)/attacks/attack $(B)/attacks/capture

.PHONY: attacks
attacks: all $(B)/attacks/attack $(B)/attacks/capture
	$(Q)BUILD=$(B) BPFGUARD=$(B)/bpfguard tests/attacks/run.sh $(NAMES)
