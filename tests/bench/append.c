/* Writing: one entry a commit, and 1,000 a commit. */
#include "bench/nodes.h"

#include "store/overview.h"
#include "store/records.h"

#define DURABLE_S 3.0
#define BATCH_ENTRIES 50000u

static double
measure_durable(struct bench_node *node, uint64_t space)
{
    double start = bench_now();
    size_t count = 0;

    while (bench_now() - start < DURABLE_S) {
        node_begin(node);
        node_write(node, space, KIND_OWN_NOTE, FIELD_OWN_NOTE_TEXT);
        node_commit(node);
        count++;
    }
    return (double)count / (bench_now() - start);
}

static double
measure_batch(struct bench_node *node, uint64_t space)
{
    double start = bench_now();

    node_fill(node, space, KIND_OWN_NOTE, BATCH_ENTRIES);
    return BATCH_ENTRIES / (bench_now() - start);
}

static void
put_durable(const struct bench *bench, struct bench_node *node, uint64_t space)
{
    struct bench_figure figure = {
        .name = "append_durable_per_s",
        .unit = "entries/s",
        .floor = bench_floor(bench, FLOOR_FSYNC),
        .note = "own entries of 200 bytes, one a commit: sealed, signed,"
                " folded, store and anchor synced; floor: fsync",
    };

    figure.value = measure_durable(node, space);
    bench_put(bench, &figure);
}

static void
put_batch(const struct bench *bench, struct bench_node *node, uint64_t space)
{
    struct bench_figure figure = {
        .name = "append_batch_per_s",
        .unit = "entries/s",
        .floor = bench_floor(bench, FLOOR_INSERT),
        .note = "50,000 own entries of 200 bytes, 1,000 a commit;"
                " floor: plain inserts",
    };

    figure.value = measure_batch(node, space);
    bench_put(bench, &figure);
}

void
bench_append(const struct bench *bench)
{
    struct bench_node node;
    uint64_t space;

    if (!bench_wants(bench, "append_")) {
        return;
    }
    node_make(bench, "append", 0, &node);
    node_open(&node);
    space = overview_own_space(engine_db(node.engine));
    if (bench_wants(bench, "append_durable_per_s")) {
        put_durable(bench, &node, space);
    }
    if (bench_wants(bench, "append_batch_per_s")) {
        put_batch(bench, &node, space);
    }
    node_close(&node);
}
