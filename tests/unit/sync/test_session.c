/*
 * One session, event by event: refusals, limits, silence, credit, and what it
 * asks of its store.
 */
#include <entente/msgpack.h>

#include "lib/cmocka.h"
#include "sync/messages.h"

#include <stdlib.h>

#define FX_MAX 64

static struct ent_session *session;
static struct ent_session_effect fx[FX_MAX];
static size_t fx_count;
static uint64_t now_ms;

static void
step(struct ent_session_event event)
{
    event.now_ms = now_ms;
    ent_session_step(session, &event);
    fx_count = 0;
    while (fx_count < FX_MAX && ent_session_next(session, &fx[fx_count])) {
        fx_count++;
    }
}

static const struct ent_session_effect *
find(enum ent_session_effect_type type)
{
    size_t i;

    for (i = 0; i < fx_count; i++) {
        if (fx[i].type == type) {
            return &fx[i];
        }
    }
    return NULL;
}

static size_t
count(enum ent_session_effect_type type)
{
    size_t found = 0;
    size_t i;

    for (i = 0; i < fx_count; i++) {
        found += fx[i].type == type ? 1 : 0;
    }
    return found;
}

/* The last message of this type that was sent, or an empty slice. */
static struct ent_slice
sent(enum ent_msg_type type)
{
    struct ent_slice body = {0};
    size_t i;

    for (i = 0; i < fx_count; i++) {
        if (fx[i].type == ENT_FX_SEND && fx[i].u.send.type == type) {
            body = fx[i].u.send.body;
        }
    }
    return body;
}

static void
assert_closed(enum ent_status st)
{
    const struct ent_session_effect *closed = find(ENT_FX_CLOSE);

    assert_non_null(closed);
    assert_int_equal(closed->u.close.st, st);
    assert_ptr_equal(closed, &fx[fx_count - 1]);
}

static void
message(unsigned type, struct ent_slice body)
{
    struct ent_session_event event = {.type = ENT_EV_MESSAGE};

    event.u.message.type = (uint8_t)type;
    event.u.message.body = body;
    step(event);
}

/* Sends what was encoded, and releases it. */
static void
message_buf(unsigned type, struct ent_buf *body)
{
    message(type, ent_buf_slice(body));
    ent_buf_release(body);
}

static struct ent_session_config
sample_config(bool is_caller)
{
    struct ent_session_config config = {.is_caller = is_caller,
                                        .software = "ours",
                                        .protocol_min = 1,
                                        .protocol_max = 1,
                                        .top = 0};

    memset(config.store_id, 1, sizeof(config.store_id));
    memset(config.node.b, 0x11, 32);
    memset(config.peer.b, 0x22, 32);
    return config;
}

static struct msg_hello
peer_hello(void)
{
    struct msg_hello m = {.protocol_min = 1,
                          .protocol_max = 1,
                          .software = "theirs",
                          .wall_ms = 5000};

    memset(m.store_id, 2, sizeof(m.store_id));
    return m;
}

/* A callee that got `hello` in message 3. */
static void
start_callee(const struct ent_session_config *config,
             const struct msg_hello *hello)
{
    struct ent_session_event event = {.type = ENT_EV_START};
    uint8_t padded[ENT_HELLO_LEN];

    ent_session_free(session);
    session = ent_session_new(config);
    msg_hello_pad(hello, padded);
    event.u.start.hello = ENT_SLICE_OF(padded);
    event.u.start.wall_ms = 3000;
    step(event);
}

static void
start_live(void)
{
    struct ent_session_config config = sample_config(false);
    struct msg_hello hello = peer_hello();

    start_callee(&config, &hello);
    assert_non_null(find(ENT_FX_READY));
}

static void
start_caller(void)
{
    struct ent_session_config config = sample_config(true);

    ent_session_free(session);
    session = ent_session_new(&config);
    step((struct ent_session_event){.type = ENT_EV_START});
    assert_int_equal(fx_count, 0);
}

static void
tick(uint64_t ms)
{
    now_ms += ms;
    step((struct ent_session_event){.type = ENT_EV_TICK});
}

