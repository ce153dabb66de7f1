/* A line is a line, whatever a peer puts in it; and strangers cannot fill the
 * log. */
#include "log.h"

#include "clock.h"

#include "lib/cmocka.h"

#include <stdio.h>
#include <unistd.h>

/* What `log_line` writes to stderr while `fd` stands in for it. */
struct capture {
    int saved;
    int ends[2];
};

static void
capture_begin(struct capture *c)
{
    fflush(stderr);
    assert_int_equal(pipe(c->ends), 0);
    c->saved = dup(STDERR_FILENO);
    assert_true(c->saved >= 0);
    assert_true(dup2(c->ends[1], STDERR_FILENO) >= 0);
}

static void
capture_end(struct capture *c, char *ret_text, size_t size)
{
    ssize_t len;

    assert_true(dup2(c->saved, STDERR_FILENO) >= 0);
    close(c->saved);
    close(c->ends[1]);
    len = read(c->ends[0], ret_text, size - 1);
    assert_true(len >= 0);
    ret_text[len] = '\0';
    close(c->ends[0]);
}

static void
test_form(void **state)
{
    struct capture c;
    char text[4096];
    char name[9];
    struct ent_id node = {{0xab, 0x12, 0xcd, 0x34, 0xff}};

    (void)state;
    capture_begin(&c);
    log_line(LOG_INFO, "session", "peer=%s hello -> sync",
             log_node(&node, name));
    capture_end(&c, text, sizeof(text));
    assert_int_equal(text[4], '-');
    assert_int_equal(text[23], 'Z');
    assert_string_equal(text + 24,
                        " info session peer=ab12cd34 hello -> sync\n");
}

static void
test_no_line_of_its_own(void **state)
{
    struct capture c;
    char text[4096];

    (void)state;
    capture_begin(&c);
    log_line(LOG_WARN, "listen", "detail %s", "a\n2026 info node b\x1b[2J é");
    capture_end(&c, text, sizeof(text));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, "a?2026 info node b?[2J é"));
}

static void
test_long_line_is_cut(void **state)
{
    struct capture c;
    char text[4096];
    char longest[3000];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    capture_begin(&c);
    log_line(LOG_ERROR, "node", "%s", longest);
    capture_end(&c, text, sizeof(text));
    assert_true(strlen(text) < 1200);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void
test_levels(void **state)
{
    struct capture c;
    char text[4096];
    enum log_level level;

    (void)state;
    assert_true(log_level_find("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_find("loud", &level));
    log_set_level(level);
    capture_begin(&c);
    log_line(LOG_WARN, "node", "not this");
    log_line(LOG_ERROR, "node", "but this");
    capture_end(&c, text, sizeof(text));
    log_set_level(LOG_INFO);
    assert_null(strstr(text, "not this"));
    assert_non_null(strstr(text, "but this"));
}

static void
test_throttle(void **state)
{
    struct log_throttle throttle = {0};
    uint64_t skipped = 9;

    (void)state;
    assert_true(log_throttle(&throttle, 50, &skipped));
    assert_int_equal(skipped, 0);
    assert_false(log_throttle(&throttle, 51, &skipped));
    assert_false(log_throttle(&throttle, 1049, &skipped));
    assert_true(log_throttle(&throttle, 1050, &skipped));
    assert_int_equal(skipped, 2);
    assert_true(log_throttle(&throttle, 3000, &skipped));
    assert_int_equal(skipped, 0);
}

static void
test_time_as_text(void **state)
{
    char text[CLOCK_TEXT_LEN + 1];

    (void)state;
    clock_text(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_text(1795392000123u, text);
    assert_string_equal(text, "2026-11-23T00:00:00.123Z");
    clock_text(UINT64_MAX / 2, text);
    assert_int_equal(strlen(text), CLOCK_TEXT_LEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_no_line_of_its_own),
        cmocka_unit_test(test_long_line_is_cut),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_throttle),
        cmocka_unit_test(test_time_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
