/* More spaces in one transaction than are kept in memory. */
#include "unit/node/nodes.h"

#define SPACES 300u /* over SPACES_CACHED */

/* Opening a space looks at its circle: neither may push the other out while
 * it is looked at. */
static void
test_many_spaces_at_once(void **state)
{
    struct engine_space_spec spec = {.kind = ENT_SPACE_CARE, .name = "space"};
    struct nodes w;
    struct ent_id sid;
    uint64_t row;
    size_t i;

    (void)state;
    nodes_init(&w, 1, 11);
    nodes_found(&w);
    spec.circle = node_space(&w.n[0], &w.circle);
    node_begin(&w, &w.n[0]);
    for (i = 0; i < SPACES; i++) {
        assert_int_equal(engine_open_space(w.n[0].engine, &spec, &row, &sid),
                         ENT_OK);
    }
    node_commit(&w, &w.n[0]);
    node_write(&w, &w.n[0], &sid, KIND_CARE_NOTE, 1, "in the last");
    node_assert_text(&w.n[0], &sid, KIND_CARE_NOTE, 1, "in the last");
    node_assert_verifies(&w.n[0]);
    node_assert_rebuilds(&w, &w.n[0]);
    nodes_release(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_spaces_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
