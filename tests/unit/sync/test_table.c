/* The table of logs: many links, several of one log, growth. */
#include "lib/cmocka.h"
#include "sync/table.h"

#include <stdlib.h>

#define LINKS 2000

static struct ent_logkey
key_of(uint32_t i)
{
    struct ent_logkey key = {.inc = i / 3}; /* three of each log */

    key.space.b[31] = (uint8_t)(i / 3 % 7);
    return key;
}

static void
test_every_link_is_found_in_order(void **state)
{
    static const uint8_t secret[16] = {7};
    struct log_link *links = ent_alloc_zero(LINKS, sizeof(*links));
    struct log_table t;
    struct ent_logkey absent = {.inc = LINKS};
    uint32_t i;

    (void)state;
    log_table_init(&t, secret);
    assert_null(log_table_find(&t, &absent));
    assert_null(log_table_pop(&t));
    for (i = 0; i < LINKS; i++) {
        links[i].log = key_of(i);
        log_table_put(&t, &links[i]);
    }
    assert_int_equal(t.count, LINKS);
    assert_true(t.chain_count > 64);
    assert_null(log_table_find(&t, &absent));
    for (i = 0; i + 2 < LINKS; i += 3) {
        struct ent_logkey key = key_of(i);
        struct log_link *link = log_table_find(&t, &key);

        assert_ptr_equal(link, &links[i]);
        assert_ptr_equal(log_link_again(link), &links[i + 1]);
        assert_ptr_equal(log_link_again(&links[i + 1]), &links[i + 2]);
        assert_null(log_link_again(&links[i + 2]));
        log_table_remove(&t, &links[i]);
        assert_ptr_equal(log_table_find(&t, &key), &links[i + 1]);
    }
    for (i = (uint32_t)t.count; i > 0; i--) {
        assert_non_null(log_table_pop(&t));
    }
    assert_null(log_table_pop(&t));
    log_table_release(&t);
    free(links);
}

static void
test_keys_differ_in_each_part(void **state)
{
    struct ent_logkey a = {.inc = 1};
    struct ent_logkey b = a;

    (void)state;
    assert_true(logkey_eq(&a, &b));
    b.inc = 2;
    assert_false(logkey_eq(&a, &b));
    b = a;
    b.node.b[31] = 1;
    assert_false(logkey_eq(&a, &b));
    b = a;
    b.space.b[0] = 1;
    assert_false(logkey_eq(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_link_is_found_in_order),
        cmocka_unit_test(test_keys_differ_in_each_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
