/*
 * Our changes to the peer.
 *
 * Happy path: our top rises above what was read for the peer, READ_CHANGES
 * answers with heads, CHANGES describes them; the peer's WANT fills the queue,
 * READ_RUN answers with runs within the credit, RUN carries them; ACK moves
 * `acked`. Changes that the peer may not see, or named itself, move `scanned`
 * alone, and the next CHANGES covers their numbers.
 *
 * What else happens:
 *   - own news that fits the credit is pushed: announced as coming in CHANGES
 *     and queued at once, before what was asked for.
 *   - the credit is short: the want waits for GRANT, in its place.
 *   - the store has nothing for the peer after all: the want is dropped, and
 *     the peer told so, since it waits.
 *   - we are recovering: nothing is described before we have taken what the
 *     peer has, and of two such nodes the smaller id goes first.
 */
#include "sync/state.h"

#include <stdlib.h>

/* A read that the credit leaves less than this is not worth its turn: the
 * run would likely be too long for it. */
#define READ_BYTES_MIN ENT_PUSH_MAX

void
outgoing_init(struct ent_session *s)
{
    log_table_init(&s->out.wants, s->config.link_hash);
    s->out.top = s->config.top;
    s->out.credit = ENT_CREDIT_START;
}

void
outgoing_release(struct ent_session *s)
{
    struct want *want = s->out.first;

    while (want != NULL) {
        struct want *next = want->next;

        log_table_remove(&s->out.wants, &want->link);
        free(want);
        want = next;
    }
    log_table_release(&s->out.wants);
}

/* Did the peer lose numbers that we consumed? It learns so from our HELLO. */
static bool
is_peer_rolled_back(const struct ent_session *s, const struct msg_hello *hello)
{
    return s->config.knows_peer_store &&
           memcmp(s->config.peer_store_id, hello->store_id, ENT_STORE_ID_LEN) ==
               0 &&
           s->config.consumed > hello->top;
}

void
outgoing_hello(struct ent_session *s, const struct msg_hello *hello)
{
    struct outgoing *out = &s->out;
    bool is_ours =
        hello->knows_store && memcmp(hello->known_store_id, s->config.store_id,
                                     ENT_STORE_ID_LEN) == 0;
    bool is_recovering = s->config.is_recovering;
    bool is_peer_recovering = (hello->features & ENT_FEATURE_RECOVERING) != 0 ||
                              is_peer_rolled_back(s, hello);

    if (is_ours && hello->consumed > s->config.top) {
        session_emit(s, ENT_FX_ROLLED_BACK);
        is_recovering = true;
    } else if (is_ours) {
        out->acked = hello->consumed;
    }
    out->told = out->acked;
    out->scanned = out->acked;
    /* Both sides see the same two facts, so exactly one goes first. */
    out->is_held =
        is_recovering && (!is_peer_recovering ||
                          ent_id_cmp(&s->config.node, &s->config.peer) > 0);
}

size_t
outgoing_credit(const struct ent_session *s)
{
    ENT_ASSERT(s->out.reserved <= s->out.credit);
    return s->out.credit - s->out.reserved;
}

static void
enqueue(struct ent_session *s, struct want *want, bool is_first)
{
    log_table_put(&s->out.wants, &want->link);
    if (s->out.first == NULL) {
        s->out.first = want;
        s->out.last = want;
    } else if (is_first) {
        want->next = s->out.first;
        s->out.first = want;
    } else {
        s->out.last->next = want;
        s->out.last = want;
    }
}

static void
remove_want(struct ent_session *s, struct want *want)
{
    struct want *before = NULL;
    struct want **at = &s->out.first;

    while (*at != want) {
        ENT_ASSERT(*at != NULL);
        before = *at;
        at = &before->next;
    }
    *at = want->next;
    if (s->out.last == want) {
        s->out.last = before;
    }
    log_table_remove(&s->out.wants, &want->link);
    free(want);
}

/* Widens a want by what is asked again. */
static void
widen(struct want *want, const struct ent_need *need)
{
    if (need->to_seq > want->to_seq) {
        want->to_seq = need->to_seq;
    }
    if (need->from_seq >= want->from_seq) {
        return;
    }
    if (!want->is_reading) {
        want->from_seq = need->from_seq;
        want->need_bytes = 0;
    } else if (!want->is_reset || need->from_seq < want->reset_seq) {
        want->is_reset = true;
        want->reset_seq = need->from_seq;
    }
}

/* Queues a part of a log; false when there is no room. */
static bool
add_want(struct ent_session *s, const struct ent_need *need, bool is_push)
{
    struct log_link *link = log_table_find(&s->out.wants, &need->log);
    struct want *want;

    if (link != NULL) {
        widen((struct want *)link, need);
        return true;
    }
    if (s->out.wants.count >= ENT_WANTS_MAX) {
        return false;
    }
    want = ent_alloc_zero(1, sizeof(*want));
    want->link.log = need->log;
    want->from_seq = need->from_seq;
    want->to_seq = need->to_seq;
    enqueue(s, want, is_push);
    return true;
}

