/*
 * A node's life: init, up, run, stop. These need no answer from a daemon to
 * begin with.
 */
#include "client.h"
#include "commands.h"
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 50
#define UP_TRIES (60 * 1000 / POLL_MS)
#define STOP_TRIES (60 * 1000 / POLL_MS)
#define TAIL_BYTES 2000

/* mkdir -p of the folders above the node's own, which the daemon makes. */
static void
make_parents(const char *folder)
{
    char *path = strdup(folder);
    char *slash;

    ENT_ASSERT(path != NULL);
    for (slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* the daemon reports what matters */
        *slash = '/';
    }
    free(path);
}

static struct value *
init_result(const struct cli *cli)
{
    struct value *v = value_object();

    value_set_string(v, "folder", cli->folder);
    value_set_string(v, "structure", cli_word(cli, "structure"));
    value_set_string(v, "sector", cli_word(cli, "sector"));
    return v;
}

/* The daemon has said why it failed; JSON wants it on stdout, too. */
static enum ent_exit
init_failed(struct cli *cli, int code)
{
    enum ent_exit exit = code > 0 && code <= ENT_EXIT_STORE
                             ? (enum ent_exit)code
                             : ENT_EXIT_STORE;

    if (cli->is_json) {
        cli_fail(cli, cli_error("init-failed", exit, NULL,
                                "the node was not made; entented says why on "
                                "standard error"));
    }
    return exit;
}

static enum ent_exit
run_init(struct cli *cli)
{
    struct daemon d;
    struct value *error;
    struct value *result;
    int code;

    daemon_init(&d, cli, "init");
    daemon_option(&d, "--structure", cli_word(cli, "structure"));
    daemon_option(&d, "--sector", cli_word(cli, "sector"));
    daemon_option(&d, "--listen", cli_word(cli, "listen"));
    daemon_option(&d, "--advertise", cli_word(cli, "advertise"));
    daemon_option(&d, "--languages", cli_word(cli, "languages"));
    error = daemon_way_in(&d, true);
    if (error != NULL) {
        daemon_release(&d);
        return cli_fail(cli, error);
    }
    make_parents(cli->folder);
    code = daemon_run(&d);
    daemon_release(&d);
    if (code != ENT_EXIT_DONE) {
        return init_failed(cli, code);
    }
    error = daemon_remember_key_file(cli);
    if (error != NULL) {
        return cli_fail(cli, error);
    }
    result = init_result(cli);
    cli_show(cli, result);
    value_free(result);
    return ENT_EXIT_DONE;
}

static void
show_init(struct cli *cli, const struct value *result)
{
    out_text(&cli->out, OUT_BOLD, "%s has a node.\n",
             value_get_string(result, "structure"));
    out_text(&cli->out, OUT_PLAIN, "Everything it knows stays in %s\n",
             value_get_string(result, "folder"));
}

/* What the node says of itself, or NULL: nobody answers yet. */
static struct value *
ask_info(const struct cli *cli)
{
    struct client *client = client_open(cli->folder);
    struct value *params = value_object();
    struct value *info = NULL;
    struct value *error;

    if (client != NULL) {
        value_set_string(params, "lang", cli->lang);
        error = client_call(client, "node.info", params, 10000, NULL, &info);
        value_free(error);
    }
    value_free(params);
    client_close(client);
    return info;
}

static off_t
log_end(const char *log_path)
{
    struct stat st;

    return stat(log_path, &st) == 0 ? st.st_size : 0;
}

/* What the daemon wrote before it gave up. */
static void
show_log_since(struct cli *cli, const char *log_path, off_t start)
{
    char text[TAIL_BYTES + 1];
    int fd = open(log_path, O_RDONLY | O_CLOEXEC);
    off_t end = log_end(log_path);
    ssize_t n = 0;

    if (fd < 0) {
        return;
    }
    if (end - start > TAIL_BYTES) {
        start = end - TAIL_BYTES;
    }
    n = pread(fd, text, TAIL_BYTES, start);
    close(fd);
    if (n > 0) {
        text[n] = '\0';
        out_error(&cli->out, OUT_PLAIN, "%s", text);
    }
}

/* Waits until it answers. NULL: it ended instead, with `*ret_code`, or is not
 * ready in time (-1). */
