/* labels: quick sim */
/* A backup is put back: nothing that a peer has is lost, nothing forks, and
 * the people go on writing. */
#include "sim/story.h"

static void
put_back(struct sim_world *world, unsigned node,
         const struct sim_backup *backup, enum sim_restore how)
{
    sim_node_stop(world, node);
    world->count.restores++;
    sim_disk_restore(world->nodes[node].disk, backup, how);
    world->nodes[node].ledgered = 0;
    sim_node_start(world, node);
    sim_check_restored(world, node);
}

/* Writes, is put back to before that, hears the others, writes again. */
static void
go_back(enum sim_restore how)
{
    struct sim_world *world = story_begin(3, "test_restore");
    struct sim_backup *backup = sim_disk_copy(world->nodes[0].disk);
    uint64_t all;
    unsigned i;

    for (i = 0; i < 5; i++) {
        sim_work_edit(world, 0);
    }
    sim_run_settle(world);
    all = story_entries(world, 1);
    put_back(world, 0, backup, how);
    if (how != SIM_RESTORE_SNAPSHOT) {
        sim_work_edit(world, 0); /* at once: the anchor told it */
        all++;
    }
    sim_run_settle(world);
    assert_int_equal(story_entries(world, 1), all);
    sim_work_edit(world, 0);
    sim_run_settle(world);
    assert_int_equal(story_entries(world, 1), all + 1);
    sim_backup_free(backup);
    story_end(world);
}

static void
test_the_store_alone(void **state)
{
    (void)state;
    go_back(SIM_RESTORE_STORE);
}

static void
test_the_whole_folder(void **state)
{
    (void)state;
    go_back(SIM_RESTORE_FOLDER);
}

static void
test_a_machine_put_back(void **state)
{
    (void)state;
    go_back(SIM_RESTORE_SNAPSHOT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_store_alone),
        cmocka_unit_test(test_the_whole_folder),
        cmocka_unit_test(test_a_machine_put_back),
    };

    sim_disk_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
