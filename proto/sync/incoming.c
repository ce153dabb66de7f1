/*
 * The peer's changes to us.
 *
 * Happy path: CHANGES opens a batch and its heads become items in CHECK;
 * NEEDS leaves those that go past ours; flow.c asks for them (or they are
 * announced as coming); RUN goes to the store; STORED settles the items of its
 * log; the batch empties, the cursor moves over it (CONSUMED) and ACK says so.
 *
 * What else happens:
 *   - a run waits for something (an unknown author): its items are deferred.
 *     They hold the cursor but not the flow: ACK carries a second number up to
 *     which nothing is on its way, since what they wait for may come in a
 *     later CHANGES. Settled batches that wait are kept as one.
 *   - a run is refused for its author's rights or a fork: noted, its items
 *     dropped; the proof will differ, and repair says so.
 *   - the peer does not have it for us after all: its items are dropped.
 *   - a run that does not verify ends the session.
 *   - a run that nobody asked for is stored if it is right, and counted.
 */
#include "sync/state.h"

#include <stdlib.h>

void
incoming_init(struct ent_session *s)
{
    log_table_init(&s->in.items, s->config.link_hash);
    log_table_init(&s->in.known, s->config.link_hash);
    s->in.retry_delay_ms = ENT_RETRY_MS;
    flow_init(s);
}

void
incoming_release(struct ent_session *s)
{
    struct log_link *link;

    while (s->in.needed_first != NULL) {
        struct item *item = s->in.needed_first;

        s->in.needed_first = item->next;
        item_drop_hold(item);
    }
    while (s->in.checks != NULL) {
        struct check *check = s->in.checks;
        size_t i;

        s->in.checks = check->next;
        for (i = 0; i < check->count; i++) {
            item_drop_hold(check->items[i]);
        }
        free(check->items);
        free(check);
    }
    while ((link = log_table_pop(&s->in.items)) != NULL) {
        free(link);
    }
    log_table_release(&s->in.items);
    known_release(s);
}

void
incoming_hello(struct ent_session *s, const struct msg_hello *hello)
{
    struct incoming *in = &s->in;
    bool is_known =
        s->config.knows_peer_store &&
        memcmp(s->config.peer_store_id, hello->store_id, ENT_STORE_ID_LEN) == 0;

    memcpy(in->store_id, hello->store_id, ENT_STORE_ID_LEN);
    in->peer_top = hello->top;
    /* A store that has fewer numbers than we consumed was rolled back: it
     * starts again from 0, as our HELLO made it see. */
    if (is_known && s->config.consumed <= hello->top) {
        in->consumed = s->config.consumed;
    }
    in->upto = in->consumed;
    in->settled = in->consumed;
    in->acked = in->consumed;
    in->acked_settled = in->consumed;
}

/* Emits CHECK for items in ITEM_CHECKING; takes the array. `credit` is
 * returned with the answer. */
static void
start_check(struct ent_session *s, struct item **items, size_t count,
            size_t credit)
{
    struct check *check = ent_alloc_zero(1, sizeof(*check));
    struct ent_head *heads = ent_alloc_zero(count, sizeof(*heads));
    struct ent_session_effect *fx = session_emit(s, ENT_FX_CHECK);
    size_t i;

    check->token = ++s->in.last_token;
    check->items = items;
    check->count = count;
    check->credit = credit;
    check->next = s->in.checks;
    s->in.checks = check;
    for (i = 0; i < count; i++) {
        struct item *item = items[i];

        ENT_ASSERT(item->state == ITEM_CHECKING);
        item->holds++;
        item->token = check->token;
        item->is_listed = false;
        item->late = ENT_OK;
        item->have = 0;
        heads[i] = (struct ent_head){.log = item->link.log,
                                     .seq = item->seq,
                                     .id = item->id,
                                     .from_seq = item->from_seq,
                                     .is_coming = item->is_coming};
    }
    session_lend(s, heads);
    fx->u.check.token = check->token;
    fx->u.check.count = count;
    fx->u.check.heads = heads;
}

/* Makes items of the heads and checks them. False (and closed) when they are
 * more than one session keeps. */
