/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to the room. */
#ifndef BPFGUARD_EVENTS_DIR_H
#define BPFGUARD_EVENTS_DIR_H

#include <sys/types.h>

/* Makes a directory and those above it (these with 0755). 0 if it is there, or -errno. */
int events_make_dir(const char *path, mode_t mode);

#endif /* BPFGUARD_EVENTS_DIR_H */
