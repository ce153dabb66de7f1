/* Records: buckets, padding, pieces, rekeying, and every way of being wrong. */
#include "wire/records.h"

#include <entente/limits.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct pair {
    struct record_writer w;
    struct record_reader r;
    struct ent_buf wire;
};

static void
pair_init(struct pair *p)
{
    struct noise_cipher cipher = {.key = {{7}}, .has_key = true};

    memset(p, 0, sizeof(*p));
    record_reader_init(&p->r);
    p->w.cipher = cipher;
    p->r.cipher = cipher;
}

static void
pair_release(struct pair *p)
{
    record_reader_release(&p->r);
    ent_buf_release(&p->wire);
}

/* Reads what is on the wire in cuts of `step` bytes: exactly one message,
 * equal to `body`. */
static void
expect_message(struct pair *p, size_t step, uint8_t type, struct ent_slice body)
{
    struct record_message m = {.is_whole = false};
    size_t at = 0;
    size_t used = 0;
    size_t part;

    while (at < p->wire.len) {
        assert_false(m.is_whole);
        part = p->wire.len - at < step ? p->wire.len - at : step;
        assert_int_equal(
            record_read(&p->r, ent_slice(p->wire.p + at, part), &used, &m),
            ENT_OK);
        assert_int_equal(used, part);
        at += used;
    }
    assert_true(m.is_whole);
    assert_int_equal(m.type, type);
    assert_true(ent_slice_eq(m.body, body));
    ent_buf_clear(&p->wire);
}

static void
test_buckets(void **state)
{
    size_t valid = 0;

    (void)state;
    for (size_t len = 0; len <= ENT_RECORD_MAX; len++) {
        valid += record_len_is_valid(len);
        assert_true(record_len_is_valid(record_bucket(len)));
    }
    assert_int_equal(valid, 16 + 2);
    assert_int_equal(record_bucket(0), 256);
    assert_int_equal(record_bucket(236), 256);
    assert_int_equal(record_bucket(237), 512);
    assert_int_equal(record_bucket(4076), 4096);
    assert_int_equal(record_bucket(4077), 4096);
    assert_int_equal(record_bucket(16364), 16384);
    assert_int_equal(record_bucket(65515), 65535);
    assert_int_equal(record_bucket(ENT_MESSAGE_MAX), 65535);
}

static void
test_sizes_and_cuts(void **state)
{
    static const size_t lens[] = {0,     1,     235,   236,    237,
                                  4076,  4077,  16364, 16365,  60000,
                                  65515, 65516, 65535, 200000, ENT_MESSAGE_MAX};
    static const size_t steps[] = {1, 2, 3, 255, 4099, 1u << 21};
    uint8_t *body = ent_alloc(ENT_MESSAGE_MAX);
    struct record_message m;
    size_t used = 1;
    struct pair p;

    (void)state;
    pair_init(&p);
    for (size_t i = 0; i < ENT_MESSAGE_MAX; i++) {
        body[i] = (uint8_t)(i * 31 + i / 256);
    }
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
            assert_int_equal(
                record_write(&p.w, 0x7f, ent_slice(body, lens[i]), &p.wire),
                ENT_OK);
            assert_true(p.wire.len <= lens[i] + lens[i] / 8 + 300);
            expect_message(&p, steps[k], 0x7f, ent_slice(body, lens[i]));
        }
    }
    /* Nothing large stays with an idle link. */
    assert_int_equal(record_read(&p.r, ent_slice(NULL, 0), &used, &m), 0);
    assert_int_equal(used, 0);
    assert_false(m.is_whole);
    assert_true(p.r.plain.cap + p.r.raw.cap + p.r.message.cap <= 3 * 16384);
    free(body);
    pair_release(&p);
}

/* A record of the largest size, in one piece. */
static void
test_largest_record(void **state)
{
    static uint8_t body[ENT_RECORD_MAX - RECORD_OVERHEAD];
    struct pair p;

    (void)state;
    pair_init(&p);
    memset(body, 0xa5, sizeof(body));
    assert_int_equal(record_write(&p.w, 1, ENT_SLICE_OF(body), &p.wire),
                     ENT_OK);
    assert_int_equal(p.wire.len, RECORD_PREFIX_LEN + 65535);
    expect_message(&p, SIZE_MAX, 1, ENT_SLICE_OF(body));
    pair_release(&p);
}

