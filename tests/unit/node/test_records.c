/* Records as methods use them: find, read of every type, and write over what
 * is seen. */
#include "unit/node/nodes.h"

static struct nodes w;
static struct node *n;
static uint64_t own;

static int
set_up(void **state)
{
    (void)state;
    nodes_init(&w, 1, 90);
    n = &w.n[0];
    own = n->engine->own_space;
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    node_assert_rebuilds(&w, n);
    nodes_release(&w);
    return 0;
}

static void
start(struct records_writer *writer, uint8_t rid)
{
    struct ent_record_id id = {{rid}};

    records_writer_init(writer, own);
    records_write_begin(writer, node_db(n), KIND_OWN_SITUATION, &id, 0);
}

static void
finish(struct records_writer *writer)
{
    struct ent_id id;

    assert_int_equal(records_write_end(writer, n->engine, &id), ENT_OK);
    node_commit(&w, n);
}

static uint64_t
find(uint8_t rid)
{
    struct ent_record_id id = {{rid}};

    return records_find(node_db(n), own, KIND_OWN_SITUATION, &id);
}

static void
test_every_type(void **state)
{
    static const char *const tags[] = {"one", "two"};
    struct records_writer writer;
    struct ent_buf raw = {0};
    uint8_t fixed[4];
    char text[8];
    char *copy;
    int64_t number = 0;
    uint64_t row;

    (void)state;
    node_begin(&w, n);
    start(&writer, 1);
    records_write_str(&writer, 1, "a code");
    records_write_int(&writer, 2, -17);
    records_write_bin(&writer, 3, ent_slice("\1\2\3\4", 4));
    records_write_texts(&writer, 4, tags, 2);
    records_write_text(&writer, 5, ent_slice("", 0));
    finish(&writer);
    row = find(1);
    assert_true(row != 0);
    assert_true(records_text(node_db(n), row, 1, text, sizeof(text)));
    assert_string_equal(text, "a code");
    assert_true(records_text(node_db(n), row, 1, text, 4)); /* cut */
    assert_string_equal(text, "a c");
    assert_true(records_int(node_db(n), row, 2, &number));
    assert_true(number == -17);
    assert_true(records_fixed(node_db(n), row, 3, fixed, sizeof(fixed)));
    assert_memory_equal(fixed, "\1\2\3\4", 4);
    assert_false(records_fixed(node_db(n), row, 3, fixed, 3));
    assert_true(records_value(node_db(n), row, 4, &raw));
    assert_int_equal(raw.p[0], 0x92); /* an array of two */
    copy = records_text_dup(node_db(n), row, 5);
    assert_string_equal(copy, "");
    free(copy);
    /* Of another type, of no field, of no record. */
    assert_false(records_text(node_db(n), row, 2, text, sizeof(text)));
    assert_false(records_int(node_db(n), row, 1, &number));
    assert_false(records_fixed(node_db(n), row, 1, fixed, sizeof(fixed)));
    assert_false(records_text(node_db(n), row, 9, text, sizeof(text)));
    assert_false(records_text(node_db(n), 0, 1, text, sizeof(text)));
    assert_null(records_text_dup(node_db(n), row, 9));
    ent_buf_release(&raw);
}

static void
test_several_records_in_an_entry(void **state)
{
    struct records_writer writer;
    struct ent_record_id second = {{2}};
    struct records_row *rows;
    size_t count;
    char text[16];

    (void)state;
    node_begin(&w, n);
    start(&writer, 1);
    records_write_str(&writer, 1, "first");
    records_write_str(&writer, 2, "title");
    records_write_begin(&writer, node_db(n), KIND_OWN_SITUATION, &second, 0);
    records_write_str(&writer, 1, "second");
    finish(&writer);
    rows = records_list(node_db(n), own, KIND_OWN_SITUATION, &count);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].row, find(1));
    assert_memory_equal(rows[1].rid.b, second.b, sizeof(second.b));
    assert_int_equal(rows[0].space, own);
    assert_int_equal(rows[0].owner, 0);
    free(rows);
    rows = records_list(node_db(n), 0, KIND_OWN_SITUATION, &count);
    assert_int_equal(count, 2);
    free(rows);
    assert_int_equal(records_count(node_db(n), own, KIND_OWN_SITUATION), 2);
    assert_int_equal(records_first(node_db(n), own, KIND_OWN_SITUATION),
                     find(1));
    assert_int_equal(records_first(node_db(n), own, KIND_OWN_NOTE), 0);
    /* Writing over one field leaves the others, and the other record. */
    node_begin(&w, n);
    start(&writer, 1);
    records_write_str(&writer, 1, "changed");
    finish(&writer);
    assert_true(records_text(node_db(n), find(1), 1, text, sizeof(text)));
    assert_string_equal(text, "changed");
    assert_true(records_text(node_db(n), find(1), 2, text, sizeof(text)));
    assert_string_equal(text, "title");
    assert_true(records_text(node_db(n), find(2), 1, text, sizeof(text)));
    assert_string_equal(text, "second");
    assert_int_equal(node_number(n, "SELECT count(*) FROM value"), 3);
}

/* A commit later what was written a moment ago is superseded as well. */
static void
test_twice_in_one_commit(void **state)
{
    struct records_writer writer;
    struct records_conflict *list;
    struct ent_id id;
    size_t count;
    char text[16];
    unsigned i;

    (void)state;
    node_begin(&w, n);
    for (i = 0; i < 20; i++) {
        start(&writer, 1);
        records_write_int(&writer, 10, (int64_t)i);
        records_write_str(&writer, 1, i < 19 ? "not yet" : "last");
        assert_int_equal(records_write_end(&writer, n->engine, &id), ENT_OK);
    }
    node_commit(&w, n);
    assert_true(records_text(node_db(n), find(1), 1, text, sizeof(text)));
    assert_string_equal(text, "last");
    list = records_conflicts(node_db(n), find(1), &count);
    assert_int_equal(count, 0);
    records_conflicts_free(list, count);
}

static void
test_own_answer_key(void **state)
{
    struct ent_key key;

    (void)state;
    assert_false(records_own_answer_key(node_db(n), own, &key));
    assert_int_equal(records_expected(node_db(n), own), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several_records_in_an_entry,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_twice_in_one_commit, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_own_answer_key, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
