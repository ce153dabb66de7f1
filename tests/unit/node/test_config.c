/* The daemon's words: what is taken, what is refused, and where the passphrase
 * may come from. */
#include "config.h"

#include <entente/control.h>

#include "lib/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 24

static struct config config;
static char error[200];

static enum ent_status
read_words(const char *const *words)
{
    char *argv[WORDS_MAX] = {0};
    int argc = 0;

    for (; words[argc] != NULL; argc++) {
        memcpy(&argv[argc], &words[argc], sizeof(argv[argc]));
    }
    error[0] = '\0';
    return config_read(argc, argv, &config, error);
}

#define READ(...)                                                              \
    read_words((const char *const[]){"entented", __VA_ARGS__, NULL})

static void
test_run(void **state)
{
    struct keyfile_way way;

    (void)state;
    assert_int_equal(READ("run", "--folder", "d", "--key-file", "k"), ENT_OK);
    assert_int_equal(config.command, CONFIG_RUN);
    assert_string_equal(config.folder, "d");
    assert_null(config.listen);
    assert_int_equal(config.half_open_max, ENT_HALF_OPEN_MAX);
    assert_int_equal(config.backoff_max_ms, ENT_BACKOFF_MAX_MS);
    assert_int_equal(config.log_level, LOG_INFO);
    assert_false(config.is_inspectable);
    config_way(&config, &way);
    assert_int_equal(way.type, KEYFILE_RAW);
    assert_string_equal(way.raw_path, "k");
}

static void
test_init(void **state)
{
    (void)state;
    assert_int_equal(READ("init", "--folder", "d", "--key-file", "k",
                          "--structure", "CSAPA Nord", "--sector", "community",
                          "--listen", "127.0.0.1:0", "--advertise",
                          "node.example:7447", "--languages", "fr,en"),
                     ENT_OK);
    assert_int_equal(config.command, CONFIG_INIT);
    assert_int_equal(config.sector, ENT_SECTOR_COMMUNITY);
    assert_string_equal(config.advertise, "node.example:7447");
    assert_int_equal(READ("init", "--folder", "d", "--key-file", "k"),
                     ENT_RULE_USAGE);
    assert_non_null(strstr(error, "--structure"));
    assert_int_equal(READ("init", "--folder", "d", "--key-file", "k",
                          "--structure", "A", "--sector", "moon"),
                     ENT_RULE_USAGE);
}

static void
test_limits(void **state)
{
    (void)state;
    assert_int_equal(READ("run", "--folder", "d", "--key-file", "k",
                          "--half-open", "7", "--half-open-prefix", "2",
                          "--accept-rate", "9", "--accept-burst", "11",
                          "--backoff-max-ms", "500", "--log-level", "debug"),
                     ENT_OK);
    assert_int_equal(config.half_open_max, 7);
    assert_int_equal(config.half_open_prefix_max, 2);
    assert_int_equal(config.accept_rate, 9);
    assert_int_equal(config.accept_burst, 11);
    assert_int_equal(config.backoff_max_ms, 500);
    assert_int_equal(config.backoff_min_ms, 500);
    assert_int_equal(config.log_level, LOG_DEBUG);
}

static void
test_refused(void **state)
{
    (void)state;
    assert_int_equal(READ(NULL), ENT_RULE_USAGE);
    assert_int_equal(READ("dance"), ENT_RULE_USAGE);
    assert_int_equal(READ("run", "--key-file", "k"), ENT_RULE_USAGE);
    assert_int_equal(READ("run", "--folder"), ENT_RULE_USAGE);
    assert_int_equal(READ("run", "--folder", "d", "--wings", "2"),
                     ENT_RULE_USAGE);
    assert_non_null(strstr(error, "--wings"));
    assert_int_equal(READ("run", "--folder", "d", "--half-open", "0"),
                     ENT_RULE_USAGE);
    assert_int_equal(READ("run", "--folder", "d", "--half-open", "9x"),
                     ENT_RULE_USAGE);
    assert_int_equal(
        READ("run", "--folder", "d", "--accept-rate", "99999999999999999999"),
        ENT_RULE_USAGE);
    assert_int_equal(READ("run", "--folder", "d", "--listen", "nowhere"),
                     ENT_RULE_USAGE);
    assert_int_equal(READ("run", "--folder", "d", "--inspectable", "maybe"),
                     ENT_RULE_USAGE);
}

/* Switches that break promises are not in this build. */
static void
test_no_switch_for_tests(void **state)
{
    (void)state;
#ifndef ENT_SABOTAGE
    assert_int_equal(
        READ("run", "--folder", "d", "--key-file", "k", "--protocol-max", "2"),
        ENT_RULE_USAGE);
#endif
}

static void
test_passphrase_from_environment(void **state)
{
    struct keyfile_way way;

    (void)state;
    assert_int_equal(setenv("ENTENTE_PASSPHRASE", "four words of mine", 1), 0);
    assert_int_equal(READ("run", "--folder", "d"), ENT_OK);
    assert_null(getenv("ENTENTE_PASSPHRASE"));
    config_way(&config, &way);
    assert_int_equal(way.type, KEYFILE_PASSPHRASE);
    assert_true(
        ent_slice_eq(way.passphrase, ent_slice_str("four words of mine")));
    config_release(&config);
    assert_int_equal(config.passphrase[0], '\0');
    assert_int_equal(READ("run", "--folder", "d"), ENT_RULE_USAGE);
    assert_non_null(strstr(error, "passphrase"));
}

static enum ent_status
read_from_fd(const char *text, size_t len)
{
    char number[16];
    int ends[2];
    enum ent_status st;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, len), (ssize_t)len);
    close(ends[1]);
    snprintf(number, sizeof(number), "%d", ends[0]);
    st = READ("run", "--folder", "d", "--passphrase-fd", number);
    close(ends[0]);
    return st;
}

static void
test_passphrase_from_fd(void **state)
{
    static char longest[KEYFILE_PASSPHRASE_MAX + 1];

    (void)state;
    assert_int_equal(read_from_fd("secret\n", 7), ENT_OK);
    assert_string_equal(config.passphrase, "secret");
    config_release(&config);
    assert_int_equal(read_from_fd("", 0), ENT_RULE_USAGE);
    assert_int_equal(read_from_fd("\n", 1), ENT_RULE_USAGE);
    assert_int_equal(read_from_fd("a\0b", 3), ENT_RULE_USAGE);
    memset(longest, 'p', sizeof(longest));
    assert_int_equal(read_from_fd(longest, sizeof(longest)), ENT_RULE_USAGE);
    assert_int_equal(READ("run", "--folder", "d", "--passphrase-fd", "999"),
                     ENT_RULE_USAGE);
}

static void
test_help(void **state)
{
    (void)state;
    assert_int_equal(READ("--help"), ENT_OK);
    assert_int_equal(config.command, CONFIG_HELP);
    assert_non_null(strstr(config_help(), "--passphrase-fd"));
    assert_int_equal(READ("--version"), ENT_OK);
    assert_int_equal(config.command, CONFIG_VERSION);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_switch_for_tests),
        cmocka_unit_test(test_passphrase_from_environment),
        cmocka_unit_test(test_passphrase_from_fd),
        cmocka_unit_test(test_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
