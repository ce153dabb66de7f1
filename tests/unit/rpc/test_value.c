/* Value trees: building, reading, JSON, and msgpack from hostile hands. */
#include <entente/limits.h>
#include <entente/value.h>
#include <lib/cmocka.h>
#include <lib/hex.h>
#include <math.h>
#include <stdlib.h>

static struct value *
parse(const char *json)
{
    char error[160] = "";
    struct value *v = value_from_json(json, strlen(json), error);

    if (v == NULL) {
        fail_msg("%s: %s", json, error);
    }
    return v;
}

static void
assert_json(const struct value *v, const char *want)
{
    char *got = value_to_json(v, false, false);

    assert_string_equal(got, want);
    free(got);
}

static enum ent_status
decode_hex(const char *hex)
{
    struct ent_buf in = {0};
    struct value *v = NULL;
    enum ent_status st;

    test_unhex(&in, hex);
    st = value_from_msgpack(ent_buf_slice(&in), &v);
    assert_true((st == ENT_OK) == (v != NULL));
    value_free(v);
    ent_buf_release(&in);
    return st;
}

static void
objects_keep_their_order(void **state)
{
    struct value *v = value_object();
    struct value *list = value_array();
    void *at;

    (void)state;
    value_set_string(v, "zebra", "z");
    value_set_int(v, "apple", -3);
    value_set_bool(v, "middle", true);
    value_set_hex(v, "id", "\x01\xff", 2);
    value_set_string(v, "absent", NULL);
    value_add(list, value_int(1));
    value_add(list, value_null());
    value_set(v, "list", list);
    assert_json(v, "{\"zebra\":\"z\",\"apple\":-3,\"middle\":true,"
                   "\"id\":\"01ff\",\"absent\":null,\"list\":[1,null]}");
    assert_int_equal(value_count(v), 6);
    assert_string_equal(value_key_at(v, 1), "apple");
    assert_int_equal(value_int_of(value_value_at(v, 1)), -3);
    assert_null(value_key_at(v, 6));
    assert_null(value_value_at(v, 6));
    at = value_next(v, value_first(v));
    assert_string_equal(value_key_of(at), "apple");
    assert_ptr_equal(value_member_of(at), value_get(v, "apple"));
    value_free(v);
}

static void
absent_and_other_types_give_fallbacks(void **state)
{
    struct value *v = parse("{\"n\":null,\"s\":\"x\",\"i\":7,\"b\":false}");

    (void)state;
    assert_null(value_get(v, "none"));
    assert_null(value_get(NULL, "none"));
    assert_null(value_get_string(v, "i"));
    assert_int_equal(value_get_int(v, "s", 5), 5);
    assert_int_equal(value_get_int(v, "i", 5), 7);
    assert_true(value_get_bool(v, "i", true));
    assert_false(value_get_bool(v, "b", true));
    assert_false(value_has(v, "n"));
    assert_false(value_has(v, "none"));
    assert_true(value_has(v, "s"));
    assert_null(value_at(v, 0));
    assert_null(value_at(NULL, 0));
    assert_null(value_first(NULL));
    assert_int_equal(value_count(NULL), 0);
    assert_true(value_is_null(NULL));
    assert_null(value_string_of(NULL));
    value_free(v);
    value_free(NULL);
}

static void
a_shared_tree_lives_until_its_last_owner(void **state)
{
    struct value *v = parse("{\"in\":{\"x\":1}}");
    struct value *in = value_share(value_get(v, "in"));

    (void)state;
    value_free(v);
    assert_json(in, "{\"x\":1}");
    value_free(in);
}

static void
a_member_can_be_taken_out(void **state)
{
    struct value *v = parse("{\"a\":{\"x\":1},\"b\":true}");
    struct value *a = value_take(v, "a");

    (void)state;
    assert_null(value_take(v, "a"));
    assert_null(value_take(NULL, "a"));
    assert_json(v, "{\"b\":true}");
    value_free(v);
    assert_json(a, "{\"x\":1}");
    value_free(a);
}

static void
text_is_always_utf8(void **state)
{
    struct value *v = value_text(ent_slice("a\xff\xc3\xa9\0b\xe2\x82", 8));

    (void)state;
    assert_string_equal(value_string_of(v), "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd"
                                            "b\xef\xbf\xbd\xef\xbf\xbd");
    value_free(v);
    v = value_text(ent_slice(NULL, 0));
    assert_string_equal(value_string_of(v), "");
    value_free(v);
}

