/* What a session takes from its peer: bounds, cursor, deferral. */
#include "unit/sync/solo.h"

/* More than was granted, counted in bytes of runs. */
static void
test_flood_of_bytes(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    /* With the first WANT the window grows to hold a whole run. */
    assert_true(sent(ENT_MSG_GRANT).len > 0);
    run_of(ENT_RUN_BYTES_MAX);
    assert_non_null(find(ENT_FX_STORE_RUN));
    assert_int_equal(the(ENT_FX_STORE_RUN)->u.store_run.run.len,
                     ENT_RUN_BYTES_MAX);
    run_of(1);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_flood_of_unasked_runs(void **state)
{
    size_t i;

    (void)state;
    start_live();
    for (i = 0; i < ENT_PEER_REFUSED_MAX; i++) {
        run_of(10);
        stored(7, 0, 10, ENT_OK);
        assert_null(find(ENT_FX_CLOSE));
    }
    run_of(10);
    stored(7, 0, 10, ENT_OK);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_flood_of_changes(void **state)
{
    struct ent_head head = head_of(1, 0, false);
    uint64_t i;

    (void)state;
    start_live();
    for (i = 0; i < ENT_CHANGES_OPEN_MAX; i++) {
        changes(i, i + 1, &head, 1);
        assert_null(find(ENT_FX_CLOSE));
    }
    changes(i, i + 1, &head, 1);
    assert_closed(ENT_PEER_FLOOD);
}

static void
test_flood_of_heads(void **state)
{
    struct ent_head *heads = ent_alloc_zero(1500, sizeof(*heads));
    struct msg_heads m = {.is_last = true, .count = 1500, .heads = heads};
    struct ent_buf b = {0};

    (void)state;
    start_live();
    msg_heads_encode(&m, &b);
    message(ENT_MSG_HEADS, ent_buf_slice(&b));
    assert_non_null(find(ENT_FX_CHECK));
    message(ENT_MSG_HEADS, ent_buf_slice(&b)); /* unanswered: not granted */
    assert_closed(ENT_PEER_FLOOD);
    ent_buf_release(&b);
    free(heads);
}

/* No more is asked for at a time than one session keeps. */
static void
test_asked_at_most(void **state)
{
    struct ent_head *heads = ent_alloc_zero(4096, sizeof(*heads));
    struct ent_need *list = ent_alloc_zero(4096, sizeof(*list));
    size_t asked = 0;
    uint64_t round;
    size_t i;

    (void)state;
    start_live();
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 4096; i++) {
            uint32_t inc = (uint32_t)(round * 4096 + i);

            heads[i] = head_of(inc, 0, false);
            list[i] = (struct ent_need){.log = log_of(inc)};
        }
        changes(round, round + 1, heads, 4096);
        needs(the(ENT_FX_CHECK)->u.check.token, list, 4096);
        asked += sent(ENT_MSG_WANT).len > 0 ? 4096 : 0;
    }
    assert_int_equal(asked, ENT_ASKED_MAX);
    run_of(10);
    stored(0, 0, 10, ENT_OK);
    assert_true(sent(ENT_MSG_WANT).len > 0);
    free(heads);
    free(list);
}

static void
test_bad_run_closes_with_its_status(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_BAD_SIG);
    assert_closed(ENT_PEER_BAD_SIG);
    assert_string_equal(the(ENT_FX_CLOSE)->u.close.detail, "bad-signature");
}

static void
test_refused_run_is_noted_and_passed_over(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_FORK);
    assert_int_equal(the(ENT_FX_NOTE)->u.note.st, ENT_PEER_FORK);
    assert_int_equal(the(ENT_FX_CONSUMED)->u.consumed.number, 1);
    assert_true(sent(ENT_MSG_ACK).len > 0);
}

/* The cursor passes a CHANGES only when every earlier one is committed. */
static void
test_cursor_is_contiguous(void **state)
{
    (void)state;
    start_live();
    ask_one(0, 1, 1);
    ask_one(1, 2, 2);
    run_of(10);
    stored(2, 0, 10, ENT_OK);
    assert_null(find(ENT_FX_CONSUMED));
    run_of(10);
    stored(1, 0, 10, ENT_OK);
    assert_int_equal(count(ENT_FX_CONSUMED), 2);
}

