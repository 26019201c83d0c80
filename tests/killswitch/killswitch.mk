# SPDX-License-Identifier: GPL-2.0-only
# The kill switch measured at length: the numbers of docs/security.md. About two hours.

KILLSWITCH_ROUNDS ?= 50
KILLSWITCH_OPENVPN_ROUNDS ?= 5
KILLSWITCH_OPENVPN := tunnel_deleted tunnel_killed gateway_restarted gateway_opened peer_silent

.PHONY: test-killswitch
test-killswitch: all
	$(Q)packaging/deps.sh test
	$(Q)BPFGUARD=$(B)/bpfguard tests/killswitch/run.sh --rounds $(KILLSWITCH_ROUNDS) \
		--json $(B)/killswitch.json
	$(Q)BPFGUARD=$(B)/bpfguard tests/killswitch/restart.sh --rounds $(KILLSWITCH_ROUNDS)
	$(Q)for t in openvpn-udp openvpn-tcp; do \
		BPFGUARD=$(B)/bpfguard LAB_VPN_TYPE=$$t tests/killswitch/run.sh --rounds \
			$(KILLSWITCH_OPENVPN_ROUNDS) --json $(B)/killswitch-$$t.json \
			$(KILLSWITCH_OPENVPN) || exit 1; done
