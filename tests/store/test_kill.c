/* labels: quick */
/*
 * Processes: a writer killed at any moment loses no acknowledged commit, a
 * second process is refused, and another key does not open.
 */
#include "store/lab.h"

#include <signal.h>
#include <sys/wait.h>

#define KILLS 30u

/* Commits for ever and writes each acknowledged number to `fd`. */
static void
write_for_ever(const struct db_config *config, uint64_t seed, int fd)
{
    uint64_t random = seed;
    struct db *db = NULL;
    uint64_t n = 0;

    if (db_open_writer(config, &db) != ENT_OK || lab_read(db, &n) != ENT_OK) {
        _exit(1);
    }
    for (;;) {
        if (lab_commit(db, ++n, &random) != ENT_OK ||
            write(fd, &n, sizeof(n)) != (ssize_t)sizeof(n) ||
            db_checkpoint_if_over(db, 100) != ENT_OK) {
            _exit(2);
        }
    }
}

/* Starts a writer, kills it after some of its commits, and returns the last
 * number that it acknowledged. */
static uint64_t
kill_a_writer(const struct db_config *config, uint64_t *random)
{
    uint64_t wait_for = 1 + sim_below(random, 20);
    uint64_t seed = sim_random(random);
    uint64_t last = 0;
    uint64_t n;
    int pipes[2];
    int how = 0;
    pid_t child;

    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(pipes[0]);
        write_for_ever(config, seed, pipes[1]);
    }
    close(pipes[1]);
    while (wait_for-- > 0) {
        assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
    }
    usleep((useconds_t)sim_below(random, 3000)); /* anywhere in a commit */
    assert_int_equal(kill(child, SIGKILL), 0);
    while (read(pipes[0], &n, sizeof(n)) == (ssize_t)sizeof(n)) {
        last = n;
    }
    close(pipes[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    return last;
}

static void
test_killed_writers(void **state)
{
    uint64_t random = 99;
    struct lab lab;
    unsigned int i;

    (void)state;
    lab_init(&lab);
    lab_create(&lab);
    for (i = 0; i < KILLS; i++) {
        uint64_t acknowledged = kill_a_writer(&lab.config, &random);
        uint64_t n = 0;

        assert_int_equal(lab_open_and_read(&lab, &n), ENT_OK);
        assert_true(n >= acknowledged);
        assert_true(n <= acknowledged + 1);
    }
    lab_release(&lab);
}

static void
test_second_process_is_refused(void **state)
{
    uint64_t random = 7;
    uint64_t n = 0;
    struct lab lab;
    struct db *db = NULL;
    int pipes[2];
    pid_t child;

    (void)state;
    lab_init(&lab);
    lab_create(&lab);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        n = db_open_writer(&lab.config, &db) == ENT_OK &&
            lab_commit(db, 1, &random) == ENT_OK;
        if (write(pipes[1], &n, sizeof(n)) == (ssize_t)sizeof(n)) {
            pause();
        }
        _exit(0);
    }
    assert_int_equal(read(pipes[0], &n, sizeof(n)), sizeof(n));
    assert_int_equal(n, 1);
    assert_int_equal(db_open_writer(&lab.config, &db), ENT_SELF_BUSY);
    assert_int_equal(db_open_reader(&lab.config, &db), ENT_SELF_BUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(lab_open_and_read(&lab, &n), ENT_OK);
    assert_int_equal(n, 1);
    close(pipes[0]);
    close(pipes[1]);
    lab_release(&lab);
}

static void
test_wrong_key(void **state)
{
    struct storekey *other = storekey_new();
    struct db_config config;
    struct db *db = NULL;
    struct db *second = NULL;
    struct lab lab;
    uint64_t n = 0;

    (void)state;
    lab_init(&lab);
    lab_create(&lab);
    config = lab.config;
    config.key = other;
    assert_int_equal(db_open_writer(&config, &db), ENT_SELF_CORRUPT);
    assert_null(db);
    assert_int_equal(lab_open_and_read(&lab, &n), ENT_OK); /* unharmed */
    /* While it is open under its key, another one is told so. */
    assert_int_equal(db_open_writer(&lab.config, &db), ENT_OK);
    assert_int_equal(db_open_reader(&config, &second), ENT_RULE_AUTH);
    assert_null(second);
    db_close(db);
    storekey_free(other);
    lab_release(&lab);
}

/* A plain database in the store's place is not taken for one. */
static void
test_plain_database_is_refused(void **state)
{
    struct db *db = NULL;
    struct lab lab;
    sqlite3 *p;

    (void)state;
    lab_init(&lab);
    assert_int_equal(sqlite3_open(lab.path, &p), SQLITE_OK);
    assert_int_equal(sqlite3_exec(p, "CREATE TABLE t (a)", NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(p);
    assert_int_equal(db_open_writer(&lab.config, &db), ENT_SELF_CORRUPT);
    lab_release(&lab);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_writers),
        cmocka_unit_test(test_second_process_is_refused),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_plain_database_is_refused),
    };

    lab_use_fast_disk();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
