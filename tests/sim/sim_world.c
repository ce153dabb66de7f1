/* Clock, events and chance: see sim_world.h. */
#include "sim/sim_world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/sim_net.h"
#include "sim/sim_node.h"
#include "sim/sim_talk.h"

/* ---- events: a binary heap ---- */

static bool
is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms < b->at_ms ||
           (a->at_ms == b->at_ms && a->number < b->number);
}

static void
swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event t = *a;

    *a = *b;
    *b = t;
}

static void
push(struct sim_world *world, const struct sim_event *event)
{
    size_t i = world->event_count++;

    if (i == world->event_cap) {
        world->event_cap = i > 0 ? 2 * i : 256;
        world->events = ent_realloc(world->events,
                                    world->event_cap * sizeof(*world->events));
    }
    world->events[i] = *event;
    for (; i > 0 && is_before(&world->events[i], &world->events[(i - 1) / 2]);
         i = (i - 1) / 2) {
        swap(&world->events[i], &world->events[(i - 1) / 2]);
    }
}

static struct sim_event
pop(struct sim_world *world)
{
    struct sim_event first = world->events[0];
    size_t count = --world->event_count;
    size_t i = 0;

    world->events[0] = world->events[count];
    for (;;) {
        size_t least = i;
        size_t child;

        for (child = 2 * i + 1; child <= 2 * i + 2 && child < count; child++) {
            if (is_before(&world->events[child], &world->events[least])) {
                least = child;
            }
        }
        if (least == i) {
            return first;
        }
        swap(&world->events[i], &world->events[least]);
        i = least;
    }
}

void
sim_world_later(struct sim_world *world, uint64_t delay_ms,
                void (*run)(struct sim_world *world, void *arg), void *arg)
{
    struct sim_event event = {
        .at_ms = world->now_ms + delay_ms,
        .number = ++world->next_event,
        .run = run,
        .arg = arg,
    };

    push(world, &event);
}

void
sim_world_advance(struct sim_world *world, uint64_t ms)
{
    uint64_t until = world->now_ms + ms;

    while (world->event_count > 0 && world->events[0].at_ms <= until) {
        struct sim_event event = pop(world);

        world->now_ms = event.at_ms;
        sim_trace_at(world->now_ms);
        world->count.events++;
        event.run(world, event.arg);
    }
    world->now_ms = until;
    sim_trace_at(until);
}

/* ---- chance ---- */

uint64_t
sim_world_below(struct sim_world *world, uint64_t limit)
{
    return sim_below(&world->random, limit);
}

bool
sim_world_chance(struct sim_world *world, uint64_t n)
{
    return sim_chance(&world->random, n);
}

void
sim_world_key(struct sim_world *world, struct ent_key *ret_key)
{
    size_t i;

    for (i = 0; i < sizeof(ret_key->b); i += 8) {
        ent_put_u64(ret_key->b + i, sim_random(&world->random));
    }
}

uint64_t
sim_world_wall_ms(const struct sim_world *world, unsigned node)
{
    int64_t off = world->nodes[node].clock_off_ms;

    return (uint64_t)((int64_t)(SIM_START_MS + world->now_ms) + off);
}

unsigned
sim_world_who(const struct sim_world *world, const struct ent_id *id)
{
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        if (ent_id_eq(&world->nodes[i].id, id)) {
            return i;
        }
    }
    return SIM_NODES_MAX;
}

/* ---- the whole ---- */

struct sim_world *
sim_world_new(uint64_t seed, size_t node_count, unsigned faults)
{
    struct sim_world *world = ent_alloc_zero(1, sizeof(*world));
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    unsigned i;

    ENT_ASSERT(node_count >= 1 && node_count <= SIM_NODES_MAX);
    world->seed = seed;
    world->random = seed;
    world->faults = faults;
    snprintf(world->folder, sizeof(world->folder), "%s/entente-sim-XXXXXX",
             memory);
    ENT_ASSERT(mkdtemp(world->folder) != NULL);
    for (i = 0; i < node_count; i++) {
        sim_node_make(world, i);
        world->node_count++;
    }
    return world;
}

static int
on_file(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* What is still under way is let go: every event of a node that is down frees
 * what it carries. */
void
sim_world_free(struct sim_world *world)
{
    unsigned i;

    world->is_ending = true;
    for (i = 0; i < world->node_count; i++) {
        sim_node_stop(world, i);
    }
    while (world->event_count > 0) {
        struct sim_event event = pop(world);

        event.run(world, event.arg);
    }
    for (i = 0; i < world->node_count; i++) {
        sim_node_release(&world->nodes[i]);
    }
    sim_net_free(world);
    nftw(world->folder, on_file, 8, FTW_DEPTH | FTW_PHYS);
    free(world->events);
    free(world->ledger);
    free(world);
}
