/* What a session is told: never of a space that the peer is not named in,
 * changes after a cursor, runs that end at signatures, proofs that agree. */
#include "unit/node/nodes.h"

static struct nodes w;
static struct ent_id care; /* of nodes 0 and 1; node 3 is the moderator */
static struct ent_id review;
static const struct ent_key pair = {{3}};

static int
set_up(void **state)
{
    (void)state;
    nodes_init(&w, 4, 70);
    nodes_circle(&w, 3);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 0x3, &care);
    node_open_space(&w, &w.n[0], ENT_SPACE_REVIEW, 0xf, &review);
    node_write(&w, &w.n[0], &care, KIND_CARE_CASE, 1, "of the case");
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 1, "of the review");
    nodes_settle(&w);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    nodes_release(&w);
    return 0;
}

/* Is the space among what `from` would tell this peer, by any of the calls? */
static bool
is_told(const struct node *from, const struct sync_peer *peer,
        const struct ent_id *sid)
{
    struct sync_changes c;
    struct ent_head *heads;
    size_t count;
    bool in_changes = false;
    bool in_heads = false;
    bool in_runs = false;
    struct stmt *s;
    size_t i;

    sync_read_changes(node_db(from), peer, 0, 100, &c);
    for (i = 0; i < c.count; i++) {
        in_changes = in_changes || ent_id_eq(&c.heads[i].log.space, sid);
    }
    free(c.heads);
    heads = sync_read_heads(node_db(from), peer, &count);
    for (i = 0; i < count; i++) {
        in_heads = in_heads || ent_id_eq(&heads[i].log.space, sid);
    }
    free(heads);
    s = db_prepare(node_db(from),
                   "SELECT n.key, l.inc FROM log l JOIN node n ON n.id ="
                   " l.node WHERE l.space = ?1 AND l.head_seq IS NOT NULL");
    stmt_bind_u64(s, 1, node_space(from, sid));
    while (store_next(s)) {
        struct ent_need need = {.log = {.space = *sid}, .to_seq = 100};
        struct ent_buf run;
        uint64_t last;

        stmt_col_id(s, 0, &need.log.node);
        need.log.inc = (uint32_t)stmt_col_u64(s, 1);
        ent_buf_init(&run, 0);
        sync_read_run(node_db(from), peer, &need, 100000, &run, &last);
        in_runs = in_runs || run.len > 0;
        assert_int_equal(run.len > 0, last != UINT64_MAX);
        ent_buf_release(&run);
    }
    assert_true(in_changes == in_heads && in_heads == in_runs);
    return in_runs;
}

static void
test_senders_check(void **state)
{
    struct ent_id own;
    struct sync_peer peer = {0};
    size_t i;

    (void)state;
    row_space_id(node_db(&w.n[0]), w.n[0].engine->own_space, &own);
    for (i = 1; i < 4; i++) {
        peer.node = w.n[i].id;
        assert_false(is_told(&w.n[0], &peer, &own));
        assert_int_equal(is_told(&w.n[0], &peer, &care), i == 1);
        assert_true(is_told(&w.n[0], &peer, &review));
        assert_true(is_told(&w.n[0], &peer, &w.circle));
    }
    peer.node.b[0] ^= 1; /* nobody */
    assert_false(is_told(&w.n[0], &peer, &w.circle));
    assert_false(is_told(&w.n[0], &peer, &review));
    assert_false(is_told(&w.n[0], &peer, &care));
    assert_false(is_told(&w.n[0], &peer, &own));
}

static void
test_limited_links(void **state)
{
    struct sync_peer peer = {.node = w.n[1].id, .is_limited = true};
    struct sync_proof limited;
    struct sync_proof full;

    (void)state;
    assert_true(is_told(&w.n[0], &peer, &w.circle));
    assert_false(is_told(&w.n[0], &peer, &care));
    assert_false(is_told(&w.n[0], &peer, &review));
    sync_read_proof(node_db(&w.n[0]), &peer, &pair, &limited);
    peer.is_limited = false;
    sync_read_proof(node_db(&w.n[0]), &peer, &pair, &full);
    assert_true(limited.head_count > 0);
    assert_true(limited.head_count < full.head_count);
    assert_memory_not_equal(limited.spaces, full.spaces, 16);
}

/* The proof of a pair speaks of what the two have in common, no more: what
 * happens elsewhere does not change it. */
