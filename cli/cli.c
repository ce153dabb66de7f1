/*
 * The program: parse, run, tell. Every error, ours or the daemon's, is told in
 * one place: what was refused, by which rule, what to do next.
 */
#include "cli.h"

#include "args.h"
#include "client.h"
#include "commands.h"
#include "help.h"
#include "progress.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define SILENCE_S 30u

struct value *
cli_error(const char *code, enum ent_exit exit, const char *hint,
          const char *format, ...)
{
    struct value *error = value_object();
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    ENT_ASSERT(len >= 0);
    value_set_string(error, "code", code);
    value_set_int(error, "exit", (int64_t)exit);
    value_set_string(error, "text", text);
    value_set_string(error, "hint", hint);
    free(text);
    return error;
}

static void
print_json(struct cli *cli, const struct value *v)
{
    char *text = value_to_json(v, true, false);

    fprintf(cli->out.main, "%s\n", text);
    free(text);
}

/* A text that came from standard input would be lost with this process. */
static void
give_back(struct cli *cli)
{
    if (cli->typed.len == 0) {
        return;
    }
    out_error(&cli->out, OUT_BOLD,
              "Your text was not saved. Here it is, to try again:\n");
    out_error(&cli->out, OUT_PLAIN, "%.*s\n", (int)cli->typed.len,
              (const char *)cli->typed.p);
    ent_buf_clear(&cli->typed);
}

static enum ent_exit
exit_of(const struct value *error)
{
    int64_t v = value_get_int(error, "exit", ENT_EXIT_REFUSED);

    return v > ENT_EXIT_DONE && v <= ENT_EXIT_STORE ? (enum ent_exit)v
                                                    : ENT_EXIT_REFUSED;
}

static void
tell(struct cli *cli, const struct value *error, enum ent_exit exit)
{
    const char *text = value_get_string(error, "text");
    const char *hint = value_get_string(error, "hint");
    const char *code = value_get_string(error, "code");
    const char *example = value_get_string(error, "example");

    out_error(&cli->out, OUT_BOLD,
              "%s: ", exit == ENT_EXIT_REFUSED ? "Not done" : "entente");
    out_error(&cli->out, OUT_PLAIN, "%s\n",
              text != NULL ? text : "it could not be done");
    if (exit == ENT_EXIT_REFUSED && code != NULL) {
        out_error(&cli->out, OUT_PLAIN, "Rule: %s\n", code);
    }
    if (hint != NULL && hint[0] != '\0') {
        out_error(&cli->out, OUT_PLAIN, "%s%s\n",
                  exit == ENT_EXIT_USAGE ? "" : "What to do: ", hint);
    }
    if (example != NULL) {
        out_error(&cli->out, OUT_PLAIN, "Example: %s\n", example);
    }
}

enum ent_exit
cli_fail(struct cli *cli, struct value *error)
{
    enum ent_exit exit = exit_of(error);
    struct value *outer;

    if (cli->is_json) {
        outer = value_object();
        value_set(outer, "error", error);
        print_json(cli, outer);
        value_free(outer);
    } else {
        tell(cli, error, exit);
        value_free(error);
    }
    give_back(cli);
    return exit;
}

static void
on_progress(void *arg, const struct value *params)
{
    progress_show(arg, params);
}

static struct value *
no_daemon(const struct cli *cli)
{
    if (access(cli->folder, F_OK) != 0) {
        return cli_error("no-node", ENT_EXIT_NO_DAEMON,
                         "Make one: entente init --structure NAME --sector "
                         "SECTOR (or name its folder with --node)",
                         "there is no node in %s", cli->folder);
    }
    return cli_error("no-daemon", ENT_EXIT_NO_DAEMON, "Start it: entente up",
                     "the node in %s is not running", cli->folder);
}

enum ent_exit
cli_call(struct cli *cli, const char *method, struct value *params,
         struct value **ret_result)
{
    struct client *client = client_open(cli->folder);
    struct progress progress = {.out = &cli->out};
    struct client_watcher watcher = {.on_progress = on_progress,
                                     .arg = &progress};
    unsigned silence_s = cli->command != NULL ? cli->command->silence_s : 0;
    struct value *error;

    if (client == NULL) {
        return cli_fail(cli, no_daemon(cli));
    }
    if (silence_s == 0) {
        silence_s = SILENCE_S;
    }
    /* Whoever asks for a longer wait gets it. */
    silence_s += (unsigned)(value_get_int(params, "wait_ms", 0) / 1000);
    value_set_string(params, "lang", cli->lang);
    error = client_call(client, method, params, (int)silence_s * 1000,
                        cli->is_json ? NULL : &watcher, ret_result);
    progress_clear(&progress);
    client_close(client);
    return error != NULL ? cli_fail(cli, error) : ENT_EXIT_DONE;
}

void
cli_show(struct cli *cli, const struct value *result)
{
    const struct cli_command *c = cli->command;

    if (cli->is_json) {
        print_json(cli, result);
        return;
    }
    if (c->show != NULL) {
        c->show(cli, result);
    }
    if (c->done != NULL) {
        out_talk(&cli->out, "%s\n", c->done);
    }
}

const char *
cli_word(const struct cli *cli, const char *name)
{
    return value_get_string(cli->given, name);
}

bool
cli_flag(const struct cli *cli, const char *name)
{
    return value_get_bool(cli->given, name, false);
}

bool
cli_is_interactive(const struct cli *cli)
{
    int fd = fileno(cli->in);

    return !cli->is_json && fd >= 0 && isatty(fd) == 1;
}

static enum ent_exit
run_command(struct cli *cli)
{
    struct value *result = NULL;
    enum ent_exit exit;

    if (cli->command->run != NULL) {
        return cli->command->run(cli);
    }
    exit = cli_call(cli, cli->command->method, cli->params, &result);
    if (exit == ENT_EXIT_DONE) {
        cli_show(cli, result);
        value_free(result);
    }
    return exit;
}

static enum ent_exit
dispatch(struct cli *cli)
{
    if (cli->wants_version) {
        help_version(cli);
        return ENT_EXIT_DONE;
    }
    if (cli->command != NULL && cli->wants_help) {
        help_command(cli, cli->command);
        return ENT_EXIT_DONE;
    }
    if (cli->command == NULL) {
        help_all(cli);
        return ENT_EXIT_DONE;
    }
    return run_command(cli);
}

int
cli_main(int argc, char **argv, FILE *in, FILE *main_stream, FILE *talk_stream)
{
    struct cli cli = {.program = argc > 0 ? argv[0] : "entente", .in = in};
    struct value *error;
    enum ent_exit exit;

    out_init(&cli.out, main_stream, talk_stream);
    error = args_parse(&cli, argc, argv);
    exit = error != NULL ? cli_fail(&cli, error) : dispatch(&cli);
    fflush(cli.out.main);
    value_free(cli.given);
    value_free(cli.params);
    ent_buf_release(&cli.typed);
    free(cli.folder);
    return (int)exit;
}
