/* The nearest word to one that was mistyped. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

#define SUGGEST_WORD_MAX 32u

/* Single-letter slips between two words: a letter too many, too few, another,
 * or two swapped. Words longer than SUGGEST_WORD_MAX are infinitely far. */
size_t suggest_distance(const char *a, const char *b);

/* Collects the best candidate so far. Zeroed with `typed` set is a start. */
struct suggest {
    const char *typed;
    const char *best; /* borrowed; NULL: nothing near */
    size_t distance;
};

/* Offers `means` as the suggestion if `word` is near to what was typed (or
 * starts with it) and nearer than any before. Borrows both. */
void suggest_offer(struct suggest *s, const char *word, const char *means);

#endif
