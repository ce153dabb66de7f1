/* Help about the command line itself. */
#include "commands.h"
#include "help.h"

/* All words of the question as one: "situation offer". */
static void
join_words(const struct value *list, char ret[80])
{
    size_t len = 0;
    size_t i;

    ret[0] = '\0';
    for (i = 0; i < value_count(list) && len < 79; i++) {
        const char *word = value_string_of(value_at(list, i));

        len += (size_t)snprintf(ret + len, 80 - len, "%s%s", i > 0 ? " " : "",
                                i == 0 ? commands_unalias(word) : word);
    }
}

static enum ent_exit
run_help(struct cli *cli)
{
    const struct cli_command *c;
    char words[80];

    join_words(value_get(cli->given, "command"), words);
    if (words[0] == '\0') {
        help_all(cli);
        return ENT_EXIT_DONE;
    }
    c = commands_find(words);
    if (c != NULL) {
        help_command(cli, c);
        return ENT_EXIT_DONE;
    }
    if (help_noun(cli, words)) {
        return ENT_EXIT_DONE;
    }
    return cli_fail(cli, cli_error("usage", ENT_EXIT_USAGE,
                                   "All commands: entente help",
                                   "there is no command \"%s\"", words));
}

static enum ent_exit
run_version(struct cli *cli)
{
    help_version(cli);
    return ENT_EXIT_DONE;
}

static enum ent_exit
run_completion(struct cli *cli)
{
    struct ent_buf script = {0};
    bool is_known = completion_script(cli_word(cli, "shell"), &script);

    ENT_ASSERT(is_known && !script.failed); /* a choice of the option */
    fwrite(script.p, 1, script.len, cli->out.main);
    ent_buf_release(&script);
    return ENT_EXIT_DONE;
}

static const struct cli_option help_options[] = {
    {"command", CLI_LIST, CLI_LOCAL | CLI_AT | CLI_REST, "COMMAND", NULL,
     "the command to explain", NULL},
    CLI_OPTION_END,
};

static const struct cli_option completion_options[] = {
    {"shell", CLI_WORD, CLI_LOCAL | CLI_AT | CLI_REQUIRED, "SHELL",
     "bash|zsh|fish", "which shell", NULL},
    CLI_OPTION_END,
};

const struct cli_command cmd_help[] = {
    {
        .words = "help",
        .summary = "explain a command",
        .help = "Without a word, all commands. With one, what it is for, its "
                "options, and an example.",
        .example = "entente help situation offer",
        .options = help_options,
        .run = run_help,
    },
    {
        .words = "version",
        .summary = "the version of this program",
        .help = "Prints the version of the command line. The node's own is in "
                "its status.",
        .example = "entente version",
        .run = run_version,
    },
    {
        .words = "completion",
        .summary = "a script that completes words in your shell",
        .help = "Prints the completion script for a shell. Packages install "
                "it; for one shell only, source it.",
        .example = "source <(entente completion bash)",
        .options = completion_options,
        .run = run_completion,
    },
    {.words = NULL},
};
