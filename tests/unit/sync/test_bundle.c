/*
 * Bundles as bytes: what goes in comes out, and whatever is done to a file is
 * named for what it is.
 */
#include <entente/bundle.h>

#include "lib/cmocka.h"
#include "lib/golden.h"
#include "sync/bundle_parts.h"

#include <stdlib.h>

#define RUN_LEN 40000u /* several make several chunks */
#define HEADER_LEN(n) (46u + 96u * (n) + 32u)
#define CHUNK_ON_DISK (4u + ENT_BUNDLE_CHUNK_MAX + ENT_STREAM_OVERHEAD)

struct setup {
    struct ent_rng rng;
    struct ent_key sign;
    struct ent_key sealing_secret[3];
    struct ent_key sealing[3];
    struct ent_bundle_manifest manifest;
};

static void
fill(void *p, uint8_t first, size_t len)
{
    uint8_t *b = p;
    size_t i;

    for (i = 0; i < len; i++) {
        b[i] = (uint8_t)(first + i);
    }
}

static void
setup_init(struct setup *s, size_t receivers)
{
    struct ent_key seed;
    size_t i;

    memset(s, 0, sizeof(*s));
    fill(&seed, 1, sizeof(seed));
    ent_rng_init(&s->rng, &seed);
    fill(&s->sign, 2, sizeof(s->sign));
    ent_sign_public(&s->sign, &s->manifest.sender);
    fill(s->manifest.bundle_id, 3, sizeof(s->manifest.bundle_id));
    fill(s->manifest.store_id, 4, sizeof(s->manifest.store_id));
    s->manifest.made_at = 1700000000000u;
    s->manifest.receiver_count = receivers;
    for (i = 0; i < receivers; i++) {
        struct ent_bundle_receiver *line = &s->manifest.receivers[i];

        fill(&s->sealing_secret[i], (uint8_t)(0x50 + i), 32);
        ent_dh_public(&s->sealing_secret[i], &s->sealing[i]);
        fill(&line->node, (uint8_t)(0x60 + i), 32);
        line->after = 7 + i;
        line->upto = 9 + i;
        line->consumed = 300;
        fill(line->upto_id, 0x70, 16);
        fill(line->store_id, 0x80, 16);
        fill(line->consumed_id, 0x90, 16);
        fill(line->proof, 0xa0, 16);
    }
}

static void
make(struct setup *s, size_t runs, size_t run_len, struct ent_buf *out)
{
    struct ent_bundle_writer *w =
        ent_bundle_writer_new(&s->manifest, s->sealing, &s->sign, &s->rng, out);
    uint8_t *run = ent_alloc(run_len);
    size_t i;

    assert_non_null(w);
    for (i = 0; i < runs; i++) {
        memset(run, (int)i, run_len);
        ent_bundle_put_run(w, ent_slice(run, run_len));
    }
    ent_bundle_end(w);
    ent_bundle_writer_free(w);
    free(run);
    assert_false(out->failed);
}

struct seen {
    unsigned manifests;
    unsigned runs;
    unsigned wholes;
    bool is_done;
    enum ent_bundle_fault fault;
    uint64_t chunk;
    uint64_t offset;
};

static bool
note(struct ent_bundle_reader *r, enum ent_bundle_event event,
     struct seen *seen)
{
    switch (event) {
    case ENT_BUNDLE_WANT_MORE:
        return true;
    case ENT_BUNDLE_MANIFEST:
        seen->manifests++;
        return true;
    case ENT_BUNDLE_RUN:
        assert_int_equal(ent_bundle_run(r).p[0], seen->runs);
        seen->runs++;
        return true;
    case ENT_BUNDLE_WHOLE:
        seen->wholes++;
        return true;
    case ENT_BUNDLE_DONE:
        seen->is_done = true;
        return false;
    case ENT_BUNDLE_FAULT:
        seen->fault = ent_bundle_why(r, &seen->chunk, &seen->offset);
        return false;
    }
    return false;
}

