/* The history in words, addresses typed by hand, and the store proved again,
 * through the methods themselves. */
#include "own_node.h"
#include "store/history.h"
#include "store/overview.h"

#include <stdlib.h>

static struct own_node node;

/* Runs a method that must succeed; the caller releases the call. */
static void
run(struct api_call *call, const char *method, const char *params)
{
    own_node_run(&node, call, method, params);
    if (call->is_refused) {
        fail_msg("%s: %s: %s", method, call->code, call->text);
    }
}

static void
must(const char *method, const char *params)
{
    struct api_call call;

    run(&call, method, params);
    own_node_call_release(&call);
}

static void
refused(const char *method, const char *params, const char *code)
{
    struct api_call call;

    own_node_run(&node, &call, method, params);
    assert_true(call.is_refused);
    assert_string_equal(call.code, code);
    assert_true(call.text[0] != '\0');
    own_node_call_release(&call);
}

static bool
says(const struct value *entries, const char *what)
{
    for (size_t i = 0; i < value_count(entries); i++) {
        const struct value *list = value_get(value_at(entries, i), "what");

        for (size_t k = 0; k < value_count(list); k++) {
            if (strstr(value_string_of(value_at(list, k)), what) != NULL) {
                return true;
            }
        }
    }
    return false;
}

static void
test_node_info(void **state)
{
    struct live_node facts = {.started_at = 5, .listen = "127.0.0.1:7447"};
    struct api_call call;

    (void)state;
    live_node_set(node.live, &facts);
    run(&call, "node.info", "{}");
    assert_string_equal(value_get_string(call.result, "structure"),
                        "CSAPA Nord");
    assert_string_equal(value_get_string(call.result, "sector"), "community");
    assert_string_equal(
        value_string_of(value_at(value_get(call.result, "listen"), 0)),
        "127.0.0.1:7447");
    assert_int_equal(value_get_int(call.result, "clock_at", 0), node.now_ms);
    assert_int_equal(strlen(value_get_string(call.result, "node")), 64);
    assert_false(value_has(call.result, "incarnation_note"));
    own_node_call_release(&call);
}

static void
test_log(void **state)
{
    const struct value *entries;
    struct api_call call;
    int64_t newest;

    (void)state;
    must("circle.found", "{\"name\":\"Cercle Nord\"}");
    must("circle.motion",
         "{\"action\":\"rule\",\"text\":\"Chacun parle une fois.\"}");
    must("situation.draft",
         "{\"code\":\"S01\",\"title\":\"Retour sans lettre\"}");
    run(&call, "log", "{}");
    entries = value_get(call.result, "entries");
    assert_true(value_count(entries) >= 5);
    newest = value_get_int(value_at(entries, 0), "arrival", 0);
    for (size_t i = 1; i < value_count(entries); i++) {
        int64_t arrival = value_get_int(value_at(entries, i), "arrival", 0);

        assert_true(arrival < newest);
        newest = arrival;
        assert_string_equal(value_get_string(value_at(entries, i), "author"),
                            "CSAPA Nord");
        assert_string_equal(value_get_string(value_at(entries, i), "state"),
                            "applied");
    }
    assert_true(says(entries, "circle founded: Cercle Nord"));
    assert_true(says(entries, "motion: rule: Chacun parle une fois."));
    assert_true(says(entries, "Retour sans lettre"));
    own_node_call_release(&call);
}

static void
test_log_of_a_situation(void **state)
{
    const struct value *entries;
    struct api_call call;

    (void)state;
    must("situation.draft", "{\"code\":\"S02\",\"title\":\"Autre\"}");
    run(&call, "log", "{\"situation\":\"S02\"}");
    entries = value_get(call.result, "entries");
    assert_int_equal(value_count(entries), 1);
    assert_true(says(entries, "Autre"));
    own_node_call_release(&call);
    run(&call, "log", "{\"limit\":2}");
    assert_int_equal(value_count(value_get(call.result, "entries")), 2);
    own_node_call_release(&call);
    refused("log", "{\"limit\":0}", "usage");
    refused("log", "{\"limit\":1001}", "usage");
    refused("log", "{\"situation\":\"S99\"}", "situation.not-found");
}

static void
test_counts(void **state)
{
    struct db *db = engine_db(node.engine);
    struct history_entry entry;
    uint64_t arrivals[2];
    uint64_t behind;
    uint64_t since;
    struct ent_id nobody = {{1}};

    (void)state;
    assert_int_equal(history_unread(db, NULL), 0);
    assert_int_equal(history_forked(db, NULL), 0);
    assert_int_equal(history_strange(db), 0);
    assert_int_equal(history_waiting_author(db, &nobody), 0);
    assert_int_equal(history_list(db, NULL, INT64_MAX, arrivals, 2), 2);
    assert_true(arrivals[0] > arrivals[1]);
    assert_true(history_read(db, arrivals[0], &entry));
    assert_true(entry.is_open);
    assert_int_equal(history_find(db, entry.space, &entry.id), arrivals[0]);
    history_behind(db, entry.space, &nobody, arrivals[0] - 1, &behind, &since);
    assert_int_equal(behind, 1);
    assert_int_equal(since, entry.at);
    history_behind(db, entry.space, &nobody, arrivals[0], &behind, &since);
    assert_int_equal(behind, 0);
    assert_int_equal(since, 0);
    history_entry_release(&entry);
    assert_false(history_read(db, INT64_MAX, &entry));
}

