/* Text for terminals: cleaned, measured, laid out. */
#include "run.h"

#include <progress.h>
#include <suggest.h>
#include <table.h>

static void
control_characters_never_reach_the_terminal(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } all[] = {
        {"plain é € 😀", "plain é € 😀"},
        {"\033[31mred", "?[31mred"},
        {"bell\a \177", "bell? ?"},
        {"\xc2\x9b"
         "31m",
         "?31m"},
        {"a\xe2\x80\xae"
         "b\xe2\x81\xa6"
         "c",
         "a?b?c"},
        {"a\tb\rc", "a b?c"},
        {"two\nlines", "two lines"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char *clean = out_clean(all[i].in, false);

        assert_string_equal(clean, all[i].out);
        free(clean);
    }
}

static void
widths_are_columns(void **state)
{
    (void)state;
    assert_int_equal(out_width(""), 0);
    assert_int_equal(out_width("abc"), 3);
    assert_int_equal(out_width("séance"), 6);
    assert_int_equal(out_width("e\xcc\x81t"), 2); /* a combining accent */
    assert_int_equal(out_width("日本"), 4);
    assert_int_equal(out_width("\xff\xfe"), 2);
}

static void
times_are_said_as_people_do(void **state)
{
    const int64_t now = 1771320000000;
    char buf[OUT_TIME_MAX];

    (void)state;
    setenv("TZ", "UTC", 1);
    assert_string_equal(out_time(0, now, buf), "never");
    assert_string_equal(out_time(now - 59000, now, buf), "just now");
    assert_string_equal(out_time(now - 60000, now, buf), "1 min ago");
    assert_string_equal(out_time(now - 3599000, now, buf), "59 min ago");
    assert_string_equal(out_time(now - 3600000, now, buf), "2026-02-17 08:20");
    assert_string_equal(out_time(now + 60000, now, buf), "2026-02-17 09:21");
    assert_string_equal(out_time(now, 0, buf), "2026-02-17 09:20");
}

static void
tables_line_up(void **state)
{
    static const char *const headings[] = {"Name", "N", "Why"};
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    struct table t;
    struct out o;

    (void)state;
    out_init(&o, f, stderr);
    table_init(&t, 3, headings);
    table_add(&t, OUT_BOLD, "%s", "Hôpital");
    table_add(&t, OUT_PLAIN, "%d", 12);
    table_add(&t, OUT_PLAIN, "%s", "");
    table_add(&t, OUT_PLAIN, "%s", "two\nlines");
    table_add(&t, OUT_PLAIN, "%d", 3);
    table_add(&t, OUT_PLAIN, "%s", "offline");
    table_print(&t, &o);
    table_release(&t);
    fclose(f);
    assert_string_equal(text, "  Name       N   Why\n"
                              "  Hôpital    12  \n"
                              "  two lines  3   offline\n");
    free(text);
}

static void
texts_are_indented_line_by_line(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    struct out o;

    (void)state;
    out_init(&o, f, stderr);
    out_lines(&o, "> ", "one\n\ntwo");
    out_lines(&o, "> ", "");
    fclose(f);
    assert_string_equal(text, "> one\n> \n> two\n");
    free(text);
}

static void
progress_tells_rate_and_end(void **state)
{
    struct value *v = value_object();
    char line[160];

    (void)state;
    value_set_string(v, "what", "verify");
    value_set_int(v, "done", 1200);
    value_set_int(v, "total", 5000);
    assert_string_equal(progress_line(v, 100, line), "verify 1200 of 5000");
    assert_string_equal(progress_line(v, 4000, line),
                        "verify 1200 of 5000, 300 a second, 12 s left");
    value_set_int(v, "total", 0);
    assert_string_equal(progress_line(v, 4000, line),
                        "verify 1200, 300 a second");
    value_free(v);
    v = value_object();
    assert_string_equal(progress_line(v, 4000, line), "working 0");
    value_free(v);
}

static void
slips_are_counted(void **state)
{
    (void)state;
    assert_int_equal(suggest_distance("", ""), 0);
    assert_int_equal(suggest_distance("abc", ""), 3);
    assert_int_equal(suggest_distance("stauts", "status"), 1); /* swapped */
    assert_int_equal(suggest_distance("statu", "status"), 1);
    assert_int_equal(suggest_distance("kitten", "sitting"), 3);
    assert_true(suggest_distance("this is far longer than any word of ours",
                                 "status") > 1000);
}

static void
only_near_words_are_suggested(void **state)
{
    struct suggest s = {.typed = "statsu"};

    (void)state;
    suggest_offer(&s, "sync", "sync");
    assert_null(s.best);
    suggest_offer(&s, "status", "status");
    assert_string_equal(s.best, "status");
    s = (struct suggest){.typed = "xy"};
    suggest_offer(&s, "up", "up");
    assert_null(s.best);
    s = (struct suggest){.typed = "recog"};
    suggest_offer(&s, "recognisable", "recognisable");
    assert_string_equal(s.best, "recognisable");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_never_reach_the_terminal),
        cmocka_unit_test(widths_are_columns),
        cmocka_unit_test(times_are_said_as_people_do),
        cmocka_unit_test(tables_line_up),
        cmocka_unit_test(texts_are_indented_line_by_line),
        cmocka_unit_test(progress_tells_rate_and_end),
        cmocka_unit_test(slips_are_counted),
        cmocka_unit_test(only_near_words_are_suggested),
    };
    struct out o;

    out_init(&o, stdout, stderr); /* the locale */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