static bool
take_heads(struct ent_session *s, const struct msg_heads *m, size_t credit)
{
    struct item **items;
    size_t i;

    if (s->in.items.count + m->count > ENT_ITEMS_MAX) {
        session_refuse(s, ENT_PEER_FLOOD);
        return false;
    }
    items = ent_alloc(m->count * sizeof(struct item *));
    for (i = 0; i < m->count; i++) {
        items[i] = item_new(s, &m->heads[i], m->upto);
        known_put(s, &m->heads[i]);
        if (m->heads[i].is_coming) {
            s->in.excuses++;
        }
    }
    start_check(s, items, m->count, credit);
    return true;
}

/* What of the CHANGES in the peer's window we still owe an answer. */
static size_t
open_batches(const struct ent_session *s)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < s->in.batch_count; i++) {
        count += s->in.batches[i].upto > s->in.acked_settled ? 1 : 0;
    }
    return count;
}

void
incoming_on_message_changes(struct ent_session *s, struct ent_slice body)
{
    struct msg_heads m;
    struct batch *batch;
    enum ent_status st = msg_changes_decode(body, &m);

    if (st == ENT_OK && (m.after > s->in.upto || m.upto <= s->in.upto)) {
        free(m.heads);
        st = ENT_PEER_STATE; /* a gap in the numbers, or backwards */
    }
    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    if (open_batches(s) >= ENT_CHANGES_OPEN_MAX) {
        free(m.heads);
        session_refuse(s, ENT_PEER_FLOOD);
        return;
    }
    ENT_ASSERT(s->in.batch_count < BATCHES_MAX);
    batch = &s->in.batches[s->in.batch_count++];
    *batch = (struct batch){.upto = m.upto};
    memcpy(batch->upto_id, m.upto_id, sizeof(batch->upto_id));
    s->in.upto = m.upto;
    if (m.upto > s->in.peer_top) {
        s->in.peer_top = m.upto;
    }
    proof_changed(s);
    if (m.count > 0) {
        (void)take_heads(s, &m, 0);
    }
    free(m.heads);
}

void
incoming_on_message_heads(struct ent_session *s, struct ent_slice body)
{
    struct msg_heads m;
    enum ent_status st;

    if (!flow_take(s, body.len)) {
        return;
    }
    st = msg_heads_decode(body, &m);
    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    s->in.is_heads_open = !m.is_last;
    proof_on_repair(s);
    if (m.count == 0) {
        flow_return(s, body.len);
    } else {
        (void)take_heads(s, &m, body.len);
    }
    free(m.heads);
}

/* The peer will not send this log: nothing waits for it any more. */
static void
drop_log(struct ent_session *s, const struct ent_logkey *log)
{
    struct log_link *link = log_table_find(&s->in.items, log);

    while (link != NULL) {
        struct item *item = (struct item *)link;

        link = log_link_again(link);
        item_move(s, item, ITEM_DONE);
    }
}

/*~ 6/14 Here is our entry, in a run of its log. Was so much granted to the
 * peer? Then we ask for it to be stored, and that is all: the session knows no
 * disk. What follows happens elsewhere, and comes back one day as the event
 * STORED. The effect goes to effects.c, store_run. */
void
incoming_on_message_run(struct ent_session *s, struct ent_slice body)
{
    struct ent_session_effect *fx;
    struct msg_run m;
    enum ent_status st = msg_run_decode(body, &m);
    uint8_t *copy;

    if (st != ENT_OK) {
        session_refuse(s, st);
        return;
    }
    if (m.run.len == 0) {
        drop_log(s, &m.log);
        return;
    }
    if (!flow_take(s, m.run.len)) {
        return;
    }
    s->in.in_store++;
    copy = ent_alloc(m.run.len);
    memcpy(copy, m.run.p, m.run.len);
    session_lend(s, copy);
    fx = session_emit(s, ENT_FX_STORE_RUN);
    fx->u.store_run.run = ent_slice(copy, m.run.len);
}

static struct check *
take_check(struct ent_session *s, uint32_t token)
{
    struct check **at = &s->in.checks;
    struct check *check;

    while (*at != NULL && (*at)->token != token) {
        at = &(*at)->next;
    }
    check = *at;
    ENT_ASSERT(check != NULL);
    *at = check->next;
    return check;
}

static void
list_need(struct ent_session *s, uint32_t token, const struct ent_need *need)
{
    struct log_link *link = log_table_find(&s->in.items, &need->log);

    for (; link != NULL; link = log_link_again(link)) {
        struct item *item = (struct item *)link;

        if (item->state == ITEM_CHECKING && item->token == token) {
            item->is_listed = true;
            item->need_from =
                need->from_seq > item->have ? need->from_seq : item->have;
        }
    }
}

