/* The command line of entented. */
#include "config.h"

#include "io/address.h"

#include <entente/control.h>
#include <entente/session.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char HELP[] =
    "entented: the daemon of one structure in a circle.\n"
    "\n"
    "  entented init --folder DIR --structure NAME --sector SECTOR [options]\n"
    "  entented run --folder DIR [options]\n"
    "\n"
    "Sectors: private, hospital, community, social, peer, justice, other.\n"
    "\n"
    "  --folder DIR          where the node keeps everything (made 0700)\n"
    "  --key-file PATH       32 random bytes that open the store; made by "
    "init\n"
    "                        if missing. Without it a passphrase opens the\n"
    "                        store: ENTENTE_PASSPHRASE, or\n"
    "  --passphrase-fd N     read it from this file descriptor, to its end\n"
    "  --listen HOST:PORT    where peers reach this node "
    "(" CONFIG_LISTEN_DEFAULT ")\n"
    "  --advertise HOST:PORT the address that peers are told\n"
    "  --languages LIST      languages spoken at the structure (en)\n"
    "  --log-level LEVEL     error, warn, info (default) or debug\n"
    "  --half-open N         callers not yet known, in all (64)\n"
    "  --half-open-prefix N  … of one network prefix (4)\n"
    "  --accept-rate N       calls a second of one prefix (5)\n"
    "  --accept-burst N      … and how many at once (20)\n"
    "  --backoff-max-ms N    longest wait before calling a peer again\n"
    "                        (300000)\n"
    "  --inspectable yes|no  let this user's debuggers look in (no)\n";

const char *
config_help(void)
{
    return HELP;
}

void
config_way(const struct config *config, struct keyfile_way *ret_way)
{
    *ret_way = (struct keyfile_way){.type = KEYFILE_PASSPHRASE};
    if (config->key_file != NULL) {
        ret_way->type = KEYFILE_RAW;
        ret_way->raw_path = config->key_file;
    } else {
        ret_way->passphrase = ent_slice_str(config->passphrase);
    }
}

static bool
read_number(const char *text, unsigned max, unsigned *ret_v)
{
    unsigned long v;
    char *end;

    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    v = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || v > max) {
        return false;
    }
    *ret_v = (unsigned)v;
    return true;
}

static bool
take_address(const char *text, const char **ret_text)
{
    struct address_parts parts;

    *ret_text = text;
    return address_split(text, &parts) == ENT_OK;
}

static bool
take_passphrase_fd(const char *text, struct config *config)
{
    size_t len = 0;
    unsigned fd;
    ssize_t got;

    if (!read_number(text, 1024, &fd)) {
        return false;
    }
    while ((got = read((int)fd, config->passphrase + len,
                       sizeof(config->passphrase) - len)) > 0) {
        len += (size_t)got;
        if (len == sizeof(config->passphrase)) {
            return false;
        }
    }
    if (len > 0 && config->passphrase[len - 1] == '\n') {
        len--;
    }
    memset(config->passphrase + len, 0, sizeof(config->passphrase) - len);
    return got == 0 && len > 0 && memchr(config->passphrase, '\0', len) == NULL;
}

/* The environment of a process can be read by its user's other processes. */
static bool
take_environment(struct config *config)
{
    char *text = getenv("ENTENTE_PASSPHRASE");
    size_t len;

    if (text == NULL || config->passphrase[0] != '\0') {
        return true;
    }
    len = strlen(text);
    if (len >= sizeof(config->passphrase)) {
        return false;
    }
    memcpy(config->passphrase, text, len + 1);
    ent_wipe(text, len);
    unsetenv("ENTENTE_PASSPHRASE");
    return true;
}

struct number_option {
    const char *name;
    unsigned min;
    unsigned max;
    size_t offset;
};
static const struct number_option NUMBERS[] = {
    {"--half-open", 1, 4096, offsetof(struct config, half_open_max)},
    {"--half-open-prefix", 1, 4096,
     offsetof(struct config, half_open_prefix_max)},
    {"--accept-rate", 1, 100000, offsetof(struct config, accept_rate)},
    {"--accept-burst", 1, 100000, offsetof(struct config, accept_burst)},
    {"--backoff-max-ms", 10, ENT_BACKOFF_MAX_MS,
     offsetof(struct config, backoff_max_ms)},
#ifdef ENT_SABOTAGE
    {"--protocol-min", 1, 1000, offsetof(struct config, protocol_min)},
    {"--protocol-max", 1, 1000, offsetof(struct config, protocol_max)},
#endif
};

/* False when the value is not one; `*ret_is_known` when the name is none. */
static bool
take_number(struct config *config, const char *name, const char *value,
            bool *ret_is_known)
{
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        const struct number_option *option = &NUMBERS[i];
        unsigned v;

        if (strcmp(name, option->name) != 0) {
            continue;
        }
        *ret_is_known = true;
        if (!read_number(value, option->max, &v) || v < option->min) {
            return false;
        }
        memcpy((char *)config + option->offset, &v, sizeof(v));
        return true;
    }
    *ret_is_known = false;
    return true;
}

