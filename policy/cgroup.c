// SPDX-License-Identifier: GPL-2.0-only
/* Where a cgroup named in the policy lies below the cgroup root. */
#include <errno.h>
#include <string.h>

#include "policy/internal.h"

#define SUFFIX	   ".slice"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)

static int put(char *ret, size_t size, size_t *at, const char *s, size_t len)
{
	if (len >= size - *at)
		return -ENAMETOOLONG;
	memcpy(ret + *at, s, len);
	*at += len;
	ret[*at] = '\0';
	return 0;
}

/* Each dash is a level: `a-b-c.slice` lies in `a-b.slice`, and that in `a.slice`. */
static int slice_path(const char *name, size_t len, char *ret, size_t size)
{
	static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789:_.-\\";
	size_t stem, at = 0;
	int err;

	if (len <= SUFFIX_LEN || strcmp(name + len - SUFFIX_LEN, SUFFIX))
		return -EINVAL;
	stem = len - SUFFIX_LEN;
	if (strspn(name, valid) != len || name[0] == '-' || name[0] == '.' || name[stem - 1] == '-')
		return -EINVAL;
	for (size_t i = 1; i <= stem; i++) {
		if (i < stem && name[i] != '-')
			continue;
		if (i < stem && name[i + 1] == '-')
			return -EINVAL;
		err = put(ret, size, &at, "/", 1);
		if (!err)
			err = put(ret, size, &at, name, i);
		if (!err)
			err = put(ret, size, &at, SUFFIX, SUFFIX_LEN);
		if (err)
			return err;
	}
	return 0;
}

/* Clean: no component that is empty or made of dots, so that one cgroup has one spelling. */
static int check_path(const char *path, size_t len)
{
	const char *s = path;

	if (text_forbidden(path, len))
		return -EINVAL;
	while (*s) {
		size_t part = strcspn(++s, "/");

		if (!part || (part == 1 && s[0] == '.') ||
		    (part == 2 && s[0] == '.' && s[1] == '.'))
			return -EINVAL;
		if (part > 255) /* NAME_MAX */
			return -ENAMETOOLONG;
		s += part;
	}
	return 0;
}

int policy_cgroup_path(const char *name, char *ret, size_t size)
{
	char path[POLICY_PATH];
	size_t len = strlen(name);
	int err;

	if (len >= sizeof(path))
		return -ENAMETOOLONG;
	if (name[0] == '/') {
		err = check_path(name, len);
		memcpy(path, name, len + 1);
	} else {
		err = slice_path(name, len, path, sizeof(path));
	}
	if (err)
		return err;
	if (strlen(path) >= size)
		return -ENAMETOOLONG;
	memcpy(ret, path, strlen(path) + 1);
	return 0;
}
