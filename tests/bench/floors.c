/*
 * What this machine allows: plain inserts of stock SQLite, signature checks,
 * fsyncs, and a loopback round trip.
 */
#include "bench/bench.h"

#include "clock.h"

#include <arpa/inet.h>
#include <entente/crypto.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define INSERT_ROWS 100000u
#define INSERT_BATCH 1000u
#define KEY_LEN 32u
#define ROW_LEN 300u
#define VERIFY_S 1.0
#define FSYNC_S 2.0
#define FSYNC_LEN 4096u
#define PINGS 4000u

/* ---- plain inserts ---- */

static void
sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) {
        bench_die("sqlite: %s: %s", text, sqlite3_errmsg(db));
    }
}

static sqlite3 *
open_plain(const struct bench *bench)
{
    char path[BENCH_PATH_MAX];
    sqlite3 *db;

    bench_path(bench->folder, "plain.db", path);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        bench_die("sqlite: %s cannot be opened", path);
    }
    sql(db, "PRAGMA journal_mode = WAL");
    sql(db, "PRAGMA synchronous = NORMAL");
    sql(db, "CREATE TABLE t(k BLOB NOT NULL UNIQUE, v BLOB NOT NULL)");
    return db;
}

static void
insert_rows(sqlite3 *db, sqlite3_stmt *s, struct ent_rng *rng)
{
    uint8_t row[ROW_LEN];
    size_t i;

    for (i = 0; i < INSERT_ROWS; i++) {
        if (i % INSERT_BATCH == 0) {
            sql(db, "BEGIN");
        }
        ent_rng_fill(rng, row, sizeof(row));
        sqlite3_bind_blob(s, 1, row, KEY_LEN, SQLITE_STATIC);
        sqlite3_bind_blob(s, 2, row + KEY_LEN, ROW_LEN - KEY_LEN,
                          SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_DONE) {
            bench_die("sqlite: %s", sqlite3_errmsg(db));
        }
        sqlite3_reset(s);
        if ((i + 1) % INSERT_BATCH == 0) {
            sql(db, "COMMIT");
        }
    }
}

static double
measure_inserts(const struct bench *bench)
{
    sqlite3 *db = open_plain(bench);
    sqlite3_stmt *s;
    struct ent_key seed;
    struct ent_rng rng;
    double start;

    clock_seed(&seed);
    ent_rng_init(&rng, &seed);
    if (sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1, ?2)", -1, &s, NULL) !=
        SQLITE_OK) {
        bench_die("sqlite: %s", sqlite3_errmsg(db));
    }
    start = bench_now();
    insert_rows(db, s, &rng);
    start = bench_now() - start;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return INSERT_ROWS / start;
}

/* ---- signatures ---- */

static double
measure_verify(void)
{
    struct ent_key secret;
    struct ent_id pk;
    struct ent_id id = {{7}};
    struct ent_sig sig;
    double start;
    size_t count = 0;

    clock_seed(&secret);
    ent_sign_public(&secret, &pk);
    ent_sign(&secret, "entente/seal/1", ENT_SLICE_OF(id), &sig);
    start = bench_now();
    while (bench_now() - start < VERIFY_S) {
        ENT_ASSERT(ent_verify(&pk, "entente/seal/1", ENT_SLICE_OF(id), &sig));
        count++;
    }
    return (double)count / (bench_now() - start);
}

/* ---- fsync ---- */

static double
measure_fsync(const struct bench *bench)
{
    static const uint8_t block[FSYNC_LEN];
    char path[BENCH_PATH_MAX];
    double start;
    size_t count = 0;
    int fd;

    bench_path(bench->folder, "fsync", path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        bench_die("%s cannot be made", path);
    }
    start = bench_now();
    while (bench_now() - start < FSYNC_S) {
        if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block) ||
            fsync(fd) != 0) {
            bench_die("%s cannot be written", path);
        }
        count++;
    }
    start = bench_now() - start;
    close(fd);
    return (double)count / start;
}

/* ---- ping ---- */

static void *
echo(void *arg)
{
    int fd = *(const int *)arg;
    char byte;

    while (recv(fd, &byte, 1, 0) == 1) {
        if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1) {
            break;
        }
    }
    return NULL;
}

/* Two ends of a TCP connection over loopback. */
static void
connect_pair(int ret_fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    int i;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ret_fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0 ||
        connect(ret_fds[0], (struct sockaddr *)&address, sizeof(address)) !=
            0) {
        bench_die("no loopback connection");
    }
    ret_fds[1] = accept(listener, NULL, NULL);
    close(listener);
    for (i = 0; i < 2; i++) {
        setsockopt(ret_fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
}

static double
measure_ping(void)
{
    static double times[PINGS];
    pthread_t thread;
    char byte = 0;
    int fds[2];
    size_t i;

    connect_pair(fds);
    if (pthread_create(&thread, NULL, echo, &fds[1]) != 0) {
        bench_die("no thread can be made");
    }
    for (i = 0; i < PINGS; i++) {
        double start = bench_now();

        if (send(fds[0], &byte, 1, MSG_NOSIGNAL) != 1 ||
            recv(fds[0], &byte, 1, 0) != 1) {
            bench_die("the loopback connection broke");
        }
        times[i] = bench_now() - start;
    }
    close(fds[0]);
    pthread_join(thread, NULL);
    close(fds[1]);
    bench_sort(times, PINGS);
    return 1000.0 * times[PINGS / 2];
}

/* ---- all ---- */

double
bench_floor(const struct bench *bench, enum bench_floor floor)
{
    static double known[FLOOR_PING + 1];

    if (known[floor] > 0) {
        return known[floor];
    }
    switch (floor) {
    case FLOOR_INSERT:
        known[floor] = measure_inserts(bench);
        break;
    case FLOOR_VERIFY:
        known[floor] = measure_verify();
        break;
    case FLOOR_FSYNC:
        known[floor] = measure_fsync(bench);
        break;
    case FLOOR_PING:
        known[floor] = measure_ping();
        break;
    }
    return known[floor];
}

void
bench_floors(const struct bench *bench)
{
    static const struct {
        enum bench_floor floor;
        struct bench_figure figure;
    } all[] = {
        {FLOOR_INSERT,
         {"floor_plain_insert_per_s", 0, "rows/s", -1,
          "stock SQLite, no encryption: 100,000 rows of 300 bytes with a"
          " unique random key of 32, 1,000 a transaction, WAL, NORMAL"}},
        {FLOOR_VERIFY,
         {"floor_verify_per_s", 0, "checks/s", -1,
          "Ed25519 signatures checked by one thread"}},
        {FLOOR_FSYNC,
         {"floor_fsync_per_s", 0, "fsyncs/s", -1,
          "4 KiB appended to a file, then fsync"}},
        {FLOOR_PING,
         {"floor_ping_ms", 0, "ms", -1,
          "one byte there and back over loopback TCP, median"}},
    };
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct bench_figure figure = all[i].figure;

        if (bench_wants(bench, figure.name)) {
            figure.value = bench_floor(bench, all[i].floor);
            bench_put(bench, &figure);
        }
    }
}
