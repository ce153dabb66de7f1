/*
 * Completion scripts. cli/completions/ keeps them as they are made here, so
 * that packages need not run the program; a test compares.
 */
#include "args.h"
#include "commands.h"
#include "help.h"

static void
put(struct ent_buf *out, const char *text)
{
    ent_buf_put_slice(out, ent_slice_str(text));
}

static void
each_command(void (*fn)(const struct cli_command *, struct ent_buf *),
             struct ent_buf *out)
{
    const struct command_group *group;
    const struct cli_command *c;

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            fn(c, out);
        }
    }
}

static size_t
noun_len(const struct cli_command *c)
{
    return strcspn(c->words, " ");
}

/* Is it the first command with this noun? */
static bool
is_first_of_noun(const struct cli_command *wanted)
{
    const struct command_group *group;
    const struct cli_command *c;
    size_t len = noun_len(wanted);

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            if (noun_len(c) == len &&
                strncmp(c->words, wanted->words, len) == 0) {
                return c == wanted;
            }
        }
    }
    return true;
}

static void
put_noun(const struct cli_command *c, struct ent_buf *out)
{
    if (is_first_of_noun(c)) {
        ent_buf_put(out, c->words, noun_len(c));
        put(out, " ");
    }
}

static void
put_options(const struct cli_option *o, struct ent_buf *out)
{
    for (; o != NULL && o->name != NULL; o++) {
        if ((o->flags & CLI_AT) == 0) {
            put(out, "--");
            put(out, o->name);
            put(out, " ");
        }
    }
}

/* "yes no" of "yes|no". */
static void
put_choices(const struct cli_option *o, struct ent_buf *out)
{
    const char *c = o->choices != NULL ? o->choices : "yes|no";

    for (; *c != '\0'; c++) {
        ent_buf_put_u8(out, *c == '|' ? ' ' : (uint8_t)*c);
    }
}

/* ---- bash and zsh: a case over the words ---- */

static void
put_verbs(const struct cli_command *noun, struct ent_buf *out)
{
    const struct command_group *group;
    const struct cli_command *c;
    size_t len = noun_len(noun);

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            if (noun_len(c) == len && c->words[len] == ' ' &&
                strncmp(c->words, noun->words, len) == 0) {
                put(out, c->words + len + 1);
                put(out, " ");
            }
        }
    }
}

static void
put_case_of_verbs(const struct cli_command *c, struct ent_buf *out)
{
    struct ent_buf verbs = {0};

    if (!is_first_of_noun(c)) {
        return;
    }
    put_verbs(c, &verbs);
    if (verbs.len > 0) {
        put(out, "    ");
        ent_buf_put(out, c->words, noun_len(c));
        put(out, ") echo '");
        ent_buf_put(out, verbs.p, verbs.len - 1);
        put(out, "' ;;\n");
    }
    ent_buf_release(&verbs);
}

static void
put_case_of_options(const struct cli_command *c, struct ent_buf *out)
{
    struct ent_buf options = {0};

    put_options(c->options, &options);
    if (options.len > 0) {
        put(out, "    '");
        put(out, c->words);
        put(out, "') echo '");
        ent_buf_put(out, options.p, options.len - 1);
        put(out, "' ;;\n");
    }
    ent_buf_release(&options);
}

/* The values of an option's fixed choices, for "COMMAND --option". */
static void
put_case_of_choices(const struct cli_command *c, struct ent_buf *out)
{
    const struct cli_option *o;

    for (o = c->options; o != NULL && o->name != NULL; o++) {
        if ((o->kind != CLI_BOOL && o->choices == NULL) ||
            (o->flags & CLI_AT) != 0) {
            continue;
        }
        put(out, "    '");
        put(out, c->words);
        put(out, " --");
        put(out, o->name);
        put(out, "') echo '");
        put_choices(o, out);
        put(out, "' ;;\n");
    }
}

static void
put_tables(struct ent_buf *out)
{
    put(out, "_entente_nouns='");
    each_command(put_noun, out);
    put(out, "case'\n"
             "_entente_globals='");
    put_options(args_global, out);
    put(out, "'\n\n"
             "_entente_verbs() {\n"
             "    case \"${1/#case/situation}\" in\n");
    each_command(put_case_of_verbs, out);
    put(out, "    esac\n"
             "}\n\n"
             "_entente_options() {\n"
             "    case \"${1/#case/situation}\" in\n");
    each_command(put_case_of_options, out);
    put(out, "    esac\n"
             "}\n\n"
             "_entente_choices() {\n"
             "    case \"${1/#case/situation}\" in\n"
             "    *' --lang') echo 'en fr' ;;\n");
    each_command(put_case_of_choices, out);
    put(out, "    esac\n"
             "}\n\n");
}

