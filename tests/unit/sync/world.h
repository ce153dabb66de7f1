/*
 * Two sessions over two fake stores, with a seeded scheduler. Messages keep
 * their order in each direction; the store's work is done and reported in any
 * order across jobs (runs are stored in the order they came). Header only:
 * each test program has its own copy.
 */
#ifndef TESTS_UNIT_SYNC_WORLD_H
#define TESTS_UNIT_SYNC_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <entente/link.h>
#include <entente/session.h>

#include <stdlib.h>

#define WORLD_LOGS 48
#define WORLD_ENTRIES 512
#define WORLD_SPACES 5 /* 0 to 2 shared; 3 is side 0's own, 4 side 1's */

struct world_entry {
    uint64_t number; /* when it was stored here */
    uint32_t len;
    bool is_signed;
};

struct world_log {
    struct ent_logkey key;
    unsigned space;
    size_t count;
    struct world_entry entries[WORLD_ENTRIES];
};

/* One thing the session asked of its store, or something to tell it. */
struct world_job {
    struct ent_session_effect fx;
    struct ent_session_event event;
    bool is_done; /* the event is ready to be delivered */
    void *lent;   /* what fx or event point to */
    void *answer;
};

struct world_message {
    uint8_t type;
    struct ent_buf body;
    uint64_t sum; /* PROOF: the sender's heads when it read them */
};

struct world_side {
    struct world *world;
    unsigned index;
    struct world_log logs[WORLD_LOGS];
    size_t log_count;
    uint64_t top;
    struct ent_session *session;
    struct ent_session_config config;
    struct world_job *jobs;
    size_t job_count;
    struct world_message *mail; /* to this side */
    size_t mail_count;
    int64_t credit;  /* what this side may still send */
    size_t sent[64]; /* messages by type */
    size_t sent_bytes;
    uint64_t sum_read; /* heads at the last EV_PROOF delivered */
    uint64_t sum_peer; /* … of the peer at its last PROOF delivered */
    size_t proved;
    size_t rolled_back;
    size_t notes;
    bool is_closed;
    enum ent_status closed_st;
    uint64_t acked;                  /* kept by ACKED */
    const struct ent_logkey *hidden; /* READ_CHANGES forgets this log */
    bool has_gate;     /* a space's log of node 0 must be here first */
    bool is_shuffling; /* runs are stored in any order */
};

struct world {
    struct world_side side[2];
    uint64_t random;
    uint64_t now_ms;
    uint32_t next_store;
};

static inline uint64_t
world_random(struct world *w, uint64_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % below;
}

static inline bool
world_sees(unsigned space)
{
    return space < 3;
}

static inline struct ent_logkey
world_key(unsigned space, unsigned node, uint32_t inc)
{
    struct ent_logkey key = {.inc = inc};

    memset(key.space.b, (int)(0x10 + space), sizeof(key.space.b));
    memset(key.node.b, (int)(0xa0 + node), sizeof(key.node.b));
    return key;
}

static inline struct ent_id
world_entry_id(const struct ent_logkey *key, uint64_t seq)
{
    struct ent_id id = {{0}};

    id.b[0] = key->space.b[0];
    id.b[1] = key->node.b[0];
    ent_put_u32(id.b + 4, key->inc);
    ent_put_u64(id.b + 8, seq);
    return id;
}

