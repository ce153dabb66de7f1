/* The strict msgpack door: a value has one encoding, so what was read and is
 * written again is the input, byte for byte. */
#include "fuzz/fuzz.h"

#include <entente/msgpack.h>

/* Copies one element from `r` to `out`; depth is bounded by the reader. */
static void
copy(struct ent_mp *r, struct ent_buf *out)
{
    size_t count;
    size_t i;

    switch (ent_mp_peek(r)) {
    case ENT_MP_NONE:
        ent_mp_fail(r, ENT_PEER_MALFORMED);
        break;
    case ENT_MP_NIL:
        ENT_ASSERT(ent_mp_nil(r));
        ent_mp_put_nil(out);
        break;
    case ENT_MP_UINT:
        ent_mp_put_uint(out, ent_mp_uint(r, UINT64_MAX));
        break;
    case ENT_MP_INT:
        ent_mp_put_int(out, ent_mp_int(r));
        break;
    case ENT_MP_BIN:
        ent_mp_put_bin(out, ent_mp_bin(r, 0, SIZE_MAX));
        break;
    case ENT_MP_STR:
        ent_mp_put_str(out, ent_mp_str(r, SIZE_MAX));
        break;
    case ENT_MP_ARRAY:
        count = ent_mp_enter(r, 0, SIZE_MAX);
        ent_mp_put_array(out, count);
        for (i = 0; i < count; i++) {
            copy(r, out);
        }
        ENT_ASSERT(ent_mp_left(r) == 0);
        ent_mp_leave(r);
        break;
    }
}

/* The input as one element that nobody looks into. */
static bool
is_whole(struct ent_slice in)
{
    struct ent_mp *r = ent_mp_begin(in);
    struct ent_slice raw = ent_mp_raw(r);
    bool is_all = raw.len == in.len && (raw.len == 0 || raw.p == in.p);

    return ent_mp_end(r) == ENT_OK && is_all;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ent_slice in = ent_slice(data, size);
    struct ent_mp *r = ent_mp_begin(in);
    struct ent_buf out = {0};
    bool is_refused = ent_mp_has_failed(r);
    enum ent_status st;

    if (!is_refused) {
        copy(r, &out);
    }
    st = ent_mp_end(r);
    ENT_ASSERT((st == ENT_OK) == !is_refused);
    ENT_ASSERT(st == ENT_OK || ent_status_is_peer(st));
    ENT_ASSERT(is_refused || ent_slice_eq(ent_buf_slice(&out), in));
    ENT_ASSERT(is_whole(in) == !is_refused);
    ent_buf_release(&out);
    return 0;
}