static struct ent_logkey
log_of(uint32_t inc)
{
    struct ent_logkey log = {.inc = inc};

    return log;
}

static struct ent_head
head_of(uint32_t inc, uint64_t seq, bool is_coming)
{
    return (struct ent_head){
        .log = log_of(inc), .seq = seq, .is_coming = is_coming};
}

static void
changes(uint64_t after, uint64_t upto, struct ent_head *heads, size_t n)
{
    struct msg_heads m = {
        .after = after, .upto = upto, .count = n, .heads = heads};
    struct ent_buf b = {0};

    msg_changes_encode(&m, &b);
    message_buf(ENT_MSG_CHANGES, &b);
}

static void
needs(uint32_t token, const struct ent_need *list, size_t n)
{
    struct ent_session_event event = {.type = ENT_EV_NEEDS};

    event.u.needs.token = token;
    event.u.needs.count = n;
    event.u.needs.needs = list;
    step(event);
}

static void
stored(uint32_t inc, uint64_t head_seq, size_t len, enum ent_status st)
{
    struct ent_session_event event = {.type = ENT_EV_STORED};

    event.u.stored.log = log_of(inc);
    event.u.stored.head_seq = head_seq;
    event.u.stored.run_len = len;
    event.u.stored.st = st;
    step(event);
}

static void
run_of(size_t len)
{
    uint8_t *bytes = ent_alloc_zero(1, len);
    struct msg_run m = {.run = ent_slice(bytes, len)};
    struct ent_buf b = {0};

    msg_run_encode(&m, &b);
    message_buf(ENT_MSG_RUN, &b);
    free(bytes);
}

/* One log needed, asked for, so that WANT is out. */
static void
ask_one(uint64_t after, uint64_t upto, uint32_t inc)
{
    struct ent_head head = head_of(inc, 0, false);
    struct ent_need need = {.log = log_of(inc)};

    changes(after, upto, &head, 1);
    assert_non_null(find(ENT_FX_CHECK));
    needs(find(ENT_FX_CHECK)->u.check.token, &need, 1);
    assert_true(sent(ENT_MSG_WANT).len > 0);
}

static void
moved(uint64_t top)
{
    struct ent_session_event event = {.type = ENT_EV_MOVED};

    event.u.moved.top = top;
    step(event);
}

static void
answer_changes(uint64_t after, uint64_t upto, const struct ent_head *heads,
               size_t n, size_t push_bytes)
{
    struct ent_session_event event = {.type = ENT_EV_CHANGES};

    event.u.changes.after = after;
    event.u.changes.upto = upto;
    event.u.changes.heads = heads;
    event.u.changes.count = n;
    event.u.changes.push_bytes = push_bytes;
    step(event);
}

static void
want(uint32_t first, size_t n, uint64_t to_seq)
{
    struct ent_need *list = ent_alloc_zero(n, sizeof(*list));
    struct ent_buf b = {0};
    size_t i;

    for (i = 0; i < n; i++) {
        list[i].log = log_of(first + (uint32_t)i);
        list[i].to_seq = to_seq;
    }
    msg_want_encode(&(struct msg_want){n, list}, &b);
    message_buf(ENT_MSG_WANT, &b);
    free(list);
}

static void
answer_run(uint32_t inc, uint64_t last_seq, size_t len, size_t need_bytes)
{
    struct ent_session_event event = {.type = ENT_EV_RUN};
    uint8_t *bytes = ent_alloc_zero(1, len);

    event.u.run.log = log_of(inc);
    event.u.run.last_seq = last_seq;
    event.u.run.run = ent_slice(bytes, len);
    event.u.run.need_bytes = need_bytes;
    step(event);
    free(bytes);
}

static void
ack(uint64_t consumed, uint64_t settled)
{
    struct ent_buf b = {0};

    msg_ack_encode(&(struct msg_ack){consumed, settled}, &b);
    message_buf(ENT_MSG_ACK, &b);
}

