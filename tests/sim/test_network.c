/* labels: quick sim */
/* The network breaks in parts; clocks are wrong. All of it heals. */
#include "sim/story.h"

#define YEAR_MS (365ll * 24 * 3600 * 1000)

static void
test_two_halves_write(void **state)
{
    struct sim_world *world = story_begin(4, "test_two_halves_write");
    unsigned i;

    (void)state;
    sim_net_partition(world, 0x3);
    for (i = 0; i < 4; i++) {
        sim_work_edit(world, i);
        sim_world_advance(world, 1000);
    }
    assert_false(sim_check_is_settled(world));
    sim_net_partition(world, 0);
    sim_run_settle(world);
    story_end(world);
}

/* One end hears nothing; after 90 seconds of silence it hangs up. */
static void
test_half_open(void **state)
{
    struct sim_world *world = story_begin(2, "test_half_open");
    uint64_t sessions = world->count.sessions;

    (void)state;
    assert_non_null(world->conns);
    world->conns->is_deaf[0] = true;
    world->conns->is_deaf[1] = true;
    sim_work_edit(world, 0);
    sim_world_advance(world, 60000);
    assert_int_equal(world->count.sessions, sessions);
    sim_run_settle(world);
    assert_true(world->count.sessions > sessions);
    story_end(world);
}

static void
test_clocks_ten_years_off(void **state)
{
    struct sim_world *world = story_begin(3, "test_clocks_ten_years_off");
    uint64_t writes = world->count.writes;
    uint64_t refused = world->count.refused;
    unsigned i;

    (void)state;
    world->nodes[0].clock_off_ms = -10 * YEAR_MS;
    world->nodes[1].clock_off_ms = 10 * YEAR_MS;
    for (i = 0; i < 3; i++) {
        sim_work_edit(world, i);
        sim_world_advance(world, 1000);
    }
    assert_int_equal(world->count.writes, writes + 3);
    assert_int_equal(world->count.refused, refused);
    sim_run_settle(world);
    story_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_halves_write),
        cmocka_unit_test(test_half_open),
        cmocka_unit_test(test_clocks_ten_years_off),
    };

    sim_disk_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
