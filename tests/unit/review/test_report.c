/*
 * The report of the review fixture equals the expected one, number by
 * number; and what must hold for any file of that form.
 */
#include <stdio.h>
#include <stdlib.h>
#include "lib/cmocka.h"

#include "review/report.h"

#define SITUATIONS_MAX 64u
#define STRUCTURES 3u
#define COLUMNS 21u
#define LINE_MAX_LEN 512u

/* ---- The fixture ---- */

struct fixture {
    size_t count;
    char lines[SITUATIONS_MAX][LINE_MAX_LEN];
    struct report_situation situations[SITUATIONS_MAX];
    struct report_perspective perspectives[SITUATIONS_MAX][STRUCTURES];
};

static const char *const letters[STRUCTURES] = {"P", "H", "C"};

static enum report_answer
answer_of(const char *letter)
{
    switch (letter[0]) {
    case 'y':
        return REPORT_YES;
    case 'n':
        return REPORT_NO;
    case 'u':
        return REPORT_UNKNOWN;
    default:
        return REPORT_MISSING;
    }
}

/* Cuts a line at its commas, in place. */
static void
cut(char *line, char *cells[COLUMNS])
{
    size_t n = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at != NULL && n < COLUMNS;) {
        char *comma = strchr(at, ',');

        cells[n++] = at;
        if (comma != NULL) {
            *comma++ = '\0';
        }
        at = comma;
    }
    assert_int_equal(n, COLUMNS);
}

static void
add_line(struct fixture *f)
{
    struct report_situation *s = &f->situations[f->count];
    struct report_perspective *p = f->perspectives[f->count];
    char *cells[COLUMNS];

    cut(f->lines[f->count], cells);
    s->presenter = cells[2];
    s->is_malfunction = cells[3][0] == '1';
    s->patient_physical = report_level_of(cells[4]);
    s->patient_psychological = report_level_of(cells[5]);
    s->carer = report_level_of(cells[6]);
    s->avoidable = report_avoidable_of(cells[7]);
    s->code = cells[8];
    s->expected = STRUCTURES;
    s->perspective_count = STRUCTURES;
    s->perspectives = p;
    for (size_t i = 0; i < STRUCTURES; i++) {
        p[i].mode = cells[9 + i];
        p[i].answers[REPORT_Q2] = answer_of(cells[12 + i]);
        p[i].answers[REPORT_Q3] = answer_of(cells[15 + i]);
        p[i].answers[REPORT_Q4] = answer_of(cells[18 + i]);
    }
    f->count++;
}

static struct fixture *
read_fixture(void)
{
    struct fixture *f = ent_alloc_zero(1, sizeof(*f));
    FILE *file = fopen(ENT_TEST_DATA "/data/situations.csv", "r");
    char header[LINE_MAX_LEN];

    assert_non_null(file);
    assert_non_null(fgets(header, sizeof(header), file));
    while (f->count < SITUATIONS_MAX &&
           fgets(f->lines[f->count], LINE_MAX_LEN, file) != NULL) {
        add_line(f);
    }
    fclose(file);
    return f;
}

static struct report_input
fixture_input(const struct fixture *f)
{
    return (struct report_input){.presenter_count = STRUCTURES,
                                 .presenters = letters,
                                 .situation_count = f->count,
                                 .situations = f->situations};
}

static struct value *
read_json(const char *path)
{
    FILE *file = fopen(path, "r");
    char text[8192], error[160];
    struct value *v;
    size_t len;

    assert_non_null(file);
    len = fread(text, 1, sizeof(text), file);
    fclose(file);
    v = value_from_json(text, len, error);
    assert_non_null(v);
    return v;
}

static char *
made_json(const struct report_input *input)
{
    struct report report;
    struct value *v;
    char *json;

    report_make(input, &report);
    v = report_to_value(&report);
    json = value_to_json(v, true, true);
    value_free(v);
    report_release(&report);
    return json;
}

static void
test_the_fixture_gives_the_expected_report(void **state)
{
    struct fixture *f = read_fixture();
    struct report_input input = fixture_input(f);
    struct value *expected =
        read_json(ENT_TEST_DATA "/data/expected_report.json");
    char *want = value_to_json(expected, true, true);
    char *got = made_json(&input);

    (void)state;
    assert_int_equal(f->count, 10);
    assert_string_equal(got, want);
    value_free(expected);
    free(want);
    free(got);
    free(f);
}

/* ---- The ends ---- */

