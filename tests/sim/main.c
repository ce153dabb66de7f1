/*
 * entente-sim: simulated worlds of real nodes, one for each seed.
 *
 *   entente-sim --seed N --nodes K --steps S [--faults KINDS] [--seeds COUNT]
 *               [--trace] [--shrink]
 *
 * KINDS: none, net, crash, restore, clock, all; several with commas. --trace
 * prints what happens; --shrink looks for fewer steps with a finding. Exit 0
 * without a finding, 1 with one, 2 for words it does not know. Its last line is
 * `trace HEX seed N`; the same seed gives the same trace.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim_run.h"

struct arguments {
    struct sim_plan plan;
    uint64_t seeds;
    bool is_shrinking;
    char faults[64];
};

static const struct {
    const char *name;
    unsigned bits;
} KINDS[] = {
    {"none", 0},
    {"net", SIM_NET},
    {"crash", SIM_CRASH},
    {"restore", SIM_RESTORE},
    {"clock", SIM_CLOCK},
    {"all", SIM_NET | SIM_CRASH | SIM_RESTORE | SIM_CLOCK},
};

__attribute__((noreturn)) static void
usage(const char *what)
{
    fprintf(stderr,
            "entente-sim: %s\n"
            "usage: entente-sim --seed N [--nodes K] [--steps S]"
            " [--faults none|net|crash|restore|clock|all]\n"
            "                   [--seeds COUNT] [--trace] [--shrink]"
            "\n",
            what);
    exit(2);
}

static uint64_t
number(const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    uint64_t v;

    errno = 0;
    v = text != NULL ? strtoull(text, &end, 10) : 0;
    if (text == NULL || end == text || *end != '\0' || errno != 0 || v < min ||
        v > max) {
        usage("a number is off");
    }
    return v;
}

static unsigned
fault_bits(const char *text)
{
    unsigned bits = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        bool found = false;
        size_t i;

        if (len == 9 && strncmp(text, "byzantine", 9) == 0) {
            usage("byzantine nodes are not built yet");
        }
        for (i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
            if (strlen(KINDS[i].name) == len &&
                strncmp(KINDS[i].name, text, len) == 0) {
                bits |= KINDS[i].bits;
                found = true;
            }
        }
        if (!found) {
            usage("no such kind of fault");
        }
        text += len + (text[len] == ',');
    }
    return bits;
}

static void
read_arguments(struct arguments *a, char **argv)
{
    *a = (struct arguments){.plan = {.seed = 1, .nodes = 5, .steps = 500},
                            .seeds = 1};
    snprintf(a->faults, sizeof(a->faults), "all");
    for (; *argv != NULL; argv++) {
        const char *name = *argv;

        if (strcmp(name, "--trace") == 0) {
            a->plan.is_loud = true;
        } else if (strcmp(name, "--shrink") == 0) {
            a->is_shrinking = true;
        } else if (strcmp(name, "--seed") == 0) {
            a->plan.seed = number(*++argv, 0, UINT64_MAX);
        } else if (strcmp(name, "--seeds") == 0) {
            a->seeds = number(*++argv, 1, UINT64_MAX);
        } else if (strcmp(name, "--nodes") == 0) {
            a->plan.nodes = (size_t)number(*++argv, 1, SIM_NODES_MAX);
        } else if (strcmp(name, "--steps") == 0) {
            a->plan.steps = number(*++argv, 0, UINT32_MAX);
        } else if (strcmp(name, "--faults") == 0 && argv[1] != NULL) {
            snprintf(a->faults, sizeof(a->faults), "%s", *++argv);
        } else {
            usage("an unknown word");
        }
        if (*argv == NULL) {
            usage("a value is missing");
        }
    }
    a->plan.faults = fault_bits(a->faults);
}

static void
print_counters(const struct sim_counters *c)
{
    printf("%llu events, %llu sessions, %llu messages, %llu bytes; %llu"
           " commits, %llu writes, %llu refused; %llu proved, %llu rebuilds\n"
           "%llu cuts, %llu crashes (%llu in a commit, %llu unsynced writes),"
           " %llu restores, %llu told of one by a peer\n",
           (unsigned long long)c->events, (unsigned long long)c->sessions,
           (unsigned long long)c->messages, (unsigned long long)c->bytes,
           (unsigned long long)c->commits, (unsigned long long)c->writes,
           (unsigned long long)c->refused, (unsigned long long)c->proved,
           (unsigned long long)c->rebuilds, (unsigned long long)c->cuts,
           (unsigned long long)c->crashes,
           (unsigned long long)c->crashes_in_commit,
           (unsigned long long)c->unsynced, (unsigned long long)c->restores,
           (unsigned long long)c->rollbacks);
}

static void
run_one(const struct arguments *a, const struct sim_plan *plan)
{
    struct sim_counters count;
    char replay[256];

    snprintf(replay, sizeof(replay),
             "build/bin/entente-sim --seed %llu --nodes %zu --steps %llu"
             " --faults %s",
             (unsigned long long)plan->seed, plan->nodes,
             (unsigned long long)plan->steps, a->faults);
    sim_run(plan, replay, &count);
    printf("seed %llu: %zu nodes, %llu steps, faults %s\n",
           (unsigned long long)plan->seed, plan->nodes,
           (unsigned long long)plan->steps, a->faults);
    print_counters(&count);
    printf("trace %016llx seed %llu\n", (unsigned long long)sim_trace_hash(),
           (unsigned long long)plan->seed);
    fflush(stdout);
}

/* Does the seed with so few steps end without a finding? In a process of its
 * own, and silently. */
static bool
is_clean(const struct arguments *a, uint64_t steps)
{
    struct sim_plan plan = a->plan;
    int status = 0;
    pid_t pid;

    plan.steps = steps;
    plan.is_loud = false;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL ||
            freopen("/dev/null", "w", stderr) == NULL) {
            _exit(3);
        }
        run_one(a, &plan);
        _exit(0);
    }
    ENT_ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Fewer steps are tried as long as there is still a finding. */
static uint64_t
shrink(const struct arguments *a)
{
    uint64_t steps = a->plan.steps;
    uint64_t cut;

    for (cut = steps / 2; cut > 0; cut /= 2) {
        while (steps >= cut && !is_clean(a, steps - cut)) {
            steps -= cut;
            printf("still with %llu steps\n", (unsigned long long)steps);
        }
    }
    return steps;
}

int
main(int argc, char **argv)
{
    struct arguments a;
    uint64_t i;

    (void)argc;
    read_arguments(&a, argv + 1);
    sim_disk_register();
    if (a.is_shrinking) {
        a.plan.steps = shrink(&a);
    }
    for (i = 0; i < a.seeds; i++) {
        struct sim_plan plan = a.plan;

        plan.seed += i;
        run_one(&a, &plan);
    }
    return 0;
}
