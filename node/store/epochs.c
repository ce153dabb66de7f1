/* Key epochs of a space: which one to write under, new ones, and handing the
 * earlier ones to a newcomer. docs/trust.md 3. */
#include "store/internal.h"

#include <stdlib.h>

bool
card_find(struct db *db, const struct ent_id *node, struct ent_buf *buf,
          struct ent_card *ret_card)
{
    static const char sql[] =
        "SELECT c.bytes FROM card c JOIN node n ON n.id = c.node"
        " WHERE n.key = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_id(s, 1, node);
    if (!store_find(s)) {
        return false;
    }
    ent_buf_clear(buf);
    ent_buf_put_slice(buf, stmt_col_blob(s, 0));
    stmt_reset(s);
    return ent_card_decode(ent_buf_slice(buf), ret_card) == ENT_OK;
}

static bool
card_is_here(struct db *db, const struct ent_id *node)
{
    static const char sql[] =
        "SELECT 1 FROM card c JOIN node n ON n.id = c.node WHERE n.key = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_id(s, 1, node);
    return store_number(s) != 0;
}

/* Whom a new epoch is sealed to, ascending by node. */
struct recipients {
    size_t count;
    struct ent_id nodes[ENT_BOXES_MAX];
    struct ent_key sealing[ENT_BOXES_MAX];
};

static void
add_recipient(struct recipients *r, const struct ent_id *node,
              const struct ent_key *sealing)
{
    size_t at = 0;

    while (at < r->count && ent_id_cmp(&r->nodes[at], node) < 0) {
        at++;
    }
    if (at < r->count && ent_id_eq(&r->nodes[at], node)) {
        return;
    }
    ENT_ASSERT(r->count < ENT_BOXES_MAX);
    memmove(&r->nodes[at + 1], &r->nodes[at],
            (r->count - at) * sizeof(r->nodes[0]));
    memmove(&r->sealing[at + 1], &r->sealing[at],
            (r->count - at) * sizeof(r->sealing[0]));
    r->nodes[at] = *node;
    r->sealing[at] = *sealing;
    r->count++;
}

static bool
reads(uint8_t role)
{
    return role >= ENT_ROLE_READER;
}

/* Was it a member of the space's circle and is not any more? A removal counts
 * in every space at once, before the space itself says so. */
static bool
is_removed(struct engine *engine, const struct space_state *space,
           const struct ent_id *node)
{
    struct ent_gov *gov;

    if (space->circle == 0) {
        return false;
    }
    gov = engine_gov(engine, space->circle);
    return ent_gov_was_named(gov, node) &&
           ent_gov_role(gov, ent_gov_now(gov), node) == ENT_ROLE_NONE;
}

/* To name the readers, it is enough that their cards are here: those were
 * checked when they were stored. Each entry that is written asks, and a
 * signature checked for each reader would be most of its cost. */
enum recipients_for { FOR_NAMES, FOR_SEALING };

static void
add_member(struct engine *engine, const struct ent_id *node,
           enum recipients_for what, struct ent_buf *buf, struct recipients *r)
{
    static const struct ent_key unknown;
    struct ent_card card;

    if (ent_id_eq(node, &engine->keys.node)) {
        add_recipient(r, node, &engine->keys.sealing);
    } else if (what == FOR_NAMES) {
        if (card_is_here(engine->db, node)) {
            add_recipient(r, node, &unknown);
        }
    } else if (card_find(engine->db, node, buf, &card)) {
        add_recipient(r, &card.node, &card.sealing);
    }
}

/* The readers of the newest view whose sealing key we know. */
static void
collect(struct engine *engine, struct space_state *space,
        const struct epoch_plan *plan, enum recipients_for what,
        struct recipients *r)
{
    struct ent_gov_member members[ENT_BOXES_MAX];
    size_t count = ent_gov_members(space->gov, ent_gov_now(space->gov), members,
                                   ENT_BOXES_MAX);
    struct ent_buf buf = {0};
    size_t i;

    if (count > ENT_BOXES_MAX) {
        count = ENT_BOXES_MAX; /* docs/protocol.md 9: boxes of one entry */
    }
    r->count = 0;
    for (i = 0; i < count; i++) {
        if (!reads(members[i].role) ||
            is_removed(engine, space, &members[i].node) ||
            (plan->except != NULL &&
             ent_id_eq(plan->except, &members[i].node))) {
            continue;
        }
        add_member(engine, &members[i].node, what, &buf, r);
    }
    for (i = 0; i < plan->extra_count; i++) {
        add_recipient(r, &plan->extra[i].node, &plan->extra[i].sealing);
    }
    add_recipient(r, &engine->keys.node, &engine->keys.sealing);
    ent_buf_release(&buf);
}

static void
hash_recipients(const struct recipients *r, struct ent_id *ret_hash)
{
    struct ent_hasher h;
    size_t i;

    ent_hasher_init(&h, "entente/recipients/1");
    for (i = 0; i < r->count; i++) {
        ent_hasher_add(&h, ENT_SLICE_OF(r->nodes[i]));
    }
    ent_hasher_end(&h, ret_hash);
}

