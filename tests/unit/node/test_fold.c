/* Records out of content entries: conflicts stay side by side, whoever may not
 * write does not count, and what is not understood is set aside by name. */
#include "unit/node/forge.h"

static struct nodes w;
static struct ent_id review;

static int
set_up(void **state)
{
    (void)state;
    nodes_init(&w, 4, 40);
    nodes_circle(&w, 3);
    node_open_space(&w, &w.n[0], ENT_SPACE_REVIEW, 0xf, &review);
    nodes_settle(&w);
    return 0;
}

static int
tear_down(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < w.count; i++) {
        node_assert_rebuilds(&w, &w.n[i]);
    }
    nodes_release(&w);
    return 0;
}

static size_t
count_conflicts(const struct node *n, uint8_t rid)
{
    uint64_t record = node_record(n, &review, KIND_CONCLUSION, rid);
    size_t count;
    struct records_conflict *list =
        records_conflicts(node_db(n), record, &count);

    records_conflicts_free(list, count);
    return count;
}

static void
test_conflicts_stay_until_somebody_decides(void **state)
{
    size_t i;

    (void)state;
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 1, "first");
    nodes_settle(&w);
    for (i = 0; i < 3; i++) { /* each without having seen the others' */
        node_write(&w, &w.n[i], &review, KIND_CONCLUSION, 1,
                   i == 0   ? "zero"
                   : i == 1 ? "one"
                            : "two");
        assert_int_equal(count_conflicts(&w.n[i], 1), 0);
    }
    nodes_settle(&w);
    nodes_assert_converged(&w, &review);
    for (i = 0; i < w.count; i++) {
        assert_int_equal(count_conflicts(&w.n[i], 1), 3);
    }
    node_write(&w, &w.n[1], &review, KIND_CONCLUSION, 1, "decided");
    nodes_settle(&w);
    nodes_assert_converged(&w, &review);
    for (i = 0; i < w.count; i++) {
        assert_int_equal(count_conflicts(&w.n[i], 1), 0);
        node_assert_text(&w.n[i], &review, KIND_CONCLUSION, 1, "decided");
    }
}

/* Records of an owner: another's of the same name is another record. */
static void
test_owners_records(void **state)
{
    size_t i;

    (void)state;
    node_write(&w, &w.n[0], &review, KIND_SITUATION, 1, "presented");
    nodes_settle(&w);
    node_write(&w, &w.n[1], &review, KIND_SITUATION, 1, "hijacked");
    nodes_settle(&w);
    nodes_assert_converged(&w, &review);
    for (i = 0; i < w.count; i++) {
        const struct node *n = &w.n[i];
        uint64_t space = node_space(n, &review);
        uint64_t record = records_find_owned(node_db(n), space, KIND_SITUATION,
                                             node_row(n, &w.n[0].id));
        char text[64];

        assert_true(records_text(node_db(n), record, 2, text, sizeof(text)));
        assert_string_equal(text, "presented");
        assert_int_equal(records_count(node_db(n), space, KIND_SITUATION), 2);
        assert_int_equal(
            records_count_owners(node_db(n), space, KIND_SITUATION), 2);
    }
}

static void
test_foreign_writes_do_not_count(void **state)
{
    size_t i;

    (void)state;
    /* Only the moderator opens a reveal. */
    node_write(&w, &w.n[1], &review, KIND_REVEAL, 1, "now");
    /* A kind that this kind of space has not. */
    node_write(&w, &w.n[1], &review, KIND_CARE_NOTE, 1, "care");
    node_write(&w, &w.n[1], &w.circle, KIND_OWN_SITUATION, 1, "own");
    nodes_settle(&w);
    for (i = 0; i < w.count; i++) {
        assert_int_equal(node_strange(&w.n[i], STRANGE_FOREIGN), 3);
        assert_int_equal(node_record(&w.n[i], &review, KIND_REVEAL, 1), 0);
        assert_int_equal(node_record(&w.n[i], &review, KIND_CARE_NOTE, 1), 0);
    }
    node_write(&w, &w.n[3], &review, KIND_REVEAL, 1, "now");
    nodes_settle(&w);
    for (i = 0; i < w.count; i++) {
        assert_int_equal(node_strange(&w.n[i], STRANGE_FOREIGN), 3);
        node_assert_text(&w.n[i], &review, KIND_REVEAL, 1, "now");
    }
    nodes_assert_converged(&w, &review);
}

