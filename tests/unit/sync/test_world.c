/*
 * Two sessions in a world of random interleavings: whatever is appended and
 * wherever the line is cut, both sides end proved equal, and never before.
 */
#include "unit/sync/world.h"

#define SEEDS 300

static void
append_something(struct world *w)
{
    struct world_side *side = &w->side[world_random(w, 2)];
    bool is_private = world_random(w, 5) == 0;
    unsigned space =
        is_private ? 3 + side->index : (unsigned)world_random(w, 3);
    struct ent_logkey key =
        world_key(space, side->index, 1 + (uint32_t)world_random(w, 4));
    size_t count = 1 + (size_t)world_random(w, 6);
    uint32_t len = (uint32_t)world_random(w, 3000);

    if (world_random(w, 12) == 0) {
        count = 1 + (size_t)world_random(w, 14);
        len = 32768; /* up to nearly a whole run under one signature */
    }
    if (world_log(side, &key)->count + count < WORLD_ENTRIES) {
        world_append(side, &key, count, len);
    }
}

static void
live(struct world *w, size_t turns)
{
    size_t i;

    for (i = 0; i < turns; i++) {
        if (world_random(w, 40) == 0) {
            append_something(w);
        }
        if (world_random(w, 200) == 0) {
            world_tick(w, 1000);
        }
        (void)world_turn(w);
        assert_false(w->side[0].is_closed);
        assert_false(w->side[1].is_closed);
    }
}

/* What the other side's entries wait for: told last of all. */
static void
open_gates(struct world *w)
{
    unsigned space;

    for (space = 0; space < 3; space++) {
        struct ent_logkey gate = world_key(space, 0, 1);

        world_append(&w->side[0], &gate, 1, 10);
    }
}

static void
run_seed(uint64_t seed)
{
    struct world *w = world_new(seed);
    size_t round;
    size_t i;

    w->side[0].is_shuffling = seed % 3 == 0;
    w->side[1].is_shuffling = seed % 3 == 0;
    w->side[0].page = (size_t)world_random(w, 4);
    w->side[1].page = (size_t)world_random(w, 4);
    w->side[1].has_gate = seed % 4 == 0;
    for (round = 0; round < 4; round++) {
        for (i = world_random(w, 30); i > 0; i--) {
            append_something(w);
        }
        world_connect(w, (unsigned)world_random(w, 2));
        live(w, (size_t)world_random(w, 600));
        world_disconnect(w);
    }
    if (w->side[1].has_gate) {
        open_gates(w);
    }
    world_connect(w, (unsigned)world_random(w, 2));
    live(w, 300);
    if (!world_settle(w, 200) || !world_is_equal(w)) {
        fail_msg("seed %u: not proved equal", (unsigned)seed);
    }
    assert_true(w->side[0].proved > 0 && w->side[1].proved > 0);
    world_free(w);
}

static void
test_seeds_end_proved_equal(void **state)
{
    uint64_t seed;

    (void)state;
    for (seed = 1; seed <= SEEDS; seed++) {
        run_seed(seed);
    }
}

static void
test_idle_reconnect_is_hello_and_proof(void **state)
{
    struct world *w = world_new(7);
    size_t i;
    size_t type;

    (void)state;
    live(w, 0);
    for (i = 0; i < 40; i++) {
        append_something(w);
    }
    world_connect(w, 0);
    assert_true(world_settle(w, 50));
    world_disconnect(w);
    world_connect(w, 1);
    assert_true(world_settle(w, 0));
    for (i = 0; i < 2; i++) {
        assert_int_equal(w->side[i].proved, 1);
        for (type = 0; type < 64; type++) {
            bool is_hello = type == ENT_MSG_HELLO && i == 0;

            assert_int_equal(w->side[i].sent[type],
                             is_hello || type == ENT_MSG_PROOF ? 1 : 0);
        }
    }
    assert_true(w->side[0].sent_bytes < 200);
    assert_true(w->side[1].sent_bytes < 100);
    world_free(w);
}

/* Appends `count` logs of one entry to a space. */
static void
append_logs(struct world_side *side, unsigned space, uint32_t count)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        struct ent_logkey key = world_key(space, side->index, 2 + i);

        world_append(side, &key, 1, 100);
    }
}

/* What an entry waits for is told more CHANGES later than may be open: the
 * flow goes on, the cursor waits, and all is stored in the end. */
