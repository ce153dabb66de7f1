/*
 * The three figures, against values that were worked out by hand or are
 * published, and the properties that must hold for any input.
 */
#include <math.h>
#include "lib/cmocka.h"

#include "review/stats.h"

static void
assert_interval(uint32_t count, uint32_t total, double low, double high)
{
    struct stats_interval interval = stats_wilson95(count, total);

    assert_true(interval.has_value);
    assert_true(stats_round4(interval.low) == low);
    assert_true(stats_round4(interval.high) == high);
}

static void
test_wilson_of_the_published_review(void **state)
{
    (void)state;
    assert_interval(8, 10, 0.4902, 0.9433);
    assert_interval(6, 8, 0.4093, 0.9285);
    assert_interval(4, 10, 0.1682, 0.6873);
}

static void
test_wilson_at_the_ends(void **state)
{
    (void)state;
    assert_false(stats_wilson95(0, 0).has_value);
    assert_interval(0, 1, 0.0, 0.7935);
    assert_interval(1, 1, 0.2065, 1.0);
    assert_interval(0, 10, 0.0, 0.2775);
    assert_interval(10, 10, 0.7225, 1.0);
}

/* It holds the proportion, stays inside 0 … 1, mirrors, and narrows. */
static void
test_wilson_properties(void **state)
{
    (void)state;
    for (uint32_t total = 1; total <= 120; total++) {
        for (uint32_t count = 0; count <= total; count++) {
            struct stats_interval one = stats_wilson95(count, total);
            struct stats_interval other = stats_wilson95(total - count, total);
            struct stats_interval ten = stats_wilson95(count * 10, total * 10);
            double p = (double)count / total;

            assert_true(one.low >= 0.0 && one.high <= 1.0);
            assert_true(one.low <= p + 1e-12 && p <= one.high + 1e-12);
            assert_true(fabs(one.low - (1.0 - other.high)) < 1e-12);
            assert_true(ten.high - ten.low < one.high - one.low);
        }
    }
}

static void
test_alpha_undefined(void **state)
{
    static const uint32_t lonely[] = {1, 0, 0, 1, 0, 0};
    static const uint32_t all_alike[] = {2, 0, 3, 0, 2, 0};

    (void)state;
    assert_false(stats_alpha_nominal(NULL, 0, 2).has_value);
    assert_false(stats_alpha_nominal(lonely, 3, 2).has_value);
    assert_false(stats_alpha_nominal(all_alike, 3, 2).has_value);
}

static void
test_alpha_of_full_agreement_is_one(void **state)
{
    static const uint32_t counts[] = {2, 0, 0, 3, 2, 0};
    struct stats_alpha alpha = stats_alpha_nominal(counts, 3, 2);

    (void)state;
    assert_true(alpha.has_value);
    assert_true(alpha.value == 1.0);
}

/* Krippendorff's own example: 4 observers, 12 units, values 1 to 5 with
 * missing ones; nominal alpha 0.743 (Computing Krippendorff's
 * Alpha-Reliability, example C). */
static void
test_alpha_of_krippendorffs_example(void **state)
{
    static const uint32_t counts[] = {
        3, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4, 0, 0,
        0, 4, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 4, 0, 3, 1, 0, 0, 0,
        0, 4, 0, 0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0,
    };
    struct stats_alpha alpha = stats_alpha_nominal(counts, 12, 5);

    (void)state;
    assert_true(alpha.has_value);
    assert_true(fabs(alpha.value - 0.743) < 0.0005);
}

/* Never above 1; the same whatever the order of units and categories; units
 * with fewer than two values change nothing. */
static void
test_alpha_properties(void **state)
{
    uint32_t seed = 12345;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        uint32_t counts[14] = {0}, mirrored[14] = {0};
        struct stats_alpha one, other;

        for (size_t i = 0; i < 12; i++) {
            seed = seed * 1664525u + 1013904223u;
            counts[i] = (seed >> 24) % 4;
            mirrored[11 - i] = counts[i];
        }
        mirrored[12] = 1; /* a lonely value in a seventh unit */
        one = stats_alpha_nominal(counts, 6, 2);
        other = stats_alpha_nominal(mirrored, 7, 2);
        assert_int_equal(one.has_value, other.has_value);
        if (one.has_value) {
            assert_true(one.value <= 1.0);
            assert_true(fabs(one.value - other.value) < 1e-12);
        }
    }
}

static void
test_rounding(void **state)
{
    (void)state;
    assert_true(stats_round4(0.40833) == 0.4083);
    assert_true(stats_round4(0.99996) == 1.0);
    assert_true(stats_round4(-0.00004) == 0.0);
    assert_false(signbit(stats_round4(-0.00004)));
    assert_true(stats_round4(-0.25) == -0.25);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson_of_the_published_review),
        cmocka_unit_test(test_wilson_at_the_ends),
        cmocka_unit_test(test_wilson_properties),
        cmocka_unit_test(test_alpha_undefined),
        cmocka_unit_test(test_alpha_of_full_agreement_is_one),
        cmocka_unit_test(test_alpha_of_krippendorffs_example),
        cmocka_unit_test(test_alpha_properties),
        cmocka_unit_test(test_rounding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
