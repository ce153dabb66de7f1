/* A node's life, writer and calls: see sim_node.h. */
#include "sim/sim_node.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/sim_check.h"
#include "sim/sim_dial.h"
#include "sim/sim_net.h"
#include "sim/sim_talk.h"
#include "store/internal.h"

#define REACTIONS_MAX 8u
#define WRITER_MS 4u

/* Where the writer goes when the power goes in the middle of a commit. */
static jmp_buf power_is_gone;

/* What was in use then is never freed: no leak of the product's. Read by the
 * address sanitizer, where there is one. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}

static void
on_store_stop(enum ent_status st)
{
    (void)st;
    longjmp(power_is_gone, 1);
}

uint64_t
sim_node_number(const struct sim_node *n, const char *sql)
{
    struct stmt *s = db_prepare(engine_db(n->engine), sql);

    return store_number(s);
}

uint64_t
sim_node_top(const struct sim_node *n)
{
    return n->engine->top;
}

void
sim_node_run_free(struct sim_run *run)
{
    ent_run_free(run->run);
    ent_buf_release(&run->bytes);
    free(run);
}

/* ---- the end of a life ---- */

static void
forget_memory(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    size_t i;

    sim_net_forget_node(world, node);
    sim_talk_forget_node(world, node);
    for (i = 0; i < n->queue_count; i++) {
        sim_node_run_free(n->queue[i]);
    }
    n->queue_count = 0;
    n->writer_is_due = false;
    directory_free(n->directory);
    n->directory = NULL;
    memset(n->peers, 0, sizeof(n->peers));
    n->engine = NULL;
    n->life++;
}

void
sim_node_crash(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    size_t unsynced;

    if (n->engine == NULL) {
        return;
    }
    sim_disk_kill(n->disk);
    n->engine->is_in_txn = false;
    db_rollback(n->engine->db);
    engine_close(n->engine);
    forget_memory(world, node);
    unsynced = sim_disk_revive(n->disk);
    n->owes_check = true;
    world->count.crashes++;
    world->count.unsynced += unsynced;
    sim_trace("n%u loses power, %zu writes unsynced", node, unsynced);
}

void
sim_node_stop(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];

    if (n->engine != NULL) {
        engine_close(n->engine);
        forget_memory(world, node);
        sim_trace("n%u stops", node);
        if (sim_disk_is_dead(n->disk)) { /* while it was closing */
            (void)sim_disk_revive(n->disk);
        }
    }
}

void
sim_node_release(struct sim_node *n)
{
    size_t i;

    ENT_ASSERT(n->engine == NULL);
    for (i = 0; i < SIM_BACKUPS; i++) {
        sim_backup_free(n->backups[i]);
    }
    sim_disk_free(n->disk);
    free(n->queue);
}

/* ---- writing ---- */

static void
on_outcome(struct sim_world *world, unsigned node,
           const struct engine_outcome *outcome)
{
    struct sim_node *n = &world->nodes[node];
    struct ent_session_event event = {.type = ENT_EV_MOVED};
    unsigned i;

    if (outcome->is_store_new) {
        n->unheard = 0;
    }
    for (i = 0; outcome->is_store_new && i < world->node_count; i++) {
        sim_talk_stop(world, n->peers[i].live, ENT_BYE_AGAIN);
        n->peers[i].is_loaded = false;
        n->peers[i].is_dirty = false;
    }
    if (outcome->has_moved) {
        event.u.moved.top = outcome->top;
        sim_talk_all(world, node, &event);
    }
    if (outcome->members_changed) {
        event = (struct ent_session_event){.type = ENT_EV_RETRY};
        sim_talk_all(world, node, &event);
    }
}

static void
add_outcome(struct engine_outcome *sum, const struct engine_outcome *more)
{
    sum->top = more->top;
    sum->has_moved |= more->has_moved;
    sum->members_changed |= more->members_changed;
    sum->is_store_new |= more->is_store_new;
    sum->owes_reaction = more->owes_reaction;
}

static void
commit_and_react(struct sim_world *world, unsigned node,
                 struct engine_outcome *outcome)
{
    struct sim_node *n = &world->nodes[node];
    struct engine_outcome more;
    unsigned i;

    *outcome = (struct engine_outcome){0};
    engine_commit(n->engine, &more);
    sim_check_committed(world, node);
    add_outcome(outcome, &more);
    for (i = 0; i < REACTIONS_MAX && outcome->owes_reaction && n->unheard == 0;
         i++) {
        engine_begin(n->engine, sim_world_wall_ms(world, node));
        engine_react(n->engine);
        engine_commit(n->engine, &more);
        sim_check_committed(world, node);
        add_outcome(outcome, &more);
    }
    world->count.commits++;
    sim_trace("n%u commits, top %llu%s%s", node,
              (unsigned long long)outcome->top,
              outcome->members_changed ? ", members" : "",
              outcome->is_store_new ? ", new store id" : "");
    if (outcome->members_changed) {
        sim_dial_directory(world, node);
    }
}

/* False when the power went in it. */
static bool
transact(struct sim_world *world, unsigned node,
         void (*write)(struct engine *engine, void *arg), void *arg,
         struct engine_outcome *outcome)
{
    struct engine *engine = world->nodes[node].engine;

    if (setjmp(power_is_gone) != 0) {
        world->count.crashes_in_commit++;
        sim_node_crash(world, node);
        return false;
    }
    engine_begin(engine, sim_world_wall_ms(world, node));
    write(engine, arg);
    commit_and_react(world, node, outcome);
    return true;
}

