/*
 * The proof that both sides hold the same heads, and the repair when not.
 *
 * A side that is quiet reads the sum over its heads and sends PROOF with both
 * change numbers. Two proofs whose numbers meet (each consumed what the other
 * told) are compared: we compute what the peer would have sent if its heads
 * were ours. While the numbers differ, changes are flying and nothing is
 * concluded; whoever's numbers or heads change proves again.
 *
 *   equal      PROVED
 *   different  HEADS of everything, a part at a time within the credit; what
 *              they show as missing is fetched like any change. Counted,
 *              unless the spaces differ (rights are on their way, no bug).
 *              Then prove again, ever later while it does not help.
 */
#include "sync/state.h"

#include <stdlib.h>

enum { ROLE_CALLER = 1, ROLE_CALLEE = 2 };

void
proof_init(struct ent_session *s)
{
    s->proof.is_dirty = true;
    s->proof.repair_delay_ms = ENT_REPAIR_MS;
}

void
proof_changed(struct ent_session *s)
{
    s->proof.is_dirty = true;
    s->proof.is_void = true;
}

/* A repair changes heads and no number, so proofs from before it say nothing
 * after: both sides prove again, a little later. */
void
proof_on_repair(struct ent_session *s)
{
    s->proof.is_dirty = true;
    s->proof.is_void = true;
    s->proof.is_forced = true;
    s->proof.has_peer = false;
    s->proof.next_ms = s->now_ms + ENT_REPAIR_MS;
}

/* PROTO §5.3: "`mac` = BLAKE2b-128 under the handshake hash of `role (1 caller,
 * 2 callee) || sum || head count (8) || spaces`." So nobody can echo our own
 * value back, and a value says nothing on another link. */
static void
proof_mac(const struct ent_session *s, bool is_caller, uint8_t ret_mac[16])
{
    uint8_t layout[41];

    layout[0] = is_caller ? ROLE_CALLER : ROLE_CALLEE;
    memcpy(layout + 1, s->proof.sum, 16);
    ent_put_u64(layout + 17, s->proof.own.head_count);
    memcpy(layout + 25, s->proof.own.spaces, 16);
    ent_mac(ENT_SLICE_OF(s->config.link_hash), ENT_SLICE_OF(layout), ret_mac,
            16);
}

static void
start_repair(struct ent_session *s)
{
    struct proof *p = &s->proof;

    if (p->is_repairing || s->now_ms < p->repair_ms) {
        return;
    }
    if (memcmp(p->own.spaces, p->peer.spaces, 16) == 0) {
        p->repairs++;
    }
    p->is_repairing = true;
    p->heads_after = 0;
    p->repair_ms = s->now_ms + p->repair_delay_ms;
    p->repair_delay_ms *= 2;
    if (p->repair_delay_ms > ENT_REPAIR_MAX_MS) {
        p->repair_delay_ms = ENT_REPAIR_MAX_MS;
    }
    proof_on_repair(s);
}

/* "Then the cursors are set from what was proved": numbers of the peer's that
 * were never described to us (not for us, or our own news come back) need not
 * be looked at when we meet again. In this session the numbers stay as told,
 * since the peer may not have come to the same conclusion yet. */
static void
keep_cursor(struct ent_session *s)
{
    struct ent_session_effect *fx = session_emit(s, ENT_FX_CONSUMED);

    memcpy(fx->u.consumed.store_id, s->in.store_id, ENT_STORE_ID_LEN);
    fx->u.consumed.number = s->proof.peer.top;
    memcpy(fx->u.consumed.id, s->proof.peer.top_id, 16);
}

/* PROTO §5.3: "Two proofs are compared when each side's consumed is what the
 * other told" */
static void
compare(struct ent_session *s)
{
    struct proof *p = &s->proof;
    uint8_t expected[16];

    if (p->is_dirty || !p->has_own || !p->has_peer || p->is_compared ||
        p->peer.told != s->in.consumed || p->peer.consumed != s->out.told) {
        return;
    }
    proof_mac(s, !s->config.is_caller, expected);
    p->is_compared = true;
    p->is_equal = ent_secret_eq(expected, p->peer.mac, sizeof(expected));
    if (!p->is_equal) {
        start_repair(s);
        return;
    }
    p->repair_delay_ms = ENT_REPAIR_MS;
    session_emit(s, ENT_FX_PROVED);
    if (p->peer.top > s->in.upto && !s->is_limited) {
        keep_cursor(s);
    }
}

void
proof_on_message(struct ent_session *s, struct ent_slice body)
{
    struct msg_proof m;
    enum ent_status st = msg_proof_decode(body, &m);

    if (st == ENT_OK && (m.consumed > s->out.told || m.told > s->in.upto)) {
        st = ENT_PEER_STATE;
    }
    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    s->proof.peer = m;
    s->proof.has_peer = true;
    s->proof.is_compared = false;
}

