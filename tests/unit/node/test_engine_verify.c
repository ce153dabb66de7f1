/* verify finds whatever was changed behind the engine's back. The tests change
 * the open store itself: on the disk no page could be changed unseen. */
#include "unit/node/nodes.h"

static struct nodes w;

static int
set_up(void **state)
{
    unsigned i;

    (void)state;
    nodes_init(&w, 2, 50);
    nodes_circle(&w, SIZE_MAX);
    for (i = 0; i < 4; i++) {
        node_write(&w, &w.n[i % 2], &w.circle, KIND_MEETING, 1, "said");
        nodes_settle(&w);
    }
    node_assert_verifies(&w.n[0]);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    nodes_release(&w);
    return 0;
}

/* Runs SQL at node 0 and returns what verify says first. */
static struct engine_verify
verify_after(const char *sql)
{
    struct engine_verify v;

    assert_int_equal(db_exec(node_db(&w.n[0]), sql), ENT_OK);
    store_verify(node_db(&w.n[0]), NULL, NULL, &v);
    assert_true(v.problem_count > 0);
    assert_true(strlen(v.problems[0]) > 20);
    return v;
}

static void
test_payload_byte(void **state)
{
    struct engine_verify v =
        verify_after("UPDATE entry SET payload = zeroblob(length(payload))"
                     " WHERE arrival = (SELECT max(arrival) FROM entry)");

    (void)state;
    assert_int_equal(v.problem_count, 1);
    assert_non_null(strstr(v.problems[0], "hash"));
}

static void
test_signature(void **state)
{
    struct engine_verify v =
        verify_after("UPDATE seal SET sig = zeroblob(64) WHERE seq ="
                     " (SELECT max(seq) FROM seal)");

    (void)state;
    assert_non_null(strstr(v.problems[0], "signature"));
}

static void
test_signature_of_another(void **state)
{
    (void)state;
    verify_after("UPDATE seal SET sig = (SELECT sig FROM seal ORDER BY log, seq"
                 " LIMIT 1) WHERE seq = (SELECT max(seq) FROM seal)");
}

static void
test_end_without_signature(void **state)
{
    struct engine_verify v = verify_after(
        "DELETE FROM seal WHERE seq = (SELECT head_seq FROM log WHERE id ="
        " log) AND log = 1");

    (void)state;
    assert_non_null(strstr(v.problems[0], "not signed"));
}

static void
test_entry_missing_inside(void **state)
{
    struct engine_verify v =
        verify_after("DELETE FROM entry WHERE seq = 1 AND log = 2");

    (void)state;
    assert_non_null(strstr(v.problems[0], "gap"));
}

static void
test_entry_missing_at_the_start(void **state)
{
    (void)state;
    verify_after("DELETE FROM entry WHERE seq = 0 AND log = 2");
}

static void
test_entry_missing_at_the_end(void **state)
{
    struct engine_verify v = verify_after(
        "DELETE FROM entry WHERE arrival = (SELECT max(arrival) FROM entry)");

    (void)state;
    assert_non_null(strstr(v.problems[0], "end"));
}

static void
test_log_missing(void **state)
{
    (void)state;
    verify_after("DELETE FROM entry WHERE log = (SELECT max(id) FROM log)");
}

static void
test_entry_of_another_number(void **state)
{
    (void)state;
    verify_after("UPDATE entry SET hlc = hlc + 1 WHERE seq = 2 AND log = 2");
}

static void
count_progress(void *arg, uint64_t done, uint64_t total)
{
    unsigned *calls = arg;

    assert_true(done <= total);
    ++*calls;
}

static void
test_progress(void **state)
{
    struct engine_verify v;
    unsigned calls = 0;
    unsigned i;

    (void)state;
    node_begin(&w, &w.n[0]);
    for (i = 0; i < 1100; i++) {
        assert_int_equal(
            node_put(&w.n[0], &w.circle, KIND_MEETING, 9, 2, "again"), ENT_OK);
    }
    node_commit(&w, &w.n[0]);
    store_verify(node_db(&w.n[0]), count_progress, &calls, &v);
    assert_int_equal(v.problem_count, 0);
    assert_true(calls >= 2);
    calls = 0;
    node_begin(&w, &w.n[0]);
    engine_rebuild(w.n[0].engine, count_progress, &calls);
    node_commit(&w, &w.n[0]);
    assert_true(calls >= 2);
    /* Signed in stretches that fit a run, and a peer takes them all. */
    nodes_settle(&w);
    nodes_assert_converged(&w, &w.circle);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_payload_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signature, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signature_of_another, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_end_without_signature, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_entry_missing_inside, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_entry_missing_at_the_start, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_entry_missing_at_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_log_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entry_of_another_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_progress, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
