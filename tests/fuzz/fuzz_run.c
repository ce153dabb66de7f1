/*
 * Runs. An even first byte: the rest is a run as it came. An odd one: the rest
 * describes entries, which are chained and signed, so that what stands behind
 * the signature is reached: such a run is accepted exactly when each of its
 * entries passes its own checks, and written again it is the same bytes. Its
 * other bits write the same signed entries in ways that ent_run_encode has
 * not: whatever is accepted must be what it would write.
 */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include <entente/limits.h>
#include <entente/msgpack.h>
#include <entente/run.h>

#define ENTRIES_MAX 6u

static const struct ent_key author_secret = {{0x42}};

/* Encodes what was accepted: it must be the input. */
static void
check_same(const struct ent_run *run, struct ent_slice in)
{
    struct ent_buf again = {0};
    enum ent_status st =
        ent_run_encode(run->entries, run->count, &run->sig, &again);

    ENT_ASSERT(st == ENT_OK);
    ENT_ASSERT(ent_slice_eq(ent_buf_slice(&again), in));
    ent_buf_release(&again);
}

static bool
check(struct ent_slice in)
{
    enum ent_status st = ENT_SELF_IO;
    struct ent_run *run = ent_run_verify(in, &st);
    bool is_accepted = run != NULL;

    ENT_ASSERT(is_accepted == (st == ENT_OK));
    ENT_ASSERT(is_accepted || ent_status_is_peer(st));
    if (is_accepted) {
        ENT_ASSERT(run->count > 0 && run->count <= ENT_RUN_ENTRIES_MAX);
        ENT_ASSERT(run->encoded_len == in.len);
        check_same(run, in);
    }
    ent_run_free(run);
    return is_accepted;
}

struct built {
    struct ent_entry entries[ENTRIES_MAX];
    struct ent_id deps[ENTRIES_MAX][ENT_DEPS_MAX + 1];
    size_t count;
    bool is_good;
};

/* An entry by the fuzzer's choice, at its place in the log. */
static void
build_entry(struct bytes *in, struct built *b, const struct ent_id *node)
{
    struct ent_entry *e = &b->entries[b->count];
    const struct ent_entry *before = b->count > 0 ? e - 1 : NULL;
    uint8_t bits = bytes_u8(in);
    size_t i;

    *e = (struct ent_entry){.class = bits & 3u, .node = *node, .inc = 7};
    e->flags = (bits & 4u) != 0 ? ENT_FLAG_GENESIS : 0;
    e->seq = before != NULL ? before->seq + 1 : (bits & 8u) >> 3;
    e->hlc = bytes_number(in, 8);
    if ((bits & 16u) != 0) {
        e->epoch = bytes_id(in, 3);
    }
    e->space = before != NULL ? *ent_entry_space_id(before) : bytes_id(in, 2);
    if (before != NULL) {
        e->prev = before->id;
    } else if (e->seq > 0) {
        e->prev = bytes_id(in, 2);
    }
    e->dep_count = (bits & 32u) != 0 ? bytes_u8(in) % (ENT_DEPS_MAX + 1) : 0;
    e->deps = b->deps[b->count];
    for (i = 0; i < e->dep_count; i++) {
        b->deps[b->count][i] = bytes_id(in, 30);
    }
    e->has_payload = (bits & 64u) == 0;
    e->payload_len = bytes_u16(in);
    if (e->has_payload) {
        e->payload = bytes_take(in, e->payload_len);
    } else {
        e->payload_hash = bytes_id(in, 2);
    }
    ent_entry_finish(e);
    b->is_good = b->is_good && ent_entry_check(e) == ENT_OK &&
                 (e->flags == 0 || before == NULL) &&
                 (e->has_payload || e->class == ENT_CLASS_SEALED);
    b->count++;
}

/* How a run is written otherwise than it should be. */
enum {
    ODD_EPOCH_MORE = 2,   /* an epoch in the table that nobody uses … */
    ODD_EPOCH_FIRST = 4,  /* … at its front */
    ODD_HLC = 8,          /* the first entry's difference is not 0 */
    ODD_EPOCH_TWICE = 16, /* each entry has an epoch of its own in the table */
    ODD_DEPS = 32,        /* deps that are none are there, and empty */
};

static void
put_id_or_nil(struct ent_buf *out, const struct ent_id *id, bool is_there)
{
    if (is_there) {
        ent_mp_put_bin(out, ENT_SLICE_OF(*id));
    } else {
        ent_mp_put_nil(out);
    }
}