/* ---- what is not understood ---- */

/* An operation of a later version: [type << 1 | critical, 1]. */
static void
put_later_op(struct ent_buf *ops, unsigned type, bool is_critical)
{
    ent_mp_put_array(ops, 2);
    ent_mp_put_uint(ops, type << 1 | is_critical);
    ent_mp_put_uint(ops, 1);
}

static enum ent_status
give_sealed(struct ent_slice ops, size_t count)
{
    struct forge *f = forge_after(&w.n[1], &review);
    struct ent_id epoch;
    struct ent_key key;
    enum ent_status st;

    forge_key(&w.n[1], &review, &epoch, &key);
    forge_add(f, &w, ops, count, &epoch, &key);
    st = forge_give(f, &w, &w.n[0], &w.n[1]);
    if (st == ENT_OK) {
        assert_true(node_pull(&w, &w.n[1], &w.n[0]));
    }
    forge_free(f);
    return st;
}

static void
test_unknown_kinds_and_operations(void **state)
{
    struct ent_buf ops = {0};
    struct ent_put put = {.kind = 9999, .record = {{1}}};

    (void)state;
    node_write(&w, &w.n[1], &review, KIND_CONCLUSION, 2, "known");
    put_later_op(&ops, 200, false);
    ent_put_encode(&put, &ops);
    assert_int_equal(give_sealed(ent_buf_slice(&ops), 2), ENT_AGAIN);
    nodes_settle(&w);
    assert_int_equal(give_sealed(ent_buf_slice(&ops), 2), ENT_OK);
    assert_int_equal(node_strange(&w.n[0], STRANGE_UNKNOWN), 2);
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 2, "goes on");
    node_assert_text(&w.n[0], &review, KIND_CONCLUSION, 2, "goes on");
    ent_buf_release(&ops);
}

/* A critical one stops the folding of its space, for good: a start does not
 * make us understand it. */
static void
test_unknown_critical_operation(void **state)
{
    struct ent_buf ops = {0};

    (void)state;
    node_write(&w, &w.n[1], &review, KIND_CONCLUSION, 2, "begins a log");
    nodes_settle(&w);
    node_write(&w, &w.n[0], &review, KIND_CONCLUSION, 3, "before");
    put_later_op(&ops, 200, true);
    assert_int_equal(give_sealed(ent_buf_slice(&ops), 1), ENT_OK);
    assert_int_equal(node_strange(&w.n[0], STRANGE_CRITICAL), 1);
    node_write(&w, &w.n[2], &review, KIND_CONCLUSION, 3, "after");
    nodes_settle(&w);
    node_assert_text(&w.n[0], &review, KIND_CONCLUSION, 3, "before");
    node_close(&w.n[0]);
    node_open(&w, &w.n[0]);
    node_write(&w, &w.n[2], &review, KIND_CONCLUSION, 3, "later still");
    node_write(&w, &w.n[2], &w.circle, KIND_MEETING, 3, "elsewhere");
    nodes_settle(&w);
    node_assert_text(&w.n[0], &review, KIND_CONCLUSION, 3, "before");
    node_assert_text(&w.n[0], &w.circle, KIND_MEETING, 3, "elsewhere");
    assert_true(nodes_are_proved(&w.n[0], &w.n[2])); /* sharing goes on */
    node_assert_rebuilds(&w, &w.n[0]);
    ent_buf_release(&ops);
}