static struct value *
wait_until_up(const struct cli *cli, pid_t pid, int *ret_code)
{
    struct value *info = NULL;
    int status;
    int i;

    *ret_code = -1;
    for (i = 0; i < UP_TRIES && info == NULL; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            *ret_code =
                WIFEXITED(status) ? WEXITSTATUS(status) : ENT_EXIT_STORE;
            return NULL;
        }
        (void)poll(NULL, 0, POLL_MS);
        info = ask_info(cli);
    }
    return info;
}

static struct value *
not_up(const char *log_path, int code)
{
    if (code < 0) {
        return cli_error("slow-start", ENT_EXIT_NO_DAEMON,
                         "It may need longer; try: entente status",
                         "the daemon does not answer yet (its log: %s)",
                         log_path);
    }
    return cli_error("not-started",
                     code > 0 && code <= ENT_EXIT_STORE ? (enum ent_exit)code
                                                        : ENT_EXIT_STORE,
                     "Its words are above, and in its log.",
                     "the daemon did not start (its log: %s)", log_path);
}

static enum ent_exit
start_detached(struct cli *cli, struct daemon *d)
{
    char *log_path = NULL;
    int len = asprintf(&log_path, "%s/entented.log", cli->folder);
    off_t log_start;
    struct value *info = NULL;
    enum ent_exit exit = ENT_EXIT_DONE;
    int code = ENT_EXIT_STORE;
    pid_t pid;

    ENT_ASSERT(len >= 0);
    log_start = log_end(log_path);
    pid = daemon_detach(d, log_path);
    if (pid > 0) {
        info = wait_until_up(cli, pid, &code);
    }
    if (info != NULL) {
        cli_show(cli, info);
        value_free(info);
    } else {
        show_log_since(cli, log_path, log_start);
        exit = cli_fail(cli, not_up(log_path, code));
    }
    free(log_path);
    return exit;
}

static struct value *
check_is_node(const struct cli *cli)
{
    if (access(cli->folder, F_OK) == 0) {
        return NULL;
    }
    return cli_error("no-node", ENT_EXIT_NOT_FOUND,
                     "Make one: entente init --structure NAME --sector "
                     "SECTOR (or name its folder with --node)",
                     "there is no node in %s", cli->folder);
}

static struct value *
prepare_run(struct cli *cli, struct daemon *d)
{
    struct value *error = check_is_node(cli);

    daemon_init(d, cli, "run");
    daemon_option(d, "--listen", cli_word(cli, "listen"));
    daemon_option(d, "--log-level", cli_word(cli, "log-level"));
    if (error == NULL) {
        error = daemon_way_in(d, false);
    }
    daemon_words(d, value_get(cli->given, "options"));
    return error;
}

static enum ent_exit
run_up(struct cli *cli)
{
    struct value *info = ask_info(cli);
    struct value *error;
    enum ent_exit exit;
    struct daemon d;

    if (info != NULL) {
        out_talk(&cli->out, "It was running already.\n");
        cli_show(cli, info);
        value_free(info);
        return ENT_EXIT_DONE;
    }
    error = prepare_run(cli, &d);
    exit = error != NULL ? cli_fail(cli, error) : start_detached(cli, &d);
    daemon_release(&d);
    return exit;
}

static void
show_up(struct cli *cli, const struct value *info)
{
    const struct value *listen = value_get(info, "listen");
    const char *note = value_get_string(info, "incarnation_note");
    const char *name = value_get_string(info, "structure");
    size_t i;

    out_text(&cli->out, OUT_BOLD, "%s is up.\n", name != NULL ? name : "Node");
    for (i = 0; i < value_count(listen); i++) {
        out_text(&cli->out, OUT_PLAIN, "Other structures reach it at %s\n",
                 value_string_of(value_at(listen, i)));
    }
    if (note != NULL) {
        out_text(&cli->out, OUT_WARN, "%s\n", note);
    }
}

static enum ent_exit
run_run(struct cli *cli)
{
    struct daemon d;
    struct value *error = prepare_run(cli, &d);

    if (error == NULL) {
        error = daemon_become(&d);
    }
    daemon_release(&d);
    return cli_fail(cli, error);
}

/* After its answer the daemon still writes and locks up its store. */
static bool
wait_until_gone(const struct cli *cli, pid_t pid)
{
    int i;

    for (i = 0; i < STOP_TRIES; i++) {
        struct client *c;

        if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) {
            return true;
        }
        c = pid > 0 ? NULL : client_open(cli->folder);
        if (pid <= 0 && c == NULL) {
            return true;
        }
        client_close(c);
        (void)poll(NULL, 0, POLL_MS);
    }
    return false;
}

