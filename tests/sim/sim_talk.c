/* The life of a session: see sim_talk.h; sim_effects.c is its other half. */
#include "sim/sim_talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/sim_effects.h"
#include "sim/sim_net.h"
#include "sim/sim_node.h"

#define CROSSING_MS 5000u
#define LIMITED_MS 60000u

struct sim_talk *
sim_talk_find(struct sim_world *world, uint64_t id)
{
    struct sim_talk *talk;

    for (talk = world->talks; talk != NULL && talk->id != id;
         talk = talk->next) {
    }
    return talk;
}

void
sim_talk_free(struct sim_talk *talk)
{
    if (talk != NULL) {
        ent_session_free(talk->session);
        ent_wipe(talk, sizeof(*talk));
        free(talk);
    }
}

static void
forget(struct sim_world *world, struct sim_talk *talk)
{
    struct sim_talk **link;

    for (link = &world->talks; *link != talk; link = &(*link)->next) {
        ENT_ASSERT(*link != NULL);
    }
    *link = talk->next;
    sim_talk_free(talk);
}

/* ---- beginning ---- */

static void
fill_config(struct sim_world *world, struct sim_talk *talk)
{
    struct sim_node *n = &world->nodes[talk->node];
    struct sim_peer *peer = &n->peers[talk->peer];
    struct ent_session_config *config = &talk->config;

    if (!peer->is_loaded) {
        sync_state_read(engine_db(n->engine), &talk->who.node, &peer->state);
        peer->is_loaded = true;
    }
    sync_store(engine_db(n->engine), config->store_id, &config->top,
               &config->is_recovering);
    config->node = n->id;
    config->peer = talk->who.node;
    snprintf(config->software, sizeof(config->software), "sim");
    config->protocol_min = ENT_PROTOCOL_MIN;
    config->protocol_max = ENT_PROTOCOL_MAX;
    config->knows_peer_store = peer->state.knows_peer_store;
    memcpy(config->peer_store_id, peer->state.peer_store_id,
           sizeof(config->peer_store_id));
    config->consumed = peer->state.consumed;
    memcpy(config->consumed_id, peer->state.consumed_id,
           sizeof(config->consumed_id));
}

struct sim_talk *
sim_talk_new(struct sim_world *world, unsigned node, unsigned peer,
             const struct directory_peer *row, size_t secret_index)
{
    struct sim_talk *talk = ent_alloc_zero(1, sizeof(*talk));
    const struct node_keys *keys = engine_keys(world->nodes[node].engine);
    struct ent_key shared;
    struct ent_id key;

    ENT_ASSERT(secret_index < row->secret_count);
    talk->id = ++world->next_id;
    talk->node = node;
    talk->peer = peer;
    talk->born_ms = world->now_ms;
    talk->secret = row->secrets[secret_index];
    talk->newest = row->secrets[0];
    talk->who.node = row->node;
    talk->who.is_limited = secret_index >= row->full_count;
    talk->config.is_limited = talk->who.is_limited;
    ENT_ASSERT(ent_dh(&keys->transport_secret, &row->transport, &shared));
    ent_hash("entente/proof/1", ENT_SLICE_OF(shared), &key);
    memcpy(talk->proof_key.b, key.b, sizeof(talk->proof_key.b));
    fill_config(world, talk);
    return talk;
}

void
sim_talk_start(struct sim_world *world, struct sim_talk *talk,
               struct sim_conn *conn, const uint8_t hash[32],
               struct ent_slice hello)
{
    struct ent_session_event start = {.type = ENT_EV_START};

    talk->next = world->talks;
    world->talks = talk;
    talk->conn = conn->id;
    conn->talk[talk->end] = talk->id;
    memcpy(talk->config.link_hash, hash, sizeof(talk->config.link_hash));
    talk->session = ent_session_new(&talk->config);
    world->count.sessions++;
    sim_trace("n%u session with n%u begins%s", talk->node, talk->peer,
              talk->who.is_limited ? " (old secret)" : "");
    start.u.start.hello = hello;
    start.u.start.wall_ms = sim_world_wall_ms(world, talk->node);
    start.u.start.free_mib = 1000;
    sim_talk_step(world, talk->id, &start);
}

