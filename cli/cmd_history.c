/* What happened here: log, verify, rebuild. */
#include "commands.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

#define LONG_WORK_S 600u
#define ID_SHOWN 8

static const char *
text_of(const struct value *v, const char *key)
{
    const char *s = value_get_string(v, key);

    return s != NULL ? s : "";
}

static void
print_seen(struct cli *cli, const struct value *seen)
{
    size_t i;

    out_text(&cli->out, OUT_DIM, "      had seen: ");
    for (i = 0; i < value_count(seen); i++) {
        const struct value *s = value_at(seen, i);

        out_text(&cli->out, OUT_DIM, "%s%s up to %" PRId64, i > 0 ? ", " : "",
                 text_of(s, "author"), value_get_int(s, "seq", 0));
    }
    out_text(&cli->out, OUT_DIM, "%s\n",
             value_count(seen) == 0 ? "nothing of others" : "");
}

static void
print_entry(struct cli *cli, const struct value *e)
{
    const struct value *what = value_get(e, "what");
    const char *state = text_of(e, "state");
    const char *waits_for = text_of(e, "waits_for");
    char when[OUT_TIME_MAX];
    size_t i;

    out_text(&cli->out, OUT_DIM, "%s  ",
             out_time(value_get_int(e, "at", 0), 0, when));
    out_text(&cli->out, OUT_BOLD, "%s", text_of(e, "author"));
    out_text(&cli->out, OUT_DIM, "  %s %" PRId64 "  %.*s\n",
             text_of(e, "space_kind"), value_get_int(e, "seq", 0), ID_SHOWN,
             text_of(e, "id"));
    for (i = 0; i < value_count(what); i++) {
        out_text(&cli->out, OUT_PLAIN, "      %s\n",
                 value_string_of(value_at(what, i)));
    }
    if (state[0] != '\0' && strcmp(state, "applied") != 0) {
        out_text(&cli->out, OUT_WARN, "      %s%s%s\n", state,
                 waits_for[0] != '\0' ? " for " : "", waits_for);
    }
    if (cli_flag(cli, "why")) {
        print_seen(cli, value_get(e, "seen"));
    }
}

static void
show_log(struct cli *cli, const struct value *result)
{
    const struct value *entries = value_get(result, "entries");
    size_t i;

    for (i = 0; i < value_count(entries); i++) {
        print_entry(cli, value_at(entries, i));
    }
    if (value_count(entries) == 0) {
        out_text(&cli->out, OUT_PLAIN, "Nothing was written yet.\n");
    }
}

static void
print_counts(struct cli *cli, const struct value *result)
{
    out_text(
        &cli->out, OUT_PLAIN,
        "%" PRId64 " entries in %" PRId64 " logs, %" PRId64 " signatures: ",
        value_get_int(result, "entries", 0), value_get_int(result, "logs", 0),
        value_get_int(result, "signatures", 0));
}

static void
show_verify(struct cli *cli, const struct value *result)
{
    const struct value *problems = value_get(result, "problems");
    int64_t forks = value_get_int(result, "forks", 0);
    size_t i;

    print_counts(cli, result);
    if (value_count(problems) == 0 && forks == 0) {
        out_text(&cli->out, OUT_GOOD, "all in order\n");
        return;
    }
    out_text(&cli->out, OUT_WARN, "%zu problems, %" PRId64 " forks\n",
             value_count(problems), forks);
    for (i = 0; i < value_count(problems); i++) {
        out_text(&cli->out, OUT_PLAIN, "  %s\n",
                 value_string_of(value_at(problems, i)));
    }
}

/* Scripts must see it in the exit code when something is not in order. */
static enum ent_exit
run_verify(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit = cli_call(cli, "verify", cli->params, &result);

    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
        if (value_count(value_get(result, "problems")) > 0 ||
            value_get_int(result, "forks", 0) > 0) {
            exit = ENT_EXIT_STORE;
        }
    }
    value_free(result);
    return exit;
}

static void
show_rebuild(struct cli *cli, const struct value *result)
{
    bool is_equal = value_get_bool(result, "equal", false);

    out_text(&cli->out, is_equal ? OUT_GOOD : OUT_WARN, "%s",
             is_equal ? "Equal" : "Not equal");
    out_text(&cli->out, OUT_PLAIN,
             ": the views were folded again from %" PRId64 " entries\n",
             value_get_int(result, "entries", 0));
    out_text(&cli->out, OUT_DIM, "  before %s\n  after  %s\n",
             text_of(result, "before"), text_of(result, "after"));
}

static enum ent_exit
run_rebuild(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit = cli_call(cli, "rebuild", cli->params, &result);

    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
        exit = value_get_bool(result, "equal", false) ? ENT_EXIT_DONE
                                                      : ENT_EXIT_STORE;
    }
    value_free(result);
    return exit;
}

static const struct cli_option log_options[] = {
    {"situation", CLI_WORD, CLI_AT, "SITUATION", NULL,
     "only what concerns this one", NULL},
    {"limit", CLI_INT, 0, "N", NULL, "at most so many, the newest", NULL},
    {"why", CLI_FLAG, 0, NULL, NULL, "also what each author had seen before",
     NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_history[] = {
    {
        .words = "log",
        .method = "log",
        .summary = "who changed what, when, having seen what",
        .help = "Every change is kept, signed by the structure that made it. "
                "This prints them in the order in which they came to this "
                "node. With --why, what each author had seen at that moment: "
                "two people can write at the same time without either being "
                "wrong.",
        .example = "entente log S01 --why",
        .options = log_options,
        .show = show_log,
    },
    {
        .words = "verify",
        .method = "verify",
        .summary = "check every chain, signature and hash again",
        .help = "Reads everything this node holds and checks it as if it came "
                "from a stranger. Long stores take a while; work goes on "
                "meanwhile.",
        .example = "entente verify",
        .silence_s = LONG_WORK_S,
        .run = run_verify,
        .show = show_verify,
    },
    {
        .words = "rebuild",
        .method = "rebuild",
        .summary = "fold all views again and compare",
        .help = "What you see is folded from the entries. This folds it all "
                "again and compares: both must be equal.",
        .example = "entente rebuild",
        .silence_s = LONG_WORK_S,
        .run = run_rebuild,
        .show = show_rebuild,
    },
    {.words = NULL},
};
