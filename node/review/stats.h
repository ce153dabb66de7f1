/*
 * The three figures of the review report that are not plain counts: Wilson's
 * interval of a proportion, Krippendorff's alpha, and rounding. Pure.
 */
#ifndef NODE_REVIEW_STATS_H
#define NODE_REVIEW_STATS_H

#include <entente/base.h>

struct stats_interval {
    bool has_value; /* false: the denominator is zero */
    double low;     /* 0 … 1 */
    double high;
};

/* Wilson's score interval at 95 % (z = 1.959963984540054) of `count` out of
 * `total`; count <= total. */
struct stats_interval stats_wilson95(uint32_t count, uint32_t total);

struct stats_alpha {
    bool has_value; /* false: undefined, see stats_alpha_nominal */
    double value;   /* at most 1 */
};

/* Krippendorff's alpha for nominal values. `counts` is a table of `units`
 * rows by `categories` columns: how often each category was given to each
 * unit. Missing values are not in it; rows with fewer than two values are
 * left out. Undefined when no pair is left, or when all the values left are
 * of one category (nothing could have differed). */
struct stats_alpha stats_alpha_nominal(const uint32_t *counts, size_t units,
                                       size_t categories);

/* Rounds to 4 decimals, as printing with "%.4f" does; never minus zero. */
double stats_round4(double v);

#endif
