/* Invitations as text. An even first byte: the rest is the text. An odd one:
 * the rest is what the text carries, given its check and its letters, so that
 * what stands behind the check is reached. */
#include "fuzz/fuzz.h"

#include "store/directory.h"

#include <stdlib.h>

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Read, written and read again it is the same invitation. */
static void
check(const char *text)
{
    struct directory_ticket ticket;
    struct ent_buf once = {0};
    struct ent_buf twice = {0};
    enum ent_status st = directory_ticket_decode(text, &ticket);

    ENT_ASSERT(st == ENT_OK || ent_status_is_peer(st));
    if (st == ENT_OK) {
        ENT_ASSERT(ticket.address_count <= ENT_ADDRESSES_MAX);
        directory_ticket_encode(&ticket, &once);
        ent_buf_put_u8(&once, 0);
        ENT_ASSERT(directory_ticket_decode((const char *)once.p, &ticket) ==
                   ENT_OK);
        directory_ticket_encode(&ticket, &twice);
        ent_buf_put_u8(&twice, 0);
        ENT_ASSERT(ent_slice_eq(ent_buf_slice(&once), ent_buf_slice(&twice)));
    }
    ent_buf_release(&once);
    ent_buf_release(&twice);
}

/* base64url, one letter after the other. */
static void
put_letters(struct ent_buf *out, struct ent_slice in)
{
    size_t bit;

    for (bit = 0; bit < in.len * 8; bit += 6) {
        unsigned two = (unsigned)in.p[bit / 8] << 8;

        if (bit / 8 + 1 < in.len) {
            two |= in.p[bit / 8 + 1];
        }
        ent_buf_put_u8(out, (uint8_t)letters[two >> (10 - bit % 8) & 63]);
    }
}

static void
check_carried(struct ent_slice carried)
{
    struct ent_buf body = {0};
    struct ent_buf text = {0};
    struct ent_id sum;

    ent_hash("entente/ticket/1", carried, &sum);
    ent_buf_put_slice(&body, carried);
    ent_buf_put(&body, sum.b, 4);
    ent_buf_put_slice(&text, ent_slice_str("entente1-"));
    put_letters(&text, ent_buf_slice(&body));
    ent_buf_put_u8(&text, 0);
    check((const char *)text.p);
    ent_buf_release(&body);
    ent_buf_release(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;

    if (size > 0 && (data[0] & 1) != 0) {
        check_carried(ent_slice(data + 1, size - 1));
        return 0;
    }
    text = ent_alloc_zero(1, size + 1);
    if (size > 0) {
        memcpy(text, data + 1, size - 1);
    }
    check(text);
    free(text);
    return 0;
}
