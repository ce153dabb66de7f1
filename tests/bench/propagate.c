/*
 * One entry between two connected daemons: from the local call that writes it
 * until the other daemon's local calls see it, durable at both ends.
 */
#include "bench/nodes.h"

#include "store/overview.h"
#include "store/records.h"

#include <stdlib.h>
#include <unistd.h>

#define SAMPLES 400u
#define WARM_UP 20u
#define PAUSE_US 4000u
#define POLL_US 50u
#define WAIT_S 30.0
#define NOTE                                                                   \
    "400 care notes by local call (situation.note) at one daemon until"        \
    " node.info of the other counts them, asked every 50 us; floor: two"       \
    " fsyncs and a ping"

static void
open_care_view(struct bench_node *a)
{
    struct value *params = value_object();

    value_set_string(params, "title", "Bench");
    value_set_string(params, "code", "B01");
    value_free(node_call(a, "situation.draft", params));
    params = value_object();
    value_set_string(params, "situation", "B01");
    value_set_string(params, "structure", "b");
    value_set_string(params, "basis", "same-team");
    value_free(node_call(a, "situation.invite", params));
}

static double
sample(struct bench_node *a, struct bench_node *b)
{
    struct value *params = value_object();
    uint64_t before = node_top(b);
    double start;

    value_set_string(params, "situation", "B01");
    value_set_string(params, "view", "care");
    value_set_string(params, "text",
                     "A note of the size that people write: what was agreed"
                     " on the phone, who calls whom, and until when.");
    start = bench_now();
    value_free(node_call(a, "situation.note", params));
    while (node_top(b) == before) {
        if (bench_now() - start > WAIT_S) {
            bench_die("a note did not come within %.0f seconds", WAIT_S);
        }
        usleep(POLL_US);
    }
    return 1000.0 * (bench_now() - start);
}

/* Each sample waited for its own note, so all are there. */
static void
check_all(struct bench_node *b)
{
    uint64_t *spaces;
    uint64_t found = 0;
    size_t count;

    node_open(b);
    spaces = overview_spaces(engine_db(b->engine), ENT_SPACE_CARE, &count);
    if (count == 1) {
        found = records_count(engine_db(b->engine), spaces[0], KIND_CARE_NOTE);
    }
    free(spaces);
    node_close(b);
    if (found != SAMPLES + WARM_UP) {
        bench_die("%llu notes came instead of %u", (unsigned long long)found,
                  SAMPLES + WARM_UP);
    }
}

static void
put_all(const struct bench *bench, double *times)
{
    struct bench_figure figure = {
        .name = "propagate_ms_p50",
        .value = times[SAMPLES / 2],
        .unit = "ms",
        .floor = 2000.0 / bench_floor(bench, FLOOR_FSYNC) +
                 bench_floor(bench, FLOOR_PING),
        .note = NOTE,
    };

    bench_put(bench, &figure);
    figure.name = "propagate_ms_p99";
    figure.value = times[SAMPLES * 99 / 100];
    bench_put(bench, &figure);
}

void
bench_propagate(const struct bench *bench)
{
    struct bench inner = *bench;
    static double times[SAMPLES + WARM_UP];
    struct bench_node a;
    struct bench_node b;
    size_t i;

    if (!bench_wants(bench, "propagate_ms_p")) {
        return;
    }
    bench_path(bench->folder, "propagate", inner.folder);
    bench_make_folder(inner.folder);
    nodes_pair(&inner, &a, &b);
    node_start(&a);
    node_start(&b);
    node_wait_proved(&b, WAIT_S);
    open_care_view(&a);
    node_wait_proved(&b, WAIT_S);
    usleep(500000);
    for (i = 0; i < SAMPLES + WARM_UP; i++) {
        times[i] = sample(&a, &b);
        usleep(PAUSE_US);
    }
    node_stop(&b);
    node_stop(&a);
    check_all(&b);
    bench_sort(times + WARM_UP, SAMPLES);
    put_all(bench, times + WARM_UP);
}
