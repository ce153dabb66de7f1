/*
 * The Unix socket for people at this machine: <folder>/entented.sock, 0600,
 * for the node's own user (and root) alone. Frames of rpc.h; several requests
 * at once on one connection, answered as they complete.
 */
#ifndef NODE_IO_SOCKET_H
#define NODE_IO_SOCKET_H

#include "io/io.h"

#define SOCKET_CLIENTS_MAX 32u
#define SOCKET_IN_FLIGHT_MAX 16u /* requests of one client */

struct sockets;

/* ENT_SELF_IO when it cannot be made (the path may be too long). Returns
 * owned: sockets_stop, then sockets_free. */
ENT_MUST_USE enum ent_status sockets_new(struct io *io,
                                         struct sockets **ret_sockets);
/* Takes no more clients; those there are closed once they were answered. */
void sockets_stop(struct sockets *sockets);
/* Closes those too that do not read; their answers are dropped. */
void sockets_close_all(struct sockets *sockets);
size_t sockets_count(const struct sockets *sockets);
/* After the loop has run out. Removes the socket's name. NULL is fine. */
void sockets_free(struct sockets *sockets);

#endif
