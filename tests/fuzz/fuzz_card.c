/* Cards. An even first byte: the rest is the card as it came. An odd one: the
 * rest is a body, which is given its node and a good signature, so that what
 * comes after the signature is reached too. */
#include "fuzz/fuzz.h"

#include <entente/control.h>
#include <entente/msgpack.h>

#define NODE_AT 6u

static const struct ent_key node_secret = {{0x42}};

/* One card has one encoding. */
static void
check(struct ent_slice in)
{
    struct ent_buf again = {0};
    struct ent_card card;
    struct ent_id node;
    enum ent_status st = ent_card_decode(in, &card);

    ENT_ASSERT(st == ENT_OK || st == ENT_PEER_MALFORMED ||
               st == ENT_PEER_BAD_SIG);
    ent_sign_public(&node_secret, &node);
    if (st == ENT_OK && ent_id_eq(&card.node, &node)) {
        ent_card_encode(&card, &node_secret, &again);
        ENT_ASSERT(!again.failed);
        ENT_ASSERT(ent_slice_eq(ent_buf_slice(&again), in));
    }
    ent_buf_release(&again);
}

static void
check_signed(struct ent_slice in)
{
    struct ent_buf body = {0};
    struct ent_buf card = {0};
    struct ent_sig sig;
    struct ent_id node;

    ent_buf_put_slice(&body, in);
    ent_sign_public(&node_secret, &node);
    if (body.len >= NODE_AT + sizeof(node)) {
        memcpy(body.p + NODE_AT, node.b, sizeof(node));
    }
    ent_sign(&node_secret, "entente/card/1", ent_buf_slice(&body), &sig);
    ent_mp_put_array(&card, 2);
    ent_mp_put_bin(&card, ent_buf_slice(&body));
    ent_mp_put_bin(&card, ENT_SLICE_OF(sig));
    check(ent_buf_slice(&card));
    ent_buf_release(&body);
    ent_buf_release(&card);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        check(ent_slice(NULL, 0));
    } else if ((data[0] & 1) == 0) {
        check(ent_slice(data + 1, size - 1));
    } else {
        check_signed(ent_slice(data + 1, size - 1));
    }
    return 0;
}
