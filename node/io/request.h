/*
 * A request on its way: decoded from the socket, run where its method says
 * (reader, writer, loop), answered once. It outlives a client that hangs up.
 */
#ifndef NODE_IO_REQUEST_H
#define NODE_IO_REQUEST_H

#include "api/api.h"
#include "io/io.h"

struct client;
struct request;

/* Where a request goes back to; implemented by the socket. */
struct request_sink {
    /* Takes `error` and `result`, of which one is NULL. */
    void (*answer)(struct client *client, uint64_t id, struct value *error,
                   struct value *result);
    void (*progress)(struct client *client, struct value *params);
};

/* Runs it. Takes `params` (may be NULL). The answer may come before this
 * returns. */
void request_run(struct io *io, const struct request_sink *sink,
                 struct client *client, const struct rpc_message *msg,
                 struct value *params);

/* For methods of the loop: the io behind a call. */
struct io *request_io(struct api_call *call);
/* … and the request, to be answered later: `is_done` is asked at each beat
 * until it is true. `deadline_ms` (monotonic) is for it to look at. */
void request_defer(struct api_call *call,
                   bool (*is_done)(struct api_call *call, bool is_late),
                   uint64_t deadline_ms);
/* Asks those that wait. */
void requests_beat(struct io *io, uint64_t now_ms);
bool requests_is_waiting(const struct io *io);

#endif
