# SPDX-License-Identifier: GPL-2.0-only
# The kill switch measured at length: the numbers of docs/security.md. About an hour and a half.

KILLSWITCH_ROUNDS ?= 50

.PHONY: test-killswitch
test-killswitch: all
	$(Q)packaging/deps.sh test
	$(Q)BPFGUARD=$(B)/bpfguard tests/killswitch/run.sh --rounds $(KILLSWITCH_ROUNDS) \
		--json $(B)/killswitch.json
	$(Q)BPFGUARD=$(B)/bpfguard tests/killswitch/restart.sh --rounds $(KILLSWITCH_ROUNDS)