static void
test_malformed_content(void **state)
{
    static const uint8_t junk[] = {0x92, 0x41, 0x01}; /* a put of nothing */
    struct forge *f;
    struct ent_id epoch;
    struct ent_key key = {{1}};
    struct ent_key good;

    (void)state;
    node_write(&w, &w.n[1], &review, KIND_CONCLUSION, 2, "begins a log");
    nodes_settle(&w);
    assert_int_equal(give_sealed(ENT_SLICE_OF(junk), 1), ENT_OK);
    assert_int_equal(node_strange(&w.n[0], STRANGE_MALFORMED), 1);
    /* Sealed under another key than the epoch's. */
    f = forge_after(&w.n[1], &review);
    forge_key(&w.n[1], &review, &epoch, &good);
    forge_add(f, &w, ENT_SLICE_OF(junk), 1, &epoch, &key);
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
    assert_int_equal(node_strange(&w.n[0], STRANGE_KEY), 1);
    /* Under an epoch that nobody made: it waits for its key. */
    epoch.b[0] ^= 1;
    forge_add(f, &w, ENT_SLICE_OF(junk), 1, &epoch, &key);
    assert_int_equal(forge_give(f, &w, &w.n[0], &w.n[1]), ENT_OK);
    assert_int_equal(node_number(&w.n[0], "SELECT count(*) FROM unread"), 1);
    forge_free(f);
}

/* The end of the opener's log: whoever cites it was let in. */
static void
opening_head(struct ent_id *ret_id)
{
    struct stmt *s = db_prepare(node_db(&w.n[0]),
                                "SELECT l.head_id FROM log l WHERE space = ?1");

    stmt_bind_u64(s, 1, node_space(&w.n[0], &review));
    assert_true(store_find(s));
    stmt_col_id(s, 0, ret_id);
    stmt_reset(s);
}

/* A write that names what it supersedes counts before that one comes. */
static void
test_superseded_before_it_came(void **state)
{
    struct ent_id epoch;
    struct ent_key key;
    struct forge *a = forge_new(&w.n[1], &review, 500);
    struct forge *b = forge_new(&w.n[2], &review, 500);
    struct ent_buf value = {0};
    struct ent_buf ops = {0};
    struct ent_put put = {.kind = KIND_CONCLUSION,
                          .record = {{4}},
                          .field_count = 1,
                          .fields = {{.field = 2}}};
    struct ent_id root;
    const struct ent_id *first;

    (void)state;
    forge_key(&w.n[1], &review, &epoch, &key);
    ent_mp_put_cstr(&value, "old");
    put.fields[0].value = ent_buf_slice(&value);
    ent_put_encode(&put, &ops);
    opening_head(&root);
    forge_cite(a, &root, 1);
    first = forge_add(a, &w, ent_buf_slice(&ops), 1, &epoch, &key);
    ent_buf_clear(&value);
    ent_buf_clear(&ops);
    ent_mp_put_cstr(&value, "new");
    put.fields[0].value = ent_buf_slice(&value);
    put.fields[0].supersedes_count = 1;
    memcpy(put.fields[0].supersedes[0].entry, first->b, 16);
    ent_put_encode(&put, &ops);
    forge_cite(b, &root, 1); /* not the entry that it supersedes */
    forge_add(b, &w, ent_buf_slice(&ops), 1, &epoch, &key);
    assert_int_equal(forge_give(b, &w, &w.n[0], &w.n[2]), ENT_OK);
    node_assert_text(&w.n[0], &review, KIND_CONCLUSION, 4, "new");
    assert_int_equal(forge_give(a, &w, &w.n[0], &w.n[1]), ENT_OK);
    node_assert_text(&w.n[0], &review, KIND_CONCLUSION, 4, "new");
    assert_int_equal(count_conflicts(&w.n[0], 4), 0);
    nodes_settle(&w);
    nodes_assert_converged(&w, &review);
    ent_buf_release(&value);
    ent_buf_release(&ops);
    forge_free(a);
    forge_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_conflicts_stay_until_somebody_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_owners_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_writes_do_not_count,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_kinds_and_operations,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_critical_operation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_content, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_superseded_before_it_came, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
