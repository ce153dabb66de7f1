/* Wrong words are explained; right ones become parameters. */
#include "run.h"

#include <args.h>
#include <commands.h>

static struct value *
parse(struct cli *cli, const char *const *words)
{
    char *argv[RUN_WORDS_MAX + 1] = {NULL};
    struct value *error;
    int argc = 0;

    *cli = (struct cli){.in = stdin};
    out_init(&cli->out, stdout, stderr);
    argv[argc++] = strdup("entente");
    for (; *words != NULL; words++) {
        argv[argc++] = strdup(*words);
    }
    error = args_parse(cli, argc, argv);
    while (argc > 0) {
        free(argv[--argc]);
    }
    return error;
}

static void
release(struct cli *cli)
{
    value_free(cli->given);
    value_free(cli->params);
    ent_buf_release(&cli->typed);
    free(cli->folder);
}

#define PARSE(cli, ...) parse(cli, (const char *const[]){__VA_ARGS__, NULL})

static void
assert_params(const struct cli *cli, const char *want)
{
    char *got = value_to_json(cli->params, false, false);

    assert_string_equal(got, want);
    free(got);
}

static void
options_become_parameters(void **state)
{
    struct cli cli;

    (void)state;
    assert_null(PARSE(&cli, "situation", "answer", "S01", "--q1", "yes",
                      "--q1-code=REF-NOJOINT", "--confidence", "2"));
    assert_string_equal(cli.command->words, "situation answer");
    assert_params(&cli, "{\"situation\":\"S01\",\"q1\":\"yes\","
                        "\"q1_code\":\"REF-NOJOINT\",\"confidence\":2}");
    release(&cli);
    assert_null(PARSE(&cli, "case", "conclude", "--cooperation", "no",
                      "--situation", "S02"));
    assert_params(&cli, "{\"cooperation\":false,\"situation\":\"S02\"}");
    release(&cli);
    assert_null(PARSE(&cli, "sync", "--wait", "20", "Hop"));
    assert_params(&cli, "{\"wait_ms\":20000,\"peer\":\"Hop\"}");
    release(&cli);
    assert_null(PARSE(&cli, "meeting", "open", "3", "--situations", "S01,S02",
                      "--situations", "S03"));
    assert_params(&cli, "{\"meeting\":3,\"situations\":[\"S01\",\"S02\","
                        "\"S03\"]}");
    release(&cli);
}

static void
global_options_stand_anywhere(void **state)
{
    struct cli cli;

    (void)state;
    assert_null(PARSE(&cli, "--node", "/n", "--json", "circle", "--lang=fr",
                      "motion", "admit", "-q", "Hop", "--text", "x"));
    assert_string_equal(cli.folder, "/n");
    assert_true(cli.is_json);
    assert_true(cli.out.is_quiet);
    assert_string_equal(cli.lang, "fr");
    assert_params(&cli, "{\"action\":\"admit\",\"subject\":\"Hop\","
                        "\"text\":\"x\"}");
    release(&cli);
    assert_null(PARSE(&cli, "status", "--", "--json"));
    assert_false(cli.is_json);
    assert_params(&cli, "{\"situation\":\"--json\"}");
    release(&cli);
    assert_null(PARSE(&cli, "--folder", "/m", "up", "--", "--half-open", "9"));
    assert_string_equal(cli.folder, "/m");
    assert_params(&cli, "{}");
    assert_int_equal(value_count(value_get(cli.given, "options")), 2);
    release(&cli);
}

static void
the_folder_comes_from_the_surroundings(void **state)
{
    struct cli cli;

    (void)state;
    setenv("HOME", "/home/x", 1);
    unsetenv("ENTENTE_NODE");
    unsetenv("XDG_DATA_HOME");
    assert_null(PARSE(&cli, "status"));
    assert_string_equal(cli.folder, "/home/x/.local/share/entente");
    release(&cli);
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_null(PARSE(&cli, "status"));
    assert_string_equal(cli.folder, "/data/entente");
    release(&cli);
    setenv("ENTENTE_NODE", "/node", 1);
    assert_null(PARSE(&cli, "status"));
    assert_string_equal(cli.folder, "/node");
    release(&cli);
    unsetenv("ENTENTE_NODE");
    unsetenv("XDG_DATA_HOME");
}

