/*
 * Two sessions over two fake stores, with a seeded scheduler. Messages keep
 * their order in each direction; the store's work is done and reported in any
 * order across jobs (runs are stored in the order they came). Header only:
 * each test program has its own copy.
 */
#ifndef TESTS_UNIT_SYNC_WORLD_H
#define TESTS_UNIT_SYNC_WORLD_H

#include "unit/sync/fake_store.h"

static inline void
world_free_job(struct world_job *job)
{
    free(job->lent);
    free(job->answer);
}

static inline void *
world_copy(const void *p, size_t len)
{
    void *copy = ent_alloc(len);

    if (len > 0) {
        memcpy(copy, p, len);
    }
    return copy;
}

/* The length of the one bin in a RUN message. */
static inline size_t
world_bin_len(struct ent_slice body)
{
    size_t frame = body.p[1] == 0xc4 ? 3 : body.p[1] == 0xc5 ? 4 : 6;

    return body.len - frame;
}

static inline void
world_mail(struct world_side *from, const struct ent_session_effect *fx)
{
    struct world_side *to = &from->world->side[1 - from->index];
    struct world_message *m;
    struct ent_slice body = fx->u.send.body;

    from->sent[fx->u.send.type]++;
    from->sent_bytes += body.len;
    if (to->session == NULL) {
        return;
    }
    if (fx->u.send.type == ENT_MSG_RUN && body.p[0] == 0x91) {
        from->credit -= (int64_t)world_bin_len(body);
    } else if (fx->u.send.type == ENT_MSG_HEADS) {
        from->credit -= (int64_t)body.len;
    }
    assert_true(from->credit >= 0);
    to->mail = ent_realloc(to->mail, (to->mail_count + 1) * sizeof(*to->mail));
    m = &to->mail[to->mail_count++];
    memset(m, 0, sizeof(*m));
    m->type = fx->u.send.type;
    m->sum = from->sum_read;
    ent_buf_put_slice(&m->body, body);
}

static inline void
world_queue_job(struct world_side *side, const struct ent_session_effect *fx)
{
    struct world_job *job = world_add_job(side);
    size_t reads = 0;
    size_t i;

    job->fx = *fx;
    if (fx->type == ENT_FX_STORE_RUN) {
        job->lent = world_copy(fx->u.store_run.run.p, fx->u.store_run.run.len);
        job->fx.u.store_run.run.p = job->lent;
    } else if (fx->type == ENT_FX_CHECK) {
        job->lent = world_copy(fx->u.check.heads,
                               fx->u.check.count * sizeof(struct ent_head));
        job->fx.u.check.heads = job->lent;
    }
    for (i = 0; i < side->job_count; i++) {
        reads += side->jobs[i].fx.type == ENT_FX_READ_RUN &&
                 side->jobs[i].event.type != ENT_EV_MOVED;
    }
    assert_true(reads <= ENT_READS_OPEN_MAX);
}

static inline void
world_effect(struct world_side *side, const struct ent_session_effect *fx)
{
    switch (fx->type) {
    case ENT_FX_SEND:
        world_mail(side, fx);
        break;
    case ENT_FX_READ_CHANGES:
    case ENT_FX_READ_RUN:
    case ENT_FX_CHECK:
    case ENT_FX_STORE_RUN:
    case ENT_FX_READ_PROOF:
    case ENT_FX_READ_HEADS:
        world_queue_job(side, fx);
        break;
    case ENT_FX_CONSUMED:
        side->config.knows_peer_store = true;
        memcpy(side->config.peer_store_id, fx->u.consumed.store_id,
               ENT_STORE_ID_LEN);
        side->config.consumed = fx->u.consumed.number;
        memcpy(side->config.consumed_id, fx->u.consumed.id, 16);
        break;
    case ENT_FX_ACKED:
        side->acked = fx->u.consumed.number;
        break;
    case ENT_FX_PROVED:
        side->proved++;
        assert_true(side->sum_read == side->sum_peer);
        break;
    case ENT_FX_ROLLED_BACK:
        side->rolled_back++;
        break;
    case ENT_FX_NOTE:
        side->notes++;
        break;
    case ENT_FX_READY:
        break;
    case ENT_FX_CLOSE:
        side->is_closed = true;
        side->closed_st = fx->u.close.st;
        break;
    }
}

static inline void
world_step(struct world_side *side, struct ent_session_event *event)
{
    struct ent_session_effect fx;

    event->now_ms = side->world->now_ms;
    ent_session_step(side->session, event);
    while (ent_session_next(side->session, &fx)) {
        assert_false(side->is_closed);
        world_effect(side, &fx);
    }
}

static inline void
world_deliver_mail(struct world_side *side)
{
    struct world_message m = side->mail[0];
    struct ent_session_event event = {.type = ENT_EV_MESSAGE};

    memmove(&side->mail[0], &side->mail[1],
            --side->mail_count * sizeof(*side->mail));
    if (m.type == ENT_MSG_PROOF) {
        side->sum_peer = m.sum;
    } else if (m.type == ENT_MSG_GRANT) {
        uint8_t b = m.body.p[1]; /* [uint]: a length byte, then the number */
        uint64_t v = b;

        v = b == 0xcc ? m.body.p[2] : v;
        v = b == 0xcd ? ent_get_u16(m.body.p + 2) : v;
        v = b == 0xce ? ent_get_u32(m.body.p + 2) : v;
        side->credit += (int64_t)v;
        assert_true(side->credit <= (int64_t)ENT_CREDIT_MAX);
    }
    event.u.message.type = m.type;
    event.u.message.body = ent_buf_slice(&m.body);
    if (!side->is_closed) {
        world_step(side, &event);
    }
    ent_buf_release(&m.body);
}

