/* The strict profile: what is written reads back, everything else is refused
 * by name, and nothing is sized by a length that was only announced. */
#include "lib/hex.h"

#include <entente/limits.h>
#include <entente/msgpack.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static enum ent_status
status_of(struct ent_slice input)
{
    struct ent_mp *r = ent_mp_begin(input);

    if (ent_mp_left(r) > 0) {
        (void)ent_mp_raw(r);
    }
    return ent_mp_end(r);
}

static enum ent_status
status_of_hex(const char *hex)
{
    struct ent_buf b = {0};
    struct ent_slice exact;
    enum ent_status st;
    uint8_t *copy;

    if (hex[0] != '\0') {
        test_unhex(&b, hex);
    }
    /* An exact block, so that a sanitizer sees a read past the end. */
    copy = ent_alloc(b.len);
    if (b.len > 0) {
        memcpy(copy, b.p, b.len);
    }
    exact = ent_slice(copy, b.len);
    st = status_of(exact);
    free(copy);
    ent_buf_release(&b);
    return st;
}

static void
test_round_trip(void **state)
{
    struct ent_buf b = {0};
    struct ent_mp *r;
    struct ent_id id = {{1, 2, 3}};
    struct ent_id got;
    struct ent_slice s;

    (void)state;
    ent_mp_put_array(&b, 8);
    ent_mp_put_uint(&b, UINT64_MAX);
    ent_mp_put_int(&b, INT64_MIN);
    ent_mp_put_int(&b, 7);
    ent_mp_put_bin(&b, ENT_SLICE_OF(id));
    ent_mp_put_cstr(&b, "h\xc3\xb4pital");
    ent_mp_put_nil(&b);
    ent_mp_put_array(&b, 2);
    ent_mp_put_uint(&b, 1);
    ent_mp_put_array(&b, 0);
    ent_mp_put_str(&b, ent_slice(NULL, 0));

    r = ent_mp_begin(ent_buf_slice(&b));
    assert_int_equal(ent_mp_peek(r), ENT_MP_ARRAY);
    assert_int_equal(ent_mp_enter(r, 8, 8), 8);
    assert_true(ent_mp_uint(r, UINT64_MAX) == UINT64_MAX);
    assert_true(ent_mp_int(r) == INT64_MIN);
    assert_int_equal(ent_mp_int(r), 7);
    ent_mp_id(r, &got);
    assert_true(ent_id_eq(&got, &id));
    s = ent_mp_str(r, 16);
    assert_true(ent_slice_eq(s, ent_slice_str("h\xc3\xb4pital")));
    /* Borrowed: it points into the input. */
    assert_true(s.p > b.p && s.p + s.len < b.p + b.len);
    assert_int_equal(ent_mp_left(r), 3);
    assert_false(ent_mp_has_failed(r));
    assert_true(ent_mp_nil(r));
    assert_false(ent_mp_nil(r));
    assert_int_equal(ent_mp_enter(r, 0, 4), 2);
    assert_int_equal(ent_mp_uint(r, 1), 1);
    assert_int_equal(ent_mp_enter(r, 0, 0), 0);
    assert_int_equal(ent_mp_peek(r), ENT_MP_NONE);
    ent_mp_leave(r);
    ent_mp_leave(r);
    assert_int_equal(ent_mp_str(r, 0).len, 0);
    ent_mp_leave(r);
    assert_int_equal(ent_mp_end(r), ENT_OK);
    ent_buf_release(&b);
}

/* Each length class at its borders, written and read back. */
static void
test_shortest_forms(void **state)
{
    static const uint64_t uints[] = {
        0,      0x7f,    0x80,       0xff,        0x100,
        0xffff, 0x10000, 0xffffffff, 0x100000000, UINT64_MAX};
    static const int64_t ints[] = {-1,     -32,         -33,      -128,
                                   -129,   -32768,      -32769,   INT32_MIN,
                                   -65536, -2147483649, INT64_MIN};
    static const size_t lens[] = {0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536};
    struct ent_buf b = {0};
    uint8_t *body = ent_alloc(65536);
    struct ent_mp *r;

    (void)state;
    memset(body, 'a', 65536);
    for (size_t i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
        ent_buf_clear(&b);
        ent_mp_put_uint(&b, uints[i]);
        r = ent_mp_begin(ent_buf_slice(&b));
        assert_true(ent_mp_uint(r, uints[i]) == uints[i]);
        assert_int_equal(ent_mp_end(r), ENT_OK);
    }
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        ent_buf_clear(&b);
        ent_mp_put_int(&b, ints[i]);
        r = ent_mp_begin(ent_buf_slice(&b));
        assert_int_equal(ent_mp_peek(r), ENT_MP_INT);
        assert_true(ent_mp_int(r) == ints[i]);
        assert_int_equal(ent_mp_end(r), ENT_OK);
    }
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        ent_buf_clear(&b);
        ent_mp_put_array(&b, 2);
        ent_mp_put_bin(&b, ent_slice(body, lens[i]));
        ent_mp_put_str(&b, ent_slice(body, lens[i]));
        r = ent_mp_begin(ent_buf_slice(&b));
        ent_mp_enter(r, 2, 2);
        assert_int_equal(ent_mp_bin(r, lens[i], lens[i]).len, lens[i]);
        assert_int_equal(ent_mp_str(r, lens[i]).len, lens[i]);
        ent_mp_leave(r);
        assert_int_equal(ent_mp_end(r), ENT_OK);
        ent_buf_clear(&b);
        ent_mp_put_array(&b, lens[i]);
        for (size_t k = 0; k < lens[i]; k++) {
            ent_mp_put_nil(&b);
        }
        r = ent_mp_begin(ent_buf_slice(&b));
        assert_int_equal(ent_mp_enter(r, 0, 65536), lens[i]);
        ent_mp_skip_rest(r);
        ent_mp_leave(r);
        assert_int_equal(ent_mp_end(r), ENT_OK);
    }
    free(body);
    ent_buf_release(&b);
}