static inline bool
world_key_eq(const struct ent_logkey *a, const struct ent_logkey *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static inline struct world_log *
world_log(struct world_side *side, const struct ent_logkey *key)
{
    struct world_log *log;
    size_t i;

    for (i = 0; i < side->log_count; i++) {
        if (world_key_eq(&side->logs[i].key, key)) {
            return &side->logs[i];
        }
    }
    assert_true(side->log_count < WORLD_LOGS);
    log = &side->logs[side->log_count++];
    memset(log, 0, sizeof(*log));
    log->key = *key;
    log->space = key->space.b[0] - 0x10u;
    return log;
}

/* A sum over all heads that both may hold. */
static inline uint64_t
world_sum(struct world_side *side)
{
    uint64_t sum = 0;
    size_t i;

    for (i = 0; i < side->log_count; i++) {
        const struct world_log *log = &side->logs[i];
        uint8_t key[16] = {1};
        uint8_t raw[76];
        uint8_t hash[16];

        if (!world_sees(log->space) || log->count == 0) {
            continue;
        }
        memcpy(raw, log->key.space.b, 32);
        memcpy(raw + 32, log->key.node.b, 32);
        ent_put_u32(raw + 64, log->key.inc);
        ent_put_u64(raw + 68, log->count - 1);
        ent_siphash(key, ent_slice(raw, sizeof(raw)), hash);
        sum += ent_get_u64(hash);
    }
    return sum;
}

static inline bool
world_is_equal(struct world *w)
{
    return world_sum(&w->side[0]) == world_sum(&w->side[1]);
}

static inline struct world_job *
world_add_job(struct world_side *side)
{
    side->jobs =
        ent_realloc(side->jobs, (side->job_count + 1) * sizeof(*side->jobs));
    memset(&side->jobs[side->job_count], 0, sizeof(*side->jobs));
    return &side->jobs[side->job_count++];
}

static inline void
world_tell_moved(struct world_side *side)
{
    struct world_job *job;

    if (side->session == NULL) {
        return;
    }
    job = world_add_job(side);
    job->is_done = true;
    job->event.type = ENT_EV_MOVED;
    job->event.u.moved.top = side->top;
}

/* Entries by this side's people: one commit, one signature. */
static inline void
world_append(struct world_side *side, const struct ent_logkey *key,
             size_t count, uint32_t len)
{
    struct world_log *log = world_log(side, key);
    size_t i;

    side->top++;
    for (i = 0; i < count && log->count < WORLD_ENTRIES; i++) {
        log->entries[log->count++] = (struct world_entry){
            .number = side->top, .len = len, .is_signed = i + 1 == count};
    }
    log->entries[log->count - 1].is_signed = true;
    world_tell_moved(side);
}

/* Runs are a fixed header and then one length and that many bytes an entry. */
#define WORLD_RUN_HEAD 80u
#define WORLD_ENTRY_HEAD 5u

static inline size_t
world_entry_bytes(const struct world_entry *e)
{
    return WORLD_ENTRY_HEAD + e->len;
}

static inline uint8_t *
world_run(const struct world_log *log, uint64_t from, uint64_t last,
          size_t *ret_len)
{
    size_t len = WORLD_RUN_HEAD;
    uint8_t *run;
    uint8_t *at;
    uint64_t i;

    for (i = from; i <= last; i++) {
        len += world_entry_bytes(&log->entries[i]);
    }
    run = ent_alloc_zero(1, len);
    memcpy(run, log->key.space.b, 32);
    memcpy(run + 32, log->key.node.b, 32);
    ent_put_u32(run + 64, log->key.inc);
    ent_put_u64(run + 68, from);
    ent_put_u32(run + 76, (uint32_t)(last - from + 1));
    at = run + WORLD_RUN_HEAD;
    for (i = from; i <= last; i++) {
        at[0] = log->entries[i].is_signed ? 1 : 0;
        ent_put_u32(at + 1, log->entries[i].len);
        at += world_entry_bytes(&log->entries[i]);
    }
    *ret_len = len;
    return run;
}

static inline void
do_read_changes(struct world_side *side, struct world_job *job)
{
    uint64_t after = job->fx.u.read_changes.after;
    struct ent_head *heads = ent_alloc_zero(WORLD_LOGS, sizeof(*heads));
    uint64_t upto = side->top;
    size_t push_bytes = 0;
    size_t count = 0;
    size_t i;

    for (i = 0; i < side->log_count; i++) {
        struct world_log *log = &side->logs[i];
        uint64_t from = log->count;

        while (from > 0 && log->entries[from - 1].number > after) {
            from--;
            push_bytes += world_entry_bytes(&log->entries[from]);
        }
        if (!world_sees(log->space) || from == log->count ||
            (side->hidden != NULL && world_key_eq(side->hidden, &log->key))) {
            continue;
        }
        heads[count++] = (struct ent_head){
            .log = log->key,
            .seq = log->count - 1,
            .id = world_entry_id(&log->key, log->count - 1),
            .from_seq = from,
            .is_coming = log->key.node.b[0] == 0xa0 + side->index};
    }
    job->answer = heads;
    job->event.type = ENT_EV_CHANGES;
    job->event.u.changes.after = after;
    job->event.u.changes.upto = upto;
    job->event.u.changes.upto_id[0] = (uint8_t)upto;
    job->event.u.changes.count = count;
    job->event.u.changes.heads = heads;
    job->event.u.changes.push_bytes = push_bytes;
}

static inline void
do_read_run(struct world_side *side, struct world_job *job)
{
    struct world_log *log = world_log(side, &job->fx.u.read_run.log);
    uint64_t from = job->fx.u.read_run.from_seq;
    uint64_t to = job->fx.u.read_run.to_seq;
    uint64_t last = UINT64_MAX;
    size_t len = WORLD_RUN_HEAD;
    size_t need = 0;
    size_t run_len = 0;
    uint64_t i;

    job->event.type = ENT_EV_RUN;
    job->event.u.run.log = log->key;
    job->event.u.run.from_seq = from;
    job->event.u.run.to_seq = to;
    for (i = from; i < log->count && need == 0; i++) {
        len += world_entry_bytes(&log->entries[i]);
        if (!log->entries[i].is_signed) {
            continue;
        }
        if (len > job->fx.u.read_run.max_bytes) {
            need = len;
        } else {
            last = i;
        }
        if (i >= to) {
            break;
        }
    }
    if (last == UINT64_MAX) {
        job->event.u.run.last_seq = from - 1;
        job->event.u.run.need_bytes = need;
        return;
    }
    job->answer = world_run(log, from, last, &run_len);
    job->event.u.run.last_seq = last;
    job->event.u.run.run = ent_slice(job->answer, run_len);
}

static inline void
do_check(struct world_side *side, struct world_job *job)
{
    size_t count = job->fx.u.check.count;
    struct ent_need *needs = ent_alloc_zero(count, sizeof(*needs));
    size_t found = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        const struct ent_head *h = &job->fx.u.check.heads[i];
        struct world_log *log = world_log(side, &h->log);

        if (log->count <= h->seq) {
            needs[found++] = (struct ent_need){h->log, log->count, h->seq};
        }
    }
    job->answer = needs;
    job->event.type = ENT_EV_NEEDS;
    job->event.u.needs.token = job->fx.u.check.token;
    job->event.u.needs.count = found;
    job->event.u.needs.needs = needs;
}

