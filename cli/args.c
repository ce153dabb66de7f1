/*
 * Parsing. Words of the command come first, global options may stand
 * anywhere, `--` ends the options, `--name=value` is `--name value`. Places
 * may also be given by name (`--situation S01`), so scripts need not count.
 */
#include "args.h"

#include "ask.h"
#include "commands.h"
#include "suggest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define DAY_MS 86400000
#define DAYS_MAX 3650
#define SECONDS_MAX 86400

const struct cli_option args_global[] = {
    {"node", CLI_WORD, CLI_LOCAL, "DIR", NULL,
     "the node's folder; else $ENTENTE_NODE, else "
     "~/.local/share/entente",
     NULL},
    {"json", CLI_FLAG, CLI_LOCAL, NULL, NULL,
     "print the result (or the error) as JSON", NULL},
    {"lang", CLI_WORD, CLI_LOCAL, "LANG", "en|fr",
     "language of what the node says", NULL},
    {"quiet", CLI_FLAG, CLI_LOCAL, NULL, NULL,
     "only the result and errors, no talk", NULL},
    {"help", CLI_FLAG, CLI_LOCAL, NULL, NULL, "explain the command", NULL},
    CLI_OPTION_END,
};

struct scan {
    struct cli *cli;
    char **argv;
    int argc;
    int at;
    bool is_past_options; /* after -- */
    bool is_stdin_used;
};

char *
args_param(const struct cli_option *o, char ret[64])
{
    const char *name = o->param != NULL ? o->param : o->name;
    size_t i;

    ENT_ASSERT(strlen(name) < 64);
    for (i = 0; name[i] != '\0'; i++) {
        ret[i] = name[i] == '-' ? '_' : name[i];
    }
    ret[i] = '\0';
    return ret;
}

/* ---- errors ---- */

CLI_PRINTF(3, 4)
static struct value *
usage(const struct cli *cli, const char *nearest, const char *format, ...)
{
    char *text = NULL;
    char *hint = NULL;
    struct value *error;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    ENT_ASSERT(len >= 0);
    if (nearest != NULL) {
        len = asprintf(&hint, "Did you mean %s?", nearest);
    } else if (cli->command != NULL) {
        len = asprintf(&hint, "Its options: entente help %s",
                       cli->command->words);
    } else {
        len = asprintf(&hint, "All commands: entente help");
    }
    ENT_ASSERT(len >= 0);
    error = cli_error("usage", ENT_EXIT_USAGE, hint, "%s", text);
    if (cli->command != NULL) {
        value_set_string(error, "example", cli->command->example);
    }
    free(hint);
    free(text);
    return error;
}

/* ---- values ---- */

static bool
is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);

    while (*choices != '\0') {
        const char *end = strchrnul(choices, '|');

        if ((size_t)(end - choices) == len &&
            strncmp(choices, word, len) == 0) {
            return true;
        }
        choices = *end == '|' ? end + 1 : end;
    }
    return false;
}

static struct value *
wrong_choice(const struct cli *cli, const struct cli_option *o,
             const char *word)
{
    struct suggest s = {.typed = word};
    char *list = ent_alloc(strlen(o->choices) + 1);
    struct value *error;
    char *at;

    memcpy(list, o->choices, strlen(o->choices) + 1);
    for (at = list; at != NULL;) {
        char *next = strchr(at, '|');

        if (next != NULL) {
            *next++ = '\0';
        }
        suggest_offer(&s, at, at);
        at = next;
    }
    error = usage(cli, s.best, "--%s is one of %s, not \"%s\"", o->name,
                  o->choices, word);
    free(list);
    return error;
}

static bool
read_number(const char *word, int64_t max, int64_t *ret_v)
{
    char *end = NULL;
    long long v;

    errno = 0;
    v = strtoll(word, &end, 10);
    if (errno != 0 || end == word || *end != '\0' || v < 0 || v > max) {
        return false;
    }
    *ret_v = v;
    return true;
}

