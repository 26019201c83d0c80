/* SPDX-License-Identifier: GPL-2.0-only */
/* A DNS server that knows one answer a type, and tells who asked for what. */
#ifndef SERVER_H
#define SERVER_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct server_dns {
	const char *place;
	int log;
};

/*
 * Answers the query in buf in place; returns the answer's length, 0 for what is not a query. The
 * answer to A is 10.53.0.1 from gw, 10.53.0.2 from docker, 10.53.0.3 from elsewhere; to anything
 * else it is empty.
 */
size_t server_answer(const struct server_dns *dns, const char *proto, const char *asked,
		     uint8_t *buf, size_t len, size_t room);
/* As text, IPv4-mapped ones as IPv4. */
void server_address(const struct in6_addr *a, char *ret, size_t size);
void server_own_address(int fd, char *ret, size_t size);
int server_own_port(int fd);

#endif /* SERVER_H */
