/* Runs from peers: what is put off, what is refused, what is a fork; and that
 * no number and no depth that somebody else chooses can stop a node. */
#include "unit/node/forge.h"

static struct nodes w;

static int
set_up(void **state)
{
    (void)state;
    nodes_init(&w, 4, 20);
    nodes_circle(&w, 3);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    nodes_release(&w);
    return 0;
}

static uint64_t
entries_of(const struct node *n)
{
    return node_number(n, "SELECT count(*) FROM entry");
}

/* ---- put off ---- */

static void
test_gap(void **state)
{
    struct forge *f = forge_new(&w.n[1], &w.circle, 77);
    struct ent_buf first;
    struct ent_buf second;
    uint64_t head;

    (void)state;
    forge_seen(f, &w);
    forge_run(f, &first);
    forge_seen(f, &w);
    forge_run(f, &second);
    assert_int_equal(
        node_take(&w, &w.n[0], ent_buf_slice(&second), &w.n[1].id, &head),
        ENT_AGAIN);
    assert_true(head == UINT64_MAX);
    assert_int_equal(
        node_take(&w, &w.n[0], ent_buf_slice(&first), &w.n[1].id, &head),
        ENT_OK);
    assert_int_equal(head, 0);
    assert_int_equal(
        node_take(&w, &w.n[0], ent_buf_slice(&second), &w.n[1].id, &head),
        ENT_OK);
    assert_int_equal(head, 1);
    forge_seen(f, &w);
    forge_clear(f); /* one that never comes */
    forge_seen(f, &w);
    ent_buf_release(&first);
    forge_run(f, &first);
    assert_int_equal(
        node_take(&w, &w.n[0], ent_buf_slice(&first), &w.n[1].id, &head),
        ENT_AGAIN);
    assert_int_equal(head, 1);
    ent_buf_release(&first);
    ent_buf_release(&second);
    forge_free(f);
}

static void
test_unknown_space_and_author(void **state)
{
    struct ent_id nowhere = {{1, 2, 3}};
    struct forge *f = forge_new(&w.n[1], &nowhere, 1);
    struct node stranger = {.engine = NULL};
    uint64_t before = entries_of(&w.n[0]);

    (void)state;
    forge_seen(f, &w);
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]),
                     ENT_PEER_UNKNOWN_SPACE);
    forge_free(f);
    node_make(&w, &stranger, "stranger");
    f = forge_new(&stranger, &w.circle, 1);
    forge_seen(f, &w);
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]),
                     ENT_PEER_UNKNOWN_AUTHOR);
    forge_free(f);
    node_close(&stranger);
    assert_int_equal(entries_of(&w.n[0]), before);
}

/* ---- not for us ---- */

/* The first run of the node's own log in the newest space of a kind. */
static void
read_opening(const struct node *n, unsigned kind, struct ent_buf *out)
{
    struct stmt *s = db_prepare(
        node_db(n), "SELECT l.id FROM log l JOIN space s ON s.id = l.space"
                    " WHERE s.kind = ?1 AND l.node = ?2 ORDER BY l.id DESC");
    struct ent_need need = {.to_seq = 1000};
    struct log_row log;

    stmt_bind_u64(s, 1, kind);
    stmt_bind_u64(s, 2, node_row(n, &n->id));
    assert_true(row_log_get(node_db(n), store_number(s), &log));
    row_space_id(node_db(n), log.space, &need.log.space);
    need.log.node = n->id;
    need.log.inc = log.inc;
    assert_true(node_read_run(n, n, &need, 100000, out));
}

static enum ent_status
give_opening(const struct node *from, unsigned kind, struct node *to)
{
    struct ent_buf run;
    enum ent_status st;

    read_opening(from, kind, &run);
    st = node_take(&w, to, ent_buf_slice(&run), &from->id, NULL);
    ent_buf_release(&run);
    return st;
}

static void
test_spaces_not_for_us(void **state)
{
    struct engine_space_spec other = {.kind = ENT_SPACE_CIRCLE, .name = "x"};
    uint64_t spaces = node_number(&w.n[2], "SELECT count(*) FROM space");
    struct ent_id sid;
    uint64_t row;

    (void)state;
    assert_int_equal(give_opening(&w.n[0], ENT_SPACE_OWN, &w.n[2]),
                     ENT_PEER_NOT_ENTITLED);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 0x3, &sid);
    assert_int_equal(give_opening(&w.n[0], ENT_SPACE_CARE, &w.n[2]),
                     ENT_PEER_NOT_ENTITLED);
    assert_int_equal(give_opening(&w.n[0], ENT_SPACE_CARE, &w.n[3]),
                     ENT_PEER_NOT_ENTITLED);
    assert_int_equal(give_opening(&w.n[0], ENT_SPACE_CARE, &w.n[1]), ENT_OK);
    node_begin(&w, &w.n[1]);
    assert_int_equal(engine_open_space(w.n[1].engine, &other, &row, &sid),
                     ENT_OK);
    node_commit(&w, &w.n[1]);
    assert_int_equal(give_opening(&w.n[1], ENT_SPACE_CIRCLE, &w.n[2]),
                     ENT_PEER_NOT_ENTITLED);
    assert_int_equal(node_number(&w.n[2], "SELECT count(*) FROM space"),
                     spaces);
}

