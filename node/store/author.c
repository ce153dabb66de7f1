/*
 * Entries of our own: the log's next, citing what was seen since, under the
 * epoch that exactly the readers hold. Signed once a commit.
 */
#include "store/directory.h"
#include "store/internal.h"

#include <stdlib.h>

/* A signed stretch must fit into one run and the credit of a new session. */
#define STRETCH_ENTRIES_MAX 512u
#define STRETCH_BYTES_MAX (192u * 1024u)

void
engine_draft_init(struct engine_draft *draft, uint64_t space, uint8_t class)
{
    *draft = (struct engine_draft){.space = space, .class = class};
    ent_buf_init(&draft->ops, ENT_PAYLOAD_MAX);
    draft->ops.is_secret = class == ENT_CLASS_SEALED;
}

void
engine_draft_release(struct engine_draft *draft)
{
    ent_buf_release(&draft->ops);
}

/* ---- own logs ---- */

static uint64_t
find_open_log(struct db *db, uint64_t space, uint64_t node)
{
    static const char sql[] =
        "SELECT id FROM log WHERE space = ?1 AND node = ?2 AND is_closed = 0"
        " AND is_forked = 0 ORDER BY id DESC LIMIT 1";
    struct stmt *s = db_prepare(db, sql);
    uint64_t row;

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, node);
    if (!store_find(s)) {
        return 0;
    }
    row = stmt_col_u64(s, 0);
    stmt_reset(s);
    return row;
}

static uint32_t
new_incarnation(struct engine *engine)
{
    uint8_t raw[4];

    ent_rng_fill(&engine->rng, raw, sizeof(raw));
    return ent_get_u32(raw);
}

void
author_log(struct engine *engine, struct space_state *space,
           struct log_row *ret_log)
{
    uint64_t row = find_open_log(engine->db, space->row, engine->own_node);
    bool found = row != 0 && row_log_get(engine->db, row, ret_log);

    if (!found) {
        row_log_make(engine->db, space->row, &engine->keys.node,
                     new_incarnation(engine), ret_log);
    }
}

static void
sign_log(struct engine *engine, struct own_log *own)
{
    struct ent_sig sig;

    if (!own->is_signed) {
        ent_entry_sign(&engine->keys.sign_secret, &own->id, &sig);
        facts_put_seal(engine, own->row, own->unsigned_seq, &sig);
        own->is_signed = true;
        own->unsigned_count = 0;
        own->unsigned_bytes = 0;
    }
}

void
author_sign_all(struct engine *engine)
{
    size_t i;

    for (i = 0; i < engine->own_log_count; i++) {
        sign_log(engine, &engine->own_logs[i]);
    }
    engine->own_log_count = 0;
}

static struct own_log *
own_log_slot(struct engine *engine, uint64_t row)
{
    size_t i;

    for (i = 0; i < engine->own_log_count; i++) {
        if (engine->own_logs[i].row == row) {
            return &engine->own_logs[i];
        }
    }
    if (engine->own_log_count == OWN_LOGS_MAX) {
        author_sign_all(engine);
    }
    engine->own_logs[engine->own_log_count] = (struct own_log){.row = row};
    return &engine->own_logs[engine->own_log_count++];
}

/* The commit will sign it, and the anchor will count it. */
static void
note_own(struct engine *engine, uint64_t log, const struct ent_entry *e)
{
    struct own_log *own = own_log_slot(engine, log);
    struct ent_hasher h;

    own->unsigned_seq = e->seq;
    own->id = e->id;
    own->is_signed = false;
    own->unsigned_count++;
    own->unsigned_bytes += e->payload.len + 64 + 34 * e->dep_count;
    if (own->unsigned_count >= STRETCH_ENTRIES_MAX ||
        own->unsigned_bytes + ENT_PAYLOAD_MAX >= STRETCH_BYTES_MAX) {
        sign_log(engine, own);
    }
    ent_hasher_init(&h, "entente/own/1");
    ent_hasher_add(&h, ENT_SLICE_OF(engine->own_hash));
    ent_hasher_add(&h, ENT_SLICE_OF(e->id));
    ent_hasher_end(&h, &engine->own_hash);
    engine->own_count++;
}

/* ---- deps ---- */

static int
compare_ids(const void *a, const void *b)
{
    return ent_id_cmp(a, b);
}