static void
test_two_messages_in_one_read(void **state)
{
    struct record_message m;
    struct pair p;
    size_t used = 0;

    (void)state;
    pair_init(&p);
    assert_int_equal(record_write(&p.w, 1, ent_slice("a", 1), &p.wire), 0);
    assert_int_equal(record_write(&p.w, 2, ent_slice("b", 1), &p.wire), 0);
    assert_int_equal(record_read(&p.r, ent_buf_slice(&p.wire), &used, &m), 0);
    assert_int_equal(used, 258);
    assert_true(m.is_whole && m.type == 1 && m.body.p[0] == 'a');
    assert_int_equal(
        record_read(&p.r, ent_slice(p.wire.p + 258, 258), &used, &m), 0);
    assert_true(m.is_whole && m.type == 2 && m.body.p[0] == 'b');
    pair_release(&p);
}

/* Both sides change keys after every 1,024th record; a reader that does not
 * cannot go on. */
static void
test_rekey(void **state)
{
    struct ent_key first = {{7}};
    struct pair p;
    uint8_t b;

    (void)state;
    pair_init(&p);
    for (size_t i = 0; i < 2 * ENT_REKEY_RECORDS + 3; i++) {
        assert_int_equal(ent_secret_eq(&p.w.cipher.key, &first, sizeof(first)),
                         i < ENT_REKEY_RECORDS);
        b = (uint8_t)i;
        assert_int_equal(record_write(&p.w, 3, ent_slice(&b, 1), &p.wire), 0);
        expect_message(&p, SIZE_MAX, 3, ent_slice(&b, 1));
    }
    /* n goes on over a change of keys. */
    assert_true(p.w.cipher.n == 2 * ENT_REKEY_RECORDS + 3);
    assert_int_equal(p.w.since_rekey, 3);
    assert_int_equal(p.r.since_rekey, 3);
    noise_cipher_rekey(&p.w.cipher);
    assert_int_equal(record_write(&p.w, 3, ent_slice(&b, 1), &p.wire), 0);
    assert_int_equal(record_read(&p.r, ent_buf_slice(&p.wire), &(size_t){0},
                                 &(struct record_message){.is_whole = false}),
                     ENT_PEER_DECRYPT);
    pair_release(&p);
}

/* Seals `plain` as it is, as one record of its length. */
static enum ent_status
read_forged(struct pair *p, const uint8_t *plain, size_t len)
{
    struct record_message m;
    size_t used = 0;
    uint8_t *at;

    ent_buf_clear(&p->wire);
    ent_buf_put_u16(&p->wire, (uint16_t)(len + ENT_TAG_LEN));
    at = ent_buf_grow(&p->wire, len + ENT_TAG_LEN);
    assert_true(noise_cipher_seal(&p->w.cipher, ent_slice(NULL, 0),
                                  ent_slice(plain, len), at));
    p->w.since_rekey = (p->w.since_rekey + 1) % ENT_REKEY_RECORDS;
    if (p->w.since_rekey == 0) {
        noise_cipher_rekey(&p->w.cipher);
    }
    return record_read(&p->r, ent_buf_slice(&p->wire), &used, &m);
}

/* One forged record on a fresh pair. */
static enum ent_status
forged(const uint8_t head[4], size_t dirty_at)
{
    uint8_t plain[240] = {0};
    enum ent_status st;
    struct pair p;

    memcpy(plain, head, 4);
    if (dirty_at > 0) {
        plain[dirty_at] = 1;
    }
    pair_init(&p);
    st = read_forged(&p, plain, sizeof(plain));
    pair_release(&p);
    return st;
}

