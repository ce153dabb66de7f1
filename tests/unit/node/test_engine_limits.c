/* What our own writing does at its limits: many heads to cite, much to say,
 * keys that run out of room. */
#include "unit/node/forge.h"

static struct nodes w;

static int
set_up(void **state)
{
    (void)state;
    nodes_init(&w, 2, 60);
    nodes_circle(&w, SIZE_MAX);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    nodes_release(&w);
    return 0;
}

/* The head of node 0's log in the circle, for others to cite. */
static void
circle_head(struct ent_id *ret_id)
{
    struct stmt *s =
        db_prepare(node_db(&w.n[0]), "SELECT head_id FROM log WHERE space = ?1"
                                     " AND node = ?2");

    stmt_bind_u64(s, 1, node_space(&w.n[0], &w.circle));
    stmt_bind_u64(s, 2, node_row(&w.n[0], &w.n[0].id));
    assert_true(store_find(s));
    stmt_col_id(s, 0, ret_id);
    stmt_reset(s);
}

static uint64_t
uncited(const struct node *n)
{
    struct stmt *s =
        db_prepare(node_db(n), "SELECT count(*) FROM log WHERE space = ?1"
                               " AND node != ?2 AND applied_count > cited");

    stmt_bind_u64(s, 1, node_space(n, &w.circle));
    stmt_bind_u64(s, 2, node_row(n, &n->id));
    return store_number(s);
}

#define LOGS 40u

/* Forty logs end where nobody has cited them: empty entries cite sixteen each
 * before the one that says something, and then all is cited. */
static void
test_many_heads(void **state)
{
    struct ent_id head;
    uint64_t before;
    uint32_t i;

    (void)state;
    circle_head(&head);
    for (i = 0; i < LOGS; i++) {
        struct forge *f = forge_new(&w.n[1], &w.circle, 1000 + i);

        forge_cite(f, &head, 1);
        forge_seen(f, &w);
        assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
        forge_free(f);
    }
    assert_true(uncited(&w.n[0]) >= LOGS);
    before = node_number(&w.n[0], "SELECT count(*) FROM entry");
    node_write(&w, &w.n[0], &w.circle, KIND_MEETING, 1, "after all of them");
    assert_int_equal(node_number(&w.n[0], "SELECT count(*) FROM entry"),
                     before + 3);
    assert_int_equal(uncited(&w.n[0]), 0);
    assert_int_equal(
        node_number(&w.n[0], "SELECT max(length(deps)) FROM entry"),
        32 * ENT_DEPS_MAX);
    nodes_settle(&w);
    nodes_assert_converged(&w, &w.circle);
    node_assert_text(&w.n[1], &w.circle, KIND_MEETING, 1, "after all of them");
    node_assert_verifies(&w.n[1]);
    node_assert_rebuilds(&w, &w.n[1]);
}

static uint64_t
rows_of(const struct node *n)
{
    return node_number(n, "SELECT (SELECT count(*) FROM entry)"
                          " + (SELECT count(*) FROM log)"
                          " + (SELECT count(*) FROM value)");
}

/* What does not fit is refused, and nothing of it is written; what just fits
 * goes through, to others too. */
static void
test_too_much_in_one_entry(void **state)
{
    struct node *n = &w.n[0];
    uint64_t before = rows_of(n);
    char *text = ent_alloc(ENT_PAYLOAD_MAX + 1);
    size_t fits = 0;
    size_t len;

    (void)state;
    memset(text, 'x', ENT_PAYLOAD_MAX);
    text[ENT_PAYLOAD_MAX] = '\0';
    for (len = ENT_PAYLOAD_MAX; len > 1000 && fits == 0; len -= 400) {
        enum ent_status st;

        text[len] = '\0';
        node_begin(&w, n);
        st = node_put(n, &w.circle, KIND_MEETING, 1, 2, text);
        node_commit(&w, n);
        if (st == ENT_OK) {
            fits = len;
        } else {
            assert_int_equal(st, ENT_PEER_TOO_BIG);
            assert_int_equal(rows_of(n), before);
        }
    }
    assert_true(fits > ENT_TEXT_MAX);
    nodes_settle(&w);
    nodes_assert_converged(&w, &w.circle);
    node_assert_verifies(&w.n[1]);
    free(text);
}

/* Much in one commit is signed in stretches that fit a run. */
static void
test_large_commit(void **state)
{
    struct node *n = &w.n[0];
    struct sync_peer peer = {.node = w.n[1].id};
    struct ent_need need = {.log = {w.circle, n->id, 0}, .to_seq = 10000};
    char text[ENT_TEXT_MAX / 2];
    struct ent_buf run;
    uint64_t last;
    unsigned i;

    (void)state;
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    node_begin(&w, n);
    for (i = 0; i < 100; i++) {
        assert_int_equal(
            node_put(n, &w.circle, KIND_MEETING, (uint8_t)i, 2, text), ENT_OK);
    }
    assert_true(engine_batch_bytes(n->engine) > 100 * sizeof(text));
    assert_int_equal(engine_batch_entries(n->engine), 100);
    node_commit(&w, n);
    need.log.inc = (uint32_t)node_number(
        n, "SELECT l.inc FROM log l JOIN space s ON s.id = l.space"
           " WHERE s.kind = 2 ORDER BY l.id");
    ent_buf_init(&run, 0);
    sync_read_run(node_db(n), &peer, &need, 1, &run, &last);
    assert_true(run.len > 0 && run.len < ENT_CREDIT_START);
    ent_buf_clear(&run);
    need.from_seq = last + 1;
    sync_read_run(node_db(n), &peer, &need, 1, &run, &last);
    assert_true(run.len > 0 && run.len < ENT_CREDIT_START);
    ent_buf_release(&run);
    nodes_settle(&w);
    nodes_assert_converged(&w, &w.circle);
}

/* Content cannot be written where we may not. */
static void
test_no_right_to_write(void **state)
{
    struct ent_id care;
    struct engine_draft draft;
    struct ent_op op = {.type = ENT_OP_LEAVE, .is_critical = true};
    struct ent_id id;
    uint64_t before;

    (void)state;
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 0x3, &care);
    nodes_settle(&w);
    node_begin(&w, &w.n[1]); /* leaves */
    engine_draft_init(&draft, node_space(&w.n[1], &care), ENT_CLASS_CONTROL);
    ent_op_put(&draft.ops, &op);
    draft.op_count = 1;
    assert_int_equal(engine_author(w.n[1].engine, &draft, &id), ENT_OK);
    engine_draft_release(&draft);
    node_commit(&w, &w.n[1]);
    before = rows_of(&w.n[1]);
    node_begin(&w, &w.n[1]);
    assert_int_equal(node_put(&w.n[1], &care, KIND_CARE_CASE, 1, 2, "too late"),
                     ENT_PEER_NOT_ENTITLED);
    node_commit(&w, &w.n[1]);
    assert_int_equal(rows_of(&w.n[1]), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_heads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_much_in_one_entry, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_large_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_right_to_write, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