/* Decides about one item whose CHECK is answered. */
static void
settle_checked(struct ent_session *s, struct item *item)
{
    uint64_t covered;

    if (!item->is_listed || item->need_from > item->seq) {
        item_move(s, item, ITEM_DONE);
        return;
    }
    if (item->late != ENT_OK && item->late != ENT_AGAIN) {
        item_defer(s, item, item->late);
        return;
    }
    /* What is announced as coming is asked for only when it cannot fit. */
    covered = item_first_unasked(s, &item->link.log, item->need_from);
    if (item->is_coming && item->late == ENT_OK && covered >= item->from_seq) {
        item_move(s, item, ITEM_ASKED);
        return;
    }
    item_need(s, item, item->need_from);
}

void
incoming_on_needs(struct ent_session *s, const struct ent_session_event *event)
{
    struct check *check = take_check(s, event->u.needs.token);
    size_t i;

    ENT_ASSERT(event->u.needs.count <= check->count);
    for (i = 0; i < event->u.needs.count; i++) {
        list_need(s, check->token, &event->u.needs.needs[i]);
    }
    for (i = 0; i < check->count; i++) {
        struct item *item = check->items[i];

        if (item->state == ITEM_CHECKING) {
            settle_checked(s, item);
        }
        item_drop_hold(item);
    }
    flow_return(s, check->credit);
    free(check->items);
    free(check);
}

/* One item of a log of which a run was stored, or had nothing new. */
static void
on_item_stored(struct ent_session *s, struct item *item, uint64_t head_seq)
{
    switch ((enum item_state)item->state) {
    case ITEM_CHECKING:
        item->have = head_seq + 1;
        break;
    case ITEM_NEEDED:
        item->need_from =
            head_seq + 1 > item->need_from ? head_seq + 1 : item->need_from;
        break;
    case ITEM_DEFERRED:
        item_need(s, item, head_seq + 1);
        break;
    case ITEM_ASKED:
    case ITEM_DONE:
        break;
    }
}

static void
on_item_deferred(struct ent_session *s, struct item *item, enum ent_status st)
{
    if (item->state == ITEM_CHECKING) {
        item->late = st;
    } else if (item->state == ITEM_ASKED || item->state == ITEM_NEEDED) {
        item_defer(s, item, st);
    }
}

static bool
is_deferring(enum ent_status st)
{
    return st == ENT_PEER_UNKNOWN_AUTHOR || st == ENT_PEER_UNKNOWN_SPACE ||
           st == ENT_AGAIN;
}

static void
on_log_stored(struct ent_session *s, const struct ent_session_event *event)
{
    enum ent_status st = event->u.stored.st;
    uint64_t head_seq = event->u.stored.head_seq;
    struct log_link *link = log_table_find(&s->in.items, &event->u.stored.log);

    while (link != NULL) {
        struct item *item = (struct item *)link;

        link = log_link_again(link);
        if (head_seq != UINT64_MAX && head_seq >= item->seq) {
            item_move(s, item, ITEM_DONE);
        } else if (is_deferring(st)) {
            on_item_deferred(s, item, st);
        } else if (head_seq != UINT64_MAX) {
            on_item_stored(s, item, head_seq);
        }
    }
}

/* A run of a log that no item waits for: so many may come late (asked twice,
 * or had from elsewhere meanwhile), the rest is counted. */
static void
count_unasked(struct ent_session *s)
{
    if (s->in.excuses > 0) {
        s->in.excuses--;
        return;
    }
    s->in.refused++;
    if (s->in.refused > ENT_PEER_REFUSED_MAX) {
        session_refuse(s, ENT_PEER_FLOOD);
    }
}

void
incoming_on_stored(struct ent_session *s, const struct ent_session_event *event)
{
    enum ent_status st = event->u.stored.st;
    bool is_dropping = st == ENT_PEER_NOT_ENTITLED || st == ENT_PEER_FORK;

    ENT_ASSERT(s->in.in_store > 0);
    s->in.in_store--;
    flow_return(s, event->u.stored.run_len);
    if (st != ENT_OK && !is_deferring(st) && !is_dropping) {
        session_refuse(s, ent_status_is_peer(st) ? st : ENT_PEER_MALFORMED);
        return;
    }
    proof_changed(s);
    if (is_dropping) {
        session_note(s, st, &event->u.stored.log);
    }
    if (log_table_find(&s->in.items, &event->u.stored.log) == NULL) {
        count_unasked(s);
    } else if (is_dropping) {
        drop_log(s, &event->u.stored.log);
    } else {
        on_log_stored(s, event);
    }
}