void
outgoing_on_want(struct ent_session *s, struct ent_slice body)
{
    struct msg_want m;
    enum ent_status st = msg_want_decode(body, &m);
    size_t i;

    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    for (i = 0; i < m.count; i++) {
        if (!add_want(s, &m.needs[i], false)) {
            session_refuse(s, ENT_PEER_FLOOD);
            break;
        }
    }
    free(m.needs);
}

void
outgoing_on_ack(struct ent_session *s, struct ent_slice body)
{
    struct outgoing *out = &s->out;
    struct msg_ack m;
    enum ent_status st = msg_ack_decode(body, &m);
    size_t kept = 0;
    size_t i;

    if (st == ENT_OK && (m.settled > out->told || m.consumed < out->acked)) {
        st = ENT_PEER_STATE;
    }
    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    for (i = 0; i < out->open_count; i++) {
        if (out->open[i] > m.settled) {
            out->open[kept++] = out->open[i];
        }
    }
    out->open_count = kept;
    if (m.consumed > out->acked && s->is_limited) {
        out->acked = m.consumed;
    } else if (m.consumed > out->acked) {
        struct ent_session_effect *fx = session_emit(s, ENT_FX_ACKED);

        out->acked = m.consumed;
        memcpy(fx->u.consumed.store_id, s->in.store_id, ENT_STORE_ID_LEN);
        fx->u.consumed.number = m.consumed;
    }
}

void
outgoing_on_grant(struct ent_session *s, struct ent_slice body)
{
    uint64_t bytes;
    enum ent_status st = msg_grant_decode(body, &bytes);

    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    s->out.credit += (size_t)bytes;
    if (s->out.credit > ENT_CREDIT_MAX) {
        s->out.credit = ENT_CREDIT_MAX;
    }
}

/* Copies the heads that the peer does not have; returns how many. */
static size_t
unknown_heads(const struct ent_session *s,
              const struct ent_session_event *event, struct ent_head *ret_heads)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < event->u.changes.count; i++) {
        const struct ent_head *h = &event->u.changes.heads[i];

        ENT_ASSERT(h->from_seq <= h->seq && h->seq != UINT64_MAX);
        if (!known_has(s, h)) {
            ret_heads[count++] = *h;
        }
    }
    return count;
}

static bool
may_push(const struct ent_session *s, const struct msg_heads *m,
         size_t push_bytes)
{
    size_t i;

    if (push_bytes > ENT_PUSH_MAX || outgoing_credit(s) < push_bytes ||
        outgoing_credit(s) < READ_BYTES_MIN ||
        s->out.wants.count + m->count > ENT_WANTS_MAX) {
        return false;
    }
    for (i = 0; i < m->count; i++) {
        if (!m->heads[i].is_coming) {
            return false;
        }
    }
    return true;
}

/* Sends CHANGES, and queues its heads when they are pushed. */
static void
describe(struct ent_session *s, const struct msg_heads *m, size_t push_bytes)
{
    bool is_pushed = may_push(s, m, push_bytes);
    struct ent_buf body = {0};
    size_t i;

    for (i = 0; i < m->count; i++) {
        struct ent_head *h = &m->heads[i];

        h->is_coming = is_pushed;
        if (is_pushed) {
            struct ent_need need = {h->log, h->from_seq, h->seq};
            bool is_queued = add_want(s, &need, true);

            ENT_ASSERT(is_queued);
        }
    }
    msg_changes_encode(m, &body);
    session_send(s, ENT_MSG_CHANGES, &body);
    ENT_ASSERT(s->out.open_count < ENT_CHANGES_OPEN_MAX);
    s->out.open[s->out.open_count++] = m->upto;
    s->out.told = m->upto;
}

void
outgoing_on_changes(struct ent_session *s,
                    const struct ent_session_event *event)
{
    struct outgoing *out = &s->out;
    uint64_t upto = event->u.changes.upto;
    struct msg_heads m = {.after = out->told, .upto = upto};

    ENT_ASSERT(out->is_reading && event->u.changes.after == out->scanned);
    ENT_ASSERT(event->u.changes.count <= ENT_HEADS_PER_MESSAGE_MAX);
    ENT_ASSERT(upto > out->scanned ||
               (upto == out->scanned && event->u.changes.count == 0));
    out->is_reading = false;
    out->is_stalled = upto == out->scanned;
    out->scanned = upto;
    memcpy(out->scanned_id, event->u.changes.upto_id, 16);
    if (upto > out->top) {
        out->top = upto;
    }
    proof_changed(s);
    memcpy(m.upto_id, event->u.changes.upto_id, sizeof(m.upto_id));
    m.heads = ent_alloc(event->u.changes.count * sizeof(*m.heads));
    m.count = unknown_heads(s, event, m.heads);
    if (m.count > 0) {
        describe(s, &m, event->u.changes.push_bytes);
    }
    free(m.heads);
}

