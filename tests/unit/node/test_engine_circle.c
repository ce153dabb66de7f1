/* Invitation, motion, ballots, decision: who comes in, what newcomers read,
 * and what somebody who went gets no more. */
#include "unit/node/nodes.h"

#define MEETING KIND_MEETING

static void
test_founding(void **state)
{
    struct nodes w;

    (void)state;
    nodes_init(&w, 1, 1);
    nodes_found(&w);
    assert_int_equal(node_role(&w.n[0], &w.circle, &w.n[0].id),
                     ENT_ROLE_MEMBER);
    node_write(&w, &w.n[0], &w.circle, MEETING, 1, "first");
    node_assert_text(&w.n[0], &w.circle, MEETING, 1, "first");
    node_assert_verifies(&w.n[0]);
    node_assert_rebuilds(&w, &w.n[0]);
    nodes_release(&w);
}

static void
test_newcomer_reads_earlier_content(void **state)
{
    struct nodes w;

    (void)state;
    nodes_init(&w, 3, 2);
    nodes_found(&w);
    node_write(&w, &w.n[0], &w.circle, MEETING, 1, "before all");
    nodes_invite(&w, &w.n[0], &w.n[1], ENT_ROLE_MEMBER);
    nodes_decide(&w);
    node_assert_text(&w.n[1], &w.circle, MEETING, 1, "before all");
    node_write(&w, &w.n[1], &w.circle, MEETING, 2, "by two");
    nodes_invite(&w, &w.n[1], &w.n[2], ENT_ROLE_MEMBER);
    nodes_decide(&w);
    node_assert_text(&w.n[2], &w.circle, MEETING, 1, "before all");
    node_assert_text(&w.n[2], &w.circle, MEETING, 2, "by two");
    nodes_assert_converged(&w, &w.circle);
    nodes_release(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_founding),
        cmocka_unit_test(test_newcomer_reads_earlier_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