static void
test_nothing_at_all(void **state)
{
    struct report_input input = {.presenter_count = STRUCTURES,
                                 .presenters = letters};
    char *json = made_json(&input);
    const char *want =
        "{\"alpha\": {\"Q2\": null, \"Q3\": null, \"Q4\": null}, "
        "\"avoidable\": {\"no\": 0, \"partly\": 0, \"unknown\": 0, "
        "\"yes\": 0}, \"by_code\": {}, \"carer_in_difficulty\": 0, "
        "\"cooperation_malfunctions\": 0, \"diverging\": {\"Q2\": 0, "
        "\"Q3\": 0, \"Q4\": 0}, \"mode_disagreement\": 0, "
        "\"patient_harmed\": 0, \"patient_harmed_of_malfunctions\": 0, "
        "\"perspectives_expected\": 0, \"perspectives_received\": 0, "
        "\"presented_by\": {\"C\": 0, \"H\": 0, \"P\": 0}, "
        "\"situations\": 0, \"wilson95\": {\"carer\": null, "
        "\"coop\": null, \"patient_of_coop\": null}}";
    char error[160];
    struct value *expected = value_from_json(want, strlen(want), error);
    char *want_json = value_to_json(expected, true, true);

    (void)state;
    assert_string_equal(json, want_json);
    value_free(expected);
    free(want_json);
    free(json);
}

static struct report_situation
plain_situation(void)
{
    return (struct report_situation){
        .presenter = "P", .avoidable = REPORT_AVOIDABLE_YES, .expected = 3};
}

static void
make_one(const struct report_situation *s, struct report *ret)
{
    struct report_input input = {.presenter_count = STRUCTURES,
                                 .presenters = letters,
                                 .situation_count = 1,
                                 .situations = s};

    report_make(&input, ret);
}

static void
test_one_without_malfunction_or_answers(void **state)
{
    struct report_situation s = plain_situation();
    struct report r;

    (void)state;
    make_one(&s, &r);
    assert_int_equal(r.situations, 1);
    assert_int_equal(r.malfunctions, 0);
    assert_int_equal(r.by_code.count, 0);
    assert_int_equal(r.perspectives_expected, 3);
    assert_int_equal(r.perspectives_received, 0);
    assert_true(r.malfunction_interval.has_value);
    assert_false(r.harmed_interval.has_value);
    report_release(&r);
}

static void
test_all_unknown(void **state)
{
    const struct report_perspective unknown = {
        "unknown", {REPORT_UNKNOWN, REPORT_UNKNOWN, REPORT_UNKNOWN}};
    const struct report_perspective all[] = {unknown, unknown, unknown};
    struct report_situation s = plain_situation();
    struct report r;

    (void)state;
    s.patient_physical = REPORT_LEVEL_UNKNOWN;
    s.patient_psychological = REPORT_LEVEL_UNKNOWN;
    s.carer = REPORT_LEVEL_UNKNOWN;
    s.avoidable = REPORT_AVOIDABLE_UNKNOWN;
    s.perspective_count = 3;
    s.perspectives = all;
    make_one(&s, &r);
    assert_int_equal(r.perspectives_received, 3);
    assert_int_equal(r.patient_harmed, 0);
    assert_int_equal(r.carer_in_difficulty, 0);
    assert_int_equal(r.mode_disagreement, 0);
    for (size_t q = 0; q < REPORT_QUESTIONS; q++) {
        assert_false(r.alpha[q].has_value);
        assert_int_equal(r.diverging[q], 0);
    }
    report_release(&r);
}

/* A mode alone is heard, but it is no answer to a question. */
static void
test_a_mode_alone_is_not_a_perspective_received(void **state)
{
    const struct report_perspective all[] = {
        {"joint", {REPORT_YES, REPORT_MISSING, REPORT_MISSING}},
        {"referral", {REPORT_MISSING, REPORT_MISSING, REPORT_MISSING}},
        {NULL, {REPORT_MISSING, REPORT_NO, REPORT_MISSING}},
    };
    struct report_situation s = plain_situation();
    struct report r;

    (void)state;
    s.perspective_count = 3;
    s.perspectives = all;
    make_one(&s, &r);
    assert_int_equal(r.perspectives_received, 2);
    assert_int_equal(r.mode_disagreement, 1);
    assert_int_equal(r.diverging[REPORT_Q2], 0);
    assert_false(r.alpha[REPORT_Q2].has_value);
    report_release(&r);
}

