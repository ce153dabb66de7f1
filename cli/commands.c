/* The table of tables. */
#include "commands.h"

const struct command_group *
commands_groups(void)
{
    static const struct command_group groups[] = {
        {"This node", cmd_start},
        {"Safe and shared?", cmd_node},
        {"The circle", cmd_circle},
        {"Inviting and joining", cmd_join},
        {"Situations", cmd_situation},
        {"Sessions and the report", cmd_meeting},
        {"Without a network", cmd_bundle},
        {"History", cmd_history},
        {"Help", cmd_help},
        {NULL, NULL},
    };

    return groups;
}

const struct cli_command *
commands_find(const char *words)
{
    const struct command_group *group;
    const struct cli_command *c;

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            if (strcmp(c->words, words) == 0) {
                return c;
            }
        }
    }
    return NULL;
}

bool
commands_has_noun(const char *noun)
{
    const struct command_group *group;
    const struct cli_command *c;
    size_t len = strlen(noun);

    for (group = commands_groups(); group->title != NULL; group++) {
        for (c = group->commands; c->words != NULL; c++) {
            if (strncmp(c->words, noun, len) == 0 && c->words[len] == ' ') {
                return true;
            }
        }
    }
    return false;
}

const char *
commands_unalias(const char *word)
{
    return strcmp(word, "case") == 0 ? "situation" : word;
}
