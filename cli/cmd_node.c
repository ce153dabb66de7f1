/*
 * Is my work safe and shared? status, peers, sync, watch.
 */
#include "commands.h"
#include "table.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#define WATCH_MS 2000

static const char *
text_or(const struct value *v, const char *key, const char *fallback)
{
    const char *s = value_get_string(v, key);

    return s != NULL && s[0] != '\0' ? s : fallback;
}

static void
print_node(struct cli *cli, const struct value *node)
{
    const struct value *listen = value_get(node, "listen");
    const char *note = value_get_string(node, "incarnation_note");
    size_t i;

    out_text(&cli->out, OUT_BOLD, "This node");
    out_text(&cli->out, OUT_PLAIN, "  %s (%s), %s",
             text_or(node, "structure", "?"), text_or(node, "sector", "?"),
             text_or(node, "state", "?"));
    for (i = 0; i < value_count(listen); i++) {
        out_text(&cli->out, OUT_PLAIN, "%s%s", i == 0 ? ", listens on " : ", ",
                 value_string_of(value_at(listen, i)));
    }
    out_text(&cli->out, OUT_PLAIN, "\n           entente %s, folder %s\n",
             text_or(node, "version", "?"), text_or(node, "folder", "?"));
    if (note != NULL) {
        out_text(&cli->out, OUT_WARN, "           %s\n", note);
    }
}

static void
add_proof(struct table *t, const struct value *peer, int64_t now_ms)
{
    char when[OUT_TIME_MAX];

    out_time(value_get_int(peer, "proved_equal_at", 0), now_ms, when);
    if (value_get_bool(peer, "proved", false)) {
        table_add(t, OUT_GOOD, "equal now");
    } else {
        table_add(t, OUT_PLAIN, "%s", when);
    }
}

static void
add_peer(struct table *t, const struct value *peer, int64_t now_ms)
{
    bool is_connected = value_get_bool(peer, "connected", false);
    char when[OUT_TIME_MAX];

    table_add(t, OUT_PLAIN, "%s",
              text_or(peer, "name", "(name not known yet)"));
    table_add(t, OUT_PLAIN, "%s", text_or(peer, "role", ""));
    table_add(
        t, OUT_PLAIN, "%s",
        out_time(value_get_int(peer, "last_exchange_at", 0), now_ms, when));
    add_proof(t, peer, now_ms);
    table_add(t, OUT_PLAIN, "%" PRId64, value_get_int(peer, "waiting_out", 0));
    table_add(t, OUT_PLAIN, "%" PRId64, value_get_int(peer, "waiting_in", 0));
    table_add(t, OUT_DIM, "%s",
              text_or(peer, "reason_text", is_connected ? "connected" : ""));
}