static struct value *
read_text(struct scan *s, const struct cli_option *o, const char *word,
          struct value **ret_v)
{
    struct ent_buf text = {.max = ASK_TEXT_MAX + 8192};
    struct value *error;
    FILE *f;

    if (strcmp(word, "-") == 0) {
        if (s->is_stdin_used) {
            return usage(s->cli, NULL,
                         "only one text can be read from "
                         "standard input");
        }
        s->is_stdin_used = true;
        error = ask_all(s->cli->in, "standard input", &text);
        ent_buf_clear(&s->cli->typed);
        ent_buf_put_slice(&s->cli->typed, ent_buf_slice(&text));
    } else if (o->kind == CLI_FILE) {
        f = fopen(word, "re");
        if (f == NULL) {
            return usage(s->cli, NULL, "cannot read %s: %s", word,
                         strerror(errno));
        }
        error = ask_all(f, word, &text);
        fclose(f);
    } else {
        *ret_v = value_string(word);
        return NULL;
    }
    if (error == NULL) {
        *ret_v = value_text(ent_buf_slice(&text));
    }
    ent_buf_release(&text);
    return error;
}

static struct value *
read_list(struct scan *s, const struct cli_option *o, const char *word)
{
    struct value *list = value_get(s->cli->given, o->name);

    list = list != NULL ? value_share(list) : value_array();
    while (*word != '\0') {
        const char *end = (o->flags & CLI_REST) != 0 ? strchr(word, '\0')
                                                     : strchrnul(word, ',');

        if (end > word) {
            value_add(list, value_text(ent_slice(word, (size_t)(end - word))));
        }
        word = *end == ',' ? end + 1 : end;
    }
    return list;
}

static struct value *
read_amount(const struct cli *cli, const struct cli_option *o, const char *word,
            struct value **ret_v)
{
    int64_t max = o->kind == CLI_DAYS      ? DAYS_MAX
                  : o->kind == CLI_SECONDS ? SECONDS_MAX
                                           : INT32_MAX;
    int64_t unit = o->kind == CLI_DAYS      ? DAY_MS
                   : o->kind == CLI_SECONDS ? 1000
                                            : 1;
    int64_t v;

    if (!read_number(word, max, &v)) {
        return usage(cli, NULL, "%s is a whole number, not \"%s\"", o->name,
                     word);
    }
    *ret_v = value_int(v * unit);
    return NULL;
}

/* Reads `word` as what the option is. NULL: `*ret_v` is owned. */
static struct value *
read_value(struct scan *s, const struct cli_option *o, const char *word,
           struct value **ret_v)
{
    const struct cli *cli = s->cli;

    if (o->choices != NULL && !is_choice(o->choices, word)) {
        return wrong_choice(cli, o, word);
    }
    switch (o->kind) {
    case CLI_FLAG:
        *ret_v = value_bool(true);
        return NULL;
    case CLI_WORD:
        *ret_v = value_string(word);
        return NULL;
    case CLI_TEXT:
    case CLI_FILE:
        return read_text(s, o, word, ret_v);
    case CLI_INT:
    case CLI_SECONDS:
    case CLI_DAYS:
        return read_amount(cli, o, word, ret_v);
    case CLI_BOOL:
        if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0) {
            return usage(cli, NULL, "--%s is yes or no, not \"%s\"", o->name,
                         word);
        }
        *ret_v = value_bool(strcmp(word, "yes") == 0);
        return NULL;
    case CLI_LIST:
        *ret_v = read_list(s, o, word);
        return NULL;
    }
    ent_panic("a kind of option without a reader", __FILE__, __LINE__);
}

static struct value *
take_value(struct scan *s, const struct cli_option *o, const char *word)
{
    struct value *v = NULL;
    struct value *error = read_value(s, o, word, &v);
    char param[64];

    if (error != NULL) {
        return error;
    }
    if ((o->flags & CLI_LOCAL) == 0) {
        value_set(s->cli->params, args_param(o, param), value_share(v));
    }
    value_set(s->cli->given, o->name, v);
    return NULL;
}

/* ---- options ---- */

