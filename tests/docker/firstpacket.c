/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * firstpacket ADDRESS TAG [stay]: the first act of the process is to send. Five datagrams to port
 * 7777 with TAG in them and one TCP connection to port 7778, before anything else could have set up
 * anything. Says what came of it, `sent N connect ERROR`, and with `stay` waits to be killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7777) };
	int udp, tcp, sent = 0, rc;

	if (argc < 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 64;
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 5; i++)
		sent += sendto(udp, argv[2], strlen(argv[2]), 0, (struct sockaddr *)&to,
			       sizeof(to)) > 0;
	/* Without waiting: whether its SYN leaves is the question, not whether one answers. */
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	to.sin_port = htons(7778);
	rc = connect(tcp, (struct sockaddr *)&to, sizeof(to));
	printf("sent %d connect %s\n", sent, rc ? strerror(errno) : "done");
	fflush(stdout);
	if (argc > 3)
		pause();
	close(tcp);
	close(udp);
	return 0;
}