/* What is not in the strict profile, or not whole. */
static const char *const refused[] = {
    "", /* nothing */
    "c2",
    "c3", /* booleans */
    "c1", /* never used */
    "80",
    "8100c0", /* maps */
    "de0000",
    "df00000000",
    "ca00000000",
    "cb0000000000000000", /* floats */
    "c70000",
    "c8000000",
    "c90000000000",
    "d40000",
    "d5000000",
    "d60000000000",
    "d7000000000000000000",
    "d80000000000000000000000000000000000", /* ext */
    "cc7f",
    "cd00ff",
    "ce0000ffff",
    "cf00000000ffffffff",
    "d0e0",
    "d07f",
    "d1ff80",
    "d100ff",
    "d2ffff8000",
    "d200000001",
    "d3ffffffff80000000",
    "d30000000000000001",
    "d900",
    "d91f616161616161616161616161616161616161616161616161616161"
    "61616161", /* str 8 that fixstr holds */
    "da0001"
    "61",
    "db00000001"
    "61",
    "c50001"
    "00",
    "c600000001"
    "00",
    "dc0001c0",
    "dd00000001c0",
    "a1ff",
    "a2c0af",
    "a3eda080",
    "a100", /* not UTF-8; NUL */
    "c0c0",
    "9000",
    "91c0c0", /* trailing bytes */
    "91",
    "92c0",
    "cd01",
    "c4",
    "c401",
    "a2"
    "61", /* cut */
    "d92061",
    "ddffff",
    "cf0102",
};

static void
test_refused_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (status_of_hex(refused[i]) != ENT_PEER_MALFORMED) {
            fail_msg("accepted or misnamed: %s", refused[i]);
        }
    }
}

static void
test_bombs(void **state)
{
    static const char *const bombs[] = {
        "ddffffffff", /* five bytes: four billion elements */
        "dcffff",     /* three bytes */
        "9fdcffff",   "c6ffffffff", "dbffffffff", "91ddffffffff91ddffffffff",
    };
    struct ent_buf b = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        assert_int_equal(status_of_hex(bombs[i]), ENT_PEER_MALFORMED);
    }
    /* As deep as allowed, and one more. */
    assert_int_equal(status_of_hex("9191919191919191c0"), ENT_OK);
    assert_int_equal(status_of_hex("9191919191919190"), ENT_OK);
    assert_int_equal(status_of_hex("919191919191919190"), ENT_PEER_TOO_DEEP);
    memset(ent_buf_grow(&b, 1 << 20), 0x91, 1 << 20);
    assert_int_equal(status_of(ent_buf_slice(&b)), ENT_PEER_TOO_DEEP);
    assert_int_equal(status_of(ent_slice(b.p, (size_t)ENT_BUF_MAX + 1)),
                     ENT_PEER_TOO_BIG);
    ent_buf_release(&b);
}

static struct ent_mp *
reader(struct ent_buf *b, const char *hex)
{
    ent_buf_clear(b);
    test_unhex(b, hex);
    return ent_mp_begin(ent_buf_slice(b));
}