/* Reads as receiver `who`, fed in parts of `part` bytes. */
static struct seen
read_as(const struct setup *s, size_t who, struct ent_slice file, size_t part)
{
    struct seen seen = {0};
    struct ent_bundle_reader *r = ent_bundle_reader_new(
        &s->manifest.receivers[who].node, &s->sealing_secret[who]);
    enum ent_bundle_event event;
    size_t at = 0;

    while (note(r, event = ent_bundle_next(r), &seen)) {
        if (event == ENT_BUNDLE_WANT_MORE && at == file.len) {
            ent_bundle_feed_end(r);
        } else if (event == ENT_BUNDLE_WANT_MORE) {
            size_t len = file.len - at < part ? file.len - at : part;

            ent_bundle_feed(r, ent_slice(file.p + at, len));
            at += len;
        }
    }
    ent_bundle_reader_free(r);
    return seen;
}

static void
comes_out_as_it_went_in(void **state)
{
    static const size_t parts[] = {1000, 1 << 14, ENT_BUNDLE_CHUNK_MAX};
    struct setup s;
    struct ent_buf file = {0};
    size_t who;
    size_t i;

    (void)state;
    setup_init(&s, 3);
    make(&s, 7, RUN_LEN, &file);
    for (who = 0; who < 3; who++) {
        for (i = 0; i < 3; i++) {
            struct seen seen = read_as(&s, who, ent_buf_slice(&file), parts[i]);

            assert_true(seen.is_done);
            assert_int_equal(seen.manifests, 1);
            assert_int_equal(seen.runs, 7);
            assert_int_equal(seen.wholes, 1);
        }
    }
    ent_buf_release(&file);
}

static void
the_manifest_is_the_senders(void **state)
{
    struct setup s;
    struct ent_buf file = {0};
    struct ent_bundle_reader *r;
    const struct ent_bundle_receiver *us;
    const struct ent_bundle_manifest *m;

    (void)state;
    setup_init(&s, 2);
    make(&s, 0, 1, &file);
    r = ent_bundle_reader_new(&s.manifest.receivers[1].node,
                              &s.sealing_secret[1]);
    ent_bundle_feed(r, ent_buf_slice(&file));
    assert_int_equal(ent_bundle_next(r), ENT_BUNDLE_MANIFEST);
    m = ent_bundle_manifest_of(r, &us);
    assert_memory_equal(us, &s.manifest.receivers[1], sizeof(*us));
    assert_memory_equal(m->sender.b, s.manifest.sender.b, 32);
    assert_memory_equal(m->store_id, s.manifest.store_id, 16);
    assert_int_equal(m->made_at, s.manifest.made_at);
    assert_int_equal(m->receiver_count, 2);
    assert_int_equal(ent_bundle_next(r), ENT_BUNDLE_WHOLE);
    ent_bundle_reader_free(r);
    ent_buf_release(&file);
}

static void
published_bytes(void **state)
{
    struct setup s;
    struct ent_buf file = {0};

    (void)state;
    setup_init(&s, 2);
    make(&s, 2, 100, &file);
    test_golden("bundle/two-receivers", ent_buf_slice(&file));
    ent_buf_release(&file);
}

static void
sixty_five_receivers_are_refused(void **state)
{
    struct setup s;
    struct ent_buf out = {0};
    struct ent_key *sealing = ent_alloc_zero(65, sizeof(*sealing));

    (void)state;
    setup_init(&s, 1);
    s.manifest.receiver_count = ENT_BUNDLE_RECEIVERS_MAX + 1;
    assert_null(
        ent_bundle_writer_new(&s.manifest, sealing, &s.sign, &s.rng, &out));
    s.manifest.receiver_count = 0;
    assert_null(
        ent_bundle_writer_new(&s.manifest, sealing, &s.sign, &s.rng, &out));
    assert_int_equal(out.len, 0);
    free(sealing);
}

static void
every_prefix_is_cut(void **state)
{
    struct setup s;
    struct ent_buf file = {0};
    size_t len;

    (void)state;
    setup_init(&s, 2);
    make(&s, 2, 50, &file);
    for (len = 1; len < file.len; len++) {
        struct seen seen =
            read_as(&s, 1, ent_slice(file.p, len), ENT_BUNDLE_CHUNK_MAX);

        assert_int_equal(seen.fault, ENT_BUNDLE_CUT);
        assert_int_equal(seen.wholes, 0);
    }
    assert_int_equal(
        read_as(&s, 1, ent_slice(NULL, 0), ENT_BUNDLE_CHUNK_MAX).fault,
        ENT_BUNDLE_NOT_ONE);
    ent_buf_release(&file);
}

