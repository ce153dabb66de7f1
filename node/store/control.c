/*
 * Control entries into views: who is in a space, whose card is newest, which
 * keys exist. What counts was judged by proto/circle; here it is written down.
 */
#include "store/internal.h"

#include <stdlib.h>

void
control_note_strange(struct engine *engine, const struct applied *a, size_t op,
                     unsigned type, enum strange_why why)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO strange VALUES(?1, ?2, ?3, ?4)";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, a->arrival);
    stmt_bind_u64(s, 2, op);
    stmt_bind_u64(s, 3, type);
    stmt_bind_u64(s, 4, why);
    store_must(stmt_run(s));
    if (why == STRANGE_CRITICAL) {
        a->space->is_stopped = true;
    }
}

static void
note_verdict(struct engine *engine, uint64_t arrival, size_t op,
             uint8_t verdict)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO verdict VALUES(?1, ?2, ?3)";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, arrival);
    stmt_bind_u64(s, 2, op);
    stmt_bind_u64(s, 3, verdict);
    store_must(stmt_run(s));
}

/* ---- cards ---- */

static bool
card_is_newer(struct db *db, uint64_t node, uint32_t number)
{
    static const char sql[] = "SELECT number FROM card WHERE node = ?1";
    struct stmt *s = db_prepare(db, sql);
    uint64_t known;

    stmt_bind_u64(s, 1, node);
    if (!store_find(s)) {
        return true;
    }
    known = stmt_col_u64(s, 0);
    stmt_reset(s);
    return number > known;
}

void
control_put_card(struct engine *engine, struct ent_slice bytes)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO card VALUES(?1, ?2, ?3, ?4, ?5)";
    struct ent_card card;
    struct stmt *s;
    uint64_t node;

    if (ent_card_decode(bytes, &card) != ENT_OK) {
        return; /* somebody vouched for nonsense: the card stays unknown */
    }
    node = row_node(engine->db, &card.node);
    if (!card_is_newer(engine->db, node, card.number)) {
        return;
    }
    s = db_prepare(engine->db, sql);
    stmt_bind_u64(s, 1, node);
    stmt_bind_u64(s, 2, card.number);
    stmt_bind_text(s, 3, card.name);
    stmt_bind_u64(s, 4, card.sector);
    stmt_bind_blob(s, 5, bytes);
    store_must(stmt_run(s));
    engine->members_changed = true;
}

/* ---- members ---- */

struct old_member {
    uint64_t node;
    uint64_t role;
};

static size_t
read_old_members(struct db *db, uint64_t space, struct old_member *ret,
                 size_t max)
{
    static const char sql[] =
        "SELECT node, role FROM member WHERE space = ?1 LIMIT ?2";
    struct stmt *s = db_prepare(db, sql);
    size_t count = 0;

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, max);
    while (store_next(s)) {
        ret[count].node = stmt_col_u64(s, 0);
        ret[count].role = stmt_col_u64(s, 1);
        count++;
    }
    return count;
}

static bool
was_member(const struct old_member *old, size_t count, uint64_t node)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (old[i].node == node) {
            return true;
        }
    }
    return false;
}

/* Somebody's right to a space grew: its logs count as moved, so that the next
 * CHANGES tells of entries older than the cursor (docs/adr/0003). */
static void
touch_logs(struct engine *engine, uint64_t space)
{
    static const char list[] =
        "SELECT id FROM log WHERE space = ?1 AND head_seq IS NOT NULL"
        " ORDER BY id";
    static const char touch[] = "UPDATE log SET moved = ?2 WHERE id = ?1";
    struct stmt *s = db_prepare(engine->db, list);

    stmt_bind_u64(s, 1, space);
    while (store_next(s)) {
        struct stmt *u;
        uint64_t log;

        log = stmt_col_u64(s, 0);
        u = db_prepare(engine->db, touch);
        stmt_bind_u64(u, 1, log);
        stmt_bind_u64(u, 2, next_change(engine));
        store_must(stmt_run(u));
    }
}

/* In a circle the right to its spaces comes and goes with the member. */
static void
touch_spaces(struct engine *engine, uint64_t circle, uint64_t node)
{
    static const char sql[] =
        "SELECT s.id FROM space s JOIN member m ON m.space = s.id"
        " AND m.node = ?2 WHERE s.circle = ?1 ORDER BY s.id";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, circle);
    stmt_bind_u64(s, 2, node);
    while (store_next(s)) {
        touch_logs(engine, stmt_col_u64(s, 0));
    }
}

static void
put_member(struct engine *engine, uint64_t space, uint64_t node,
           const struct ent_gov_member *m)
{
    static const char sql[] = "INSERT INTO member VALUES(?1, ?2, ?3, ?4, ?5)";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, space);
    stmt_bind_u64(s, 2, node);
    stmt_bind_u64(s, 3, m->role);
    stmt_bind_u64(s, 4, m->basis);
    stmt_bind_u64(s, 5, m->is_opener);
    store_must(stmt_run(s));
}