static void
reals_print_with_four_decimals(void **state)
{
    struct value *v = value_array();
    char *sorted;

    (void)state;
    value_add(v, value_real(0.40833333333));
    value_add(v, value_real(0.1 + 0.2));
    value_add(v, value_real(-2.0));
    value_add(v, value_real(HUGE_VAL));
    assert_json(v, "[0.4083,0.3,-2.0,null]");
    assert_true(value_real_of(value_at(v, 0)) > 0.40833); /* kept whole */
    value_free(v);
    v = parse("{\"b\":1,\"a\":{\"d\":0.5,\"c\":[]}}");
    sorted = value_to_json(v, true, true);
    assert_string_equal(sorted, "{\n  \"a\": {\n    \"c\": [],\n"
                                "    \"d\": 0.5\n  },\n  \"b\": 1\n}");
    free(sorted);
    value_free(v);
}

static void
broken_json_is_told(void **state)
{
    static const char *const broken[] = {"",
                                         "{",
                                         "[1,]",
                                         "{\"a\":1,\"a\":2}",
                                         "\"\\u0000\"",
                                         "1 2",
                                         "99999999999999999999"};
    char error[160];
    char deep[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        error[0] = '\0';
        assert_null(value_from_json(broken[i], strlen(broken[i]), error));
        assert_true(strlen(error) > 0);
    }
    memset(deep, '[', VALUE_DEPTH_MAX);
    memset(deep + VALUE_DEPTH_MAX, ']', VALUE_DEPTH_MAX);
    deep[2 * VALUE_DEPTH_MAX] = '\0';
    value_free(parse(deep));
    memset(deep, '[', VALUE_DEPTH_MAX + 1);
    memset(deep + VALUE_DEPTH_MAX + 1, ']', VALUE_DEPTH_MAX + 1);
    assert_null(value_from_json(deep, 2 * VALUE_DEPTH_MAX + 2, error));
    assert_string_equal(error, "nested deeper than 16");
}

static const char *const round_trips[] = {
    "null",
    "true",
    "false",
    "0",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-1",
    "-32",
    "-33",
    "-128",
    "-129",
    "-32768",
    "-32769",
    "-2147483648",
    "-2147483649",
    "-9223372036854775808",
    "0.25",
    "-1.5",
    "\"\"",
    "\"31 bytes of text, no"
    " more: xxxxx\"",
    "\"more than thirty-one bytes of text: é €\"",
    "[]",
    "{}",
    "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]",
    "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]",
    "{\"z\":1,\"a\":{\"é\":[null,true,{}]},\"m\":\"x\"}",
    "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,"
    "\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1}",
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
};

/* Also: cut at every byte, or with one byte more, it is refused. */
static void
msgpack_round_trips(void **state)
{
    size_t i;
    size_t cut;

    (void)state;
    for (i = 0; i < sizeof(round_trips) / sizeof(round_trips[0]); i++) {
        struct value *v = parse(round_trips[i]);
        struct value *back = NULL;
        struct ent_buf b = {0};

        value_to_msgpack(v, &b);
        assert_false(b.failed);
        assert_int_equal(value_from_msgpack(ent_buf_slice(&b), &back), ENT_OK);
        assert_json(back, round_trips[i]);
        value_free(back);
        for (cut = 0; cut < b.len; cut++) {
            uint8_t *exact = ent_alloc(cut); /* overruns are seen */

            memcpy(exact, b.p, cut);
            assert_int_equal(value_from_msgpack(ent_slice(exact, cut), &back),
                             ENT_PEER_MALFORMED);
            free(exact);
        }
        ent_buf_put_u8(&b, 0xc0);
        assert_int_equal(value_from_msgpack(ent_buf_slice(&b), &back),
                         ENT_PEER_MALFORMED);
        ent_buf_release(&b);
        value_free(v);
    }
}

static void
a_tree_too_deep_fails_its_buffer(void **state)
{
    struct value *v = value_array();
    struct ent_buf b = {0};
    size_t i;

    (void)state;
    for (i = 0; i < VALUE_DEPTH_MAX; i++) {
        struct value *outer = value_array();

        value_add(outer, v);
        v = outer;
    }
    value_to_msgpack(v, &b);
    assert_true(b.failed);
    ent_buf_release(&b);
    value_free(v);
}

