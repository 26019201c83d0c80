/* SPDX-License-Identifier: GPL-2.0-only */
/* resolve NAME...: what the C library's own resolver says, IPv4 only, an address a line. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	int failed = argc < 2;

	for (int i = 1; i < argc; i++) {
		char text[INET_ADDRSTRLEN];
		struct addrinfo *found;
		int rc = getaddrinfo(argv[i], NULL, &hints, &found);

		if (rc) {
			fprintf(stderr, "resolve: %s: %s\n", argv[i], gai_strerror(rc));
			failed = 1;
			continue;
		}
		inet_ntop(AF_INET, &((struct sockaddr_in *)found->ai_addr)->sin_addr, text,
			  sizeof(text));
		puts(text);
		freeaddrinfo(found);
	}
	return failed;
}