static enum ent_exit
run_stop(struct cli *cli)
{
    struct client *client = client_open(cli->folder);
    pid_t pid = client != NULL ? client_peer(client) : 0;
    struct value *result = NULL;
    enum ent_exit exit;

    client_close(client);
    exit = cli_call(cli, "node.stop", cli->params, &result);
    if (exit != ENT_EXIT_DONE) {
        return exit;
    }
    if (!wait_until_gone(cli, pid)) {
        value_free(result);
        return cli_fail(cli, cli_error("slow-stop", ENT_EXIT_STORE,
                                       "It may still be writing; look again in "
                                       "a minute.",
                                       "the daemon has not ended yet"));
    }
    cli_show(cli, result);
    value_free(result);
    return ENT_EXIT_DONE;
}

#define KEY_FILE                                                               \
    {                                                                          \
        "key-file", CLI_WORD, CLI_LOCAL, "PATH", NULL,                         \
            "a file that opens the store, in place of a passphrase", NULL      \
    }
#define PASSPHRASE_FD                                                          \
    {                                                                          \
        "passphrase-fd", CLI_INT, CLI_LOCAL, "N", NULL,                        \
            "read the passphrase from this file descriptor", NULL              \
    }
#define LISTEN                                                                 \
    {                                                                          \
        "listen", CLI_WORD, CLI_LOCAL, "HOST:PORT", NULL,                      \
            "where other structures reach this node", NULL                     \
    }

static const struct cli_option init_options[] = {
    {"structure", CLI_WORD, CLI_LOCAL | CLI_REQUIRED, "NAME", NULL,
     "what the structure is called", NULL},
    {"sector", CLI_WORD, CLI_LOCAL | CLI_REQUIRED, "SECTOR",
     "private|hospital|community|social|peer|justice|other",
     "its sector (a moderator says other)", NULL},
    LISTEN,
    {"advertise", CLI_WORD, CLI_LOCAL, "HOST:PORT", NULL,
     "the address that others are told, when it is another", NULL},
    KEY_FILE,
    PASSPHRASE_FD,
    {"languages", CLI_WORD, CLI_LOCAL, "LIST", NULL,
     "languages spoken there, with commas between: fr,en", NULL},
    CLI_OPTION_END,
};

static const struct cli_option up_options[] = {
    KEY_FILE,
    PASSPHRASE_FD,
    LISTEN,
    {"log-level", CLI_WORD, CLI_LOCAL, "LEVEL", "error|warn|info|debug",
     "how much the daemon writes to its log", NULL},
    {"options", CLI_LIST, CLI_LOCAL | CLI_AT | CLI_REST, "-- OPTION", NULL,
     "further options, handed to entented as they are", NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_start[] = {
    {
        .words = "init",
        .summary = "make this structure's node",
        .help = "Makes the keys and the encrypted store of one structure, in "
                "one folder. Nothing leaves this computer, and no account is "
                "needed. Keep the passphrase (or the key file) somewhere "
                "safe: without it nobody can open the store, nobody at all.",
        .example = "entente init --structure \"CSAPA Nord\" --sector community",
        .options = init_options,
        .run = run_init,
        .show = show_init,
        .done = "Next: entente up",
    },
    {
        .words = "up",
        .summary = "start the node in the background",
        .help = "Starts the daemon and returns when it answers. It goes on "
                "when you log out. Where it listens is printed; its log is "
                "entented.log in the node's folder.",
        .example = "entente up",
        .options = up_options,
        .run = run_up,
        .show = show_up,
    },
    {
        .words = "run",
        .summary = "run the node in the foreground",
        .help = "Runs the daemon in this terminal until Ctrl-C, with its log "
                "before you. Services use this, too.",
        .example = "entente run --key-file /etc/entente/key",
        .options = up_options,
        .run = run_run,
    },
    {
        .words = "stop",
        .summary = "stop the node, in order",
        .help = "Asks the daemon to finish what it is writing and to end, and "
                "waits until it has. What you wrote is safe either way.",
        .example = "entente stop",
        .run = run_stop,
        .done = "Stopped. Everything is on disk.",
    },
    {.words = NULL},
};
