/* The workload: see sim_work.h. */
#include "sim/sim_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/sim_check.h"
#include "sim/sim_node.h"
#include "store/internal.h"
#include "store/overview.h"
#include "store/records.h"

/* One thing that one node does, as its transaction sees it. */
struct act {
    struct sim_world *world;
    struct sim_node *n;
    unsigned other;          /* another node */
    struct sim_space *space; /* of one that is there */
    struct sim_space opened; /* of one that this opens */
    bool has_opened;
    enum ent_status st;
    struct ent_key secret;
    struct overview_invitation inv;
    struct ent_buf card;
};

static uint64_t
circle_of(const struct sim_world *world, const struct sim_node *n)
{
    return world->has_circle
               ? row_space_find(engine_db(n->engine), &world->circle)
               : 0;
}

static bool
is_member(const struct sim_world *world, const struct sim_node *n)
{
    uint64_t circle = n->engine != NULL ? circle_of(world, n) : 0;

    return circle != 0 &&
           overview_own_role(engine_db(n->engine), circle) >= ENT_ROLE_MEMBER;
}

static void
count_result(struct sim_world *world, enum ent_status st)
{
    world->count.writes += st == ENT_OK;
    world->count.refused += st != ENT_OK;
}

/* ---- founding and joining ---- */

static void
write_found(struct engine *engine, void *arg)
{
    struct act *act = arg;
    struct engine_space_spec spec = {
        .kind = ENT_SPACE_CIRCLE,
        .name = "circle",
        .charter = ent_slice_str("We meet."),
    };
    uint64_t row;

    act->st = engine_open_space(engine, &spec, &row, &act->world->circle);
    ENT_ASSERT(act->st == ENT_OK);
}

void
sim_work_found(struct sim_world *world)
{
    struct act act = {.world = world, .n = &world->nodes[0]};

    world->has_circle = sim_node_write(world, 0, write_found, &act);
    ENT_ASSERT(world->has_circle);
}

static void
write_caller(struct engine *engine, void *arg)
{
    struct act *act = arg;

    act->st =
        directory_join_caller(engine, &act->world->circle,
                              ent_buf_slice(&act->card), &act->secret, true);
}

static void
write_callee(struct engine *engine, void *arg)
{
    struct act *act = arg;

    overview_put_invitation(engine_db(engine), circle_of(act->world, act->n),
                            &act->inv, act->secret.b);
    act->st = directory_join_callee(
        engine, act->inv.id, ent_buf_slice(&act->card), &act->secret, true);
}

void
sim_work_invite(struct sim_world *world, unsigned inviter, unsigned newcomer)
{
    struct sim_node *n = &world->nodes[inviter];
    struct sim_node *new = &world->nodes[newcomer];
    struct act act = {.world = world, .n = n};
    uint64_t now_ms = sim_world_wall_ms(world, inviter);

    act.inv = (struct overview_invitation){
        .role = newcomer == 1 && world->node_count > 3 ? ENT_ROLE_MODERATOR
                                                       : ENT_ROLE_MEMBER,
        .created_at = now_ms,
        .expires_at = now_ms + ENT_INVITATION_MS,
    };
    sim_world_key(world, &act.secret);
    ent_put_u64(act.inv.id, sim_random(&world->random));
    ent_buf_init(&act.card, 4096);
    directory_own_card(n->engine, &act.card);
    sim_trace("n%u invites n%u", inviter, newcomer);
    if (sim_node_write(world, newcomer, write_caller, &act)) {
        ent_buf_clear(&act.card);
        directory_own_card(new->engine, &act.card);
        (void)sim_node_write(world, inviter, write_callee, &act);
        count_result(world, act.st);
    }
    ent_buf_release(&act.card);
}

/* ---- votes ---- */

static void
write_votes(struct engine *engine, void *arg)
{
    struct act *act = arg;
    uint64_t circle = circle_of(act->world, act->n);
    struct ent_gov *gov = engine_gov(engine, circle);
    size_t count = ent_gov_motion_count(gov);
    size_t i;

    for (i = 0; i < count; i++) {
        struct ent_gov_motion m;

        ent_gov_motion(gov, i, &m);
        if (m.is_open) {
            struct ent_id id = m.id;

            count_result(act->world, engine_vote(engine, circle, &id));
        }
    }
}

