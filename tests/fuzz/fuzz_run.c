/*
 * Runs. An even first byte: the rest is a run as it came. An odd one: the rest
 * describes entries, which are chained and signed, so that what stands behind
 * the signature is reached: such a run is accepted exactly when each of its
 * entries passes its own checks, and written again it is the same bytes.
 */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include <entente/limits.h>
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

static void
check_built(struct bytes *in)
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
    ent_buf_release(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};

    if ((bytes_u8(&in) & 1) != 0) {
        check_built(&in);
    } else {
        (void)check(bytes_take(&in, SIZE_MAX));
    }
    return 0;
}
