/* The clock: it never goes back, and a wrong clock elsewhere never drags us. */
#include "lib/cmocka.h"

#include <entente/entry.h>
#include <entente/limits.h>

static void
next_follows_the_wall_clock(void **state)
{
    (void)state;
    assert_int_equal(ent_hlc_next(0, 1000), UINT64_C(1000) << 16);
    assert_int_equal(ent_hlc_ms(ent_hlc_next(0, 1000)), 1000);
}

static void
next_counts_within_a_millisecond(void **state)
{
    uint64_t t = ent_hlc_next(0, 1000);

    (void)state;
    assert_int_equal(ent_hlc_next(t, 1000), t + 1);
    assert_int_equal(ent_hlc_next(t, 3), t + 1);
    t |= 0xffff;
    assert_int_equal(ent_hlc_next(t, 1000), UINT64_C(1001) << 16);
}

static void
next_never_wraps(void **state)
{
    (void)state;
    assert_true(ent_hlc_next(UINT64_MAX, 1) == UINT64_MAX);
    assert_true(ent_hlc_next(UINT64_MAX - 1, UINT64_MAX) == UINT64_MAX);
    assert_int_equal(ent_hlc_ms(ent_hlc_next(0, UINT64_MAX)),
                     (UINT64_C(1) << 48) - 1);
}

static void
receive_takes_the_later(void **state)
{
    uint64_t t = UINT64_C(5000) << 16;

    (void)state;
    assert_int_equal(ent_hlc_receive(t, t + 9, 5000), t + 9);
    assert_int_equal(ent_hlc_receive(t, t - 9, 5000), t);
}

static void
receive_ignores_the_far_future(void **state)
{
    uint64_t now = 5000;
    uint64_t edge = (now + ENT_SKEW_MS) << 16;

    (void)state;
    assert_int_equal(ent_hlc_receive(7, edge, now), edge);
    assert_int_equal(ent_hlc_receive(7, edge + (1 << 16), now), 7);
    assert_int_equal(ent_hlc_receive(7, UINT64_MAX, now), 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_follows_the_wall_clock),
        cmocka_unit_test(next_counts_within_a_millisecond),
        cmocka_unit_test(next_never_wraps),
        cmocka_unit_test(receive_takes_the_later),
        cmocka_unit_test(receive_ignores_the_far_future),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