static void
grant(uint64_t bytes)
{
    struct ent_buf b = {0};

    msg_grant_encode(bytes, &b);
    message_buf(ENT_MSG_GRANT, &b);
}

static int
setup(void **state)
{
    (void)state;
    now_ms = 1000;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    ent_session_free(session);
    session = NULL;
    return 0;
}

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
    ready = find(ENT_FX_READY);
    assert_non_null(ready);
    assert_string_equal(ready->u.ready.software, "theirs");
    assert_int_equal(ready->u.ready.version, 1);
    assert_true(ready->u.ready.is_store_new);
    assert_int_equal(ready->u.ready.top, 77);
    assert_int_equal(ready->u.ready.consumed_ours, 4);
    assert_int_equal(ready->u.ready.skew_ms, 2000);
    assert_int_equal(find(ENT_FX_READ_CHANGES)->u.read_changes.after, 4);
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
    assert_int_equal(find(ENT_FX_READ_CHANGES)->u.read_changes.after, 0);
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
    assert_false(find(ENT_FX_CLOSE)->u.close.is_theirs);
    assert_string_equal(find(ENT_FX_CLOSE)->u.close.detail, "protocol 1");
    ent_buf_put_slice(&b, sent(ENT_MSG_BYE));
    start_caller();
    message_buf(ENT_MSG_BYE, &b);
    assert_closed(ENT_PEER_VERSION);
    assert_true(find(ENT_FX_CLOSE)->u.close.is_theirs);
    assert_string_equal(find(ENT_FX_CLOSE)->u.close.detail, "protocol 1");
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
    assert_string_equal(find(ENT_FX_CLOSE)->u.close.detail, "out-of-order");
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
            st = find(ENT_FX_CLOSE)->u.close.st;
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
    assert_int_equal(find(ENT_FX_CLOSE)->u.close.bye, ENT_BYE_AGAIN);
    assert_int_equal(msg_bye_decode(sent(ENT_MSG_BYE), &bye), ENT_OK);
    assert_int_equal(bye.reason, ENT_BYE_AGAIN);
    start_live();
    msg_bye_encode(&(struct msg_bye){ENT_BYE_STOP, ""}, &b);
    message_buf(ENT_MSG_BYE, &b);
    assert_closed(ENT_OK);
    assert_true(find(ENT_FX_CLOSE)->u.close.is_theirs);
    assert_int_equal(sent(ENT_MSG_BYE).len, 0);
}

