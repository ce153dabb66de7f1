/*
 * entented: reads its command line, makes or runs one node, and says in its
 * exit code how it went (rpc.h, enum ent_exit).
 */
#include "node.h"

#include <entente/crypto.h>
#include <entente/rpc.h>

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int
exit_of(enum ent_status st)
{
    if (st == ENT_OK) {
        return ENT_EXIT_DONE;
    }
    if (st == ENT_RULE_USAGE) {
        return ENT_EXIT_USAGE;
    }
    if (st == ENT_RULE_AUTH) {
        return ENT_EXIT_NOT_AUTHORISED;
    }
    if (st == ENT_RULE_NOT_FOUND) {
        return ENT_EXIT_NOT_FOUND;
    }
    return ent_status_is_self(st) ? ENT_EXIT_STORE : ENT_EXIT_REFUSED;
}

/* Keys are in memory: no core file, no other process that looks in. */
static void
keep_to_ourselves(void)
{
    struct rlimit none = {0, 0};

    umask(077);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
    mallopt(M_ARENA_MAX, 2); /* few threads; small resident size */
}

static int
fail(const struct config *config, enum ent_status st, const char *what)
{
    const char *hint = "";

    if (st == ENT_RULE_AUTH) {
        hint = " Check the passphrase or the key file.";
    } else if (st == ENT_RULE && config->command == CONFIG_INIT) {
        hint = " There is a node in this folder already.";
    } else if (st == ENT_RULE_NOT_FOUND) {
        hint = " There is no node in this folder: use init first.";
    } else if (st == ENT_SELF_BUSY) {
        hint = " Is another entented running?";
    }
    fprintf(stderr, "entented: %s: %s (%s).%s\n", what, ent_status_text(st),
            ent_status_name(st), hint);
    return exit_of(st);
}

static int
run(struct config *config)
{
    struct node *node;
    enum ent_status st = node_open(config, &node);

    config_release(config);
    if (st != ENT_OK) {
        return fail(config, st, "cannot run the node");
    }
    node_catch_signals(node);
    printf("entented: ready, listening on %s\n", node_listen(node));
    fflush(stdout);
    node_run(node);
    node_close(node);
    return ENT_EXIT_DONE;
}

static int
init(struct config *config)
{
    enum ent_status st = node_init(config);

    config_release(config);
    if (st != ENT_OK) {
        return fail(config, st, "cannot make the node");
    }
    printf("entented: made the node of “%s” in %s\n", config->structure,
           config->folder);
    return ENT_EXIT_DONE;
}

int
main(int argc, char **argv)
{
    struct config config;
    char error[200];

    keep_to_ourselves();
    ent_crypto_start();
    if (config_read(argc, argv, &config, error) != ENT_OK) {
        fprintf(stderr, "entented: %s\n", error);
        config_release(&config);
        return ENT_EXIT_USAGE;
    }
    log_set_level(config.log_level);
    prctl(PR_SET_DUMPABLE, config.is_inspectable ? 1 : 0, 0, 0, 0);
    switch (config.command) {
    case CONFIG_HELP:
        fputs(config_help(), stdout);
        return ENT_EXIT_DONE;
    case CONFIG_VERSION:
        printf("entented %s\n", ENT_VERSION);
        return ENT_EXIT_DONE;
    case CONFIG_INIT:
        return init(&config);
    case CONFIG_RUN:
        return run(&config);
    }
    return ENT_EXIT_USAGE;
}
