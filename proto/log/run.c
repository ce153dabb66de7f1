/*
 * The wire form of runs.
 *
 * run   = [space, node, inc, first seq, prev | nil, genesis | nil,
 *          [epoch id…], first hlc, [entry…], signature]
 * entry = [flags << 2 | class, zigzag(hlc - hlc before), epoch,
 *          payload | [hash, length], [dep…]?]
 *
 * `space` is always the space's id; `genesis` is the random space field of a
 * genesis entry. `epoch` is 0 for none, or a place in the table of epoch ids,
 * which is in order of first use. The deps are left out when there are none.
 * One run has one encoding, so no bit of it can change unseen. An entry
 * without deps costs at most 15 bytes beside its payload.
 *
 * Decoding uses two blocks of memory, both bounded by the length of the
 * input: one for ids, one for the entries.
 */
#include <entente/limits.h>
#include <entente/msgpack.h>
#include <entente/run.h>

#include <stdlib.h>

#define RUN_FIELDS 10u
#define ENCODED_ID_LEN 34u /* bin 8 with 32 bytes */
#define HEAD_MAX ((UINT32_C(0xffff) << 2) | 3u)

/* PROTO §3.3: "`zigzag(d)` of the signed 64-bit difference is `d << 1 xor d >>
 * 63` (arithmetic shift)." */
static uint64_t
zigzag(uint64_t delta)
{
    return (delta << 1) ^ (0 - (delta >> 63));
}

static uint64_t
unzigzag(uint64_t v)
{
    return (v >> 1) ^ (0 - (v & 1));
}

/* Encoding. */

static size_t
epoch_place(const struct ent_id *const *table, size_t count,
            const struct ent_id *epoch)
{
    size_t i;

    if (ent_id_is_zero(epoch)) {
        return 0;
    }
    for (i = count; i > 0; i--) { /* the newest is the likely one */
        if (ent_id_eq(table[i - 1], epoch)) {
            return i;
        }
    }
    return count + 1;
}

/* Fills `table` and each entry's place in it; returns the table's length. */
static size_t
collect_epochs(const struct ent_entry *entries, size_t count,
               const struct ent_id **table, uint16_t *places)
{
    size_t used = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        size_t at = epoch_place(table, used, &entries[i].epoch);

        if (at > used) {
            table[used++] = &entries[i].epoch;
        }
        places[i] = (uint16_t)at;
    }
    return used;
}

static void
put_id_or_nil(struct ent_buf *out, const struct ent_id *id, bool is_there)
{
    if (is_there) {
        ent_mp_put_bin(out, ENT_SLICE_OF(*id));
    } else {
        ent_mp_put_nil(out);
    }
}

static void
put_deps(struct ent_buf *out, const struct ent_entry *e)
{
    size_t i;

    ent_mp_put_array(out, e->dep_count);
    for (i = 0; i < e->dep_count; i++) {
        ent_mp_put_bin(out, ENT_SLICE_OF(e->deps[i]));
    }
}

static void
put_entry(struct ent_buf *out, const struct ent_entry *e, uint64_t hlc_before,
          size_t epoch)
{
    ent_mp_put_array(out, e->dep_count > 0 ? 5 : 4);
    ent_mp_put_uint(out, (uint64_t)e->flags << 2 | e->class);
    ent_mp_put_uint(out, zigzag(e->hlc - hlc_before));
    ent_mp_put_uint(out, epoch);
    if (e->has_payload) {
        ent_mp_put_bin(out, e->payload);
    } else {
        ent_mp_put_array(out, 2);
        ent_mp_put_bin(out, ENT_SLICE_OF(e->payload_hash));
        ent_mp_put_uint(out, e->payload_len);
    }
    if (e->dep_count > 0) {
        put_deps(out, e);
    }
}

static void
put_entries(struct ent_buf *out, const struct ent_entry *entries, size_t count,
            const uint16_t *places)
{
    uint64_t hlc = entries[0].hlc;
    size_t i;

    ent_mp_put_array(out, count);
    for (i = 0; i < count; i++) {
        put_entry(out, &entries[i], hlc, places[i]);
        hlc = entries[i].hlc;
    }
}

