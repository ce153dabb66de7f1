/* labels: quick sim */
/* The power goes: what was committed is there afterwards, and reaches the
 * others, whether or not anybody had heard of it. */
#include "sim/story.h"

static void
test_nobody_had_heard(void **state)
{
    struct sim_world *world = story_begin(3, "test_nobody_had_heard");
    uint64_t before = story_entries(world, 1);

    (void)state;
    sim_net_partition(world, 0x1); /* n0 is alone */
    sim_work_edit(world, 0);
    sim_work_edit(world, 0);
    sim_node_crash(world, 0);
    sim_world_advance(world, 5000);
    assert_int_equal(story_entries(world, 1), before);
    sim_node_start(world, 0);
    sim_net_partition(world, 0);
    sim_run_settle(world);
    assert_int_equal(story_entries(world, 1), before + 2);
    story_end(world);
}

static void
test_in_the_middle_of_a_commit(void **state)
{
    unsigned n;

    (void)state;
    for (n = 1; n < 12; n++) {
        struct sim_world *world = story_begin(2, "test_in_the_middle");

        sim_disk_arm(world->nodes[0].disk, n);
        sim_work_edit(world, 0);
        sim_work_edit(world, 0);
        if (world->nodes[0].engine == NULL) {
            assert_int_equal(world->count.crashes_in_commit, 1);
            sim_node_start(world, 0);
        }
        sim_work_edit(world, 0); /* and it goes on */
        story_end(world);
    }
}

static void
test_all_at_once(void **state)
{
    struct sim_world *world = story_begin(4, "test_all_at_once");
    unsigned i;

    (void)state;
    for (i = 0; i < 4; i++) {
        sim_work_edit(world, i);
        sim_world_advance(world, 20);
    }
    for (i = 0; i < 4; i++) {
        sim_node_crash(world, i);
    }
    story_end(world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_had_heard),
        cmocka_unit_test(test_in_the_middle_of_a_commit),
        cmocka_unit_test(test_all_at_once),
    };

    sim_disk_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