static void
test_proof_speaks_of_common_spaces(void **state)
{
    struct sync_peer peer = {.node = w.n[3].id};
    struct sync_proof before;
    struct sync_proof after;
    struct ent_key other = pair;

    (void)state;
    sync_read_proof(node_db(&w.n[0]), &peer, &pair, &before);
    node_write(&w, &w.n[0], &care, KIND_CARE_CASE, 1, "elsewhere");
    sync_read_proof(node_db(&w.n[0]), &peer, &pair, &after);
    assert_memory_equal(before.sum, after.sum, 16);
    assert_memory_equal(before.spaces, after.spaces, 16);
    assert_int_equal(before.head_count, after.head_count);
    assert_true(after.top > before.top);
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 1, "in common");
    sync_read_proof(node_db(&w.n[0]), &peer, &pair, &after);
    assert_memory_not_equal(before.sum, after.sum, 16);
    assert_memory_equal(before.spaces, after.spaces, 16);
    other.b[5] ^= 1;
    sync_read_proof(node_db(&w.n[0]), &peer, &other, &before);
    assert_memory_not_equal(before.sum, after.sum, 16);
    assert_memory_not_equal(before.spaces, after.spaces, 16);
}

/* Page by page, each change once, circles first within a page. */
static void
test_changes_in_pages(void **state)
{
    struct sync_peer peer = {.node = w.n[1].id};
    struct sync_changes all;
    struct sync_changes page;
    uint64_t after = 0;
    size_t seen = 0;
    unsigned pages = 0;

    (void)state;
    sync_read_changes(node_db(&w.n[0]), &peer, 0, 100, &all);
    assert_true(all.count > 3);
    assert_memory_equal(all.heads[0].log.space.b, w.circle.b, 32);
    for (;;) {
        sync_read_changes(node_db(&w.n[0]), &peer, after, 2, &page);
        seen += page.count;
        free(page.heads);
        pages++;
        assert_true(page.upto > after || page.count == 0);
        after = page.upto;
        if (page.count < 2) {
            break;
        }
    }
    assert_int_equal(seen, all.count);
    assert_true(pages > 2);
    assert_int_equal(after, all.upto);
    sync_read_changes(node_db(&w.n[0]), &peer, after, 100, &page);
    assert_int_equal(page.count, 0);
    free(page.heads);
    node_write(&w, &w.n[0], &care, KIND_CARE_CASE, 1, "news");
    sync_read_changes(node_db(&w.n[0]), &peer, after, 100, &page);
    assert_int_equal(page.count, 1);
    assert_true(page.heads[0].is_coming); /* our own: pushed */
    assert_int_equal(page.heads[0].from_seq, page.heads[0].seq);
    assert_true(page.push_bytes > 0);
    free(page.heads);
    free(all.heads);
}

/* Somebody's right to a space grows: its logs are told again, whatever the
 * cursor says. */
static void
test_rights_that_grow(void **state)
{
    struct sync_peer peer = {.node = w.n[2].id};
    struct engine_grant grant = {.node = w.n[2].id,
                                 .level = ENT_LEVEL_READER,
                                 .basis = ENT_BASIS_CONSENT};
    struct sync_changes c;
    uint64_t top = meta_get_u64(node_db(&w.n[1]), "top");

    (void)state;
    node_write(&w, &w.n[1], &care, KIND_CARE_CASE, 2, "of node 1");
    nodes_settle(&w);
    node_begin(&w, &w.n[0]);
    assert_int_equal(
        engine_grant(w.n[0].engine, node_space(&w.n[0], &care), &grant, true),
        ENT_OK);
    node_commit(&w, &w.n[0]);
    assert_true(node_pull(&w, &w.n[1], &w.n[0]));
    sync_read_changes(node_db(&w.n[1]), &peer, top + 1, 100, &c);
    assert_int_equal(c.count, 2); /* both logs, from both nodes */
    free(c.heads);
}

/* ---- runs ---- */

