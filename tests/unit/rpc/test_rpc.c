/* Local calls: framing, envelopes, and what is refused. */
#include <entente/limits.h>
#include <entente/rpc.h>
#include <lib/cmocka.h>
#include <lib/hex.h>
#include <stdlib.h>

static struct value *
parse(const char *json)
{
    char error[160] = "";
    struct value *v = value_from_json(json, strlen(json), error);

    assert_non_null(v);
    return v;
}

static void
assert_json(const struct value *v, const char *want)
{
    char *got = value_to_json(v, false, false);

    assert_string_equal(got, want);
    free(got);
}

/* Encodes, then decodes byte by byte: a message is there exactly when its
 * last byte is. */
static void
round_trip(struct rpc_message *msg, struct rpc_message *ret_msg)
{
    struct ent_buf b = {0};
    size_t used = 0;
    size_t cut;

    rpc_encode(msg, &b);
    assert_false(b.failed);
    for (cut = 0; cut < b.len; cut++) {
        assert_int_equal(rpc_decode(ent_slice(b.p, cut), ret_msg, &used),
                         ENT_WANT_MORE);
    }
    rpc_encode(msg, &b); /* a second one behind it is not touched */
    assert_int_equal(rpc_decode(ent_buf_slice(&b), ret_msg, &used), ENT_OK);
    assert_int_equal(used, b.len / 2);
    ent_buf_release(&b);
}

static void
a_request_round_trips(void **state)
{
    struct rpc_message msg = {
        .kind = RPC_REQUEST, .id = 70000, .method = "situation.offer"};
    struct rpc_message got;

    (void)state;
    msg.params = parse("{\"situation\":\"S01\",\"n\":[1,2]}");
    round_trip(&msg, &got);
    assert_int_equal(got.kind, RPC_REQUEST);
    assert_int_equal(got.id, 70000);
    assert_string_equal(got.method, "situation.offer");
    assert_json(got.params, "{\"situation\":\"S01\",\"n\":[1,2]}");
    assert_null(got.error);
    rpc_message_release(&got);
    rpc_message_release(&msg);
    rpc_message_release(&msg); /* zeroed is fine */
}

static void
a_response_round_trips(void **state)
{
    struct rpc_message msg = {.kind = RPC_RESPONSE, .id = 1};
    struct rpc_message got;

    (void)state;
    msg.result = parse("{\"ok\":true}");
    round_trip(&msg, &got);
    assert_int_equal(got.kind, RPC_RESPONSE);
    assert_null(got.error);
    assert_json(got.result, "{\"ok\":true}");
    rpc_message_release(&got);
    rpc_message_release(&msg);

    msg = (struct rpc_message){.kind = RPC_RESPONSE, .id = 2};
    msg.error = parse("{\"code\":\"x\",\"exit\":1}");
    round_trip(&msg, &got);
    assert_null(got.result);
    assert_int_equal(value_get_int(got.error, "exit", 0), 1);
    rpc_message_release(&got);
    rpc_message_release(&msg);
}

static void
a_notification_round_trips(void **state)
{
    struct rpc_message msg = {.kind = RPC_NOTIFY, .method = "progress"};
    struct rpc_message got;

    (void)state;
    round_trip(&msg, &got);
    assert_int_equal(got.kind, RPC_NOTIFY);
    assert_string_equal(got.method, "progress");
    assert_null(got.params);
    rpc_message_release(&got);
}

/* The deepest tree that may be said also arrives inside its envelope. */
static void
the_deepest_params_arrive(void **state)
{
    struct rpc_message msg = {.kind = RPC_REQUEST, .method = "x"};
    struct rpc_message got;

    (void)state;
    msg.params = parse("{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}");
    round_trip(&msg, &got);
    assert_json(got.params, "{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}");
    rpc_message_release(&got);
    rpc_message_release(&msg);
}

