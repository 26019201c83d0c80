# SPDX-License-Identifier: GPL-2.0-only
# `make test-vm`: the kernel programs on Debian's own kernels, in virtual machines; see run.sh.
#
#   KERNEL="6.1 6.12"  which kernels (default: 5.10 6.1 6.12 sid)
#   LSM=on             BPF LSM on the kernel's list or not (default: on off)
#   ATTACKS="udp4"     these attacks only, or options of tests/attacks/run.sh (default: the three sets
#                      that a container may have; none and sys are tried on this machine's kernel)
#   VM_JOBS=smoke      only these of smoke,attacks
#   VM_KEEP=DIR        what each machine said, as a file
#   LIVE=1             all of tests/live instead (LSM=off); LIVE="dns_* deny_tcp4" a part
#   VM_REFRESH=1       look for newer packages of kernels that are there already
#
# `make vm-verifier` records what the verifiers say (verifier.tsv): after changes to programs.

$(B)/vm/verify: tests/vm/verify.c
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $< -lbpf

$(B)/vm/lsmtry: tests/vm/lsmtry.c tests/vm/lsmtry_bpf.c tests/vm/lsmtry.h
	$(call msg,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) -lbpf \
		$(if $(wildcard /usr/include/liburing.h),-luring)

TEST_PROGRAMS += $(B)/vm/verify $(B)/vm/lsmtry

ATTACKS ?= --caps hardened,default,admin

.PHONY: test-vm test-vm-installed vm-verifier
test-vm:
	$(Q)packaging/deps.sh vm
	$(Q)$(MAKE) --no-print-directory test-vm-installed
test-vm-installed: all $(B)/vm/verify $(B)/vm/lsmtry $(B)/attacks/attack $(B)/attacks/capture
	$(Q)KERNEL='$(KERNEL)' LSM='$(LSM)' ATTACKS='$(ATTACKS)' VM_JOBS='$(VM_JOBS)' \
		VM_KEEP='$(VM_KEEP)' LIVE='$(LIVE)' VM_REFRESH='$(VM_REFRESH)' tests/vm/run.sh $(B)
vm-verifier:
	$(Q)VERIFIER_WRITE=1 $(MAKE) --no-print-directory test-vm LSM=on VM_JOBS=smoke
