/*
 * Situations: what is said about one, who may read it, and what was
 * concluded. What others may see is always said before and after.
 */
#include "ask.h"
#include "commands.h"
#include "situation_view.h"
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
show_saved(struct cli *cli, const struct value *result)
{
    const struct value *readers = value_get(result, "readers");
    const char *where = text_of(result, "where");
    const char *state = text_of(result, "state");
    size_t i;

    out_text(&cli->out, OUT_BOLD, "%s",
             value_has(result, "code") ? text_of(result, "code")
                                       : text_of(cli->params, "situation"));
    out_text(&cli->out, OUT_PLAIN, "%s%s%s%s\n", state[0] != '\0' ? "  " : "",
             state, where[0] != '\0' ? ", " : "", where);
    for (i = 0; i < value_count(readers); i++) {
        out_text(&cli->out, OUT_PLAIN, "%s%s", i == 0 ? "Read by: " : ", ",
                 value_string_of(value_at(readers, i)));
    }
    if (value_count(readers) > 0) {
        out_text(&cli->out, OUT_PLAIN, "\n");
    }
}

/* Nobody else can answer it: whether colleagues could recognise the person. */
static enum ent_exit
run_offer(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit;
    char *line;

    if (!value_has(cli->params, "recognisable") && cli_is_interactive(cli)) {
        line = ask_line(cli, "Could a colleague who knows the person "
                             "recognise them in it? [no/maybe/yes]");
        if (line != NULL && line[0] != '\0') {
            value_set_string(cli->params, "recognisable", line);
        }
        free(line);
    }
    exit = cli_call(cli, "situation.offer", cli->params, &result);
    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
        value_free(result);
    }
    return exit;
}

static enum ent_exit
run_note(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit;

    if (!value_has(cli->params, "view")) {
        value_set_string(cli->params, "view", "own");
    }
    exit = cli_call(cli, "situation.note", cli->params, &result);
    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
        value_free(result);
    }
    return exit;
}

static void
show_note(struct cli *cli, const struct value *result)
{
    (void)result;
    out_talk(&cli->out, "%s\n",
             strcmp(text_of(cli->params, "view"), "care") == 0
                 ? "Kept, and on its way to those who follow this person "
                   "with you."
                 : "Kept, only here.");
}

static void
show_answer(struct cli *cli, const struct value *result)
{
    int64_t received = value_get_int(result, "received", 0);
    int64_t expected = value_get_int(result, "expected", 0);

    out_text(&cli->out, OUT_PLAIN, "%s\n", text_of(result, "state"));
    out_talk(&cli->out,
             "%" PRId64 " of %" PRId64 " structures have answered; you will "
             "see theirs when the answers are revealed together.\n",
             received, expected);
}

static void
add_situation(struct table *t, const struct value *s)
{
    int64_t session = value_get_int(s, "session", 0);
    int64_t expected = value_get_int(s, "expected", 0);
    bool is_disputed = value_get_int(s, "conflicts", 0) > 0;

    table_add(t, OUT_BOLD, "%s", text_of(s, "code"));
    table_add(t, OUT_PLAIN, "%s", text_of(s, "title"));
    table_add(t, OUT_PLAIN, "%s", text_of(s, "state"));
    table_add(t, OUT_PLAIN, "%s", text_of(s, "presenter"));
    if (session > 0) {
        table_add(t, OUT_PLAIN, "%" PRId64, session);
    } else {
        table_add(t, OUT_PLAIN, "%s", "");
    }
    if (expected > 0) {
        table_add(t, OUT_PLAIN, "%" PRId64 " of %" PRId64,
                  value_get_int(s, "received", 0), expected);
    } else {
        table_add(t, OUT_PLAIN, "%s", "");
    }
    table_add(t, OUT_DIM, "%s%s", text_of(s, "where"),
              is_disputed ? ", said differently by two" : "");
}

