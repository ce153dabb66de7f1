/*
 * A store for sessions to work on: a few logs in memory, change numbers, two
 * kinds of spaces (shared, and one side's own). Entries are lengths without
 * content. The jobs that a session gives it are done one by one, by whoever
 * holds the world (world.h).
 */
#ifndef TESTS_UNIT_SYNC_FAKE_STORE_H
#define TESTS_UNIT_SYNC_FAKE_STORE_H

#include <entente/link.h>
#include <entente/session.h>

#include "lib/cmocka.h"

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
    size_t page;       /* heads of a READ_CHANGES at most; 0: all */
    const struct ent_logkey *denied;  /* READ_RUN has it no longer */
    const struct ent_logkey *refused; /* STORE_RUN: not entitled */
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

static inline uint64_t
world_moved(const struct world_log *log)
{
    return log->count > 0 ? log->entries[log->count - 1].number : 0;
}

/* The log that moved next after `after`, or NULL. */
static inline struct world_log *
world_next_moved(struct world_side *side, uint64_t after)
{
    struct world_log *next = NULL;
    size_t i;

    for (i = 0; i < side->log_count; i++) {
        struct world_log *log = &side->logs[i];

        if (world_moved(log) > after &&
            (next == NULL || world_moved(log) < world_moved(next))) {
            next = log;
        }
    }
    return next;
}

static inline bool
world_is(const struct ent_logkey *chosen, const struct ent_logkey *key)
{
    return chosen != NULL && world_key_eq(chosen, key);
}

static inline void
do_read_changes(struct world_side *side, struct world_job *job)
{
    uint64_t after = job->fx.u.read_changes.after;
    uint64_t upto = after;
    struct ent_head *heads = ent_alloc_zero(WORLD_LOGS, sizeof(*heads));
    size_t max = side->page > 0 ? side->page : WORLD_LOGS;
    size_t push_bytes = 0;
    size_t count = 0;

    while (count < max) {
        struct world_log *log = world_next_moved(side, upto);
        uint64_t from;

        if (log == NULL) {
            upto = side->top;
            break;
        }
        upto = world_moved(log);
        if (!world_sees(log->space) || world_is(side->hidden, &log->key)) {
            continue;
        }
        for (from = log->count;
             from > 0 && log->entries[from - 1].number > after; from--) {
            push_bytes += world_entry_bytes(&log->entries[from - 1]);
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
    for (i = from;
         i < log->count && need == 0 && !world_is(side->denied, &log->key);
         i++) {
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
    if (world_is(side->refused, &log->key)) {
        return ENT_PEER_NOT_ENTITLED;
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
    job->event.u.stored.head_seq = log->count - 1; /* UINT64_MAX: empty */
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

#endif
