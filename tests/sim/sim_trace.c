/* The trace: see sim_trace.h. One world to a process, so one trace. */
#include "sim/sim_trace.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINES 50u
#define LINE_LEN 200u
#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static struct {
    uint64_t hash;
    uint64_t count;
    uint64_t now_ms;
    uint64_t seed;
    const char *replay;
    bool is_loud;
    char lines[LINES][LINE_LEN];
} trace;

static uint64_t
fnv(uint64_t hash, struct ent_slice bytes)
{
    size_t i;

    for (i = 0; i < bytes.len; i++) {
        hash = (hash ^ bytes.p[i]) * FNV_PRIME;
    }
    return hash;
}

static void
print_tail(void)
{
    uint64_t first = trace.count > LINES ? trace.count - LINES : 0;
    uint64_t i;

    for (i = first; i < trace.count; i++) {
        fprintf(stderr, "  %s\n", trace.lines[i % LINES]);
    }
    fprintf(stderr, "seed %llu; to see it again: %s\n",
            (unsigned long long)trace.seed, trace.replay);
    printf("trace %016llx seed %llu\n", (unsigned long long)trace.hash,
           (unsigned long long)trace.seed);
    fflush(stdout);
}

/* A broken invariant of the product is a finding, too. */
static void
on_abort(int number)
{
    signal(number, SIG_DFL);
    fprintf(stderr, "FINDING: signal %d\n", number);
    print_tail();
    _exit(1);
}

void
sim_trace_begin(uint64_t seed, const char *replay, bool is_loud)
{
    trace.hash = FNV_START;
    trace.count = 0;
    trace.now_ms = 0;
    trace.seed = seed;
    trace.replay = replay;
    trace.is_loud = is_loud;
    signal(SIGABRT, on_abort);
    signal(SIGSEGV, on_abort);
}

void
sim_trace_at(uint64_t now_ms)
{
    trace.now_ms = now_ms;
}

void
sim_trace(const char *format, ...)
{
    char *line = trace.lines[trace.count % LINES];
    int begin =
        snprintf(line, LINE_LEN, "%8llu ", (unsigned long long)trace.now_ms);
    va_list args;

    ENT_ASSERT(begin > 0 && (size_t)begin < LINE_LEN);
    va_start(args, format);
    vsnprintf(line + begin, LINE_LEN - (size_t)begin, format, args);
    va_end(args);
    trace.hash = fnv(trace.hash, ent_slice_str(line));
    trace.count++;
    if (trace.is_loud) {
        fprintf(stderr, "%s\n", line);
    }
}

uint64_t
sim_trace_hash(void)
{
    return trace.hash;
}

uint64_t
sim_trace_count(void)
{
    return trace.count;
}

void
sim_finding(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "FINDING: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    print_tail();
    _exit(1);
}

uint32_t
sim_trace_short(struct ent_slice bytes)
{
    uint64_t hash = fnv(FNV_START, bytes);

    return (uint32_t)(hash ^ hash >> 32);
}