static void
show_list(struct cli *cli, const struct value *result)
{
    static const char *const headings[] = {"Code",    "Title",   "State", "By",
                                           "Session", "Answers", "Where"};
    const struct value *situations = value_get(result, "situations");
    struct table t;
    size_t i;

    if (value_count(situations) == 0) {
        out_text(&cli->out, OUT_PLAIN, "No situations.\n");
        return;
    }
    table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (i = 0; i < value_count(situations); i++) {
        add_situation(&t, value_at(situations, i));
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

#define SITUATION                                                              \
    {                                                                          \
        "situation", CLI_WORD, CLI_AT | CLI_REQUIRED, "SITUATION", NULL,       \
            "its code (S01), or the start of its id", NULL                     \
    }
#define AGE_BANDS "16-17|18-25|26-45|46-65|66-85|85+"
#define LEVELS "none|low|moderate|severe|fatal|near-miss|unknown"
#define CARER_LEVELS "none|low|moderate|severe|fatal|unknown"
#define MODES                                                                  \
    "joint|shared-lead|parallel|referral|referral-with-return|"                \
    "referral-no-return|consult-only|none|unknown"
#define BASES                                                                  \
    "same-team|consent-outside-team|exchange-identified-pros|"                 \
    "emergency-informed-later|de-identified-review"

#define DRAFT_FIELDS                                                            \
    {"name", CLI_WORD, 0,                                                       \
     "NAME", NULL,     "the person's name: stays on this computer",             \
     NULL},                                                                     \
        {"note", CLI_TEXT,                                                      \
         0,      "TEXT",                                                        \
         NULL,   "a note of your own: stays on this computer (- reads it)",     \
         NULL},                                                                 \
        {"text", CLI_TEXT, 0,                                                   \
         "TEXT", NULL,     "what happened, without names (- reads it)",         \
         NULL},                                                                 \
        {"period", CLI_WORD, 0,                                                 \
         "PERIOD", NULL,     "when, roughly: a quarter, such as 2026-Q1",       \
         NULL},                                                                 \
        {"age-band", CLI_WORD, 0, "BAND", AGE_BANDS, "how old, roughly", NULL}, \
    {                                                                           \
        "tags", CLI_LIST, 0, "TAGS", NULL, "words to find it by", NULL          \
    }

static const struct cli_option draft_options[] = {
    {"title", CLI_WORD, CLI_AT | CLI_REQUIRED, "TITLE", NULL,
     "a title without names", NULL},
    {"code", CLI_WORD, 0, "CODE", NULL, "a code to call it by (S01)", NULL},
    DRAFT_FIELDS,
    CLI_OPTION_END,
};

static const struct cli_option edit_options[] = {
    SITUATION,
    {"title", CLI_WORD, 0, "TITLE", NULL, "another title", NULL},
    {"code", CLI_WORD, 0, "CODE", NULL, "another code", NULL},
    DRAFT_FIELDS,
    CLI_OPTION_END,
};

static const struct cli_option offer_options[] = {
    SITUATION,
    {"basis", CLI_WORD, 0, "BASIS", BASES,
     "why the circle may read it, as a rule de-identified-review", NULL},
    {"recognisable", CLI_WORD, 0, "ANSWER", "no|maybe|yes",
     "could a colleague who knows the person recognise them in it?", NULL},
    {"structures", CLI_LIST, 0, "NAMES", NULL,
     "only these structures, with commas between (all members)", NULL},
    {"person-told", CLI_WORD, 0, "ANSWER", "yes|no|not-appropriate",
     "was the person told of the review?", NULL},
    CLI_OPTION_END,
};

static const struct cli_option one_option[] = {SITUATION, CLI_OPTION_END};

static const struct cli_option invite_options[] = {
    SITUATION,
    {"structure", CLI_WORD, CLI_AT | CLI_REQUIRED, "STRUCTURE", NULL,
     "who shall follow it with you", NULL},
    {"basis", CLI_WORD, 0, "BASIS", BASES, "why they may know of the person",
     NULL},
    {"note", CLI_TEXT, 0, "TEXT", NULL, "about this consent (- reads it)",
     NULL},
    CLI_OPTION_END,
};

static const struct cli_option note_options[] = {
    SITUATION,
    {"text", CLI_TEXT, CLI_AT | CLI_REQUIRED, "TEXT", NULL,
     "your note (- reads it)", NULL},
    {"view", CLI_WORD, 0, "VIEW", "own|care",
     "own: only here; care: also those who follow the person with you (own)",
     NULL},
    CLI_OPTION_END,
};

static const struct cli_option answer_options[] = {
    SITUATION,
    {"q1", CLI_WORD, 0, "ANSWER", "yes|no|unsure",
     "1. was it a malfunction of our cooperation?", NULL},
    {"q1-code", CLI_WORD, 0, "CODE", NULL, "which one, from the list of codes",
     NULL},
    {"q1-text", CLI_TEXT, 0, "TEXT", NULL, "... in your words", NULL},
    {"q2-harm", CLI_WORD, 0, "ANSWER", "yes|no|unknown",
     "2. did it harm the patient?", NULL},
    {"q2-physical", CLI_WORD, 0, "LEVEL", LEVELS, "... physically", NULL},
    {"q2-psychological", CLI_WORD, 0, "LEVEL", LEVELS, "... psychologically",
     NULL},
    {"q2-text", CLI_TEXT, 0, "TEXT", NULL, "... in your words", NULL},
    {"q3-harm", CLI_WORD, 0, "ANSWER", "yes|no|unknown",
     "3. did it put a carer in difficulty?", NULL},
    {"q3-level", CLI_WORD, 0, "LEVEL", CARER_LEVELS, "... how much", NULL},
    {"q3-text", CLI_TEXT, 0, "TEXT", NULL, "... in your words", NULL},
    {"q4-avoidable", CLI_WORD, 0, "ANSWER", "yes|partly|no|unknown",
     "4. was it avoidable?", NULL},
    {"q4-text", CLI_TEXT, 0, "TEXT", NULL, "... in your words", NULL},
    {"q5-text", CLI_TEXT, 0, "TEXT", NULL,
     "5. what could we do better together?", NULL},
    {"mode", CLI_WORD, 0, "MODE", MODES, "how you follow this person", NULL},
    {"confidence", CLI_INT, 0, "0-3", NULL, "how sure you are", NULL},
    CLI_OPTION_END,
};

static const struct cli_option reveal_options[] = {
    SITUATION,
    {"meeting", CLI_INT, 0, "N", NULL, "the session's number", NULL},
    CLI_OPTION_END,
};

static const struct cli_option conclude_options[] = {
    SITUATION,
    {"cooperation", CLI_BOOL, CLI_REQUIRED, "yes|no", NULL,
     "was it a malfunction of our cooperation? (yes or no)", NULL},
    {"patient-physical", CLI_WORD, 0, "LEVEL", LEVELS,
     "physical harm to the patient", NULL},
    {"patient-psychological", CLI_WORD, 0, "LEVEL", LEVELS,
     "psychological harm to the patient", NULL},
    {"carer", CLI_WORD, 0, "LEVEL", CARER_LEVELS, "difficulty for the carer",
     NULL},
    {"avoidable", CLI_WORD, 0, "ANSWER", "yes|partly|no|unknown",
     "was it avoidable?", NULL},
    {"code", CLI_WORD, 0, "CODE", NULL, "the malfunction's code", NULL},
    {"text", CLI_TEXT, 0, "TEXT", NULL, "what was concluded (- reads it)",
     NULL},
    {"dissent", CLI_TEXT, 0, "TEXT", NULL,
     "who sees it otherwise, and how (- reads it)", NULL},
    CLI_OPTION_END,
};

static const struct cli_option list_options[] = {
    {"state", CLI_WORD, 0, "STATE",
     "draft|offered|collecting|revealed|concluded|withdrawn", "only these",
     NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_situation[] = {
    {
        .words = "situation draft",
        .method = "situation.draft",
        .summary = "write one down, only here",
        .help = "Writes down a situation where cooperation mattered, well or "
                "badly. It stays on this computer until you offer it. The "
                "person's name and your own notes stay here even then.",
        .example = "entente situation draft \"Discharge without a letter\" "
                   "--text -",
        .options = draft_options,
        .show = show_saved,
        .done = "It stays on this computer until you offer it.",
    },
    {
        .words = "situation edit",
        .method = "situation.edit",
        .summary = "change what you wrote",
        .help = "Changes the fields you name and leaves the others. What was "
                "offered already changes for its readers, too; the earlier "
                "text stays in the history.",
        .example = "entente situation edit S01 --age-band 26-45",
        .options = edit_options,
        .show = show_saved,
    },
    {
        .words = "situation offer",
        .method = "situation.offer",
        .summary = "put it forward for review",
        .help = "Puts a situation forward for review by the circle, without "
                "names. It needs the basis on which others may read it, and "
                "your answer whether a colleague could recognise the person. "
                "Who reads it is printed; you can take it back until the "
                "answers are revealed.",
        .example = "entente situation offer S01 --basis de-identified-review "
                   "--recognisable no",
        .options = offer_options,
        .run = run_offer,
        .show = show_saved,
    },
    {
        .words = "situation withdraw",
        .method = "situation.withdraw",
        .summary = "take it back",
        .help = "Takes an offered situation back, until its answers are "
                "revealed. Nobody needs to be asked, and no reason is due.",
        .example = "entente situation withdraw S01",
        .options = one_option,
        .done = "Taken back.",
    },
    {
        .words = "situation invite",
        .method = "situation.invite",
        .summary = "let a structure that follows the person in",
        .help = "Opens the care part of a situation, where structures that "
                "follow the same person share what care needs, to one more "
                "structure. The moderator never sees that part. The basis "
                "(same team, consent, emergency) is recorded.",
        .example = "entente situation invite S01 \"Hopital Sud\" --basis "
                   "consent-outside-team",
        .options = invite_options,
        .done = "They can read the care part from now on.",
    },
    {
        .words = "situation note",
        .method = "situation.note",
        .summary = "add a note of your own, or for care",
        .help = "Adds a note: for yourself, it never leaves this computer; "
                "for care, those who follow the person with you read it.",
        .example = "entente situation note S01 \"Called the ward\" --view "
                   "care",
        .options = note_options,
        .run = run_note,
        .show = show_note,
    },
    {
        .words = "situation answer",
        .method = "situation.answer",
        .summary = "answer the five questions, sealed",
        .help = "Gives your structure's view of a situation. It is sealed: "
                "nobody reads it, the moderator included, until all answers "
                "are revealed together in the session, so nobody follows "
                "anybody. \"I don't know\" is always an answer. Answer once: "
                "what is sealed stays as it is.",
        .example = "entente situation answer S01 --q1 yes --q1-code "
                   "REF-NOJOINT --q2-harm no",
        .options = answer_options,
        .show = show_answer,
    },
    {
        .words = "situation reveal",
        .method = "situation.reveal",
        .summary = "open all answers together (moderator)",
        .help = "In an open session the moderator opens all sealed answers at "
                "once. Structures that are away send their key when they come "
                "back.",
        .example = "entente situation reveal S01 --meeting 1",
        .options = reveal_options,
        .show = show_saved,
    },
    {
        .words = "situation conclude",
        .method = "situation.conclude",
        .summary = "what the circle found (moderator)",
        .help = "Writes down what the circle found after the answers were "
                "revealed: whether cooperation failed, the harm to the "
                "patient, the difficulty for the carer, whether it was "
                "avoidable. Who sees it otherwise is written beside, not "
                "over.",
        .example = "entente situation conclude S01 --cooperation yes "
                   "--patient-physical none --patient-psychological low "
                   "--carer none --avoidable yes",
        .options = conclude_options,
        .show = show_saved,
    },
    {
        .words = "situation list",
        .method = "situation.list",
        .summary = "all that you may read",
        .help = "Every situation that this node may read, its state, who "
                "answered, and where it is: only here, on its way, or seen by "
                "others.",
        .example = "entente situation list --state collecting",
        .options = list_options,
        .show = show_list,
    },
    {
        .words = "situation care",
        .method = "care.list",
        .summary = "the care parts that others share with you",
        .help = "Situations whose care part another structure opened to you: "
                "who else reads it, and the notes. They carry no code of a "
                "review, and the review shows nothing of them.",
        .example = "entente situation care",
        .show = situation_view_cares,
    },
    /*~ 14/14 Somebody types `entente situation show S01`. The words are a row
     * of this table; client.c carries the call over the Unix socket, node/api
     * answers from the views, and the situation stands on a colleague's screen.
     * That is the whole way, and thank you for walking it. docs/tour.md says
     * where to go from here. */
    {
        .words = "situation show",
        .method = "situation.show",
        .summary = "one, with everything you may see of it",
        .help = "The text, your own part, the care part, the answers side by "
                "side once they are revealed, the conclusion, and who reads "
                "each. Where two people wrote differently at the same time, "
                "both stand there.",
        .example = "entente situation show S01",
        .options = one_option,
        .show = situation_view,
    },
    {.words = NULL},
};
