/* Help that teaches: first what for, then how, then an example. */
#include "help.h"

#include "args.h"
#include "commands.h"

#define SUMMARY_COLUMN 22
#define HELP_COLUMNS 76u

static void
put(struct ent_buf *out, const char *text)
{
    ent_buf_put_slice(out, ent_slice_str(text));
}

static bool
has_named_options(const struct cli_command *c)
{
    const struct cli_option *o;

    for (o = c->options; o != NULL && o->name != NULL; o++) {
        if ((o->flags & CLI_AT) == 0) {
            return true;
        }
    }
    return false;
}

void
help_usage(const struct cli_command *c, struct ent_buf *out)
{
    const struct cli_option *o;

    put(out, "entente ");
    put(out, c->words);
    for (o = c->options; o != NULL && o->name != NULL; o++) {
        bool is_required = (o->flags & CLI_REQUIRED) != 0;

        if ((o->flags & CLI_AT) == 0) {
            continue;
        }
        put(out, is_required ? " " : " [");
        put(out, o->value);
        put(out, (o->flags & CLI_REST) != 0 ? " ..." : "");
        put(out, is_required ? "" : "]");
    }
    put(out, has_named_options(c) ? " [OPTIONS]" : "");
}

/* Prints words between `from` and the right margin, on as many lines as they
 * need; the first line's start is already there. */
static void
print_wrapped(struct cli *cli, const char *text, size_t from)
{
    size_t column = from;

    while (*text != '\0') {
        size_t len = strcspn(text, " \n");

        if (column > from && column + 1 + len > HELP_COLUMNS) {
            out_text(&cli->out, OUT_PLAIN, "\n%*s", (int)from, "");
            column = from;
        }
        if (column > from) {
            out_text(&cli->out, OUT_PLAIN, " ");
            column++;
        }
        out_text(&cli->out, OUT_PLAIN, "%.*s", (int)len, text);
        column += len;
        text += len;
        text += strspn(text, " \n");
    }
    out_text(&cli->out, OUT_PLAIN, "\n");
}

static void
print_row(struct cli *cli, const char *left, const char *right)
{
    out_text(&cli->out, OUT_PLAIN, "  %-*s", SUMMARY_COLUMN - 2, left);
    if (strlen(left) > SUMMARY_COLUMN - 3) {
        out_text(&cli->out, OUT_PLAIN, "\n%*s", SUMMARY_COLUMN, "");
    }
    print_wrapped(cli, right, SUMMARY_COLUMN);
}

static void
print_option(struct cli *cli, const struct cli_option *o)
{
    struct ent_buf right = {0};
    const char *c;
    char left[80];

    if ((o->flags & CLI_AT) != 0) {
        snprintf(left, sizeof(left), "%s", o->value);
    } else {
        snprintf(left, sizeof(left), "--%s%s%s", o->name,
                 o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
    }
    put(&right, o->help);
    for (c = o->choices; c != NULL && *c != '\0'; c++) {
        put(&right, c == o->choices ? " (" : "");
        ent_buf_put(&right, *c == '|' ? ", " : c, *c == '|' ? 2 : 1);
    }
    put(&right, o->choices != NULL ? ")" : "");
    ent_buf_put_u8(&right, 0);
    print_row(cli, left, (const char *)right.p);
    ent_buf_release(&right);
}

void
help_command(struct cli *cli, const struct cli_command *c)
{
    const struct cli_option *o;
    struct ent_buf usage = {0};

    help_usage(c, &usage);
    ent_buf_put_u8(&usage, 0);
    out_text(&cli->out, OUT_BOLD, "%s\n\n", (const char *)usage.p);
    ent_buf_release(&usage);
    print_wrapped(cli, c->help, 0);
    if (c->options != NULL) {
        out_text(&cli->out, OUT_PLAIN, "\n");
    }
    for (o = c->options; o != NULL && o->name != NULL; o++) {
        print_option(cli, o);
    }
    out_text(&cli->out, OUT_BOLD, "\nExample\n");
    out_text(&cli->out, OUT_PLAIN, "  %s\n", c->example);
}

static void
print_globals(struct cli *cli)
{
    const struct cli_option *o;

    out_text(&cli->out, OUT_BOLD, "With every command\n");
    for (o = args_global; o->name != NULL; o++) {
        print_option(cli, o);
    }
}

bool
help_noun(struct cli *cli, const char *noun)
{
    const struct command_group *group;
    const struct cli_command *c;
    size_t len = strlen(noun);
    bool is_any = false;

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            if (strncmp(c->words, noun, len) == 0 &&
                (c->words[len] == ' ' || c->words[len] == '\0')) {
                print_row(cli, c->words, c->summary);
                is_any = true;
            }
        }
    }
    return is_any;
}

void
help_all(struct cli *cli)
{
    const struct command_group *group;
    const struct cli_command *c;

    out_text(&cli->out, OUT_BOLD, "entente");
    out_text(&cli->out, OUT_PLAIN,
             ": review together how we cooperate, each with our own data\n\n"
             "First minutes\n"
             "  entente init --structure \"CSAPA Nord\" --sector community\n"
             "  entente up\n"
             "  entente circle found \"Cercle Nord\" --charter charter.md\n"
             "  entente invite --qr      (or, invited: entente join CODE)\n"
             "  entente status\n\n");
    for (group = commands_groups(); group->title != NULL; group++) {
        out_text(&cli->out, OUT_BOLD, "%s\n", group->title);
        for (c = group->commands; c->words != NULL; c++) {
            print_row(cli, c->words, c->summary);
        }
        out_text(&cli->out, OUT_PLAIN, "\n");
    }
    print_globals(cli);
    out_text(&cli->out, OUT_PLAIN,
             "\n  entente help COMMAND explains one, with an example.\n");
}

void
help_version(struct cli *cli)
{
    struct value *v;

    if (!cli->is_json) {
        out_text(&cli->out, OUT_PLAIN, "entente %s\n", ENT_VERSION);
        return;
    }
    v = value_object();
    value_set_string(v, "version", ENT_VERSION);
    cli_show(cli, v);
    value_free(v);
}
