/*
 * The listening side: who is let in before it is known, and who it turns out
 * to be. Members become exchanges, invited callers become joins, everybody
 * else is closed without a word and named in the log, at most once a second a
 * reason. Normative text: docs/protocol.md 4.
 */
#ifndef NODE_IO_LISTEN_H
#define NODE_IO_LISTEN_H

#include "io/io.h"

struct listener;

/* Binds and listens. ENT_RULE_USAGE for an address that is none; ENT_SELF_BUSY
 * when it is taken; ENT_SELF_IO. `ret_text` is the address really bound.
 * Returns owned: listener_stop. */
ENT_MUST_USE enum ent_status listener_new(struct io *io, const char *address,
                                          struct listener **ret_listener,
                                          char ret_text[ADDRESS_TEXT_MAX]);
/* Takes no more callers; frees itself once its last half-open caller is
 * gone. NULL is fine. */
void listener_stop(struct listener *listener);
/* Goes on accepting when it paused for want of file descriptors. */
void listener_beat(struct listener *listener);

#endif
