/*
 * What a node was told at its start: the command line of `entented`, checked.
 * Read once, never changed. The passphrase comes from the environment
 * (ENTENTE_PASSPHRASE, taken out of it at once) or from a file descriptor,
 * never from the command line, which others on the machine can read.
 */
#ifndef NODE_CONFIG_H
#define NODE_CONFIG_H

#include <entente/limits.h>

#include "log.h"
#include "store/base/keyfile.h"

#define CONFIG_LISTEN_DEFAULT "[::]:7447"

enum config_command {
    CONFIG_HELP,
    CONFIG_VERSION,
    CONFIG_INIT,
    CONFIG_RUN,
};

struct config {
    enum config_command command;
    const char *folder;
    const char *structure;
    unsigned sector;
    const char *languages;
    const char *listen;    /* NULL in run: as init fixed it */
    const char *advertise; /* "" for none */
    const char *key_file;  /* NULL: a passphrase opens the node */
    char passphrase[KEYFILE_PASSPHRASE_MAX + 1];
    enum log_level log_level;
    unsigned half_open_max;
    unsigned half_open_prefix_max;
    unsigned accept_rate;
    unsigned accept_burst;
    unsigned backoff_min_ms;
    unsigned backoff_max_ms;
    unsigned protocol_min;
    unsigned protocol_max;
    bool is_inspectable; /* debuggers of the same user may look in */
};

/* The way in that the configuration names; borrows from it. */
void config_way(const struct config *config, struct keyfile_way *ret_way);

/* Reads the words. ENT_RULE_USAGE with a sentence in `ret_error`; strings are
 * borrowed from `argv`. On ENT_OK config_release wipes it. */
ENT_MUST_USE enum ent_status config_read(int argc, char **argv,
                                         struct config *ret_config,
                                         char ret_error[200]);
void config_release(struct config *config);

/* The text of `entented --help`. */
const char *config_help(void);

#endif