uint64_t
epoch_current(struct engine *engine, struct space_state *space,
              struct ent_key *ret_key, struct ent_id *ret_eid)
{
    static const char sql[] =
        "SELECT k.epoch, k.key, e.eid FROM epoch_key k"
        " JOIN epoch e ON e.id = k.epoch WHERE k.space = ?1"
        " AND k.recipients = ?2 AND k.key IS NOT NULL"
        " ORDER BY k.arrival DESC LIMIT 1";
    static const struct epoch_plan nobody_else = {0};
    struct recipients *r = ent_alloc_zero(1, sizeof(*r));
    struct ent_id hash;
    struct stmt *s = db_prepare(engine->db, sql);
    uint64_t epoch;

    collect(engine, space, &nobody_else, FOR_NAMES, r);
    hash_recipients(r, &hash);
    free(r);
    stmt_bind_u64(s, 1, space->row);
    stmt_bind_id(s, 2, &hash);
    if (!store_find(s)) {
        return 0;
    }
    epoch = stmt_col_u64(s, 0);
    stmt_col_fixed(s, 1, ret_key->b, sizeof(ret_key->b));
    stmt_col_id(s, 2, ret_eid);
    store_must(stmt_status(s));
    stmt_reset(s);
    return epoch;
}

void
epoch_make(struct engine *engine, struct space_state *space,
           const struct ent_logkey *log, const struct epoch_plan *plan,
           struct ent_buf *ops)
{
    struct recipients *r = ent_alloc_zero(1, sizeof(*r));
    struct ent_box_ref boxes[ENT_BOXES_MAX];
    struct ent_buf sealed = {0};
    struct ent_key key;
    struct ent_id eid;
    struct ent_op op = {.type = ENT_OP_EPOCH, .is_critical = true};
    size_t starts[ENT_BOXES_MAX + 1];
    size_t i;

    collect(engine, space, plan, FOR_SEALING, r);
    ent_rng_fill(&engine->rng, key.b, sizeof(key.b));
    ent_epoch_commit(&key, &op.u.epoch.commitment);
    ent_gov_config(space->gov, ent_gov_now(space->gov), &op.u.epoch.config);
    for (i = 0; i < r->count; i++) {
        boxes[i] = (struct ent_box_ref){.node = r->nodes[i]};
    }
    op.u.epoch.box_count = r->count;
    op.u.epoch.boxes = boxes;
    ent_epoch_id(log, &op.u.epoch, &eid);
    for (i = 0; i < r->count; i++) {
        starts[i] = sealed.len;
        ent_epoch_box(&r->sealing[i], &engine->rng, &key, &eid, &sealed);
    }
    starts[r->count] = sealed.len;
    for (i = 0; i < r->count; i++) {
        boxes[i].box =
            ent_slice(sealed.p + starts[i], starts[i + 1] - starts[i]);
    }
    ent_op_put(ops, &op);
    ent_buf_release(&sealed);
    ent_wipe(&key, sizeof(key));
    free(r);
}

/* One SHARE operation from a row of (epoch id, key). */
static void
put_share(struct engine *engine, struct stmt *s, const struct ent_card *card,
          struct ent_buf *ops)
{
    struct ent_op op = {.type = ENT_OP_SHARE};
    struct ent_buf box = {0};
    struct ent_key key;

    stmt_col_id(s, 0, &op.u.share.epoch);
    stmt_col_fixed(s, 1, key.b, sizeof(key.b));
    op.u.share.node = card->node;
    ent_epoch_box(&card->sealing, &engine->rng, &key, &op.u.share.epoch, &box);
    op.u.share.box = ent_buf_slice(&box);
    ent_op_put(ops, &op);
    ent_buf_release(&box);
    ent_wipe(&key, sizeof(key));
}

size_t
epoch_share_all(struct engine *engine, struct space_state *space,
                const struct ent_card *card, size_t max, struct ent_buf *ops)
{
    static const char sql[] =
        "SELECT e.eid, k.key FROM epoch_key k JOIN epoch e ON e.id = k.epoch"
        " WHERE k.space = ?1 AND k.key IS NOT NULL"
        " ORDER BY k.arrival DESC LIMIT ?2";
    struct stmt *s = db_prepare(engine->db, sql);
    size_t count = 0;

    stmt_bind_u64(s, 1, space->row);
    stmt_bind_u64(s, 2, max);
    while (store_next(s)) {
        put_share(engine, s, card, ops);
        count++;
    }
    return count;
}

size_t
epoch_share_owed(struct engine *engine, struct space_state *space, size_t max,
                 struct ent_buf *ops)
{
    static const char sql[] =
        "SELECT x.eid, k.key, c.bytes FROM epoch_key k"
        " JOIN epoch x ON x.id = k.epoch"
        " JOIN entry e ON e.arrival = k.arrival"
        " JOIN log l ON l.id = e.log AND l.node = ?2"
        " JOIN member m ON m.space = k.space AND m.role >= ?3"
        " JOIN card c ON c.node = m.node"
        " WHERE k.space = ?1 AND k.key IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM epoch_holder h WHERE h.epoch = k.epoch"
        " AND h.node = m.node) ORDER BY k.arrival, m.node LIMIT ?4";
    struct stmt *s = db_prepare(engine->db, sql);
    size_t count = 0;

    stmt_bind_u64(s, 1, space->row);
    stmt_bind_u64(s, 2, engine->own_node);
    stmt_bind_u64(s, 3, ENT_ROLE_READER);
    stmt_bind_u64(s, 4, max);
    while (store_next(s)) {
        struct ent_card card;

        if (ent_card_decode(stmt_col_blob(s, 2), &card) == ENT_OK) {
            put_share(engine, s, &card, ops);
            count++;
        }
    }
    return count;
}
