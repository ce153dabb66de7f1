/* Optimal string alignment on three rows. */
#include "suggest.h"

#include <stdint.h>
#include <string.h>

#define PREFIX_MIN 3u

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t
suggest_distance(const char *a, const char *b)
{
    size_t rows[3][SUGGEST_WORD_MAX + 1];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    size_t i;
    size_t j;

    if (a_len > SUGGEST_WORD_MAX || b_len > SUGGEST_WORD_MAX) {
        return SIZE_MAX;
    }
    for (j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (i = 1; i <= a_len; i++) {
        const size_t *before = rows[(i - 1) % 3];
        size_t *row = rows[i % 3];

        row[0] = i;
        for (j = 1; j <= b_len; j++) {
            row[j] = before[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(row[j], least(before[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

/* Longer words forgive more. */
static size_t
tolerance(size_t len)
{
    if (len <= 3) {
        return 1;
    }
    return len <= 7 ? 2 : 3;
}

void
suggest_offer(struct suggest *s, const char *word, const char *means)
{
    size_t len = strlen(s->typed);
    size_t distance = suggest_distance(s->typed, word);

    if (len >= PREFIX_MIN && strncmp(s->typed, word, len) == 0) {
        distance = 0;
    }
    if (distance <= tolerance(len) && distance < len &&
        (s->best == NULL || distance < s->distance)) {
        s->best = means;
        s->distance = distance;
    }
}