static void
vote(struct sim_world *world, struct sim_node *n)
{
    struct act act = {.world = world, .n = n};

    (void)sim_node_write(world, n->index, write_votes, &act);
}

void
sim_work_vote_all(struct sim_world *world)
{
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        if (is_member(world, &world->nodes[i])) {
            vote(world, &world->nodes[i]);
        }
    }
}

/* ---- spaces ---- */

static size_t
choose_readers(struct act *act, uint64_t circle, struct engine_grant *grants)
{
    struct sim_world *world = act->world;
    bool is_review = act->opened.kind == ENT_SPACE_REVIEW;
    size_t count;
    struct overview_node *nodes =
        overview_members(engine_db(act->n->engine), circle, &count);
    size_t chosen = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        bool is_moderator = nodes[i].role == ENT_ROLE_MODERATOR;
        unsigned who = sim_world_who(world, &nodes[i].key);
        bool is_wanted = is_review
                             ? is_moderator || !sim_world_chance(world, 4)
                             : !is_moderator && sim_world_chance(world, 2);

        if (nodes[i].is_us || nodes[i].role < ENT_ROLE_MEMBER || !is_wanted) {
            continue;
        }
        act->opened.readers |= 1u << who;
        grants[chosen++] = (struct engine_grant){
            .node = nodes[i].key,
            .level = ENT_LEVEL_READER,
            .basis = is_moderator ? ENT_BASIS_MODERATOR
                     : is_review  ? ENT_BASIS_REVIEW
                                  : ENT_BASIS_SAME_TEAM,
        };
    }
    free(nodes);
    return chosen;
}

static void
write_situation(struct act *act, struct engine *engine, uint64_t space)
{
    struct db *db = engine_db(engine);
    struct ent_record_id rid;
    struct records_writer w;
    struct ent_id id;

    records_new_rid(engine, &rid);
    act->opened.rid = rid;
    records_writer_init(&w, overview_own_space(db));
    records_write_begin(&w, db, KIND_OWN_SITUATION, &rid, 0);
    records_write_str(&w, FIELD_OWN_SITUATION_TITLE, "a draft");
    records_write_str(&w, FIELD_OWN_SITUATION_NAME, "somebody");
    ENT_ASSERT(records_write_end(&w, engine, &id) == ENT_OK);
    records_writer_init(&w, space);
    if (act->opened.kind == ENT_SPACE_REVIEW) {
        records_write_begin(&w, db, KIND_SITUATION, &rid,
                            overview_own_node(db));
        records_write_str(&w, FIELD_SITUATION_TITLE, "offered");
    } else {
        records_write_begin(&w, db, KIND_CARE_CASE, &rid, 0);
        records_write_str(&w, FIELD_CARE_CASE_TITLE, "a case");
    }
    act->st = records_write_end(&w, engine, &id);
}

static void
write_open(struct engine *engine, void *arg)
{
    struct act *act = arg;
    struct engine_grant grants[SIM_NODES_MAX];
    uint64_t circle = circle_of(act->world, act->n);
    struct engine_space_spec spec = {
        .kind = act->opened.kind,
        .circle = circle,
        .grants = grants,
    };
    uint64_t row;

    spec.grant_count = choose_readers(act, circle, grants);
    if (spec.grant_count == 0) {
        act->st = ENT_RULE;
        return;
    }
    act->st = engine_open_space(engine, &spec, &row, &act->opened.sid);
    act->has_opened = act->st == ENT_OK;
    if (act->has_opened) {
        write_situation(act, engine, row);
    }
}

static void
open_space(struct sim_world *world, struct sim_node *n, uint8_t kind)
{
    struct act act = {.world = world, .n = n};
    size_t at = world->space_count;
    char hex[17];

    if (at == SIM_SPACES_MAX) {
        return;
    }
    act.opened = (struct sim_space){
        .kind = kind, .opener = n->index, .readers = 1u << n->index};
    /* Noted even when the power goes in it: it may have been committed. */
    (void)sim_node_write(world, n->index, write_open, &act);
    if (act.has_opened) {
        world->spaces[world->space_count++] = act.opened;
        sim_trace("n%u opens space %s, kind %u, readers %x", n->index,
                  ent_hex(hex, act.opened.sid.b, 8), act.opened.kind,
                  (unsigned)act.opened.readers);
    }
    count_result(world, act.st);
}