static void
test_deferred_until_what_it_waits_for(void **state)
{
    struct world *w = world_new(3);
    struct ent_logkey gate = world_key(0, 0, 1);
    struct ent_session_view view;

    (void)state;
    w->side[1].has_gate = true;
    w->side[0].page = 1;
    append_logs(&w->side[0], 0, 12);
    world_connect(w, 0);
    assert_false(world_settle(w, 5));
    ent_session_view(w->side[1].session, &view);
    /* Some may be on a new try just now. */
    assert_int_equal(view.deferred_count + view.wanted_count, 12);
    assert_int_equal(view.consumed, 0);
    assert_false(view.is_quiet);
    assert_int_equal(w->side[1].notes, 12);
    world_append(&w->side[0], &gate, 1, 10);
    assert_true(world_settle(w, 5));
    assert_true(world_is_equal(w));
    ent_session_view(w->side[1].session, &view);
    assert_int_equal(view.deferred_count, 0);
    assert_int_equal(view.repairs, 0);
    world_free(w);
}

/* Cut while entries wait: the cursor did not pass them, so they come again. */
static void
test_deferred_is_told_again_after_a_cut(void **state)
{
    struct world *w = world_new(4);
    struct ent_logkey gate = world_key(0, 0, 1);

    (void)state;
    w->side[1].has_gate = true;
    append_logs(&w->side[0], 0, 5);
    world_connect(w, 0);
    assert_false(world_settle(w, 3));
    world_disconnect(w);
    assert_int_equal(w->side[1].config.consumed, 0);
    world_append(&w->side[0], &gate, 1, 10);
    world_connect(w, 1);
    assert_true(world_settle(w, 5));
    assert_true(world_is_equal(w));
    world_free(w);
}

static void
test_lost_item_is_healed_and_counted(void **state)
{
    struct world *w = world_new(5);
    struct ent_logkey lost = world_key(1, 0, 4);
    struct ent_session_view view;

    (void)state;
    w->side[0].hidden = &lost;
    append_logs(&w->side[0], 1, 8);
    append_logs(&w->side[1], 2, 5);
    world_connect(w, 0);
    assert_true(world_settle(w, 10));
    assert_true(world_is_equal(w));
    assert_int_equal(world_log(&w->side[1], &lost)->count, 1);
    ent_session_view(w->side[1].session, &view);
    assert_int_equal(view.repairs, 1);
    assert_int_equal(w->side[1].proved, 1);
    assert_true(w->side[0].sent[ENT_MSG_HEADS] >= 3);
    world_free(w);
}

/* A difference that nothing heals costs ever fewer repairs, and is never
 * called equal. */
static void
test_permanent_difference_backs_off(void **state)
{
    struct world *w = world_new(6);
    struct ent_logkey bad = world_key(0, 0, 2);
    struct ent_session_view view;

    (void)state;
    w->side[1].refused = &bad;
    append_logs(&w->side[0], 0, 3);
    world_connect(w, 0);
    assert_false(world_settle(w, 600));
    assert_int_equal(w->side[0].proved + w->side[1].proved, 0);
    assert_true(w->side[1].notes > 0);
    ent_session_view(w->side[1].session, &view);
    assert_false(view.is_proved);
    assert_true(view.repairs >= 5 && view.repairs <= 10);
    w->side[1].refused = NULL;
    assert_true(world_settle(w, 400));
    world_free(w);
}

/* A log that the sender may no longer send holds up nothing. */
static void
test_denied_log_is_dropped(void **state)
{
    struct world *w = world_new(8);
    struct ent_logkey gone = world_key(0, 0, 3);
    struct ent_session_view view;

    (void)state;
    w->side[0].denied = &gone;
    append_logs(&w->side[0], 0, 4);
    world_connect(w, 0);
    (void)world_settle(w, 1);
    ent_session_view(w->side[1].session, &view);
    assert_int_equal(view.wanted_count, 0);
    assert_int_equal(view.consumed, w->side[0].top);
    world_free(w);
}

static void
lose_store(struct world_side *side)
{
    side->log_count = 0;
    side->top = 0;
    world_new_store_id(side);
    side->config.knows_peer_store = false;
    side->config.consumed = 0;
    side->config.is_recovering = true;
}

/* A restored node takes everything first: it tells its peer nothing before,
 * and here nothing after, since the peer has it all. */