static const struct cli_option *
find_option(const struct cli_option *options, const char *name, size_t len)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (strlen(options->name) == len &&
            strncmp(options->name, name, len) == 0) {
            return options;
        }
    }
    return NULL;
}

static struct value *
unknown_option(const struct cli *cli, const char *arg)
{
    struct suggest s = {.typed = arg + strspn(arg, "-")};
    const struct cli_option *o =
        cli->command != NULL ? cli->command->options : NULL;
    char nearest[80];

    for (; o != NULL && o->name != NULL; o++) {
        suggest_offer(&s, o->name, o->name);
    }
    for (o = args_global; o->name != NULL; o++) {
        suggest_offer(&s, o->name, o->name);
    }
    snprintf(nearest, sizeof(nearest), "--%s", s.best != NULL ? s.best : "");
    if (cli->command == NULL) {
        return usage(cli, s.best != NULL ? nearest : NULL,
                     "there is no option %s", arg);
    }
    return usage(cli, s.best != NULL ? nearest : NULL,
                 "\"entente %s\" has no option %s", cli->command->words, arg);
}

static void
set_folder(struct cli *cli, const char *folder)
{
    free(cli->folder);
    cli->folder = strdup(folder);
    ENT_ASSERT(cli->folder != NULL);
}

static void
apply_global(struct cli *cli, const char *name, const char *value)
{
    if (strcmp(name, "node") == 0) {
        set_folder(cli, value);
    } else if (strcmp(name, "json") == 0) {
        cli->is_json = true;
    } else if (strcmp(name, "quiet") == 0) {
        cli->out.is_quiet = true;
    } else if (strcmp(name, "help") == 0) {
        cli->wants_help = true;
    } else {
        ENT_ASSERT(strcmp(name, "lang") == 0);
        memcpy(cli->lang, value, 2);
    }
}

/* The option's word: after "=", or the next one. NULL: none is there. */
static const char *
word_of(struct scan *s, const char *inline_value)
{
    if (inline_value != NULL) {
        return inline_value;
    }
    return s->at < s->argc ? s->argv[s->at++] : NULL;
}

/* The option at hand. */
static struct value *
take_option(struct scan *s)
{
    struct cli *cli = s->cli;
    const char *arg = s->argv[s->at++];
    const char *name = arg + 2;
    const char *equal;
    const struct cli_option *o;
    const char *word;
    bool is_global;

    if (arg[1] != '-') { /* the two short ones */
        name = strcmp(arg, "-h") == 0   ? "help"
               : strcmp(arg, "-q") == 0 ? "quiet"
                                        : "";
    }
    if (strcmp(name, "folder") == 0) {
        name = "node";
    }
    equal = strchrnul(name, '=');
    o = find_option(args_global, name, (size_t)(equal - name));
    is_global = o != NULL;
    if (!is_global && cli->command != NULL) {
        o = find_option(cli->command->options, name, (size_t)(equal - name));
    }
    if (o == NULL) {
        return unknown_option(cli, arg);
    }
    if (o->kind == CLI_FLAG && *equal == '=') {
        return usage(cli, NULL, "--%s takes no value", o->name);
    }
    word =
        o->kind == CLI_FLAG ? "" : word_of(s, *equal == '=' ? equal + 1 : NULL);
    if (word == NULL) {
        return usage(cli, NULL, "--%s needs %s: %s", o->name, o->value,
                     o->help);
    }
    if (!is_global) {
        return take_value(s, o, word);
    }
    if (o->choices != NULL && !is_choice(o->choices, word)) {
        return wrong_choice(cli, o, word);
    }
    apply_global(cli, o->name, word);
    return NULL;
}

static bool
is_option(const struct scan *s, const char *arg)
{
    return !s->is_past_options && arg[0] == '-' && arg[1] != '\0';
}

/* ---- the command's words ---- */