/* ---- records ---- */

static struct sim_space *
any_space(struct sim_world *world, const struct sim_node *n, uint8_t kind)
{
    size_t tries;

    for (tries = 0; world->space_count > 0 && tries < 4; tries++) {
        /* The later ones are what people work on. */
        uint64_t back = sim_world_below(
            world, world->space_count < 12 ? world->space_count : 12);
        struct sim_space *space =
            &world->spaces[world->space_count - 1 - (size_t)back];

        if (space->kind == kind && (space->readers >> n->index & 1) != 0 &&
            row_space_find(engine_db(n->engine), &space->sid) != 0) {
            return space;
        }
    }
    return NULL;
}

/* The same few records, written by whoever comes along. */
static void
write_text(struct engine *engine, void *arg)
{
    struct act *act = arg;
    struct db *db = engine_db(engine);
    const struct ent_id *sid =
        act->space != NULL ? &act->space->sid : &act->world->circle;
    uint16_t kind = act->space == NULL                     ? KIND_MEETING
                    : act->space->kind == ENT_SPACE_REVIEW ? KIND_CONCLUSION
                                                           : KIND_CARE_NOTE;
    struct ent_record_id rid = {{0}};
    uint64_t owner = kind == KIND_CARE_NOTE ? overview_own_node(db) : 0;
    struct records_writer w;
    struct ent_id id;
    char text[32];

    rid.b[0] = (uint8_t)sim_world_below(act->world, 4);
    snprintf(text, sizeof(text), "%u",
             (unsigned)sim_world_below(act->world, 1000000));
    records_writer_init(&w, row_space_find(db, sid));
    records_write_begin(&w, db, kind, &rid, owner);
    records_write_str(&w,
                      kind == KIND_MEETING      ? FIELD_MEETING_VENUE
                      : kind == KIND_CONCLUSION ? FIELD_CONCLUSION_TEXT
                                                : FIELD_CARE_NOTE_TEXT,
                      text);
    act->st = records_write_end(&w, engine, &id);
}

void
sim_work_edit(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    struct act act = {.world = world, .n = n};
    uint64_t where = sim_world_below(world, 3);

    if (where > 0) {
        act.space =
            any_space(world, n, where == 1 ? ENT_SPACE_CARE : ENT_SPACE_REVIEW);
    }
    (void)sim_node_write(world, n->index, write_text, &act);
    count_result(world, act.st);
}

/* ---- answers ---- */

static void
write_perspective(struct act *act, struct engine *engine, uint64_t space,
                  const struct ent_key *key)
{
    struct db *db = engine_db(engine);
    struct ent_sealed_answer sealed;
    struct ent_buf context = {0};
    struct ent_buf box = {0};
    struct ent_record_id rid;
    struct records_writer w;
    struct ent_id id;

    records_new_rid(engine, &rid);
    ent_buf_put(&context, act->space->rid.b, sizeof(act->space->rid.b));
    ent_buf_put(&context, act->n->id.b, sizeof(act->n->id.b));
    ent_answer_seal(key, engine_rng(engine), ent_buf_slice(&context),
                    ent_slice_str("an answer"), &box, &sealed);
    records_writer_init(&w, space);
    records_write_begin(&w, db, KIND_PERSPECTIVE, &rid, overview_own_node(db));
    records_write_bin(&w, FIELD_PERSPECTIVE_SITUATION,
                      ENT_SLICE_OF(act->space->rid));
    records_write_bin(&w, FIELD_PERSPECTIVE_COMMITMENT,
                      ENT_SLICE_OF(sealed.commitment));
    records_write_bin(&w, FIELD_PERSPECTIVE_KEY_COMMITMENT,
                      ENT_SLICE_OF(sealed.key_commitment));
    records_write_bin(&w, FIELD_PERSPECTIVE_BOX, sealed.box);
    act->st = records_write_end(&w, engine, &id);
    ent_buf_release(&context);
    ent_buf_release(&box);
}