static void
test_sticky_errors(void **state)
{
    struct ent_buf b = {0};
    struct ent_id id;
    struct ent_mp *r;

    (void)state;
    r = reader(&b, "9201c0"); /* wrong type */
    ent_mp_enter(r, 2, 2);
    assert_int_equal(ent_mp_bin(r, 0, 9).len, 0);
    assert_true(ent_mp_has_failed(r));
    assert_int_equal(ent_mp_peek(r), ENT_MP_NONE);
    assert_int_equal(ent_mp_left(r), 0);
    assert_int_equal(ent_mp_uint(r, 9), 0);
    assert_int_equal(ent_mp_raw(r).len, 0);
    assert_false(ent_mp_nil(r));
    memset(&id, 0xff, sizeof(id));
    ent_mp_id(r, &id);
    assert_true(ent_id_is_zero(&id));
    ent_mp_skip_rest(r);
    ent_mp_leave(r);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);

    r = reader(&b, "920102"); /* an element left unread */
    ent_mp_enter(r, 2, 2);
    ent_mp_uint(r, 9);
    ent_mp_leave(r);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);

    r = reader(&b, "9101"); /* not left */
    ent_mp_enter(r, 1, 1);
    ent_mp_uint(r, 9);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);

    r = reader(&b, "01"); /* not read at all */
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);
    r = reader(&b, "01"); /* read past the end */
    ent_mp_uint(r, 9);
    ent_mp_uint(r, 9);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);
    r = reader(&b, "0a"); /* over the caller's bound */
    assert_int_equal(ent_mp_uint(r, 9), 0);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);
    r = reader(&b, "cfffffffffffffffff"); /* does not fit */
    assert_int_equal(ent_mp_int(r), 0);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);
    ent_buf_release(&b);
}

static void
test_bounds(void **state)
{
    struct ent_buf b = {0};
    struct ent_mp *r;

    (void)state;
    r = reader(&b, "93010203");
    ent_mp_enter(r, 0, 2);
    assert_int_equal(ent_mp_end(r), ENT_PEER_TOO_BIG);
    r = reader(&b, "9101");
    ent_mp_enter(r, 2, 2);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);
    r = reader(&b, "c403010203");
    ent_mp_bin(r, 0, 2);
    assert_int_equal(ent_mp_end(r), ENT_PEER_TOO_BIG);
    r = reader(&b, "c403010203");
    ent_mp_bin(r, 4, 5);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);
    r = reader(&b, "a3616263");
    ent_mp_str(r, 2);
    assert_int_equal(ent_mp_end(r), ENT_PEER_TOO_BIG);
    r = reader(&b, "01");
    ent_mp_fail(r, ENT_PEER_STATE);
    ent_mp_fail(r, ENT_PEER_TOO_BIG); /* the first one stays */
    assert_int_equal(ent_mp_end(r), ENT_PEER_STATE);
    ent_buf_release(&b);
}

static void
test_raw(void **state)
{
    struct ent_buf b = {0};
    struct ent_mp *r = reader(&b, "94"
                                  "9201a161"
                                  "cd0100"
                                  "c40199"
                                  "90");
    struct ent_slice s;

    (void)state;
    ent_mp_enter(r, 4, 4);
    s = ent_mp_raw(r);
    assert_true(ent_slice_eq(s, ent_slice(b.p + 1, 4)));
    s = ent_mp_raw(r);
    assert_true(ent_slice_eq(s, ent_slice(b.p + 5, 3)));
    assert_int_equal(ent_mp_bin(r, 1, 1).p[0], 0x99);
    s = ent_mp_raw(r);
    assert_true(ent_slice_eq(s, ent_slice(b.p + 11, 1)));
    assert_int_equal(ent_mp_raw(r).len, 0);
    assert_int_equal(ent_mp_end(r), ENT_PEER_MALFORMED);
    ent_buf_release(&b);
}

/* Every prefix of a document is refused, and no flipped bit crashes. */
static void
test_prefixes_and_flips(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    ent_mp_put_array(&b, 4);
    ent_mp_put_uint(&b, 70000);
    ent_mp_put_cstr(&b, "a string of more than thirty-one bytes");
    ent_mp_put_array(&b, 2);
    ent_mp_put_int(&b, -70000);
    ent_mp_put_nil(&b);
    ent_mp_put_bin(&b, ent_slice("bytes", 5));
    for (size_t i = 0; i < b.len; i++) {
        assert_int_equal(status_of(ent_slice(b.p, i)), ENT_PEER_MALFORMED);
    }
    for (size_t i = 0; i < b.len * 8; i++) {
        b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ (1u << (i % 8)));
        (void)status_of(ent_buf_slice(&b));
        b.p[i / 8] = (uint8_t)(b.p[i / 8] ^ (1u << (i % 8)));
    }
    assert_int_equal(status_of(ent_buf_slice(&b)), ENT_OK);
    ent_buf_release(&b);
}

/* The reader agrees with msgpack-c on all short inputs. */
static void
test_all_short_inputs(void **state)
{
    size_t good = 0;

    (void)state;
    for (unsigned v = 0; v < 1u << 16; v++) {
        uint8_t in[2] = {(uint8_t)(v >> 8), (uint8_t)v};

        good += status_of(ent_slice(in, 2)) == ENT_OK;
    }
    /* uint 8 from 128; int 8 below -32; a fixstr of one ASCII byte but NUL;
     * an array of one fixint, nil, empty array or empty str; empty bin. */
    assert_int_equal(good, 128 + 96 + 127 + (128 + 32 + 1 + 1 + 1) + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_shortest_forms),
        cmocka_unit_test(test_refused_forms),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_sticky_errors),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_raw),
        cmocka_unit_test(test_prefixes_and_flips),
        cmocka_unit_test(test_all_short_inputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