static bool
take_word(struct config *config, const char *name, const char *value,
          bool *ret_is_known)
{
    *ret_is_known = true;
    if (strcmp(name, "--folder") == 0) {
        config->folder = value;
        return *value != '\0';
    }
    if (strcmp(name, "--structure") == 0) {
        config->structure = value;
        return *value != '\0' && strlen(value) <= ENT_NAME_MAX &&
               ent_utf8_is_valid(ent_slice_str(value));
    }
    if (strcmp(name, "--sector") == 0) {
        config->sector = ent_sector_find(value);
        return config->sector != 0;
    }
    if (strcmp(name, "--languages") == 0) {
        config->languages = value;
        return strlen(value) <= 64;
    }
    if (strcmp(name, "--key-file") == 0) {
        config->key_file = value;
        return *value != '\0';
    }
    if (strcmp(name, "--listen") == 0) {
        return take_address(value, &config->listen);
    }
    if (strcmp(name, "--advertise") == 0) {
        return take_address(value, &config->advertise);
    }
    if (strcmp(name, "--inspectable") == 0) {
        config->is_inspectable = strcmp(value, "yes") == 0;
        return config->is_inspectable || strcmp(value, "no") == 0;
    }
    if (strcmp(name, "--log-level") == 0) {
        return log_level_find(value, &config->log_level);
    }
    if (strcmp(name, "--passphrase-fd") == 0) {
        return take_passphrase_fd(value, config);
    }
    return take_number(config, name, value, ret_is_known);
}

static enum ent_status
read_options(int argc, char **argv, struct config *config, char *ret_error)
{
    for (int i = 2; i < argc; i += 2) {
        const char *name = argv[i];
        bool is_known;

        if (i + 1 >= argc) {
            snprintf(ret_error, 200, "“%s” needs a value", name);
            return ENT_RULE_USAGE;
        }
        if (!take_word(config, name, argv[i + 1], &is_known)) {
            snprintf(ret_error, 200, "“%s” cannot be that", name);
            return ENT_RULE_USAGE;
        }
        if (!is_known) {
            snprintf(ret_error, 200, "there is no option “%.80s”", name);
            return ENT_RULE_USAGE;
        }
    }
    return ENT_OK;
}

static const char *
what_is_missing(const struct config *config)
{
    if (config->folder == NULL) {
        return "--folder is missing";
    }
    if (config->key_file == NULL && config->passphrase[0] == '\0') {
        return "a passphrase (ENTENTE_PASSPHRASE or --passphrase-fd) or "
               "--key-file is missing";
    }
    if (config->command == CONFIG_INIT &&
        (config->structure == NULL || config->sector == 0)) {
        return "--structure and --sector are missing";
    }
    return NULL;
}

static bool
read_command(const char *word, enum config_command *ret_command)
{
    static const struct {
        const char *word;
        enum config_command command;
    } commands[] = {
        {"init", CONFIG_INIT},         {"run", CONFIG_RUN},
        {"--help", CONFIG_HELP},       {"help", CONFIG_HELP},
        {"--version", CONFIG_VERSION},
    };

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(word, commands[i].word) == 0) {
            *ret_command = commands[i].command;
            return true;
        }
    }
    return false;
}

enum ent_status
config_read(int argc, char **argv, struct config *ret_config,
            char ret_error[200])
{
    const char *missing;
    enum ent_status st;

    *ret_config = (struct config){
        .languages = "en",
        .advertise = "",
        .log_level = LOG_INFO,
        .half_open_max = ENT_HALF_OPEN_MAX,
        .half_open_prefix_max = ENT_HALF_OPEN_PREFIX_MAX,
        .accept_rate = ENT_ACCEPT_RATE,
        .accept_burst = ENT_ACCEPT_BURST,
        .backoff_min_ms = ENT_BACKOFF_MIN_MS,
        .backoff_max_ms = ENT_BACKOFF_MAX_MS,
        .protocol_min = ENT_PROTOCOL_MIN,
        .protocol_max = ENT_PROTOCOL_MAX,
    };
    if (argc < 2 || !read_command(argv[1], &ret_config->command)) {
        snprintf(ret_error, 200, "say init or run (see entented --help)");
        return ENT_RULE_USAGE;
    }
    if (ret_config->command == CONFIG_HELP ||
        ret_config->command == CONFIG_VERSION) {
        return ENT_OK;
    }
    st = read_options(argc, argv, ret_config, ret_error);
    if (st != ENT_OK) {
        return st;
    }
    if (!take_environment(ret_config)) {
        snprintf(ret_error, 200, "ENTENTE_PASSPHRASE is too long");
        return ENT_RULE_USAGE;
    }
    missing = what_is_missing(ret_config);
    if (missing != NULL) {
        snprintf(ret_error, 200, "%s", missing);
        return ENT_RULE_USAGE;
    }
    if (ret_config->backoff_min_ms > ret_config->backoff_max_ms) {
        ret_config->backoff_min_ms = ret_config->backoff_max_ms;
    }
    return ENT_OK;
}

void
config_release(struct config *config)
{
    ent_wipe(config->passphrase, sizeof(config->passphrase));
}
