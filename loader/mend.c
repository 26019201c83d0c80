// SPDX-License-Identifier: GPL-2.0-only
/*
 * What somebody else broke, put right by loading the policy in force again. Never against the will
 * of whoever has the lock by rights: a load at work keeps the lock, and an unload takes <run>/
 * policy.yaml away before it gives the lock back, so here both are seen for what they are.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loader/internal.h"
#include "loader/traps.h"

/* 1: the noted text is `text`; 0: there is none; -ESTALE: it is another. */
static int noted(const char *text, size_t len)
{
	_free_ char *is = NULL;
	char path[PATH_MAX];
	size_t n;
	int err;

	if (snprintf(path, sizeof(path), "%s/policy.yaml", base_run_dir()) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	err = base_read_file(path, POLICY_MAX_BYTES, &is, &n);
	if (err == -ENOENT)
		return 0;
	if (err)
		return err;
	return n == len && memcmp(is, text, len) == 0 ? 1 : -ESTALE;
}

/* Is what is loaded the policy, if anything is? *ret_any: something is. */
static bool fits(const struct policy *p, bool *ret_any)
{
	struct loader_image *img = calloc(1, sizeof(*img));
	bool ok = true;

	*ret_any = img && !loader_read_image(img, NULL);
	if (*ret_any) {
		ok = loader_in_force(p, img);
		loader_image_free(img);
	}
	free(img);
	return ok;
}

static int mend(const struct loader_watch *w, const struct policy *p, struct loader_damage *ret,
		struct loader_error *err)
{
	struct loader_damage left;
	int e = loader_load_held(p, loader_watch_path(w), loader_watch_accepted(w), err);

	if (e)
		return e;
	if (!loader_damaged(&left))
		return 1;
	return loader_fail(err, -EIO, EXIT_NOT_ENFORCED, "it is not whole again", NULL, "%s",
			   left.what[0][0] ? left.what[0] : ret->what[0]);
}

int loader_mend(const struct loader_watch *w, const char *text, size_t len,
		struct loader_damage *ret, struct loader_error *err)
{
	_close_ int lock = loader_lock(LOADER_HANG_TIMEOUT_MS, err);
	struct policy_errors errs = { 0 };
	struct policy *p = NULL;
	bool any, fit;
	int e;

	ret->n = 0;
	if (lock < 0)
		return lock;
	e = policy_parse(text, len, &p, &errs);
	policy_errors_free(&errs);
	if (e)
		return loader_fail(err, e, EXIT_POLICY, "the policy", NULL, "%s", strerror(-e));
	fit = fits(p, &any);
	e = noted(text, len);
	if (!e && !any) {
		e = -ENOENT; /* unloaded */
	} else if (e < 0 || !fit) {
		e = loader_fail(err, -ESTALE, EXIT_NOT_ENFORCED, "not put right",
				"run bpfguard load again",
				"another policy was put into force or noted meanwhile");
		loader_damaged(ret);
	} else if (!loader_damaged(ret) && e == 1) {
		e = 0;
	} else {
		if (!e && ret->n < LOADER_MAX_DAMAGE)
			snprintf(ret->what[ret->n++], sizeof(ret->what[0]),
				 "the policy's text was taken from %.100s", base_run_dir());
		e = mend(w, p, ret, err);
	}
	policy_free(p);
	return e;
}