/* Heads of other logs that nothing applied here cites yet. */
static size_t
read_heads(struct engine *engine, uint64_t space, uint64_t own_log,
           struct ent_id *ret_deps, size_t max)
{
    static const char sql[] =
        "SELECT e.id FROM log l JOIN entry e ON e.log = l.id"
        " AND e.seq = l.applied_count - 1 WHERE l.space = ?1 AND l.id != ?2"
        " AND l.applied_count > l.cited LIMIT ?3";
    struct stmt *s = db_prepare(engine->db, sql);
    size_t count = 0;

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, own_log);
    stmt_bind_u64(s, 3, max);
    while (store_next(s)) {
        stmt_col_id(s, 0, &ret_deps[count++]);
    }
    qsort(ret_deps, count, sizeof(*ret_deps), compare_ids);
    return count;
}

/* ---- entries ---- */

static void
build_payload(const struct engine_draft *draft, struct ent_buf *plain)
{
    const char *person = draft->person != NULL ? draft->person : "";

    ent_ops_begin(plain, ent_slice_str(person), draft->op_count);
    ent_buf_put_slice(plain, ent_buf_slice(&draft->ops));
}

static enum ent_status
write_entry(struct engine *engine, struct log_row *log, struct ent_entry *e,
            const struct engine_draft *draft, const struct ent_key *key)
{
    struct ent_buf plain = {.is_secret = key != NULL};
    struct ent_buf payload = {0};
    enum ent_status st = ENT_OK;

    build_payload(draft, &plain);
    e->hlc = ent_hlc_next(engine->hlc, engine->now_ms);
    if (key != NULL) {
        st = ent_payload_seal(e, key, &engine->rng, ent_buf_slice(&plain),
                              &payload);
    } else {
        ent_buf_put_slice(&payload, ent_buf_slice(&plain));
    }
    if (st == ENT_OK && (payload.len > ENT_PAYLOAD_MAX || plain.failed)) {
        st = ENT_PEER_TOO_BIG;
    }
    if (st == ENT_OK) {
        engine->hlc = e->hlc;
        e->payload = ent_buf_slice(&payload);
        e->has_payload = true;
        ent_entry_finish(e);
        facts_put(engine, log, e);
        row_log_save(engine->db, log);
        note_own(engine, log->row, e);
    }
    ent_buf_release(&plain);
    ent_buf_release(&payload);
    return st;
}

/* More heads than an entry may cite: empty entries cite sixteen each first. */
static void
cite_surplus(struct engine *engine, struct space_state *space,
             struct log_row *log, struct ent_id *deps, size_t *count)
{
    while (*count == ENT_DEPS_MAX) {
        struct engine_draft draft;
        struct ent_op op = {.type = ENT_OP_SEEN};
        struct ent_entry e = {
            .class = ENT_CLASS_CONTROL,
            .space = space->sid,
            .node = engine->keys.node,
            .inc = log->inc,
            .seq = log->is_empty ? 0 : log->head_seq + 1,
            .prev = log->head_id,
            .deps = deps,
            .dep_count = *count,
        };
        enum ent_status st;

        engine_draft_init(&draft, space->row, ENT_CLASS_CONTROL);
        ent_op_put(&draft.ops, &op);
        draft.op_count = 1;
        st = write_entry(engine, log, &e, &draft, NULL);
        ENT_ASSERT(st == ENT_OK);
        engine_draft_release(&draft);
        *count = read_heads(engine, space->row, log->row, deps, ENT_DEPS_MAX);
    }
}

/* A new epoch for exactly the readers, in an entry of its own. */
static void
write_epoch(struct engine *engine, struct space_state *space)
{
    static const struct epoch_plan plain_plan = {0};
    struct engine_draft draft;
    struct log_row log;
    struct ent_logkey key;
    struct ent_id id;
    enum ent_status st;

    author_log(engine, space, &log);
    key = (struct ent_logkey){space->sid, engine->keys.node, log.inc};
    engine_draft_init(&draft, space->row, ENT_CLASS_CONTROL);
    epoch_make(engine, space, &key, &plain_plan, &draft.ops);
    draft.op_count = 1;
    st = author_entry(engine, space, &draft, 0, &id);
    ENT_ASSERT(st == ENT_OK);
    engine_draft_release(&draft);
}

enum ent_status
author_entry(struct engine *engine, struct space_state *space,
             struct engine_draft *draft, uint16_t flags, struct ent_id *ret_id)
{
    struct ent_id deps[ENT_DEPS_MAX];
    struct ent_key key;
    struct log_row log;
    struct ent_entry e = {
        .class = draft->class,
        .flags = flags,
        .space = space->sid,
        .node = engine->keys.node,
    };
    bool is_sealed = draft->class == ENT_CLASS_SEALED;
    enum ent_status st;

