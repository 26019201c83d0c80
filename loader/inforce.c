// SPDX-License-Identifier: GPL-2.0-only
/*
 * <run>/policy.yaml: the canonical text of the policy that is in force, for the monitor. The file
 * alone is not believed: the kernel holds the hash of each guard's text, so whoever reads a file
 * that is older, newer or altered sees it, and takes it for no policy at all.
 *
 * Written beside its name before anything is published, so that a full or read-only disk refuses
 * the load; renamed behind the publication. A death between the two leaves the old file, which does
 * not fit the kernel: no lease is renewed until the next load.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "loader/internal.h"

static int note_path(char *ret, size_t size, const char *end)
{
	int n = snprintf(ret, size, "%s/policy.yaml%s", base_run_dir(), end);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* The text of one guard (g) or of the whole policy. */
static int print_text(const struct policy *p, const struct policy_guard *g, char **ret,
		      size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	bool failed;

	if (!f)
		return -ENOMEM;
	if (g)
		policy_print_guard(g, f);
	else
		policy_print(p, f);
	failed = ferror(f);
	failed |= fclose(f) != 0;
	if (failed) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

int loader_hash_text(const struct policy_guard *g, uint8_t ret[32])
{
	_free_ char *text = NULL;
	size_t len;
	int err = print_text(NULL, g, &text, &len);

	if (!err)
		base_sha256(text, len, ret);
	return err;
}

static int write_new(const struct policy *p, const char *path)
{
	_free_ char *text = NULL;
	_close_ int fd = -1;
	size_t len;
	int err = print_text(p, NULL, &text, &len);

	if (err)
		return err;
	if (unlink(path) && errno != ENOENT) /* of an interrupted call */
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = base_write_all(fd, text, len);
	/* some file systems tell only now that there was no room */
	if (close(TAKE_FD(fd)) && !err)
		err = -errno;
	return err;
}

int loader_note_prepare(const struct policy *p, struct loader_error *err)
{
	char path[PATH_MAX];
	int ret = note_path(path, sizeof(path), ".new");

	if (!ret)
		ret = write_new(p, path);
	if (!ret)
		return 0;
	loader_note_drop();
	return loader_fail(err, ret, EXIT_NO, base_run_dir(),
			   "make room there, or set BPFGUARD_RUN to another directory",
			   "cannot write the policy for the monitor, so nothing was changed: %s",
			   strerror(-ret));
}

int loader_note_commit(struct loader_error *err)
{
	char from[PATH_MAX], to[PATH_MAX];
	int ret = note_path(from, sizeof(from), ".new");

	if (!ret)
		ret = note_path(to, sizeof(to), "");
	if (!ret && rename(from, to))
		ret = -errno;
	if (!ret)
		return 0;
	return loader_fail(err, ret, EXIT_NO, base_run_dir(), "run bpfguard load again",
			   "the policy is in force, but the monitor cannot read it and will renew "
			   "no lease: %s",
			   strerror(-ret));
}

void loader_note_drop(void)
{
	char path[PATH_MAX];

	if (!note_path(path, sizeof(path), ".new"))
		unlink(path);
}

int loader_note_remove(void)
{
	char path[PATH_MAX];
	int ret = note_path(path, sizeof(path), "");

	loader_note_drop();
	if (!ret && unlink(path) && errno != ENOENT)
		ret = -errno;
	return ret;
}

static const struct bg_guard *find_name(const struct loader_image *img, const char *name)
{
	unsigned int slot;

	for (slot = 0; slot < BG_MAX_GUARDS; slot++)
		if (img->guard[slot].generation && !strcmp(img->guard[slot].name, name))
			return &img->guard[slot];
	return NULL;
}

/* Is the policy what the kernel holds, guard by guard? Names are unique on both sides. */
bool loader_in_force(const struct policy *p, const struct loader_image *img)
{
	size_t i;

	if (p->n_guards != img->n_guards)
		return false;
	for (i = 0; i < p->n_guards; i++) {
		const struct bg_guard *g = find_name(img, p->guards[i].name);
		uint8_t hash[32];

		if (!g || loader_hash_text(&p->guards[i], hash) ||
		    memcmp(hash, g->text_hash, sizeof(hash)))
			return false;
	}
	return true;
}

static int parse_note(const char *path, struct policy **ret)
{
	struct policy_errors errs = { 0 };
	_free_ char *text = NULL;
	size_t len;
	int err = base_read_file(path, POLICY_MAX_BYTES, &text, &len);

	if (err)
		return err;
	err = policy_parse(text, len, ret, &errs);
	policy_errors_free(&errs);
	return err;
}

int loader_read_policy(struct policy **ret, struct loader_error *err)
{
	struct policy *p = NULL;
	struct loader_image img;
	char path[PATH_MAX];
	int e = loader_read_image(&img, err);

	if (e)
		return e;
	e = note_path(path, sizeof(path), "");
	if (!e)
		e = parse_note(path, &p);
	if (!e && !loader_in_force(p, &img))
		e = -ESTALE;
	loader_image_free(&img);
	if (!e) {
		*ret = p;
		return 0;
	}
	policy_free(p);
	/* -ENOENT is for "nothing is loaded" */
	return loader_fail(err, e == -ENOENT ? -ESTALE : e, EXIT_NOT_ENFORCED, path,
			   "run bpfguard load again", "%s",
			   e == -ESTALE || e == -EINVAL ? "it is not the policy that is in force"
							: strerror(-e));
}
