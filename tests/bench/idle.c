/*
 * Many spaces in which nothing changed: how long a start takes, and what a
 * reconnect costs.
 */
#include "bench/nodes.h"

#include <stdio.h>
#include <unistd.h>

#define BATCH 500u
#define STARTS 5u
#define RECONNECTS 5u
#define WAIT_S 120.0

static void
prepare(const struct bench *bench, size_t count, struct bench_node *a,
        struct bench_node *b)
{
    size_t i;

    nodes_pair(bench, a, b);
    node_open(a);
    for (i = 0; i < count; i++) {
        if (i % BATCH == 0) {
            node_begin(a);
        }
        (void)nodes_care_space(a);
        if ((i + 1) % BATCH == 0 || i + 1 == count) {
            node_commit(a);
        }
    }
    node_close(a);
}

static void
put_start(const struct bench *bench, struct bench_node *a)
{
    double times[STARTS];
    struct bench_figure figure = {
        .name = "start_ms_10000",
        .unit = "ms",
        .floor = -1,
        .note = "entented run until it says that it is ready, 10,000 care"
                " spaces, key-file slot; median of 5",
    };
    size_t i;

    for (i = 0; i < STARTS; i++) {
        node_start(a);
        times[i] = 1000.0 * a->ready_s;
        node_stop(a);
    }
    bench_sort(times, STARTS);
    figure.value = times[STARTS / 2];
    bench_put(bench, &figure);
}

static void
put_reconnect(const struct bench *bench, size_t count, double bytes, double ms)
{
    char name[64];
    struct bench_figure figure = {
        .name = name,
        .value = bytes,
        .unit = "bytes",
        .floor = -1,
        .note = "all bytes of the connection, both ways, until both are"
                " proved equal; handshake included; median of 5",
    };

    snprintf(name, sizeof(name), "idle_reconnect_bytes_%zu", count);
    bench_put(bench, &figure);
    snprintf(name, sizeof(name), "idle_reconnect_ms_%zu", count);
    figure.value = ms;
    figure.unit = "ms";
    figure.note = "from the caller's being ready (its wait before calling"
                  " included) until status says proved equal; median of 5";
    figure.floor = bench_floor(bench, FLOOR_PING);
    bench_put(bench, &figure);
}

static void
measure_reconnect(const struct bench *bench, size_t count, struct bench_node *a,
                  struct bench_node *b)
{
    double bytes[RECONNECTS];
    double times[RECONNECTS];
    size_t i;

    node_start(a);
    node_start(b);
    node_wait_proved(b, WAIT_S);
    node_stop(b);
    for (i = 0; i < RECONNECTS; i++) {
        double start;

        node_start(b);
        start = bench_now();
        node_wait_proved(b, WAIT_S);
        times[i] = 1000.0 * (bench_now() - start);
        usleep(500000);
        bytes[i] = (double)node_wire_bytes(b);
        node_stop(b);
    }
    node_stop(a);
    bench_sort(bytes, RECONNECTS);
    bench_sort(times, RECONNECTS);
    put_reconnect(bench, count, bytes[RECONNECTS / 2], times[RECONNECTS / 2]);
}

static void
run(const struct bench *bench, size_t count, bool with_start)
{
    struct bench inner = *bench;
    struct bench_node a;
    struct bench_node b;
    char name[64];

    snprintf(name, sizeof(name), "idle_%zu", count);
    bench_path(bench->folder, name, inner.folder);
    bench_make_folder(inner.folder);
    prepare(&inner, count, &a, &b);
    if (with_start) {
        put_start(bench, &a);
    }
    if (bench_wants(bench, "idle_reconnect_")) {
        measure_reconnect(bench, count, &a, &b);
    }
}

/* Is `idle_reconnect_…_<count>` or a beginning of it asked for? */
static bool
wants_count(const struct bench *bench, size_t count)
{
    char bytes[64];
    char ms[64];

    snprintf(bytes, sizeof(bytes), "idle_reconnect_bytes_%zu", count);
    snprintf(ms, sizeof(ms), "idle_reconnect_ms_%zu", count);
    return bench->only == NULL ||
           strncmp(bytes, bench->only, strlen(bench->only)) == 0 ||
           strncmp(ms, bench->only, strlen(bench->only)) == 0;
}

void
bench_idle(const struct bench *bench)
{
    bool wants_start = bench_wants(bench, "start_ms_10000");

    if (wants_count(bench, 1000)) {
        run(bench, 1000, false);
    }
    if (wants_start || wants_count(bench, 10000)) {
        run(bench, 10000, wants_start);
    }
}
