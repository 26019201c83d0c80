# SPDX-License-Identifier: GPL-2.0-only
# make install / uninstall, with DESTDIR and PREFIX.

BINDIR	  := $(DESTDIR)$(PREFIX)/sbin
MANDIR	  := $(DESTDIR)$(PREFIX)/share/man
UNITDIR	  := $(DESTDIR)$(PREFIX)/lib/systemd/system
BASHDIR	  := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR	  := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISHDIR	  := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
DOCDIR	  := $(DESTDIR)$(PREFIX)/share/doc/bpfguard
MAN5	  := $(wildcard docs/man/*.5)
MAN8	  := $(wildcard docs/man/*.8)
SAME8	  := reload unload
UNITS	  := bpfguard.service bpfguard-log.service bpfguard-monitor.service bpfguard.slice

.PHONY: install uninstall
install: $(B)/bpfguard
	install -D -m 0755 $(B)/bpfguard $(BINDIR)/bpfguard
	install -d $(MANDIR)/man5 $(MANDIR)/man8 $(UNITDIR) $(BASHDIR) $(ZSHDIR) $(FISHDIR) $(DOCDIR)
	install -m 0644 $(MAN5) $(MANDIR)/man5/
	install -m 0644 $(MAN8) $(MANDIR)/man8/
	for v in $(SAME8); do ln -sf bpfguard-load.8 $(MANDIR)/man8/bpfguard-$$v.8 || exit 1; done
	for u in $(UNITS); do \
		sed 's|@SBIN@|$(PREFIX)/sbin|g' packaging/$$u > $(UNITDIR)/$$u && \
		chmod 0644 $(UNITDIR)/$$u || exit 1; done
	$(B)/bpfguard completion bash > $(BASHDIR)/bpfguard
	$(B)/bpfguard completion zsh > $(ZSHDIR)/_bpfguard
	$(B)/bpfguard completion fish > $(FISHDIR)/bpfguard.fish
	install -m 0644 README.md packaging/policy.yaml $(wildcard docs/*.md) $(DOCDIR)/

uninstall:
	rm -f $(BINDIR)/bpfguard
	rm -f $(MAN5:docs/man/%=$(MANDIR)/man5/%) $(MAN8:docs/man/%=$(MANDIR)/man8/%)
	rm -f $(SAME8:%=$(MANDIR)/man8/bpfguard-%.8)
	rm -f $(UNITS:%=$(UNITDIR)/%) $(BASHDIR)/bpfguard $(ZSHDIR)/_bpfguard $(FISHDIR)/bpfguard.fish
	rm -rf $(DOCDIR)