static void
send_run(struct ent_session *s, const struct ent_logkey *log,
         struct ent_slice run)
{
    struct msg_run m = {.run = run, .log = *log};
    struct ent_buf body = {0};

    ENT_ASSERT(run.len <= outgoing_credit(s));
    s->out.credit -= run.len;
    msg_run_encode(&m, &body);
    session_send(s, ENT_MSG_RUN, &body);
}

/* Where the want goes on after its read; false when it is served. */
static bool
advance(struct want *want, uint64_t next_seq)
{
    want->from_seq = next_seq;
    if (want->is_reset && want->reset_seq < next_seq) {
        want->from_seq = want->reset_seq;
    }
    want->is_reset = false;
    return want->from_seq <= want->to_seq;
}

void
outgoing_on_run(struct ent_session *s, const struct ent_session_event *event)
{
    struct want *want =
        (struct want *)log_table_find(&s->out.wants, &event->u.run.log);
    struct ent_slice run = event->u.run.run;
    size_t need_bytes = event->u.run.need_bytes;

    ENT_ASSERT(want != NULL && want->is_reading);
    ENT_ASSERT(need_bytes <= ENT_RUN_BYTES_MAX);
    want->is_reading = false;
    s->out.reads--;
    s->out.reserved -= want->reserved;
    if (run.len > outgoing_credit(s)) {
        need_bytes = run.len; /* longer than asked: read again in its turn */
        run = (struct ent_slice){0};
    }
    if (run.len == 0 && need_bytes > 0) {
        want->need_bytes = need_bytes;
        (void)advance(want, want->from_seq);
        return;
    }
    want->need_bytes = 0;
    send_run(s, &want->link.log, run);
    if (run.len == 0) {
        remove_want(s, want);
        return;
    }
    ENT_ASSERT(event->u.run.last_seq >= want->from_seq);
    if (!advance(want, event->u.run.last_seq + 1)) {
        remove_want(s, want);
    }
}

static void
read_run(struct ent_session *s, struct want *want)
{
    struct ent_session_effect *fx = session_emit(s, ENT_FX_READ_RUN);
    size_t max = outgoing_credit(s);

    if (max > ENT_RUN_BYTES_MAX) {
        max = ENT_RUN_BYTES_MAX;
    }
    want->is_reading = true;
    want->reserved = max;
    s->out.reserved += max;
    s->out.reads++;
    fx->u.read_run.log = want->link.log;
    fx->u.read_run.from_seq = want->from_seq;
    fx->u.read_run.to_seq = want->to_seq;
    fx->u.read_run.max_bytes = max;
}

static void
read_runs(struct ent_session *s)
{
    struct want *want = s->out.first;

    for (; want != NULL; want = want->next) {
        size_t least = want->need_bytes > READ_BYTES_MIN ? want->need_bytes
                                                         : READ_BYTES_MIN;

        if (s->out.reads >= ENT_READS_OPEN_MAX) {
            break;
        }
        if (want->is_reading) {
            continue;
        }
        if (outgoing_credit(s) < least) {
            break; /* in order: nobody behind it overtakes a long run */
        }
        read_run(s, want);
    }
}

/* Have we taken all that the peer has? Its own proof says so when numbers
 * that we may not see stand between. */
static bool
has_taken_all(const struct ent_session *s)
{
    return incoming_is_quiet(s) &&
           (s->in.consumed >= s->in.peer_top ||
            (s->proof.has_peer && s->proof.peer.told == s->in.consumed));
}

static void
read_changes(struct ent_session *s)
{
    struct outgoing *out = &s->out;
    struct ent_session_effect *fx;

    if (out->is_held || out->is_reading || out->is_stalled ||
        out->top <= out->scanned || out->open_count >= ENT_CHANGES_OPEN_MAX) {
        return;
    }
    fx = session_emit(s, ENT_FX_READ_CHANGES);
    fx->u.read_changes.after = out->scanned;
    fx->u.read_changes.max = ENT_HEADS_PER_MESSAGE_MAX;
    out->is_reading = true;
}

void
outgoing_settle(struct ent_session *s)
{
    if (s->out.is_held && has_taken_all(s)) {
        s->out.is_held = false;
    }
    read_changes(s);
    read_runs(s);
}

bool
outgoing_is_quiet(const struct ent_session *s)
{
    return !s->out.is_held && !s->out.is_reading &&
           s->out.scanned == s->out.top && s->out.acked == s->out.told &&
           s->out.first == NULL;
}
