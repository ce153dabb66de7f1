/*
 * The composition root: the only module that knows all the others. It opens
 * the store, starts the threads, the loop and what lives on it, and takes them
 * down again in a written order.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "config.h"
#include "store/engine.h"

struct node;

/* Makes a node in the configured folder. The statuses of engine_init;
 * ENT_SELF_IO for a key file that cannot be made. */
ENT_MUST_USE enum ent_status node_init(const struct config *config);

/* Opens and starts everything; from here on peers and people may call.
 * `config` is borrowed until node_close. The statuses of engine_open;
 * ENT_RULE_USAGE, ENT_SELF_BUSY or ENT_SELF_IO for the address to listen at.
 * Returns owned: node_close. */
ENT_MUST_USE enum ent_status node_open(const struct config *config,
                                       struct node **ret_node);
/* "127.0.0.1:7447": where it really listens. Borrowed. */
const char *node_listen(const struct node *node);
/* Makes SIGTERM and SIGINT end node_run. For a process with one node. */
void node_catch_signals(struct node *node);
/* Runs until it is asked to stop. */
void node_run(struct node *node);
/* Any thread: begins the orderly stop. */
void node_stop(struct node *node);
/* Ends the stop: drains, commits, closes. Call it after node_run. */
void node_close(struct node *node);

#endif
