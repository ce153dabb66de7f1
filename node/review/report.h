/*
 * The aggregated report of a circle's reviews (docs/report.md): plain
 * structs in, counts with their denominators out. Pure functions; whoever
 * calls has chosen what may be counted (what the review views show to this
 * node) and who may read it.
 *
 * Three denominators must never be mixed: malfunctions and carers are of all
 * situations, patients harmed are of the malfunctions.
 */
#ifndef NODE_REVIEW_REPORT_H
#define NODE_REVIEW_REPORT_H

#include "kinds/kinds.h"
#include "review/stats.h"

enum report_answer {
    REPORT_MISSING, /* the question was not answered */
    REPORT_YES,
    REPORT_NO,
    REPORT_UNKNOWN, /* answered: "I don't know" */
};

enum report_avoidable {
    REPORT_AVOIDABLE_NO,
    REPORT_AVOIDABLE_PARTLY,
    REPORT_AVOIDABLE_UNKNOWN,
    REPORT_AVOIDABLE_YES,
};

enum report_question { REPORT_Q2, REPORT_Q3, REPORT_Q4 };

#define REPORT_QUESTIONS 3u
#define REPORT_AVOIDABLES 4u
#define REPORT_LEVEL_UNKNOWN (-1) /* a harm level that was not settled */
#define REPORT_KEY_MAX 64u

/* What one structure said, opened. */
struct report_perspective {
    const char *mode; /* its mode of follow-up; NULL or "": not stated */
    enum report_answer answers[REPORT_QUESTIONS];
};

/* One concluded situation. Strings are borrowed until report_make returns. */
struct report_situation {
    const char *presenter; /* a key of report_input.presenters */
    bool is_malfunction;   /* of cooperation */
    int patient_physical;  /* 0 … 4 or REPORT_LEVEL_UNKNOWN */
    int patient_psychological;
    int carer;
    enum report_avoidable avoidable;
    const char *code;  /* primary; NULL or "": none given */
    uint32_t expected; /* structures that were asked */
    size_t perspective_count;
    const struct report_perspective *perspectives;
};

struct report_input {
    /* Every key a presenter can have ("P", "H", "C"); each is listed, with
     * zeros. A presenter with another key is listed too. */
    size_t presenter_count;
    const char *const *presenters;
    size_t situation_count;
    const struct report_situation *situations;
    uint32_t open_count; /* offered or revealed, not concluded: not counted */
};

struct report_count {
    char key[REPORT_KEY_MAX];
    uint32_t count;
};

struct report_counts { /* sorted by key */
    size_t count;
    struct report_count *items;
};

struct report {
    uint32_t situations;
    uint32_t open_count;
    uint32_t malfunctions;
    uint32_t patient_harmed;
    uint32_t patient_harmed_of_malfunctions;
    uint32_t carer_in_difficulty;
    uint32_t avoidable[REPORT_AVOIDABLES];
    uint32_t mode_disagreement;
    uint32_t perspectives_expected;
    uint32_t perspectives_received; /* with at least one question answered */
    uint32_t diverging[REPORT_QUESTIONS]; /* both a yes and a no */
    struct stats_alpha alpha[REPORT_QUESTIONS];
    struct stats_interval malfunction_interval; /* of situations */
    struct stats_interval harmed_interval;      /* of malfunctions */
    struct stats_interval carer_interval;       /* of situations */
    struct report_counts presented_by;
    struct report_counts by_code;
};

/* Keys longer than REPORT_KEY_MAX - 1 are cut. Fills `ret`; release it. */
void report_make(const struct report_input *input, struct report *ret);
void report_release(struct report *r);

/* The report with the keys of the review fixture, alphabetically: null for a
 * zero denominator or an undefined alpha. Returns owned: value_free. */
struct value *report_to_value(const struct report *r);

/* Appends the report as a page of text, every proportion with its
 * denominator. `kinds` gives codes their labels. */
void report_print(const struct report *r, const struct kinds *kinds,
                  enum kinds_lang lang, struct ent_buf *out);

/* For callers that read codes: "yes", "no", "unknown" ("unsure" counts as
 * unknown; "partly" as yes: it could have been avoided in part); anything
 * else, NULL too, is missing. */
enum report_answer report_answer_of(const char *code);
/* "none", "low", "moderate", "severe", "fatal" are 0 … 4; anything else is
 * REPORT_LEVEL_UNKNOWN. */
int report_level_of(const char *code);
/* "yes", "partly", "no"; anything else is unknown. */
enum report_avoidable report_avoidable_of(const char *code);

/* The key of a structure in `presented_by`: a capital for its sector. */
const char *report_presenter_key(const char *sector);

#endif