static inline void
world_deliver_job(struct world_side *side, size_t at)
{
    struct world_job job = side->jobs[at];

    memmove(&side->jobs[at], &side->jobs[at + 1],
            (--side->job_count - at) * sizeof(*side->jobs));
    if (job.event.type == ENT_EV_PROOF) {
        side->sum_read = ent_get_u64(job.event.u.proof.sum);
    }
    world_step(side, &job.event);
    world_free_job(&job);
}

/* Runs are stored, and reported, in the order they came. */
static inline size_t
world_first_like(const struct world_side *side, size_t at)
{
    size_t i;

    for (i = 0; i < at && !side->is_shuffling; i++) {
        if (side->jobs[i].fx.type == ENT_FX_STORE_RUN &&
            side->jobs[at].fx.type == ENT_FX_STORE_RUN) {
            return i;
        }
    }
    return at;
}

/* One random thing happens; false when nothing is left to happen. */
static inline bool
world_turn(struct world *w)
{
    size_t total = w->side[0].job_count + w->side[0].mail_count +
                   w->side[1].job_count + w->side[1].mail_count;
    size_t i;
    uint64_t pick;

    if (total == 0) {
        return false;
    }
    pick = world_random(w, 4);
    w->now_ms += world_random(w, 3);
    for (i = 0; i < 4; i++, pick = (pick + 1) % 4) {
        struct world_side *side = &w->side[pick / 2];
        size_t at;

        if (pick % 2 == 0 && side->mail_count > 0) {
            world_deliver_mail(side);
            return true;
        }
        if (pick % 2 == 1 && side->job_count > 0) {
            at = world_first_like(side,
                                  (size_t)world_random(w, side->job_count));
            if (side->jobs[at].is_done) {
                world_deliver_job(side, at);
            } else {
                world_do_job(side, at);
            }
            return true;
        }
    }
    return true;
}

static inline void
world_tick(struct world *w, uint64_t ms)
{
    size_t i;

    w->now_ms += ms;
    for (i = 0; i < 2; i++) {
        struct ent_session_event event = {.type = ENT_EV_TICK};

        if (w->side[i].session != NULL) {
            world_step(&w->side[i], &event);
        }
    }
}

static inline void
world_disconnect(struct world *w)
{
    size_t i;

    for (i = 0; i < 2; i++) {
        struct world_side *side = &w->side[i];

        ent_session_free(side->session);
        side->session = NULL;
        while (side->job_count > 0) {
            world_free_job(&side->jobs[--side->job_count]);
        }
        while (side->mail_count > 0) {
            ent_buf_release(&side->mail[--side->mail_count].body);
        }
    }
}

static inline void
world_open(struct world_side *side, unsigned caller)
{
    side->config.is_caller = side->index == caller;
    side->config.top = side->top;
    side->config.protocol_min = ENT_PROTOCOL_MIN;
    side->config.protocol_max = ENT_PROTOCOL_MAX;
    memset(side->config.link_hash, (int)caller + 7, 32);
    memset(side->config.node.b, (int)(0xa0 + side->index), 32);
    memset(side->config.peer.b, (int)(0xa1 - side->index), 32);
    memcpy(side->config.software, "test", 5);
    side->session = ent_session_new(&side->config);
    side->credit = ENT_CREDIT_START;
    side->is_closed = false;
    memset(side->sent, 0, sizeof(side->sent));
    side->sent_bytes = 0;
    side->proved = 0;
}

static inline void
world_connect(struct world *w, unsigned caller)
{
    struct ent_session_event event = {.type = ENT_EV_START};
    uint8_t hello[ENT_HELLO_LEN];

    world_open(&w->side[0], caller);
    world_open(&w->side[1], caller);
    ent_session_hello(&w->side[caller].config, 1000, 5, hello);
    world_step(&w->side[caller], &event);
    event.u.start.hello = ent_slice(hello, sizeof(hello));
    world_step(&w->side[1 - caller], &event);
}

/* A store is new, or came back from a copy: other numbers. */
static inline void
world_new_store_id(struct world_side *side)
{
    memset(side->config.store_id, 0, sizeof(side->config.store_id));
    ent_put_u32(side->config.store_id, ++side->world->next_store);
}

static inline struct world *
world_new(uint64_t seed)
{
    struct world *w = ent_alloc_zero(1, sizeof(*w));
    unsigned i;

    w->random = seed * 0x9e3779b97f4a7c15ull + 1;
    w->now_ms = 1000;
    for (i = 0; i < 2; i++) {
        w->side[i].world = w;
        w->side[i].index = i;
        world_new_store_id(&w->side[i]);
    }
    for (i = 0; i < 8; i++) {
        (void)world_random(w, 2);
    }
    return w;
}

static inline void
world_free(struct world *w)
{
    world_disconnect(w);
    free(w->side[0].jobs);
    free(w->side[1].jobs);
    free(w->side[0].mail);
    free(w->side[1].mail);
    free(w);
}

static inline bool
world_is_proved(struct world *w)
{
    struct ent_session_view a;
    struct ent_session_view b;

    ent_session_view(w->side[0].session, &a);
    ent_session_view(w->side[1].session, &b);
    return a.is_proved && b.is_proved && a.is_quiet && b.is_quiet;
}

/* Lets everything happen, with time passing when nothing else does, until
 * both sides are proved or `ticks` seconds went by. */
static inline bool
world_settle(struct world *w, unsigned ticks)
{
    unsigned i;

    for (i = 0; i <= ticks; i++) {
        size_t turns = 0;

        while (world_turn(w)) {
            assert_true(++turns < 200000);
            assert_false(w->side[0].is_closed);
            assert_false(w->side[1].is_closed);
        }
        if (world_is_proved(w)) {
            return true;
        }
        world_tick(w, 1000);
    }
    return false;
}

#endif
