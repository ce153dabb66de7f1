/*
 * What `init` fixed, for whoever starts the node.
 */
#ifndef NODE_STORE_PROFILE_H
#define NODE_STORE_PROFILE_H

#include <entente/control.h>

struct engine;

/* The address to listen at. Writer's thread, or before it starts. */
void profile_listen(struct engine *engine,
                    char ret_listen[ENT_ADDRESS_MAX + 1]);

#endif