static void
test_malformed_inside(void **state)
{
    (void)state;
    assert_int_equal(forged((const uint8_t[4]){1, 0, 0, 3}, 0), ENT_OK);
    assert_int_equal(forged((const uint8_t[4]){1, 1, 0, 3}, 0), ENT_OK);
    assert_int_equal(forged((const uint8_t[4]){1, 0, 0, 236}, 239), ENT_OK);
    /* type, flags, length, padding, a piece without content */
    assert_int_equal(forged((const uint8_t[4]){0x80, 0, 0, 3}, 0),
                     ENT_PEER_MALFORMED);
    for (unsigned bit = 1; bit < 8; bit++) {
        assert_int_equal(
            forged((const uint8_t[4]){1, (uint8_t)(1u << bit), 0, 3}, 0),
            ENT_PEER_MALFORMED);
    }
    assert_int_equal(forged((const uint8_t[4]){1, 0, 0, 237}, 0),
                     ENT_PEER_MALFORMED);
    assert_int_equal(forged((const uint8_t[4]){1, 0, 0xff, 0xff}, 0),
                     ENT_PEER_MALFORMED);
    for (size_t at = 7; at < 240; at++) {
        assert_int_equal(forged((const uint8_t[4]){1, 0, 0, 3}, at),
                         ENT_PEER_MALFORMED);
    }
    assert_int_equal(forged((const uint8_t[4]){1, 1, 0, 0}, 0),
                     ENT_PEER_MALFORMED);
}

static void
test_malformed_pieces(void **state)
{
    uint8_t plain[240] = {1, 1, 0, 1};
    struct pair p;

    (void)state;
    pair_init(&p); /* the type changes in the middle */
    assert_int_equal(read_forged(&p, plain, sizeof(plain)), ENT_OK);
    plain[0] = 2;
    assert_int_equal(read_forged(&p, plain, sizeof(plain)), ENT_PEER_MALFORMED);
    pair_release(&p);
    pair_init(&p); /* a last piece without content */
    plain[0] = 1;
    assert_int_equal(read_forged(&p, plain, sizeof(plain)), ENT_OK);
    plain[1] = 0;
    plain[3] = 0;
    assert_int_equal(read_forged(&p, plain, sizeof(plain)), ENT_PEER_MALFORMED);
    pair_release(&p);
}

/* More than 1 MiB in pieces is refused, and not kept before it is. */
static void
test_too_long_message(void **state)
{
    static uint8_t plain[ENT_RECORD_MAX - ENT_TAG_LEN] = {1, 1, 0xff, 0xeb};
    enum ent_status st = ENT_OK;
    size_t records = 0;
    struct pair p;

    (void)state;
    pair_init(&p);
    while (st == ENT_OK) {
        st = read_forged(&p, plain, sizeof(plain));
        records++;
        assert_true(p.r.message.len <= ENT_MESSAGE_MAX);
    }
    assert_int_equal(st, ENT_PEER_TOO_BIG);
    assert_int_equal(records, ENT_MESSAGE_MAX / 0xffeb + 1);
    pair_release(&p);
}

/* Every length but the buckets is refused at its two bytes; a good one sizes
 * nothing before its bytes came. */
static void
test_lengths(void **state)
{
    struct record_message m;
    size_t used = 0;
    struct pair p;
    uint8_t in[2];
    enum ent_status st;

    (void)state;
    for (unsigned len = 0; len <= 0xffff; len++) {
        pair_init(&p);
        ent_put_u16(in, (uint16_t)len);
        st = record_read(&p.r, ENT_SLICE_OF(in), &used, &m);
        assert_int_equal(st, record_len_is_valid(len) ? ENT_OK
                                                      : ENT_PEER_MALFORMED);
        assert_true(p.r.raw.cap <= 64);
        pair_release(&p);
    }
}

static void
test_used_up_counter(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p);
    p.w.cipher.n = UINT64_MAX;
    assert_int_equal(record_write(&p.w, 1, ent_slice("x", 1), &p.wire),
                     ENT_PEER_DECRYPT);
    p.w.cipher.n = 0;
    p.r.cipher.n = UINT64_MAX;
    ent_buf_clear(&p.wire);
    assert_int_equal(record_write(&p.w, 1, ent_slice("x", 1), &p.wire), 0);
    assert_int_equal(record_read(&p.r, ent_buf_slice(&p.wire), &(size_t){0},
                                 &(struct record_message){.is_whole = false}),
                     ENT_PEER_DECRYPT);
    p.wire.max = p.wire.len + 100;
    assert_int_equal(record_write(&p.w, 1, ent_slice("x", 1), &p.wire),
                     ENT_PEER_FLOOD);
    pair_release(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_sizes_and_cuts),
        cmocka_unit_test(test_largest_record),
        cmocka_unit_test(test_two_messages_in_one_read),
        cmocka_unit_test(test_rekey),
        cmocka_unit_test(test_malformed_inside),
        cmocka_unit_test(test_malformed_pieces),
        cmocka_unit_test(test_too_long_message),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_used_up_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
