/*
 * Cards. The body is a fixed layout, because it is signed:
 *
 *   "ENTC" · version 1 · sector 1 · node 32 · number 4 · transport 32
 *   · sealing 32 · name · languages · count 1 · addresses
 *
 * where a text is its length in 2 bytes and its bytes. On the wire it is
 * msgpack [body bin, signature bin].
 */
#include <entente/control.h>
#include <entente/msgpack.h>

#define VERSION 1u
#define LANGUAGES_MAX 64u
#define BODY_MAX 2048u
#define DOMAIN "entente/card/1"

static const char magic[4] = {'E', 'N', 'T', 'C'};

static bool
text_is_allowed(struct ent_slice s, size_t min, size_t max)
{
    return s.len >= min && s.len <= max && ent_utf8_is_valid(s);
}

static bool
card_is_allowed(const struct ent_card *card)
{
    size_t i;

    if (ent_sector_name(card->sector) == NULL ||
        !text_is_allowed(card->name, 1, ENT_NAME_MAX) ||
        !text_is_allowed(card->languages, 0, LANGUAGES_MAX) ||
        card->address_count > ENT_ADDRESSES_MAX) {
        return false;
    }
    for (i = 0; i < card->address_count; i++) {
        if (!text_is_allowed(card->addresses[i], 1, ENT_ADDRESS_MAX)) {
            return false;
        }
    }
    return true;
}

static void
put_text(struct ent_buf *body, struct ent_slice s)
{
    ent_buf_put_u16(body, (uint16_t)s.len);
    ent_buf_put_slice(body, s);
}

static void
put_body(struct ent_buf *body, const struct ent_card *card)
{
    size_t i;

    ent_buf_put(body, magic, sizeof(magic));
    ent_buf_put_u8(body, VERSION);
    ent_buf_put_u8(body, card->sector);
    ent_buf_put(body, card->node.b, sizeof(card->node.b));
    ent_buf_put_u32(body, card->number);
    ent_buf_put(body, card->transport.b, sizeof(card->transport.b));
    ent_buf_put(body, card->sealing.b, sizeof(card->sealing.b));
    put_text(body, card->name);
    put_text(body, card->languages);
    ent_buf_put_u8(body, (uint8_t)card->address_count);
    for (i = 0; i < card->address_count; i++) {
        put_text(body, card->addresses[i]);
    }
}

void
ent_card_encode(const struct ent_card *card, const struct ent_key *sign_secret,
                struct ent_buf *out)
{
    struct ent_buf body = {.max = BODY_MAX};
    struct ent_sig sig;

    if (!card_is_allowed(card)) {
        out->failed = true;
        return;
    }
    put_body(&body, card);
    ENT_ASSERT(!body.failed);
    ent_sign(sign_secret, DOMAIN, ent_buf_slice(&body), &sig);
    ent_mp_put_array(out, 2);
    ent_mp_put_bin(out, ent_buf_slice(&body));
    ent_mp_put_bin(out, ENT_SLICE_OF(sig));
    ent_buf_release(&body);
}

/* A cursor over the body: past its end everything reads as zeros. */
struct cursor {
    struct ent_slice rest;
    bool has_failed;
};

static struct ent_slice
take(struct cursor *c, size_t len)
{
    struct ent_slice s = {0};

    if (c->has_failed || len > c->rest.len) {
        c->has_failed = true;
        return s;
    }
    s = ent_slice(c->rest.p, len);
    c->rest = ent_slice(c->rest.p + len, c->rest.len - len);
    return s;
}

static void
take_fixed(struct cursor *c, void *ret_p, size_t len)
{
    struct ent_slice s = take(c, len);

    if (s.len == len) {
        memcpy(ret_p, s.p, len);
    } else {
        memset(ret_p, 0, len);
    }
}

static struct ent_slice
take_text(struct cursor *c)
{
    uint8_t len[2];

    take_fixed(c, len, sizeof(len));
    return take(c, ent_get_u16(len));
}

static enum ent_status
read_body(struct ent_slice body, struct ent_card *card)
{
    struct cursor c = {.rest = body};
    uint8_t head[6];
    uint8_t number[4];
    uint8_t count;
    size_t i;

    take_fixed(&c, head, sizeof(head));
    card->sector = head[5];
    take_fixed(&c, card->node.b, sizeof(card->node.b));
    take_fixed(&c, number, sizeof(number));
    card->number = ent_get_u32(number);
    take_fixed(&c, card->transport.b, sizeof(card->transport.b));
    take_fixed(&c, card->sealing.b, sizeof(card->sealing.b));
    card->name = take_text(&c);
    card->languages = take_text(&c);
    take_fixed(&c, &count, sizeof(count));
    card->address_count = count;
    for (i = 0; i < count && i < ENT_ADDRESSES_MAX; i++) {
        card->addresses[i] = take_text(&c);
    }
    if (c.has_failed || c.rest.len != 0 || head[4] != VERSION ||
        memcmp(head, magic, sizeof(magic)) != 0 || !card_is_allowed(card)) {
        return ENT_PEER_MALFORMED;
    }
    return ENT_OK;
}

/* PROTO §1.2: "The body ends there and has at most 2,048 bytes." */
enum ent_status
ent_card_decode(struct ent_slice bytes, struct ent_card *ret_card)
{
    struct ent_mp *r = ent_mp_begin(bytes);
    struct ent_card card = {.number = 0};
    struct ent_slice body;
    struct ent_sig sig;
    enum ent_status st;

    ent_mp_enter(r, 2, 2);
    body = ent_mp_bin(r, 1, SIZE_MAX);
    ent_mp_fixed(r, sig.b, sizeof(sig.b));
    ent_mp_leave(r);
    if (ent_mp_end(r) != ENT_OK || body.len > BODY_MAX) {
        return ENT_PEER_MALFORMED;
    }
    st = read_body(body, &card);
    if (st != ENT_OK) {
        return st;
    }
    if (!ent_verify(&card.node, DOMAIN, body, &sig)) {
        return ENT_PEER_BAD_SIG;
    }
    *ret_card = card;
    return ENT_OK;
}
