# SPDX-License-Identifier: GPL-2.0-only
# Do the policy's tests see each difference? See tests/policy/mutate.py.
#   COUNT=80 SEED=i2   how many places, which draw

COUNT ?= 70
SEED  ?= 1

.PHONY: policy-mutants
policy-mutants: all $(filter $(B)/unit/test_policy_%,$(UNIT))
	$(Q)tests/policy/mutate.py $(B) $(COUNT) $(SEED)