static void
every_flipped_bit_is_seen(void **state)
{
    struct setup s;
    struct ent_buf file = {0};
    size_t at;

    (void)state;
    setup_init(&s, 2);
    make(&s, 2, 50, &file);
    for (at = 0; at < file.len; at++) {
        uint8_t flip = (uint8_t)(1u << at % 8);
        struct seen seen;

        file.p[at] ^= flip;
        seen = read_as(&s, 1, ent_buf_slice(&file), ENT_BUNDLE_CHUNK_MAX);
        assert_int_not_equal(seen.fault, ENT_BUNDLE_SOUND);
        assert_int_equal(seen.wholes, 0);
        assert_false(seen.is_done);
        if (at >= HEADER_LEN(2)) {
            assert_true(seen.fault == ENT_BUNDLE_DAMAGED ||
                        seen.fault == ENT_BUNDLE_CUT);
        }
        file.p[at] ^= flip;
    }
    ent_buf_release(&file);
}

static void
others_cannot_open_it(void **state)
{
    struct setup s;
    struct setup all;
    struct ent_buf file = {0};

    (void)state;
    setup_init(&all, 3);
    setup_init(&s, 2);
    make(&s, 3, RUN_LEN, &file);
    assert_int_equal(
        read_as(&all, 2, ent_buf_slice(&file), ENT_BUNDLE_CHUNK_MAX).fault,
        ENT_BUNDLE_NOT_OURS);
    ent_buf_release(&file);
}

/* A cut at each border of two chunks: what was whole before it is there. */
static void
cut_between_chunks(void **state)
{
    struct setup s;
    struct ent_buf file = {0};
    size_t chunks;

    (void)state;
    setup_init(&s, 1);
    make(&s, 12, RUN_LEN, &file);
    assert_true(file.len > HEADER_LEN(1) + 7 * CHUNK_ON_DISK);
    for (chunks = 0; chunks <= 7; chunks++) {
        size_t len = HEADER_LEN(1) + chunks * CHUNK_ON_DISK;
        size_t records = 92 + 120 + 64 + 5; /* the manifest's, about */
        struct seen seen =
            read_as(&s, 0, ent_slice(file.p, len), ENT_BUNDLE_CHUNK_MAX);

        assert_int_equal(seen.fault, ENT_BUNDLE_CUT);
        assert_int_equal(seen.chunk, chunks);
        assert_int_equal(seen.offset, len);
        assert_int_equal(
            seen.runs, chunks == 0 ? 0
                                   : (chunks * ENT_BUNDLE_CHUNK_MAX - records) /
                                         (RUN_LEN + 5));
    }
    ent_buf_release(&file);
}

/* Damage in the fourth chunk says so; the runs before it came. */
static void
damage_is_named(void **state)
{
    struct setup s;
    struct ent_buf file = {0};
    struct seen seen;

    (void)state;
    setup_init(&s, 1);
    make(&s, 12, RUN_LEN, &file);
    file.p[HEADER_LEN(1) + 3 * CHUNK_ON_DISK + 500] ^= 1;
    seen = read_as(&s, 0, ent_buf_slice(&file), ENT_BUNDLE_CHUNK_MAX);
    assert_int_equal(seen.fault, ENT_BUNDLE_DAMAGED);
    assert_int_equal(seen.chunk, 3);
    assert_int_equal(seen.offset, HEADER_LEN(1) + 3 * CHUNK_ON_DISK);
    assert_int_equal(seen.runs, 4);
    ent_buf_release(&file);
}

/* Chunks in another order, one left out, one twice: not this stream. */
static void
chunks_keep_their_places(void **state)
{
    struct setup s;
    struct ent_buf file = {0};
    struct ent_buf other = {0};
    size_t first = HEADER_LEN(1);

    (void)state;
    setup_init(&s, 1);
    make(&s, 12, RUN_LEN, &file);
    ent_buf_put(&other, file.p, first);
    ent_buf_put(&other, file.p + first + CHUNK_ON_DISK,
                file.len - first - CHUNK_ON_DISK);
    assert_int_equal(
        read_as(&s, 0, ent_buf_slice(&other), ENT_BUNDLE_CHUNK_MAX).fault,
        ENT_BUNDLE_DAMAGED);
    ent_buf_clear(&other);
    ent_buf_put(&other, file.p, first + CHUNK_ON_DISK);
    ent_buf_put(&other, file.p + first, file.len - first);
    assert_int_equal(
        read_as(&s, 0, ent_buf_slice(&other), ENT_BUNDLE_CHUNK_MAX).fault,
        ENT_BUNDLE_DAMAGED);
    ent_buf_release(&other);
    ent_buf_release(&file);
}

