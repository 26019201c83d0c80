/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFGUARD_TESTS_LSMTRY_H
#define BPFGUARD_TESTS_LSMTRY_H

int lsm_said(const char *what, int err);
/* uring inline|async|sqpoll FAMILY TYPE PROTOCOL */
int lsm_try_uring(char **arg);
/*
 * fill HOOK: takes all room at an LSM hook, says `ready` and stays
 * detach ID, update ID: a link, by its id
 * map ID write|read: a descriptor of a map; freeze PIN
 * unpublish MAP-PIN: takes the policy away, as an interrupted load would have left it
 */
int lsm_try_bpf(char **argv);

#endif /* BPFGUARD_TESTS_LSMTRY_H */
