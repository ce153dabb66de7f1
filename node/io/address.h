/*
 * Addresses as people write them ("host:port", "[::1]:7447") and the prefix
 * that strangers are counted by: a /24 for IPv4, a /64 for IPv6, and in
 * 127.0.0.0/8 and for ::1 each address for itself.
 */
#ifndef NODE_IO_ADDRESS_H
#define NODE_IO_ADDRESS_H

#include <entente/base.h>

struct sockaddr;
struct sockaddr_storage;

#define ADDRESS_TEXT_MAX 64u

struct address_parts {
    char host[128]; /* without brackets */
    char port[6];
};

/* ENT_RULE_USAGE when it is not host:port with a port of 0 to 65535. */
ENT_MUST_USE enum ent_status address_split(const char *text,
                                           struct address_parts *ret_parts);

/* The same for an address in numbers, without asking anybody.
 * ENT_RULE_USAGE when it is not one: then it must be resolved. */
ENT_MUST_USE enum ent_status address_parse(const char *text,
                                           struct sockaddr_storage *ret_addr);

/* "127.0.0.1:7447", "[::1]:7447". Returns `ret_text`. */
const char *address_text(const struct sockaddr *addr,
                         char ret_text[ADDRESS_TEXT_MAX]);

struct address_prefix {
    uint8_t b[16];
};
void address_prefix(const struct sockaddr *addr,
                    struct address_prefix *ret_prefix);

#endif
