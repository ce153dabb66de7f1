/* The beat: see sim_dial.h. */
#include "sim/sim_dial.h"

#include <stdlib.h>

#include "sim/sim_net.h"
#include "sim/sim_node.h"
#include "sim/sim_talk.h"

#define BEAT_MS 250u
#define TICK_MS 1000u
#define KEEP_MS 500u
#define HANDSHAKE_MS 5000u
#define BACKOFF_MAX_MS 300000u

/* ---- directory ---- */

static void
fingerprint(const struct directory_peer *row, struct ent_id *ret_id)
{
    struct ent_hasher h;

    ent_hasher_init(&h, "sim/directory-row");
    ent_hasher_add(&h, ENT_SLICE_OF(row->transport));
    ent_hasher_add(&h, ent_slice(row->secrets,
                                 row->secret_count * sizeof(row->secrets[0])));
    ent_hasher_end(&h, ret_id);
}

static void
reset(struct sim_peer *peer)
{
    peer->backoff_ms = 0;
    peer->secret_index = 0;
    peer->retry_at = 0;
}

void
sim_dial_directory(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    unsigned i;

    directory_free(n->directory);
    n->directory = directory_read(engine_db(n->engine));
    for (i = 0; i < world->node_count; i++) {
        const struct directory_peer *row =
            directory_find(n->directory, &world->nodes[i].id);
        struct sim_peer *peer = &n->peers[i];
        struct ent_id print;

        peer->is_listed = row != NULL && i != node;
        if (!peer->is_listed) {
            continue;
        }
        fingerprint(row, &print);
        if (!ent_id_eq(&print, &peer->fingerprint)) {
            peer->fingerprint = print;
            reset(peer);
        }
    }
}

void
sim_dial_now(struct sim_world *world, unsigned node)
{
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        reset(&world->nodes[node].peers[i]);
    }
}

/* ---- how a call or a session ended, and when to call again ---- */

static uint64_t
with_jitter(struct sim_world *world, uint64_t wait_ms)
{
    return wait_ms / 2 + sim_world_below(world, wait_ms / 2 + 1);
}

static void
back_off(struct sim_world *world, struct sim_peer *peer)
{
    peer->backoff_ms =
        peer->backoff_ms == 0 ? ENT_BACKOFF_MIN_MS : peer->backoff_ms * 2;
    if (peer->backoff_ms > BACKOFF_MAX_MS) {
        peer->backoff_ms = BACKOFF_MAX_MS;
    }
    peer->retry_at = world->now_ms + with_jitter(world, peer->backoff_ms);
}

static void
after_session(struct sim_world *world, struct sim_peer *peer,
              const struct sim_end *end)
{
    peer->backoff_ms = 0;
    peer->secret_index = 0;
    if (end->bye == ENT_BYE_VERSION || end->bye == ENT_BYE_REFUSED) {
        peer->retry_at = world->now_ms + BACKOFF_MAX_MS;
    } else if (end->st != ENT_OK) {
        back_off(world, peer);
    } else if (end->bye == ENT_BYE_AGAIN && end->is_caller) {
        peer->retry_at = world->now_ms;
    } else {
        peer->retry_at = world->now_ms + with_jitter(world, ENT_BACKOFF_MIN_MS);
    }
}

static void
after_call(struct sim_world *world, struct sim_peer *peer,
           const struct sim_end *end, const struct directory_peer *row)
{
    if (end->was_established) {
        peer->secret_index++;
        if (peer->secret_index < row->secret_count) {
            peer->retry_at = world->now_ms;
            return;
        }
    }
    peer->secret_index = 0; /* one address: the next is the same */
    back_off(world, peer);
}

static void
look_at_end(struct sim_world *world, struct sim_peer *peer,
            const struct directory_peer *row)
{
    struct sim_end end = peer->end;

    peer->end = (struct sim_end){0};
    if (peer->live != 0 || row == NULL) {
        return;
    }
    if (end.was_ready) {
        after_session(world, peer, &end);
    } else if (end.is_caller) {
        after_call(world, peer, &end, row);
    }
}

static void
dial(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        struct sim_peer *peer = &n->peers[i];
        const struct directory_peer *row =
            directory_find(n->directory, &world->nodes[i].id);

        if (i == node) {
            continue;
        }
        if (peer->end.is_set) {
            look_at_end(world, peer, row);
        }
        if (row == NULL || row->secret_count == 0 || peer->live != 0 ||
            peer->is_calling || world->now_ms < peer->retry_at) {
            continue;
        }
        if (peer->secret_index >= row->secret_count) {
            peer->secret_index = 0;
        }
        sim_net_call(world, node, i);
    }
}

/* ---- what is kept of peers, a little later ---- */

static void
write_peers(struct engine *engine, void *arg)
{
    struct sim_world *world = arg;
    unsigned node = sim_world_who(world, &engine_keys(engine)->node);
    struct sim_node *n = &world->nodes[node];
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        if (n->peers[i].is_dirty && n->peers[i].is_loaded) {
            sync_state_write(engine_db(engine), &world->nodes[i].id,
                             &n->peers[i].state);
            n->peers[i].is_dirty = false;
        }
    }
}

static void
keep(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    bool is_dirty = false;
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        is_dirty = is_dirty || n->peers[i].is_dirty;
    }
    if (is_dirty && world->now_ms - n->kept_ms >= KEEP_MS) {
        n->kept_ms = world->now_ms;
        (void)sim_node_write(world, node, write_peers, world);
    }
}

/* ---- the beat ---- */

struct beat {
    unsigned node;
    uint64_t life;
};

/* A handshake that leads to nothing is not waited for. */
static void
cut_stale(struct sim_world *world, unsigned node)
{
    struct sim_talk *talk;

    for (talk = world->talks; talk != NULL; talk = talk->next) {
        struct sim_conn *conn = sim_net_find(world, talk->conn);

        if (talk->node == node && !talk->is_ready && conn != NULL &&
            world->now_ms - talk->born_ms > HANDSHAKE_MS) {
            sim_net_cut(world, conn);
        }
    }
}

static void
on_beat(struct sim_world *world, void *arg)
{
    struct beat *beat = arg;
    struct sim_node *n = &world->nodes[beat->node];
    struct ent_session_event tick = {.type = ENT_EV_TICK};
    unsigned i;

    if (n->engine == NULL || n->life != beat->life) {
        free(beat);
        return;
    }
    dial(world, beat->node);
    cut_stale(world, beat->node);
    if (world->now_ms - n->tick_ms >= TICK_MS) {
        n->tick_ms = world->now_ms;
        sim_talk_all(world, beat->node, &tick);
    }
    for (i = 0; i < world->node_count; i++) {
        sim_talk_review(world, beat->node, i);
    }
    keep(world, beat->node);
    sim_world_later(world, BEAT_MS, on_beat, beat);
}

void
sim_dial_begin(struct sim_world *world, unsigned node)
{
    struct beat *beat = ent_alloc_zero(1, sizeof(*beat));

    beat->node = node;
    beat->life = world->nodes[node].life;
    world->nodes[node].tick_ms = world->now_ms;
    sim_world_later(world, sim_world_below(world, BEAT_MS), on_beat, beat);
}