    if (is_sealed && epoch_current(engine, space, &key, &e.epoch) == 0) {
        write_epoch(engine, space);
        if (epoch_current(engine, space, &key, &e.epoch) == 0) {
            return ENT_PEER_EPOCH;
        }
    }
    author_log(engine, space, &log);
    e.dep_count = read_heads(engine, space->row, log.row, deps, ENT_DEPS_MAX);
    cite_surplus(engine, space, &log, deps, &e.dep_count);
    e.deps = deps;
    e.inc = log.inc;
    e.seq = log.is_empty ? 0 : log.head_seq + 1;
    e.prev = log.head_id;
    st = write_entry(engine, &log, &e, draft, is_sealed ? &key : NULL);
    ent_wipe(&key, sizeof(key));
    *ret_id = e.id;
    return st;
}

enum ent_status
engine_author(struct engine *engine, struct engine_draft *draft,
              struct ent_id *ret_id)
{
    struct space_state *space = space_get(engine, draft->space);

    ENT_ASSERT(engine->is_in_txn);
    if (draft->ops.failed ||
        draft->ops.len + 128 > ENT_PAYLOAD_MAX - ENT_SEAL_OVERHEAD ||
        ent_padme(draft->ops.len + 128) > ENT_PAYLOAD_MAX - ENT_SEAL_OVERHEAD) {
        return ENT_PEER_TOO_BIG;
    }
    if (!ent_gov_may_write(space->gov, ent_gov_now(space->gov),
                           &engine->keys.node)) {
        return ENT_PEER_NOT_ENTITLED;
    }
    return author_entry(engine, space, draft, 0, ret_id);
}

/* ---- spaces ---- */

static struct space_state *
write_genesis(struct engine *engine, const struct engine_space_spec *spec)
{
    struct ent_buf card = {0};
    struct engine_draft draft;
    struct ent_op op = {.type = ENT_OP_GENESIS, .is_critical = true};
    struct ent_entry e = {
        .class = ENT_CLASS_CONTROL,
        .flags = ENT_FLAG_GENESIS,
        .node = engine->keys.node,
        .inc = new_incarnation(engine),
    };
    struct ent_buf payload = {0};
    struct space_state *space;
    struct log_row log;

    directory_own_card(engine, &card);
    op.u.genesis.kind = spec->kind;
    if (spec->circle != 0) {
        row_space_id(engine->db, spec->circle, &op.u.genesis.circle);
    }
    op.u.genesis.name = ent_slice_str(spec->name != NULL ? spec->name : "");
    op.u.genesis.charter = spec->charter;
    op.u.genesis.card = ent_buf_slice(&card);
    engine_draft_init(&draft, 0, ENT_CLASS_CONTROL);
    ent_op_put(&draft.ops, &op);
    draft.op_count = 1;
    build_payload(&draft, &payload);
    ent_rng_fill(&engine->rng, e.space.b, sizeof(e.space.b));
    e.hlc = ent_hlc_next(engine->hlc, engine->now_ms);
    engine->hlc = e.hlc;
    e.payload = ent_buf_slice(&payload);
    e.has_payload = true;
    ent_entry_finish(&e);
    space = space_make(engine, &e, &op.u.genesis);
    row_log_make(engine->db, space->row, &engine->keys.node, e.inc, &log);
    facts_put(engine, &log, &e);
    row_log_save(engine->db, &log);
    note_own(engine, log.row, &e);
    engine_draft_release(&draft);
    ent_buf_release(&payload);
    ent_buf_release(&card);
    return space;
}

static void
put_grant_op(struct ent_buf *ops, const struct engine_grant *grant)
{
    struct ent_op op = {.type = ENT_OP_GRANT, .is_critical = true};

    op.u.grant.node = grant->node;
    op.u.grant.level = grant->level;
    op.u.grant.basis = grant->basis;
    ent_op_put(ops, &op);
}