/* Takes what was read as our own proof; true when the peer does not have
 * just this from us already. */
static bool
take_own(struct ent_session *s, const struct ent_session_event *event)
{
    struct proof *p = &s->proof;
    struct msg_proof before = p->own;
    bool is_first = !p->has_own;

    p->own.top = s->out.scanned;
    memcpy(p->own.top_id, s->out.scanned_id, sizeof(p->own.top_id));
    p->own.told = s->out.told;
    p->own.consumed = s->in.consumed;
    p->own.head_count = event->u.proof.head_count;
    memcpy(p->own.spaces, event->u.proof.spaces, sizeof(p->own.spaces));
    memcpy(p->sum, event->u.proof.sum, sizeof(p->sum));
    proof_mac(s, s->config.is_caller, p->own.mac);
    p->has_own = true;
    p->is_dirty = false;
    return is_first || before.top != p->own.top || before.told != p->own.told ||
           before.consumed != p->own.consumed ||
           memcmp(before.mac, p->own.mac, sizeof(before.mac)) != 0;
}

void
proof_on_proof(struct ent_session *s, const struct ent_session_event *event)
{
    struct proof *p = &s->proof;
    struct ent_buf body = {0};

    ENT_ASSERT(p->is_reading);
    p->is_reading = false;
    if (p->is_void || event->u.proof.top != s->out.top ||
        !session_is_quiet(s)) {
        p->next_ms = s->now_ms + ENT_PROOF_GAP_MS;
        return;
    }
    if (!take_own(s, event) && !p->is_forced) {
        return;
    }
    p->is_forced = false;
    p->is_compared = false;
    p->sent_ms = s->now_ms;
    p->next_ms = s->now_ms + ENT_PROOF_GAP_MS;
    msg_proof_encode(&p->own, &body);
    session_send(s, ENT_MSG_PROOF, &body);
}

void
proof_on_heads(struct ent_session *s, const struct ent_session_event *event)
{
    struct proof *p = &s->proof;
    struct msg_heads m = {.is_last = event->u.heads.is_last,
                          .count = event->u.heads.count};
    struct ent_buf body = {0};

    ENT_ASSERT(p->is_reading_heads);
    ENT_ASSERT(m.is_last || event->u.heads.upto > p->heads_after);
    p->is_reading_heads = false;
    s->out.reserved -= p->heads_reserved;
    m.heads = ent_alloc(m.count * sizeof(*m.heads));
    if (m.count > 0) {
        memcpy(m.heads, event->u.heads.heads, m.count * sizeof(*m.heads));
    }
    msg_heads_encode(&m, &body);
    free(m.heads);
    ENT_ASSERT(body.len <= p->heads_reserved);
    s->out.credit -= body.len;
    session_send(s, ENT_MSG_HEADS, &body);
    p->heads_after = event->u.heads.upto;
    p->is_repairing = !m.is_last;
}

/* Asks for the next part of the heads, when the credit carries it and no run
 * waits: what the last part made the peer ask for goes first. */
static void
read_heads(struct ent_session *s)
{
    struct proof *p = &s->proof;
    struct ent_session_effect *fx;
    size_t max = outgoing_credit(s) / ENT_HEAD_WIRE_MAX;

    if (!p->is_repairing || p->is_reading_heads || s->out.first != NULL ||
        outgoing_credit(s) < ENT_PUSH_MAX) {
        return;
    }
    max = (max < ENT_HEADS_PER_MESSAGE_MAX ? max : ENT_HEADS_PER_MESSAGE_MAX);
    p->heads_reserved = max * ENT_HEAD_WIRE_MAX;
    s->out.reserved += p->heads_reserved;
    p->is_reading_heads = true;
    fx = session_emit(s, ENT_FX_READ_HEADS);
    fx->u.read_heads.after = p->heads_after;
    fx->u.read_heads.max = (uint32_t)(max - 1); /* leaves the frame's bytes */
}

static void
read_proof(struct ent_session *s)
{
    struct proof *p = &s->proof;

    bool is_repair_due =
        p->is_compared && !p->is_equal && s->now_ms >= p->repair_ms;

    if (is_repair_due || s->now_ms - p->sent_ms >= ENT_PROOF_MS) {
        p->is_dirty = true;
        p->is_forced = true;
    }
    if (p->is_dirty && !p->is_reading && !p->is_repairing &&
        s->now_ms >= p->next_ms) {
        session_emit(s, ENT_FX_READ_PROOF);
        p->is_reading = true;
        p->is_void = false;
    }
}

void
proof_settle(struct ent_session *s)
{
    if (session_is_quiet(s)) {
        compare(s);
        read_proof(s);
    }
    read_heads(s);
}

bool
proof_is_proved(const struct ent_session *s)
{
    return s->proof.is_compared && s->proof.is_equal && !s->proof.is_dirty;
}
