/* One session, event by event: HELLO, refusals, silence, BYE. */
#include "unit/sync/solo.h"

static void
test_ready_says_what_hello_said(void **state)
{
    struct ent_session_config config = sample_config(false);
    struct msg_hello hello = peer_hello();
    const struct ent_session_effect *ready;

    (void)state;
    config.top = 9;
    hello.knows_store = true;
    memset(hello.known_store_id, 1, 16);
    hello.consumed = 4;
    hello.top = 77;
    start_callee(&config, &hello);
    assert_true(sent(ENT_MSG_HELLO).len > 0);
    ready = the(ENT_FX_READY);
    assert_string_equal(ready->u.ready.software, "theirs");
    assert_int_equal(ready->u.ready.version, 1);
    assert_true(ready->u.ready.is_store_new);
    assert_int_equal(ready->u.ready.top, 77);
    assert_int_equal(ready->u.ready.consumed_ours, 4);
    assert_int_equal(ready->u.ready.skew_ms, 2000);
    assert_int_equal(the(ENT_FX_READ_CHANGES)->u.read_changes.after, 4);
}

/* Numbers under another store id of ours say nothing: all is told again. */
static void
test_other_store_id_starts_from_zero(void **state)
{
    struct ent_session_config config = sample_config(false);
    struct msg_hello hello = peer_hello();

    (void)state;
    config.top = 9;
    hello.knows_store = true;
    hello.consumed = 4;
    start_callee(&config, &hello);
    assert_int_equal(the(ENT_FX_READ_CHANGES)->u.read_changes.after, 0);
    assert_null(find(ENT_FX_ROLLED_BACK));
}

static void
test_no_version_in_common(void **state)
{
    struct ent_session_config config = sample_config(false);
    struct msg_hello hello = peer_hello();
    struct ent_buf b = {0};

    (void)state;
    hello.protocol_min = 2;
    hello.protocol_max = 3;
    start_callee(&config, &hello);
    assert_closed(ENT_PEER_VERSION);
    assert_false(the(ENT_FX_CLOSE)->u.close.is_theirs);
    assert_string_equal(the(ENT_FX_CLOSE)->u.close.detail, "protocol 1");
    ent_buf_put_slice(&b, sent(ENT_MSG_BYE));
    start_caller();
    message_buf(ENT_MSG_BYE, &b);
    assert_closed(ENT_PEER_VERSION);
    assert_true(the(ENT_FX_CLOSE)->u.close.is_theirs);
    assert_string_equal(the(ENT_FX_CLOSE)->u.close.detail, "protocol 1");
    /* And the caller itself, when the callee is the older one. */
    start_caller();
    msg_hello_encode(&hello, &b);
    message_buf(ENT_MSG_HELLO, &b);
    assert_closed(ENT_PEER_VERSION);
    assert_true(sent(ENT_MSG_BYE).len > 0);
}

static void
test_bad_hello_in_message_three(void **state)
{
    struct ent_session_config config = sample_config(false);
    struct ent_session_event event = {.type = ENT_EV_START};
    uint8_t padded[ENT_HELLO_LEN] = {0};

    (void)state;
    session = ent_session_new(&config);
    event.u.start.hello = ENT_SLICE_OF(padded);
    step(event);
    assert_closed(ENT_PEER_MALFORMED);
}

static void
test_messages_out_of_order(void **state)
{
    struct msg_hello hello = peer_hello();
    struct ent_buf b = {0};

    (void)state;
    start_caller();
    msg_empty_encode(&b);
    message_buf(ENT_MSG_PING, &b);
    assert_closed(ENT_PEER_STATE);
    start_live();
    msg_hello_encode(&hello, &b);
    message_buf(ENT_MSG_HELLO, &b);
    assert_closed(ENT_PEER_STATE);
    start_live();
    message(ENT_MSG_JOIN_CARD, (struct ent_slice){0});
    assert_closed(ENT_PEER_STATE);
}

static void
test_unknown_types(void **state)
{
    (void)state;
    start_live();
    message(0x3f, ent_slice_str("later"));
    assert_null(find(ENT_FX_CLOSE));
    message(ENT_MSG_CRITICAL, ent_slice_str("later"));
    assert_closed(ENT_PEER_STATE);
    assert_string_equal(the(ENT_FX_CLOSE)->u.close.detail, "out-of-order");
}