/* Patients harmed without a malfunction are not of the malfunctions. */
static void
test_the_denominators_stay_apart(void **state)
{
    struct report_situation all[3] = {plain_situation(), plain_situation(),
                                      plain_situation()};
    struct report_input input = {.situation_count = 3, .situations = all};
    struct report r;

    (void)state;
    all[0].is_malfunction = true;
    all[0].patient_psychological = 1;
    all[1].patient_physical = 4;
    all[2].is_malfunction = true;
    all[2].carer = 1;
    report_make(&input, &r);
    assert_int_equal(r.malfunctions, 2);
    assert_int_equal(r.patient_harmed, 2);
    assert_int_equal(r.patient_harmed_of_malfunctions, 1);
    assert_int_equal(r.carer_in_difficulty, 1);
    assert_int_equal(r.presented_by.count, 1);
    assert_int_equal(r.presented_by.items[0].count, 3);
    report_release(&r);
}

static void
test_long_keys_are_cut(void **state)
{
    struct report_situation s = plain_situation();
    char code[3 * REPORT_KEY_MAX];
    struct report r;

    (void)state;
    memset(code, 'A', sizeof(code) - 1);
    code[sizeof(code) - 1] = '\0';
    s.code = code;
    make_one(&s, &r);
    assert_int_equal(r.by_code.count, 1);
    assert_int_equal(strlen(r.by_code.items[0].key), REPORT_KEY_MAX - 1);
    report_release(&r);
}

/* ---- Properties ---- */

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void
shuffle(struct fixture *f, uint32_t *seed)
{
    for (size_t i = f->count; i > 1; i--) {
        size_t j = next_random(seed) % i;
        struct report_situation kept = f->situations[i - 1];

        f->situations[i - 1] = f->situations[j];
        f->situations[j] = kept;
    }
}

static void
test_the_order_of_situations_does_not_matter(void **state)
{
    struct fixture *f = read_fixture();
    struct report_input input = fixture_input(f);
    char *want = made_json(&input);
    uint32_t seed = 7;

    (void)state;
    for (int round = 0; round < 20; round++) {
        char *got;

        shuffle(f, &seed);
        got = made_json(&input);
        assert_string_equal(got, want);
        free(got);
    }
    free(want);
    free(f);
}

static uint32_t
sum_of(const struct report_counts *counts)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < counts->count; i++) {
        sum += counts->items[i].count;
        assert_true(i == 0 ||
                    strcmp(counts->items[i - 1].key, counts->items[i].key) < 0);
    }
    return sum;
}

static void
randomise(struct fixture *f, uint32_t *seed)
{
    static const char *const modes[] = {"joint", "referral", ""};
    static const char *const codes[] = {"A", "B", "C", "D"};

    for (size_t i = 0; i < f->count; i++) {
        struct report_situation *s = &f->situations[i];

        s->is_malfunction = next_random(seed) % 2 == 0;
        s->patient_physical = (int)(next_random(seed) % 6) - 1;
        s->patient_psychological = (int)(next_random(seed) % 6) - 1;
        s->carer = (int)(next_random(seed) % 6) - 1;
        s->avoidable = (enum report_avoidable)(next_random(seed) % 4);
        s->code = codes[next_random(seed) % 4];
        for (size_t k = 0; k < STRUCTURES; k++) {
            struct report_perspective *p = &f->perspectives[i][k];

            p->mode = modes[next_random(seed) % 3];
            for (size_t q = 0; q < REPORT_QUESTIONS; q++) {
                p->answers[q] = (enum report_answer)(next_random(seed) % 4);
            }
        }
    }
}

static void
test_parts_never_exceed_their_wholes(void **state)
{
    struct fixture *f = read_fixture();
    struct report_input input = fixture_input(f);
    uint32_t seed = 99;

    (void)state;
    for (int round = 0; round < 500; round++) {
        uint32_t avoidable = 0;
        struct report r;

        randomise(f, &seed);
        report_make(&input, &r);
        for (size_t i = 0; i < REPORT_AVOIDABLES; i++) {
            avoidable += r.avoidable[i];
        }
        assert_int_equal(avoidable, r.situations);
        assert_int_equal(sum_of(&r.by_code), r.situations);
        assert_int_equal(sum_of(&r.presented_by), r.situations);
        assert_true(r.patient_harmed_of_malfunctions <= r.malfunctions);
        assert_true(r.patient_harmed_of_malfunctions <= r.patient_harmed);
        assert_true(r.patient_harmed <= r.situations);
        assert_true(r.perspectives_received <= r.perspectives_expected);
        assert_true(r.diverging[REPORT_Q2] <= r.situations);
        report_release(&r);
    }
    free(f);
}