/* More than was granted, counted in bytes of runs. */
static void
test_flood_of_bytes(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    /* With the first WANT the window grows to hold a whole run. */
    assert_true(sent(ENT_MSG_GRANT).len > 0);
    run_of(ENT_RUN_BYTES_MAX);
    assert_non_null(find(ENT_FX_STORE_RUN));
    assert_int_equal(find(ENT_FX_STORE_RUN)->u.store_run.run.len,
                     ENT_RUN_BYTES_MAX);
    run_of(1);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_flood_of_unasked_runs(void **state)
{
    size_t i;

    (void)state;
    start_live();
    for (i = 0; i < ENT_PEER_REFUSED_MAX; i++) {
        run_of(10);
        stored(7, 0, 10, ENT_OK);
        assert_null(find(ENT_FX_CLOSE));
    }
    run_of(10);
    stored(7, 0, 10, ENT_OK);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_flood_of_changes(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    uint64_t i;

    (void)state;
    start_live();
    for (i = 0; i < ENT_CHANGES_OPEN_MAX; i++) {
        changes(i, i + 1, &head, 1);
        assert_null(find(ENT_FX_CLOSE));
    }
    changes(i, i + 1, &head, 1);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_flood_of_wants(void **state)
{
    uint32_t first;

    (void)state;
    start_live();
    for (first = 0; first < ENT_WANTS_MAX; first += 4096) {
        want(first, 4096, 0);
        assert_null(find(ENT_FX_CLOSE));
    }
    want(0, 1, 5); /* one of them, further: no room needed */
    assert_null(find(ENT_FX_CLOSE));
    want(first, 1, 0);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_flood_of_heads(void **state)
{
    struct ent_head *heads = ent_alloc_zero(1500, sizeof(*heads));
    struct msg_heads m = {.is_last = true, .count = 1500, .heads = heads};
    struct ent_buf b = {0};

    (void)state;
    start_live();
    msg_heads_encode(&m, &b);
    message(ENT_MSG_HEADS, ent_buf_slice(&b));
    assert_non_null(find(ENT_FX_CHECK));
    message(ENT_MSG_HEADS, ent_buf_slice(&b)); /* unanswered: not granted */
    assert_closed(ENT_PEER_FLOOD);
    ent_buf_release(&b);
    free(heads);
}

/* No more is asked for at a time than one session keeps. */
static void
test_asked_at_most(void **state)
{
    struct ent_head *heads = ent_alloc_zero(4096, sizeof(*heads));
    struct ent_need *list = ent_alloc_zero(4096, sizeof(*list));
    size_t asked = 0;
    uint64_t round;
    size_t i;

    (void)state;
    start_live();
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 4096; i++) {
            uint32_t inc = (uint32_t)(round * 4096 + i);

            heads[i] = head_of(inc, 0, false);
            list[i] = (struct ent_need){.log = log_of(inc)};
        }
        changes(round, round + 1, heads, 4096);
        needs(find(ENT_FX_CHECK)->u.check.token, list, 4096);
        asked += sent(ENT_MSG_WANT).len > 0 ? 4096 : 0;
    }
    assert_int_equal(asked, ENT_ASKED_MAX);
    run_of(10);
    stored(0, 0, 10, ENT_OK);
    assert_true(sent(ENT_MSG_WANT).len > 0);
    free(heads);
    free(list);
}

static void
test_bad_run_closes_with_its_status(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_BAD_SIG);
    assert_closed(ENT_PEER_BAD_SIG);
    assert_string_equal(find(ENT_FX_CLOSE)->u.close.detail, "bad-signature");
}

static void
test_refused_run_is_noted_and_passed_over(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_FORK);
    assert_int_equal(find(ENT_FX_NOTE)->u.note.st, ENT_PEER_FORK);
    assert_int_equal(find(ENT_FX_CONSUMED)->u.consumed.number, 1);
    assert_true(sent(ENT_MSG_ACK).len > 0);
}

/* The cursor passes a CHANGES only when every earlier one is committed. */
static void
test_cursor_is_contiguous(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    ask_one(1, 2, 2);
    run_of(10);
    stored(2, 0, 10, ENT_OK);
    assert_null(find(ENT_FX_CONSUMED));
    run_of(10);
    stored(1, 0, 10, ENT_OK);
    assert_int_equal(count(ENT_FX_CONSUMED), 2);
}

static void
test_deferred_is_tried_again(void **state)
{
    struct ent_session_view view;

    (void)state;
    start_live();
    ask_one(0, 1, 1);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_UNKNOWN_AUTHOR);
    assert_int_equal(find(ENT_FX_NOTE)->u.note.st, ENT_PEER_UNKNOWN_AUTHOR);
    ent_session_view(session, &view);
    assert_int_equal(view.deferred_count, 1);
    tick(ENT_RETRY_MS - 1);
    assert_null(find(ENT_FX_CHECK));
    tick(1);
    assert_non_null(find(ENT_FX_CHECK));
    needs(find(ENT_FX_CHECK)->u.check.token,
          &(struct ent_need){.log = log_of(1)}, 1);
    assert_true(sent(ENT_MSG_WANT).len > 0);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_UNKNOWN_AUTHOR);
    assert_null(find(ENT_FX_NOTE)); /* told once */
    step((struct ent_session_event){.type = ENT_EV_RETRY});
    assert_non_null(find(ENT_FX_CHECK));
    needs(find(ENT_FX_CHECK)->u.check.token, NULL, 0);
    assert_int_equal(find(ENT_FX_CONSUMED)->u.consumed.number, 1);
}

