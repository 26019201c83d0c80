# SPDX-License-Identifier: GPL-2.0-only
# The uplink guard and the link seal; see tests/link/run.sh.

LINK_FRAMES := tests/link/frames.c tests/link/rules_port.c tests/link/frame.c tests/loader/instance.c

$(B)/link-tests/frames: $(LINK_FRAMES) $(wildcard tests/link/*.h tests/loader/*.h) $(SANOBJS)
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -o $@ $(LINK_FRAMES) $(SANOBJS) $(LDLIBS)

$(B)/link-tests/linkctl: tests/link/linkctl.c tests/link/frame.c tests/link/frame.h $(LIBOBJS)
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) $(LIBOBJS) $(LDLIBS)

TEST_PROGRAMS += $(B)/link-tests/frames $(B)/link-tests/linkctl

.PHONY: link-tests
link-tests: all $(B)/link-tests/frames $(B)/link-tests/linkctl
	$(Q)BUILD=$(B) BPFGUARD=$(B)/bpfguard tests/link/run.sh $(NAMES)