static void
assert_contiguous(const struct ent_entry *entries, size_t count)
{
    size_t i;

    for (i = 1; i < count; i++) {
        const struct ent_entry *a = &entries[i - 1];
        const struct ent_entry *b = &entries[i];

        ENT_ASSERT(b->seq == a->seq + 1 && b->inc == a->inc);
        ENT_ASSERT(ent_id_eq(&b->prev, &a->id));
        ENT_ASSERT(ent_id_eq(&b->node, &a->node));
        ENT_ASSERT(ent_id_eq(ent_entry_space_id(a), &b->space));
    }
}

enum ent_status
ent_run_encode(const struct ent_entry *entries, size_t count,
               const struct ent_sig *sig, struct ent_buf *out)
{
    const struct ent_id *table[ENT_RUN_ENTRIES_MAX];
    uint16_t places[ENT_RUN_ENTRIES_MAX];
    const struct ent_entry *first = entries;
    size_t start = out->len;
    size_t used;
    size_t i;

    ENT_ASSERT(count > 0);
    if (count > ENT_RUN_ENTRIES_MAX) {
        return ENT_PEER_TOO_BIG;
    }
    assert_contiguous(entries, count);
    used = collect_epochs(entries, count, table, places);
    ent_mp_put_array(out, RUN_FIELDS);
    ent_mp_put_bin(out, ENT_SLICE_OF(*ent_entry_space_id(first)));
    ent_mp_put_bin(out, ENT_SLICE_OF(first->node));
    ent_mp_put_uint(out, first->inc);
    ent_mp_put_uint(out, first->seq);
    put_id_or_nil(out, &first->prev, first->seq > 0);
    put_id_or_nil(out, &first->space, (first->flags & ENT_FLAG_GENESIS) != 0);
    ent_mp_put_array(out, used);
    for (i = 0; i < used; i++) {
        ent_mp_put_bin(out, ENT_SLICE_OF(*table[i]));
    }
    ent_mp_put_uint(out, first->hlc);
    put_entries(out, entries, count, places);
    ent_mp_put_bin(out, ENT_SLICE_OF(*sig));
    if (out->failed || out->len - start > ENT_RUN_BYTES_MAX) {
        out->len = start;
        return ENT_PEER_TOO_BIG;
    }
    return ENT_OK;
}

/* Decoding. */

struct decoded {
    struct ent_run run; /* first: what the caller holds */
    struct ent_id *ids;
    struct ent_entry entries[];
};

struct decoder {
    struct ent_mp *r;
    struct ent_id *ids; /* the epoch table, then deps */
    size_t id_count;
    size_t id_max;
    size_t epoch_count;
    size_t epochs_used;
    struct ent_logkey log;
    uint64_t first_seq;
    struct ent_id prev;
    struct ent_id genesis;
    bool is_genesis;
    uint64_t hlc;
    struct ent_sig sig;
};

static void
read_id_or_nil(struct ent_mp *r, struct ent_id *ret_id, bool *ret_is_there)
{
    *ret_is_there = !ent_mp_nil(r);
    if (*ret_is_there) {
        ent_mp_id(r, ret_id);
    } else {
        *ret_id = (struct ent_id){0};
    }
}

/* Reads `count` ids into the decoder's ids; they are where it returns. */
static const struct ent_id *
read_ids(struct decoder *d, size_t count)
{
    struct ent_id *at = d->ids + d->id_count;
    size_t i;

    for (i = 0; i < count && !ent_mp_has_failed(d->r); i++) {
        /* Each id that was read took ENCODED_ID_LEN bytes of the input. */
        ENT_ASSERT(d->id_count < d->id_max);
        ent_mp_id(d->r, &d->ids[d->id_count++]);
    }
    return at;
}

static int
compare_ids(const void *a, const void *b)
{
    return ent_id_cmp(a, b);
}