static void
test_push_of_own_news(void **state)
{
    struct ent_head head = head_of(1, 3, true);
    struct msg_heads m;

    (void)state;
    start_live();
    moved(1);
    assert_non_null(find(ENT_FX_READ_CHANGES));
    answer_changes(0, 1, &head, 1, 500);
    assert_int_equal(msg_changes_decode(sent(ENT_MSG_CHANGES), &m), ENT_OK);
    assert_true(m.heads[0].is_coming);
    free(m.heads);
    assert_non_null(find(ENT_FX_READ_RUN));
    answer_run(1, 3, 500, 0);
    assert_true(sent(ENT_MSG_RUN).len > 500);
    ack(1, 1);
    assert_int_equal(find(ENT_FX_ACKED)->u.consumed.number, 1);
    /* Too long to be pushed unasked. */
    moved(2);
    head.seq = 9;
    answer_changes(1, 2, &head, 1, ENT_PUSH_MAX + 1);
    assert_int_equal(msg_changes_decode(sent(ENT_MSG_CHANGES), &m), ENT_OK);
    assert_false(m.heads[0].is_coming);
    free(m.heads);
    assert_null(find(ENT_FX_READ_RUN));
    /* Somebody else's entry among them: none is pushed. */
    moved(3);
    ack(2, 2);
    head.is_coming = false;
    answer_changes(2, 3, &head, 1, 500);
    assert_null(find(ENT_FX_READ_RUN));
}

static void
test_changes_for_others_are_passed_over(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    struct msg_heads m;

    (void)state;
    start_live();
    moved(5);
    answer_changes(0, 5, NULL, 0, 0);
    assert_int_equal(sent(ENT_MSG_CHANGES).len, 0);
    moved(6);
    assert_int_equal(find(ENT_FX_READ_CHANGES)->u.read_changes.after, 5);
    answer_changes(5, 6, &head, 1, 0);
    assert_int_equal(msg_changes_decode(sent(ENT_MSG_CHANGES), &m), ENT_OK);
    assert_int_equal(m.after, 0);
    assert_int_equal(m.upto, 6);
    free(m.heads);
}

/* The peer's window of unsettled CHANGES holds ours back. */
static void
test_changes_wait_for_the_peer(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    uint64_t i;

    (void)state;
    start_live();
    for (i = 0; i < ENT_CHANGES_OPEN_MAX; i++) {
        moved(i + 1);
        assert_non_null(find(ENT_FX_READ_CHANGES));
        answer_changes(i, i + 1, &head, 1, 0);
    }
    moved(i + 1);
    assert_null(find(ENT_FX_READ_CHANGES));
    ack(0, 1); /* settled, though it waits for something */
    assert_non_null(find(ENT_FX_READ_CHANGES));
    assert_null(find(ENT_FX_ACKED));
}

static void
test_reads_at_most_four(void **state)
{
    (void)state;
    start_live();
    grant(ENT_CREDIT_MAX);
    want(1, 6, 0);
    assert_int_equal(count(ENT_FX_READ_RUN), ENT_READS_OPEN_MAX);
    answer_run(2, 0, 100, 0);
    assert_int_equal(count(ENT_FX_READ_RUN), 1);
}

/* A want goes on where a run ended, and stays in line for credit. */
static void
test_long_log_and_short_credit(void **state)
{
    (void)state;
    start_live();
    want(1, 2, 9);
    assert_int_equal(count(ENT_FX_READ_RUN), 1); /* all credit reserved */
    assert_int_equal(find(ENT_FX_READ_RUN)->u.read_run.max_bytes,
                     ENT_CREDIT_START);
    answer_run(1, 4, 100000, 0);
    assert_int_equal(find(ENT_FX_READ_RUN)->u.read_run.from_seq, 5);
    answer_run(1, UINT64_MAX, 0, 300000); /* one run under one signature */
    assert_int_equal(sent(ENT_MSG_RUN).len, 0);
    assert_null(find(ENT_FX_READ_RUN)); /* log 2 does not overtake */
    grant(100000);
    assert_null(find(ENT_FX_READ_RUN));
    grant(100000);
    assert_int_equal(find(ENT_FX_READ_RUN)->u.read_run.from_seq, 5);
    answer_run(1, 9, 300000, 0);
    assert_true(sent(ENT_MSG_RUN).len > 300000);
}