/* Who is no longer in a circle has no way in by an old invitation either. */
static void
forget_pairs(struct engine *engine, const struct space_state *space,
             const struct old_member *old, size_t count)
{
    static const char sql[] =
        "DELETE FROM pair WHERE node = ?1 AND NOT EXISTS (SELECT 1 FROM"
        " member m WHERE m.space = ?2 AND m.node = ?1)";
    size_t i;

    for (i = 0; i < count && space->kind == ENT_SPACE_CIRCLE; i++) {
        struct stmt *s = db_prepare(engine->db, sql);

        stmt_bind_u64(s, 1, old[i].node);
        stmt_bind_u64(s, 2, space->row);
        store_must(stmt_run(s));
    }
}

void
control_refresh_members(struct engine *engine, struct space_state *space)
{
    static const char clear[] = "DELETE FROM member WHERE space = ?1";
    uint32_t now = ent_gov_now(space->gov);
    size_t count = ent_gov_members(space->gov, now, NULL, 0);
    struct ent_gov_member *members = ent_alloc_zero(count, sizeof(*members));
    struct old_member *old =
        ent_alloc_zero(ENT_STRUCTURES_MAX + 64, sizeof(*old));
    size_t old_count =
        read_old_members(engine->db, space->row, old, ENT_STRUCTURES_MAX + 64);
    bool has_grown = false;
    struct stmt *s = db_prepare(engine->db, clear);
    size_t i;

    ent_gov_members(space->gov, now, members, count);
    stmt_bind_u64(s, 1, space->row);
    store_must(stmt_run(s));
    for (i = 0; i < count; i++) {
        uint64_t node = row_node(engine->db, &members[i].node);

        put_member(engine, space->row, node, &members[i]);
        if (!was_member(old, old_count, node) && !engine->is_rebuilding) {
            touch_spaces(engine, space->row, node);
            has_grown = true;
        }
    }
    forget_pairs(engine, space, old, old_count);
    if (has_grown) {
        touch_logs(engine, space->row);
    }
    engine->members_changed = true;
    free(old);
    free(members);
}

/* ---- operations ---- */

static void
recipients_hash(const struct ent_op_epoch *op, struct ent_id *ret_hash)
{
    struct ent_hasher h;
    size_t i;

    ent_hasher_init(&h, "entente/recipients/1");
    for (i = 0; i < op->box_count; i++) {
        ent_hasher_add(&h, ENT_SLICE_OF(op->boxes[i].node));
    }
    ent_hasher_end(&h, ret_hash);
}

/* Whom an epoch's key was sealed to, by whoever did it. */
static void
note_holder(struct engine *engine, uint64_t epoch, const struct ent_id *node)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO epoch_holder VALUES(?1, ?2)";
    uint64_t row = row_node(engine->db, node);
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, epoch);
    stmt_bind_u64(s, 2, row);
    store_must(stmt_run(s));
}

static void
set_epoch_key(struct engine *engine, const struct applied *a, uint64_t epoch,
              const struct ent_key *key)
{
    static const char sql[] = "UPDATE epoch_key SET key = ?2 WHERE epoch = ?1";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, epoch);
    stmt_bind_blob(s, 2, ENT_SLICE_OF(*key));
    store_must(stmt_run(s));
    engine->members_changed = true; /* a circle's key is a secret of links */
    fold_unread(engine, a->space, epoch);
}

static void
apply_epoch(struct engine *engine, const struct applied *a, size_t index,
            const struct ent_op_epoch *op)
{
    static const char sql[] =
        "INSERT OR IGNORE INTO epoch_key(epoch, space, recipients, commitment,"
        " arrival) VALUES(?1, ?2, ?3, ?4, ?5)";
    struct ent_logkey log = {a->space->sid, a->e->node, a->e->inc};
    struct ent_id recipients;
    struct ent_id eid;
    struct ent_key key;
    struct stmt *s;
    uint64_t epoch;
    size_t i;

    ent_epoch_id(&log, op, &eid);
    epoch = row_epoch(engine->db, &eid);
    recipients_hash(op, &recipients);
    s = db_prepare(engine->db, sql);
    stmt_bind_u64(s, 1, epoch);
    stmt_bind_u64(s, 2, a->space->row);
    stmt_bind_id(s, 3, &recipients);
    stmt_bind_id(s, 4, &op->commitment);
    stmt_bind_u64(s, 5, a->arrival);
    store_must(stmt_run(s));
    for (i = 0; i < op->box_count; i++) {
        note_holder(engine, epoch, &op->boxes[i].node);
        if (!ent_id_eq(&op->boxes[i].node, &engine->keys.node)) {
            continue;
        }
        if (ent_epoch_unbox(&engine->keys.sealing_secret, op->boxes[i].box,
                            &eid, &op->commitment, &key) == ENT_OK) {
            set_epoch_key(engine, a, epoch, &key);
        } else {
            control_note_strange(engine, a, index, ENT_OP_EPOCH, STRANGE_KEY);
        }
        ent_wipe(&key, sizeof(key));
    }
}

