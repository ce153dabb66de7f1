/* Help, completions and the manual say the same as the table of commands. */
#include "run.h"

#include <args.h>
#include <commands.h>
#include <help.h>

static void
help_lists_every_command(void **state)
{
    const struct command_group *group;
    const struct cli_command *c;
    struct run r = RUN("help");

    (void)state;
    assert_int_equal(r.exit, 0);
    for (group = commands_groups(); group->title != NULL; group++) {
        assert_holds(r.main, group->title);
        for (c = group->commands; c->words != NULL; c++) {
            assert_holds(r.main, c->words);
            assert_holds(r.main, c->summary);
        }
    }
    run_release(&r);
}

static void
help_of_one_command(void **state)
{
    struct run r = RUN("help", "case", "offer");
    struct run same = RUN("situation", "offer", "--help");

    (void)state;
    assert_int_equal(r.exit, 0);
    assert_holds(r.main, "entente situation offer SITUATION [OPTIONS]\n");
    assert_holds(r.main, "--recognisable ANSWER");
    assert_holds(r.main, "(no, maybe, yes)");
    assert_holds(r.main, "Example\n  entente situation offer S01");
    assert_string_equal(r.main, same.main);
    run_release(&r);
    run_release(&same);
    r = RUN("help", "peers");
    assert_int_equal(r.exit, 0);
    run_release(&r);
    r = RUN("help", "meeting");
    assert_holds(r.main, "meeting plan");
    run_release(&r);
    r = RUN("help", "nonsense");
    assert_int_equal(r.exit, 2);
    run_release(&r);
}

static void
the_version_is_the_projects(void **state)
{
    struct run r = RUN("version");
    struct run json = RUN("--version", "--json");

    (void)state;
    assert_string_equal(r.main, "entente " ENT_VERSION "\n");
    assert_holds(json.main, "\"version\": \"" ENT_VERSION "\"");
    run_release(&r);
    run_release(&json);
}

static char *
read_source(const char *path)
{
    char whole[512];
    struct ent_buf text = {0};
    uint8_t chunk[4096];
    size_t n;
    FILE *f;

    snprintf(whole, sizeof(whole), "%s/%s", ENT_SOURCE, path);
    f = fopen(whole, "re");
    if (f == NULL) {
        fail_msg("cannot read %s", whole);
    }
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        ent_buf_put(&text, chunk, n);
    }
    fclose(f);
    ent_buf_put_u8(&text, 0);
    return (char *)text.p;
}

static void
completions_are_as_made(void **state)
{
    static const char *const all[][2] = {
        {"bash", "cli/completions/entente.bash"},
        {"zsh", "cli/completions/_entente"},
        {"fish", "cli/completions/entente.fish"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        struct run r = RUN("completion", all[i][0]);
        char *kept = read_source(all[i][1]);

        assert_int_equal(r.exit, 0);
        if (strcmp(r.main, kept) != 0) {
            fail_msg("%s is out of date: make it again by "
                     "`entente completion %s`",
                     all[i][1], all[i][0]);
        }
        free(kept);
        run_release(&r);
    }
}

static void
the_manual_tells_every_command_and_option(void **state)
{
    char *page = read_source("docs/entente.1");
    const struct command_group *group;
    const struct cli_command *c;
    const struct cli_option *o;
    char part[120];

    (void)state;
    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            snprintf(part, sizeof(part), ".B entente %s\n", c->words);
            if (strstr(page, part) == NULL) {
                snprintf(part, sizeof(part), ".B entente %s ", c->words);
            }
            assert_holds(page, part);
        }
    }
    for (o = args_global; o->name != NULL; o++) {
        snprintf(part, sizeof(part), "\\-\\-%s", o->name);
        assert_holds(page, part);
    }
    free(page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_every_command),
        cmocka_unit_test(help_of_one_command),
        cmocka_unit_test(the_version_is_the_projects),
        cmocka_unit_test(completions_are_as_made),
        cmocka_unit_test(the_manual_tells_every_command_and_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