/* ---- forks ---- */

static void
test_fork(void **state)
{
    struct forge *f = forge_after(&w.n[1], &w.circle);
    struct forge *other = forge_after(&w.n[1], &w.circle);
    struct sync_peer peer = {.node = w.n[2].id};
    struct ent_head head = {.log = {w.circle, w.n[1].id, f->inc}};
    struct ent_need need;
    struct engine_verify v;
    struct ent_id ours;
    uint64_t before;

    (void)state;
    other->hlc += 5;
    ours = *forge_seen(f, &w);
    head.seq = f->seq - 1;
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
    head.id = *forge_seen(other, &w);
    before = entries_of(&w.n[0]);
    /* The same number with another id is asked for: it is the evidence. */
    assert_int_equal(sync_check(node_db(&w.n[0]), &peer, &head, 1, &need), 1);
    assert_int_equal(need.from_seq, head.seq);
    assert_int_equal(need.to_seq, head.seq);
    assert_int_equal(forge_give(other, &w, &w.n[0], &w.n[2]), ENT_PEER_FORK);
    assert_int_equal(entries_of(&w.n[0]), before);
    /* Known now, so it is not asked for again. */
    assert_int_equal(sync_check(node_db(&w.n[0]), &peer, &head, 1, &need), 0);
    head.id = ours;
    assert_int_equal(sync_check(node_db(&w.n[0]), &peer, &head, 1, &need), 0);
    /* The branch's next one does not follow ours either. */
    forge_seen(other, &w);
    assert_int_equal(forge_give(other, &w, &w.n[0], &w.n[2]), ENT_PEER_FORK);
    assert_int_equal(entries_of(&w.n[0]), before);
    forge_seen(f, &w); /* ours goes on */
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
    store_verify(node_db(&w.n[0]), NULL, NULL, &v);
    assert_int_equal(v.problem_count, 0);
    assert_true(v.forks > 0);
    node_assert_rebuilds(&w, &w.n[0]);
    forge_free(f);
    forge_free(other);
}

static void
test_fork_of_a_first_entry(void **state)
{
    struct forge *f = forge_new(&w.n[1], &w.circle, 91);
    struct forge *other = forge_new(&w.n[1], &w.circle, 91);

    (void)state;
    other->hlc += 5;
    forge_seen(f, &w);
    forge_seen(other, &w);
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
    assert_int_equal(forge_give(other, &w, &w.n[0], &w.n[1]), ENT_PEER_FORK);
    forge_free(f);
    forge_free(other);
}

/* ---- numbers and depths of others ---- */

static void
test_far_clocks(void **state)
{
    struct forge *f = forge_new(&w.n[1], &w.circle, 92);
    struct sync_peer peer = {.node = w.n[2].id};
    struct ent_need need = {.log = {w.circle, w.n[1].id, 92}, .to_seq = 9};
    struct ent_buf run;
    uint64_t last;
    uint64_t count;
    uint64_t oldest;

    (void)state;
    f->hlc = UINT64_MAX - 1; /* the last millisecond that there is */
    forge_seen(f, &w);
    f->hlc = 0;
    forge_seen(f, &w);
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
    ent_buf_init(&run, 0);
    sync_read_run(node_db(&w.n[0]), &peer, &need, 10000, &run, &last);
    assert_int_equal(last, 1);
    assert_int_equal(
        node_take(&w, &w.n[2], ent_buf_slice(&run), &w.n[0].id, NULL), ENT_OK);
    ent_buf_release(&run);
    sync_waiting(node_db(&w.n[0]), &w.n[2].id, 0, &count, &oldest);
    assert_true(count > 0);
    node_assert_verifies(&w.n[0]);
    node_assert_rebuilds(&w, &w.n[0]);
    node_close(&w.n[0]);
    node_open(&w, &w.n[0]);
    node_write(&w, &w.n[0], &w.circle, KIND_MEETING, 1, "time goes on");
    assert_true(w.n[0].engine->hlc >> 16 < NODES_START_MS + 1000000);
    forge_free(f);
}

