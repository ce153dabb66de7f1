/*
 * Invitations as text: "entente1-" and base64url (RFC 4648) of msgpack with a
 * short hash at its end, so that a mistyped one is told from an unknown one.
 */
#include <entente/msgpack.h>

#include "store/directory.h"

#include <stdio.h>

#define TICKET_PREFIX "entente1-"
#define TICKET_CHECK_LEN 4u
#define TICKET_TEXT_MAX 2048u

static const char ALPHABET[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
base64url_put(struct ent_buf *out, struct ent_slice in)
{
    uint32_t bits = 0;
    unsigned count = 0;
    size_t i;

    for (i = 0; i < in.len; i++) {
        bits = bits << 8 | in.p[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            ent_buf_put_u8(out, (uint8_t)ALPHABET[bits >> count & 63]);
        }
    }
    if (count > 0) {
        ent_buf_put_u8(out, (uint8_t)ALPHABET[bits << (6 - count) & 63]);
    }
}

static bool
base64url_read(struct ent_buf *out, const char *text)
{
    uint32_t bits = 0;
    unsigned count = 0;

    for (; *text != '\0'; text++) {
        const char *at = strchr(ALPHABET, *text);

        if (at == NULL) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(at - ALPHABET);
        count += 6;
        if (count >= 8) {
            count -= 8;
            ent_buf_put_u8(out, (uint8_t)(bits >> count));
        }
        bits &= (1u << count) - 1;
    }
    return bits == 0 && count < 6; /* what is left over is padding */
}

static void
check_of(struct ent_slice body, uint8_t ret_check[TICKET_CHECK_LEN])
{
    struct ent_id id;

    ent_hash("entente/ticket/1", body, &id);
    memcpy(ret_check, id.b, TICKET_CHECK_LEN);
}

void
directory_ticket_psk(const struct ent_key *secret, struct ent_key *ret_psk)
{
    struct ent_id id;

    ent_hash("entente/invite-psk/1", ENT_SLICE_OF(*secret), &id);
    memcpy(ret_psk->b, id.b, sizeof(ret_psk->b));
    ent_wipe(&id, sizeof(id));
}

void
directory_ticket_encode(const struct directory_ticket *t, struct ent_buf *out)
{
    struct ent_buf body = {.is_secret = true};
    uint8_t check[TICKET_CHECK_LEN];
    size_t i;

    ent_mp_put_array(&body, 10);
    ent_mp_put_bin(&body, ENT_SLICE_OF(t->id));
    ent_mp_put_bin(&body, ENT_SLICE_OF(t->secret));
    ent_mp_put_bin(&body, ENT_SLICE_OF(t->circle));
    ent_mp_put_bin(&body, ENT_SLICE_OF(t->inviter));
    ent_mp_put_bin(&body, ENT_SLICE_OF(t->transport));
    ent_mp_put_uint(&body, t->role);
    ent_mp_put_uint(&body, t->expires_ms);
    ent_mp_put_cstr(&body, t->circle_name);
    ent_mp_put_cstr(&body, t->inviter_name);
    ent_mp_put_array(&body, t->address_count);
    for (i = 0; i < t->address_count; i++) {
        ent_mp_put_cstr(&body, t->addresses[i]);
    }
    check_of(ent_buf_slice(&body), check);
    ent_buf_put(&body, check, sizeof(check));
    ent_buf_put(out, TICKET_PREFIX, strlen(TICKET_PREFIX));
    base64url_put(out, ent_buf_slice(&body));
    ent_buf_release(&body);
}

static void
read_text(struct ent_mp *r, char *out, size_t max)
{
    struct ent_slice s = ent_mp_str(r, max);

    snprintf(out, max + 1, "%.*s", (int)s.len, (const char *)s.p);
}

static enum ent_status
read_body(struct ent_slice body, struct directory_ticket *t)
{
    struct ent_mp *r = ent_mp_begin(body);
    size_t i;

    ent_mp_enter(r, 10, 10);
    ent_mp_fixed(r, t->id, sizeof(t->id));
    ent_mp_fixed(r, t->secret.b, sizeof(t->secret.b));
    ent_mp_id(r, &t->circle);
    ent_mp_id(r, &t->inviter);
    ent_mp_fixed(r, t->transport.b, sizeof(t->transport.b));
    t->role = (uint8_t)ent_mp_uint(r, 255);
    t->expires_ms = ent_mp_uint(r, INT64_MAX);
    read_text(r, t->circle_name, ENT_NAME_MAX);
    read_text(r, t->inviter_name, ENT_NAME_MAX);
    t->address_count = ent_mp_enter(r, 0, ENT_ADDRESSES_MAX);
    for (i = 0; i < t->address_count; i++) {
        read_text(r, t->addresses[i], ENT_ADDRESS_MAX);
    }
    ent_mp_leave(r);
    ent_mp_leave(r);
    return ent_mp_end(r);
}

enum ent_status
directory_ticket_decode(const char *text, struct directory_ticket *ret_ticket)
{
    struct ent_buf body = {.is_secret = true};
    uint8_t check[TICKET_CHECK_LEN];
    enum ent_status st = ENT_PEER_MALFORMED;
    size_t len;

    *ret_ticket = (struct directory_ticket){0};
    if (strlen(text) > TICKET_TEXT_MAX ||
        strncmp(text, TICKET_PREFIX, strlen(TICKET_PREFIX)) != 0) {
        return st;
    }
    if (base64url_read(&body, text + strlen(TICKET_PREFIX)) &&
        body.len > TICKET_CHECK_LEN) {
        len = body.len - TICKET_CHECK_LEN;
        check_of(ent_slice(body.p, len), check);
        if (memcmp(check, body.p + len, TICKET_CHECK_LEN) == 0) {
            st = read_body(ent_slice(body.p, len), ret_ticket);
        }
    }
    ent_buf_release(&body);
    return st;
}