static void
test_denied_run_is_said(void **state)
{
    struct msg_run m;

    (void)state;
    start_live();
    want(1, 1, 0);
    answer_run(1, UINT64_MAX, 0, 0);
    assert_int_equal(msg_run_decode(sent(ENT_MSG_RUN), &m), ENT_OK);
    assert_int_equal(m.run.len, 0);
    assert_int_equal(m.log.inc, 1);
}

static void
answer_proof(uint8_t sum, uint64_t top)
{
    struct ent_session_event event = {.type = ENT_EV_PROOF};

    event.u.proof.sum[0] = sum;
    event.u.proof.top = top;
    step(event);
}

static void
test_proof_is_void_when_something_moved(void **state)
{
    (void)state;
    start_live();
    assert_non_null(find(ENT_FX_READ_PROOF));
    moved(1);
    answer_changes(0, 1, NULL, 0, 0);
    answer_proof(1, 0);
    assert_int_equal(sent(ENT_MSG_PROOF).len, 0);
    tick(ENT_PROOF_GAP_MS);
    assert_non_null(find(ENT_FX_READ_PROOF));
    answer_proof(1, 2); /* read after a commit that we have not heard of */
    assert_int_equal(sent(ENT_MSG_PROOF).len, 0);
    tick(ENT_PROOF_GAP_MS);
    answer_proof(1, 1);
    assert_true(sent(ENT_MSG_PROOF).len > 0);
    /* Said again after a minute, not before. */
    tick(ENT_PROOF_MS - 1);
    assert_null(find(ENT_FX_READ_PROOF));
}

/* Our own value sent back does not pass for the peer's. */
static void
test_echoed_proof_is_not_equal(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    start_live();
    answer_proof(1, 0);
    ent_buf_put_slice(&b, sent(ENT_MSG_PROOF));
    assert_true(b.len > 0);
    message_buf(ENT_MSG_PROOF, &b);
    assert_null(find(ENT_FX_PROVED));
    assert_non_null(find(ENT_FX_READ_HEADS));
}

/* Numbers that do not meet: nothing is concluded either way. */
static void
test_proof_with_other_numbers_waits(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    struct msg_proof proof = {0};
    struct ent_session_view view;
    struct ent_buf b = {0};

    (void)state;
    start_live();
    moved(1);
    answer_changes(0, 1, &head, 1, 0);
    ack(1, 1);
    tick(ENT_PROOF_GAP_MS);
    answer_proof(1, 0);
    tick(ENT_PROOF_GAP_MS);
    answer_proof(1, 1);
    assert_true(sent(ENT_MSG_PROOF).len > 0);
    msg_proof_encode(&proof, &b); /* it had consumed nothing yet */
    message_buf(ENT_MSG_PROOF, &b);
    assert_int_equal(fx_count, 0);
    ent_session_view(session, &view);
    assert_true(view.is_quiet);
    assert_false(view.is_proved);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
        TEST(test_flood_of_bytes),
        TEST(test_flood_of_unasked_runs),
        TEST(test_flood_of_changes),
        TEST(test_flood_of_wants),
        TEST(test_flood_of_heads),
        TEST(test_asked_at_most),
        TEST(test_bad_run_closes_with_its_status),
        TEST(test_refused_run_is_noted_and_passed_over),
        TEST(test_cursor_is_contiguous),
        TEST(test_deferred_is_tried_again),
        TEST(test_push_of_own_news),
        TEST(test_changes_for_others_are_passed_over),
        TEST(test_changes_wait_for_the_peer),
        TEST(test_reads_at_most_four),
        TEST(test_long_log_and_short_credit),
        TEST(test_denied_run_is_said),
        TEST(test_proof_is_void_when_something_moved),
        TEST(test_echoed_proof_is_not_equal),
        TEST(test_proof_with_other_numbers_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
