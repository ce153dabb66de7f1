/*
 * Inviting and joining. Two people read six digits to each other: that is
 * what keeps somebody between them out, so nothing here confirms without
 * being told that they were compared.
 */
#include "ask.h"
#include "commands.h"
#include "qr.h"
#include "table.h"

#include <poll.h>
#include <stdlib.h>

#define POLL_MS 500
#define WAIT_MS_DEFAULT (120 * 1000)
#define SETTLE_MS (10 * 1000)
#define DIGITS 6

static const char *
text_of(const struct value *v, const char *key)
{
    const char *s = value_get_string(v, key);

    return s != NULL ? s : "";
}

/* The digits of a code, without the spaces that people put in. */
static void
read_digits(const char *text, char ret[16])
{
    size_t len = 0;

    for (; *text != '\0' && len < 15; text++) {
        if (*text >= '0' && *text <= '9') {
            ret[len++] = *text;
        }
    }
    ret[len] = '\0';
}

/* "123 456" is easier to read aloud. */
static void
print_code(struct cli *cli, const char *code)
{
    char digits[16];

    read_digits(code, digits);
    if (strlen(digits) == DIGITS) {
        out_error(&cli->out, OUT_BOLD, "\n    %.3s %s\n\n", digits, digits + 3);
    } else {
        out_error(&cli->out, OUT_BOLD, "\n    %s\n\n", code);
    }
}

static const char *
state_words(const char *state)
{
    static const struct {
        const char *state;
        const char *words;
    } all[] = {
        {"dialling", "looking for the other node"},
        {"compare", "waits for you to compare the six digits"},
        {"confirmed-here", "confirmed here, waits for the other side"},
        {"confirmed-there", "confirmed there, waits for you"},
        {"waiting-for-them", "waits for them to compare the six digits"},
        {"waiting-for-vote", "waits for the members' vote"},
        {"member", "member"},
        {"done", "done"},
        {"failed", "did not work"},
    };
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].state, state) == 0) {
            return all[i].words;
        }
    }
    return state;
}

/* ---- inviting ---- */

static void
show_invite(struct cli *cli, const struct value *result)
{
    const char *invitation = text_of(result, "invitation");
    char when[OUT_TIME_MAX];

    out_text(&cli->out, OUT_PLAIN, "%s\n", invitation);
    if (cli_flag(cli, "qr") && !qr_print(&cli->out, invitation)) {
        out_talk(&cli->out, "It is too long for a QR code.\n");
    }
    out_talk(&cli->out, "One use, until %s. Safety number: %s\n",
             out_time(value_get_int(result, "expires_at", 0), 0, when),
             text_of(result, "safety_number"));
    out_talk(&cli->out,
             "Give it to them by a way you trust. When they join, both of "
             "you see six digits;\ncompare them by telephone or face to "
             "face, then: entente invite confirm CODE\n");
}