static const char bash_tail[] =
    "_entente_complete() {\n"
    "    local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"\" i words=()\n"
    "    before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case \"${COMP_WORDS[i]}\" in\n"
    "        --node | --lang) i=$((i + 1)) ;;\n"
    "        -*) ;;\n"
    "        *) words+=(\"${COMP_WORDS[i]}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    local noun=\"${words[0]:-}\" verb=\"${words[1]:-}\" command list\n"
    "    command=\"$noun\"\n"
    "    if [ -n \"$verb\" ] && [[ \" $(_entente_verbs \"$noun\") \" == "
    "*\" $verb \"* ]]; then\n"
    "        command=\"$noun $verb\"\n"
    "    fi\n"
    "    list=\"$(_entente_choices \"$command $before\")\"\n"
    "    if [ -z \"$list\" ] && [ -z \"$noun\" ]; then\n"
    "        list=\"$_entente_nouns $_entente_globals\"\n"
    "    elif [ -z \"$list\" ]; then\n"
    "        list=\"$(_entente_options \"$command\") $_entente_globals\"\n"
    "        [ -n \"$verb\" ] || list=\"$(_entente_verbs \"$noun\") $list\"\n"
    "    fi\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$word\")\n"
    "}\n"
    "complete -o default -F _entente_complete entente\n";

static const char zsh_tail[] =
    "_entente() {\n"
    "    local before=\"${words[CURRENT-1]}\" i named=() list command\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        case \"${words[i]}\" in\n"
    "        --node | --lang) i=$((i + 1)) ;;\n"
    "        -*) ;;\n"
    "        *) named+=(\"${words[i]}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    command=\"${named[1]}\"\n"
    "    if [[ -n \"${named[2]}\" && \" $(_entente_verbs \"${named[1]}\") \" "
    "== "
    "*\" ${named[2]} \"* ]]; then\n"
    "        command=\"${named[1]} ${named[2]}\"\n"
    "    fi\n"
    "    list=\"$(_entente_choices \"$command $before\")\"\n"
    "    if [[ -z \"$list\" && -z \"${named[1]}\" ]]; then\n"
    "        list=\"$_entente_nouns $_entente_globals\"\n"
    "    elif [[ -z \"$list\" ]]; then\n"
    "        list=\"$(_entente_options \"$command\") $_entente_globals\"\n"
    "        [[ -n \"${named[2]}\" ]] || "
    "list=\"$(_entente_verbs \"${named[1]}\") $list\"\n"
    "    fi\n"
    "    compadd -- ${=list}\n"
    "    _files\n"
    "}\n"
    "_entente \"$@\"\n";

/* ---- fish: one line a word ---- */

/* In single quotes, as fish reads them. */
static void
put_quoted(struct ent_buf *out, const char *text)
{
    put(out, "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\') {
            put(out, "\\");
        }
        ent_buf_put(out, text, 1);
    }
    put(out, "'");
}

/* True on a line that starts with the command's words. */
static void
put_condition(const struct cli_command *c, struct ent_buf *out)
{
    size_t len = noun_len(c);

    put(out, " -n '__fish_seen_subcommand_from ");
    ent_buf_put(out, c->words, len);
    if (c->words[len] == ' ') {
        put(out, "; and __fish_seen_subcommand_from ");
        put(out, c->words + len + 1);
    }
    put(out, "'");
}

static void
put_fish_option(const struct cli_command *c, const struct cli_option *o,
                struct ent_buf *out)
{
    put(out, "complete -c entente");
    if (c != NULL) {
        put_condition(c, out);
    }
    put(out, " -l ");
    put(out, o->name);
    if (o->kind == CLI_BOOL || o->choices != NULL) {
        put(out, " -x -a ");
        put(out, "'");
        put_choices(o, out);
        put(out, "'");
    } else if (o->kind != CLI_FLAG) {
        put(out, " -r");
    }
    put(out, " -d ");
    put_quoted(out, o->help);
    put(out, "\n");
}

static void
put_fish_command(const struct cli_command *c, struct ent_buf *out)
{
    size_t len = noun_len(c);
    const struct cli_option *o;

    put(out, "complete -c entente -f ");
    if (c->words[len] == ' ') {
        put(out, "-n '__fish_seen_subcommand_from ");
        ent_buf_put(out, c->words, len);
        put(out, "' -a ");
        put(out, c->words + len + 1);
    } else {
        put(out, "-n __fish_use_subcommand -a ");
        put(out, c->words);
    }
    put(out, " -d ");
    put_quoted(out, c->summary);
    put(out, "\n");
    if (c->words[len] == ' ' && is_first_of_noun(c)) {
        put(out, "complete -c entente -f -n __fish_use_subcommand -a ");
        ent_buf_put(out, c->words, len);
        put(out, "\n");
    }
    for (o = c->options; o != NULL && o->name != NULL; o++) {
        if ((o->flags & CLI_AT) == 0) {
            put_fish_option(c, o, out);
        }
    }
}

static void
put_fish(struct ent_buf *out)
{
    const struct cli_option *o;

    put(out, "# Made by: entente completion fish\n");
    for (o = args_global; o->name != NULL; o++) {
        put_fish_option(NULL, o, out);
    }
    each_command(put_fish_command, out);
}

bool
completion_script(const char *shell, struct ent_buf *out)
{
    if (strcmp(shell, "bash") == 0) {
        put(out, "# Made by: entente completion bash\n");
        put_tables(out);
        put(out, bash_tail);
    } else if (strcmp(shell, "zsh") == 0) {
        put(out, "#compdef entente\n# Made by: entente completion zsh\n");
        put_tables(out);
        put(out, zsh_tail);
    } else if (strcmp(shell, "fish") == 0) {
        put_fish(out);
    } else {
        return false;
    }
    return true;
}
