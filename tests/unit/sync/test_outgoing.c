/* What a session gives to its peer: push, credit, order. */
#include "unit/sync/solo.h"

static void
test_flood_of_wants(void **state)
{
    uint32_t first;

    (void)state;
    start_live();
    for (first = 0; first < ENT_WANTS_MAX; first += 4096) {
        want(first, 4096, 0);
        assert_null(find(ENT_FX_CLOSE));
    }
    want(0, 1, 5); /* one of them, further: no room needed */
    assert_null(find(ENT_FX_CLOSE));
    want(first, 1, 0);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_push_of_own_news(void **state)
{
    struct ent_head head = head_of(1, 3, true);
    struct msg_heads m;

    (void)state;
    start_live();
    moved(1);
    assert_non_null(find(ENT_FX_READ_CHANGES));
    answer_changes(0, 1, &head, 1, 500);
    assert_int_equal(msg_changes_decode(sent(ENT_MSG_CHANGES), &m), ENT_OK);
    assert_true(m.heads[0].is_coming);
    free(m.heads);
    assert_non_null(find(ENT_FX_READ_RUN));
    answer_run(1, 3, 500, 0);
    assert_true(sent(ENT_MSG_RUN).len > 500);
    ack(1, 1);
    assert_int_equal(the(ENT_FX_ACKED)->u.consumed.number, 1);
    /* Too long to be pushed unasked. */
    moved(2);
    head.seq = 9;
    answer_changes(1, 2, &head, 1, ENT_PUSH_MAX + 1);
    assert_int_equal(msg_changes_decode(sent(ENT_MSG_CHANGES), &m), ENT_OK);
    assert_false(m.heads[0].is_coming);
    free(m.heads);
    assert_null(find(ENT_FX_READ_RUN));
    /* Somebody else's entry among them: none is pushed. */
    moved(3);
    ack(2, 2);
    head.is_coming = false;
    answer_changes(2, 3, &head, 1, 500);
    assert_null(find(ENT_FX_READ_RUN));
}

static void
test_changes_for_others_are_passed_over(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    struct msg_heads m;

    (void)state;
    start_live();
    moved(5);
    answer_changes(0, 5, NULL, 0, 0);
    assert_int_equal(sent(ENT_MSG_CHANGES).len, 0);
    moved(6);
    assert_int_equal(the(ENT_FX_READ_CHANGES)->u.read_changes.after, 5);
    answer_changes(5, 6, &head, 1, 0);
    assert_int_equal(msg_changes_decode(sent(ENT_MSG_CHANGES), &m), ENT_OK);
    assert_int_equal(m.after, 0);
    assert_int_equal(m.upto, 6);
    free(m.heads);
}

/* The peer's window of unsettled CHANGES holds ours back. */
static void
test_changes_wait_for_the_peer(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    uint64_t i;

    (void)state;
    start_live();
    for (i = 0; i < ENT_CHANGES_OPEN_MAX; i++) {
        moved(i + 1);
        assert_non_null(find(ENT_FX_READ_CHANGES));
        answer_changes(i, i + 1, &head, 1, 0);
    }
    moved(i + 1);
    assert_null(find(ENT_FX_READ_CHANGES));
    ack(0, 1); /* settled, though it waits for something */
    assert_non_null(find(ENT_FX_READ_CHANGES));
    assert_null(find(ENT_FX_ACKED));
}

static void
test_reads_at_most_four(void **state)
{
    (void)state;
    start_live();
    grant(ENT_CREDIT_MAX);
    want(1, 6, 0);
    assert_int_equal(count(ENT_FX_READ_RUN), ENT_READS_OPEN_MAX);
    answer_run(2, 0, 100, 0);
    assert_int_equal(count(ENT_FX_READ_RUN), 1);
}

/* A want goes on where a run ended, and stays in line for credit. */
static void
test_long_log_and_short_credit(void **state)
{
    (void)state;
    start_live();
    want(1, 2, 9);
    assert_int_equal(count(ENT_FX_READ_RUN), 1); /* all credit reserved */
    assert_int_equal(the(ENT_FX_READ_RUN)->u.read_run.max_bytes,
                     ENT_CREDIT_START);
    answer_run(1, 4, 100000, 0);
    assert_int_equal(the(ENT_FX_READ_RUN)->u.read_run.from_seq, 5);
    answer_run(1, UINT64_MAX, 0, 300000); /* one run under one signature */
    assert_int_equal(sent(ENT_MSG_RUN).len, 0);
    assert_null(find(ENT_FX_READ_RUN)); /* log 2 does not overtake */
    grant(100000);
    assert_null(find(ENT_FX_READ_RUN));
    grant(100000);
    assert_int_equal(the(ENT_FX_READ_RUN)->u.read_run.from_seq, 5);
    answer_run(1, 9, 300000, 0);
    assert_true(sent(ENT_MSG_RUN).len > 300000);
}

static void
test_denied_run_is_said(void **state)
{
    struct msg_run m;

    (void)state;
    start_live();
    want(1, 1, 0);
    answer_run(1, UINT64_MAX, 0, 0);
    assert_int_equal(msg_run_decode(sent(ENT_MSG_RUN), &m), ENT_OK);
    assert_int_equal(m.run.len, 0);
    assert_int_equal(m.log.inc, 1);
}

/* We recover, and by our numbers the peer was rolled back: both know both,
 * and the smaller id (ours) goes first. */
static void
test_recovering_beside_a_rolled_back_peer(void **state)
{
    struct ent_session_config config = sample_config(false);
    struct msg_hello hello = peer_hello();

    (void)state;
    config.is_recovering = true;
    config.top = 3;
    config.knows_peer_store = true;
    memset(config.peer_store_id, 2, sizeof(config.peer_store_id));
    config.consumed = 5;
    hello.top = 2;
    start_callee(&config, &hello);
    assert_non_null(find(ENT_FX_READ_CHANGES));
    /* Beside one that is well, we take first. */
    hello.top = 6;
    start_callee(&config, &hello);
    assert_null(find(ENT_FX_READ_CHANGES));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flood_of_wants),
        TEST(test_push_of_own_news),
        TEST(test_changes_for_others_are_passed_over),
        TEST(test_changes_wait_for_the_peer),
        TEST(test_reads_at_most_four),
        TEST(test_long_log_and_short_credit),
        TEST(test_denied_run_is_said),
        TEST(test_recovering_beside_a_rolled_back_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
