# SPDX-License-Identifier: GPL-2.0-only
# `make bench`: the guard against no guard, nft and an address-only program; see docs/bench.md.

BENCH_SRCS := $(wildcard tests/bench/*.c)
BENCH_SRCS := $(filter-out %.bpf.c,$(BENCH_SRCS))

$(B)/bench/bench: $(BENCH_SRCS) tests/bench/bench.h
	$(call msg,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $(BENCH_SRCS) -lbpf

$(B)/bench/lpm.bpf.o $(B)/bench/empty.bpf.o: $(B)/bench/%.bpf.o: tests/bench/lpm.bpf.c
	$(call msg,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPFFLAGS) $(if $(filter empty,$*),-DEMPTY) -c $< -o $@

.PHONY: bench
bench: all $(B)/bench/bench $(B)/bench/lpm.bpf.o $(B)/bench/empty.bpf.o
	$(Q)tests/bench/run.sh $(B)
