/* Addresses as text, and the prefixes that strangers are counted by. */
#include "io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

static bool
is_port(const char *text)
{
    unsigned port = 0;

    if (*text == '\0' || strlen(text) > 5) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            return false;
        }
        port = port * 10u + (unsigned)(*p - '0');
    }
    return port <= 65535u;
}

static unsigned
port_of(const char *text)
{
    unsigned port = 0;

    for (const char *p = text; *p != '\0'; p++) {
        port = port * 10u + (unsigned)(*p - '0');
    }
    return port;
}

enum ent_status
address_split(const char *text, struct address_parts *ret_parts)
{
    const char *colon = strrchr(text, ':');
    const char *host = text;
    size_t len;

    if (colon == NULL || !is_port(colon + 1)) {
        return ENT_RULE_USAGE;
    }
    len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && colon[-1] == ']') {
        host++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return ENT_RULE_USAGE; /* IPv6 needs its brackets */
    }
    if (len == 0 || len >= sizeof(ret_parts->host)) {
        return ENT_RULE_USAGE;
    }
    memcpy(ret_parts->host, host, len);
    ret_parts->host[len] = '\0';
    snprintf(ret_parts->port, sizeof(ret_parts->port), "%s", colon + 1);
    return ENT_OK;
}

enum ent_status
address_parse(const char *text, struct sockaddr_storage *ret_addr)
{
    struct address_parts parts;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (address_split(text, &parts) != ENT_OK) {
        return ENT_RULE_USAGE;
    }
    *ret_addr = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, parts.host, &v4.sin_addr) == 1) {
        v4.sin_port = htons((uint16_t)port_of(parts.port));
        memcpy(ret_addr, &v4, sizeof(v4));
        return ENT_OK;
    }
    if (inet_pton(AF_INET6, parts.host, &v6.sin6_addr) == 1) {
        v6.sin6_port = htons((uint16_t)port_of(parts.port));
        memcpy(ret_addr, &v6, sizeof(v6));
        return ENT_OK;
    }
    return ENT_RULE_USAGE;
}

/* An IPv4 address that came over an IPv6 socket is an IPv4 address. */
static bool
mapped_v4(const struct sockaddr_in6 *v6, uint8_t ret_v4[4])
{
    if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        return false;
    }
    memcpy(ret_v4, v6->sin6_addr.s6_addr + 12, 4);
    return true;
}

/* Family, address and port, whatever the socket's own family is. */
static void
take_apart(const struct sockaddr *addr, struct sockaddr_in6 *ret_v6,
           uint8_t ret_v4[4], bool *ret_is_v4, unsigned *ret_port)
{
    struct sockaddr_in v4;

    if (addr->sa_family == AF_INET) {
        memcpy(&v4, addr, sizeof(v4));
        memcpy(ret_v4, &v4.sin_addr, 4);
        *ret_is_v4 = true;
        *ret_port = ntohs(v4.sin_port);
        return;
    }
    ENT_ASSERT(addr->sa_family == AF_INET6);
    memcpy(ret_v6, addr, sizeof(*ret_v6));
    *ret_is_v4 = mapped_v4(ret_v6, ret_v4);
    *ret_port = ntohs(ret_v6->sin6_port);
}

const char *
address_text(const struct sockaddr *addr, char ret_text[ADDRESS_TEXT_MAX])
{
    struct sockaddr_in6 v6 = {0};
    char host[INET6_ADDRSTRLEN] = "";
    uint8_t v4[4] = {0};
    bool is_v4;
    unsigned port;

    take_apart(addr, &v6, v4, &is_v4, &port);
    if (is_v4) {
        inet_ntop(AF_INET, v4, host, sizeof(host));
        snprintf(ret_text, ADDRESS_TEXT_MAX, "%s:%u", host, port);
    } else {
        inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
        snprintf(ret_text, ADDRESS_TEXT_MAX, "[%s]:%u", host, port);
    }
    return ret_text;
}

void
address_prefix(const struct sockaddr *addr, struct address_prefix *ret_prefix)
{
    struct sockaddr_in6 v6 = {0};
    uint8_t v4[4] = {0};
    bool is_v4;
    unsigned port;

    *ret_prefix = (struct address_prefix){0};
    take_apart(addr, &v6, v4, &is_v4, &port);
    if (is_v4) {
        ret_prefix->b[0] = 4;
        memcpy(ret_prefix->b + 1, v4, v4[0] == 127 ? 4 : 3);
        return;
    }
    if (IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
        ret_prefix->b[0] = 1;
        return;
    }
    ret_prefix->b[0] = 6;
    memcpy(ret_prefix->b + 1, v6.sin6_addr.s6_addr, 8);
}