static void
a_message_too_long_fails_its_buffer(void **state)
{
    struct rpc_message msg = {.kind = RPC_NOTIFY, .method = "x"};
    struct ent_buf b = {0};
    char *text = ent_alloc(ENT_RPC_BYTES_MAX);

    (void)state;
    memset(text, 'x', ENT_RPC_BYTES_MAX);
    msg.params = value_object();
    value_set_text(msg.params, "t", ent_slice(text, ENT_RPC_BYTES_MAX));
    rpc_encode(&msg, &b);
    assert_true(b.failed);
    ent_buf_release(&b);
    rpc_message_release(&msg);
    free(text);
}

static enum ent_status
decode_hex(const char *hex)
{
    struct ent_buf in = {0};
    struct rpc_message got = {.kind = RPC_REQUEST};
    enum ent_status st;
    size_t used = 0;

    test_unhex(&in, hex);
    st = rpc_decode(ent_buf_slice(&in), &got, &used);
    rpc_message_release(&got);
    ent_buf_release(&in);
    return st;
}

static void
hostile_lengths_are_refused_at_once(void **state)
{
    (void)state;
    assert_int_equal(decode_hex("40000000"), ENT_PEER_TOO_BIG); /* 1 GiB */
    assert_int_equal(decode_hex("ffffffff"), ENT_PEER_TOO_BIG);
    assert_int_equal(decode_hex("00400001"), ENT_PEER_TOO_BIG);
    assert_int_equal(decode_hex("00400000"), ENT_WANT_MORE);
    assert_int_equal(decode_hex("00000000"), ENT_PEER_MALFORMED);
    assert_int_equal(decode_hex("00000005ddffffffff"), ENT_PEER_MALFORMED);
}

static void
other_envelopes_are_refused(void **state)
{
    static const char *const malformed[] = {
        "00000001c0",           "0000000180",
        "0000000190",           "00000006940000a178c3", /* params true */
        "00000006940000a17890",                         /* params array */
        "00000005940000a0c0",                           /* no method */
        "00000006940000a141c0",                         /* capital */
        "00000005940000c0c0",                           /* method nil */
        "000000069400ffa178c0",                         /* id -1 */
        "000000069403ffa178c0",                         /* kind 3 */
        "00000005930000a178",                           /* request of three */
        "00000005940100c0c3",                           /* result true */
        "00000006940100a178c0",                         /* error a text */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        if (decode_hex(malformed[i]) != ENT_PEER_MALFORMED) {
            fail_msg("%s was not refused", malformed[i]);
        }
    }
    assert_int_equal(decode_hex("00000006940000a178c0"), ENT_OK);
    assert_int_equal(decode_hex("00000005940100c0c0"), ENT_OK);
}

static void
a_method_of_64_bytes_is_refused(void **state)
{
    struct ent_buf b = {0};
    struct rpc_message got;
    size_t used;
    size_t len;

    (void)state;
    for (len = 63; len <= 64; len++) {
        ent_buf_clear(&b);
        ent_buf_put_u32(&b, (uint32_t)(len + 6));
        ent_buf_put(&b, "\x94\x00\x00\xd9", 4);
        ent_buf_put_u8(&b, (uint8_t)len);
        memset(ent_buf_grow(&b, len), 'm', len);
        ent_buf_put_u8(&b, 0xc0);
        assert_int_equal(rpc_decode(ent_buf_slice(&b), &got, &used),
                         len == 63 ? ENT_OK : ENT_PEER_MALFORMED);
        if (len == 63) {
            rpc_message_release(&got);
        }
    }
    ent_buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_round_trips),
        cmocka_unit_test(a_response_round_trips),
        cmocka_unit_test(a_notification_round_trips),
        cmocka_unit_test(the_deepest_params_arrive),
        cmocka_unit_test(a_message_too_long_fails_its_buffer),
        cmocka_unit_test(hostile_lengths_are_refused_at_once),
        cmocka_unit_test(other_envelopes_are_refused),
        cmocka_unit_test(a_method_of_64_bytes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