static void
test_runs_end_at_signatures(void **state)
{
    struct sync_peer peer = {.node = w.n[1].id};
    struct ent_need need = {.log = {care, w.n[0].id, 0}};
    struct ent_buf run;
    uint64_t head;
    uint64_t last;
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++) { /* three commits of three entries */
        unsigned k;

        node_begin(&w, &w.n[0]);
        for (k = 0; k < 3; k++) {
            assert_int_equal(
                node_put(&w.n[0], &care, KIND_CARE_CASE, 3, 2, "x"), ENT_OK);
        }
        node_commit(&w, &w.n[0]);
    }
    need.log.inc = (uint32_t)node_number(
        &w.n[0], "SELECT l.inc FROM log l JOIN space s ON s.id = l.space"
                 " WHERE s.kind = 3");
    head = node_number(&w.n[0], "SELECT l.head_seq FROM log l JOIN space s"
                                " ON s.id = l.space WHERE s.kind = 3");
    need.from_seq = head - 8;
    need.to_seq = head - 1; /* in the midst of the third commit */
    ent_buf_init(&run, 0);
    sync_read_run(node_db(&w.n[0]), &peer, &need, 100000, &run, &last);
    assert_int_equal(last, head - 3);
    need.to_seq = head;
    ent_buf_clear(&run);
    sync_read_run(node_db(&w.n[0]), &peer, &need, 100000, &run, &last);
    assert_int_equal(last, head);
    ent_buf_clear(&run);
    sync_read_run(node_db(&w.n[0]), &peer, &need, 1, &run, &last);
    assert_int_equal(last, head - 6); /* one signed stretch at least */
    ent_buf_clear(&run);
    need.from_seq = head - 1; /* a part of a stretch */
    sync_read_run(node_db(&w.n[0]), &peer, &need, 1, &run, &last);
    assert_int_equal(last, head);
    ent_buf_clear(&run);
    need.from_seq = head + 1;
    sync_read_run(node_db(&w.n[0]), &peer, &need, 100000, &run, &last);
    assert_int_equal(run.len, 0);
    assert_int_equal(last, head);
    ent_buf_release(&run);
}

static void
test_check(void **state)
{
    struct sync_peer peer = {.node = w.n[1].id};
    struct ent_need needs[3];
    struct ent_head *heads;
    size_t count;

    (void)state;
    heads = sync_read_heads(node_db(&w.n[0]), &peer, &count);
    assert_true(count >= 3);
    assert_int_equal(sync_check(node_db(&w.n[1]), &peer, heads, 3, needs), 0);
    heads[0].seq += 5;
    heads[1].seq = UINT64_MAX;
    heads[2].log.inc ^= 1;
    assert_int_equal(sync_check(node_db(&w.n[1]), &peer, heads, 3, needs), 2);
    assert_int_equal(needs[0].to_seq, heads[0].seq);
    assert_int_equal(needs[0].from_seq, heads[0].seq - 4);
    assert_int_equal(needs[1].from_seq, 0);
    assert_int_equal(needs[1].to_seq, heads[2].seq);
    free(heads);
}

/* ---- kept about a peer ---- */

static void
test_state_is_kept(void **state)
{
    struct sync_state put = {
        .knows_peer_store = true,
        .consumed = 7,
        .acked = 5,
        .last_exchange_at = 11,
        .proved_at = 12,
        .proved_top = 13,
        .skew_ms = -400000,
        .software = "0.1.0",
        .refusal = "stranger",
        .refusal_detail = "who",
    };
    struct sync_state got;

    (void)state;
    put.peer_store_id[3] = 9;
    put.consumed_id[2] = 8;
    sync_state_read(node_db(&w.n[0]), &w.n[1].id, &got);
    assert_false(got.knows_peer_store);
    node_begin(&w, &w.n[0]);
    sync_state_write(node_db(&w.n[0]), &w.n[1].id, &put);
    node_commit(&w, &w.n[0]);
    sync_state_read(node_db(&w.n[0]), &w.n[1].id, &got);
    assert_true(got.knows_peer_store);
    assert_memory_equal(got.peer_store_id, put.peer_store_id, 16);
    assert_memory_equal(got.consumed_id, put.consumed_id, 16);
    assert_int_equal(got.consumed, 7);
    assert_int_equal(got.acked, 5);
    assert_int_equal(got.proved_top, 13);
    assert_true(got.skew_ms == -400000);
    assert_string_equal(got.refusal, "stranger");
    assert_string_equal(got.refusal_detail, "who");
}

static void
test_waiting(void **state)
{
    uint64_t top = meta_get_u64(node_db(&w.n[0]), "top");
    uint64_t count;
    uint64_t oldest;

    (void)state;
    sync_waiting(node_db(&w.n[0]), &w.n[3].id, top, &count, &oldest);
    assert_int_equal(count, 0);
    assert_int_equal(oldest, 0);
    node_write(&w, &w.n[0], &care, KIND_CARE_CASE, 1, "not for node 3");
    sync_waiting(node_db(&w.n[0]), &w.n[3].id, top, &count, &oldest);
    assert_int_equal(count, 0);
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 1, "for node 3");
    sync_waiting(node_db(&w.n[0]), &w.n[3].id, top, &count, &oldest);
    assert_int_equal(count, 1);
    assert_true(oldest <= w.now_ms && oldest + 1000 > w.now_ms);
    assert_int_equal(sync_waiting_for_earlier(node_db(&w.n[0]), &w.n[3].id), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_senders_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limited_links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_proof_speaks_of_common_spaces,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_changes_in_pages, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_rights_that_grow, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_runs_end_at_signatures, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_state_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waiting, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