/* Several bundles in one file: each reader finds its own. */
static void
a_file_of_two_bundles(void **state)
{
    struct setup all;
    struct setup one;
    struct ent_buf file = {0};
    struct seen seen;

    (void)state;
    setup_init(&all, 3);
    setup_init(&one, 3);
    one.manifest.receivers[0] = all.manifest.receivers[2];
    one.sealing[0] = all.sealing[2];
    one.manifest.receiver_count = 1;
    all.manifest.receiver_count = 2;
    make(&one, 4, RUN_LEN, &file);
    make(&all, 2, RUN_LEN, &file);
    seen = read_as(&all, 2, ent_buf_slice(&file), 1 << 14);
    assert_true(seen.is_done);
    assert_int_equal(seen.runs, 4);
    seen = read_as(&all, 1, ent_buf_slice(&file), 1 << 14);
    assert_true(seen.is_done);
    assert_int_equal(seen.runs, 2);
    assert_int_equal(seen.wholes, 1);
    ent_buf_put_u8(&file, 'x');
    seen = read_as(&all, 1, ent_buf_slice(&file), 1 << 14);
    assert_int_equal(seen.wholes, 1);
    assert_int_equal(seen.fault, ENT_BUNDLE_NOT_ONE);
    ent_buf_release(&file);
}

/* Signed by another than it names; or naming others than it is sealed to. */
static void
a_forged_manifest(void **state)
{
    struct setup s;
    struct setup other;
    struct ent_buf file = {0};

    (void)state;
    setup_init(&s, 2);
    fill(&s.sign, 9, sizeof(s.sign));
    make(&s, 1, 50, &file);
    assert_int_equal(
        read_as(&s, 1, ent_buf_slice(&file), ENT_BUNDLE_CHUNK_MAX).fault,
        ENT_BUNDLE_FORGED);
    ent_buf_clear(&file);
    setup_init(&s, 2);
    setup_init(&other, 3);
    s.manifest.receivers[1] = other.manifest.receivers[2];
    make(&s, 1, 50, &file);
    setup_init(&s, 2);
    assert_int_equal(
        read_as(&s, 1, ent_buf_slice(&file), ENT_BUNDLE_CHUNK_MAX).fault,
        ENT_BUNDLE_NOT_OURS);
    ent_buf_release(&file);
}

/* What a receiver can do, who has the key: the records of `file` in `plain`,
 * and the stream begun anew. */
static void
open_all(const struct setup *s, const struct ent_buf *file,
         struct ent_buf *plain, struct ent_stream *ret_stream)
{
    struct ent_buf box = {0};
    struct ent_stream stream;
    struct ent_key key;
    size_t at = HEADER_LEN(2);
    bool is_last = false;

    assert_int_equal(
        ent_unbox(&s->sealing_secret[0], ent_slice_str(BUNDLE_BOX_AD),
                  ent_slice(file->p + BUNDLE_FIXED_LEN, BUNDLE_BOX_LEN), &box),
        ENT_OK);
    memcpy(key.b, box.p, sizeof(key.b));
    ent_stream_begin(&stream, &key, file->p + 22);
    *ret_stream = stream;
    while (!is_last) {
        size_t len = ent_get_u32(file->p + at) & ~BUNDLE_LAST;

        assert_int_equal(ent_stream_open(&stream, ent_slice(file->p + at, 4),
                                         ent_slice(file->p + at + 4, len),
                                         plain, &is_last),
                         ENT_OK);
        at += 4 + len;
    }
    ent_buf_release(&box);
}

/* Seals records of less than a chunk behind the file's own header. */
static void
seal_again(struct ent_stream *stream, struct ent_slice plain,
           struct ent_buf *file)
{
    uint8_t prefix[4];
    uint8_t *at;

