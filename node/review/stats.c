/*
 * The figures of the review report. Wilson's interval is used because it
 * stays inside 0 … 1 and is honest for ten situations; the plain normal
 * interval is neither.
 */
#include "review/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double Z95 = 1.959963984540054;

static double
clamp01(double v)
{
    if (v < 0.0) {
        return 0.0;
    }
    return v > 1.0 ? 1.0 : v;
}

struct stats_interval
stats_wilson95(uint32_t count, uint32_t total)
{
    struct stats_interval interval = {0};
    double n = total;
    double p, z2, centre, half, scale;

    ENT_ASSERT(count <= total);
    if (total == 0) {
        return interval;
    }
    p = count / n;
    z2 = Z95 * Z95;
    scale = 1.0 + z2 / n;
    centre = (p + z2 / (2.0 * n)) / scale;
    half = Z95 * sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n)) / scale;
    interval.has_value = true;
    interval.low = clamp01(centre - half);
    interval.high = clamp01(centre + half);
    return interval;
}

static uint64_t
row_sum(const uint32_t *row, size_t categories)
{
    uint64_t sum = 0;

    for (size_t c = 0; c < categories; c++) {
        sum += row[c];
    }
    return sum;
}

/* Ordered pairs of different categories in one unit, divided by m - 1: its
 * part of the observed disagreement. */
static double
row_disagreement(const uint32_t *row, size_t categories, uint64_t sum)
{
    uint64_t pairs = 0;

    ENT_ASSERT(sum >= 2);
    for (size_t c = 0; c < categories; c++) {
        pairs += row[c] * (sum - row[c]);
    }
    return (double)pairs / (double)(sum - 1);
}

struct stats_alpha
stats_alpha_nominal(const uint32_t *counts, size_t units, size_t categories)
{
    struct stats_alpha alpha = {0};
    uint64_t *totals = ent_alloc_zero(categories, sizeof(*totals));
    uint64_t n = 0, expected_pairs = 0;
    double observed = 0.0;

    for (size_t u = 0; u < units; u++) {
        const uint32_t *row = counts + u * categories;
        uint64_t sum = row_sum(row, categories);

        if (sum < 2) {
            continue;
        }
        observed += row_disagreement(row, categories, sum);
        for (size_t c = 0; c < categories; c++) {
            totals[c] += row[c];
        }
        n += sum;
    }
    for (size_t c = 0; c < categories; c++) {
        expected_pairs += totals[c] * (n - totals[c]);
    }
    free(totals);
    if (expected_pairs == 0) {
        return alpha;
    }
    ENT_ASSERT(n >= 2);
    alpha.has_value = true;
    alpha.value = 1.0 - (double)(n - 1) * observed / (double)expected_pairs;
    return alpha;
}

double
stats_round4(double v)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%.4f", v);
    double rounded;

    ENT_ASSERT(len > 0 && (size_t)len < sizeof(text));
    rounded = strtod(text, NULL);
    return rounded == 0.0 ? 0.0 : rounded;
}