/* ---- steps ---- */

static void
check_limits(struct sim_world *world, const struct sim_talk *talk)
{
    struct ent_session_view view;

    ent_session_view(talk->session, &view);
    if (view.deferred_count > ENT_DEFERRED_MAX ||
        view.wanted_count > ENT_ASKED_MAX + ENT_ITEMS_MAX) {
        sim_finding("n%u keeps %zu deferred and %zu wanted for n%u", talk->node,
                    view.deferred_count, view.wanted_count, talk->peer);
    }
    (void)world;
}

/* What was committed since its configuration was read: nobody told it, since
 * it was not live. */
static void
tell_moved(struct sim_world *world, struct sim_talk *talk)
{
    struct ent_session_event event = {.type = ENT_EV_MOVED};

    talk->owes_moved = false;
    event.u.moved.top = sim_node_top(&world->nodes[talk->node]);
    sim_talk_step(world, talk->id, &event);
}

void
sim_talk_step(struct sim_world *world, uint64_t id,
              struct ent_session_event *event)
{
    struct sim_talk *talk = sim_talk_find(world, id);
    struct ent_session_effect fx;

    if (talk == NULL || talk->is_over || talk->session == NULL) {
        return;
    }
    event->now_ms = world->now_ms;
    ent_session_step(talk->session, event);
    while (ent_session_next(talk->session, &fx)) {
        if (talk->is_over) {
            sim_finding("n%u: an effect after CLOSE", talk->node);
        }
        sim_effect(world, talk, &fx);
    }
    check_limits(world, talk);
    if (talk->owes_moved) {
        tell_moved(world, talk);
    }
    if (!talk->is_over && talk->bye_due != 0) {
        enum ent_bye bye = (enum ent_bye)talk->bye_due;

        talk->bye_due = 0;
        sim_talk_stop(world, id, bye);
    }
}

void
sim_talk_message(struct sim_world *world, uint64_t id, uint8_t type,
                 struct ent_slice body, const struct ent_id *truth)
{
    struct sim_talk *talk = sim_talk_find(world, id);
    struct ent_session_event event = {.type = ENT_EV_MESSAGE};

    ENT_ASSERT(talk != NULL);
    if (type == ENT_MSG_PROOF) {
        talk->peer_truth = *truth;
    }
    event.u.message.type = type;
    event.u.message.body = body;
    sim_talk_step(world, id, &event);
}

void
sim_talk_stop(struct sim_world *world, uint64_t id, enum ent_bye bye)
{
    struct ent_session_event stop = {.type = ENT_EV_STOP};

    stop.u.stop.bye = bye;
    sim_talk_step(world, id, &stop);
}

void
sim_talk_all(struct sim_world *world, unsigned node,
             const struct ent_session_event *event)
{
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        struct ent_session_event copy = *event;

        if (world->nodes[node].peers[i].live != 0) {
            sim_talk_step(world, world->nodes[node].peers[i].live, &copy);
        }
    }
}

/* ---- which of two sessions stays ---- */

static bool
takes_over(struct sim_world *world, const struct sim_talk *talk)
{
    const struct sim_node *n = &world->nodes[talk->node];
    const struct sim_talk *other =
        sim_talk_find(world, n->peers[talk->peer].live);
    bool is_ours_smaller = ent_id_cmp(&n->id, &talk->who.node) < 0;

    if (other == NULL || other == talk || other->is_over ||
        other->is_caller == talk->is_caller ||
        world->now_ms - other->ready_ms > CROSSING_MS) {
        return true;
    }
    return talk->is_caller == is_ours_smaller;
}

void
sim_talk_ready(struct sim_world *world, struct sim_talk *talk,
               const struct ent_session_effect *fx)
{
    struct sim_peer *peer = &world->nodes[talk->node].peers[talk->peer];
    uint64_t other = peer->live;

    talk->is_ready = true;
    talk->owes_moved = true;
    talk->ready_ms = world->now_ms;
    peer->state.skew_ms = fx->u.ready.skew_ms;
    peer->is_dirty = true;
    if (!takes_over(world, talk)) {
        talk->bye_due = ENT_BYE_OTHER;
        return;
    }
    peer->live = talk->id;
    if (other != 0 && other != talk->id) {
        sim_talk_stop(world, other, ENT_BYE_OTHER);
    }
}

