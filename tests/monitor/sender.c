// SPDX-License-Identifier: GPL-2.0-only
/*
 * sender ADDRESS PORT PER_SECOND: sends small datagrams for ever, and says when it became possible
 * or impossible: `open MS` or `closed MS` (CLOCK_REALTIME), a line each; MS is when the first was
 * tried that passed, or the last one. So a machine that is busy makes nothing later than it was.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct itimerspec it = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	long long passed = 0;
	int was = -1;

	if (argc != 4 || fd < 0 || timer < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 1;
	to.sin_port = htons((unsigned short)atoi(argv[2]));
	it.it_interval.tv_nsec = it.it_value.tv_nsec = 1000000000 / atoi(argv[3]);
	timerfd_settime(timer, 0, &it, NULL);
	for (;;) {
		unsigned long long n;
		struct timespec ts;
		long long now;
		int is;

		clock_gettime(CLOCK_REALTIME, &ts);
		now = ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
		is = sendto(fd, "leak?", 5, 0, (struct sockaddr *)&to, sizeof(to)) == 5;
		if (is != was) {
			printf("%s %lld\n", is ? "open" : "closed", is || !passed ? now : passed);
			fflush(stdout);
			was = is;
		}
		passed = is ? now : passed;
		if (read(timer, &n, sizeof(n)) != sizeof(n))
			return 1;
	}
}