static void
write_answer(struct engine *engine, void *arg)
{
    struct act *act = arg;
    struct db *db = engine_db(engine);
    uint64_t space = row_space_find(db, &act->space->sid);
    struct ent_record_id rid;
    struct records_writer w;
    struct ent_key key;
    struct ent_id id;

    if (records_find_owned(db, space, KIND_PERSPECTIVE,
                           overview_own_node(db)) != 0) {
        act->st = ENT_RULE;
        return;
    }
    records_new_rid(engine, &rid);
    ent_rng_fill(engine_rng(engine), key.b, sizeof(key.b));
    records_writer_init(&w, overview_own_space(db));
    records_write_begin(&w, db, KIND_OWN_ANSWER, &rid, 0);
    records_write_bin(&w, FIELD_ANSWER_SITUATION,
                      ENT_SLICE_OF(act->space->rid));
    records_write_bin(&w, FIELD_ANSWER_KEY, ENT_SLICE_OF(key));
    act->st = records_write_end(&w, engine, &id);
    if (act->st == ENT_OK) {
        write_perspective(act, engine, space, &key);
    }
}

static void
write_reveal(struct engine *engine, void *arg)
{
    struct act *act = arg;
    struct db *db = engine_db(engine);
    uint64_t space = row_space_find(db, &act->space->sid);
    struct ent_record_id rid;
    struct records_writer w;
    struct ent_id id;

    if (overview_own_role(db, space) != ENT_ROLE_MODERATOR ||
        records_count(db, space, KIND_REVEAL) > 0) {
        act->st = ENT_RULE;
        return;
    }
    records_new_rid(engine, &rid);
    records_writer_init(&w, space);
    records_write_begin(&w, db, KIND_REVEAL, &rid, overview_own_node(db));
    records_write_bin(&w, FIELD_REVEAL_SITUATION,
                      ENT_SLICE_OF(act->space->rid));
    act->st = records_write_end(&w, engine, &id);
}

static void
answer(struct sim_world *world, struct sim_node *n)
{
    struct act act = {.world = world, .n = n};

    act.space = any_space(world, n, ENT_SPACE_REVIEW);
    if (act.space != NULL) {
        (void)sim_node_write(
            world, n->index,
            sim_world_chance(world, 3) ? write_reveal : write_answer, &act);
        count_result(world, act.st);
    }
}

/* ---- one step ---- */

static void
join_somebody(struct sim_world *world, unsigned inviter)
{
    unsigned newcomer;

    for (newcomer = 0; newcomer < world->node_count; newcomer++) {
        struct sim_node *n = &world->nodes[newcomer];

        if (newcomer != inviter && n->engine != NULL && !is_member(world, n) &&
            (circle_of(world, n) == 0 || sim_world_chance(world, 8))) {
            sim_work_invite(world, inviter, newcomer);
            return;
        }
    }
}

void
sim_work_help_in(struct sim_world *world)
{
    uint32_t bits = sim_check_members(world);
    unsigned inside = SIM_NODES_MAX;
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        if (inside == SIM_NODES_MAX && is_member(world, &world->nodes[i])) {
            inside = i;
        }
    }
    for (i = 0; i < world->node_count && inside != SIM_NODES_MAX; i++) {
        if ((bits >> i & 1) != 0 && !is_member(world, &world->nodes[i])) {
            sim_work_invite(world, inside, i);
        }
    }
}

/* Somebody who can write, or NULL. */
static struct sim_node *
somebody(struct sim_world *world)
{
    unsigned tries;

    for (tries = 0; tries < 4; tries++) {
        struct sim_node *n =
            &world->nodes[sim_world_below(world, world->node_count)];

        if (n->engine != NULL && n->unheard == 0 && is_member(world, n)) {
            return n;
        }
    }
    return NULL;
}

void
sim_work_step(struct sim_world *world)
{
    struct sim_node *n = somebody(world);
    uint64_t what = sim_world_below(world, 100);
    unsigned node;

    if (n == NULL) {
        return;
    }
    node = n->index;
    if (what < 6) {
        join_somebody(world, node);
    } else if (what < 20) {
        vote(world, n);
    } else if (what < 23) {
        open_space(world, n, ENT_SPACE_REVIEW);
    } else if (what < 25) {
        open_space(world, n, ENT_SPACE_CARE);
    } else if (what < 40) {
        answer(world, n);
    } else if (what < 85) {
        sim_work_edit(world, node);
    }
}
