# SPDX-License-Identifier: GPL-2.0-only
# Does some test fail for each deny decision that is broken? See tests/mutation/run.sh.
#
#   make mutation                  all that this machine's kernel can tell
#   make mutation NAMES=bg_capture a part: what the mutant's file, function or text contains
#   make mutation SLOW=1           also what needs virtual machines: a minute or two each

.PHONY: mutation
mutation: all
	$(Q)tests/mutation/run.sh $(B) $(if $(SLOW),--slow) $(NAMES)
