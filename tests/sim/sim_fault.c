/* Faults: see sim_fault.h. */
#include "sim/sim_fault.h"

#include <stdlib.h>

#include "sim/sim_check.h"
#include "sim/sim_dial.h"
#include "sim/sim_net.h"
#include "sim/sim_node.h"

#define DOWN_MS 4000u
#define PARTITION_MS 10000u
#define ARM_MAX 40u
#define YEAR_MS (365ll * 24 * 3600 * 1000)

static unsigned
any_node(struct sim_world *world)
{
    return (unsigned)sim_world_below(world, world->node_count);
}

/* ---- network ---- */

static struct sim_conn *
any_conn(struct sim_world *world)
{
    struct sim_conn *conn;
    uint64_t count = 0;

    for (conn = world->conns; conn != NULL; conn = conn->next) {
        count++;
    }
    if (count == 0) {
        return NULL;
    }
    count = sim_world_below(world, count);
    for (conn = world->conns; count > 0; count--) {
        conn = conn->next;
    }
    return conn;
}

static void
on_partition_over(struct sim_world *world, void *arg)
{
    (void)arg;
    world->side = 0;
    sim_trace("the partition is over");
}

static void
fault_net(struct sim_world *world)
{
    struct sim_conn *conn = any_conn(world);
    uint64_t what = sim_world_below(world, 8);

    if (what == 0) {
        sim_net_partition(
            world, (uint32_t)sim_world_below(world, 1u << world->node_count));
        sim_world_later(world, sim_world_below(world, PARTITION_MS),
                        on_partition_over, NULL);
    } else if (what == 1 && conn != NULL) {
        unsigned end = (unsigned)sim_world_below(world, 2);

        conn->is_deaf[end] = true;
        sim_trace("n%u does not hear n%u any more", conn->node[end],
                  conn->node[1 - end]);
    } else if (conn != NULL) {
        sim_net_cut(world, conn);
    }
}

/* ---- power ---- */

static void
on_power(struct sim_world *world, void *arg)
{
    unsigned *node = arg;

    if (world->nodes[*node].engine == NULL && !world->is_ending) {
        sim_node_start(world, *node);
    }
    free(node);
}

static void
power_later(struct sim_world *world, unsigned node)
{
    unsigned *arg = ent_alloc(sizeof(*arg));

    *arg = node;
    sim_world_later(world, sim_world_below(world, DOWN_MS), on_power, arg);
}

static void
fault_crash(struct sim_world *world)
{
    unsigned node = any_node(world);

    if (world->nodes[node].engine == NULL) {
        return;
    }
    if (sim_world_chance(world, 2)) {
        sim_disk_arm(world->nodes[node].disk,
                     1 + sim_world_below(world, ARM_MAX));
        return;
    }
    sim_node_crash(world, node);
    power_later(world, node);
}

/* Those that lost their power in a commit come back, too. */
static void
start_fallen(struct sim_world *world)
{
    unsigned node = any_node(world);

    if (world->nodes[node].engine == NULL) {
        power_later(world, node);
    }
}

/* ---- backups put back ---- */

/* What a restored store has lost can only be told when all are there. */
static void
start_all(struct sim_world *world)
{
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        if (world->nodes[i].engine == NULL) {
            sim_node_start(world, i);
        }
    }
}

/* How many secrets the circle has had, as far as the node knows. */
static uint64_t
count_secrets(const struct sim_node *n)
{
    return sim_node_number(n, "SELECT count(*) FROM epoch_key k JOIN space s"
                              " ON s.id = k.space WHERE s.kind = 2");
}

/* One that was put back to when it knew nobody would need a new invitation. */
static bool
knows_somebody(const struct sim_world *world, const struct sim_node *n)
{
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        if (n->peers[i].is_listed && n->peers[i].state.proved_at != 0) {
            return true;
        }
    }
    return false;
}

static void
take_backup(struct sim_world *world)
{
    struct sim_node *n = &world->nodes[any_node(world)];
    uint64_t slot = sim_world_below(world, SIM_BACKUPS);

    if (n->engine != NULL && knows_somebody(world, n)) {
        sim_backup_free(n->backups[slot]);
        n->backups[slot] = sim_disk_copy(n->disk);
        n->backup_secrets[slot] = count_secrets(n);
        sim_trace("n%u is backed up", n->index);
    }
}

/* Nobody answers to a secret older than the last sixteen. */
static void
put_back(struct sim_world *world)
{
    struct sim_node *n = &world->nodes[any_node(world)];
    uint64_t slot = sim_world_below(world, SIM_BACKUPS);
    struct sim_backup *backup = n->backups[slot];
    enum sim_restore how = (enum sim_restore)sim_world_below(world, 3);
    uint32_t members;

    if (backup == NULL) {
        return;
    }
    start_all(world);
    if (count_secrets(n) >= n->backup_secrets[slot] + ENT_SECRETS_MAX / 2) {
        return;
    }
    members = sim_check_members(world);
    sim_node_stop(world, n->index);
    world->count.restores++;
    sim_trace("n%u is put back, way %u", n->index, (unsigned)how);
    sim_disk_restore(n->disk, backup, how);
    n->owes_check = false;
    n->ledgered = 0;
    n->unheard = members & ~(1u << n->index); /* unless its anchor tells it */
    sim_node_start(world, n->index);
    start_all(world);
    sim_check_restored(world, n->index);
}

/* ---- clocks ---- */

static void
fault_clock(struct sim_world *world)
{
    struct sim_node *n = &world->nodes[any_node(world)];
    uint64_t what = sim_world_below(world, 4);
    int64_t off = (int64_t)sim_world_below(world, 600000) - 300000;

    if (what == 0) {
        off = 10 * YEAR_MS;
    } else if (what == 1) {
        off = -10 * YEAR_MS;
    } else if (what == 2) {
        off = 0;
    }
    n->clock_off_ms = off;
    sim_trace("n%u's clock is off by %lld", n->index, (long long)off);
}

/* ---- all ---- */

void
sim_fault_step(struct sim_world *world)
{
    uint64_t what = sim_world_below(world, 100);

    if ((world->faults & SIM_CRASH) != 0 && sim_world_chance(world, 4)) {
        start_fallen(world);
    }
    if (what < 6 && (world->faults & SIM_NET) != 0) {
        fault_net(world);
    } else if (what < 10 && (world->faults & SIM_CRASH) != 0) {
        fault_crash(world);
    } else if (what < 14 && (world->faults & SIM_RESTORE) != 0) {
        take_backup(world);
    } else if (what == 14 && (world->faults & SIM_RESTORE) != 0) {
        put_back(world);
    } else if (what == 15 && (world->faults & SIM_CLOCK) != 0) {
        fault_clock(world);
    }
}

void
sim_fault_heal(struct sim_world *world)
{
    struct sim_conn *conn;
    unsigned i;

    world->faults = 0;
    world->side = 0;
    sim_trace("all is whole again");
    for (conn = world->conns; conn != NULL; conn = conn->next) {
        if (conn->is_deaf[0] || conn->is_deaf[1]) {
            sim_net_cut(world, conn);
        }
    }
    for (i = 0; i < world->node_count; i++) {
        sim_disk_arm(world->nodes[i].disk, 0);
        sim_dial_now(world, i);
    }
    start_all(world);
}
