/* Live facts: what is put is found, and the table has an end. */
#include "api/live.h"

#include "lib/cmocka.h"

static struct live_peer
peer(unsigned n)
{
    struct live_peer p = {.link = LIVE_CONNECTED, .bytes_in = n};

    ent_put_u32(p.node.b, n);
    return p;
}

static void
test_put_find(void **state)
{
    struct live *live = live_new();
    struct live_peer a = peer(1);
    struct live_peer found;

    (void)state;
    assert_false(live_find(live, &a.node, &found));
    assert_int_equal(found.link, LIVE_IDLE);
    live_put(live, &a);
    a.bytes_in = 77;
    live_put(live, &a);
    assert_true(live_find(live, &a.node, &found));
    assert_int_equal(found.bytes_in, 77);
    live_free(live);
    live_free(NULL);
}

static void
test_limit(void **state)
{
    struct live *live = live_new();
    struct live_peer found;

    (void)state;
    for (unsigned i = 0; i <= ENT_PEERS_MAX; i++) {
        struct live_peer p = peer(i);

        live_put(live, &p);
        assert_int_equal(live_find(live, &p.node, &found), i < ENT_PEERS_MAX);
    }
    live_free(live);
}

static void
test_node(void **state)
{
    struct live *live = live_new();
    struct live_node node = {.started_at = 5};
    struct live_node found;

    (void)state;
    memcpy(node.listen, "127.0.0.1:1", 12);
    live_node_set(live, &node);
    live_node_get(live, &found);
    assert_int_equal(found.started_at, 5);
    assert_string_equal(found.listen, "127.0.0.1:1");
    live_free(live);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_find),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_node),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
