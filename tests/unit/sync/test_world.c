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

static void
run_seed(uint64_t seed)
{
    struct world *w = world_new(seed);
    size_t round;
    size_t i;

    w->side[0].is_shuffling = seed % 3 == 0;
    w->side[1].is_shuffling = seed % 3 == 0;
    for (round = 0; round < 4; round++) {
        for (i = world_random(w, 30); i > 0; i--) {
            append_something(w);
        }
        world_connect(w, (unsigned)world_random(w, 2));
        live(w, (size_t)world_random(w, 600));
        world_disconnect(w);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_reconnect_is_hello_and_proof),
        cmocka_unit_test(test_seeds_end_proved_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
