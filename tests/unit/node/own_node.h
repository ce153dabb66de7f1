/*
 * A node of a test's own: keys and store in a temporary folder, no loop, no
 * network. The clock stands where the test puts it.
 */
#ifndef TESTS_UNIT_NODE_OWN_NODE_H
#define TESTS_UNIT_NODE_OWN_NODE_H

#include "api/api.h"
#include "api/live.h"
#include "store/engine.h"

#include "lib/cmocka.h"
#include "lib/tempdir.h"

#include <stdio.h>

#define OWN_NODE_NOW 1795392000000u /* 2026-11-23T00:00:00Z */

struct own_node {
    struct test_dir dir;
    struct engine *engine;
    struct live *live;
    uint64_t now_ms;
};

static inline void
own_node_init(struct own_node *n)
{
    struct engine_profile profile = {
        .structure = "CSAPA Nord",
        .sector = ENT_SECTOR_COMMUNITY,
        .languages = "fr,en",
        .listen = "127.0.0.1:0",
        .advertise = "",
    };
    char key_path[TEST_PATH_MAX];
    char folder[TEST_PATH_MAX];
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = key_path};
    struct engine_report report;
    struct ent_key seed;
    uint8_t raw[32];
    FILE *f;

    *n = (struct own_node){.now_ms = OWN_NODE_NOW};
    test_dir_init(&n->dir);
    test_dir_path(&n->dir, "raw", key_path);
    test_dir_path(&n->dir, "node", folder);
    memset(raw, 7, sizeof(raw));
    memset(&seed, 9, sizeof(seed));
    f = fopen(key_path, "wbe");
    assert_non_null(f);
    assert_int_equal(fwrite(raw, 1, sizeof(raw), f), sizeof(raw));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(engine_init(folder, &way, &profile, &seed, n->now_ms),
                     ENT_OK);
    seed.b[0]++;
    assert_int_equal(
        engine_open(folder, &way, &seed, n->now_ms, &n->engine, &report),
        ENT_OK);
    assert_false(report.is_restored);
    n->live = live_new();
}

static inline void
own_node_release(struct own_node *n)
{
    engine_close(n->engine);
    live_free(n->live);
    test_dir_release(&n->dir);
}

/* A call with its own parameters (JSON) and result; run it in a transaction. */
static inline void
own_node_call(struct own_node *n, struct api_call *call, const char *params)
{
    char error[160];

    *call = (struct api_call){
        .params = value_from_json(params, strlen(params), error),
        .result = value_object(),
        .lang = "en",
        .now_ms = n->now_ms,
        .db = engine_db(n->engine),
        .engine = n->engine,
        .live = n->live,
    };
    assert_non_null(call->params);
}

static inline void
own_node_call_release(struct api_call *call)
{
    value_free((struct value *)(uintptr_t)call->params); /* made here */
    value_free(call->result);
}

/* Runs a method as the daemon would and leaves its call to be looked at. */
static inline void
own_node_run(struct own_node *n, struct api_call *call, const char *method,
             const char *params)
{
    const struct api_method *m = api_find(method);
    struct engine_outcome outcome;

    assert_non_null(m);
    own_node_call(n, call, params);
    engine_begin(n->engine, n->now_ms);
    m->run(call);
    engine_commit(n->engine, &outcome);
    do {
        engine_begin(n->engine, n->now_ms);
        engine_react(n->engine);
        engine_commit(n->engine, &outcome);
    } while (outcome.owes_reaction);
}

#endif