    file->len = HEADER_LEN(2);
    ent_put_u32(prefix,
                BUNDLE_LAST | (uint32_t)(plain.len + ENT_STREAM_OVERHEAD));
    ent_buf_put(file, prefix, sizeof(prefix));
    at = ent_buf_grow(file, plain.len + ENT_STREAM_OVERHEAD);
    assert_non_null(at);
    ent_stream_seal(stream, ENT_SLICE_OF(prefix), plain, true, at);
}

/* A receiver passes the bundle on, with a run left out, then without its
 * end: the other one sees both. */
static void
a_receiver_cannot_leave_out(void **state)
{
    const size_t first = 5 + BUNDLE_MANIFEST_FIXED + 2 * BUNDLE_LINE_LEN + 64;
    const size_t second = first + 5 + 50;
    struct setup s;
    struct ent_buf file = {0};
    struct ent_buf plain = {0};
    struct ent_buf fewer = {0};
    struct ent_stream stream;
    struct ent_stream again;
    struct seen seen;

    (void)state;
    setup_init(&s, 2);
    make(&s, 2, 50, &file);
    open_all(&s, &file, &plain, &stream);
    again = stream;
    assert_int_equal(plain.p[second], BUNDLE_RECORD_RUN);
    ent_buf_put(&fewer, plain.p, second);
    ent_buf_put(&fewer, plain.p + second + 55, plain.len - second - 55);
    seal_again(&stream, ent_buf_slice(&fewer), &file);
    seen = read_as(&s, 1, ent_buf_slice(&file), ENT_BUNDLE_CHUNK_MAX);
    assert_int_equal(seen.fault, ENT_BUNDLE_FORGED);
    assert_int_equal(seen.runs, 1);
    assert_int_equal(seen.wholes, 0);
    seal_again(&again, ent_slice(plain.p, second + 55), &file);
    seen = read_as(&s, 1, ent_buf_slice(&file), ENT_BUNDLE_CHUNK_MAX);
    assert_int_equal(seen.fault, ENT_BUNDLE_BROKEN);
    assert_int_equal(seen.wholes, 0);
    ent_buf_release(&fewer);
    ent_buf_release(&plain);
    ent_buf_release(&file);
}

static void
a_newer_version(void **state)
{
    static const uint8_t newer[] = {'E', 'N', 'T', 'B', 2, 1};
    struct setup s;

    (void)state;
    setup_init(&s, 1);
    assert_int_equal(read_as(&s, 0, ENT_SLICE_OF(newer), 64).fault,
                     ENT_BUNDLE_VERSION);
    assert_int_equal(read_as(&s, 0, ent_slice_str("Dear all,"), 64).fault,
                     ENT_BUNDLE_NOT_ONE);
    assert_string_equal(ent_bundle_fault_name(ENT_BUNDLE_CUT), "cut");
}

/* The proof is for one pair and one bundle. */
static void
proofs_are_bound(void **state)
{
    struct ent_bundle_sums sums = {.head_count = 3};
    struct ent_key pair = {{1}};
    struct ent_key other = {{2}};
    uint8_t id[16] = {5};
    uint8_t a[16];
    uint8_t b[16];

    (void)state;
    ent_bundle_proof(&pair, id, &sums, a);
    ent_bundle_proof(&pair, id, &sums, b);
    assert_memory_equal(a, b, 16);
    ent_bundle_proof(&other, id, &sums, b);
    assert_memory_not_equal(a, b, 16);
    id[0] = 6;
    ent_bundle_proof(&pair, id, &sums, b);
    assert_memory_not_equal(a, b, 16);
    id[0] = 5;
    sums.sum[15] = 1;
    ent_bundle_proof(&pair, id, &sums, b);
    assert_memory_not_equal(a, b, 16);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_out_as_it_went_in),
        cmocka_unit_test(the_manifest_is_the_senders),
        cmocka_unit_test(published_bytes),
        cmocka_unit_test(sixty_five_receivers_are_refused),
        cmocka_unit_test(every_prefix_is_cut),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(others_cannot_open_it),
        cmocka_unit_test(cut_between_chunks),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(chunks_keep_their_places),
        cmocka_unit_test(a_file_of_two_bundles),
        cmocka_unit_test(a_forged_manifest),
        cmocka_unit_test(a_receiver_cannot_leave_out),
        cmocka_unit_test(a_newer_version),
        cmocka_unit_test(proofs_are_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
