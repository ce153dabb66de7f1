/*
 * Items: the peer's heads that are not yet settled here.
 *
 *   CHECKING -> NEEDED -> ASKED -> DONE
 *      ^  |                 |
 *      |  +---> DONE        v
 *      +---------------- DEFERRED  (a retry checks again)
 *
 * A log has one item for each CHANGES that named it, so an early CHANGES never
 * waits for what a later one added.
 */
#include "sync/state.h"

#include <stdlib.h>

#define UNASKED_PASSES_MAX 4u

/* The batch of an item: batches that were merged keep the last number. */
static struct batch *
batch_of(struct ent_session *s, const struct item *item)
{
    size_t i;

    if (item->upto == 0) {
        return NULL;
    }
    for (i = 0; i < s->in.batch_count; i++) {
        if (s->in.batches[i].upto >= item->upto) {
            return &s->in.batches[i];
        }
    }
    ent_panic("an item outlived its batch", __FILE__, __LINE__);
}

static bool
is_active(enum item_state state)
{
    return state == ITEM_CHECKING || state == ITEM_NEEDED ||
           state == ITEM_ASKED;
}

struct item *
item_new(struct ent_session *s, const struct ent_head *head, uint64_t upto)
{
    struct item *item = ent_alloc_zero(1, sizeof(*item));
    struct batch *batch;

    item->link.log = head->log;
    item->seq = head->seq;
    item->id = head->id;
    item->upto = upto;
    item->from_seq = head->from_seq;
    item->is_coming = head->is_coming;
    item->state = ITEM_CHECKING;
    s->in.counts[ITEM_CHECKING]++;
    log_table_put(&s->in.items, &item->link);
    batch = batch_of(s, item);
    if (batch != NULL) {
        batch->remaining++;
        batch->active++;
    }
    return item;
}

/* Keeps the batch's counts as an item leaves `state` (sign -1) or enters. */
static void
count_in_batch(struct ent_session *s, const struct item *item,
               enum item_state state, bool is_entering)
{
    struct batch *batch = batch_of(s, item);
    size_t one = is_entering ? 1 : (size_t)-1;

    if (batch == NULL) {
        return;
    }
    if (state != ITEM_DONE) {
        ENT_ASSERT(is_entering || batch->remaining > 0);
        batch->remaining += one;
    }
    if (is_active(state)) {
        ENT_ASSERT(is_entering || batch->active > 0);
        batch->active += one;
    }
}

void
item_move(struct ent_session *s, struct item *item, enum item_state state)
{
    ENT_ASSERT(item->state != ITEM_DONE);
    count_in_batch(s, item, item->state, false);
    count_in_batch(s, item, state, true);
    s->in.counts[item->state]--;
    if (item->state == ITEM_ASKED && item->is_wanted) {
        s->in.wanted_count--;
        item->is_wanted = false;
    }
    item->state = (uint8_t)state;
    if (state != ITEM_DONE) {
        s->in.counts[state]++;
        return;
    }
    log_table_remove(&s->in.items, &item->link);
    if (item->holds == 0) {
        free(item);
    }
}

void
item_drop_hold(struct item *item)
{
    ENT_ASSERT(item->holds > 0);
    item->holds--;
    if (item->holds == 0 && item->state == ITEM_DONE) {
        free(item);
    }
}

/* Where what is asked for already ends, going on from `from` through the
 * items of one log in the order in which they came. */
static uint64_t
skip_asked(const struct log_link *link, uint64_t from)
{
    for (; link != NULL; link = log_link_again(link)) {
        const struct item *item = (const struct item *)link;

        if (item->state == ITEM_ASKED && item->need_from <= from &&
            item->seq >= from) {
            from = item->seq + 1;
        }
    }
    return from;
}

uint64_t
item_first_unasked(const struct ent_session *s, const struct ent_logkey *log,
                   uint64_t from)
{
    const struct log_link *first = log_table_find(&s->in.items, log);
    uint64_t before;
    unsigned pass = 0;

    /* What one item covers may reach into the range of an earlier one. A peer
     * may name one log in thousands of heads: so a few passes, not until
     * nothing moves. Too early an answer only asks for something twice. */
    do {
        before = from;
        from = skip_asked(first, from);
        pass++;
    } while (from != before && pass < UNASKED_PASSES_MAX);
    return from;
}

void
item_need(struct ent_session *s, struct item *item, uint64_t from_seq)
{
    item_move(s, item, ITEM_NEEDED);
    item->need_from = from_seq;
    if (item->next != NULL || s->in.needed_last == item) {
        return; /* still queued from an earlier turn */
    }
    item->holds++;
    if (s->in.needed_last != NULL) {
        s->in.needed_last->next = item;
    } else {
        s->in.needed_first = item;
    }
    s->in.needed_last = item;
}

void
item_defer(struct ent_session *s, struct item *item, enum ent_status st)
{
    if (s->in.counts[ITEM_DEFERRED] >= ENT_DEFERRED_MAX) {
        session_note(s, ENT_PEER_TOO_BIG, &item->link.log);
        item_move(s, item, ITEM_DONE);
        return;
    }
    /* A gap heals by itself; the rest is for people to see, once. */
    if (st != ENT_AGAIN && !item->is_noted) {
        session_note(s, st, &item->link.log);
        item->is_noted = true;
    }
    if (s->in.counts[ITEM_DEFERRED] == 0) {
        s->in.retry_delay_ms = ENT_RETRY_MS;
        s->in.retry_ms = s->now_ms + ENT_RETRY_MS;
    }
    item->is_coming = false;
    item_move(s, item, ITEM_DEFERRED);
}
