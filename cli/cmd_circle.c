/* The circle: its members, and what they decide together. */
#include "commands.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

#define ID_SHOWN 8

static const char *
text_of(const struct value *v, const char *key)
{
    const char *s = value_get_string(v, key);

    return s != NULL ? s : "";
}

static void
show_found(struct cli *cli, const struct value *result)
{
    out_text(&cli->out, OUT_BOLD, "%s is founded.\n", text_of(result, "name"));
}

static void
print_members(struct cli *cli, const struct value *members)
{
    static const char *const headings[] = {"Structure", "Sector", "Role",
                                           "Address"};
    struct table t;
    size_t i;

    table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (i = 0; i < value_count(members); i++) {
        const struct value *m = value_at(members, i);
        const struct value *addresses = value_get(m, "addresses");
        const char *address = value_string_of(value_at(addresses, 0));
        bool is_you = value_get_bool(m, "is_you", false);

        table_add(&t, is_you ? OUT_BOLD : OUT_PLAIN, "%s%s", text_of(m, "name"),
                  is_you ? " (you)" : "");
        table_add(&t, OUT_PLAIN, "%s", text_of(m, "sector"));
        table_add(&t, OUT_PLAIN, "%s", text_of(m, "role"));
        table_add(&t, OUT_DIM, "%s", address != NULL ? address : "");
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

static void
show_members(struct cli *cli, const struct value *result)
{
    print_members(cli, value_get(result, "members"));
}

static void
add_motion(struct table *t, const struct value *m)
{
    bool may_vote = strcmp(text_of(m, "state"), "open") == 0 &&
                    !value_get_bool(m, "you_voted", false);

    table_add(t, OUT_PLAIN, "%.*s", ID_SHOWN,
              value_has(m, "id") ? text_of(m, "id") : text_of(m, "motion"));
    table_add(t, OUT_PLAIN, "%s %s", text_of(m, "action"),
              text_of(m, "subject_name"));
    table_add(t, OUT_PLAIN, "%s", text_of(m, "author_name"));
    table_add(t, OUT_PLAIN, "%s", text_of(m, "state"));
    table_add(t, OUT_PLAIN, "%" PRId64 " of %" PRId64,
              value_get_int(m, "yes", 0), value_get_int(m, "needed", 0));
    table_add(t, may_vote ? OUT_BOLD : OUT_DIM, "%s",
              may_vote ? "waits for your vote" : "");
}

static void
print_motions(struct cli *cli, const struct value *motions)
{
    static const char *const headings[] = {"Motion", "Asks to", "By",
                                           "State",  "Yes",     ""};
    struct table t;
    size_t i;

    if (value_count(motions) == 0) {
        out_text(&cli->out, OUT_PLAIN, "No motions.\n");
        return;
    }
    table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (i = 0; i < value_count(motions); i++) {
        add_motion(&t, value_at(motions, i));
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

static void
show_motions(struct cli *cli, const struct value *result)
{
    print_motions(cli, value_get(result, "motions"));
}

static void
show_circle(struct cli *cli, const struct value *result)
{
    const struct value *circle = value_get(result, "circle");
    const struct value *motions = value_get(result, "motions");
    char when[OUT_TIME_MAX];

    out_text(&cli->out, OUT_BOLD, "%s", text_of(circle, "name"));
    out_text(&cli->out, OUT_PLAIN, "  founded %s\n",
             out_time(value_get_int(circle, "founded_at", 0), 0, when));
    if (text_of(circle, "charter")[0] != '\0') {
        out_text(&cli->out, OUT_PLAIN, "\n");
        out_lines(&cli->out, "  ", text_of(circle, "charter"));
    }
    out_text(&cli->out, OUT_PLAIN, "\n");
    print_members(cli, value_get(result, "members"));
    if (value_count(motions) > 0) {
        out_text(&cli->out, OUT_PLAIN, "\n");
        print_motions(cli, motions);
    }
}

static void
show_motion(struct cli *cli, const struct value *result)
{
    out_text(&cli->out, OUT_PLAIN,
             "Motion %.*s: %" PRId64 " of %" PRId64 " needed said yes.\n",
             ID_SHOWN, text_of(result, "motion"),
             value_get_int(result, "yes", 0),
             value_get_int(result, "needed", 0));
    if (value_get_bool(result, "decided", false)) {
        out_text(&cli->out, OUT_GOOD, "Decided.\n");
    }
}

#define CIRCLE                                                                 \
    {                                                                          \
        "circle", CLI_WORD, CLI_AT, "CIRCLE", NULL,                            \
            "which one, if this node is in several", NULL                      \
    }

static const struct cli_option found_options[] = {
    {"name", CLI_WORD, CLI_AT | CLI_REQUIRED, "NAME", NULL,
     "what the circle is called", NULL},
    {"charter", CLI_FILE, 0, "FILE", NULL,
     "the charter's text, that all members accept (- for standard input)",
     NULL},
    CLI_OPTION_END,
};

static const struct cli_option circle_options[] = {CIRCLE, CLI_OPTION_END};

static const struct cli_option motion_options[] = {
    {"action", CLI_WORD, CLI_AT | CLI_REQUIRED, "ACTION",
     "admit|remove|appoint|relieve|charter|rule|refresh",
     "what the circle shall decide", NULL},
    {"subject", CLI_WORD, CLI_AT, "STRUCTURE", NULL, "whom it is about", NULL},
    {"text", CLI_TEXT, 0, "TEXT", NULL,
     "the reason, or the new charter or rule (- reads it)", NULL},
    CLI_OPTION_END,
};

static const struct cli_option vote_options[] = {
    {"motion", CLI_WORD, CLI_AT | CLI_REQUIRED, "MOTION", NULL,
     "the start of its id", NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_circle[] = {
    {
        .words = "circle found",
        .method = "circle.found",
        .summary = "found a circle",
        .help = "A circle is a group of structures that review how they "
                "cooperate. Whoever founds it is its first member, with no "
                "more to say than any later one. A charter says what the "
                "members promise each other.",
        .example = "entente circle found \"Cercle Nord\" --charter charter.md",
        .options = found_options,
        .show = show_found,
        .done = "Next: entente invite --qr",
    },
    {
        .words = "circle show",
        .method = "circle.show",
        .summary = "the circle, its members and open motions",
        .help = "The name and charter, who is in, who moderates, and what "
                "waits for a vote.",
        .example = "entente circle show",
        .options = circle_options,
        .show = show_circle,
    },
    {
        .words = "circle members",
        .method = "circle.members",
        .summary = "the members",
        .help = "Every structure of the circle with its sector, role and "
                "address. The moderator prepares and runs the sessions, sees "
                "what was put forward for review, and has no vote.",
        .example = "entente circle members",
        .options = circle_options,
        .show = show_members,
    },
    {
        .words = "circle motion",
        .method = "circle.motion",
        .summary = "ask the circle to decide something",
        .help = "Members come, go and change by a vote of the members, and so "
                "do the charter and the moderator. Making a motion is also "
                "your own yes to it. It is decided as soon as enough members "
                "said yes; nobody needs to be there at the same time.",
        .example = "entente circle motion appoint \"Moderation Nord\"",
        .options = motion_options,
        .show = show_motion,
    },
    {
        .words = "circle motions",
        .method = "circle.motions",
        .summary = "what was asked, and how the votes stand",
        .help = "All motions, open and decided, with the votes so far.",
        .example = "entente circle motions",
        .show = show_motions,
    },
    {
        .words = "circle vote",
        .method = "circle.vote",
        .summary = "say yes to a motion",
        .help = "Says yes to a motion. To disagree, do not vote, and talk: a "
                "motion without enough voices changes nothing.",
        .example = "entente circle vote 3fa9",
        .options = vote_options,
        .show = show_motion,
    },
    {.words = NULL},
};
