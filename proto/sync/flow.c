/*
 * What we grant the peer, and what we ask of it within that.
 *
 * The window is what the peer may have sent without our having stored it:
 * `granted` (still to be sent) + in the store's queue + `to_return`. It starts
 * at ENT_CREDIT_START on both sides without a word. It grows to a whole run
 * when the first WANT is sent, so that no run is too long for it, and doubles
 * while the peer uses it up.
 *
 * Returned bytes are granted again by the quarter window, or all at once when
 * we wait for something and nothing is being stored: the peer may be waiting
 * for just these. A small push therefore costs no GRANT.
 */
#include "sync/state.h"

#include <stdlib.h>

void
flow_init(struct ent_session *s)
{
    size_t max = s->config.credit_max;

    ENT_ASSERT(max == 0 || (max >= ENT_RUN_BYTES_MAX && max <= ENT_CREDIT_MAX));
    s->in.window = ENT_CREDIT_START;
    s->in.granted = ENT_CREDIT_START;
    if (max == 0) {
        s->config.credit_max = ENT_CREDIT_MAX;
    }
}

bool
flow_take(struct ent_session *s, size_t len)
{
    if (len > s->in.granted) {
        session_refuse(s, ENT_PEER_FLOOD);
        return false;
    }
    s->in.granted -= len;
    return true;
}

void
flow_return(struct ent_session *s, size_t len)
{
    s->in.to_return += len;
    ENT_ASSERT(s->in.granted + s->in.to_return <= s->in.window);
}

/* Grants what is owed, and `growth` on top. */
static void
grant(struct ent_session *s, size_t growth)
{
    struct ent_buf body = {0};
    size_t bytes;

    if (growth > s->config.credit_max - s->in.window) {
        growth = s->config.credit_max - s->in.window;
    }
    bytes = s->in.to_return + growth;
    if (bytes == 0) {
        return;
    }
    s->in.window += growth;
    s->in.granted += bytes;
    s->in.to_return = 0;
    ENT_ASSERT(s->in.granted <= s->in.window);
    msg_grant_encode(bytes, &body);
    session_send(s, ENT_MSG_GRANT, &body);
}

/* Takes the next item to ask for off the queue, or NULL. The hold of the
 * queue is given up. */
static struct item *
next_needed(struct ent_session *s)
{
    while (s->in.needed_first != NULL) {
        struct item *item = s->in.needed_first;
        bool is_needed = item->state == ITEM_NEEDED;

        s->in.needed_first = item->next;
        if (s->in.needed_first == NULL) {
            s->in.needed_last = NULL;
        }
        item->next = NULL;
        item_drop_hold(item);
        if (is_needed) {
            return item;
        }
    }
    return NULL;
}

/* Fills `needs` with at most a message's worth; returns how many. */
static size_t
gather(struct ent_session *s, struct ent_need *needs)
{
    size_t count = 0;

    while (count < ENT_HEADS_PER_MESSAGE_MAX &&
           s->in.counts[ITEM_ASKED] < ENT_ASKED_MAX) {
        struct item *item = next_needed(s);
        uint64_t from;

        if (item == NULL) {
            break;
        }
        from = item_first_unasked(s, &item->link.log, item->need_from);
        item_move(s, item, ITEM_ASKED);
        if (from > item->seq) {
            continue; /* asked for with an earlier head of this log */
        }
        item->is_wanted = true;
        s->in.wanted_count++;
        s->in.excuses++;
        needs[count++] = (struct ent_need){item->link.log, from, item->seq};
    }
    return count;
}

static void
ask(struct ent_session *s)
{
    struct msg_want m;
    struct ent_buf body = {0};

    if (s->in.needed_first == NULL ||
        s->in.counts[ITEM_ASKED] >= ENT_ASKED_MAX) {
        return;
    }
    m.needs = ent_alloc(ENT_HEADS_PER_MESSAGE_MAX * sizeof(*m.needs));
    for (m.count = gather(s, m.needs); m.count > 0;
         m.count = gather(s, m.needs)) {
        msg_want_encode(&m, &body);
        session_send(s, ENT_MSG_WANT, &body);
    }
    free(m.needs);
}

/* PROTO §5.5: "WANT raises the window to a whole run at least." */
void
flow_settle(struct ent_session *s)
{
    bool is_used;

    ask(s);
    if (s->in.wanted_count > 0 && s->in.window < ENT_RUN_BYTES_MAX) {
        grant(s, ENT_RUN_BYTES_MAX - s->in.window);
    }
    is_used = s->in.to_return >= s->in.window / 4;
    if (is_used && s->in.wanted_count > 0) {
        grant(s, s->in.window);
    } else if (is_used || s->in.is_heads_open ||
               (s->in.wanted_count > 0 && s->in.in_store == 0)) {
        grant(s, 0);
    }
}

void
flow_on_tick(struct ent_session *s)
{
    if (s->in.counts[ITEM_ASKED] > 0) {
        grant(s, s->in.window < ENT_RUN_BYTES_MAX
                     ? ENT_RUN_BYTES_MAX - s->in.window
                     : 0);
    }
}