static void
test_deferred_is_tried_again(void **state)
{
    struct ent_session_view view;

    (void)state;
    start_live();
    ask_one(0, 1, 1);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_UNKNOWN_AUTHOR);
    assert_int_equal(the(ENT_FX_NOTE)->u.note.st, ENT_PEER_UNKNOWN_AUTHOR);
    ent_session_view(session, &view);
    assert_int_equal(view.deferred_count, 1);
    tick(ENT_RETRY_MS - 1);
    assert_null(find(ENT_FX_CHECK));
    tick(1);
    assert_non_null(find(ENT_FX_CHECK));
    needs(the(ENT_FX_CHECK)->u.check.token,
          &(struct ent_need){.log = log_of(1)}, 1);
    assert_true(sent(ENT_MSG_WANT).len > 0);
    run_of(10);
    stored(1, UINT64_MAX, 10, ENT_PEER_UNKNOWN_AUTHOR);
    assert_null(find(ENT_FX_NOTE)); /* told once */
    step((struct ent_session_event){.type = ENT_EV_RETRY});
    assert_non_null(find(ENT_FX_CHECK));
    needs(the(ENT_FX_CHECK)->u.check.token, NULL, 0);
    assert_int_equal(the(ENT_FX_CONSUMED)->u.consumed.number, 1);
}

/* A CHANGES (or HEADS, when `upto` is 0) of `n` logs from `first` on, all of
 * them needed. */
static void
need_many(uint64_t upto, uint32_t first, size_t n)
{
    struct ent_head *heads = ent_alloc_zero(n, sizeof(*heads));
    struct ent_need *list = ent_alloc_zero(n, sizeof(*list));
    struct msg_heads m = {.count = n, .heads = heads};
    struct ent_buf b = {0};
    size_t i;

    for (i = 0; i < n; i++) {
        heads[i] = head_of(first + (uint32_t)i, 0, false);
        list[i] = (struct ent_need){.log = heads[i].log};
    }
    if (upto > 0) {
        changes(upto - 1, upto, heads, n);
    } else {
        msg_heads_encode(&m, &b);
        message_buf(ENT_MSG_HEADS, &b);
    }
    if (find(ENT_FX_CLOSE) == NULL) {
        needs(the(ENT_FX_CHECK)->u.check.token, list, n);
    }
    free(heads);
    free(list);
}

static void
defer_run(uint32_t inc)
{
    run_of(10);
    stored(inc, UINT64_MAX, 10, ENT_PEER_UNKNOWN_AUTHOR);
}

/* So many heads wait, and no more: the next is left to the repair. */
static void
test_deferred_at_most(void **state)
{
    struct ent_session_view view;
    uint32_t inc;

    (void)state;
    start_live();
    need_many(1, 0, 4096);
    need_many(2, 4096, 4096);
    for (inc = 0; inc < ENT_DEFERRED_MAX; inc++) {
        defer_run(inc);
        assert_null(find(ENT_FX_CLOSE));
    }
    need_many(3, inc, 1);
    defer_run(inc);
    assert_int_equal(the(ENT_FX_NOTE)->u.note.st, ENT_PEER_TOO_BIG);
    ent_session_view(session, &view);
    assert_int_equal(view.deferred_count, ENT_DEFERRED_MAX);
    assert_int_equal(view.consumed, 0);
    /* Tried again a message's worth at a time. */
    step((struct ent_session_event){.type = ENT_EV_RETRY});
    assert_int_equal(the(ENT_FX_CHECK)->u.check.count,
                     ENT_HEADS_PER_MESSAGE_MAX);
}

/* Heads that are answered give their credit back, so what bounds a peer that
 * names ever more of them is the number of items. */
static void
test_flood_of_items(void **state)
{
    uint32_t first;

    (void)state;
    start_live();
    for (first = 0; first < ENT_ITEMS_MAX; first += 2048) {
        need_many(0, first, 2048);
        assert_null(find(ENT_FX_CLOSE));
    }
    need_many(0, first, 1);
    assert_closed(ENT_PEER_FLOOD);
}

/* What the peer named is not told back to it; the oldest of that is forgotten
 * in the end. */
static void
test_known_heads_at_most(void **state)
{
    struct ent_head head = head_of(0, 0, false);

    (void)state;
    start_live();
    need_many(1, 0, ENT_KNOWN_MAX);
    moved(1);
    answer_changes(0, 1, &head, 1, 0);
    assert_int_equal(sent(ENT_MSG_CHANGES).len, 0);
    need_many(2, ENT_KNOWN_MAX, 1);
    moved(2);
    answer_changes(1, 2, &head, 1, 0);
    assert_true(sent(ENT_MSG_CHANGES).len > 0);
    moved(3);
    head = head_of(1, 0, false);
    head.id.b[0] = 1; /* the same number, another entry: a fork is told */
    answer_changes(2, 3, &head, 1, 0);
    assert_true(sent(ENT_MSG_CHANGES).len > 0);
}