/* Entry `i`'s epoch is at place i + 1 of the table, or one further on. */
static void
put_odd_entry(const struct built *b, size_t i, unsigned odd,
              struct ent_buf *out)
{
    const struct ent_entry *e = &b->entries[i];
    uint64_t before = i > 0 ? b->entries[i - 1].hlc : e->hlc;
    bool has_deps = e->dep_count > 0 || (odd & ODD_DEPS) != 0;
    uint64_t d = e->hlc - before;
    size_t k;

    if (i == 0 && (odd & ODD_HLC) != 0) {
        d = 1;
    }
    ent_mp_put_array(out, has_deps ? 5 : 4);
    ent_mp_put_uint(out, (uint64_t)e->flags << 2 | e->class);
    ent_mp_put_uint(out, (d << 1) ^ (0 - (d >> 63)));
    ent_mp_put_uint(out, ent_id_is_zero(&e->epoch) ? 0
                         : (odd & ODD_EPOCH_TWICE) != 0
                             ? i + 1
                             : 1 + ((odd & ODD_EPOCH_FIRST) != 0 ? 1u : 0u));
    if (e->has_payload) {
        ent_mp_put_bin(out, e->payload);
    } else {
        ent_mp_put_array(out, 2);
        ent_mp_put_bin(out, ENT_SLICE_OF(e->payload_hash));
        ent_mp_put_uint(out, e->payload_len);
    }
    if (has_deps) {
        ent_mp_put_array(out, e->dep_count);
        for (k = 0; k < e->dep_count; k++) {
            ent_mp_put_bin(out, ENT_SLICE_OF(e->deps[k]));
        }
    }
}

/* The table of epochs: that of the last entry, or each entry's. */
static void
put_odd_epochs(const struct built *b, unsigned odd, struct ent_buf *out)
{
    static const struct ent_id other = {{0xee}};
    bool has_more = (odd & (ODD_EPOCH_MORE | ODD_EPOCH_FIRST)) != 0;
    size_t count = (odd & ODD_EPOCH_TWICE) != 0 ? b->count : 1;
    size_t i;

    ent_mp_put_array(out, count + (has_more ? 1 : 0));
    if ((odd & ODD_EPOCH_FIRST) != 0) {
        ent_mp_put_bin(out, ENT_SLICE_OF(other));
    }
    for (i = 0; i < count; i++) {
        size_t at = count == 1 ? b->count - 1 : i;

        ent_mp_put_bin(out, ENT_SLICE_OF(b->entries[at].epoch));
    }
    if (has_more && (odd & ODD_EPOCH_FIRST) == 0) {
        ent_mp_put_bin(out, ENT_SLICE_OF(other));
    }
}

static void
check_odd(const struct built *b, unsigned odd, const struct ent_sig *sig)
{
    const struct ent_entry *first = &b->entries[0];
    struct ent_buf out = {0};
    size_t i;

    ent_mp_put_array(&out, 10);
    ent_mp_put_bin(&out, ENT_SLICE_OF(*ent_entry_space_id(first)));
    ent_mp_put_bin(&out, ENT_SLICE_OF(first->node));
    ent_mp_put_uint(&out, first->inc);
    ent_mp_put_uint(&out, first->seq);
    put_id_or_nil(&out, &first->prev, first->seq > 0);
    put_id_or_nil(&out, &first->space, first->flags != 0);
    put_odd_epochs(b, odd, &out);
    ent_mp_put_uint(&out, first->hlc - ((odd & ODD_HLC) != 0 ? 1 : 0));
    ent_mp_put_array(&out, b->count);
    for (i = 0; i < b->count; i++) {
        put_odd_entry(b, i, odd, &out);
    }
    ent_mp_put_bin(&out, ENT_SLICE_OF(*sig));
    (void)check(ent_buf_slice(&out));
    ent_buf_release(&out);
}

static void
check_built(struct bytes *in, unsigned odd)
{
    static struct built b;
    struct ent_buf bytes = {0};
    struct ent_id node;
    struct ent_sig sig;

    memset(&b, 0, sizeof(b));
    b.is_good = true;
    ent_sign_public(&author_secret, &node);
    do {
        build_entry(in, &b, &node);
        /* A genesis further on would be of another space. */
        if (b.count > 1 && b.entries[b.count - 1].flags != 0) {
            return;
        }
    } while (in->left > 0 && b.count < ENTRIES_MAX);
    ent_entry_sign(&author_secret, &b.entries[b.count - 1].id, &sig);
    if (ent_run_encode(b.entries, b.count, &sig, &bytes) == ENT_OK) {
        ENT_ASSERT(check(ent_buf_slice(&bytes)) == b.is_good);
    }
    check_odd(&b, odd, &sig);
    ent_buf_release(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    uint8_t first = bytes_u8(&in);

    if ((first & 1) != 0) {
        check_built(&in, first);
    } else {
        (void)check(bytes_take(&in, SIZE_MAX));
    }
    return 0;
}
