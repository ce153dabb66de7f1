/*
 * The session's door: HELLO, the dispatch of events, silence, and the view.
 *
 *   NEW ---START (callee, with HELLO)---------------> LIVE
 *    |                                                 |
 *    +--START (caller)--> GREETING --HELLO message-->--+
 *    |                       |                         |
 *    +-----------------------+-------------------------+--> CLOSED
 *
 * Happy path of an idle reconnect: HELLO both ways, nothing moved, READ_PROOF,
 * PROOF both ways, PROVED.
 */
#include "sync/state.h"

#include <stdio.h>
#include <stdlib.h>

static void
session_move(struct ent_session *s, enum session_state to)
{
    static const uint8_t legal[] = {
        [SESSION_NEW] = 1u << SESSION_GREETING | 1u << SESSION_LIVE,
        [SESSION_GREETING] = 1u << SESSION_LIVE,
        [SESSION_LIVE] = 0, /* CLOSED by session_bye alone */
        [SESSION_CLOSED] = 0,
    };

    ENT_ASSERT((legal[s->state] & 1u << to) != 0);
    s->state = to;
}

static bool
is_text_ended(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

struct ent_session *
ent_session_new(const struct ent_session_config *config)
{
    struct ent_session *s = ent_alloc_zero(1, sizeof(*s));

    ENT_ASSERT(config->protocol_min <= config->protocol_max);
    ENT_ASSERT(is_text_ended(config->software, sizeof(config->software)));
    s->config = *config;
    outgoing_init(s);
    incoming_init(s);
    proof_init(s);
    return s;
}

void
ent_session_free(struct ent_session *session)
{
    if (session == NULL) {
        return;
    }
    session_clear_effects(session);
    outgoing_release(session);
    incoming_release(session);
    free(session->effects);
    free(session->lent);
    free(session);
}

static struct msg_hello
make_hello(const struct ent_session_config *config, uint64_t wall_ms,
           uint64_t free_mib)
{
    struct msg_hello m = {
        .protocol_min = config->protocol_min,
        .protocol_max = config->protocol_max,
        .features = (config->is_recovering ? ENT_FEATURE_RECOVERING : 0) |
                    (config->is_limited ? ENT_FEATURE_LIMITED : 0),
        .top = config->top,
        .knows_store = config->knows_peer_store,
        .consumed = config->knows_peer_store ? config->consumed : 0,
        .wall_ms = wall_ms,
        .free_mib = free_mib,
    };

    memcpy(m.software, config->software, sizeof(m.software));
    memcpy(m.store_id, config->store_id, sizeof(m.store_id));
    memcpy(m.known_store_id, config->peer_store_id, sizeof(m.known_store_id));
    memcpy(m.consumed_id, config->consumed_id, sizeof(m.consumed_id));
    return m;
}

void
ent_session_hello(const struct ent_session_config *config, uint64_t wall_ms,
                  uint64_t free_mib, uint8_t ret_hello[256])
{
    struct msg_hello m = make_hello(config, wall_ms, free_mib);

    msg_hello_pad(&m, ret_hello);
}

/* No version in common: says which one would do. */
static void
refuse_version(struct ent_session *s, const struct msg_hello *hello)
{
    struct msg_bye bye = {.reason = ENT_BYE_VERSION};
    uint32_t needed = hello->protocol_max < s->config.protocol_min
                          ? s->config.protocol_min
                          : s->config.protocol_max;

    snprintf(bye.detail, sizeof(bye.detail), "protocol %u", (unsigned)needed);
    session_bye(s, ENT_PEER_VERSION, &bye);
}

static void
send_hello(struct ent_session *s)
{
    struct msg_hello m = make_hello(&s->config, s->wall_ms, s->free_mib);
    struct ent_buf body = {0};

    msg_hello_encode(&m, &body);
    session_send(s, ENT_MSG_HELLO, &body);
}

static void
tell_ready(struct ent_session *s, const struct msg_hello *hello)
{
    struct ent_session_effect *fx = session_emit(s, ENT_FX_READY);
    uint64_t wall_ms = s->wall_ms + (s->now_ms - s->start_ms);
    uint32_t max = s->config.protocol_max;

    memcpy(fx->u.ready.software, hello->software, sizeof(fx->u.ready.software));
    fx->u.ready.version = hello->protocol_max < max ? hello->protocol_max : max;
    memcpy(fx->u.ready.store_id, hello->store_id, ENT_STORE_ID_LEN);
    fx->u.ready.is_store_new =
        !s->config.knows_peer_store ||
        memcmp(s->config.peer_store_id, hello->store_id, ENT_STORE_ID_LEN) != 0;
    fx->u.ready.top = hello->top;
    fx->u.ready.consumed_ours = s->out.acked;
    memcpy(fx->u.ready.consumed_ours_id, hello->consumed_id,
           sizeof(fx->u.ready.consumed_ours_id));
    fx->u.ready.skew_ms = (int64_t)hello->wall_ms - (int64_t)wall_ms;
}

static void
take_hello(struct ent_session *s, const struct msg_hello *hello)
{
    if (hello->protocol_max < s->config.protocol_min ||
        hello->protocol_min > s->config.protocol_max) {
        refuse_version(s, hello);
        return;
    }
    if (!s->config.is_caller) {
        send_hello(s);
    }
    session_move(s, SESSION_LIVE);
    s->is_limited =
        s->config.is_limited || (hello->features & ENT_FEATURE_LIMITED) != 0;
    outgoing_hello(s, hello);
    incoming_hello(s, hello);
    tell_ready(s, hello);
}

static void
on_start(struct ent_session *s, const struct ent_session_event *event)
{
    struct msg_hello hello;
    enum ent_status st;

    ENT_ASSERT(s->state == SESSION_NEW);
    s->start_ms = s->now_ms;
    s->heard_ms = s->now_ms;
    s->wall_ms = event->u.start.wall_ms;
    s->free_mib = event->u.start.free_mib;
    if (s->config.is_caller) {
        session_move(s, SESSION_GREETING);
        return;
    }
    st = msg_hello_unpad(event->u.start.hello, &hello);
    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    take_hello(s, &hello);
}

static void
on_message_hello(struct ent_session *s, struct ent_slice body)
{
    struct msg_hello hello;
    enum ent_status st = s->state == SESSION_GREETING
                             ? msg_hello_decode(body, &hello)
                             : ENT_PEER_STATE;

    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    take_hello(s, &hello);
}

static void
on_message_bye(struct ent_session *s, struct ent_slice body)
{
    struct msg_bye bye;
    enum ent_status st = msg_bye_decode(body, &bye);

    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    session_bye_heard(s, &bye);
}

static void
on_message_ping(struct ent_session *s, enum ent_msg_type type,
                struct ent_slice body)
{
    struct ent_buf pong = {0};
    enum ent_status st = msg_empty_decode(body);

    if (st != ENT_OK) {
        session_refuse(s, st);
    } else if (type == ENT_MSG_PING) {
        msg_empty_encode(&pong);
        session_send(s, ENT_MSG_PONG, &pong);
    }
}

/* PROTO §5: "An unknown type below 0x40 is skipped, any other unknown type, and
 * any message that its state forbids, ends the session with BYE(3)." A message
 * of a live session. */
static void
on_live_message(struct ent_session *s, unsigned type, struct ent_slice body)
{
    switch ((enum ent_msg_type)type) {
    case ENT_MSG_CHANGES:
        incoming_on_message_changes(s, body);
        return;
    case ENT_MSG_WANT:
        outgoing_on_want(s, body);
        return;
    case ENT_MSG_RUN:
        incoming_on_message_run(s, body);
        return;
    case ENT_MSG_ACK:
        outgoing_on_ack(s, body);
        return;
    case ENT_MSG_PROOF:
        proof_on_message(s, body);
        return;
    case ENT_MSG_HEADS:
        incoming_on_message_heads(s, body);
        return;
    case ENT_MSG_GRANT:
        outgoing_on_grant(s, body);
        return;
    case ENT_MSG_PING:
    case ENT_MSG_PONG:
        on_message_ping(s, (enum ent_msg_type)type, body);
        return;
    case ENT_MSG_HELLO:
    case ENT_MSG_BYE:
    case ENT_MSG_JOIN_COMMIT:
    case ENT_MSG_JOIN_CALLER:
    case ENT_MSG_JOIN_CALLEE:
    case ENT_MSG_JOIN_CONFIRM:
    case ENT_MSG_JOIN_CARD:
    case ENT_MSG_JOIN_CIRCLE:
        session_refuse(s, ENT_PEER_STATE);
        return;
    }
    /* A later release's message: skipped unless it says it matters. */
    if (type >= ENT_MSG_CRITICAL) {
        session_refuse(s, ENT_PEER_STATE);
    }
}

static void
on_message(struct ent_session *s, const struct ent_session_event *event)
{
    unsigned type = event->u.message.type;
    struct ent_slice body = event->u.message.body;

    ENT_ASSERT(s->state != SESSION_NEW);
    s->heard_ms = s->now_ms;
    if (body.len > ENT_MESSAGE_MAX) {
        session_refuse(s, ENT_PEER_TOO_BIG);
    } else if (type == ENT_MSG_BYE) {
        on_message_bye(s, body);
    } else if (type == ENT_MSG_HELLO) {
        on_message_hello(s, body);
    } else if (s->state != SESSION_LIVE) {
        session_refuse(s, ENT_PEER_STATE);
    } else {
        on_live_message(s, type, body);
    }
}

/* PROTO §5.1: "After 30 seconds without a message: PING. After 90: the session
 * ends." */
static void
on_tick(struct ent_session *s)
{
    struct ent_buf body = {0};

    ENT_ASSERT(s->state != SESSION_NEW);
    if (s->now_ms - s->heard_ms >= ENT_SILENCE_MS) {
        session_refuse(s, ENT_PEER_TIMEOUT);
        return;
    }
    if (s->state != SESSION_LIVE) {
        return;
    }
    if (s->now_ms - s->heard_ms >= ENT_PING_MS &&
        s->now_ms - s->pinged_ms >= ENT_PING_MS) {
        s->pinged_ms = s->now_ms;
        msg_empty_encode(&body);
        session_send(s, ENT_MSG_PING, &body);
    }
    s->out.is_stalled = false;
    incoming_on_tick(s);
}

static void
on_moved(struct ent_session *s, const struct ent_session_event *event)
{
    if (event->u.moved.top > s->out.top) {
        s->out.top = event->u.moved.top;
    }
    s->out.is_stalled = false;
    proof_changed(s);
}

static void
on_retry(struct ent_session *s)
{
    s->in.retry_delay_ms = ENT_RETRY_MS;
    incoming_retry(s);
}

static void
on_stop(struct ent_session *s, const struct ent_session_event *event)
{
    struct msg_bye bye = {.reason = (uint8_t)event->u.stop.bye};

    session_bye(s, ENT_OK, &bye);
}

static void
dispatch(struct ent_session *s, const struct ent_session_event *event)
{
    switch (event->type) {
    case ENT_EV_START:
        on_start(s, event);
        break;
    case ENT_EV_MESSAGE:
        on_message(s, event);
        break;
    case ENT_EV_TICK:
        on_tick(s);
        break;
    case ENT_EV_MOVED:
        on_moved(s, event);
        break;
    case ENT_EV_CHANGES:
        outgoing_on_changes(s, event);
        break;
    case ENT_EV_RUN:
        outgoing_on_run(s, event);
        break;
    case ENT_EV_NEEDS:
        incoming_on_needs(s, event);
        break;
    case ENT_EV_STORED:
        incoming_on_stored(s, event);
        break;
    case ENT_EV_PROOF:
        proof_on_proof(s, event);
        break;
    case ENT_EV_HEADS:
        proof_on_heads(s, event);
        break;
    case ENT_EV_RETRY:
        on_retry(s);
        break;
    case ENT_EV_STOP:
        on_stop(s, event);
        break;
    }
}

/*~ 5/14 The heart, and it is a function: an event in, effects out. It never
 * waits and never asks for the time, which is why a whole world of nodes fits
 * into a test. dispatch and on_live_message are the protocol's table of
 * contents; our message is a RUN, so look at incoming.c. The three lines of
 * settling afterwards ask, each time anew: what may be said now? */
void
ent_session_step(struct ent_session *session,
                 const struct ent_session_event *event)
{
    session_clear_effects(session);
    if (session->state == SESSION_CLOSED) {
        return;
    }
    ENT_ASSERT(event->now_ms >= session->now_ms);
    session->now_ms = event->now_ms;
    dispatch(session, event);
    if (session->state == SESSION_LIVE) {
        incoming_settle(session);
        outgoing_settle(session);
        proof_settle(session);
    }
}

bool
ent_session_next(struct ent_session *session,
                 struct ent_session_effect *ret_effect)
{
    if (session->effect_next == session->effect_count) {
        return false;
    }
    *ret_effect = session->effects[session->effect_next++];
    return true;
}

bool
session_is_quiet(const struct ent_session *s)
{
    return s->state == SESSION_LIVE && incoming_is_quiet(s) &&
           outgoing_is_quiet(s);
}

void
ent_session_view(const struct ent_session *session,
                 struct ent_session_view *ret_view)
{
    const struct incoming *in = &session->in;

    *ret_view = (struct ent_session_view){
        .is_ready = session->state == SESSION_LIVE,
        .is_quiet = session_is_quiet(session),
        .is_proved = proof_is_proved(session),
        .told = session->out.told,
        .acked = session->out.acked,
        .consumed = in->consumed,
        .peer_top = in->peer_top,
        .deferred_count = in->counts[ITEM_DEFERRED],
        .wanted_count = in->items.count - in->counts[ITEM_DEFERRED],
        .repairs = session->proof.repairs,
    };
}
