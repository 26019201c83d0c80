# SPDX-License-Identifier: GPL-2.0-only
# `make test-vm`: the kernel programs on Debian's own kernels, in virtual machines; see run.sh.
#
#   KERNEL="6.1 6.12"  which kernels (default: 5.10 6.1 6.12 sid)
#   LIVE=1             all of tests/live, not only the smoke test; LIVE="dns_* deny_tcp4" a part
#   VM_REFRESH=1       look for newer packages of kernels that are there already

$(B)/vm/verify: tests/vm/verify.c
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< -lbpf

$(B)/vm/lsmtry: tests/vm/lsmtry.c tests/vm/lsmtry_bpf.c tests/vm/lsmtry.h
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) -lbpf \
		$(if $(wildcard /usr/include/liburing.h),-luring)

.PHONY: test-vm test-vm-installed
test-vm:
	$(Q)packaging/deps.sh vm
	$(Q)$(MAKE) --no-print-directory test-vm-installed
test-vm-installed: all $(B)/vm/verify $(B)/vm/lsmtry
	$(Q)KERNEL='$(KERNEL)' LIVE='$(LIVE)' VM_REFRESH='$(VM_REFRESH)' tests/vm/run.sh $(B)
