/*
 * What follows by itself: a decision once its ballots are there, keys for a
 * newcomer, and the release of our own sealed answers at a reveal. Written as
 * ordinary entries, by whoever is first to owe them.
 */
#include "store/internal.h"
#include "store/records.h"

#include <stdlib.h>

/* ---- decisions ---- */

/* Of the voters, the one whose ballot has the greatest id writes: everybody
 * who sees all the ballots knows who that is. Anybody does after its start,
 * so that nothing stays undecided because that one went away. */
static bool
is_our_turn(struct engine *engine, const struct ent_gov_motion *m)
{
    size_t last = 0;
    size_t i;

    if (engine->is_starting) {
        return true;
    }
    for (i = 1; i < m->ballot_count; i++) {
        if (ent_id_cmp(&m->ballots[i], &m->ballots[last]) > 0) {
            last = i;
        }
    }
    return ent_id_eq(&m->voters[last], &engine->keys.node);
}

static void
write_decision(struct engine *engine, struct space_state *space,
               const struct ent_gov_motion *m)
{
    struct ent_op op = {.type = ENT_OP_DECISION, .is_critical = true};
    struct engine_draft draft;
    struct epoch_plan plan = {0};
    struct ent_card card;
    struct log_row log;
    struct ent_logkey key;
    struct ent_id id;
    enum ent_status st;

    author_log(engine, space, &log);
    key = (struct ent_logkey){space->sid, engine->keys.node, log.inc};
    engine_draft_init(&draft, space->row, ENT_CLASS_CONTROL);
    op.u.decision.motion = m->id;
    op.u.decision.ballots = m->ballots;
    op.u.decision.ballot_count = m->ballot_count;
    ent_op_put(&draft.ops, &op);
    draft.op_count = 1;
    if ((m->action == ENT_ACTION_ADMIT || m->action == ENT_ACTION_APPOINT) &&
        ent_card_decode(m->card, &card) == ENT_OK) {
        plan.extra = &card;
        plan.extra_count = 1;
        draft.op_count += epoch_share_all(engine, space, &card, 32, &draft.ops);
    } else if (m->action == ENT_ACTION_REMOVE ||
               m->action == ENT_ACTION_RELIEVE) {
        plan.except = &m->subject;
    }
    if (plan.extra_count > 0 || plan.except != NULL) {
        epoch_make(engine, space, &key, &plan, &draft.ops);
        draft.op_count++;
    }
    st = author_entry(engine, space, &draft, 0, &id);
    ENT_ASSERT(st == ENT_OK);
    engine_draft_release(&draft);
}

static void
react_motions(struct engine *engine, struct space_state *space)
{
    size_t i;

    /* A decision makes every other open motion stale: one at a time. */
    for (i = 0; i < ent_gov_motion_count(space->gov); i++) {
        struct ent_gov_motion m;

        ent_gov_motion(space->gov, i, &m);
        if (m.is_open && m.ballot_count >= m.needed &&
            is_our_turn(engine, &m) &&
            ent_gov_may_write(space->gov, ent_gov_now(space->gov),
                              &engine->keys.node)) {
            write_decision(engine, space, &m);
            return;
        }
    }
}

/* ---- keys ---- */

#define SHARES_MAX 32u

/* An epoch that we made while others let somebody in names everybody but the
 * newcomer: whoever made it hands it on. */
static void
react_keys(struct engine *engine, struct space_state *space)
{
    struct engine_draft draft;
    struct ent_id id;

    if (!ent_gov_may_write(space->gov, ent_gov_now(space->gov),
                           &engine->keys.node)) {
        return;
    }
    engine_draft_init(&draft, space->row, ENT_CLASS_CONTROL);
    draft.op_count = epoch_share_owed(engine, space, SHARES_MAX, &draft.ops);
    if (draft.op_count > 0) {
        enum ent_status st = author_entry(engine, space, &draft, 0, &id);

        ENT_ASSERT(st == ENT_OK);
    }
    engine_draft_release(&draft);
}

/* ---- releases ---- */

/* Everybody whose answers are expected has sealed them, or the moderator has
 * opened the reveal. */
static bool
is_reveal_due(struct db *db, uint64_t space)
{
    return records_count(db, space, KIND_REVEAL) > 0 ||
           (records_expected(db, space) > 0 &&
            records_count_owners(db, space, KIND_PERSPECTIVE) >=
                records_expected(db, space));
}

