/*
 * The catalogue of record kinds and code lists: data that was embedded at
 * build time (node/kinds/catalogue), parsed once at start into tables that
 * never change. The store folds by it, methods check by it, and page and
 * command line take their labels from it.
 *
 * Values of fields, as they stand in operations: line, text, code, date
 * (YYYY-MM-DD): str · int: int · bool: int 0 or 1 · bin, ref (a record's 16
 * bytes): bin · codes, lines: array of str · bins: array of bin. Nil is "no
 * value" for each.
 */
#ifndef NODE_KINDS_KINDS_H
#define NODE_KINDS_KINDS_H

#include <entente/value.h>

#include "kinds/numbers.h"

enum kinds_lang { KINDS_EN, KINDS_FR };

/* "fr", "fr_FR.UTF-8", …: French; anything else, NULL too: English. */
enum kinds_lang kinds_lang_of(const char *name);

enum kinds_space {
    KINDS_SPACE_OWN = 1 << 0,
    KINDS_SPACE_CIRCLE = 1 << 1,
    KINDS_SPACE_CARE = 1 << 2,
    KINDS_SPACE_REVIEW = 1 << 3,
};

/* Whose operations on a record count. */
enum kinds_owner {
    KINDS_SHARED,    /* anybody who may write in the space */
    KINDS_OWNER,     /* the node that made it, only */
    KINDS_MODERATOR, /* the moderator's node, only */
};

enum kinds_type {
    KINDS_LINE,
    KINDS_TEXT,
    KINDS_INT,
    KINDS_BOOL,
    KINDS_CODE,
    KINDS_CODES,
    KINDS_LINES,
    KINDS_DATE,
    KINDS_BIN,
    KINDS_BINS,
    KINDS_REF,
};

struct kinds_words {
    const char *en;
    const char *fr;
};

struct kinds_code {
    const char *code; /* "referral-no-return" */
    struct kinds_words label;
};

struct kinds_list {
    const char *name;
    bool is_validated; /* by anybody outside; else say that it is not */
    bool is_open;      /* a circle may use codes that are not listed */
    const char *source;
    struct kinds_words label;
    size_t count;
    const struct kinds_code *codes;
};

struct kinds_field {
    uint16_t number;
    const char *name;
    enum kinds_type type;
    bool is_required;
    const struct kinds_list *list; /* of code and codes; else NULL */
    struct kinds_words label;
    struct kinds_words help; /* empty strings when there is none */
};

struct kinds_kind {
    uint16_t number;
    const char *name;
    unsigned spaces; /* of enum kinds_space */
    enum kinds_owner owner;
    struct kinds_words label;
    size_t count;
    const struct kinds_field *fields;
};

struct kinds;

/* Parses the embedded catalogue. It is part of the program: a mistake in it
 * panics. Returns owned: kinds_free. */
struct kinds *kinds_new(void);
/* Parses other catalogue texts instead; NULL and a sentence in `ret_error`
 * when one is off. */
struct kinds *kinds_parse(const char *const *texts, size_t count,
                          char ret_error[160]);
void kinds_free(struct kinds *k);

size_t kinds_count(const struct kinds *k);
const struct kinds_kind *kinds_at(const struct kinds *k, size_t index);
/* NULL when there is no such kind (a newer one, perhaps). Borrowed. */
const struct kinds_kind *kinds_find(const struct kinds *k, uint16_t number);
const struct kinds_kind *kinds_find_by_name(const struct kinds *k,
                                            const char *name);
const struct kinds_field *kinds_find_field(const struct kinds_kind *kind,
                                           uint16_t number);
const struct kinds_field *kinds_find_field_by_name(
    const struct kinds_kind *kind, const char *name);
size_t kinds_list_count(const struct kinds *k);
const struct kinds_list *kinds_list_at(const struct kinds *k, size_t index);
const struct kinds_list *kinds_find_list(const struct kinds *k,
                                         const char *name);
const struct kinds_code *kinds_find_code(const struct kinds_list *list,
                                         const char *code);
/* Is `code` one that this list allows? An open list also allows what has the
 * form of a code: capitals, digits and hyphens, at most 40. */
bool kinds_code_is_allowed(const struct kinds_list *list, const char *code);
/* Its label, or the code itself when it is not listed. Borrowed. */
const char *kinds_code_label(const struct kinds_list *list, const char *code,
                             enum kinds_lang lang);

static inline const char *
kinds_word(const struct kinds_words *words, enum kinds_lang lang)
{
    return lang == KINDS_FR ? words->fr : words->en;
}

/* The whole catalogue for method `kinds`, labels in one language. Returns
 * owned: value_free. */
struct value *kinds_to_value(const struct kinds *k, enum kinds_lang lang);

#endif
