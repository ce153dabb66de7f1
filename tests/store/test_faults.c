/* labels: quick */
/*
 * Every call to the disk fails once, and from there on for ever: with an
 * input/output error, with a full disk, with half a write. Each ends with a
 * named status, and the store opens again with every acknowledged commit.
 */
#include "store/lab.h"

#define COMMITS 4u
#define CALLS_MAX 5000u

struct fault_kind {
    const char *name;
    uint32_t repeat;
    int code;
    bool is_short;
};

static const struct fault_kind kinds[] = {
    {"EIO once", 1, SQLITE_IOERR_WRITE, false},
    {"EIO for ever", TEST_FAULT_FOR_EVER, SQLITE_IOERR_WRITE, false},
    {"ENOSPC once", 1, SQLITE_FULL, true},
    {"ENOSPC for ever", TEST_FAULT_FOR_EVER, SQLITE_FULL, true},
};

static bool
is_named(enum ent_status st)
{
    return st == ENT_OK || st == ENT_AGAIN || ent_status_is_self(st);
}

/* Works until something fails. Returns the status; the last acknowledged
 * commit is in *ret_n. */
static enum ent_status
work(const struct db_config *config, uint64_t *ret_n)
{
    struct db *db = NULL;
    uint64_t random = 5;
    uint64_t n = 0;
    enum ent_status st = db_open_writer(config, &db);

    if (st == ENT_OK) {
        st = lab_read(db, &n);
    }
    while (st == ENT_OK && n < COMMITS) {
        st = lab_commit(db, n + 1, &random);
        n += st == ENT_OK;
        if (st == ENT_OK && n == COMMITS / 2) {
            st = db_checkpoint(db, DB_CHECKPOINT_TRUNCATE);
        }
    }
    if (st == ENT_OK) {
        st = db_checkpoint(db, DB_CHECKPOINT_PASSIVE);
    }
    *ret_n = n;
    db_close(db);
    return st;
}

/* One run with the fault at call `countdown`. False when it never struck. */
static bool
strike(struct lab *lab, const struct sim_image *start,
       const struct fault_kind *kind, uint32_t countdown)
{
    uint64_t acknowledged = 0;
    uint64_t n = 0;
    enum ent_status st;
    uint32_t struck;

    lab_store_store(lab, start);
    sim.fault_code = kind->code;
    sim.fault_is_short = kind->is_short;
    test_fault_init(&sim.fault, countdown, kind->repeat);
    st = work(&lab->config, &acknowledged);
    struck = sim.fault.struck;
    test_fault_init(&sim.fault, 0, 0);
    if (!is_named(st)) {
        fail_msg("%s at call %u: %s", kind->name, countdown,
                 ent_status_name(st));
    }
    assert_true(st != ENT_OK || acknowledged == COMMITS);
    st = lab_open_and_read(lab, &n);
    if (st != ENT_OK || n < acknowledged || n > acknowledged + 1) {
        fail_msg("%s at call %u: then %s, commit %llu of %llu", kind->name,
                 countdown, ent_status_name(st), (unsigned long long)n,
                 (unsigned long long)acknowledged);
    }
    return struck > 0;
}

static void
test_every_call_fails(void **state)
{
    struct sim_image start[SIM_FILES] = {{0}};
    struct lab lab;
    size_t k;

    (void)state;
    lab_init(&lab);
    lab_create(&lab);
    lab_load_store(&lab, start);
    lab.config.vfs = LAB_SIM_VFS;
    for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        uint32_t n = 0;

        while (strike(&lab, start, &kinds[k], n)) {
            n++;
            assert_true(n < CALLS_MAX);
        }
        printf("%s: %u calls\n", kinds[k].name, n);
        assert_true(n > 50);
    }
    lab_release(&lab);
    sim_image_release(&start[0]);
    sim_image_release(&start[1]);
}

/* A store whose making failed is not there; making it again works. */
static void
test_every_call_of_create_fails(void **state)
{
    struct db_config plain;
    struct lab lab;
    uint32_t n = 0;
    uint32_t struck = 1;

    (void)state;
    lab_init(&lab);
    plain = lab.config;
    lab.config.vfs = LAB_SIM_VFS;
    while (struck > 0) {
        struct db *db = NULL;
        enum ent_status st;

        sim.fault_code = SQLITE_FULL;
        sim.fault_is_short = false;
        test_fault_init(&sim.fault, n++, TEST_FAULT_FOR_EVER);
        st = db_create(&lab.config);
        struck = sim.fault.struck;
        test_fault_init(&sim.fault, 0, 0);
        assert_true(is_named(st));
        if (st != ENT_OK) {
            assert_int_equal(db_open_writer(&plain, &db), ENT_RULE_NOT_FOUND);
            continue;
        }
        assert_int_equal(db_open_writer(&plain, &db), ENT_OK);
        db_close(db);
        assert_int_equal(unlink(lab.path), 0);
    }
    printf("creating a store: %u calls\n", n - 1);
    assert_true(n > 10);
    lab_release(&lab);
}

/* Nobody knows what a failed sync has written: the connection is done. */
static void
test_no_more_transactions_after_a_failed_commit(void **state)
{
    uint64_t random = 1;
    struct lab lab;
    struct db *db;
    enum ent_status st;

    (void)state;
    lab_init(&lab);
    lab_create(&lab);
    lab.config.vfs = LAB_SIM_VFS;
    assert_int_equal(db_open_writer(&lab.config, &db), ENT_OK);
    assert_int_equal(lab_commit(db, 1, &random), ENT_OK);
    assert_int_equal(db_begin(db), ENT_OK);
    assert_int_equal(lab_run(db, LAB_SEAL, 2, 0, 0), ENT_OK);
    sim.fault_code = SQLITE_IOERR_WRITE;
    test_fault_init(&sim.fault, 0, 1);
    st = db_commit(db);
    test_fault_init(&sim.fault, 0, 0);
    assert_int_equal(st, ENT_SELF_IO);
    assert_false(db_is_in_transaction(db));
    assert_int_equal(db_begin(db), ENT_SELF_IO);
    assert_int_equal(db_checkpoint(db, DB_CHECKPOINT_PASSIVE), ENT_SELF_IO);
    db_close(db);
    lab_release(&lab);
}

static int
setup(void **state)
{
    (void)state;
    lab_register_sim();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_fails),
        cmocka_unit_test(test_every_call_of_create_fails),
        cmocka_unit_test(test_no_more_transactions_after_a_failed_commit),
    };

    lab_use_fast_disk();
    return cmocka_run_group_tests(tests, setup, NULL);
}