/* Offers every noun, every verb and every whole command. */
static void
suggest_command(struct suggest *s, const char *noun, bool is_verb)
{
    const struct command_group *group;
    const struct cli_command *c;

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            const char *space = strchr(c->words, ' ');
            size_t len = space != NULL ? (size_t)(space - c->words) : 0;
            char first[SUGGEST_WORD_MAX];

            snprintf(first, sizeof(first), "%.*s", (int)len, c->words);
            if (is_verb && strcmp(first, noun) != 0) {
                continue;
            }
            suggest_offer(s, space != NULL ? space + 1 : c->words, c->words);
            if (!is_verb && space != NULL) {
                suggest_offer(s, first, c->words);
            }
        }
    }
}

/* "situatoin offer" means "situation offer", though the first command of
 * that noun is another. */
static const char *
with_verb(const char *best, const char *verb)
{
    const struct cli_command *c;
    char words[80];

    snprintf(words, sizeof(words), "%.*s %s", (int)strcspn(best, " "), best,
             verb);
    c = commands_find(words);
    return c != NULL ? c->words : best;
}

/* `verb` is the word after the noun, or NULL. */
static struct value *
unknown_command(const struct cli *cli, const char *noun, const char *verb)
{
    bool is_verb = commands_has_noun(noun);
    struct suggest s = {.typed = is_verb ? verb : noun};
    char nearest[80] = "";

    suggest_command(&s, noun, is_verb);
    if (s.best != NULL) {
        snprintf(nearest, sizeof(nearest), "\"entente %s\"",
                 !is_verb && verb != NULL ? with_verb(s.best, verb) : s.best);
    }
    return usage(cli, s.best != NULL ? nearest : NULL,
                 "there is no command \"%s%s%s\"", noun, is_verb ? " " : "",
                 is_verb ? verb : "");
}

static struct value *
verb_missing(const struct cli *cli, const char *noun)
{
    const struct command_group *group;
    const struct cli_command *c;
    struct ent_buf verbs = {0};
    size_t len = strlen(noun);
    struct value *error;

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            if (strncmp(c->words, noun, len) == 0 && c->words[len] == ' ') {
                ent_buf_put_slice(&verbs, ent_slice_str(c->words + len));
            }
        }
    }
    ent_buf_put_u8(&verbs, 0);
    error = usage(cli, NULL, "\"%s\" needs to be told what to do: one of%s",
                  noun, (const char *)verbs.p);
    ent_buf_release(&verbs);
    return error;
}

/* Options before the command's words can only be global ones. */
static struct value *
next_word(struct scan *s, const char **ret_word)
{
    struct value *error;

    *ret_word = NULL;
    while (s->at < s->argc) {
        const char *arg = s->argv[s->at];

        if (strcmp(arg, "--version") == 0) {
            s->cli->wants_version = true;
            s->at++;
            continue;
        }
        if (!is_option(s, arg)) {
            *ret_word = arg;
            return NULL;
        }
        error = take_option(s);
        if (error != NULL) {
            return error;
        }
    }
    return NULL;
}

/* After the noun, an option that is not global ends the search for a verb. */
static const char *
peek_verb(struct scan *s)
{
    while (s->at < s->argc && is_option(s, s->argv[s->at])) {
        const char *name = s->argv[s->at] + strspn(s->argv[s->at], "-");
        size_t len = strcspn(name, "=");
        int before = s->at;
        struct value *error;

        if (find_option(args_global, name, len) == NULL &&
            strcmp(name, "folder") != 0) {
            return NULL;
        }
        error = take_option(s);
        if (error != NULL) {
            value_free(error); /* told again by the second look */
            s->at = before;
            return NULL;
        }
    }
    return s->at < s->argc ? s->argv[s->at] : NULL;
}

static struct value *
find_command(struct scan *s)
{
    struct cli *cli = s->cli;
    const char *noun;
    const char *verb = NULL;
    char words[80];
    struct value *error = next_word(s, &noun);

    if (error != NULL || noun == NULL) {
        return error;
    }
    s->at++;
    noun = commands_unalias(noun);
    if (commands_has_noun(noun)) {
        verb = peek_verb(s);
    }
    if (verb != NULL) {
        snprintf(words, sizeof(words), "%s %s", noun, verb);
        cli->command = commands_find(words);
    }
    if (cli->command != NULL) {
        s->at++;
        return NULL;
    }
    cli->command = commands_find(noun);
    if (cli->command != NULL) {
        return NULL;
    }
    if (commands_has_noun(noun) && verb == NULL) {
        return cli->wants_help ? NULL : verb_missing(cli, noun);
    }
    if (verb == NULL) {
        verb = peek_verb(s);
    }
    return unknown_command(cli, noun, verb);
}

