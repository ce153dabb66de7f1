/* Live facts of peers behind one mutex; small copies in and out. */
#include "api/live.h"

#include <pthread.h>
#include <stdlib.h>

struct live {
    pthread_mutex_t mutex;
    struct live_node node;
    struct live_peer *peers;
    size_t count;
    size_t cap;
};

struct live *
live_new(void)
{
    struct live *live = ent_alloc_zero(1, sizeof(*live));

    ENT_ASSERT(pthread_mutex_init(&live->mutex, NULL) == 0);
    return live;
}

void
live_free(struct live *live)
{
    if (live == NULL) {
        return;
    }
    pthread_mutex_destroy(&live->mutex);
    free(live->peers);
    free(live);
}

static void
lock(struct live *live)
{
    ENT_ASSERT(pthread_mutex_lock(&live->mutex) == 0);
}

static void
unlock(struct live *live)
{
    ENT_ASSERT(pthread_mutex_unlock(&live->mutex) == 0);
}

void
live_node_set(struct live *live, const struct live_node *node)
{
    lock(live);
    live->node = *node;
    unlock(live);
}

void
live_node_get(struct live *live, struct live_node *ret_node)
{
    lock(live);
    *ret_node = live->node;
    unlock(live);
}

static struct live_peer *
find(struct live *live, const struct ent_id *node)
{
    for (size_t i = 0; i < live->count; i++) {
        if (ent_id_eq(&live->peers[i].node, node)) {
            return &live->peers[i];
        }
    }
    return NULL;
}

void
live_put(struct live *live, const struct live_peer *peer)
{
    struct live_peer *place;

    lock(live);
    place = find(live, &peer->node);
    if (place == NULL && live->count < ENT_PEERS_MAX) {
        if (live->count == live->cap) {
            live->cap = live->cap == 0 ? 8 : live->cap * 2;
            live->peers =
                ent_realloc(live->peers, live->cap * sizeof(*live->peers));
        }
        place = &live->peers[live->count++];
    }
    if (place != NULL) {
        *place = *peer;
    }
    unlock(live);
}

bool
live_find(struct live *live, const struct ent_id *node,
          struct live_peer *ret_peer)
{
    const struct live_peer *place;

    *ret_peer = (struct live_peer){0};
    lock(live);
    place = find(live, node);
    if (place != NULL) {
        *ret_peer = *place;
    }
    unlock(live);
    return place != NULL;
}
