/* Half-open counts and token buckets; the limits of docs/protocol.md 4. */
#include "io/limiter.h"

#include <entente/limits.h>

#include "lib/cmocka.h"

static const struct limiter_config CONFIG = {
    .half_open_max = ENT_HALF_OPEN_MAX,
    .half_open_prefix_max = ENT_HALF_OPEN_PREFIX_MAX,
    .rate = ENT_ACCEPT_RATE,
    .burst = ENT_ACCEPT_BURST,
};

static struct address_prefix
prefix(unsigned n)
{
    struct address_prefix p = {{4}};

    ent_put_u32(p.b + 1, n);
    return p;
}

static void
test_prefix_half_open(void **state)
{
    struct limiter *l = limiter_new(&CONFIG);
    struct address_prefix a = prefix(1);
    struct address_prefix b = prefix(2);

    (void)state;
    for (unsigned i = 0; i < ENT_HALF_OPEN_PREFIX_MAX; i++) {
        assert_int_equal(limiter_enter(l, &a, 0), LIMITER_YES);
    }
    assert_int_equal(limiter_enter(l, &a, 0), LIMITER_PREFIX);
    assert_int_equal(limiter_enter(l, &b, 0), LIMITER_YES);
    limiter_leave(l, &a);
    assert_int_equal(limiter_enter(l, &a, 0), LIMITER_YES);
    assert_int_equal(limiter_half_open(l), ENT_HALF_OPEN_PREFIX_MAX + 1);
    limiter_free(l);
}

static void
test_all_half_open(void **state)
{
    struct limiter *l = limiter_new(&CONFIG);
    struct address_prefix p;

    (void)state;
    for (unsigned i = 0; i < ENT_HALF_OPEN_MAX; i++) {
        p = prefix(i);
        assert_int_equal(limiter_enter(l, &p, 0), LIMITER_YES);
    }
    p = prefix(ENT_HALF_OPEN_MAX);
    assert_int_equal(limiter_enter(l, &p, 0), LIMITER_FULL);
    p = prefix(7);
    limiter_leave(l, &p);
    p = prefix(ENT_HALF_OPEN_MAX);
    assert_int_equal(limiter_enter(l, &p, 0), LIMITER_YES);
    limiter_free(l);
}

/* Calls that end at once: the burst, then the rate, then the burst again. */
static void
test_rate(void **state)
{
    struct limiter *l = limiter_new(&CONFIG);
    struct address_prefix p = prefix(1);
    uint64_t now = 1000;

    (void)state;
    for (unsigned i = 0; i < ENT_ACCEPT_BURST; i++) {
        assert_int_equal(limiter_enter(l, &p, now), LIMITER_YES);
        limiter_leave(l, &p);
    }
    assert_int_equal(limiter_enter(l, &p, now), LIMITER_RATE);
    now += 1000 / ENT_ACCEPT_RATE - 1;
    assert_int_equal(limiter_enter(l, &p, now), LIMITER_RATE);
    now += 1;
    assert_int_equal(limiter_enter(l, &p, now), LIMITER_YES);
    limiter_leave(l, &p);
    assert_int_equal(limiter_enter(l, &p, now), LIMITER_RATE);
    now += 3600000;
    for (unsigned i = 0; i < ENT_ACCEPT_BURST; i++) {
        assert_int_equal(limiter_enter(l, &p, now), LIMITER_YES);
        limiter_leave(l, &p);
    }
    assert_int_equal(limiter_enter(l, &p, now), LIMITER_RATE);
    limiter_free(l);
}

/* A clock that jumps back must not fill a bucket or underflow. */
static void
test_clock_goes_back(void **state)
{
    struct limiter *l = limiter_new(&CONFIG);
    struct address_prefix p = prefix(1);

    (void)state;
    for (unsigned i = 0; i < ENT_ACCEPT_BURST; i++) {
        assert_int_equal(limiter_enter(l, &p, 5000), LIMITER_YES);
        limiter_leave(l, &p);
    }
    assert_int_equal(limiter_enter(l, &p, 10), LIMITER_RATE);
    limiter_free(l);
}

/* More prefixes than the table has places: the quiet ones are forgotten, those
 * with something half-open never are. */
static void
test_many_prefixes(void **state)
{
    struct limiter *l = limiter_new(&CONFIG);
    struct address_prefix held = prefix(0);
    struct address_prefix p;

    (void)state;
    assert_int_equal(limiter_enter(l, &held, 0), LIMITER_YES);
    for (unsigned i = 1; i < 5000; i++) {
        p = prefix(i);
        assert_int_equal(limiter_enter(l, &p, i), LIMITER_YES);
        limiter_leave(l, &p);
    }
    assert_int_equal(limiter_half_open(l), 1);
    limiter_leave(l, &held);
    assert_int_equal(limiter_half_open(l), 0);
    limiter_free(l);
    limiter_free(NULL);
}

static void
test_names(void **state)
{
    (void)state;
    assert_string_equal(limiter_answer_name(LIMITER_FULL), "half-open-full");
    assert_string_equal(limiter_answer_name(LIMITER_PREFIX),
                        "half-open-prefix");
    assert_string_equal(limiter_answer_name(LIMITER_RATE), "rate");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_half_open),
        cmocka_unit_test(test_all_half_open),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_clock_goes_back),
        cmocka_unit_test(test_many_prefixes),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