/* ---- Text ---- */

static void
assert_prints(const struct report *r, enum kinds_lang lang,
              const char *const *wanted)
{
    struct kinds *kinds = kinds_new();
    struct ent_buf out;

    ent_buf_init(&out, 0);
    report_print(r, kinds, lang, &out);
    ent_buf_put_u8(&out, 0);
    assert_false(out.failed);
    for (; *wanted != NULL; wanted++) {
        if (strstr((const char *)out.p, *wanted) == NULL) {
            fail_msg("\"%s\" is missing in:\n%s", *wanted, (const char *)out.p);
        }
    }
    ent_buf_release(&out);
    kinds_free(kinds);
}

static void
test_the_page_gives_denominators_and_intervals(void **state)
{
    static const char *const english[] = {
        "8 of 10 situations  95% interval 49–94 %",
        "6 of 8 malfunctions  95% interval 41–93 %",
        "4 of 10 situations  95% interval 17–69 %",
        "26 of 30 expected",
        "yes 6, partly 1, no 2, unknown 1 (of 10)",
        "alpha 0.408, a yes and a no in 4 of 10",
        "Referred without joint follow-up",
        "never rank structures",
        "Not counted: 2",
        NULL,
    };
    static const char *const french[] = {
        "8 sur 10 situations  intervalle à 95 % 49–94 %",
        "6 sur 8 dysfonctionnements",
        "alpha 0,408",
        "Adressage sans suivi conjoint",
        "ne jamais classer les structures",
        "Non comptées : 2",
        NULL,
    };
    struct fixture *f = read_fixture();
    struct report_input input = fixture_input(f);
    struct report r;

    (void)state;
    input.open_count = 2;
    report_make(&input, &r);
    assert_prints(&r, KINDS_EN, english);
    assert_prints(&r, KINDS_FR, french);
    report_release(&r);
    free(f);
}

static void
test_the_page_of_nothing(void **state)
{
    static const char *const wanted[] = {"0 of 0 situations  (no interval)",
                                         "alpha –", "\n  none\n", NULL};
    struct report_input input = {0};
    struct report r;

    (void)state;
    report_make(&input, &r);
    assert_prints(&r, KINDS_EN, wanted);
    report_release(&r);
}

/* ---- Codes ---- */

static void
test_codes_are_read(void **state)
{
    (void)state;
    assert_int_equal(report_answer_of("yes"), REPORT_YES);
    assert_int_equal(report_answer_of("partly"), REPORT_YES);
    assert_int_equal(report_answer_of("no"), REPORT_NO);
    assert_int_equal(report_answer_of("unsure"), REPORT_UNKNOWN);
    assert_int_equal(report_answer_of(""), REPORT_MISSING);
    assert_int_equal(report_answer_of(NULL), REPORT_MISSING);
    assert_int_equal(report_level_of("none"), 0);
    assert_int_equal(report_level_of("fatal"), 4);
    assert_int_equal(report_level_of("near-miss"), REPORT_LEVEL_UNKNOWN);
    assert_int_equal(report_level_of(NULL), REPORT_LEVEL_UNKNOWN);
    assert_int_equal(report_avoidable_of("partly"), REPORT_AVOIDABLE_PARTLY);
    assert_int_equal(report_avoidable_of(NULL), REPORT_AVOIDABLE_UNKNOWN);
    assert_string_equal(report_presenter_key("hospital"), "H");
    assert_string_equal(report_presenter_key("peer"), "E");
    assert_string_equal(report_presenter_key("circus"), "O");
    assert_string_equal(report_presenter_key(NULL), "O");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fixture_gives_the_expected_report),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_one_without_malfunction_or_answers),
        cmocka_unit_test(test_all_unknown),
        cmocka_unit_test(test_a_mode_alone_is_not_a_perspective_received),
        cmocka_unit_test(test_the_denominators_stay_apart),
        cmocka_unit_test(test_long_keys_are_cut),
        cmocka_unit_test(test_the_order_of_situations_does_not_matter),
        cmocka_unit_test(test_parts_never_exceed_their_wholes),
        cmocka_unit_test(test_the_page_gives_denominators_and_intervals),
        cmocka_unit_test(test_the_page_of_nothing),
        cmocka_unit_test(test_codes_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
