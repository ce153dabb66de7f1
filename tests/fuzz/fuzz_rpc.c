/* Local calls. An even first byte: the rest is a frame as it came. An odd one:
 * the rest is given its length. Every shorter piece of a frame asks for more;
 * a message that was read is the same after it was written and read again. */
#include "fuzz/fuzz.h"

#include <entente/rpc.h>

#define LENGTH_BYTES 4u

static void
check_again(const struct rpc_message *m)
{
    struct rpc_message again;
    struct ent_buf once = {0};
    struct ent_buf twice = {0};
    size_t used = 0;

    rpc_encode(m, &once);
    ENT_ASSERT(!once.failed);
    ENT_ASSERT(rpc_decode(ent_buf_slice(&once), &again, &used) == ENT_OK);
    ENT_ASSERT(used == once.len && again.kind == m->kind);
    rpc_encode(&again, &twice);
    ENT_ASSERT(ent_slice_eq(ent_buf_slice(&once), ent_buf_slice(&twice)));
    rpc_message_release(&again);
    ent_buf_release(&once);
    ent_buf_release(&twice);
}

static void
check(struct ent_slice in)
{
    struct rpc_message m;
    size_t used = 0;
    enum ent_status st = rpc_decode(in, &m, &used);

    ENT_ASSERT(st == ENT_OK || st == ENT_WANT_MORE || ent_status_is_peer(st));
    if (st != ENT_OK) {
        return;
    }
    ENT_ASSERT(used >= LENGTH_BYTES && used <= in.len);
    check_again(&m);
    rpc_message_release(&m);
    ENT_ASSERT(rpc_decode(ent_slice(in.p, used - 1), &m, &used) ==
               ENT_WANT_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ent_buf frame = {0};

    if (size == 0) {
        return 0;
    }
    if ((data[0] & 1) != 0) {
        ent_buf_put_u32(&frame, (uint32_t)(size - 1));
    }
    ent_buf_put(&frame, data + 1, size - 1);
    check(ent_buf_slice(&frame));
    ent_buf_release(&frame);
    return 0;
}
