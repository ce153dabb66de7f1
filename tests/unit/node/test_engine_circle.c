/* Invitation, motion, ballots, decision: who comes in, what newcomers read,
 * and what somebody who went gets no more. */
#include "unit/node/nodes.h"

static void
test_founding(void **state)
{
    struct nodes w;

    (void)state;
    nodes_init(&w, 1, 1);
    nodes_found(&w);
    assert_int_equal(node_role(&w.n[0], &w.circle, &w.n[0].id),
                     ENT_ROLE_MEMBER);
    node_write(&w, &w.n[0], &w.circle, KIND_MEETING, 1, "first");
    node_assert_text(&w.n[0], &w.circle, KIND_MEETING, 1, "first");
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
    node_write(&w, &w.n[0], &w.circle, KIND_MEETING, 1, "before all");
    nodes_invite(&w, &w.n[0], &w.n[1], ENT_ROLE_MEMBER);
    nodes_decide(&w);
    node_assert_text(&w.n[1], &w.circle, KIND_MEETING, 1, "before all");
    node_write(&w, &w.n[1], &w.circle, KIND_MEETING, 2, "by two");
    nodes_invite(&w, &w.n[1], &w.n[2], ENT_ROLE_MEMBER);
    nodes_decide(&w);
    node_assert_text(&w.n[2], &w.circle, KIND_MEETING, 1, "before all");
    node_assert_text(&w.n[2], &w.circle, KIND_MEETING, 2, "by two");
    nodes_assert_converged(&w, &w.circle);
    nodes_release(&w);
}

/* ---- the moderator ---- */

static void
test_moderator(void **state)
{
    struct nodes w;
    struct ent_op_motion motion = {.action = ENT_ACTION_REFRESH};
    struct ent_gov_motion m;
    struct ent_gov *gov;
    struct ent_id id;

    (void)state;
    nodes_init(&w, 3, 3);
    nodes_circle(&w, 2);
    assert_int_equal(node_role(&w.n[0], &w.circle, &w.n[2].id),
                     ENT_ROLE_MODERATOR);
    /* n counts structures only: two yes of two, none of the moderator's. */
    gov = engine_gov(w.n[2].engine, node_space(&w.n[2], &w.circle));
    node_begin(&w, &w.n[1]);
    assert_int_equal(engine_motion(w.n[1].engine,
                                   node_space(&w.n[1], &w.circle), &motion,
                                   &id),
                     ENT_OK);
    node_commit(&w, &w.n[1]);
    nodes_settle(&w);
    ent_gov_motion(gov, ent_gov_motion_count(gov) - 1, &m);
    assert_true(m.is_open);
    assert_int_equal(m.needed, 2);
    node_begin(&w, &w.n[2]);
    assert_int_equal(
        engine_vote(w.n[2].engine, node_space(&w.n[2], &w.circle), &m.id),
        ENT_RULE);
    node_commit(&w, &w.n[2]);
    nodes_release(&w);
}

/* What a space grants to whom is asked before anything is written. */
static enum ent_status
try_open(struct nodes *w, struct node *n, uint8_t kind,
         const struct engine_grant *grant)
{
    struct engine_space_spec spec = {
        .kind = kind,
        .circle = node_space(n, &w->circle),
        .name = "space",
        .grants = grant,
        .grant_count = 1,
    };
    uint64_t spaces = node_number(n, "SELECT count(*) FROM space");
    struct ent_id sid;
    uint64_t row;
    enum ent_status st;

    node_begin(w, n);
    st = engine_open_space(n->engine, &spec, &row, &sid);
    node_commit(w, n);
    if (st != ENT_OK) {
        assert_int_equal(node_number(n, "SELECT count(*) FROM space"), spaces);
    }
    return st;
}

static void
test_moderator_is_not_given_care_spaces(void **state)
{
    struct engine_grant grant = {.level = ENT_LEVEL_READER,
                                 .basis = ENT_BASIS_SAME_TEAM};
    struct nodes w;
    struct ent_id care;

    (void)state;
    nodes_init(&w, 3, 4);
    nodes_circle(&w, 2);
    grant.node = w.n[2].id;
    assert_int_equal(try_open(&w, &w.n[0], ENT_SPACE_CARE, &grant), ENT_RULE);
    grant.basis = ENT_BASIS_MODERATOR;
    assert_int_equal(try_open(&w, &w.n[0], ENT_SPACE_CARE, &grant), ENT_RULE);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 0x3, &care);
    node_begin(&w, &w.n[0]);
    assert_int_equal(
        engine_grant(w.n[0].engine, node_space(&w.n[0], &care), &grant, true),
        ENT_RULE);
    node_commit(&w, &w.n[0]);
    node_write(&w, &w.n[0], &care, KIND_CARE_CASE, 1, "identity");
    nodes_settle(&w);
    node_assert_text(&w.n[1], &care, KIND_CARE_CASE, 1, "identity");
    assert_int_equal(node_space(&w.n[2], &care), 0);
    assert_int_equal(try_open(&w, &w.n[0], ENT_SPACE_REVIEW, &grant), ENT_OK);
    grant.node.b[0] ^= 1; /* nobody that we know */
    assert_int_equal(try_open(&w, &w.n[0], ENT_SPACE_REVIEW, &grant),
                     ENT_RULE_NOT_FOUND);
    nodes_release(&w);
}