/* No signature covers the table, so whoever carries a run could write it in
 * another way: none is named twice, and "none" is no epoch. */
static bool
table_is_plain(const struct ent_id *table, size_t count)
{
    struct ent_id *sorted = ent_alloc(count * sizeof(*sorted));
    bool is_plain = true;
    size_t i;

    for (i = 0; i < count; i++) {
        sorted[i] = table[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare_ids);
    for (i = 0; i < count; i++) {
        is_plain = is_plain && !ent_id_is_zero(&sorted[i]) &&
                   (i == 0 || !ent_id_eq(&sorted[i - 1], &sorted[i]));
    }
    free(sorted);
    return is_plain;
}

static void
read_head(struct decoder *d)
{
    struct ent_mp *r = d->r;
    bool has_prev;

    ent_mp_enter(r, RUN_FIELDS, RUN_FIELDS);
    ent_mp_id(r, &d->log.space);
    ent_mp_id(r, &d->log.node);
    d->log.inc = (uint32_t)ent_mp_uint(r, UINT32_MAX);
    d->first_seq = ent_mp_uint(r, UINT64_MAX);
    read_id_or_nil(r, &d->prev, &has_prev);
    read_id_or_nil(r, &d->genesis, &d->is_genesis);
    if (has_prev != (d->first_seq > 0) || (has_prev && d->is_genesis)) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
    d->epoch_count = ent_mp_enter(r, 0, ENT_RUN_ENTRIES_MAX);
    read_ids(d, d->epoch_count);
    if (!ent_mp_has_failed(r) && !table_is_plain(d->ids, d->epoch_count)) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
    ent_mp_leave(r);
    d->hlc = ent_mp_uint(r, UINT64_MAX);
}

/* PROTO §3.3: "The table of epoch ids is in order of first use, each used" */
static void
read_epoch(struct decoder *d, struct ent_entry *e)
{
    size_t at = (size_t)ent_mp_uint(d->r, d->epochs_used + 1);

    if (at > d->epochs_used) {
        d->epochs_used = at;
    }
    if (at > d->epoch_count || ent_mp_has_failed(d->r)) {
        ent_mp_fail(d->r, ENT_PEER_MALFORMED);
    } else if (at > 0) {
        e->epoch = d->ids[at - 1];
    }
}

/* PROTO §3.3: "`payload` is a bin, or `[hash, length]` when it is not there,
 * which only class 0 allows." Only sealed content is ever erased. */
static void
read_payload(struct ent_mp *r, struct ent_entry *e)
{
    e->has_payload = ent_mp_peek(r) == ENT_MP_BIN;
    if (e->has_payload) {
        e->payload = ent_mp_bin(r, 0, SIZE_MAX);
        return;
    }
    ent_mp_enter(r, 2, 2);
    ent_mp_id(r, &e->payload_hash);
    e->payload_len = (uint32_t)ent_mp_uint(r, UINT32_MAX);
    ent_mp_leave(r);
    if (e->class != ENT_CLASS_SEALED) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
}

static void
read_entry(struct decoder *d, struct ent_entry *e)
{
    size_t fields = ent_mp_enter(d->r, 4, 5);
    uint32_t head = (uint32_t)ent_mp_uint(d->r, HEAD_MAX);

    e->class = head & 3u;
    e->flags = (uint16_t)(head >> 2);
    d->hlc += unzigzag(ent_mp_uint(d->r, UINT64_MAX));
    e->hlc = d->hlc;
    read_epoch(d, e);
    read_payload(d->r, e);
    if (fields == 5) {
        e->dep_count = ent_mp_enter(d->r, 1, ENT_DEPS_MAX);
        e->deps = read_ids(d, e->dep_count);
        ent_mp_leave(d->r);
    }
    ent_mp_leave(d->r);
}

/* The entries and the signature. Returns owned, whether or not the reader has
 * failed. */
static struct decoded *
read_entries(struct decoder *d)
{
    size_t count = ent_mp_enter(d->r, 1, ENT_RUN_ENTRIES_MAX);
    struct decoded *run;
    uint64_t first_hlc = d->hlc;
    size_t i;

    run = ent_alloc_zero(1, sizeof(*run) + count * sizeof(run->entries[0]));
    for (i = 0; i < count && !ent_mp_has_failed(d->r); i++) {
        read_entry(d, &run->entries[i]);
    }
    ent_mp_leave(d->r);
    ent_mp_fixed(d->r, d->sig.b, sizeof(d->sig.b));
    ent_mp_leave(d->r);
    /* Anything else would be a second encoding of the same run. */
    if (d->epochs_used != d->epoch_count ||
        (count > 0 && run->entries[0].hlc != first_hlc)) {
        ent_mp_fail(d->r, ENT_PEER_MALFORMED);
    }
    run->run.count = count;
    run->run.entries = run->entries;
    run->run.log = d->log;
    run->run.sig = d->sig;
    run->ids = d->ids;
    return run;
}

static enum ent_status
verify_entry(const struct decoder *d, struct ent_entry *e, bool is_first)
{
    bool is_genesis = (e->flags & ENT_FLAG_GENESIS) != 0;
    enum ent_status st;

    if (is_genesis != (is_first && d->is_genesis)) {
        return ENT_PEER_MALFORMED;
    }
    e->space = is_genesis ? d->genesis : d->log.space;
    e->node = d->log.node;
    e->inc = d->log.inc;
    st = ent_entry_check(e);
    if (st != ENT_OK) {
        return st;
    }
    ent_entry_finish(e);
    return ent_id_eq(ent_entry_space_id(e), &d->log.space) ? ENT_OK
                                                           : ENT_PEER_BAD_CHAIN;
}

static enum ent_status
verify_entries(const struct decoder *d, struct decoded *run)
{
    const struct ent_id *prev = &d->prev;
    size_t i;

    if (d->first_seq > UINT64_MAX - run->run.count) {
        return ENT_PEER_BAD_CHAIN;
    }
    for (i = 0; i < run->run.count; i++) {
        struct ent_entry *e = &run->entries[i];
        enum ent_status st;

        e->seq = d->first_seq + i;
        e->prev = *prev;
        st = verify_entry(d, e, i == 0);
        if (st != ENT_OK) {
            return st;
        }
        prev = &e->id;
    }
    return ent_entry_verify(&d->log.node, prev, &d->sig) ? ENT_OK
                                                         : ENT_PEER_BAD_SIG;
}

/*~ 8/14 The gate between "somebody sent this" and "its author wrote this".
 * Every header is computed again, every id leads to the next, and one signature
 * at the end speaks for all of them. Nothing else makes a struct ent_run, so
 * whoever holds one need not ask again. It waits for the writer now:
 * node/io/writer.c. */
/* PROTO §3.3: "Verifying is recomputing every header and id along `prev`, and
 * checking that one signature: it authenticates everything before it." */
struct ent_run *
ent_run_verify(struct ent_slice bytes, enum ent_status *ret_st)
{
    struct decoder d = {0};
    struct decoded *run;

    if (bytes.len > ENT_RUN_BYTES_MAX) {
        *ret_st = ENT_PEER_TOO_BIG;
        return NULL;
    }
    d.id_max = bytes.len / ENCODED_ID_LEN + 1;
    d.ids = ent_alloc(d.id_max * sizeof(*d.ids));
    d.r = ent_mp_begin(bytes);
    read_head(&d);
    run = read_entries(&d);
    *ret_st = ent_mp_end(d.r);
    if (*ret_st == ENT_OK) {
        *ret_st = verify_entries(&d, run);
    }
    run->run.encoded_len = bytes.len;
    if (*ret_st != ENT_OK) {
        ent_run_free(&run->run);
        return NULL;
    }
    return &run->run;
}

void
ent_run_free(struct ent_run *run)
{
    if (run != NULL) {
        struct decoded *d = (struct decoded *)run;

        free(d->ids);
        free(d);
    }
}
