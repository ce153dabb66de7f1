/*
 * Methods about the node and its peers, as api_node.c lists them; each runs as
 * its line in the table there says.
 */
#ifndef NODE_API_NODE_METHODS_H
#define NODE_API_NODE_METHODS_H

#include "api/api.h"

/* API_READ: what this node is. */
void api_node_info(struct api_call *call);
/* The same, as a tree for other results. Returns owned. */
struct value *api_node_value(struct api_call *call);

/* API_READ: how sharing stands with every peer, or (with "situation") who has
 * what of one situation. */
void api_status(struct api_call *call);

/* API_READ: links and addresses. */
void api_peers(struct api_call *call);
/* API_WRITE: addresses typed by hand. */
void api_peers_add(struct api_call *call);
void api_peers_remove(struct api_call *call);

#endif
