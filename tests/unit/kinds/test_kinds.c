/*
 * The catalogue says what numbers.h says, every label exists in both
 * languages, and a catalogue that is off is refused with a sentence.
 */
#include <stdlib.h>
#include "lib/cmocka.h"

#include "kinds/kinds.h"

static int
setup(void **state)
{
    *state = kinds_new();
    return 0;
}

static int
teardown(void **state)
{
    kinds_free(*state);
    return 0;
}

/* ---- numbers.h ---- */

struct numbered_field {
    uint16_t number;
    uint16_t kind;
    const char *name;
};

static const struct numbered_field numbered_fields[] = {
#define X(symbol, number, kind, name) {symbol, kind, name},
    KINDS_FIELDS_LIST(X)
#undef X
};

static const struct numbered_field numbered_kinds[] = {
#define X(symbol, number, name) {symbol, 0, name},
    KINDS_LIST(X)
#undef X
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_kinds_have_the_numbers_of_the_header(void **state)
{
    const struct kinds *k = *state;

    assert_int_equal(kinds_count(k), COUNT(numbered_kinds));
    for (size_t i = 0; i < COUNT(numbered_kinds); i++) {
        const struct kinds_kind *kind = kinds_find(k, numbered_kinds[i].number);

        assert_non_null(kind);
        assert_string_equal(kind->name, numbered_kinds[i].name);
        assert_ptr_equal(kind, kinds_find_by_name(k, kind->name));
    }
}

static void
test_fields_have_the_numbers_of_the_header(void **state)
{
    const struct kinds *k = *state;
    size_t count = 0;

    for (size_t i = 0; i < COUNT(numbered_fields); i++) {
        const struct numbered_field *want = &numbered_fields[i];
        const struct kinds_kind *kind = kinds_find(k, want->kind);
        const struct kinds_field *field = kinds_find_field(kind, want->number);

        assert_non_null(field);
        assert_string_equal(field->name, want->name);
        assert_ptr_equal(field, kinds_find_field_by_name(kind, want->name));
    }
    for (size_t i = 0; i < kinds_count(k); i++) {
        count += kinds_at(k, i)->count;
    }
    assert_int_equal(count, COUNT(numbered_fields));
}

/* ---- Labels ---- */

static void
assert_words(const struct kinds_words *words)
{
    assert_true(ent_utf8_is_valid(ent_slice_str(words->en)));
    assert_true(ent_utf8_is_valid(ent_slice_str(words->fr)));
    assert_true(strlen(words->en) > 0);
    assert_true(strlen(words->fr) > 0);
}

static void
test_every_label_is_in_both_languages(void **state)
{
    const struct kinds *k = *state;

    for (size_t i = 0; i < kinds_count(k); i++) {
        const struct kinds_kind *kind = kinds_at(k, i);

        assert_words(&kind->label);
        for (size_t j = 0; j < kind->count; j++) {
            assert_words(&kind->fields[j].label);
            assert_int_equal(kind->fields[j].help.en[0] == '\0',
                             kind->fields[j].help.fr[0] == '\0');
        }
    }
    for (size_t i = 0; i < kinds_list_count(k); i++) {
        const struct kinds_list *list = kinds_list_at(k, i);

        assert_words(&list->label);
        for (size_t j = 0; j < list->count; j++) {
            assert_words(&list->codes[j].label);
        }
    }
}

static void
test_labels_follow_the_language(void **state)
{
    const struct kinds_list *modes = kinds_find_list(*state, "mode");

    assert_string_equal(kinds_code_label(modes, "referral-no-return", KINDS_FR),
                        "Adressage sans retour");
    assert_string_equal(kinds_code_label(modes, "joint", KINDS_EN),
                        "Joint follow-up");
    assert_string_equal(kinds_code_label(modes, "unheard-of", KINDS_EN),
                        "unheard-of");
    assert_int_equal(kinds_lang_of("fr"), KINDS_FR);
    assert_int_equal(kinds_lang_of("fr_CA.UTF-8"), KINDS_FR);
    assert_int_equal(kinds_lang_of("fy"), KINDS_EN);
    assert_int_equal(kinds_lang_of("fra"), KINDS_EN);
    assert_int_equal(kinds_lang_of(NULL), KINDS_EN);
}

/* ---- Lists ---- */

static void
test_lists_say_whether_somebody_validated_them(void **state)
{
    assert_false(kinds_find_list(*state, "malfunction")->is_validated);
    assert_false(kinds_find_list(*state, "mode")->is_validated);
    assert_false(kinds_find_list(*state, "carer-level")->is_validated);
    assert_true(kinds_find_list(*state, "basis")->is_validated);
    assert_null(kinds_find_list(*state, "no-such-list"));
}

static void
test_open_lists_take_what_looks_like_a_code(void **state)
{
    const struct kinds_list *open = kinds_find_list(*state, "malfunction");
    const struct kinds_list *closed = kinds_find_list(*state, "mode");

    assert_true(kinds_code_is_allowed(open, "REF-NOJOINT"));
    assert_true(kinds_code_is_allowed(open, "OURS-1"));
    assert_false(kinds_code_is_allowed(open, "ours"));
    assert_false(kinds_code_is_allowed(open, ""));
    assert_false(kinds_code_is_allowed(open, NULL));
    assert_false(kinds_code_is_allowed(
        open, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_true(kinds_code_is_allowed(closed, "shared-lead"));
    assert_false(kinds_code_is_allowed(closed, "OURS-1"));
    assert_false(kinds_code_is_allowed(NULL, "joint"));
}

static void
test_coded_fields_know_their_list(void **state)
{
    const struct kinds_kind *kind = kinds_find(*state, KIND_OWN_ANSWER);

    assert_string_equal(kinds_find_field(kind, FIELD_ANSWER_MODE)->list->name,
                        "mode");
    assert_null(kinds_find_field(kind, FIELD_ANSWER_KEY)->list);
    assert_null(kinds_find_field(kind, 999));
    assert_null(kinds_find_field_by_name(kind, "no-such-field"));
    assert_null(kinds_find(*state, 999));
    assert_null(kinds_find_by_name(*state, "no-such-kind"));
}

/* Nothing that could tell a person lives where the moderator reads. */
static void
test_own_kinds_live_in_own_spaces_only(void **state)
{
    static const uint16_t own[] = {KIND_OWN_SITUATION, KIND_OWN_NOTE,
                                   KIND_OWN_ANSWER, KIND_SITUATION_LINK};

    for (size_t i = 0; i < COUNT(own); i++) {
        assert_int_equal(kinds_find(*state, own[i])->spaces, KINDS_SPACE_OWN);
    }
    assert_int_equal(kinds_find(*state, KIND_CARE_NOTE)->spaces,
                     KINDS_SPACE_CARE);
    assert_int_equal(kinds_find(*state, KIND_PERSPECTIVE)->owner, KINDS_OWNER);
    assert_int_equal(kinds_find(*state, KIND_REVEAL)->owner, KINDS_MODERATOR);
    assert_int_equal(kinds_find(*state, KIND_MEETING)->owner, KINDS_SHARED);
}

static void
test_the_value_has_every_kind_and_list(void **state)
{
    struct value *v = kinds_to_value(*state, KINDS_FR);
    const struct value *kinds = value_get(v, "kinds");
    const struct value *first = value_at(kinds, 0);

    assert_int_equal(value_count(kinds), kinds_count(*state));
    assert_int_equal(value_count(value_get(v, "lists")),
                     kinds_list_count(*state));
    assert_true(value_count(value_get(first, "fields")) > 0);
    assert_non_null(value_get_string(first, "label"));
    value_free(v);
}

/* ---- Catalogues that are off ---- */

#define LIST(name)                                                             \
    "{\"name\": \"" name "\", \"source\": \"us\", "                            \
    "\"labels\": {\"en\": \"a\", \"fr\": \"b\"}, \"codes\": [{\"code\": "      \
    "\"x\", \"labels\": {\"en\": \"a\", \"fr\": \"b\"}}]}"
#define FIELD(number, name, rest)                                              \
    "{\"number\": " #number ", \"name\": \"" name "\", " rest                  \
    ", \"labels\": {\"en\": \"a\", \"fr\": \"b\"}}"
#define KIND(number, name, rest)                                               \
    "{\"number\": " #number ", \"name\": \"" name "\", \"owner\": "            \
    "\"shared\", \"labels\": {\"en\": \"a\", \"fr\": \"b\"}, " rest "}"
#define OWN "\"spaces\": [\"own\"]"
#define TEXT "\"type\": \"text\""

static void
assert_refused(const char *text, const char *because)
{
    char error[160] = "";
    struct kinds *k = kinds_parse(&text, 1, error);

    assert_null(k);
    if (strstr(error, because) == NULL) {
        fail_msg("refused with \"%s\", not \"%s\"", error, because);
    }
}

#define KINDS(all) "{\"kinds\": [" all "]}"
#define FIELDS(all) KINDS(KIND(1, "k", OWN ", \"fields\": [" all "]"))
#define LISTS(all) "{\"lists\": [" all "]}"
#define BARE_LIST(rest) LISTS("{\"name\": \"l\", \"source\": \"us\"" rest "}")
#define WORDS ", \"labels\": {\"en\": \"a\", \"fr\": \"b\"}"
#define ENGLISH ", \"labels\": {\"en\": \"a\"}"
#define CODED "\"type\": \"code\", \"codes\": \"l\""

static void
test_a_sound_small_catalogue_is_taken(void **state)
{
    const char *texts[] = {FIELDS(FIELD(1, "f", CODED)), LISTS(LIST("l"))};
    char error[160] = "";
    struct kinds *k = kinds_parse(texts, 2, error);

    (void)state;
    assert_string_equal(error, "");
    assert_non_null(k);
    kinds_free(k);
}

static void
test_lists_that_are_off_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"lists\": ", "");
    assert_refused(LISTS(LIST("l") ", " LIST("l")), "a list twice");
    assert_refused(BARE_LIST(ENGLISH), "fr");
    assert_refused(BARE_LIST(WORDS), "without codes");
}

static void
test_kinds_that_are_off_are_refused(void **state)
{
    (void)state;
    assert_refused(KINDS(KIND(1, "k", OWN) ", " KIND(1, "l", OWN)),
                   "a kind twice");
    assert_refused(KINDS(KIND(1, "k", OWN) ", " KIND(2, "k", OWN)),
                   "a kind twice");
    assert_refused(KINDS(KIND(0, "k", OWN)), "number");
    assert_refused(KINDS(KIND(70000, "k", OWN)), "number");
    assert_refused(KINDS(KIND(1, "k", "\"spaces\": [\"all\"]")),
                   "no such space");
    assert_refused(KINDS(KIND(1, "k", "\"spaces\": []")), "spaces");
}

static void
test_fields_that_are_off_are_refused(void **state)
{
    (void)state;
    assert_refused(FIELDS(FIELD(1, "f", TEXT) ", " FIELD(1, "g", TEXT)),
                   "a field twice");
    assert_refused(FIELDS(FIELD(1, "f", TEXT) ", " FIELD(2, "f", TEXT)),
                   "a field twice");
    assert_refused(FIELDS(FIELD(0, "f", TEXT)), "number");
    assert_refused(FIELDS(FIELD(1, "f", "\"type\": \"number\"")),
                   "no such type");
    assert_refused(FIELDS(FIELD(1, "f", "\"type\": \"code\"")), "needs a list");
    assert_refused(FIELDS(FIELD(1, "f", CODED)), "needs a list");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_have_the_numbers_of_the_header),
        cmocka_unit_test(test_fields_have_the_numbers_of_the_header),
        cmocka_unit_test(test_every_label_is_in_both_languages),
        cmocka_unit_test(test_labels_follow_the_language),
        cmocka_unit_test(test_lists_say_whether_somebody_validated_them),
        cmocka_unit_test(test_open_lists_take_what_looks_like_a_code),
        cmocka_unit_test(test_coded_fields_know_their_list),
        cmocka_unit_test(test_own_kinds_live_in_own_spaces_only),
        cmocka_unit_test(test_the_value_has_every_kind_and_list),
        cmocka_unit_test(test_a_sound_small_catalogue_is_taken),
        cmocka_unit_test(test_lists_that_are_off_are_refused),
        cmocka_unit_test(test_kinds_that_are_off_are_refused),
        cmocka_unit_test(test_fields_that_are_off_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
