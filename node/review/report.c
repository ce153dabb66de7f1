/*
 * Counting. One pass over the situations for the plain counts, one pass a
 * question for agreement; the intervals come from the counts at the end.
 */
#include "review/report.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Counts by key ---- */

static struct report_count *
counts_find(struct report_counts *counts, const char *key)
{
    for (size_t i = 0; i < counts->count; i++) {
        if (strcmp(counts->items[i].key, key) == 0) {
            return &counts->items[i];
        }
    }
    return NULL;
}

static void
counts_add(struct report_counts *counts, const char *name, uint32_t add)
{
    char key[REPORT_KEY_MAX];
    struct report_count *item;

    snprintf(key, sizeof(key), "%s", name);
    item = counts_find(counts, key);
    if (item == NULL) {
        counts->items = ent_realloc(counts->items, (counts->count + 1) *
                                                       sizeof(*counts->items));
        item = &counts->items[counts->count++];
        *item = (struct report_count){0};
        memcpy(item->key, key, sizeof(key));
    }
    item->count += add;
}

static int
count_cmp(const void *a, const void *b)
{
    const struct report_count *left = a;
    const struct report_count *right = b;

    return strcmp(left->key, right->key);
}

static void
counts_sort(struct report_counts *counts)
{
    if (counts->count > 1) {
        qsort(counts->items, counts->count, sizeof(*counts->items), count_cmp);
    }
}

/* ---- One situation ---- */

static bool
is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool
is_received(const struct report_perspective *p)
{
    for (size_t q = 0; q < REPORT_QUESTIONS; q++) {
        if (p->answers[q] != REPORT_MISSING) {
            return true;
        }
    }
    return false;
}

static bool
has_mode_disagreement(const struct report_situation *s)
{
    const char *first = NULL;

    for (size_t i = 0; i < s->perspective_count; i++) {
        const char *mode = s->perspectives[i].mode;

        if (!is_given(mode)) {
            continue;
        }
        if (first != NULL && strcmp(first, mode) != 0) {
            return true;
        }
        first = mode;
    }
    return false;
}

static void
count_conclusion(const struct report_situation *s, struct report *r)
{
    bool is_harmed = s->patient_physical > 0 || s->patient_psychological > 0;

    r->situations++;
    r->malfunctions += s->is_malfunction;
    r->patient_harmed += is_harmed;
    r->patient_harmed_of_malfunctions += is_harmed && s->is_malfunction;
    r->carer_in_difficulty += s->carer > 0;
    ENT_ASSERT((size_t)s->avoidable < REPORT_AVOIDABLES);
    r->avoidable[s->avoidable]++;
    if (is_given(s->presenter)) {
        counts_add(&r->presented_by, s->presenter, 1);
    }
    if (is_given(s->code)) {
        counts_add(&r->by_code, s->code, 1);
    }
}

static void
count_perspectives(const struct report_situation *s, struct report *r)
{
    r->perspectives_expected += s->expected;
    r->mode_disagreement += has_mode_disagreement(s);
    for (size_t i = 0; i < s->perspective_count; i++) {
        r->perspectives_received += is_received(&s->perspectives[i]);
    }
}

/* ---- Agreement ---- */

enum { SAID_NO, SAID_YES, SAID_COUNT };

static void
count_answers(const struct report_situation *s, size_t question,
              uint32_t said[SAID_COUNT])
{
    for (size_t i = 0; i < s->perspective_count; i++) {
        enum report_answer answer = s->perspectives[i].answers[question];

        said[SAID_NO] += answer == REPORT_NO;
        said[SAID_YES] += answer == REPORT_YES;
    }
}

static void
count_agreement(const struct report_input *input, size_t question,
                struct report *r)
{
    uint32_t *table =
        ent_alloc_zero(input->situation_count, SAID_COUNT * sizeof(*table));

    for (size_t i = 0; i < input->situation_count; i++) {
        uint32_t *said = table + i * SAID_COUNT;

        count_answers(&input->situations[i], question, said);
        r->diverging[question] += said[SAID_NO] > 0 && said[SAID_YES] > 0;
    }
    r->alpha[question] =
        stats_alpha_nominal(table, input->situation_count, SAID_COUNT);
    free(table);
}

void
report_make(const struct report_input *input, struct report *ret)
{
    struct report r = {.open_count = input->open_count};

    for (size_t i = 0; i < input->presenter_count; i++) {
        counts_add(&r.presented_by, input->presenters[i], 0);
    }
    for (size_t i = 0; i < input->situation_count; i++) {
        count_conclusion(&input->situations[i], &r);
        count_perspectives(&input->situations[i], &r);
    }
    for (size_t q = 0; q < REPORT_QUESTIONS; q++) {
        count_agreement(input, q, &r);
    }
    counts_sort(&r.presented_by);
    counts_sort(&r.by_code);
    r.malfunction_interval = stats_wilson95(r.malfunctions, r.situations);
    r.harmed_interval =
        stats_wilson95(r.patient_harmed_of_malfunctions, r.malfunctions);
    r.carer_interval = stats_wilson95(r.carer_in_difficulty, r.situations);
    ENT_ASSERT(r.situations == input->situation_count);
    *ret = r;
}

void
report_release(struct report *r)
{
    free(r->presented_by.items);
    free(r->by_code.items);
    *r = (struct report){0};
}

/* ---- As a value ---- */