static void
show_invitations(struct cli *cli, const struct value *result)
{
    static const char *const headings[] = {"Invitation", "Role", "State",
                                           "Until", "Used by"};
    static const char *const join_headings[] = {"Joining", "Code", "State"};
    const struct value *invitations = value_get(result, "invitations");
    const struct value *joins = value_get(result, "joins");
    char when[OUT_TIME_MAX];
    struct table t;
    size_t i;

    table_init(&t, 5, headings);
    for (i = 0; i < value_count(invitations); i++) {
        const struct value *v = value_at(invitations, i);

        table_add(&t, OUT_PLAIN, "%.8s", text_of(v, "id"));
        table_add(&t, OUT_PLAIN, "%s", text_of(v, "role"));
        table_add(&t, OUT_PLAIN, "%s", text_of(v, "state"));
        table_add(&t, OUT_PLAIN, "%s",
                  out_time(value_get_int(v, "expires_at", 0), 0, when));
        table_add(&t, OUT_PLAIN, "%s", text_of(v, "used_by"));
    }
    table_print(&t, &cli->out);
    table_release(&t);
    if (value_count(joins) == 0) {
        return;
    }
    out_text(&cli->out, OUT_PLAIN, "\n");
    table_init(&t, 3, join_headings);
    for (i = 0; i < value_count(joins); i++) {
        const struct value *v = value_at(joins, i);

        table_add(&t, OUT_PLAIN, "%.24s",
                  text_of(v, "name")[0] != '\0' ? text_of(v, "name")
                                                : text_of(v, "node"));
        table_add(&t, OUT_BOLD, "%s", text_of(v, "code"));
        table_add(&t, OUT_PLAIN, "%s", state_words(text_of(v, "state")));
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

/* Invitations are the store's, joins are the connections': two calls. */
static enum ent_exit
call_invite_list(struct cli *cli, struct value **ret_result)
{
    struct value *answer = NULL;
    struct value *joins;
    enum ent_exit exit = cli_call(cli, "invite.list", cli->params, ret_result);

    if (exit == ENT_EXIT_DONE) {
        exit = cli_call(cli, "invite.joins", cli->params, &answer);
    }
    joins = value_take(answer, "joins");
    if (exit == ENT_EXIT_DONE) {
        value_set(*ret_result, "joins", joins != NULL ? joins : value_array());
    } else {
        value_free(joins);
    }
    value_free(answer);
    return exit;
}

static enum ent_exit
run_invite_list(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit = call_invite_list(cli, &result);

    if (exit == ENT_EXIT_DONE && cli->is_json) {
        cli_show(cli, result);
    } else if (exit == ENT_EXIT_DONE) {
        show_invitations(cli, result);
    }
    value_free(result);
    return exit;
}

static enum ent_exit
run_invite(struct cli *cli)
{
    struct value *result = NULL;
    bool is_list = cli_flag(cli, "list");
    enum ent_exit exit;

    if (!is_list && !value_has(cli->params, "role")) {
        value_set_string(cli->params, "role", "member");
    }
    if (is_list) {
        return run_invite_list(cli);
    }
    exit = cli_call(cli, "invite", cli->params, &result);
    if (exit != ENT_EXIT_DONE) {
        return exit;
    }
    cli_show(cli, result);
    value_free(result);
    return ENT_EXIT_DONE;
}

static struct value *
not_compared(const char *command)
{
    char hint[200];

    snprintf(hint, sizeof(hint),
             "Compare the digits with the other person, then: "
             "entente %s CODE --yes-compared",
             command);
    return cli_error("join.not-compared", ENT_EXIT_REFUSED, hint,
                     "nothing was confirmed: the six digits were not "
                     "compared");
}

/* Were the digits compared? By flag, or by asking. */
static bool
is_compared(struct cli *cli)
{
    if (cli_flag(cli, "yes-compared")) {
        return true;
    }
    return cli_is_interactive(cli) &&
           ask_yes_no(cli, "Does the other screen show the same six digits? "
                           "[yes/no]");
}

static enum ent_exit
run_invite_confirm(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit;

    if (!is_compared(cli)) {
        return cli_fail(cli, not_compared("invite confirm"));
    }
    value_set_bool(cli->params, "compared", true);
    exit = cli_call(cli, "invite.confirm", cli->params, &result);
    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
        value_free(result);
    }
    return exit;
}

static void
show_state(struct cli *cli, const struct value *result)
{
    out_text(&cli->out, OUT_PLAIN, "%s: %s\n", text_of(result, "circle_name"),
             state_words(text_of(result, "state")));
}

static void
show_confirmed(struct cli *cli, const struct value *result)
{
    out_text(&cli->out, OUT_PLAIN, "Confirmed: %s\n",
             state_words(text_of(result, "state")));
}

/* ---- joining ---- */

/* The state of one joining: an owned object, or NULL after an error that was
 * told, with its exit code. */
static struct value *
ask_state(struct cli *cli, const char *join, enum ent_exit *ret_exit)
{
    struct value *params = value_object();
    struct value *result = NULL;
    struct value *found = NULL;
    const struct value *joins;
    size_t i;

    *ret_exit = cli_call(cli, "join.status", params, &result);
    value_free(params);
    joins = value_get(result, "joins");
    for (i = 0; i < value_count(joins); i++) {
        struct value *v = value_at(joins, i);

        if (strcmp(text_of(v, "join"), join) == 0) {
            found = value_share(v);
        }
    }
    value_free(result);
    if (*ret_exit == ENT_EXIT_DONE && found == NULL) {
        *ret_exit = cli_fail(cli, cli_error("not-found", ENT_EXIT_NOT_FOUND,
                                            NULL, "this joining is gone"));
    }
    return found;
}

static bool
is_state(const struct value *v, const char *state)
{
    return strcmp(text_of(v, "state"), state) == 0;
}

/* Waits while the state is one of the two. */
static struct value *
wait_while(struct cli *cli, const char *join, const char *const states[2],
           int64_t left_ms, enum ent_exit *ret_exit)
{
    struct value *v = ask_state(cli, join, ret_exit);

    while (v != NULL && left_ms > 0 &&
           (is_state(v, states[0]) || is_state(v, states[1]))) {
        value_free(v);
        (void)poll(NULL, 0, POLL_MS);
        left_ms -= POLL_MS;
        v = ask_state(cli, join, ret_exit);
    }
    return v;
}

static enum ent_exit
fail_join(struct cli *cli, const struct value *state)
{
    const char *reason = text_of(state, "reason");

    return cli_fail(
        cli,
        cli_error(reason[0] != '\0' ? reason : "join.failed", ENT_EXIT_REFUSED,
                  "Ask for a new invitation if this one was used or has "
                  "expired; else try again.",
                  "joining did not work: %s",
                  reason[0] != '\0' ? reason : "no reason was given"));
}

/* Confirms if the digits were compared; otherwise says how to. */
static enum ent_exit
confirm_join(struct cli *cli, const struct value *state)
{
    const char *expected = cli_word(cli, "confirm");
    const char *code = text_of(state, "code");
    struct value *params;
    struct value *result = NULL;
    char ours[16];
    char theirs[16];
    enum ent_exit exit;

    read_digits(code, ours);
    read_digits(expected != NULL ? expected : "", theirs);
    if (expected != NULL && strcmp(ours, theirs) != 0) {
        return cli_fail(cli, cli_error("join.other-code", ENT_EXIT_REFUSED,
                                       "Do not go on. Talk to the person who "
                                       "invited you, and start again with a "
                                       "new invitation.",
                                       "the two codes differ: somebody may "
                                       "stand between the two nodes"));
    }
    if (expected == NULL) {
        print_code(cli, code);
    }
    if (expected == NULL && !is_compared(cli)) {
        return cli_fail(cli, not_compared("join confirm"));
    }
    params = value_object();
    value_set_string(params, "code", ours);
    exit = cli_call(cli, "join.confirm", params, &result);
    value_free(params);
    value_free(result);
    return exit;
}

/* After the confirmation: as far as it gets without another person. */
static enum ent_exit
finish_join(struct cli *cli, const char *join)
{
    static const char *const states[2] = {"waiting-for-them", "compare"};
    enum ent_exit exit;
    struct value *state = wait_while(cli, join, states, SETTLE_MS, &exit);

    if (state == NULL) {
        return exit;
    }
    if (is_state(state, "failed")) {
        exit = fail_join(cli, state);
    } else {
        cli_show(cli, state);
        if (!is_state(state, "member")) {
            out_talk(&cli->out, "It goes on by itself; see: entente join "
                                "status\n");
        }
    }
    value_free(state);
    return exit;
}

/* Somebody who cannot answer (a script) confirms later, by the code. */
static bool
may_confirm_now(const struct cli *cli)
{
    return cli_flag(cli, "yes-compared") || cli_word(cli, "confirm") != NULL ||
           cli_is_interactive(cli);
}

static enum ent_exit
follow_join(struct cli *cli, const char *join)
{
    static const char *const states[2] = {"dialling", "dialling"};
    int64_t wait_ms = value_get_int(cli->given, "wait", WAIT_MS_DEFAULT);
    enum ent_exit exit;
    struct value *state = wait_while(cli, join, states, wait_ms, &exit);

    if (state == NULL) {
        return exit;
    }
    if (is_state(state, "failed")) {
        exit = fail_join(cli, state);
    } else if (is_state(state, "compare") && may_confirm_now(cli)) {
        exit = confirm_join(cli, state);
        exit = exit == ENT_EXIT_DONE ? finish_join(cli, join) : exit;
    } else {
        cli_show(cli, state);
        if (is_state(state, "compare")) {
            print_code(cli, text_of(state, "code"));
            out_talk(&cli->out, "Compare it with the other screen, then: "
                                "entente join confirm CODE --yes-compared\n");
        }
    }
    value_free(state);
    return exit;
}

static enum ent_exit
run_join(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit = cli_call(cli, "join", cli->params, &result);
    char *join;

    if (exit != ENT_EXIT_DONE) {
        return exit;
    }
    if (cli_flag(cli, "no-wait")) {
        cli_show(cli, result);
        value_free(result);
        return ENT_EXIT_DONE;
    }
    out_talk(&cli->out, "Calling %s of %s ...\n", text_of(result, "inviter"),
             text_of(result, "circle_name"));
    join = strdup(text_of(result, "join"));
    ENT_ASSERT(join != NULL);
    value_free(result);
    exit = follow_join(cli, join);
    free(join);
    return exit;
}

static enum ent_exit
run_join_confirm(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit;

    if (!is_compared(cli)) {
        return cli_fail(cli, not_compared("join confirm"));
    }
    exit = cli_call(cli, "join.confirm", cli->params, &result);
    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
        value_free(result);
    }
    return exit;
}