static void
apply_share(struct engine *engine, const struct applied *a, size_t index,
            const struct ent_op_share *op)
{
    static const char sql[] =
        "SELECT commitment, key IS NULL FROM epoch_key WHERE epoch = ?1"
        " AND space = ?2";
    struct stmt *s = db_prepare(engine->db, sql);
    uint64_t epoch = row_epoch(engine->db, &op->epoch);
    struct ent_id commitment;
    struct ent_key key;
    bool is_missing;

    note_holder(engine, epoch, &op->node);
    if (!ent_id_eq(&op->node, &engine->keys.node)) {
        return;
    }
    stmt_bind_u64(s, 1, epoch);
    stmt_bind_u64(s, 2, a->space->row);
    if (!store_find(s)) {
        control_note_strange(engine, a, index, ENT_OP_SHARE, STRANGE_KEY);
        return;
    }
    stmt_col_id(s, 0, &commitment);
    is_missing = stmt_col_u64(s, 1) != 0;
    stmt_reset(s);
    if (!is_missing) {
        return;
    }
    if (ent_epoch_unbox(&engine->keys.sealing_secret, op->box, &op->epoch,
                        &commitment, &key) == ENT_OK) {
        set_epoch_key(engine, a, epoch, &key);
    } else {
        control_note_strange(engine, a, index, ENT_OP_SHARE, STRANGE_KEY);
    }
    ent_wipe(&key, sizeof(key));
}

/* Returns whether members may have changed. */
static bool
apply_op(struct engine *engine, const struct applied *a, size_t index,
         const struct ent_op *op)
{
    switch (op->type) {
    case ENT_OP_GENESIS:
        control_put_card(engine, op->u.genesis.card);
        return true;
    case ENT_OP_MOTION:
        if (op->u.motion.card.len > 0) {
            control_put_card(engine, op->u.motion.card);
        }
        return false;
    case ENT_OP_CARD:
        control_put_card(engine, op->u.card);
        return false;
    case ENT_OP_EPOCH:
        apply_epoch(engine, a, index, &op->u.epoch);
        return false;
    case ENT_OP_SHARE:
        apply_share(engine, a, index, &op->u.share);
        return false;
    case ENT_OP_DECISION:
    case ENT_OP_GRANT:
    case ENT_OP_WITHDRAW:
    case ENT_OP_LEAVE:
        return true;
    default:
        return false;
    }
}

static void
remember_step(struct engine *engine, const struct applied *a, uint32_t num)
{
    static const char sql[] = "INSERT INTO gov_step VALUES(?1, ?2, ?3, ?4)";
    struct stmt *s = db_prepare(engine->db, sql);
    uint8_t raw[4];

    ENT_ASSERT(num > a->space->step_count);
    a->space->step_count = num;
    ent_put_u32(raw, a->past);
    stmt_bind_u64(s, 1, a->space->row);
    stmt_bind_u64(s, 2, num);
    stmt_bind_blob(s, 3, ENT_SLICE_OF(raw));
    stmt_bind_u64(s, 4, a->arrival);
    store_must(stmt_run(s));
}

static void
apply_ops(struct engine *engine, const struct applied *a,
          const struct ent_ops *ops, const uint8_t *verdicts)
{
    bool may_change = false;
    size_t i;

    for (i = 0; i < ops->count; i++) {
        if (!ops->ops[i].is_known) {
            control_note_strange(engine, a, i, ops->ops[i].type,
                                 ops->ops[i].is_critical ? STRANGE_CRITICAL
                                                         : STRANGE_UNKNOWN);
        } else if (verdicts[i] != ENT_VERDICT_OK) {
            note_verdict(engine, a->arrival, i, verdicts[i]);
        } else {
            may_change = apply_op(engine, a, i, &ops->ops[i]) || may_change;
        }
    }
    if (may_change) {
        control_refresh_members(engine, a->space);
    }
}

uint32_t
control_apply(struct engine *engine, const struct applied *a)
{
    uint8_t verdicts[ENT_OPS_MAX] = {0};
    struct ent_ops ops;
    uint32_t after;

    if (ent_ops_decode(a->e->payload, &ops) != ENT_OK) {
        control_note_strange(engine, a, 0, 0, STRANGE_MALFORMED);
        ops = (struct ent_ops){0};
    }
    after = ent_gov_apply(a->space->gov, a->e, &ops, a->past, verdicts);
    remember_step(engine, a, after);
    apply_ops(engine, a, &ops, verdicts);
    ent_ops_release(&ops);
    a->space->is_dirty = true;
    engine->owes_reaction = true;
    return after;
}
