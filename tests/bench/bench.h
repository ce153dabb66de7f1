/*
 * The bench: figures beside the floor that this machine allows in the same
 * run. It measures and prints; it never judges. A floor is measured once, by
 * whoever needs it first.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <entente/base.h>

#define BENCH_PATH_MAX 512

struct bench {
    char folder[BENCH_PATH_MAX]; /* everything is in it; gone afterwards */
    const char *only;            /* NULL: all */
    bool is_json;
};

/* Ends the program with a sentence: the bench cannot go on. */
__attribute__((noreturn, format(printf, 1, 2))) void bench_die(
    const char *format, ...);

/* Monotonic seconds, for measuring. */
double bench_now(void);

/* Is this figure asked for? `name` may be one's beginning. */
bool bench_wants(const struct bench *bench, const char *name);

/* One figure. `floor` below zero: there is none. */
struct bench_figure {
    const char *name;
    double value;
    const char *unit;
    double floor;
    const char *note;
};
/* Prints it if it is asked for. */
void bench_put(const struct bench *bench, const struct bench_figure *figure);

/* "<folder>/<name>" into `ret_path`, which takes BENCH_PATH_MAX bytes. */
void bench_path(const char *folder, const char *name, char *ret_path);
void bench_make_folder(const char *path);
/* Bytes of a file; 0 when it is not there. */
uint64_t bench_file_size(const char *path);

void bench_sort(double *values, size_t count);

/* ---- floors.c ---- */
enum bench_floor { FLOOR_INSERT, FLOOR_VERIFY, FLOOR_FSYNC, FLOOR_PING };
double bench_floor(const struct bench *bench, enum bench_floor floor);
/* Prints the floors that are asked for. */
void bench_floors(const struct bench *bench);

/* ---- groups of figures: each makes what it needs and leaves nothing ---- */
void bench_append(const struct bench *bench);
void bench_propagate(const struct bench *bench);
void bench_catchup(const struct bench *bench);
void bench_idle(const struct bench *bench);

#endif
