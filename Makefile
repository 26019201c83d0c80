# SPDX-License-Identifier: GPL-2.0-only
#
# bpfguard. `make` builds build/bpfguard; `make demo` shows it at work; `make test` proves it.
# V=1 shows the commands. Products go to build/, nothing else is written into the tree.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

B	?= build
V	?= 0
PREFIX	?= /usr/local
DESTDIR	?=
CC	?= gcc
ifeq ($(origin CC),default)
CC	:= gcc
endif
CLANG	?= clang
BPFTOOL	?= $(shell command -v bpftool 2>/dev/null || echo /usr/sbin/bpftool)
Q	:= $(if $(filter 1,$(V)),,@)
msg	= $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')

VERSION := $(shell cat VERSION)
ARCH	:= $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
TRIPLET	:= $(shell $(CC) -dumpmachine 2>/dev/null)

WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CPPFLAGS += -D_GNU_SOURCE -DBPFGUARD_VERSION='"$(VERSION)"' -I. -I$(B)
CFLAGS	?= -O2 -g
CFLAGS	+= -std=gnu17 $(WARN)
LDLIBS	+= -lbpf -lelf -lz -lyaml -ljansson -lmnl
LDFLAGS	+= -Wl,--as-needed
SAN	:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# signedness and alignment: the kernel reads what we send, so padding and layouts are asserted
BPFFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -DBG_BPF -D__TARGET_ARCH_$(ARCH) \
	    -fdebug-compilation-dir=. -I. -isystem /usr/include/$(TRIPLET)

ROOMS	:= base policy loader events discovery monitor cli
SRCS	:= $(foreach r,$(ROOMS),$(wildcard $(r)/*.c))
OBJS	:= $(SRCS:%.c=$(B)/%.o)
LIBOBJS	:= $(filter-out $(B)/cli/main.o,$(OBJS))
SANOBJS	:= $(LIBOBJS:$(B)/%=$(B)/san/%)
BPFHDRS	:= $(wildcard bpf/*.h vmlinux/*.h)
SKEL	:= $(B)/bpfguard.skel.h $(B)/link.skel.h $(B)/lsm.skel.h

.PHONY: all
all: $(B)/bpfguard

$(B)/bpfguard: $(OBJS)
	$(call msg,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# ---- kernel side: object -> skeleton. No path of this machine in it: status compares its hash.
$(B)/%.bpf.o: bpf/%.bpf.c $(BPFHDRS)
	$(call msg,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) -c $< -o $@.full
	$(Q)$(BPFTOOL) gen object $@ $@.full
	@rm -f $@.full

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# ---- user side
$(B)/%.o: %.c | $(SKEL)
	$(call msg,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/san/%.o: %.c | $(SKEL)
	$(call msg,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -MMD -MP -c $< -o $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)

include tests/tests.mk
include packaging/install.mk

.PHONY: clean
clean:
	rm -rf $(B)