static struct value *
real_or_null(bool has_value, double v)
{
    return has_value ? value_real(stats_round4(v)) : value_null();
}

static struct value *
interval_value(const struct stats_interval *interval)
{
    struct value *pair;

    if (!interval->has_value) {
        return value_null();
    }
    pair = value_array();
    value_add(pair, value_real(stats_round4(interval->low)));
    value_add(pair, value_real(stats_round4(interval->high)));
    return pair;
}

static struct value *
counts_value(const struct report_counts *counts)
{
    struct value *object = value_object();

    for (size_t i = 0; i < counts->count; i++) {
        value_set_int(object, counts->items[i].key, counts->items[i].count);
    }
    return object;
}

static struct value *
alpha_value(const struct report *r)
{
    struct value *object = value_object();
    const struct stats_alpha *alpha = r->alpha;

    value_set(object, "Q2",
              real_or_null(alpha[REPORT_Q2].has_value, alpha[REPORT_Q2].value));
    value_set(object, "Q3",
              real_or_null(alpha[REPORT_Q3].has_value, alpha[REPORT_Q3].value));
    value_set(object, "Q4",
              real_or_null(alpha[REPORT_Q4].has_value, alpha[REPORT_Q4].value));
    return object;
}

static struct value *
avoidable_value(const struct report *r)
{
    struct value *object = value_object();

    value_set_int(object, "no", r->avoidable[REPORT_AVOIDABLE_NO]);
    value_set_int(object, "partly", r->avoidable[REPORT_AVOIDABLE_PARTLY]);
    value_set_int(object, "unknown", r->avoidable[REPORT_AVOIDABLE_UNKNOWN]);
    value_set_int(object, "yes", r->avoidable[REPORT_AVOIDABLE_YES]);
    return object;
}

static struct value *
diverging_value(const struct report *r)
{
    struct value *object = value_object();

    value_set_int(object, "Q2", r->diverging[REPORT_Q2]);
    value_set_int(object, "Q3", r->diverging[REPORT_Q3]);
    value_set_int(object, "Q4", r->diverging[REPORT_Q4]);
    return object;
}

static struct value *
wilson_value(const struct report *r)
{
    struct value *object = value_object();

    value_set(object, "carer", interval_value(&r->carer_interval));
    value_set(object, "coop", interval_value(&r->malfunction_interval));
    value_set(object, "patient_of_coop", interval_value(&r->harmed_interval));
    return object;
}

struct value *
report_to_value(const struct report *r)
{
    struct value *v = value_object();

    value_set(v, "alpha", alpha_value(r));
    value_set(v, "avoidable", avoidable_value(r));
    value_set(v, "by_code", counts_value(&r->by_code));
    value_set_int(v, "carer_in_difficulty", r->carer_in_difficulty);
    value_set_int(v, "cooperation_malfunctions", r->malfunctions);
    value_set(v, "diverging", diverging_value(r));
    value_set_int(v, "mode_disagreement", r->mode_disagreement);
    value_set_int(v, "patient_harmed", r->patient_harmed);
    value_set_int(v, "patient_harmed_of_malfunctions",
                  r->patient_harmed_of_malfunctions);
    value_set_int(v, "perspectives_expected", r->perspectives_expected);
    value_set_int(v, "perspectives_received", r->perspectives_received);
    value_set(v, "presented_by", counts_value(&r->presented_by));
    value_set_int(v, "situations", r->situations);
    value_set(v, "wilson95", wilson_value(r));
    return v;
}

/* ---- From codes ---- */

enum report_answer
report_answer_of(const char *code)
{
    if (code == NULL) {
        return REPORT_MISSING;
    }
    if (strcmp(code, "yes") == 0 || strcmp(code, "partly") == 0) {
        return REPORT_YES;
    }
    if (strcmp(code, "no") == 0) {
        return REPORT_NO;
    }
    if (strcmp(code, "unknown") == 0 || strcmp(code, "unsure") == 0) {
        return REPORT_UNKNOWN;
    }
    return REPORT_MISSING;
}

int
report_level_of(const char *code)
{
    static const char *const levels[] = {"none", "low", "moderate", "severe",
                                         "fatal"};

    for (size_t i = 0; code != NULL && i < 5; i++) {
        if (strcmp(levels[i], code) == 0) {
            return (int)i;
        }
    }
    return REPORT_LEVEL_UNKNOWN;
}

enum report_avoidable
report_avoidable_of(const char *code)
{
    if (code != NULL && strcmp(code, "yes") == 0) {
        return REPORT_AVOIDABLE_YES;
    }
    if (code != NULL && strcmp(code, "partly") == 0) {
        return REPORT_AVOIDABLE_PARTLY;
    }
    if (code != NULL && strcmp(code, "no") == 0) {
        return REPORT_AVOIDABLE_NO;
    }
    return REPORT_AVOIDABLE_UNKNOWN;
}

const char *
report_presenter_key(const char *sector)
{
    static const char *const keys[][2] = {
        {"private", "P"}, {"hospital", "H"}, {"community", "C"},
        {"social", "S"},  {"peer", "E"},     {"justice", "J"},
    };

    for (size_t i = 0; sector != NULL && i < sizeof(keys) / sizeof(keys[0]);
         i++) {
        if (strcmp(keys[i][0], sector) == 0) {
            return keys[i][1];
        }
    }
    return "O";
}
