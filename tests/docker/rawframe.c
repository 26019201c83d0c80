/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rawframe DEVICE ADDRESS MAC...: the first act of the process is to send, past every hook that
 * sits on sockets: a datagram to port 7777 of ADDRESS in a frame of its own, from AF_PACKET, three
 * times to each MAC. Says `frames N`: how many the device took.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	char text[8];
} __attribute__((packed));

static uint16_t sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t n = 0;

	for (size_t i = 0; i < len; i += 2)
		n += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (n >> 16)
		n = (n & 0xffff) + (n >> 16);
	return htons((uint16_t)~n);
}

int main(int argc, char **argv)
{
	struct frame f = { .eth.h_proto = htons(ETH_P_IP), .text = "rawframe" };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct ifreq ifr = { 0 };
	int fd, sent = 0;

	if (argc < 4)
		return 64;
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argv[1]);
	if (fd < 0 || !to.sll_ifindex || ioctl(fd, SIOCGIFHWADDR, &ifr))
		return 1;
	memcpy(f.eth.h_source, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	if (ioctl(fd, SIOCGIFADDR, &ifr) == 0)
		f.ip.saddr = ((struct sockaddr_in *)&ifr.ifr_addr)->sin_addr.s_addr;
	f.ip.version = 4;
	f.ip.ihl = 5;
	f.ip.ttl = 64;
	f.ip.protocol = IPPROTO_UDP;
	f.ip.tot_len = htons(sizeof(f) - sizeof(f.eth));
	if (inet_pton(AF_INET, argv[2], &f.ip.daddr) != 1)
		return 64;
	f.ip.check = sum(&f.ip, sizeof(f.ip));
	f.udp.source = f.udp.dest = htons(7777);
	f.udp.len = htons(sizeof(f.udp) + sizeof(f.text));
	for (int i = 3; i < 3 * argc - 6; i++) {
		uint8_t *m = f.eth.h_dest;

		if (sscanf(argv[3 + (i - 3) % (argc - 3)], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m,
			   m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
			return 64;
		sent += sendto(fd, &f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to)) ==
			sizeof(f);
	}
	printf("frames %d\n", sent);
	close(fd);
	return 0;
}