/* While something is still to come and the store is idle, every byte that was
 * settled is granted again: the peer may wait for just these. */
static void
test_credit_comes_back_while_waiting(void **state)
{
    struct ent_head head = head_of(1, 5, false);
    struct ent_need need = {.log = log_of(1), .to_seq = 5};
    uint64_t bytes;

    (void)state;
    start_live();
    changes(0, 1, &head, 1);
    needs(the(ENT_FX_CHECK)->u.check.token, &need, 1);
    run_of(10);
    run_of(20);
    stored(1, 1, 10, ENT_OK);
    assert_int_equal(sent(ENT_MSG_GRANT).len, 0);
    stored(1, 2, 20, ENT_OK);
    assert_int_equal(msg_grant_decode(sent(ENT_MSG_GRANT), &bytes), ENT_OK);
    assert_int_equal(bytes, 30);
}

/* Stored while the check was on its way: only the rest is asked for. */
static void
test_needs_that_came_late(void **state)
{
    struct ent_head head = head_of(1, 5, false);
    struct ent_need need = {.log = log_of(1), .to_seq = 5};
    struct msg_want m;
    uint32_t token;

    (void)state;
    start_live();
    changes(0, 1, &head, 1);
    token = the(ENT_FX_CHECK)->u.check.token;
    run_of(10);
    stored(1, 2, 10, ENT_OK);
    needs(token, &need, 1);
    assert_int_equal(msg_want_decode(sent(ENT_MSG_WANT), &m), ENT_OK);
    assert_int_equal(m.needs[0].from_seq, 3);
    assert_int_equal(m.needs[0].to_seq, 5);
    free(m.needs);
}

/* A new try of what waits does not hold up what comes after it. */
static void
test_flow_goes_on_during_a_new_try(void **state)
{
    struct ent_head head = head_of(2, 0, false);
    struct msg_ack m;

    (void)state;
    start_live();
    ask_one(0, 1, 1);
    defer_run(1);
    assert_int_equal(msg_ack_decode(sent(ENT_MSG_ACK), &m), ENT_OK);
    assert_int_equal(m.consumed, 0);
    assert_int_equal(m.settled, 1);
    step((struct ent_session_event){.type = ENT_EV_RETRY});
    changes(1, 2, &head, 1);
    needs(the(ENT_FX_CHECK)->u.check.token, NULL, 0);
    assert_int_equal(msg_ack_decode(sent(ENT_MSG_ACK), &m), ENT_OK);
    assert_int_equal(m.consumed, 0);
    assert_int_equal(m.settled, 2);
}

/* A message full of heads of one log: each part is asked for once, and the
 * time this takes does not grow with the cube of their number (it would not
 * end within the test's). */
static void
test_many_heads_of_one_log(void **state)
{
    static struct ent_head heads[ENT_HEADS_PER_MESSAGE_MAX];
    static struct ent_need list[ENT_HEADS_PER_MESSAGE_MAX];
    struct msg_want m;
    uint64_t i;

    (void)state;
    start_live();
    for (i = 0; i < ENT_HEADS_PER_MESSAGE_MAX; i++) {
        heads[i] = head_of(1, i, false);
        list[i] = (struct ent_need){.log = log_of(1), .to_seq = i};
    }
    changes(0, 1, heads, ENT_HEADS_PER_MESSAGE_MAX);
    needs(the(ENT_FX_CHECK)->u.check.token, list, ENT_HEADS_PER_MESSAGE_MAX);
    assert_int_equal(msg_want_decode(sent(ENT_MSG_WANT), &m), ENT_OK);
    assert_int_equal(m.count, ENT_HEADS_PER_MESSAGE_MAX);
    for (i = 0; i < m.count; i++) {
        assert_true(m.needs[i].from_seq == i && m.needs[i].to_seq == i);
    }
    free(m.needs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flood_of_bytes),
        TEST(test_flood_of_unasked_runs),
        TEST(test_flood_of_changes),
        TEST(test_flood_of_heads),
        TEST(test_asked_at_most),
        TEST(test_bad_run_closes_with_its_status),
        TEST(test_refused_run_is_noted_and_passed_over),
        TEST(test_cursor_is_contiguous),
        TEST(test_deferred_is_tried_again),
        TEST(test_deferred_at_most),
        TEST(test_flood_of_items),
        TEST(test_known_heads_at_most),
        TEST(test_credit_comes_back_while_waiting),
        TEST(test_needs_that_came_late),
        TEST(test_flow_goes_on_during_a_new_try),
        TEST(test_many_heads_of_one_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
