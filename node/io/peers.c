/*
 * Peers in memory.
 *
 * Happy path: a session's effects change `state`; a writer's job carries a
 * copy of it to the store, at most every half second. What was consumed is
 * never written before the entries: it changes here only after their commit.
 * Failure mode: the process dies in between: the peer's numbers are a little
 * behind, and the entries between are told once more. Nothing is lost.
 */
#include "io/peers.h"

#include <stdlib.h>

#define KEEP_MS 500u

struct peers {
    struct io *io;
    size_t count;
    struct peer *all[ENT_PEERS_MAX];
    bool has_stale;
    bool has_dirty;
    uint64_t kept_ms;
};

struct peers *
peers_new(struct io *io)
{
    struct peers *peers = ent_alloc_zero(1, sizeof(*peers));

    peers->io = io;
    return peers;
}

void
peers_free(struct peers *peers)
{
    if (peers == NULL) {
        return;
    }
    for (size_t i = 0; i < peers->count; i++) {
        ENT_ASSERT(peers->all[i]->live == NULL);
        ENT_ASSERT(peers->all[i]->calling == NULL);
        free(peers->all[i]);
    }
    free(peers);
}

struct peer *
peers_find(struct peers *peers, const struct ent_id *node)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (ent_id_eq(&peers->all[i]->node, node)) {
            return peers->all[i];
        }
    }
    return NULL;
}

struct peer *
peers_get(struct peers *peers, const struct ent_id *node)
{
    struct peer *peer = peers_find(peers, node);

    if (peer != NULL || peers->count == ENT_PEERS_MAX) {
        return peer;
    }
    peer = ent_alloc_zero(1, sizeof(*peer));
    peer->node = *node;
    peer->facts.node = *node;
    peers->all[peers->count++] = peer;
    peers_touch(peers, peer);
    return peer;
}

size_t
peers_count(const struct peers *peers)
{
    return peers->count;
}

struct peer *
peers_at(struct peers *peers, size_t index)
{
    ENT_ASSERT(index < peers->count);
    return peers->all[index];
}

void
peers_touch(struct peers *peers, struct peer *peer)
{
    peer->is_stale = true;
    if (!peers->has_stale) {
        peers->has_stale = true;
        peers->io->hurry(peers->io);
    }
}

void
peers_keep(struct peers *peers, struct peer *peer)
{
    peer->is_dirty = true;
    if (!peers->has_dirty) {
        peers->has_dirty = true;
        peers->io->hurry(peers->io);
    }
}

void
peers_reload(struct peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = peers->all[i];

        if (peer->live == NULL) {
            peer->is_loaded = false;
            peer->is_dirty = false;
        }
    }
}

bool
peers_is_waiting(const struct peers *peers)
{
    return peers->has_stale || peers->has_dirty;
}

/* ---- keeping ---- */

struct keep_row {
    struct ent_id node;
    struct sync_state state;
};

struct keep_job {
    struct write_job write;
    size_t count;
    struct keep_row rows[];
};

static void
run_keep(struct write_job *write, struct engine *engine)
{
    struct keep_job *job = (struct keep_job *)write;

    for (size_t i = 0; i < job->count; i++) {
        sync_state_write(engine_db(engine), &job->rows[i].node,
                         &job->rows[i].state);
    }
}

static void
done_keep(struct job *job)
{
    free(job);
}

static void
keep_all(struct peers *peers)
{
    struct keep_job *job = ent_alloc_zero(
        1, sizeof(*job) + peers->count * sizeof(struct keep_row));

    job->write.run = run_keep;
    job->write.job.done = done_keep;
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = peers->all[i];

        if (peer->is_dirty && peer->is_loaded) {
            job->rows[job->count].node = peer->node;
            job->rows[job->count].state = peer->state;
            job->count++;
            peer->is_dirty = false;
        }
    }
    writer_post(peers->io->writer, &job->write);
    peers->has_dirty = false;
}

void
peers_beat(struct peers *peers, uint64_t now_ms, bool is_last)
{
    for (size_t i = 0; peers->has_stale && i < peers->count; i++) {
        struct peer *peer = peers->all[i];

        if (peer->is_stale) {
            live_put(peers->io->live, &peer->facts);
            peer->is_stale = false;
        }
    }
    peers->has_stale = false;
    if (peers->has_dirty && (is_last || now_ms - peers->kept_ms >= KEEP_MS)) {
        peers->kept_ms = now_ms;
        keep_all(peers);
    }
}