static inline void
retry_all(struct world_side *side)
{
    struct world_job *job = world_add_job(side);

    job->is_done = true;
    job->event.type = ENT_EV_RETRY;
}

static inline enum ent_status
store_entries(struct world_side *side, struct world_log *log,
              const uint8_t *run)
{
    struct ent_logkey gate = world_key(log->space, 0, 1);
    uint64_t from = ent_get_u64(run + 68);
    uint32_t count = ent_get_u32(run + 76);
    const uint8_t *at = run + WORLD_RUN_HEAD;
    uint64_t i;

    if (side->has_gate && !world_key_eq(&gate, &log->key) &&
        world_log(side, &gate)->count == 0) {
        return ENT_PEER_UNKNOWN_AUTHOR;
    }
    if (from > log->count) {
        return ENT_AGAIN;
    }
    if (from + count <= log->count) {
        return ENT_OK;
    }
    side->top++;
    for (i = from; i < from + count; i++) {
        uint32_t len = ent_get_u32(at + 1);

        if (i == log->count) {
            log->entries[log->count++] = (struct world_entry){
                .number = side->top, .len = len, .is_signed = at[0] == 1};
        }
        at += WORLD_ENTRY_HEAD + len;
    }
    world_tell_moved(side);
    if (side->has_gate && world_key_eq(&gate, &log->key)) {
        retry_all(side);
    }
    return ENT_OK;
}

