/* Sessions of the circle, and the report. */
#include "commands.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *
text_of(const struct value *v, const char *key)
{
    const char *s = value_get_string(v, key);

    return s != NULL ? s : "";
}

static void
add_meeting(struct table *t, const struct value *m)
{
    const struct value *codes = value_get(m, "situations");
    struct ent_buf list = {0};
    size_t i;

    for (i = 0; i < value_count(codes); i++) {
        const char *code = value_string_of(value_at(codes, i));

        ent_buf_put_slice(&list, ent_slice_str(i > 0 ? ", " : ""));
        ent_buf_put_slice(&list, ent_slice_str(code != NULL ? code : "?"));
    }
    ent_buf_put_u8(&list, 0);
    table_add(t, OUT_BOLD, "%" PRId64, value_get_int(m, "n", 0));
    table_add(t, OUT_PLAIN, "%s", text_of(m, "date"));
    table_add(t, OUT_PLAIN, "%s", text_of(m, "venue"));
    table_add(t, OUT_PLAIN, "%s", text_of(m, "kind"));
    table_add(t, OUT_PLAIN, "%s", text_of(m, "state"));
    table_add(t, OUT_PLAIN, "%s", (const char *)list.p);
    ent_buf_release(&list);
}

static void
show_meetings(struct cli *cli, const struct value *result)
{
    static const char *const headings[] = {"Session", "Date",  "Venue",
                                           "Kind",    "State", "Situations"};
    const struct value *meetings = value_get(result, "meetings");
    struct table t;
    size_t i;

    if (value_is_array(meetings) && value_count(meetings) == 0) {
        out_text(&cli->out, OUT_PLAIN, "No sessions yet.\n");
        return;
    }
    table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (i = 0; i < value_count(meetings); i++) {
        add_meeting(&t, value_at(meetings, i));
    }
    if (!value_is_array(meetings)) { /* one, told as it is */
        add_meeting(&t, result);
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

static void
show_changed(struct cli *cli, const struct value *result)
{
    out_text(
        &cli->out, OUT_PLAIN, "Session %" PRId64 ": %s\n",
        value_get_int(result, "n", value_get_int(cli->params, "meeting", 0)),
        text_of(result, "state"));
}

static void
show_report(struct cli *cli, const struct value *result)
{
    char when[OUT_TIME_MAX];

    out_lines(&cli->out, "", text_of(result, "text"));
    out_talk(&cli->out,
             "For: %s. As of %s; proved equal with %" PRId64 " of %" PRId64
             " structures.\n",
             text_of(result, "audience"),
             out_time(value_get_int(result, "as_of_at", 0), 0, when),
             value_get_int(result, "peers_proved", 0),
             value_get_int(result, "peers", 0));
}

/* --format json is the report alone; --json the whole answer, as always. */
static enum ent_exit
run_report(struct cli *cli)
{
    const char *format = cli_word(cli, "format");
    struct value *result = NULL;
    enum ent_exit exit;
    char *text;

    if (!value_has(cli->params, "audience")) {
        value_set_string(cli->params, "audience", "circle");
    }
    exit = cli_call(cli, "report", cli->params, &result);
    if (exit != ENT_EXIT_DONE) {
        return exit;
    }
    if (format != NULL && strcmp(format, "json") == 0 && !cli->is_json) {
        text = value_to_json(value_get(result, "report"), true, true);
        fprintf(cli->out.main, "%s\n", text);
        free(text);
    } else {
        cli_show(cli, result);
    }
    value_free(result);
    return ENT_EXIT_DONE;
}

static void
show_kinds(struct cli *cli, const struct value *result)
{
    const struct value *kinds = value_get(result, "kinds");
    size_t i;

    for (i = 0; i < value_count(kinds); i++) {
        const struct value *k = value_at(kinds, i);
        const char *name =
            value_is_string(k) ? value_string_of(k) : text_of(k, "name");

        out_text(&cli->out, OUT_PLAIN, "%-18s%s\n", name, text_of(k, "label"));
    }
}

#define MEETING                                                                \
    {                                                                          \
        "meeting", CLI_INT, CLI_AT | CLI_REQUIRED, "N", NULL,                  \
            "the session's number", NULL                                       \
    }

static const struct cli_option plan_options[] = {
    {"n", CLI_INT, 0, "N", NULL, "its number (the next one)", NULL},
    {"date", CLI_WORD, 0, "DATE", NULL, "such as 2026-02-17", NULL},
    {"venue", CLI_WORD, 0, "PLACE", NULL, "where", NULL},
    {"kind", CLI_WORD, 0, "KIND", "cmr|clinical-case|went-well|training|mixed",
     "what sort of session", NULL},
    CLI_OPTION_END,
};

static const struct cli_option open_options[] = {
    MEETING,
    {"situations", CLI_LIST, 0, "CODES", NULL,
     "on the agenda, with commas between: S01,S02", NULL},
    CLI_OPTION_END,
};

static const struct cli_option meeting_options[] = {MEETING, CLI_OPTION_END};

static const struct cli_option report_options[] = {
    {"audience", CLI_WORD, 0, "WHO", "circle|structure",
     "who shall read it (circle)", NULL},
    {"format", CLI_WORD, CLI_LOCAL, "FORMAT", "text|json", "how (text)", NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_meeting[] = {
    {
        .words = "meeting plan",
        .method = "meeting.plan",
        .summary = "plan a session (moderator)",
        .help = "Plans a session of the circle: when, where, and of what "
                "sort. The moderator plans; all members see it.",
        .example = "entente meeting plan --date 2026-02-17 --venue \"Hopital "
                   "Sud\"",
        .options = plan_options,
        .show = show_changed,
    },
    {
        .words = "meeting open",
        .method = "meeting.open",
        .summary = "begin a session (moderator)",
        .help = "Begins a session with the situations on its agenda. Answers "
                "can be revealed while it is open. It works without any "
                "network.",
        .example = "entente meeting open 1 --situations S01,S02",
        .options = open_options,
        .show = show_changed,
    },
    {
        .words = "meeting close",
        .method = "meeting.close",
        .summary = "end a session (moderator)",
        .help = "Ends a session. What was concluded stays as it is.",
        .example = "entente meeting close 1",
        .options = meeting_options,
        .show = show_changed,
    },
    {
        .words = "meeting list",
        .method = "meeting.list",
        .summary = "all sessions",
        .help = "Every session, planned, open and closed.",
        .example = "entente meeting list",
        .show = show_meetings,
    },
    {
        .words = "meeting show",
        .method = "meeting.show",
        .summary = "one session",
        .help = "One session: when, where, and the situations on its agenda.",
        .example = "entente meeting show 1",
        .options = meeting_options,
        .show = show_meetings,
    },
    {
        .words = "report",
        .method = "report",
        .summary = "what the reviews found, counted",
        .help = "Counts over all concluded situations: how often cooperation "
                "failed, who was harmed, whether it was avoidable, how far "
                "the answers agree, each with its denominator and how sure "
                "such a number can be. It never ranks structures.",
        .example = "entente report --format json",
        .options = report_options,
        .run = run_report,
        .show = show_report,
    },
    {
        .words = "kinds",
        .method = "kinds",
        .summary = "the kinds of records this node knows",
        .help = "The forms and code lists of this version, as data (with "
                "--json), with labels in your language.",
        .example = "entente kinds --lang fr --json",
        .show = show_kinds,
    },
    {.words = NULL},
};