static void
hostile_msgpack_is_refused(void **state)
{
    static const char *const malformed[] = {
        "ddffffffff",         /* an array of four billion */
        "dfffffffff",         /* a map of four billion */
        "dbffffffff",         /* a text of 4 GiB */
        "db4000000061",       /* a text of 1 GiB */
        "c403010203",         /* bin */
        "ca3f800000",         /* float 32 */
        "cb7ff8000000000000", /* NaN */
        "cbfff0000000000000", /* -infinity */
        "d40100",             /* ext */
        "c1",                 /* never used */
        "cc7f",               /* not the shortest */
        "cd00ff",
        "ce0000ffff",
        "cf00000000ffffffff",
        "cf8000000000000000", /* over int64 */
        "d0e0",
        "d005",
        "d1ff80",
        "d9016100",
        "da0001",
        "dc000100",
        "de000161c0",
        "81c0c0", /* a key that is no text */
        "810101",
        "8191a06101",
        "82a16101a16102", /* a key twice */
        "a1ff",           /* not UTF-8 */
        "a100",           /* NUL */
        "81a1ff01",
        "92c0", /* one short */
        "c0c0", /* one too many */
    };
    struct value *v = NULL;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        if (decode_hex(malformed[i]) != ENT_PEER_MALFORMED) {
            fail_msg("%s was not refused", malformed[i]);
        }
    }
    assert_int_equal(value_from_msgpack(ent_slice(NULL, 0), &v),
                     ENT_PEER_MALFORMED);
}

static void
depth_and_size_are_capped(void **state)
{
    struct ent_buf b = {0};
    struct value *v = NULL;
    size_t i;

    (void)state;
    for (i = 0; i <= VALUE_DEPTH_MAX; i++) {
        ent_buf_put_u8(&b, 0x91);
    }
    ent_buf_put_u8(&b, 0xc0);
    assert_int_equal(value_from_msgpack(ent_buf_slice(&b), &v),
                     ENT_PEER_TOO_DEEP);
    ent_buf_drop(&b, 1);
    assert_int_equal(value_from_msgpack(ent_buf_slice(&b), &v), ENT_OK);
    value_free(v);

    ent_buf_clear(&b);
    ent_buf_put_u8(&b, 0xdd);
    ent_buf_put_u32(&b, 2 * VALUE_ELEMENTS_MAX + 1);
    for (i = 0; i <= 2 * (size_t)VALUE_ELEMENTS_MAX; i++) {
        ent_buf_put_u8(&b, 0xc0);
    }
    assert_int_equal(value_from_msgpack(ent_buf_slice(&b), &v),
                     ENT_PEER_TOO_BIG);
    ent_buf_clear(&b);
    memset(ent_buf_grow(&b, ENT_RPC_BYTES_MAX + 1), 0xc0,
           ENT_RPC_BYTES_MAX + 1);
    assert_int_equal(value_from_msgpack(ent_buf_slice(&b), &v),
                     ENT_PEER_TOO_BIG);
    ent_buf_release(&b);
}

/* Every single changed byte of a tree is refused or gives another tree that
 * can be sent again as the same bytes: there is one form of each tree. */
static void
what_is_read_has_one_form(void **state)
{
    struct value *v = parse("{\"a\":[1,-200,\"é\",true,null,0.5],"
                            "\"b\":{\"c\":70000}}");
    struct ent_buf b = {0};
    struct ent_buf again = {0};
    struct value *back = NULL;
    size_t i;
    unsigned x;

    (void)state;
    value_to_msgpack(v, &b);
    for (i = 0; i < b.len; i++) {
        for (x = 1; x < 256; x++) {
            b.p[i] ^= (uint8_t)x;
            if (value_from_msgpack(ent_buf_slice(&b), &back) == ENT_OK) {
                ent_buf_clear(&again);
                value_to_msgpack(back, &again);
                assert_true(
                    ent_slice_eq(ent_buf_slice(&b), ent_buf_slice(&again)));
                value_free(back);
            }
            b.p[i] ^= (uint8_t)x;
        }
    }
    ent_buf_release(&again);
    ent_buf_release(&b);
    value_free(v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_keep_their_order),
        cmocka_unit_test(absent_and_other_types_give_fallbacks),
        cmocka_unit_test(a_shared_tree_lives_until_its_last_owner),
        cmocka_unit_test(a_member_can_be_taken_out),
        cmocka_unit_test(text_is_always_utf8),
        cmocka_unit_test(reals_print_with_four_decimals),
        cmocka_unit_test(broken_json_is_told),
        cmocka_unit_test(msgpack_round_trips),
        cmocka_unit_test(a_tree_too_deep_fails_its_buffer),
        cmocka_unit_test(hostile_msgpack_is_refused),
        cmocka_unit_test(depth_and_size_are_capped),
        cmocka_unit_test(what_is_read_has_one_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