/* `job` may move: it is found again by its place. */
static inline void
do_store_run(struct world_side *side, size_t at)
{
    struct ent_slice run = side->jobs[at].fx.u.store_run.run;
    struct ent_logkey key = {.inc = ent_get_u32(run.p + 64)};
    struct world_log *log;
    enum ent_status st;
    struct world_job *job;

    memcpy(key.space.b, run.p, 32);
    memcpy(key.node.b, run.p + 32, 32);
    log = world_log(side, &key);
    st = store_entries(side, log, run.p);
    job = &side->jobs[at];
    job->event.type = ENT_EV_STORED;
    job->event.u.stored.log = key;
    job->event.u.stored.head_seq = log->count - 1;
    job->event.u.stored.run_len = run.len;
    job->event.u.stored.st = st;
}

static inline void
do_read_proof(struct world_side *side, struct world_job *job)
{
    uint64_t sum = world_sum(side);

    job->event.type = ENT_EV_PROOF;
    ent_put_u64(job->event.u.proof.sum, sum);
    job->event.u.proof.head_count = 0;
    job->event.u.proof.top = side->top;
}

static inline void
do_read_heads(struct world_side *side, struct world_job *job)
{
    uint64_t after = job->fx.u.read_heads.after;
    struct ent_head *heads = ent_alloc_zero(WORLD_LOGS, sizeof(*heads));
    /* A few at a time, so that the paging is used. */
    size_t max = job->fx.u.read_heads.max < 3 ? job->fx.u.read_heads.max : 3;
    size_t count = 0;

    for (; after < side->log_count && count < max; after++) {
        const struct world_log *log = &side->logs[after];

        if (world_sees(log->space) && log->count > 0) {
            heads[count++] = (struct ent_head){
                .log = log->key,
                .seq = log->count - 1,
                .id = world_entry_id(&log->key, log->count - 1)};
        }
    }
    job->answer = heads;
    job->event.type = ENT_EV_HEADS;
    job->event.u.heads.count = count;
    job->event.u.heads.heads = heads;
    job->event.u.heads.upto = after;
    job->event.u.heads.is_last = after >= side->log_count;
}

static inline void
world_do_job(struct world_side *side, size_t at)
{
    struct world_job *job = &side->jobs[at];

    switch (job->fx.type) {
    case ENT_FX_READ_CHANGES:
        do_read_changes(side, job);
        break;
    case ENT_FX_READ_RUN:
        do_read_run(side, job);
        break;
    case ENT_FX_CHECK:
        do_check(side, job);
        break;
    case ENT_FX_STORE_RUN:
        do_store_run(side, at);
        break;
    case ENT_FX_READ_PROOF:
        do_read_proof(side, job);
        break;
    case ENT_FX_READ_HEADS:
        do_read_heads(side, job);
        break;
    default:
        fail_msg("no job of effect %d", (int)job->fx.type);
    }
    side->jobs[at].is_done = true;
}

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
    if (fx->u.send.type == ENT_MSG_RUN && body.len > 80) {
        from->credit -= (int64_t)(body.len - (body.len <= 259     ? 3
                                              : body.len <= 65539 ? 4
                                                                  : 6));
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
    struct world_side *from = &side->world->side[1 - side->index];
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
    (void)from;
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
    strncpy(side->config.software, "test", sizeof(side->config.software) - 1);
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