static void
print_peers(struct cli *cli, const struct value *peers, int64_t now_ms)
{
    static const char *const headings[] = {
        "Structure", "Role",    "Last exchange", "Proved equal",
        "To send",   "To come", "Why",
    };
    struct table t;
    size_t i;

    table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (i = 0; i < value_count(peers); i++) {
        add_peer(&t, value_at(peers, i), now_ms);
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

static void
print_holders(struct cli *cli, const struct value *result)
{
    static const char *const headings[] = {"Structure", "Role",  "Has it",
                                           "Behind",    "Since", "Why"};
    const struct value *situation = value_get(result, "situation");
    const struct value *holders = value_get(result, "holders");
    int64_t now_ms = value_get_int(value_get(result, "node"), "clock_at", 0);
    char when[OUT_TIME_MAX];
    struct table t;
    size_t i;

    out_text(&cli->out, OUT_BOLD, "%s", text_or(situation, "code", ""));
    out_text(&cli->out, OUT_PLAIN, "  %s\n\n", text_or(situation, "title", ""));
    table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (i = 0; i < value_count(holders); i++) {
        const struct value *h = value_at(holders, i);
        int64_t since_at = value_get_int(h, "since_at", 0);

        table_add(&t, OUT_PLAIN, "%s", text_or(h, "name", "?"));
        table_add(&t, OUT_PLAIN, "%s", text_or(h, "role", ""));
        table_add(&t, OUT_PLAIN, "%s", text_or(h, "state", "unknown"));
        table_add(&t, OUT_PLAIN, "%" PRId64, value_get_int(h, "behind", 0));
        table_add(&t, OUT_PLAIN, "%s",
                  since_at > 0 ? out_time(since_at, now_ms, when) : "");
        table_add(&t, OUT_DIM, "%s",
                  text_or(h, "reason_text", text_or(h, "reason", "")));
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

static void
show_status(struct cli *cli, const struct value *result)
{
    const struct value *node = value_get(result, "node");
    const struct value *notes = value_get(result, "notes");
    const struct value *peers = value_get(result, "peers");
    const char *sentence =
        text_or(value_get(result, "summary"), "sentence", NULL);
    size_t i;

    if (value_has(result, "holders")) {
        print_holders(cli, result);
        return;
    }
    if (sentence != NULL) {
        out_text(&cli->out, OUT_BOLD, "%s\n\n", sentence);
    }
    print_node(cli, node);
    for (i = 0; i < value_count(notes); i++) {
        out_text(&cli->out, OUT_WARN, "Note       %s\n",
                 value_string_of(value_at(notes, i)));
    }
    out_text(&cli->out, OUT_PLAIN, "\n");
    if (value_count(peers) > 0) {
        print_peers(cli, peers, value_get_int(node, "clock_at", 0));
    } else {
        out_text(&cli->out, OUT_PLAIN,
                 "No other structure yet: what you write is safe here, and "
                 "only here.\n");
    }
}

static void
add_link(struct table *t, const struct value *peer)
{
    const struct value *addresses = value_get(peer, "addresses");
    const char *direction = text_or(peer, "direction", "");

    table_add(t, OUT_PLAIN, "%s", text_or(peer, "name", "?"));
    table_add(t, OUT_PLAIN, "%s", text_or(peer, "role", ""));
    table_add(t, OUT_PLAIN, "%s%s%s", text_or(peer, "state", "?"),
              direction[0] != '\0' ? ", " : "", direction);
    table_add(t, OUT_PLAIN, "%s%s",
              value_count(addresses) > 0
                  ? value_string_of(value_at(addresses, 0))
                  : "none known",
              value_count(addresses) > 1 ? " (and others)" : "");
    if (value_has(peer, "rtt_ms")) {
        table_add(t, OUT_PLAIN, "%" PRId64 " ms",
                  value_get_int(peer, "rtt_ms", 0));
    } else {
        table_add(t, OUT_PLAIN, "%s", "");
    }
    table_add(t, OUT_PLAIN, "%" PRId64, value_get_int(peer, "bytes_in", 0));
    table_add(t, OUT_PLAIN, "%" PRId64, value_get_int(peer, "bytes_out", 0));
}

static void
show_peers(struct cli *cli, const struct value *result)
{
    static const char *const headings[] = {"Structure", "Role",  "Link",
                                           "Address",   "Delay", "Bytes in",
                                           "Bytes out"};
    const struct value *peers = value_get(result, "peers");
    struct table t;
    size_t i;

    if (value_count(peers) == 0) {
        out_text(&cli->out, OUT_PLAIN, "No other structure is known yet.\n");
        return;
    }
    table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (i = 0; i < value_count(peers); i++) {
        add_link(&t, value_at(peers, i));
    }
    table_print(&t, &cli->out);
    table_release(&t);
}

static void
show_sync(struct cli *cli, const struct value *result)
{
    const struct value *peers = value_get(result, "peers");
    size_t i;

    for (i = 0; i < value_count(peers); i++) {
        const struct value *p = value_at(peers, i);
        bool is_proved = value_get_bool(p, "proved", false);

        out_text(&cli->out, OUT_PLAIN, "%s: ", text_or(p, "name", "?"));
        out_text(&cli->out, is_proved ? OUT_GOOD : OUT_PLAIN, "%s\n",
                 is_proved ? "equal, proved just now"
                           : text_or(p, "reason_text",
                                     text_or(p, "reason", "not yet equal")));
    }
    if (value_count(peers) == 0) {
        out_text(&cli->out, OUT_PLAIN, "No other structure is known yet.\n");
    }
}

/* Status again and again, on a cleared screen; a failure ends it. */
static enum ent_exit
run_watch(struct cli *cli)
{
    int64_t every_ms = value_get_int(cli->given, "every", WATCH_MS);
    int64_t left = value_get_int(cli->given, "times", INT32_MAX);
    enum ent_exit exit = ENT_EXIT_DONE;

    if (every_ms < 1) {
        every_ms = 1;
    }
    while (left-- > 0) {
        struct value *result = NULL;

        exit = cli_call(cli, "status", cli->params, &result);
        if (exit != ENT_EXIT_DONE) {
            return exit;
        }
        if (cli->out.has_main_color) {
            fputs("\033[H\033[2J", cli->out.main);
        }
        cli_show(cli, result);
        fflush(cli->out.main);
        value_free(result);
        if (left > 0) {
            (void)poll(NULL, 0, (int)every_ms);
        }
    }
    return exit;
}

static void
show_address(struct cli *cli, const struct value *result)
{
    out_text(&cli->out, OUT_PLAIN, "%s\n",
             text_or(result, "address", "no address yet"));
}

static const struct cli_option status_options[] = {
    {"situation", CLI_WORD, CLI_AT, "SITUATION", NULL,
     "who has what of this one: a code such as S01, or the start of its id",
     NULL},
    CLI_OPTION_END,
};

static const struct cli_option watch_options[] = {
    {"every", CLI_SECONDS, CLI_LOCAL, "SECONDS", NULL, "how often to look (2)",
     NULL},
    {"times", CLI_INT, CLI_LOCAL, "N", NULL, "look so often, then end", NULL},
    {"situation", CLI_WORD, CLI_AT, "SITUATION", NULL, "watch this one", NULL},
    CLI_OPTION_END,
};

static const struct cli_option own_address_options[] = {
    {"address", CLI_WORD, CLI_AT, "HOST:PORT", NULL,
     "where the others reach this node", NULL},
    CLI_OPTION_END,
};

static const struct cli_option address_options[] = {
    {"structure", CLI_WORD, CLI_AT | CLI_REQUIRED, "STRUCTURE", NULL,
     "its name, or the start of its id", NULL},
    {"address", CLI_WORD, CLI_AT | CLI_REQUIRED, "HOST:PORT", NULL,
     "where it is reached", NULL},
    CLI_OPTION_END,
};

static const struct cli_option sync_options[] = {
    {"peer", CLI_WORD, CLI_AT, "STRUCTURE", NULL,
     "only this one (all, if not said)", NULL},
    {"wait", CLI_SECONDS, 0, "SECONDS", NULL,
     "how long to wait until it is proved", "wait_ms"},
    CLI_OPTION_END,
};

const struct cli_command cmd_node[] = {
    {
        .words = "status",
        .method = "status",
        .summary = "is my work safe and shared?",
        .help = "One page: this node, and for each structure when you last "
                "exchanged, when both were last proved to hold the same, what "
                "waits each way, and the reason when something waits. With a "
                "situation: who has all of it. A structure that is away is "
                "nothing to worry about; what you wrote goes to it when it "
                "comes back.",
        .example = "entente status S01",
        .options = status_options,
        .show = show_status,
    },
    {
        .words = "watch",
        .method = "status",
        .summary = "status, again and again",
        .help = "Shows the status and keeps it fresh, until Ctrl-C.",
        .example = "entente watch",
        .options = watch_options,
        .run = run_watch,
        .show = show_status,
    },
    {
        .words = "peers",
        .method = "peers",
        .summary = "the other structures' nodes and their links",
        .help = "Addresses, the state of each link, and how much went over "
                "it.",
        .example = "entente peers",
        .show = show_peers,
    },
    {
        .words = "address",
        .method = "node.address",
        .summary = "show or set where the others reach this node",
        .help = "The address that invitations and our card carry. Set it once "
                "the machine has a fixed name or number, and again when that "
                "changes: the others are told by themselves.",
        .example = "entente address practice.example:7447",
        .options = own_address_options,
        .show = show_address,
    },
    {
        .words = "peers add",
        .method = "peers.add",
        .summary = "tell this node an address of another",
        .help = "Structures tell each other their addresses. Where that does "
                "not help (a new network, a name that does not resolve), add "
                "one by hand. It is used on this node only.",
        .example = "entente peers add \"Hopital Sud\" 10.0.0.7:7447",
        .options = address_options,
        .done = "Noted. It is tried at the next call.",
    },
    {
        .words = "peers remove",
        .method = "peers.remove",
        .summary = "forget such an address",
        .help = "Takes back an address that was added by hand. The structure "
                "stays a member; only this way to it goes.",
        .example = "entente peers remove \"Hopital Sud\" 10.0.0.7:7447",
        .options = address_options,
        .done = "Forgotten.",
    },
    {
        .words = "sync",
        .method = "sync",
        .summary = "exchange now, and wait until it is proved",
        .help = "Structures exchange by themselves whenever they can see each "
                "other. This calls them now, and waits until both sides are "
                "proved to hold the same, or says why not.",
        .example = "entente sync \"Hopital Sud\" --wait 20",
        .options = sync_options,
        .silence_s = 120,
        .show = show_sync,
    },
    {.words = NULL},
};