static void
the_language_comes_from_the_locale(void **state)
{
    struct cli cli;

    (void)state;
    setenv("LC_ALL", "fr_FR.UTF-8", 1);
    assert_null(PARSE(&cli, "status"));
    assert_string_equal(cli.lang, "fr");
    release(&cli);
    setenv("LC_ALL", "C", 1);
    assert_null(PARSE(&cli, "status"));
    assert_string_equal(cli.lang, "en");
    release(&cli);
    unsetenv("LC_ALL");
}

struct wrong {
    const char *words[8];
    const char *text; /* part of what is said */
    const char *hint; /* part of the way on */
};

static const struct wrong wrongs[] = {
    {{"stauts"}, "no command \"stauts\"", "\"entente status\"?"},
    {{"situatoin", "offer"}, "no command", "\"entente situation offer\"?"},
    {{"situation", "ofer"}, "\"situation ofer\"", "\"entente situation offer"},
    {{"reveal"}, "no command \"reveal\"", "\"entente situation reveal\"?"},
    {{"qqqqqqqq"}, "no command \"qqqqqqqq\"", "entente help"},
    {{"situation"}, "one of draft edit offer", "entente help"},
    {{"--jsn", "status"}, "no option --jsn", "--json?"},
    {{"situation", "offer", "S1", "--recognizable", "no"},
     "\"entente situation offer\" has no option --recognizable",
     "--recognisable?"},
    {{"situation", "offer"}, "needs SITUATION", "help situation offer"},
    {{"situation", "offer", "S1", "--basis"}, "--basis needs BASIS", "help"},
    {{"situation", "offer", "S1", "--recognisable", "mybe"},
     "one of no|maybe|yes, not \"mybe\"",
     "maybe?"},
    {{"situation", "conclude", "S1"}, "needs --cooperation", "help"},
    {{"situation", "conclude", "S1", "--cooperation", "y"},
     "yes or no",
     "help"},
    {{"status", "S1", "S2"}, "no place for \"S2\"", "help status"},
    {{"log", "--limit", "ten"}, "a whole number, not \"ten\"", "help log"},
    {{"log", "--limit", "-3"}, "a whole number", "help log"},
    {{"log", "--limit", "99999999999999999999"}, "a whole number", "help"},
    {{"log", "--why=yes"}, "--why takes no value", "help log"},
    {{"log", "--lang", "de"}, "--lang is one of en|fr", "help log"},
    {{"circle", "found", "x", "--charter", "/nowhere/at/all"},
     "cannot read",
     "help"},
    {{"init", "--structure", "x", "--sector", "hospitl"},
     "--sector is one of",
     "hospital?"},
};

static void
wrong_words_are_explained(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        struct cli cli;
        struct value *error = parse(&cli, wrongs[i].words);

        if (error == NULL) {
            fail_msg("%s ... was taken", wrongs[i].words[0]);
        }
        assert_holds(value_get_string(error, "text"), wrongs[i].text);
        assert_holds(value_get_string(error, "hint"), wrongs[i].hint);
        assert_int_equal(value_get_int(error, "exit", 0), ENT_EXIT_USAGE);
        if (cli.command != NULL) {
            assert_string_equal(value_get_string(error, "example"),
                                cli.command->example);
        }
        value_free(error);
        release(&cli);
    }
}

static void
exit_codes_and_streams_of_wrong_usage(void **state)
{
    struct run r = RUN("stauts");

    (void)state;
    assert_int_equal(r.exit, 2);
    assert_string_equal(r.main, "");
    assert_holds(r.talk, "Did you mean \"entente status\"?");
    run_release(&r);
    r = RUN("--json", "stauts");
    assert_int_equal(r.exit, 2);
    assert_holds(r.main, "\"code\": \"usage\"");
    assert_string_equal(r.talk, "");
    run_release(&r);
}