/* Every message with a body that it cannot have ends the session. */
static void
test_malformed_messages_close(void **state)
{
    static const uint8_t bodies[][3] = {{0x91, 0xc0, 0}, {0x01, 0, 0}};
    enum ent_status st;
    unsigned type;
    size_t i;

    (void)state;
    for (type = ENT_MSG_HELLO; type <= ENT_MSG_BYE; type++) {
        for (i = 0; i < 2; i++) {
            start_live();
            message(type, ent_slice(bodies[i], i == 0 ? 2 : 1));
            assert_non_null(find(ENT_FX_CLOSE));
            st = the(ENT_FX_CLOSE)->u.close.st;
            assert_true(type == ENT_MSG_HELLO ? st == ENT_PEER_STATE
                                              : st == ENT_PEER_MALFORMED ||
                                                    st == ENT_PEER_TOO_BIG);
            /* CLOSE is final. */
            tick(0);
            moved(9);
            assert_int_equal(fx_count, 0);
        }
    }
}

static void
test_message_too_big(void **state)
{
    uint8_t *bytes = ent_alloc_zero(1, ENT_MESSAGE_MAX + 1);

    (void)state;
    start_live();
    message(0x30, ent_slice(bytes, ENT_MESSAGE_MAX));
    assert_null(find(ENT_FX_CLOSE));
    message(0x30, ent_slice(bytes, ENT_MESSAGE_MAX + 1));
    assert_closed(ENT_PEER_TOO_BIG);
    free(bytes);
}

static void
test_numbers_out_of_order(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    struct msg_proof proof = {.top = 1, .consumed = 1};
    struct ent_buf b = {0};

    (void)state;
    start_live();
    changes(3, 5, &head, 1); /* (0, 3] was never told */
    assert_closed(ENT_PEER_STATE);
    start_live();
    changes(0, 5, &head, 1);
    changes(2, 5, &head, 1); /* nothing new */
    assert_closed(ENT_PEER_STATE);
    start_live();
    ack(1, 1); /* nothing was told */
    assert_closed(ENT_PEER_STATE);
    start_live();
    msg_proof_encode(&proof, &b);
    message_buf(ENT_MSG_PROOF, &b);
    assert_closed(ENT_PEER_STATE);
}

static void
test_silence(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    start_live();
    msg_empty_encode(&b);
    tick(ENT_PING_MS - 1);
    assert_int_equal(sent(ENT_MSG_PING).len, 0);
    tick(1);
    assert_int_equal(sent(ENT_MSG_PING).len, 1);
    tick(1000);
    assert_int_equal(sent(ENT_MSG_PING).len, 0);
    message(ENT_MSG_PONG, ent_buf_slice(&b));
    assert_int_equal(sent(ENT_MSG_PONG).len, 0);
    message(ENT_MSG_PING, ent_buf_slice(&b));
    assert_int_equal(sent(ENT_MSG_PONG).len, 1);
    tick(ENT_SILENCE_MS - 1);
    assert_null(find(ENT_FX_CLOSE));
    tick(1);
    assert_closed(ENT_PEER_TIMEOUT);
    ent_buf_release(&b);
}

static void
test_callee_that_never_greets(void **state)
{
    (void)state;
    start_caller();
    tick(ENT_SILENCE_MS);
    assert_closed(ENT_PEER_TIMEOUT);
}

static void
test_bye(void **state)
{
    struct ent_session_event event = {.type = ENT_EV_STOP};
    struct msg_bye bye;
    struct ent_buf b = {0};

    (void)state;
    start_live();
    event.u.stop.bye = ENT_BYE_AGAIN;
    step(event);
    assert_closed(ENT_OK);
    assert_int_equal(the(ENT_FX_CLOSE)->u.close.bye, ENT_BYE_AGAIN);
    assert_int_equal(msg_bye_decode(sent(ENT_MSG_BYE), &bye), ENT_OK);
    assert_int_equal(bye.reason, ENT_BYE_AGAIN);
    start_live();
    msg_bye_encode(&(struct msg_bye){ENT_BYE_STOP, ""}, &b);
    message_buf(ENT_MSG_BYE, &b);
    assert_closed(ENT_OK);
    assert_true(the(ENT_FX_CLOSE)->u.close.is_theirs);
    assert_int_equal(sent(ENT_MSG_BYE).len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ready_says_what_hello_said),
        TEST(test_other_store_id_starts_from_zero),
        TEST(test_no_version_in_common),
        TEST(test_bad_hello_in_message_three),
        TEST(test_messages_out_of_order),
        TEST(test_unknown_types),
        TEST(test_malformed_messages_close),
        TEST(test_message_too_big),
        TEST(test_numbers_out_of_order),
        TEST(test_silence),
        TEST(test_callee_that_never_greets),
        TEST(test_bye),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
