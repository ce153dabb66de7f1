/*
 * One session without a peer: events go in by hand, the effects of the last
 * one are kept for looking at. Header only: each test program has its own
 * session.
 */
#ifndef TESTS_UNIT_SYNC_SOLO_H
#define TESTS_UNIT_SYNC_SOLO_H

#include "lib/cmocka.h"
#include "sync/messages.h"

#include <stdlib.h>

#define FX_MAX 64

static struct ent_session *session;
static struct ent_session_effect fx[FX_MAX];
static size_t fx_count;
static uint64_t now_ms;

static inline void
step(struct ent_session_event event)
{
    event.now_ms = now_ms;
    ent_session_step(session, &event);
    fx_count = 0;
    while (fx_count < FX_MAX && ent_session_next(session, &fx[fx_count])) {
        fx_count++;
    }
}

static inline const struct ent_session_effect *
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

/* The first effect of this type; fails the test when there is none. */
static inline const struct ent_session_effect *
the(enum ent_session_effect_type type)
{
    const struct ent_session_effect *found = find(type);

    assert_non_null(found);
    ENT_ASSERT(found != NULL); /* said so that the compiler knows it too */
    return found;
}

static inline size_t
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
static inline struct ent_slice
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

static inline void
assert_closed(enum ent_status st)
{
    const struct ent_session_effect *closed = the(ENT_FX_CLOSE);

    assert_int_equal(closed->u.close.st, st);
    assert_ptr_equal(closed, &fx[fx_count - 1]);
}

static inline void
message(unsigned type, struct ent_slice body)
{
    struct ent_session_event event = {.type = ENT_EV_MESSAGE};

    event.u.message.type = (uint8_t)type;
    event.u.message.body = body;
    step(event);
}

/* Sends what was encoded, and releases it. */
static inline void
message_buf(unsigned type, struct ent_buf *body)
{
    message(type, ent_buf_slice(body));
    ent_buf_release(body);
}

static inline struct ent_session_config
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

static inline struct msg_hello
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
static inline void
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

static inline void
start_live(void)
{
    struct ent_session_config config = sample_config(false);
    struct msg_hello hello = peer_hello();

    start_callee(&config, &hello);
    assert_non_null(find(ENT_FX_READY));
}

static inline void
start_caller(void)
{
    struct ent_session_config config = sample_config(true);

    ent_session_free(session);
    session = ent_session_new(&config);
    step((struct ent_session_event){.type = ENT_EV_START});
    assert_int_equal(fx_count, 0);
}

static inline void
tick(uint64_t ms)
{
    now_ms += ms;
    step((struct ent_session_event){.type = ENT_EV_TICK});
}

static inline struct ent_logkey
log_of(uint32_t inc)
{
    struct ent_logkey log = {.inc = inc};

    return log;
}

static inline struct ent_head
head_of(uint32_t inc, uint64_t seq, bool is_coming)
{
    return (struct ent_head){
        .log = log_of(inc), .seq = seq, .is_coming = is_coming};
}

static inline void
changes(uint64_t after, uint64_t upto, struct ent_head *heads, size_t n)
{
    struct msg_heads m = {
        .after = after, .upto = upto, .count = n, .heads = heads};
    struct ent_buf b = {0};

    msg_changes_encode(&m, &b);
    message_buf(ENT_MSG_CHANGES, &b);
}

static inline void
needs(uint32_t token, const struct ent_need *list, size_t n)
{
    struct ent_session_event event = {.type = ENT_EV_NEEDS};

    event.u.needs.token = token;
    event.u.needs.count = n;
    event.u.needs.needs = list;
    step(event);
}

static inline void
stored(uint32_t inc, uint64_t head_seq, size_t len, enum ent_status st)
{
    struct ent_session_event event = {.type = ENT_EV_STORED};

    event.u.stored.log = log_of(inc);
    event.u.stored.head_seq = head_seq;
    event.u.stored.run_len = len;
    event.u.stored.st = st;
    step(event);
}

static inline void
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
static inline void
ask_one(uint64_t after, uint64_t upto, uint32_t inc)
{
    struct ent_head head = head_of(inc, 0, false);
    struct ent_need need = {.log = log_of(inc)};

    changes(after, upto, &head, 1);
    assert_non_null(find(ENT_FX_CHECK));
    needs(the(ENT_FX_CHECK)->u.check.token, &need, 1);
    assert_true(sent(ENT_MSG_WANT).len > 0);
}

static inline void
moved(uint64_t top)
{
    struct ent_session_event event = {.type = ENT_EV_MOVED};

    event.u.moved.top = top;
    step(event);
}

static inline void
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

static inline void
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

static inline void
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

static inline void
ack(uint64_t consumed, uint64_t settled)
{
    struct ent_buf b = {0};

    msg_ack_encode(&(struct msg_ack){consumed, settled}, &b);
    message_buf(ENT_MSG_ACK, &b);
}

static inline void
grant(uint64_t bytes)
{
    struct ent_buf b = {0};

    msg_grant_encode(bytes, &b);
    message_buf(ENT_MSG_GRANT, &b);
}

static inline int
setup(void **state)
{
    (void)state;
    now_ms = 1000;
    return 0;
}

static inline int
teardown(void **state)
{
    (void)state;
    ent_session_free(session);
    session = NULL;
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
