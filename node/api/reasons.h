/*
 * Why a peer is not proved equal, and how it all stands, in words: short codes
 * for programs, calm sentences in English and French for people. Each says
 * what it means and what to do next, if there is anything to do.
 */
#ifndef NODE_API_REASONS_H
#define NODE_API_REASONS_H

#include "kinds/kinds.h"

enum reason {
    REASON_NONE,
    REASON_OFFLINE,      /* not reached since … */
    REASON_NEVER,        /* … or never; same code */
    REASON_UNRECOGNISED, /* something else answers there; same code */
    REASON_BROKEN_OFF,   /* the last exchange ended with a status */
    REASON_REFUSED,
    REASON_WRONG_VERSION,
    REASON_NO_ADDRESS,
    REASON_NOT_A_MEMBER_YET,
    REASON_STORE_RESTORED,
    REASON_FORK,
    REASON_WAITING_FOR_EARLIER,
    REASON_OLDER_KEY, /* linked by an old circle secret: circle spaces only */
    REASON_KEY_NOT_DELIVERED,
    REASON_CLOCK_SKEW,
    REASON_EXCHANGING,
    REASON_COUNT,
};

/* "offline", "wrong-version", …; NULL for REASON_NONE. */
const char *reason_code(enum reason reason);

/* What the sentences are about. Texts are borrowed; NULL is "?". */
struct reason_facts {
    const char *name;   /* the peer */
    const char *author; /* whose changes wait */
    const char *detail; /* a status name, "protocol 2" */
    uint64_t since_at;  /* wall ms */
    uint64_t now_ms;
    uint64_t count; /* changes concerned */
    int64_t skew_ms;
};

/* The sentence for a person. Empty for REASON_NONE. */
void reason_text(enum reason reason, const struct reason_facts *facts,
                 enum kinds_lang lang, char *ret, size_t size);

/* The same as a clause: "Hôpital du Lac has not been reached since 12:40: 3
 * changes wait"; `count` is how many. */
void reason_clause(enum reason reason, const struct reason_facts *facts,
                   enum kinds_lang lang, char *ret, size_t size);

/* A word of a template: "{name}" becomes `text`. */
struct reason_word {
    const char *key;
    const char *text;
};
/* Fills a template; unknown words stay as they are. Always NUL-terminated,
 * cut between characters. */
void reason_fill(const char *template, const struct reason_word *words,
                 size_t count, char *ret, size_t size);

/* "12:40" of today, "2026-11-22 12:40" of another day (local time). */
void reason_time(uint64_t at, uint64_t now_ms, char *ret, size_t size);

#endif