static void
show_joins(struct cli *cli, const struct value *result)
{
    static const char *const headings[] = {"Circle", "Invited by", "Code",
                                           "State"};
    const struct value *joins = value_get(result, "joins");
    struct table t;
    size_t i;

    if (value_count(joins) == 0) {
        out_text(&cli->out, OUT_PLAIN, "You are not joining any circle.\n");
        return;
    }
    table_init(&t, 4, headings);
    for (i = 0; i < value_count(joins); i++) {
        const struct value *v = value_at(joins, i);
        const char *reason = text_of(v, "reason");

        table_add(&t, OUT_PLAIN, "%s", text_of(v, "circle_name"));
        table_add(&t, OUT_PLAIN, "%s", text_of(v, "inviter"));
        table_add(&t, OUT_BOLD, "%s", text_of(v, "code"));
        table_add(&t, OUT_PLAIN, "%s%s%s", state_words(text_of(v, "state")),
                  reason[0] != '\0' ? ": " : "", reason);
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

#define CODE                                                                   \
    {                                                                          \
        "code", CLI_WORD, CLI_AT | CLI_REQUIRED, "CODE", NULL,                 \
            "the six digits that both screens show", NULL                      \
    }
#define YES_COMPARED                                                           \
    {                                                                          \
        "yes-compared", CLI_FLAG, CLI_LOCAL, NULL, NULL,                       \
            "the digits were compared with the other person: do not ask", NULL \
    }

static const struct cli_option invite_options[] = {
    {"role", CLI_WORD, 0, "ROLE", "member|moderator",
     "what they shall be (member)", NULL},
    {"valid", CLI_DAYS, 0, "DAYS", NULL, "good for so many days (7)",
     "valid_ms"},
    {"qr", CLI_FLAG, CLI_LOCAL, NULL, NULL, "draw it as a QR code, too", NULL},
    {"list", CLI_FLAG, CLI_LOCAL, NULL, NULL,
     "rather list those that were given", NULL},
    CLI_OPTION_END,
};

static const struct cli_option confirm_options[] = {CODE, YES_COMPARED,
                                                    CLI_OPTION_END};
static const struct cli_option refuse_options[] = {CODE, CLI_OPTION_END};

static const struct cli_option join_options[] = {
    {"invitation", CLI_TEXT, CLI_AT | CLI_REQUIRED, "INVITATION", NULL,
     "the invitation as you got it (entente1-...; - reads it)", NULL},
    {"confirm", CLI_WORD, CLI_LOCAL, "CODE", NULL,
     "the other side's six digits: confirm only if ours are the same", NULL},
    YES_COMPARED,
    {"wait", CLI_SECONDS, CLI_LOCAL, "SECONDS", NULL,
     "how long to look for the other node (120)", NULL},
    {"no-wait", CLI_FLAG, CLI_LOCAL, NULL, NULL,
     "begin, and do not wait for the digits", NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_join[] = {
    {
        .words = "invite",
        .method = "invite",
        .summary = "invite a structure into the circle",
        .help = "Makes an invitation for one structure: a line of text, also "
                "as a QR code, good once and for seven days. Whoever joins "
                "with it becomes a member only after both of you compared six "
                "digits and the members voted.",
        .example = "entente invite --qr",
        .options = invite_options,
        .run = run_invite,
        .show = show_invite,
    },
    {
        .words = "invite list",
        .method = "invite.list",
        .summary = "invitations given, and who is joining",
        .help = "Every invitation with its state, and the codes of those who "
                "are joining right now.",
        .example = "entente invite list",
        .run = run_invite_list,
        .show = show_invitations,
    },
    {
        .words = "invite confirm",
        .method = "invite.confirm",
        .summary = "the six digits are the same on both screens",
        .help = "Confirms somebody who is joining with your invitation. "
                "Compare the six digits with them first, by telephone or face "
                "to face: that is what shows that nobody stands between you.",
        .example = "entente invite confirm 123456",
        .options = confirm_options,
        .run = run_invite_confirm,
        .show = show_confirmed,
    },
    {
        .words = "invite refuse",
        .method = "invite.refuse",
        .summary = "the digits differ, or it is not them",
        .help = "Refuses somebody who is joining with your invitation. The "
                "invitation is used up; give a new one by another way.",
        .example = "entente invite refuse 123456",
        .options = refuse_options,
        .done = "Refused. Nothing was shown to them.",
    },
    {
        .words = "join",
        .method = "join",
        .summary = "join a circle that invited you",
        .help = "Calls the node that invited you, and shows six digits. "
                "Compare them with the person who invited you, by telephone "
                "or face to face. When both said they are the same, and the "
                "members have voted, your structure is a member.",
        .example = "entente join entente1-...",
        .options = join_options,
        .run = run_join,
        .show = show_state,
    },
    {
        .words = "join status",
        .method = "join.status",
        .summary = "how far joining has come",
        .help = "Each circle you are joining, with its six digits and what it "
                "waits for.",
        .example = "entente join status",
        .show = show_joins,
    },
    {
        .words = "join confirm",
        .method = "join.confirm",
        .summary = "the six digits are the same on both screens",
        .help = "Confirms the digits later, if \"entente join\" could not ask "
                "you.",
        .example = "entente join confirm 123456",
        .options = confirm_options,
        .run = run_join_confirm,
        .show = show_confirmed,
    },
    {.words = NULL},
};