static void
test_wild_numbers(void **state)
{
    struct sync_peer peer = {.node = w.n[1].id};
    struct ent_need need = {.log = {w.circle, w.n[0].id, 0}};
    struct sync_state kept = {.knows_peer_store = true};
    struct sync_changes c;
    struct ent_buf run;
    uint64_t count;
    uint64_t last;

    (void)state;
    need.log.inc = (uint32_t)node_number(
        &w.n[0], "SELECT inc FROM log WHERE space = 2 ORDER BY id");
    need.from_seq = UINT64_MAX - 1;
    need.to_seq = UINT64_MAX - 1;
    ent_buf_init(&run, 0);
    sync_read_run(node_db(&w.n[0]), &peer, &need, 1000, &run, &last);
    assert_int_equal(run.len, 0);
    need.from_seq = INT64_MAX - 5;
    sync_read_run(node_db(&w.n[0]), &peer, &need, 1000, &run, &last);
    assert_int_equal(run.len, 0);
    sync_read_changes(node_db(&w.n[0]), &peer, UINT64_MAX, 10, &c);
    assert_int_equal(c.count, 0);
    free(c.heads);
    kept.consumed = UINT64_MAX;
    kept.acked = UINT64_MAX;
    node_begin(&w, &w.n[0]);
    sync_state_write(node_db(&w.n[0]), &w.n[1].id, &kept);
    node_commit(&w, &w.n[0]);
    sync_state_read(node_db(&w.n[0]), &w.n[1].id, &kept);
    assert_true(kept.acked >= INT64_MAX);
    sync_waiting(node_db(&w.n[0]), &w.n[1].id, UINT64_MAX, &count, &last);
    assert_int_equal(count, 0);
}

/* Many deps make a run longer on the wire than in the store. */
static void
test_long_runs_of_deps(void **state)
{
    struct forge *f = forge_new(&w.n[1], &w.circle, 93);
    struct sync_peer peer = {.node = w.n[2].id};
    struct ent_need need = {.log = {w.circle, w.n[1].id, 93}, .to_seq = 5000};
    struct ent_id deps[ENT_DEPS_MAX] = {{{0}}};
    struct ent_buf run;
    uint64_t last;
    size_t i;

    (void)state;
    for (i = 0; i < ENT_DEPS_MAX; i++) {
        deps[i].b[0] = (uint8_t)(i + 1); /* nobody has them */
    }
    for (i = 0; i < ENT_RUN_ENTRIES_MAX; i++) {
        forge_cite(f, deps, ENT_DEPS_MAX);
        forge_seen(f, &w);
        if (i % 8 == 7) {
            assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
        }
    }
    ent_buf_init(&run, 0);
    sync_read_run(node_db(&w.n[0]), &peer, &need, ENT_RUN_BYTES_MAX, &run,
                  &last);
    assert_true(run.len > ENT_RUN_BYTES_MAX / 2);
    assert_true(run.len <= ENT_RUN_BYTES_MAX);
    ent_buf_release(&run);
    forge_free(f);
}

/* Ten thousand entries, each citing the one before it in the other log, that
 * all wait for one. */
#define DEEP 10000u

static void
test_deep_waiting(void **state)
{
    struct forge *root = forge_new(&w.n[2], &w.circle, 94);
    struct forge *a = forge_new(&w.n[1], &w.circle, 94);
    struct forge *b = forge_new(&w.n[3], &w.circle, 94);
    struct ent_id last = *forge_seen(root, &w);
    uint64_t before = node_number(&w.n[0], "SELECT count(*) FROM waiting");
    size_t i;

    (void)state;
    for (i = 0; i < DEEP; i++) {
        struct forge *f = i % 2 == 0 ? a : b;

        forge_cite(f, &last, 1);
        last = *forge_seen(f, &w);
        if (i % 1000 >= 998) {
            assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
        }
    }
    assert_int_equal(node_number(&w.n[0], "SELECT count(*) FROM waiting"),
                     before + DEEP);
    assert_int_equal(forge_give(root, &w, &w.n[0], &w.n[2]), ENT_OK);
    assert_int_equal(node_number(&w.n[0], "SELECT count(*) FROM waiting"),
                     before);
    node_assert_rebuilds(&w, &w.n[0]);
    forge_free(root);
    forge_free(a);
    forge_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_space_and_author, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_spaces_not_for_us, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_fork, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fork_of_a_first_entry, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_far_clocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wild_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_runs_of_deps, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_deep_waiting, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
