/* Sharing without a network: a file on a stick, or in a mail. */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define LONG_WORK_S 600u

static const char *
text_of(const struct value *v, const char *key)
{
    const char *s = value_get_string(v, key);

    return s != NULL ? s : "";
}

/* The daemon stands in another folder: it gets the whole path. */
static void
make_path_whole(struct cli *cli)
{
    const char *file = cli_word(cli, "file");
    char *here = getcwd(NULL, 0);
    struct ent_buf path = {0};

    if (file != NULL && file[0] != '/' && here != NULL) {
        ent_buf_put_slice(&path, ent_slice_str(here));
        ent_buf_put_u8(&path, '/');
        ent_buf_put_slice(&path, ent_slice_str(file));
        value_set_text(cli->params, "file", ent_buf_slice(&path));
    }
    ent_buf_release(&path);
    free(here);
}

static enum ent_exit
run_bundle(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit;

    make_path_whole(cli);
    exit = cli_call(cli, cli->command->method, cli->params, &result);
    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
    }
    value_free(result);
    return exit;
}

static void
show_make(struct cli *cli, const struct value *result)
{
    const struct value *to = value_get(result, "to");
    size_t i;

    out_text(&cli->out, OUT_GOOD, "%s", text_of(result, "file"));
    out_text(
        &cli->out, OUT_PLAIN, ": %" PRId64 " entries, %" PRId64 " bytes, for ",
        value_get_int(result, "entries", 0), value_get_int(result, "bytes", 0));
    for (i = 0; i < value_count(to); i++) {
        out_text(&cli->out, OUT_PLAIN, "%s%s", i > 0 ? ", " : "",
                 value_string_of(value_at(to, i)));
    }
    out_text(&cli->out, OUT_PLAIN, "\n");
    out_text(&cli->out, OUT_DIM,
             "There it is read with `entente bundle read`. Everybody else sees "
             "only its size.\n");
}

/* What to do next, by the state that the daemon gives. */
static const char *
advice(const char *state)
{
    if (strcmp(state, "cut") == 0) {
        return "The file is cut: what was whole in it is here now. Copy it "
               "again, or ask for a new one; the rest comes with that.";
    }
    if (strcmp(state, "repeated") == 0) {
        return "It was read before: there is nothing new in it.";
    }
    if (strcmp(state, "gap") == 0) {
        return "It begins after what this node has of its sender. Make a "
               "bundle for the sender and carry it there: the next one from "
               "there begins where this node is.";
    }
    if (strcmp(state, "waiting") == 0) {
        return "Some of it waits for what others wrote before and is not here "
               "yet: it comes with their bundles, or with the sender's next.";
    }
    return "To tell the sender that it came, carry a bundle back.";
}

static void
show_read(struct cli *cli, const struct value *result)
{
    const char *state = text_of(result, "state");
    bool is_good =
        strcmp(state, "complete") == 0 || strcmp(state, "repeated") == 0;
    char when[OUT_TIME_MAX];

    out_text(&cli->out, is_good ? OUT_GOOD : OUT_WARN, "%s", state);
    out_text(&cli->out, OUT_PLAIN, ": from %s, made %s; %" PRId64 " new",
             text_of(result, "sender_name"),
             out_time(value_get_int(result, "made_at", 0), 0, when),
             value_get_int(result, "entries", 0));
    out_text(&cli->out, OUT_PLAIN,
             ", %" PRId64 " waiting, %" PRId64 " refused\n",
             value_get_int(result, "waiting", 0),
             value_get_int(result, "refused", 0));
    if (value_get_bool(result, "proved", false)) {
        out_text(&cli->out, OUT_GOOD,
                 "Proved: both nodes held the same when it was made.\n");
    } else {
        out_text(&cli->out, OUT_DIM, "%s\n", advice(state));
    }
    if (value_get_bool(result, "put_back", false)) {
        out_text(&cli->out, OUT_WARN,
                 "The sender has more of this node than the node itself: its "
                 "store is an older copy, and goes on as a new one.\n");
    }
}

static const struct cli_option make_options[] = {
    {"file", CLI_WORD, CLI_AT | CLI_REQUIRED, "FILE", NULL,
     "where to write it; a file that is there is replaced", NULL},
    {"to", CLI_LIST, 0, "STRUCTURES", NULL,
     "for these, with commas between; may be given again", NULL},
    {"all", CLI_FLAG, 0, NULL, NULL, "for everybody in the circle", NULL},
    CLI_OPTION_END,
};

static const struct cli_option read_options[] = {
    {"file", CLI_WORD, CLI_AT | CLI_REQUIRED, "FILE", NULL,
     "the file that another node made", NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_bundle[] = {
    {
        .words = "bundle make",
        .method = "bundle.make",
        .summary = "write what others do not have yet to a file",
        .help = "For a stick or a mail, where there is no network. It holds "
                "everything that the receivers have not acknowledged, sealed "
                "to them, and says how far this node has theirs. Each "
                "receiver finds only what it may see anyway.",
        .example = "entente bundle make /media/stick/nord.entente --to "
                   "\"CSAPA Nord\"",
        .options = make_options,
        .silence_s = LONG_WORK_S,
        .run = run_bundle,
        .show = show_make,
    },
    {
        .words = "bundle read",
        .method = "bundle.read",
        .summary = "take in a file that another node made",
        .help = "Everything in it is checked as if it came over the network. "
                "Reading it twice, or several in any order, does no harm, and "
                "of a file that is cut everything before the cut counts.",
        .example = "entente bundle read /media/stick/nord.entente",
        .options = read_options,
        .silence_s = LONG_WORK_S,
        .run = run_bundle,
        .show = show_read,
    },
    {.words = NULL},
};
