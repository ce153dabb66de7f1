/*
 * A writer with its checkpoints and two readers beside it, each on a thread
 * and a connection of its own: every snapshot adds up, and none goes back.
 */
#include "store/lab.h"

#include <pthread.h>
#include <stdatomic.h>

#define COMMITS 150u
#define READERS 2u

struct reader {
    const struct lab *lab;
    pthread_t thread;
    unsigned int read_count;
    enum ent_status status;
    bool went_back;
};

static atomic_bool is_over;

static void *
read_until_over(void *arg)
{
    struct reader *r = arg;
    struct db *db = NULL;
    uint64_t last = 0;

    r->status = db_open_reader(&r->lab->config, &db);
    while (r->status == ENT_OK && !(atomic_load(&is_over) && r->read_count)) {
        uint64_t n = 0;

        r->status = lab_read(db, &n);
        r->went_back = r->went_back || n < last;
        last = n;
        r->read_count++;
    }
    db_close(db);
    return NULL;
}

static void
test_readers_beside_a_writer(void **state)
{
    struct reader readers[READERS] = {{0}};
    uint64_t random = 4;
    struct lab lab;
    struct db *db;
    uint64_t n;
    size_t i;

    (void)state;
    lab_init(&lab);
    lab_create(&lab);
    assert_int_equal(db_open_writer(&lab.config, &db), ENT_OK);
    for (i = 0; i < READERS; i++) {
        readers[i].lab = &lab;
        assert_int_equal(pthread_create(&readers[i].thread, NULL,
                                        read_until_over, &readers[i]),
                         0);
    }
    for (n = 1; n <= COMMITS; n++) {
        enum ent_status st = lab_commit(db, n, &random);

        assert_int_equal(st, ENT_OK);
        st = n % 10 == 0 ? db_checkpoint(db, DB_CHECKPOINT_TRUNCATE)
                         : db_checkpoint_if_over(db, 50);
        assert_true(st == ENT_OK || st == ENT_AGAIN);
    }
    atomic_store(&is_over, true);
    for (i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].status, ENT_OK);
        assert_false(readers[i].went_back);
        assert_true(readers[i].read_count > 0);
    }
    db_close(db);
    assert_int_equal(lab_open_and_read(&lab, &n), ENT_OK);
    assert_int_equal(n, COMMITS);
    lab_release(&lab);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_beside_a_writer),
    };

    lab_use_fast_disk();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
