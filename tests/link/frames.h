/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rules of tests/link/frames.c are written in. */
#ifndef BPFGUARD_TEST_FRAMES_H
#define BPFGUARD_TEST_FRAMES_H

#include "loader/link.h"
#include "tests/link/frame.h"

#define PASS  0xffffffffu /* TC_ACT_UNSPEC */
#define SHOT  2u
#define SLOT  1 /* of the guard under test; its neighbour must not count */
#define OTHER 0
#define LO    1 /* where a test run's frames are, unless it is told otherwise */

extern const uint8_t own[6], gw[6], peer[6], host[6], all[6], mcast6[6];

/* The frame's fate: verdict and the one reason that is counted. Dies if it is another. */
void expect(const char *what, const char *place, const struct frame *f, uint32_t iif,
	    uint32_t verdict, unsigned int reason);
#define ALLOWED(what, place, f, reason) expect(what, place, f, 0, PASS, reason)
#define DENIED(what, place, f, reason)	expect(what, place, f, 0, SHOT, reason)

/* What may leave a container's port. */
void seal_port_rules(void);

#endif /* BPFGUARD_TEST_FRAMES_H */