/* ---- places ---- */

static const struct cli_option *
next_place(const struct cli *cli)
{
    const struct cli_option *o = cli->command->options;

    for (; o != NULL && o->name != NULL; o++) {
        if ((o->flags & CLI_AT) != 0 &&
            ((o->flags & CLI_REST) != 0 ||
             value_get(cli->given, o->name) == NULL)) {
            return o;
        }
    }
    return NULL;
}

/* A text that is missing can be typed now, by a person. */
static struct value *
ask_for(struct scan *s, const struct cli_option *o)
{
    out_error(&s->cli->out, OUT_BOLD,
              "Type %s. An empty line and Ctrl-D end it.\n", o->help);
    return take_value(s, o, "-");
}

static struct value *
check_required(struct scan *s)
{
    const struct cli *cli = s->cli;
    const struct cli_option *o = cli->command->options;
    struct value *error = NULL;

    for (; o != NULL && o->name != NULL && error == NULL; o++) {
        if ((o->flags & CLI_REQUIRED) == 0 ||
            value_get(cli->given, o->name) != NULL) {
            continue;
        }
        if (o->kind == CLI_TEXT && !s->is_stdin_used &&
            cli_is_interactive(cli)) {
            error = ask_for(s, o);
        } else {
            error =
                usage(cli, NULL, "\"entente %s\" needs %s%s: %s",
                      cli->command->words, (o->flags & CLI_AT) != 0 ? "" : "--",
                      (o->flags & CLI_AT) != 0 ? o->value : o->name, o->help);
        }
    }
    return error;
}

static struct value *
take_place(struct scan *s)
{
    const char *arg = s->argv[s->at++];
    const struct cli_option *o = next_place(s->cli);

    if (o == NULL) {
        return usage(s->cli, NULL,
                     "\"entente %s\" has no place for \"%s\" (put words that "
                     "belong together in quotes)",
                     s->cli->command->words, arg);
    }
    return take_value(s, o, arg);
}

/* ---- from the surroundings ---- */

static void
set_defaults(struct cli *cli)
{
    const char *node = getenv("ENTENTE_NODE");
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    char *folder = NULL;
    int len = 0;
    size_t i;

    if (node != NULL && node[0] != '\0') {
        set_folder(cli, node);
    } else {
        if (data != NULL && data[0] == '/') {
            len = asprintf(&folder, "%s/entente", data);
        } else {
            len = asprintf(&folder, "%s/.local/share/entente",
                           home != NULL ? home : "");
        }
        ENT_ASSERT(len >= 0);
        free(cli->folder);
        cli->folder = folder;
    }
    memcpy(cli->lang, "en", 3);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = getenv(names[i]);

        if (name != NULL && name[0] != '\0') {
            memcpy(cli->lang, strncmp(name, "fr", 2) == 0 ? "fr" : "en", 3);
            break;
        }
    }
}

struct value *
args_parse(struct cli *cli, int argc, char **argv)
{
    struct scan s = {.cli = cli, .argv = argv, .argc = argc, .at = 1};
    struct value *error;

    set_defaults(cli);
    cli->given = value_object();
    cli->params = value_object();
    error = find_command(&s);
    while (error == NULL && cli->command != NULL && s.at < argc) {
        const char *arg = argv[s.at];

        if (!s.is_past_options && strcmp(arg, "--") == 0) {
            s.is_past_options = true;
            s.at++;
        } else if (is_option(&s, arg)) {
            error = take_option(&s);
        } else {
            error = take_place(&s);
        }
    }
    if (error == NULL && cli->command != NULL && !cli->wants_help) {
        error = check_required(&s);
    }
    return error;
}