/* One entry: the grants and the epoch that includes the newcomers. */
static enum ent_status
write_grants(struct engine *engine, struct space_state *space,
             const struct engine_grant *grants, size_t count, bool with_history)
{
    struct ent_card *cards = ent_alloc_zero(count, sizeof(*cards));
    struct ent_buf *bufs = ent_alloc_zero(count, sizeof(*bufs));
    struct epoch_plan plan = {.extra = cards};
    struct engine_draft draft;
    struct log_row log;
    struct ent_logkey key;
    struct ent_id id;
    enum ent_status st = ENT_OK;
    size_t i;

    for (i = 0; i < count && st == ENT_OK; i++) {
        st = card_find(engine->db, &grants[i].node, &bufs[i], &cards[i])
                 ? ENT_OK
                 : ENT_RULE_NOT_FOUND;
        plan.extra_count += grants[i].level >= ENT_LEVEL_READER;
    }
    if (st == ENT_OK) {
        author_log(engine, space, &log);
        key = (struct ent_logkey){space->sid, engine->keys.node, log.inc};
        engine_draft_init(&draft, space->row, ENT_CLASS_CONTROL);
        for (i = 0; i < count; i++) {
            put_grant_op(&draft.ops, &grants[i]);
        }
        draft.op_count = count;
        if (with_history) {
            draft.op_count +=
                epoch_share_all(engine, space, &cards[0], 32, &draft.ops);
        }
        epoch_make(engine, space, &key, &plan, &draft.ops);
        draft.op_count++;
        st = author_entry(engine, space, &draft, 0, &id);
        engine_draft_release(&draft);
    }
    for (i = 0; i < count; i++) {
        ent_buf_release(&bufs[i]);
    }
    free(bufs);
    free(cards);
    return st;
}

/* May this structure be let into a space of this kind? Checked before anything
 * is written: an epoch is sealed to whoever is named. The moderator opens the
 * review view only (docs/trust.md P4). */
static enum ent_status
check_grant(struct engine *engine, uint8_t kind, uint64_t circle,
            const struct engine_grant *grant)
{
    struct ent_gov *gov = engine_gov(engine, circle);
    enum ent_role role = ent_gov_role(gov, ent_gov_now(gov), &grant->node);
    bool is_as_moderator = grant->basis == ENT_BASIS_MODERATOR;
    struct ent_buf buf = {0};
    struct ent_card card;
    bool is_known = card_find(engine->db, &grant->node, &buf, &card);

    ent_buf_release(&buf);
    if (!is_known) {
        return ENT_RULE_NOT_FOUND; /* no key to seal to */
    }
    if ((role != ENT_ROLE_MEMBER && role != ENT_ROLE_MODERATOR) ||
        (role == ENT_ROLE_MODERATOR) != is_as_moderator ||
        (is_as_moderator && kind != ENT_SPACE_REVIEW)) {
        return ENT_RULE;
    }
    return ENT_OK;
}

enum ent_status
engine_open_space(struct engine *engine, const struct engine_space_spec *spec,
                  uint64_t *ret_space, struct ent_id *ret_id)
{
    struct space_state *space;
    enum ent_status st = ENT_OK;
    size_t i;

    ENT_ASSERT(engine->is_in_txn);
    ENT_ASSERT(spec->grant_count <= ENT_OPS_MAX - 2);
    for (i = 0; i < spec->grant_count && st == ENT_OK; i++) {
        st = check_grant(engine, spec->kind, spec->circle, &spec->grants[i]);
    }
    if (st != ENT_OK) {
        return st;
    }
    space = write_genesis(engine, spec);
    st = write_grants(engine, space, spec->grants, spec->grant_count, false);
    ENT_ASSERT(st == ENT_OK);
    *ret_space = space->row;
    *ret_id = space->sid;
    return ENT_OK;
}

/* Only the opener's grants count (docs/trust.md 2); those of others would
 * hand out keys for nothing. */
static bool
is_opener(struct engine *engine, uint64_t space)
{
    static const char sql[] =
        "SELECT 1 FROM space WHERE id = ?1 AND opener = ?2";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, engine->own_node);
    return store_number(s) != 0;
}

enum ent_status
engine_grant(struct engine *engine, uint64_t space_row,
             const struct engine_grant *grant, bool with_history)
{
    struct space_state *space = space_get(engine, space_row);
    enum ent_status st;

    if (!is_opener(engine, space_row) ||
        !ent_gov_may_write(space->gov, ent_gov_now(space->gov),
                           &engine->keys.node)) {
        return ENT_PEER_NOT_ENTITLED;
    }
    st = check_grant(engine, space->kind, space->circle, grant);
    return st == ENT_OK ? write_grants(engine, space, grant, 1, with_history)
                        : st;
}