/* ---- going ---- */

static void
remove_node(struct nodes *w, struct node *by, struct node *subject)
{
    struct ent_op_motion motion = {.action = ENT_ACTION_REMOVE,
                                   .subject = subject->id,
                                   .text = ent_slice_str("gone")};
    uint64_t circle = node_space(by, &w->circle);
    struct ent_id id;

    node_begin(w, by);
    assert_int_equal(engine_motion(by->engine, circle, &motion, &id), ENT_OK);
    assert_int_equal(engine_vote(by->engine, circle, &id), ENT_OK);
    node_commit(w, by);
    nodes_decide(w);
}

/* Nothing of any space may go from `from` to `to`. */
static void
assert_gets_nothing(const struct node *from, const struct node *to,
                    const struct ent_id *sid)
{
    struct sync_peer peer = {.node = to->id};
    static const struct ent_key key = {{9}};
    struct ent_need need = {.log = {.space = *sid, .node = from->id}};
    struct sync_changes c;
    struct sync_proof proof;
    struct ent_buf run;
    struct ent_head *heads;
    size_t count;

    sync_read_changes(node_db(from), &peer, 0, 100, &c);
    assert_int_equal(c.count, 0);
    free(c.heads);
    heads = sync_read_heads(node_db(from), &peer, &count);
    assert_int_equal(count, 0);
    free(heads);
    sync_read_proof(node_db(from), &peer, &key, &proof);
    assert_int_equal(proof.head_count, 0);
    need.log.inc = (uint32_t)node_number(
        from, "SELECT l.inc FROM log l JOIN space s ON s.id = l.space"
              " WHERE s.kind = 4 ORDER BY l.id LIMIT 1");
    need.to_seq = 1000;
    assert_false(node_read_run(from, to, &need, 100000, &run));
    ent_buf_release(&run);
}

static void
test_removed_member_gets_nothing_new(void **state)
{
    struct nodes w;
    struct ent_id review;

    (void)state;
    nodes_init(&w, 4, 5);
    nodes_circle(&w, 3);
    node_open_space(&w, &w.n[0], ENT_SPACE_REVIEW, 0xf, &review);
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 1, "before");
    nodes_settle(&w);
    node_assert_text(&w.n[2], &review, KIND_CONCLUSION, 1, "before");
    remove_node(&w, &w.n[0], &w.n[2]);
    assert_int_equal(node_role(&w.n[1], &w.circle, &w.n[2].id), ENT_ROLE_NONE);
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 1, "after");
    node_write(&w, &w.n[1], &w.circle, KIND_MEETING, 1, "after");
    nodes_settle(&w);
    assert_gets_nothing(&w.n[0], &w.n[2], &review);
    assert_gets_nothing(&w.n[1], &w.n[2], &review);
    assert_gets_nothing(&w.n[3], &w.n[2], &review);
    node_assert_text(&w.n[2], &review, KIND_CONCLUSION, 1, "before");
    node_assert_text(&w.n[3], &review, KIND_CONCLUSION, 1, "after");
    nodes_release(&w);
}

static void
test_new_epochs_leave_the_removed_out(void **state)
{
    struct nodes w;
    struct ent_id review;
    struct ent_buf run;
    struct ent_need need = {.to_seq = 1000};
    struct log_row log;
    enum ent_status st;
    size_t i;

    (void)state;
    nodes_init(&w, 3, 6);
    nodes_circle(&w, SIZE_MAX);
    node_open_space(&w, &w.n[0], ENT_SPACE_REVIEW, 0x7, &review);
    nodes_settle(&w);
    remove_node(&w, &w.n[0], &w.n[2]);
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 1, "secret now");
    node_write(&w, &w.n[0], &w.circle, KIND_MEETING, 1, "secret now");
    nodes_settle(&w);
    node_assert_text(&w.n[1], &review, KIND_CONCLUSION, 1, "secret now");
    /* Even handed over by somebody careless, it stays closed. */
    for (i = 0; i < 2; i++) {
        const struct ent_id *sid = i == 0 ? &review : &w.circle;
        need.log = (struct ent_logkey){.space = *sid, .node = w.n[0].id};
        need.log.inc = (uint32_t)node_number(
            &w.n[0], i == 0 ? "SELECT inc FROM log l JOIN space s ON s.id ="
                              " l.space WHERE s.kind = 4 ORDER BY l.id"
                            : "SELECT inc FROM log l JOIN space s ON s.id ="
                              " l.space WHERE s.kind = 2 ORDER BY l.id");
        assert_true(row_log_find(node_db(&w.n[2]), node_space(&w.n[2], sid),
                                 node_row(&w.n[2], &w.n[0].id), need.log.inc,
                                 &log));
        need.from_seq = log.head_seq + 1;
        assert_true(node_read_run(&w.n[0], &w.n[1], &need, 100000, &run));
        st = node_take(&w, &w.n[2], ent_buf_slice(&run), &w.n[1].id, NULL);
        assert_int_equal(st, ENT_OK);
        ent_buf_release(&run);
        node_assert_text(&w.n[2], sid, i == 0 ? KIND_CONCLUSION : KIND_MEETING,
                         1, NULL);
    }
    nodes_release(&w);
}