static void
one_text_may_come_from_standard_input(void **state)
{
    static const char *const words[] = {"situation", "draft",  "T", "--text",
                                        "-",         "--note", "-", NULL};
    struct run r = run_words(words, "typed\n");

    (void)state;
    assert_int_equal(r.exit, 2);
    assert_holds(r.talk, "only one text");
    assert_holds(r.talk, "Your text was not saved");
    assert_holds(r.talk, "typed");
    run_release(&r);
}

#define COMMANDS_MAX 128

static size_t
all_commands(const struct cli_command *ret_all[COMMANDS_MAX])
{
    const struct command_group *group;
    const struct cli_command *c;
    size_t count = 0;

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            assert_true(count < COMMANDS_MAX);
            ret_all[count++] = c;
        }
    }
    return count;
}

static void
check_options(const struct cli_option *o)
{
    bool is_optional_seen = false;
    char param[64];

    for (; o != NULL && o->name != NULL; o++) {
        bool is_required = (o->flags & CLI_REQUIRED) != 0;

        assert_non_null(o->help);
        assert_true((o->kind == CLI_FLAG) == (o->value == NULL));
        assert_null(strchr(args_param(o, param), '-'));
        if ((o->flags & CLI_AT) != 0) {
            /* What must be there comes before what may. */
            assert_false(is_optional_seen && is_required);
            is_optional_seen |= !is_required;
        }
    }
}

/* Every command can be explained, and says everything that help needs. */
static void
the_table_is_whole(void **state)
{
    const struct cli_command *all[COMMANDS_MAX];
    size_t count = all_commands(all);
    size_t i;

    (void)state;
    assert_true(count > 40);
    for (i = 0; i < count; i++) {
        const struct cli_command *c = all[i];

        assert_true(c->summary != NULL && strlen(c->summary) < 55);
        assert_true(c->help != NULL && strlen(c->help) > 30);
        assert_holds(c->example, "entente ");
        assert_true(c->method != NULL || c->run != NULL);
        assert_ptr_equal(commands_find(c->words), c);
        check_options(c->options);
    }
}

/* Cuts a line into words, as a shell would (quotes, no escapes). */
static void
cut_line(char *at, const char *words[RUN_WORDS_MAX])
{
    size_t count = 0;

    while (*at != '\0' && *at != ')') {
        const char *stop = *at == '"' ? "\"" : " )";

        assert_true(count + 1 < RUN_WORDS_MAX);
        at += *at == '"';
        words[count++] = at;
        at += strcspn(at, stop);
        if (*at != '\0') {
            *at++ = '\0';
        }
        at += strspn(at, " ");
    }
    words[count] = NULL;
}

/* The examples in help are taken by the parser (those that read no file). */
static void
examples_are_right(void **state)
{
    const struct cli_command *all[COMMANDS_MAX];
    size_t count = all_commands(all);
    size_t i;

    (void)state;
    for (i = 0; i < count; i++) {
        const char *words[RUN_WORDS_MAX];
        char line[200];
        struct value *error;
        struct cli cli;

        if (strstr(all[i]->example, "charter.md") != NULL ||
            strstr(all[i]->example, "--text -") != NULL) {
            continue;
        }
        snprintf(line, sizeof(line), "%s", all[i]->example);
        cut_line(strstr(line, "entente ") + strlen("entente "), words);
        error = parse(&cli, words);
        if (error != NULL) {
            fail_msg("%s: %s", all[i]->example,
                     value_get_string(error, "text"));
        }
        assert_ptr_equal(cli.command, all[i]);
        release(&cli);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_parameters),
        cmocka_unit_test(global_options_stand_anywhere),
        cmocka_unit_test(the_folder_comes_from_the_surroundings),
        cmocka_unit_test(the_language_comes_from_the_locale),
        cmocka_unit_test(wrong_words_are_explained),
        cmocka_unit_test(exit_codes_and_streams_of_wrong_usage),
        cmocka_unit_test(one_text_may_come_from_standard_input),
        cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(examples_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
