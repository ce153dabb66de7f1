/*
 * Catching up: a fresh node of the circle calls a colleague who has 100,000
 * entries, and takes them all: verified, decrypted, folded, durable.
 */
#include "bench/nodes.h"

#include "store/overview.h"
#include "store/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ENTRIES 100000u
#define WAIT_S 200.0

struct catchup {
    double seconds;
    double wire_bytes;
    double disk_bytes;
    double rss_mib;
    double peak_mib;
};

static void
prepare(const struct bench *bench, struct bench_node *a, struct bench_node *b)
{
    uint64_t space;

    nodes_pair(bench, a, b);
    node_open(a);
    node_begin(a);
    space = nodes_care_space(a);
    node_commit(a);
    node_fill(a, space, KIND_CARE_NOTE, ENTRIES);
    node_close(a);
}

static double
disk_bytes(const struct bench_node *node)
{
    char path[BENCH_PATH_MAX];
    uint64_t bytes;

    bench_path(node->folder, ENGINE_STORE, path);
    bytes = bench_file_size(path);
    bench_path(node->folder, ENGINE_STORE "-wal", path);
    return (double)(bytes + bench_file_size(path));
}

/* All that came is folded: every record is there. */
static void
check_all(struct bench_node *b)
{
    struct db *db;
    uint64_t *spaces;
    uint64_t found = 0;
    size_t count;

    node_open(b);
    db = engine_db(b->engine);
    spaces = overview_spaces(db, ENT_SPACE_CARE, &count);
    if (count == 1) {
        found = records_count(db, spaces[0], KIND_CARE_NOTE);
    }
    free(spaces);
    node_close(b);
    if (found != ENTRIES) {
        bench_die("%llu records came instead of %u", (unsigned long long)found,
                  ENTRIES);
    }
}

static void
run(struct bench_node *a, struct bench_node *b, struct catchup *ret)
{
    uint64_t top;
    double start;

    node_start(a);
    node_start(b);
    start = bench_now();
    top = node_top(b) + ENTRIES;
    while (node_top(b) < top) {
        if (bench_now() - start > WAIT_S) {
            bench_die("no catch-up within %.0f seconds", WAIT_S);
        }
        usleep(5000);
    }
    ret->seconds = bench_now() - start;
    node_wait_proved(b, WAIT_S);
    usleep(500000);
    ret->wire_bytes = (double)node_wire_bytes(b);
    ret->rss_mib = node_memory_mib(b, "VmRSS");
    ret->peak_mib = node_memory_mib(b, "VmHWM");
    node_stop(b);
    node_stop(a);
    ret->disk_bytes = disk_bytes(b);
    check_all(b);
}

static void
put_all(const struct bench *bench, const struct catchup *c)
{
    char memory[200];
    const struct bench_figure figures[] = {
        {"catchup_entries_per_s", ENTRIES / c->seconds, "entries/s",
         bench_floor(bench, FLOOR_INSERT),
         "100,000 entries of 200 bytes from a fresh daemon's being ready"
         " (call, handshake and circle included) to durable and folded;"
         " floor: plain inserts"},
        {"catchup_wire_bytes_per_entry", c->wire_bytes / ENTRIES, "bytes",
         ENTRY_LEN, "all bytes of the connection, both ways; floor: 200"},
        {"catchup_disk_bytes_per_entry", c->disk_bytes / ENTRIES, "bytes",
         ENTRY_LEN,
         "the receiver's store, closed, with facts, indexes and views;"
         " floor: 200"},
        {"rss_mib", c->rss_mib, "MiB", -1, memory},
    };
    size_t i;

    snprintf(memory, sizeof(memory),
             "receiver after the catch-up, key-file slot; at most %.1f"
             " while it ran",
             c->peak_mib);
    for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        bench_put(bench, &figures[i]);
    }
}

void
bench_catchup(const struct bench *bench)
{
    struct bench inner = *bench;
    struct bench_node a;
    struct bench_node b;
    struct catchup c;

    if (!bench_wants(bench, "catchup_") && !bench_wants(bench, "rss_mib")) {
        return;
    }
    bench_path(bench->folder, "catchup", inner.folder);
    bench_make_folder(inner.folder);
    prepare(&inner, &a, &b);
    run(&a, &b, &c);
    put_all(bench, &c);
}
