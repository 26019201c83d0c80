// SPDX-License-Identifier: GPL-2.0-only
/* resolve NAME: getaddrinfo() of the libc it was built with; one IPv4 address, or the error. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list = NULL;
	char text[INET_ADDRSTRLEN] = "none";
	struct timespec a, b;
	int err;

	if (argc < 2)
		return 64;
	if (argc > 2)
		hints.ai_family = AF_UNSPEC;
	clock_gettime(CLOCK_MONOTONIC, &a);
	err = getaddrinfo(argv[1], NULL, &hints, &list);
	clock_gettime(CLOCK_MONOTONIC, &b);
	for (; list && list->ai_family != AF_INET; list = list->ai_next)
		;
	if (!err && list)
		inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, text,
			  sizeof(text));
	printf("answer=%s error=%d ms=%lld pid=%d\n", text, err,
	       (long long)(b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000,
	       getpid());
	return 0;
}
