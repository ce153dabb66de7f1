/*
 * Entries as a faulty or hostile node would sign them: made by hand with a
 * node's own keys, past all that its engine would refuse.
 */
#ifndef TESTS_UNIT_NODE_FORGE_H
#define TESTS_UNIT_NODE_FORGE_H

#include "unit/node/nodes.h"

#define FORGE_MAX ENT_RUN_ENTRIES_MAX

/* One log as it grows. Zeroed but for keys, space and inc it is empty. */
struct forge {
    const struct node_keys *keys;
    struct ent_id space;
    uint32_t inc;
    uint64_t seq;
    struct ent_id prev;
    uint64_t hlc;
    size_t count;
    struct ent_entry entries[FORGE_MAX]; /* since the last run */
    struct ent_buf payloads[FORGE_MAX];
    struct ent_id deps[FORGE_MAX][ENT_DEPS_MAX];
};

static inline struct forge *
forge_new(const struct node *n, const struct ent_id *space, uint32_t inc)
{
    struct forge *f = ent_alloc_zero(1, sizeof(*f));

    f->keys = engine_keys(n->engine);
    f->space = *space;
    f->inc = inc;
    f->hlc = (uint64_t)NODES_START_MS << 16;
    return f;
}

static inline void
forge_clear(struct forge *f)
{
    size_t i;

    for (i = 0; i < f->count; i++) {
        ent_buf_release(&f->payloads[i]);
    }
    f->count = 0;
}

static inline void
forge_free(struct forge *f)
{
    forge_clear(f);
    free(f);
}

/* Goes on from where this node's open log in the space stands. */
static inline struct forge *
forge_after(const struct node *n, const struct ent_id *space)
{
    struct log_row log;
    struct forge *f;
    struct stmt *s = db_prepare(
        node_db(n), "SELECT max(id) FROM log WHERE space = ?1 AND node = ?2");

    stmt_bind_u64(s, 1, node_space(n, space));
    stmt_bind_u64(s, 2, node_row(n, &n->id));
    assert_true(row_log_get(node_db(n), store_number(s), &log));
    f = forge_new(n, space, log.inc);
    f->seq = log.head_seq + 1;
    f->prev = log.head_id;
    return f;
}

/* Appends an entry with these operations (already encoded). Sealed under `key`
 * when there is one. Returns its id. */
static inline const struct ent_id *
forge_add(struct forge *f, struct nodes *w, struct ent_slice ops, size_t count,
          const struct ent_id *epoch, const struct ent_key *key)
{
    struct ent_entry *e = &f->entries[f->count];
    struct ent_buf *payload = &f->payloads[f->count];
    struct ent_buf plain = {0};
    const struct ent_id *deps = e->deps;
    size_t dep_count = e->dep_count;

    assert_true(f->count < FORGE_MAX);
    *e = (struct ent_entry){
        .class = key != NULL ? ENT_CLASS_SEALED : ENT_CLASS_CONTROL,
        .space = f->space,
        .node = f->keys->node,
        .inc = f->inc,
        .seq = f->seq,
        .prev = f->prev,
        .deps = deps,
        .dep_count = dep_count,
        .hlc = ++f->hlc,
    };
    *payload = (struct ent_buf){0};
    ent_ops_begin(&plain, ent_slice(NULL, 0), count);
    ent_buf_put_slice(&plain, ops);
    if (key != NULL) {
        e->epoch = *epoch;
        assert_int_equal(
            ent_payload_seal(e, key, &w->rng, ent_buf_slice(&plain), payload),
            ENT_OK);
    } else {
        ent_buf_put_slice(payload, ent_buf_slice(&plain));
    }
    ent_buf_release(&plain);
    e->payload = ent_buf_slice(payload);
    e->has_payload = true;
    ent_entry_finish(e);
    f->prev = e->id;
    f->seq++;
    f->count++;
    return &e->id;
}

/* The next entry will cite these ids, given ascending. */
static inline void
forge_cite(struct forge *f, const struct ent_id *ids, size_t count)
{
    memcpy(f->deps[f->count], ids, count * sizeof(*ids));
    f->entries[f->count].deps = f->deps[f->count];
    f->entries[f->count].dep_count = count;
}

/* An open entry that says nothing but what it cites. */
static inline const struct ent_id *
forge_seen(struct forge *f, struct nodes *w)
{
    struct ent_op op = {.type = ENT_OP_SEEN};
    struct ent_buf ops = {0};
    const struct ent_id *id;

    ent_op_put(&ops, &op);
    id = forge_add(f, w, ent_buf_slice(&ops), 1, NULL, NULL);
    ent_buf_release(&ops);
    return id;
}

/* Signs what was added since the last run and encodes it. */
static inline void
forge_run(struct forge *f, struct ent_buf *out)
{
    struct ent_sig sig;

    ent_buf_init(out, ENT_MESSAGE_MAX);
    ent_entry_sign(&f->keys->sign_secret, &f->entries[f->count - 1].id, &sig);
    assert_int_equal(ent_run_encode(f->entries, f->count, &sig, out), ENT_OK);
    forge_clear(f);
}

/* … and gives it to `to` as if `from` had sent it. */
static inline enum ent_status
forge_give(struct forge *f, struct nodes *w, struct node *to,
           const struct node *from)
{
    struct ent_buf run;
    enum ent_status st;

    forge_run(f, &run);
    st = node_take(w, to, ent_buf_slice(&run), &from->id, NULL);
    ent_buf_release(&run);
    return st;
}

/* The key that content of the space is written under at this node. */
static inline void
forge_key(const struct node *n, const struct ent_id *space,
          struct ent_id *ret_epoch, struct ent_key *ret_key)
{
    struct space_state *s = space_get(n->engine, node_space(n, space));

    assert_true(epoch_current(n->engine, s, ret_key, ret_epoch) != 0);
}

#endif
