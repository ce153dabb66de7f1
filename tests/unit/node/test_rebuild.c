/* Views are folded from facts: at any moment, also while keys are missing,
 * folding all anew gives what there was. */
#include "unit/node/nodes.h"

static uint64_t
count_unread(const struct node *n)
{
    return node_number(n, "SELECT count(*) FROM unread");
}

/* A newcomer takes the circle's past signature by signature: content comes
 * before the decision that brings its keys. */
static void
test_entries_before_their_keys(void **state)
{
    struct nodes w;
    struct ent_need need;
    struct ent_logkey log;
    struct node *from;
    struct node *to;
    uint64_t most = 0;
    uint64_t head;

    (void)state;
    nodes_init(&w, 2, 100);
    from = &w.n[0];
    to = &w.n[1];
    nodes_found(&w);
    node_write(&w, from, &w.circle, KIND_MEETING, 1, "before");
    node_write(&w, from, &w.circle, KIND_MEETING, 2, "before too");
    nodes_invite(&w, from, to, ENT_ROLE_MEMBER);
    assert_int_equal(node_role(from, &w.circle, &to->id), ENT_ROLE_MEMBER);
    log = (struct ent_logkey){.space = w.circle, .node = from->id};
    log.inc = (uint32_t)node_number(
        from, "SELECT l.inc FROM log l JOIN space s ON s.id = l.space"
              " WHERE s.kind = 2");
    head = node_number(from, "SELECT l.head_seq FROM log l JOIN space s"
                             " ON s.id = l.space WHERE s.kind = 2");
    for (need = (struct ent_need){.log = log}; need.from_seq <= head;) {
        struct ent_buf run;
        uint64_t at = UINT64_MAX;

        need.to_seq = need.from_seq;
        assert_true(node_read_run(from, to, &need, 1, &run));
        assert_int_equal(node_take(&w, to, ent_buf_slice(&run), &from->id, &at),
                         ENT_OK);
        ent_buf_release(&run);
        need.from_seq = at + 1;
        most = count_unread(to) > most ? count_unread(to) : most;
        node_assert_rebuilds(&w, to);
        node_assert_rebuilds(&w, to);
    }
    assert_int_equal(most, 2);
    assert_int_equal(count_unread(to), 0);
    node_assert_text(to, &w.circle, KIND_MEETING, 1, "before");
    node_assert_text(to, &w.circle, KIND_MEETING, 2, "before too");
    nodes_assert_converged(&w, &w.circle);
    nodes_release(&w);
}

/* The hash sees every view: each change in one changes it. */
static void
test_hash_sees_every_view(void **state)
{
    static const char *const changes[] = {
        "UPDATE member SET role = role + 1",
        "UPDATE card SET number = number + 1",
        "UPDATE epoch_key SET key = NULL",
        "UPDATE value SET val = x'01'",
        "DELETE FROM value",
        "INSERT INTO verdict VALUES(1, 0, 1)",
        "INSERT INTO waiting VALUES(1, 1, 1, x'00')",
        "UPDATE log SET applied_count = applied_count + 1",
        "INSERT INTO unread VALUES(1, 1)",
        "INSERT INTO strange VALUES(1, 0, 1, 1)",
    };
    struct nodes w;
    struct ent_id before;
    struct ent_id after;
    size_t i;

    (void)state;
    nodes_init(&w, 1, 101);
    nodes_found(&w);
    node_write(&w, &w.n[0], &w.circle, KIND_MEETING, 1, "said");
    store_view_hash(node_db(&w.n[0]), &before);
    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        node_begin(&w, &w.n[0]);
        assert_int_equal(db_exec(node_db(&w.n[0]), changes[i]), ENT_OK);
        store_view_hash(node_db(&w.n[0]), &after);
        assert_memory_not_equal(before.b, after.b, 32);
        engine_rebuild(w.n[0].engine, NULL, NULL); /* and is put right */
        store_view_hash(node_db(&w.n[0]), &after);
        assert_memory_equal(before.b, after.b, 32);
        node_commit(&w, &w.n[0]);
    }
    nodes_release(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_before_their_keys),
        cmocka_unit_test(test_hash_sees_every_view),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