void
incoming_retry(struct ent_session *s)
{
    size_t max = s->in.counts[ITEM_DEFERRED];
    struct item **items;
    size_t count = 0;
    size_t i;

    if (max == 0) {
        return;
    }
    if (max > ENT_HEADS_PER_MESSAGE_MAX) {
        max = ENT_HEADS_PER_MESSAGE_MAX;
    }
    items = ent_alloc(max * sizeof(struct item *));
    for (i = 0; i < s->in.items.chain_count && count < max; i++) {
        size_t chain = s->in.retry_chain++ & (s->in.items.chain_count - 1);
        struct log_link *link = s->in.items.chains[chain];

        for (; link != NULL && count < max; link = link->next) {
            struct item *item = (struct item *)link;

            if (item->state == ITEM_DEFERRED) {
                item_move(s, item, ITEM_CHECKING);
                items[count++] = item;
            }
        }
    }
    s->in.retry_ms = s->now_ms + s->in.retry_delay_ms;
    start_check(s, items, count, 0);
}

void
incoming_on_tick(struct ent_session *s)
{
    if (s->in.counts[ITEM_DEFERRED] > 0 && s->now_ms >= s->in.retry_ms) {
        /* Every retry costs the run again: less and less often. */
        s->in.retry_delay_ms *= 2;
        if (s->in.retry_delay_ms > ENT_RETRY_MAX_MS) {
            s->in.retry_delay_ms = ENT_RETRY_MAX_MS;
        }
        incoming_retry(s);
    }
    flow_on_tick(s);
}

static void
drop_first_batch(struct ent_session *s)
{
    s->in.batch_count--;
    memmove(&s->in.batches[0], &s->in.batches[1],
            s->in.batch_count * sizeof(s->in.batches[0]));
}

/* PROTO §5.1: "what was told on such a link is not kept as consumed" */
static void
keep_consumed(struct ent_session *s, const struct batch *batch)
{
    struct ent_session_effect *fx;

    if (!s->is_limited) {
        fx = session_emit(s, ENT_FX_CONSUMED);
        memcpy(fx->u.consumed.store_id, s->in.store_id, ENT_STORE_ID_LEN);
        fx->u.consumed.number = batch->upto;
        memcpy(fx->u.consumed.id, batch->upto_id, 16);
    }
}

static void
consume_done_batches(struct ent_session *s)
{
    const struct batch *first = &s->in.batches[0];

    while (s->in.batch_count > 0 && first->remaining == 0) {
        s->in.consumed = first->upto;
        keep_consumed(s, first);
        drop_first_batch(s);
        proof_changed(s);
    }
}

/* Finds up to where nothing is on its way, and makes one batch of all that
 * only wait. */
static void
settle_batches(struct ent_session *s)
{
    struct batch *b = s->in.batches;

    if (s->in.consumed > s->in.settled) {
        s->in.settled = s->in.consumed;
    }
    while (s->in.batch_count > 0 &&
           (b[0].active == 0 || b[0].upto <= s->in.settled)) {
        if (b[0].upto > s->in.settled) {
            s->in.settled = b[0].upto;
        }
        if (s->in.batch_count == 1 || b[1].active > 0) {
            break;
        }
        s->in.settled = b[1].upto;
        b[1].remaining += b[0].remaining;
        b[1].active += b[0].active; /* being tried again */
        drop_first_batch(s);
    }
}

void
incoming_settle(struct ent_session *s)
{
    struct ent_buf body = {0};

    consume_done_batches(s);
    settle_batches(s);
    if (s->in.consumed > s->in.acked || s->in.settled > s->in.acked_settled) {
        s->in.acked = s->in.consumed;
        s->in.acked_settled = s->in.settled;
        msg_ack_encode(&(struct msg_ack){s->in.consumed, s->in.settled}, &body);
        session_send(s, ENT_MSG_ACK, &body);
    }
    flow_settle(s);
}

bool
incoming_is_quiet(const struct ent_session *s)
{
    return s->in.batch_count == 0 && s->in.items.count == 0 &&
           s->in.checks == NULL && s->in.in_store == 0;
}