static void
write_release(struct engine *engine, struct space_state *space,
              uint64_t perspective, const struct ent_key *key)
{
    struct records_writer w;
    struct ent_record_id rid;
    struct ent_id id;
    enum ent_status st;

    records_rid(engine->db, perspective, &rid);
    records_writer_init(&w, space->row);
    records_write_begin(&w, engine->db, KIND_RELEASE, &rid, engine->own_node);
    records_write_bin(&w, FIELD_RELEASE_PERSPECTIVE, ENT_SLICE_OF(rid));
    records_write_bin(&w, FIELD_RELEASE_KEY, ENT_SLICE_OF(*key));
    st = records_write_end(&w, engine, &id);
    ENT_ASSERT(st == ENT_OK);
}

static void
react_reveal(struct engine *engine, struct space_state *space)
{
    uint64_t perspective = records_find_owned(
        engine->db, space->row, KIND_PERSPECTIVE, engine->own_node);
    struct ent_key key;

    if (perspective == 0 ||
        records_find_owned(engine->db, space->row, KIND_RELEASE,
                           engine->own_node) != 0 ||
        !is_reveal_due(engine->db, space->row) ||
        !records_own_answer_key(engine->db, space->row, &key)) {
        return;
    }
    write_release(engine, space, perspective, &key);
    ent_wipe(&key, sizeof(key));
}

void
engine_react(struct engine *engine)
{
    size_t i;

    ENT_ASSERT(engine->is_in_txn);
    engine->owes_reaction = false;
    for (i = 0; i < engine->space_count; i++) {
        struct space_state *space = engine->spaces[i];

        if (!space->is_dirty) {
            continue;
        }
        space->is_dirty = false;
        space->last_used = ++engine->used_clock; /* stays in the cache */
        if (space->kind == ENT_SPACE_CIRCLE) {
            react_motions(engine, space);
            react_keys(engine, space);
        } else if (space->kind == ENT_SPACE_REVIEW) {
            react_reveal(engine, space);
        }
    }
    engine->is_starting = false;
}

/* ---- motions and ballots by people ---- */

enum ent_status
engine_motion(struct engine *engine, uint64_t circle,
              const struct ent_op_motion *motion, struct ent_id *ret_id)
{
    struct space_state *space = space_get(engine, circle);
    struct ent_op op = {.type = ENT_OP_MOTION, .is_critical = true};
    struct engine_draft draft;
    enum ent_status st;

    op.u.motion = *motion;
    ent_gov_config(space->gov, ent_gov_now(space->gov), &op.u.motion.base);
    engine_draft_init(&draft, circle, ENT_CLASS_CONTROL);
    ent_op_put(&draft.ops, &op);
    draft.op_count = 1;
    st = engine_author(engine, &draft, ret_id);
    engine_draft_release(&draft);
    return st;
}

static bool
find_motion(struct ent_gov *gov, const struct ent_id *id,
            struct ent_gov_motion *ret_motion)
{
    size_t i;

    for (i = 0; i < ent_gov_motion_count(gov); i++) {
        ent_gov_motion(gov, i, ret_motion);
        if (ent_id_eq(&ret_motion->id, id)) {
            return true;
        }
    }
    return false;
}

static bool
has_voted(const struct ent_gov_motion *m, const struct ent_id *node)
{
    size_t i;

    for (i = 0; i < m->ballot_count; i++) {
        if (ent_id_eq(&m->voters[i], node)) {
            return true;
        }
    }
    return false;
}

enum ent_status
engine_vote(struct engine *engine, uint64_t circle, const struct ent_id *motion)
{
    struct space_state *space = space_get(engine, circle);
    struct ent_op op = {.type = ENT_OP_BALLOT, .is_critical = true};
    struct ent_gov_motion m;
    struct engine_draft draft;
    struct ent_id id;
    enum ent_status st;

    if (!find_motion(space->gov, motion, &m)) {
        return ENT_RULE_NOT_FOUND;
    }
    if (has_voted(&m, &engine->keys.node)) {
        return ENT_OK;
    }
    if (!m.is_open || ent_id_eq(&m.subject, &engine->keys.node) ||
        ent_gov_role(space->gov, ent_gov_now(space->gov), &engine->keys.node) !=
            ENT_ROLE_MEMBER) {
        return ENT_RULE;
    }
    op.u.ballot.motion = *motion;
    engine_draft_init(&draft, circle, ENT_CLASS_CONTROL);
    ent_op_put(&draft.ops, &op);
    draft.op_count = 1;
    st = engine_author(engine, &draft, &id);
    engine_draft_release(&draft);
    return st;
}
