/*
 * entente-bench [--json] [--only NAME]: measures, one figure a line.
 *
 * The work is done by a child, so that the folder is removed and no daemon is
 * left whatever happens to it.
 */
#include "bench/bench.h"

#include <entente/crypto.h>
#include <entente/rpc.h>

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define OPEN_FOLDERS_MAX 16

void
bench_die(const char *format, ...)
{
    va_list args;

    fputs("entente-bench: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

double
bench_now(void)
{
    return (double)uv_hrtime() / 1e9;
}

bool
bench_wants(const struct bench *bench, const char *name)
{
    return bench->only == NULL ||
           strncmp(bench->only, name, strlen(name)) == 0 ||
           strncmp(bench->only, name, strlen(bench->only)) == 0;
}

static void
put_json(const struct bench_figure *figure)
{
    struct value *v = value_object();
    char *text;

    value_set_string(v, "name", figure->name);
    value_set_real(v, "value", figure->value);
    value_set_string(v, "unit", figure->unit);
    value_set(v, "floor",
              figure->floor < 0 ? value_null() : value_real(figure->floor));
    value_set_string(v, "note", figure->note);
    text = value_to_json(v, false, false);
    puts(text);
    free(text);
    value_free(v);
}

void
bench_put(const struct bench *bench, const struct bench_figure *figure)
{
    if (bench->only != NULL &&
        strncmp(figure->name, bench->only, strlen(bench->only)) != 0) {
        return;
    }
    if (bench->is_json) {
        put_json(figure);
    } else if (figure->floor < 0) {
        printf("%-30s %12.2f %-9s %22s  %s\n", figure->name, figure->value,
               figure->unit, "", figure->note);
    } else {
        printf("%-30s %12.2f %-9s floor %-16.2f  %s\n", figure->name,
               figure->value, figure->unit, figure->floor, figure->note);
    }
    fflush(stdout);
}

void
bench_path(const char *folder, const char *name, char *ret_path)
{
    int len = snprintf(ret_path, BENCH_PATH_MAX, "%s/%s", folder, name);

    if (len < 0 || len >= BENCH_PATH_MAX) {
        bench_die("the path is too long: %s", folder);
    }
}

void
bench_make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0) {
        bench_die("%s cannot be made: %s", path, strerror(errno));
    }
}

uint64_t
bench_file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

void
bench_sort(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
}

static void
measure_all(const struct bench *bench)
{
    bench_floors(bench);
    bench_append(bench);
    bench_propagate(bench);
    bench_catchup(bench);
    bench_idle(bench);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int
run_child(const struct bench *bench)
{
    pid_t pid = fork();
    int status = 0;

    if (pid < 0) {
        bench_die("no process can be made");
    }
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        measure_all(bench);
        exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void
read_words(int argc, char **argv, struct bench *bench)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            bench->is_json = true;
        } else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
            bench->only = argv[++i];
        } else {
            fputs("usage: entente-bench [--json] [--only NAME]\n", stderr);
            exit(2);
        }
    }
}

/* A folder on a disk: /tmp is in memory on many systems. */
static void
make_folder(struct bench *bench)
{
    const char *base = getenv("TMPDIR");

    if (base == NULL || base[0] == '\0') {
        base = "/var/tmp";
    }
    bench_path(base, "entente-bench-XXXXXX", bench->folder);
    if (mkdtemp(bench->folder) == NULL) {
        bench_die("no folder can be made in %s", base);
    }
}

int
main(int argc, char **argv)
{
    struct bench bench = {0};
    int code;

    ent_crypto_start();
    read_words(argc, argv, &bench);
    make_folder(&bench);
    /* Ctrl-C ends the child and its daemons; this process tidies up. */
    signal(SIGINT, SIG_IGN);
    code = run_child(&bench);
    nftw(bench.folder, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
    return code;
}