void
sim_talk_close(struct sim_world *world, struct sim_talk *talk,
               const struct ent_session_effect *fx)
{
    struct sim_conn *conn = sim_net_find(world, talk->conn);
    struct sim_end *end = &world->nodes[talk->node].peers[talk->peer].end;

    talk->is_over = true;
    sim_trace("n%u session with n%u ends: %s, bye %u%s %s", talk->node,
              talk->peer, ent_status_name(fx->u.close.st), fx->u.close.bye,
              fx->u.close.is_theirs ? " of theirs" : "", fx->u.close.detail);
    if (fx->u.close.st != ENT_OK && fx->u.close.st != ENT_PEER_TIMEOUT) {
        sim_finding("n%u found n%u's words %s", talk->node, talk->peer,
                    ent_status_name(fx->u.close.st));
    }
    end->st = fx->u.close.st;
    end->bye = fx->u.close.bye;
    if (conn != NULL) {
        sim_net_finish(world, conn, talk->end);
    }
}

void
sim_talk_closed(struct sim_world *world, uint64_t id)
{
    struct sim_talk *talk = sim_talk_find(world, id);
    struct sim_peer *peer;

    ENT_ASSERT(talk != NULL);
    peer = &world->nodes[talk->node].peers[talk->peer];
    if (talk->is_caller) {
        peer->is_calling = false;
    }
    if (peer->live == id) {
        peer->live = 0;
    }
    if (peer->end.bye != ENT_BYE_OTHER || peer->live == 0) {
        peer->end.is_set = true;
        peer->end.is_caller = talk->is_caller;
        peer->end.was_connected = true;
        peer->end.was_established = true;
        peer->end.was_ready = talk->is_ready;
    }
    forget(world, talk);
}

void
sim_talk_forget_node(struct sim_world *world, unsigned node)
{
    struct sim_talk *talk;
    struct sim_talk *next;

    for (talk = world->talks; talk != NULL; talk = next) {
        next = talk->next;
        if (talk->node == node) {
            forget(world, talk);
        }
    }
}

/* ---- looking after them ---- */

/* Is it under a secret that, as we see it now, not exactly the members hold? */
static bool
is_old(const struct sim_talk *talk, const struct directory_peer *row)
{
    size_t i;

    for (i = 0; i < row->full_count; i++) {
        if (memcmp(row->secrets[i].b, talk->secret.b, sizeof(talk->secret.b)) ==
            0) {
            return talk->who.is_limited;
        }
    }
    return row->full_count > 0;
}

void
sim_talk_review(struct sim_world *world, unsigned node, unsigned peer)
{
    struct sim_node *n = &world->nodes[node];
    const struct directory_peer *row =
        directory_find(n->directory, &world->nodes[peer].id);
    struct sim_talk *talk = sim_talk_find(world, n->peers[peer].live);
    struct ent_session_view view;
    bool is_newer;

    if (talk == NULL || talk->is_over) {
        return;
    }
    ent_session_view(talk->session, &view);
    if (!view.is_quiet) {
        return;
    }
    if (row == NULL) {
        sim_talk_stop(world, talk->id, ENT_BYE_REFUSED);
        return;
    }
    if (!is_old(talk, row)) {
        return;
    }
    is_newer =
        memcmp(row->secrets[0].b, talk->newest.b, sizeof(talk->newest.b)) != 0;
    if (is_newer || world->now_ms - talk->ready_ms > LIMITED_MS) {
        sim_talk_stop(world, talk->id, ENT_BYE_AGAIN);
    }
}

bool
sim_talk_is_proved(struct sim_world *world, uint64_t id)
{
    struct sim_talk *talk = sim_talk_find(world, id);
    struct ent_session_view view;

    if (talk == NULL || talk->is_over || talk->who.is_limited) {
        return false;
    }
    ent_session_view(talk->session, &view);
    return view.is_quiet && view.is_proved;
}