bool
sim_node_write(struct sim_world *world, unsigned node,
               void (*write)(struct engine *engine, void *arg), void *arg)
{
    struct engine_outcome outcome;

    if (world->nodes[node].engine == NULL ||
        !transact(world, node, write, arg, &outcome)) {
        return false;
    }
    on_outcome(world, node, &outcome);
    return true;
}

struct batch {
    struct sim_world *world;
    struct sim_node *n;
};

static void
write_batch(struct engine *engine, void *arg)
{
    struct batch *b = arg;
    size_t i;

    for (i = 0; i < b->n->queue_count; i++) {
        struct sim_run *run = b->n->queue[i];

        if (run->write != NULL) {
            run->write(engine);
            continue;
        }
        run->event.u.stored.st =
            engine_ingest(engine, run->run, &b->world->nodes[run->peer].id,
                          &run->event.u.stored.head_seq);
    }
}

static void
tell_stored(struct sim_world *world, unsigned node, const struct sim_run *run)
{
    char space[9];

    if (run->event.u.stored.st != ENT_OK) {
        sim_trace("n%u does not take n%u's run of n%u in %s: %s", node,
                  run->peer, sim_world_who(world, &run->run->log.node),
                  ent_hex(space, run->run->log.space.b, 4),
                  ent_status_name(run->event.u.stored.st));
    }
}

struct turn {
    unsigned node;
    uint64_t life;
};

/* What the batch did is told after the commit, in order, then its outcome;
 * new runs that come meanwhile are for the next turn. */
static void
on_writer_turn(struct sim_world *world, void *arg)
{
    struct turn turn = *(struct turn *)arg;
    struct sim_node *n = &world->nodes[turn.node];
    struct engine_outcome outcome;
    struct sim_run **done;
    size_t count;
    size_t i;

    free(arg);
    if (n->engine == NULL || n->life != turn.life) {
        return;
    }
    n->writer_is_due = false;
    if (!transact(world, turn.node, write_batch, &(struct batch){world, n},
                  &outcome)) {
        return;
    }
    done = n->queue;
    count = n->queue_count;
    n->queue = NULL;
    n->queue_count = 0;
    n->queue_cap = 0;
    for (i = 0; i < count; i++) {
        if (done[i]->write == NULL) {
            tell_stored(world, turn.node, done[i]);
            sim_talk_step(world, done[i]->talk, &done[i]->event);
        }
        sim_node_run_free(done[i]);
    }
    free(done);
    on_outcome(world, turn.node, &outcome);
}

void
sim_node_post(struct sim_world *world, unsigned node, struct sim_run *run)
{
    struct sim_node *n = &world->nodes[node];
    struct turn *turn;

    if (n->queue_count == n->queue_cap) {
        n->queue_cap = n->queue_cap > 0 ? 2 * n->queue_cap : 16;
        n->queue = ent_realloc(n->queue, n->queue_cap * sizeof(*n->queue));
    }
    n->queue[n->queue_count++] = run;
    if (n->writer_is_due) {
        return;
    }
    n->writer_is_due = true;
    turn = ent_alloc_zero(1, sizeof(*turn));
    turn->node = node;
    turn->life = n->life;
    sim_world_later(world, sim_world_below(world, WRITER_MS), on_writer_turn,
                    turn);
}

/* ---- the beginning of a life ---- */

static void
open_store(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = n->key_path};
    struct engine_report report;
    struct ent_key seed;
    enum ent_status st;

    sim_world_key(world, &seed);
    st = engine_open(n->folder, &way, &seed, sim_world_wall_ms(world, node),
                     &n->engine, &report);
    if (st != ENT_OK) {
        sim_finding("n%u does not open: %s", node, ent_status_name(st));
    }
    n->id = engine_keys(n->engine)->node;
    if (report.is_restored) {
        n->unheard = 0;
    }
    sim_trace("n%u starts%s%s", node, report.is_restored ? ": " : "",
              report.note);
}

static void
write_nothing(struct engine *engine, void *arg)
{
    (void)engine;
    (void)arg;
}

void
sim_node_start(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];

    ENT_ASSERT(n->engine == NULL);
    open_store(world, node);
    sim_check_survived(world, node);
    sim_dial_directory(world, node);
    sim_dial_begin(world, node);
    /* What it owed when it stopped, as the daemon does it. */
    (void)sim_node_write(world, node, write_nothing, NULL);
}

void
sim_node_make(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = n->key_path};
    char name[16];
    struct engine_profile profile = {
        .structure = name,
        .sector = ENT_SECTOR_COMMUNITY,
        .languages = "fr,en",
        .listen = "127.0.0.1:0",
        .advertise = "127.0.0.1:7447",
    };
    struct ent_key seed;
    enum ent_status st;

    store_on_stop(on_store_stop);
    n->index = node;
    snprintf(name, sizeof(name), "n%u", node);
    snprintf(n->folder, sizeof(n->folder), "%s/n%u", world->folder, node);
    snprintf(n->key_path, sizeof(n->key_path), "%s/n%u.key", world->folder,
             node);
    n->disk = sim_disk_new(n->folder, sim_random(&world->random));
    st = keyfile_make_raw(n->key_path);
    ENT_ASSERT(st == ENT_OK);
    sim_world_key(world, &seed);
    st = engine_init(n->folder, &way, &profile, &seed,
                     sim_world_wall_ms(world, node));
    ENT_ASSERT(st == ENT_OK);
    sim_node_start(world, node);
}
