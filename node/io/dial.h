/*
 * Whom to call, and when: every peer of the directory that has an address and
 * no session. Back-off from one second to five minutes with jitter; secrets
 * newest first; nothing for a while after a refusal by version or right.
 */
#ifndef NODE_IO_DIAL_H
#define NODE_IO_DIAL_H

#include "io/peers.h"

/* The directory was replaced: peers come and go; who changed is called at
 * once, also after a refusal. */
void dial_directory_changed(struct io *io);

/* Looks at what ended, and calls whoever is due. */
void dial_beat(struct io *io, uint64_t now_ms);

/* When the next call is due (monotonic); UINT64_MAX when none is. */
uint64_t dial_next_ms(struct io *io);

/* Somebody asked: forget back-off and refusals, of one peer or (NULL) of all,
 * and call now. */
void dial_now(struct io *io, struct peer *peer);

#endif