static void
test_addresses(void **state)
{
    static const char *const bad[] = {
        "",           "host",       ":7447",         "host:",
        "host:0",     "host:65536", "host:74 47",    "2001:db8::7:7447",
        "host:7447x", "a b:7447",   "http://a:7447", NULL,
    };
    static const char *const good[] = {
        "host:1",
        "127.0.0.1:65535",
        "[2001:db8::7]:7447",
        NULL,
    };
    struct engine_outcome outcome;
    uint64_t peer = overview_own_node(engine_db(node.engine));
    char address[32];
    size_t i;

    (void)state;
    engine_begin(node.engine, node.now_ms);
    for (i = 0; bad[i] != NULL; i++) {
        assert_int_equal(engine_add_address(node.engine, peer, bad[i]),
                         ENT_RULE_USAGE);
    }
    for (i = 0; good[i] != NULL; i++) {
        assert_int_equal(engine_add_address(node.engine, peer, good[i]),
                         ENT_OK);
    }
    for (; i < ENT_ADDRESSES_MAX; i++) {
        snprintf(address, sizeof(address), "host-%zu:7447", i);
        assert_int_equal(engine_add_address(node.engine, peer, address),
                         ENT_OK);
    }
    assert_int_equal(engine_add_address(node.engine, peer, "one-more:1"),
                     ENT_RULE);
    assert_int_equal(engine_remove_address(node.engine, peer, "host:1"),
                     ENT_OK);
    assert_int_equal(engine_remove_address(node.engine, peer, "host:1"),
                     ENT_RULE_NOT_FOUND);
    engine_commit(node.engine, &outcome);
    assert_true(outcome.members_changed);
}

static void
test_addresses_by_method(void **state)
{
    (void)state;
    refused("peers.add", "{\"structure\":\"CSAPA Nord\"}", "usage");
    refused("peers.add", "{\"structure\":\"CSAPA Nord\",\"address\":\"a:1\"}",
            "peers.own");
    refused("peers.remove", "{\"structure\":\"Nobody\",\"address\":\"a:1\"}",
            "structure.not-found");
}

static void
test_verify_and_rebuild(void **state)
{
    struct api_call call;
    int64_t entries;

    (void)state;
    run(&call, "verify", "{}");
    entries = value_get_int(call.result, "entries", 0);
    assert_true(entries >= 6);
    assert_int_equal(value_count(value_get(call.result, "problems")), 0);
    assert_int_equal(value_get_int(call.result, "forks", 9), 0);
    own_node_call_release(&call);
    run(&call, "rebuild", "{}");
    assert_true(value_get_bool(call.result, "equal", false));
    assert_int_equal(value_get_int(call.result, "entries", 0), entries);
    assert_string_equal(value_get_string(call.result, "before"),
                        value_get_string(call.result, "after"));
    own_node_call_release(&call);
}

static void
test_kinds(void **state)
{
    struct api_call en;
    struct api_call fr;
    char *a;
    char *b;

    (void)state;
    run(&en, "kinds", "{}");
    run(&fr, "kinds", "{\"lang\":\"fr\"}");
    assert_true(value_count(value_get(en.result, "kinds")) > 5);
    a = value_to_json(en.result, false, true);
    b = value_to_json(fr.result, false, true);
    assert_string_not_equal(a, b);
    free(a);
    free(b);
    own_node_call_release(&en);
    own_node_call_release(&fr);
}

static void
test_status_alone(void **state)
{
    struct api_call call;
    const char *sentence;

    (void)state;
    run(&call, "status", "{}");
    sentence = value_get_string(value_get(call.result, "summary"), "sentence");
    assert_non_null(strstr(sentence, "only here"));
    assert_int_equal(value_count(value_get(call.result, "peers")), 0);
    assert_int_equal(value_count(value_get(call.result, "notes")), 0);
    own_node_call_release(&call);
    run(&call, "status", "{\"situation\":\"S01\"}");
    assert_int_equal(value_count(value_get(call.result, "holders")), 1);
    own_node_call_release(&call);
}

static int
set_up(void **state)
{
    (void)state;
    own_node_init(&node);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    own_node_release(&node);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_info),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_log_of_a_situation),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_by_method),
        cmocka_unit_test(test_verify_and_rebuild),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_status_alone),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
