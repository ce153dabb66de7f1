/* When a session proves, and what it does not take for a proof. */
#include "unit/sync/solo.h"

static void
answer_proof(uint8_t sum, uint64_t top)
{
    struct ent_session_event event = {.type = ENT_EV_PROOF};

    event.u.proof.sum[0] = sum;
    event.u.proof.top = top;
    step(event);
}

static void
test_proof_is_void_when_something_moved(void **state)
{
    (void)state;
    start_live();
    assert_non_null(find(ENT_FX_READ_PROOF));
    moved(1);
    answer_changes(0, 1, NULL, 0, 0);
    answer_proof(1, 0);
    assert_int_equal(sent(ENT_MSG_PROOF).len, 0);
    tick(ENT_PROOF_GAP_MS);
    assert_non_null(find(ENT_FX_READ_PROOF));
    answer_proof(1, 2); /* read after a commit that we have not heard of */
    assert_int_equal(sent(ENT_MSG_PROOF).len, 0);
    tick(ENT_PROOF_GAP_MS);
    answer_proof(1, 1);
    assert_true(sent(ENT_MSG_PROOF).len > 0);
    /* Said again after a minute, not before. */
    tick(ENT_PROOF_MS - 1);
    assert_null(find(ENT_FX_READ_PROOF));
}

/* Our own value sent back does not pass for the peer's. */
static void
test_echoed_proof_is_not_equal(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    start_live();
    answer_proof(1, 0);
    ent_buf_put_slice(&b, sent(ENT_MSG_PROOF));
    assert_true(b.len > 0);
    message_buf(ENT_MSG_PROOF, &b);
    assert_null(find(ENT_FX_PROVED));
    assert_non_null(find(ENT_FX_READ_HEADS));
}

/* Numbers that do not meet: nothing is concluded either way. */
static void
test_proof_with_other_numbers_waits(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    struct msg_proof proof = {0};
    struct ent_session_view view;
    struct ent_buf b = {0};

    (void)state;
    start_live();
    moved(1);
    answer_changes(0, 1, &head, 1, 0);
    ack(1, 1);
    tick(ENT_PROOF_GAP_MS);
    answer_proof(1, 0);
    tick(ENT_PROOF_GAP_MS);
    answer_proof(1, 1);
    assert_true(sent(ENT_MSG_PROOF).len > 0);
    msg_proof_encode(&proof, &b); /* it had consumed nothing yet */
    message_buf(ENT_MSG_PROOF, &b);
    assert_int_equal(fx_count, 0);
    ent_session_view(session, &view);
    assert_true(view.is_quiet);
    assert_false(view.is_proved);
}

/* Rights may move what the proof is over without a new number. */
static void
test_proof_is_void_when_rights_moved(void **state)
{
    (void)state;
    start_live();
    assert_non_null(find(ENT_FX_READ_PROOF));
    moved(0);
    answer_proof(1, 0);
    assert_int_equal(sent(ENT_MSG_PROOF).len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_proof_is_void_when_something_moved),
        TEST(test_echoed_proof_is_not_equal),
        TEST(test_proof_with_other_numbers_waits),
        TEST(test_proof_is_void_when_rights_moved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
