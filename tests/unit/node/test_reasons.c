/* Every reason has a code and whole sentences in both languages. */
#include "api/reasons.h"

#include "lib/cmocka.h"

#include <stdlib.h>
#include <time.h>

static const struct reason_facts FACTS = {
    .name = "Hôpital du Lac",
    .author = "Cabinet Martin",
    .detail = "protocol 9",
    .since_at = 1795437600000u, /* 12:40 UTC */
    .now_ms = 1795440000000u,
    .count = 3,
    .skew_ms = -720000,
};

static void
test_codes(void **state)
{
    (void)state;
    assert_null(reason_code(REASON_NONE));
    for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        const char *code = reason_code((enum reason)r);

        assert_non_null(code);
        for (const char *p = code; *p != '\0'; p++) {
            assert_true((*p >= 'a' && *p <= 'z') || *p == '-');
        }
    }
    assert_string_equal(reason_code(REASON_OFFLINE), "offline");
    assert_string_equal(reason_code(REASON_NEVER), "offline");
    assert_string_equal(reason_code(REASON_WRONG_VERSION), "wrong-version");
    assert_string_equal(reason_code(REASON_WAITING_FOR_EARLIER),
                        "waiting-for-earlier-entry");
}

static void
test_sentences_are_whole(void **state)
{
    char texts[2][700];

    (void)state;
    for (unsigned r = REASON_NONE + 1; r < REASON_COUNT; r++) {
        for (int lang = KINDS_EN; lang <= KINDS_FR; lang++) {
            char *text = texts[lang];

            reason_text((enum reason)r, &FACTS, (enum kinds_lang)lang, text,
                        sizeof(texts[lang]));
            assert_true(strlen(text) > 40);
            assert_int_equal(text[strlen(text) - 1], '.');
            assert_null(strpbrk(text, "{}"));
            assert_true(ent_utf8_is_valid(ent_slice_str(text)));
            assert_non_null(strstr(text, "Hôpital du Lac"));
        }
        assert_string_not_equal(texts[KINDS_EN], texts[KINDS_FR]);
    }
    reason_text(REASON_NONE, &FACTS, KINDS_EN, texts[0], sizeof(texts[0]));
    assert_string_equal(texts[0], "");
}

static void
test_details_are_told(void **state)
{
    char text[700];

    (void)state;
    reason_text(REASON_OFFLINE, &FACTS, KINDS_EN, text, sizeof(text));
    assert_non_null(strstr(text, "since 12:40"));
    reason_text(REASON_WRONG_VERSION, &FACTS, KINDS_FR, text, sizeof(text));
    assert_non_null(strstr(text, "protocol 9"));
    reason_text(REASON_WAITING_FOR_EARLIER, &FACTS, KINDS_EN, text,
                sizeof(text));
    assert_non_null(strstr(text, "Changes by Cabinet Martin"));
    reason_text(REASON_CLOCK_SKEW, &FACTS, KINDS_EN, text, sizeof(text));
    assert_non_null(strstr(text, "12 min"));
}

static void
test_clauses_count(void **state)
{
    struct reason_facts facts = FACTS;
    char text[300];

    (void)state;
    reason_clause(REASON_OFFLINE, &facts, KINDS_EN, text, sizeof(text));
    assert_string_equal(text, "Hôpital du Lac has not been reached since "
                              "12:40: 3 changes wait");
    facts.count = 1;
    reason_clause(REASON_OFFLINE, &facts, KINDS_EN, text, sizeof(text));
    assert_non_null(strstr(text, ": 1 change waits"));
    reason_clause(REASON_OFFLINE, &facts, KINDS_FR, text, sizeof(text));
    assert_non_null(strstr(text, " : 1 modification en attente"));
    facts.count = 0;
    facts.since_at = 0;
    reason_clause(REASON_UNRECOGNISED, &facts, KINDS_EN, text, sizeof(text));
    assert_string_equal(text, "Hôpital du Lac has not been reached yet");
}

static void
test_templates(void **state)
{
    const struct reason_word words[] = {{"a", "é"}, {"ab", "x"}};
    char text[12];

    (void)state;
    reason_fill("{a}{ab}{c}", words, 2, text, sizeof(text));
    assert_string_equal(text, "éx{c}");
    reason_fill("{a", words, 2, text, sizeof(text));
    assert_string_equal(text, "{a");
    reason_fill("1234567890{a}", words, 2, text, sizeof(text));
    assert_string_equal(text, "1234567890"); /* not half of a letter */
    reason_fill("{a}", words, 2, text, 1);
    assert_string_equal(text, "");
}

static void
test_times(void **state)
{
    char text[32];

    (void)state;
    reason_time(FACTS.since_at, FACTS.now_ms, text, sizeof(text));
    assert_string_equal(text, "12:40");
    reason_time(FACTS.since_at - 86400000u, FACTS.now_ms, text, sizeof(text));
    assert_string_equal(text, "2026-11-22 12:40");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_sentences_are_whole),
        cmocka_unit_test(test_details_are_told),
        cmocka_unit_test(test_clauses_count),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_times),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