static void
test_restored_takes_before_it_serves(void **state)
{
    struct world *w = world_new(9);

    (void)state;
    append_logs(&w->side[0], 0, 6);
    append_logs(&w->side[1], 1, 6);
    append_logs(&w->side[0], 3, 2);
    world_connect(w, 0);
    assert_true(world_settle(w, 5));
    world_disconnect(w);
    lose_store(&w->side[1]);
    append_logs(&w->side[1], 2, 3);
    world_connect(w, 1);
    while (w->side[1].sent[ENT_MSG_CHANGES] == 0 && world_turn(w)) {
        assert_false(w->side[1].is_closed);
    }
    assert_int_equal(world_log(&w->side[1], &(struct ent_logkey){0})->count, 0);
    w->side[1].log_count--;
    assert_int_equal(w->side[1].log_count, 6 + 6 + 3);
    assert_true(world_settle(w, 5));
    assert_true(world_is_equal(w));
    world_free(w);
}

static void
test_both_restored_do_not_wait_for_each_other(void **state)
{
    unsigned caller;

    (void)state;
    for (caller = 0; caller < 2; caller++) {
        struct world *w = world_new(10);

        lose_store(&w->side[0]);
        lose_store(&w->side[1]);
        append_logs(&w->side[0], 0, 6);
        append_logs(&w->side[1], 1, 6);
        append_logs(&w->side[0], 3, 1);
        append_logs(&w->side[1], 4, 1);
        world_connect(w, caller);
        assert_true(world_settle(w, 5));
        assert_true(world_is_equal(w));
        world_free(w);
    }
}

/* Yesterday's copy under the same store id: HELLO shows it to both. */
static void
test_rolled_back_store_is_seen(void **state)
{
    struct world *w = world_new(11);
    struct world_side *copy = ent_alloc(sizeof(*copy));

    (void)state;
    append_logs(&w->side[0], 0, 3);
    world_connect(w, 0);
    assert_true(world_settle(w, 5));
    world_disconnect(w);
    memcpy(copy, &w->side[0], sizeof(*copy));
    append_logs(&w->side[0], 1, 3);
    append_logs(&w->side[1], 2, 3);
    world_connect(w, 0);
    assert_true(world_settle(w, 5));
    world_disconnect(w);
    memcpy(w->side[0].logs, copy->logs, sizeof(copy->logs));
    w->side[0].log_count = copy->log_count;
    w->side[0].top = copy->top;
    w->side[0].config.consumed = copy->config.consumed;
    world_connect(w, 1);
    assert_true(world_settle(w, 5));
    assert_int_equal(w->side[0].rolled_back, 1);
    assert_int_equal(w->side[1].rolled_back, 0);
    assert_true(world_is_equal(w));
    free(copy);
    world_free(w);
}

/* One new entry of a few bytes: pushed, acknowledged, proved; nothing asked
 * and nothing told back. */
static void
test_one_change_is_pushed(void **state)
{
    struct world *w = world_new(12);
    size_t type;

    (void)state;
    append_logs(&w->side[0], 0, 1);
    world_connect(w, 0);
    assert_true(world_settle(w, 5));
    world_tick(w, 1000);
    memset(w->side[0].sent, 0, sizeof(w->side[0].sent));
    memset(w->side[1].sent, 0, sizeof(w->side[1].sent));
    append_logs(&w->side[0], 0, 1);
    assert_true(world_settle(w, 5));
    for (type = 0; type < 64; type++) {
        bool is_told = type == ENT_MSG_CHANGES || type == ENT_MSG_RUN ||
                       type == ENT_MSG_PROOF;
        bool is_answered = type == ENT_MSG_ACK;

        assert_int_equal(w->side[0].sent[type], is_told ? 1 : 0);
        assert_true(type == ENT_MSG_PROOF
                        ? w->side[1].sent[type] <= 2
                        : w->side[1].sent[type] == (is_answered ? 1u : 0u));
    }
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_reconnect_is_hello_and_proof),
        cmocka_unit_test(test_one_change_is_pushed),
        cmocka_unit_test(test_deferred_until_what_it_waits_for),
        cmocka_unit_test(test_deferred_is_told_again_after_a_cut),
        cmocka_unit_test(test_lost_item_is_healed_and_counted),
        cmocka_unit_test(test_permanent_difference_backs_off),
        cmocka_unit_test(test_denied_log_is_dropped),
        cmocka_unit_test(test_restored_takes_before_it_serves),
        cmocka_unit_test(test_both_restored_do_not_wait_for_each_other),
        cmocka_unit_test(test_rolled_back_store_is_seen),
        cmocka_unit_test(test_seeds_end_proved_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