/* ---- further structures in a space ---- */

static void
test_late_grant_brings_the_past(void **state)
{
    struct nodes w;
    struct ent_id care;
    struct engine_grant grant = {.level = ENT_LEVEL_READER,
                                 .basis = ENT_BASIS_CONSENT};

    (void)state;
    nodes_init(&w, 3, 7);
    nodes_circle(&w, SIZE_MAX);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 0x3, &care);
    node_write(&w, &w.n[0], &care, KIND_CARE_CASE, 1, "early");
    nodes_settle(&w);
    node_write(&w, &w.n[1], &care, KIND_CARE_CASE, 2, "by the other");
    nodes_settle(&w);
    assert_int_equal(node_space(&w.n[2], &care), 0);
    grant.node = w.n[2].id;
    node_begin(&w, &w.n[1]); /* not the opener */
    assert_int_equal(
        engine_grant(w.n[1].engine, node_space(&w.n[1], &care), &grant, true),
        ENT_PEER_NOT_ENTITLED);
    node_commit(&w, &w.n[1]);
    node_begin(&w, &w.n[0]);
    assert_int_equal(
        engine_grant(w.n[0].engine, node_space(&w.n[0], &care), &grant, true),
        ENT_OK);
    node_commit(&w, &w.n[0]);
    nodes_settle(&w);
    node_assert_text(&w.n[2], &care, KIND_CARE_CASE, 1, "early");
    node_assert_text(&w.n[2], &care, KIND_CARE_CASE, 2, "by the other");
    nodes_assert_converged(&w, &care);
    nodes_release(&w);
}

/* However little may be sent at a time, the first run that a newcomer gets is
 * one that names it: it would not take the space otherwise. */
static void
test_late_grant_behind_much_content(void **state)
{
    struct nodes w;
    struct ent_id care;
    struct engine_grant grant = {.level = ENT_LEVEL_READER,
                                 .basis = ENT_BASIS_CONSENT};
    struct ent_need need = {.to_seq = 1000};
    struct ent_buf run;
    char text[8000];
    unsigned i;

    (void)state;
    memset(text, 'z', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    nodes_init(&w, 3, 8);
    nodes_circle(&w, SIZE_MAX);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 0x3, &care);
    for (i = 0; i < 20; i++) {
        node_write(&w, &w.n[0], &care, KIND_CARE_CASE, (uint8_t)i, text);
    }
    grant.node = w.n[2].id;
    node_begin(&w, &w.n[0]);
    assert_int_equal(
        engine_grant(w.n[0].engine, node_space(&w.n[0], &care), &grant, true),
        ENT_OK);
    node_commit(&w, &w.n[0]);
    need.log = (struct ent_logkey){.space = care, .node = w.n[0].id};
    need.log.inc = (uint32_t)node_number(
        &w.n[0], "SELECT l.inc FROM log l JOIN space s ON s.id = l.space"
                 " WHERE s.kind = 3");
    assert_true(node_read_run(&w.n[0], &w.n[2], &need, 1000, &run));
    assert_int_equal(
        node_take(&w, &w.n[2], ent_buf_slice(&run), &w.n[0].id, NULL), ENT_OK);
    ent_buf_release(&run);
    /* Those who were named at once get it in small parts. */
    assert_true(node_read_run(&w.n[0], &w.n[1], &need, 1000, &run));
    assert_true(run.len < 4000);
    ent_buf_release(&run);
    nodes_settle(&w);
    nodes_assert_converged(&w, &care);
    nodes_release(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_founding),
        cmocka_unit_test(test_newcomer_reads_earlier_content),
        cmocka_unit_test(test_moderator),
        cmocka_unit_test(test_moderator_is_not_given_care_spaces),
        cmocka_unit_test(test_removed_member_gets_nothing_new),
        cmocka_unit_test(test_new_epochs_leave_the_removed_out),
        cmocka_unit_test(test_late_grant_brings_the_past),
        cmocka_unit_test(test_late_grant_behind_much_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
