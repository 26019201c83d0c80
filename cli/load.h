/* SPDX-License-Identifier: GPL-2.0-only */
/* The loader's errors for people. */
#ifndef BPFGUARD_CLI_LOAD_H
#define BPFGUARD_CLI_LOAD_H

#include "loader/loader.h"

/* Prints the error, returns its exit code. */
int cli_loader_fail(const struct loader_error *err);

#endif /* BPFGUARD_CLI_LOAD_H */
