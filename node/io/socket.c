/*
 * Serving local calls.
 *
 * Happy path: a client connects -> its user is checked -> frames are decoded
 * as they come -> request_run -> the answer is written.
 * Failure modes
 *   - another user: closed, named in the log. More than SOCKET_CLIENTS_MAX:
 *     closed.
 *   - bytes that are no frame, or a frame over ENT_RPC_BYTES_MAX: closed,
 *     named in the log. No memory is taken for a length that was announced.
 *   - more than SOCKET_IN_FLIGHT_MAX requests: reading pauses until one is
 *     answered. A client that does not read its answers: closed.
 *   - it hangs up: its requests go on, their answers are dropped.
 */
#include "io/socket.h"

#include "clock.h"
#include "io/request.h"
#include "log.h"

#include <entente/rpc.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENT_MAGIC 0x434c4945u
#define READ_LEN (64u * 1024u)
#define QUEUE_MAX (2u * ENT_RPC_BYTES_MAX)

struct sockets {
    struct io *io;
    uv_pipe_t pipe;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct client *first;
    size_t count;
    bool is_stopping;
    struct log_throttle throttle;
    char buf[READ_LEN];
};

struct client {
    unsigned magic;
    struct sockets *sockets;
    struct client *next;
    uv_pipe_t pipe;
    struct ent_buf in;
    size_t in_flight;
    bool is_paused;
    bool is_closing;
    bool is_closed;
};

struct client_write {
    uv_write_t req;
    struct ent_buf buf;
};

static void
free_if_done(struct client *client)
{
    struct client **p = &client->sockets->first;

    if (!client->is_closed || client->in_flight > 0) {
        return;
    }
    while (*p != client) {
        p = &(*p)->next;
    }
    *p = client->next;
    client->sockets->count--;
    ent_buf_release(&client->in);
    client->magic = 0;
    free(client);
}

static void
on_client_close(uv_handle_t *handle)
{
    struct client *client = handle->data;

    ENT_ASSERT(client->magic == CLIENT_MAGIC);
    client->is_closed = true;
    free_if_done(client);
}

static void
client_close(struct client *client)
{
    if (!client->is_closing) {
        client->is_closing = true;
        uv_close((uv_handle_t *)&client->pipe, on_client_close);
    }
}

static void
log_closed(struct sockets *sockets, const char *why)
{
    uint64_t skipped;

    if (log_throttle(&sockets->throttle, clock_mono_ms(), &skipped)) {
        log_line(LOG_WARN, "socket", "closed a client: %s (%llu more untold)",
                 why, (unsigned long long)skipped);
    }
}

/* ---- writing ---- */

static void
on_write(uv_write_t *req, int status)
{
    struct client *client = req->data;

    ENT_ASSERT(client->magic == CLIENT_MAGIC);
    ent_buf_release(&((struct client_write *)req)->buf);
    free(req);
    if (status < 0 ||
        (client->sockets->is_stopping && client->in_flight == 0)) {
        client_close(client);
    }
}

static void
client_write(struct client *client, const struct rpc_message *msg)
{
    uv_stream_t *stream = (uv_stream_t *)&client->pipe;
    struct client_write *write;
    uv_buf_t buf;

    if (client->is_closing) {
        return;
    }
    write = ent_alloc_zero(1, sizeof(*write));
    ent_buf_init(&write->buf, ENT_BUF_MAX);
    rpc_encode(msg, &write->buf);
    write->req.data = client;
    buf = uv_buf_init((char *)write->buf.p, (unsigned)write->buf.len);
    if (write->buf.failed ||
        uv_stream_get_write_queue_size(stream) > QUEUE_MAX ||
        uv_write(&write->req, stream, &buf, 1, on_write) != 0) {
        ent_buf_release(&write->buf);
        free(write);
        log_closed(client->sockets, "it does not read its answers");
        client_close(client);
    }
}

static void take_frames(struct client *client);

static void
on_answer(struct client *client, uint64_t id, struct value *error,
          struct value *result)
{
    struct rpc_message msg = {
        .kind = RPC_RESPONSE,
        .id = id,
        .error = error,
        .result = result,
    };

    ENT_ASSERT(client->magic == CLIENT_MAGIC && client->in_flight > 0);
    client->in_flight--;
    client_write(client, &msg);
    value_free(error);
    value_free(result);
    if (client->is_paused && !client->is_closing) {
        client->is_paused = false;
        take_frames(client);
    }
    free_if_done(client);
}

static void
on_progress(struct client *client, struct value *params)
{
    struct rpc_message msg = {
        .kind = RPC_NOTIFY,
        .method = "progress",
        .params = params,
    };

    ENT_ASSERT(client->magic == CLIENT_MAGIC);
    client_write(client, &msg);
    value_free(params);
}

static const struct request_sink SINK = {
    .answer = on_answer,
    .progress = on_progress,
};

/* ---- reading ---- */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct client *client = handle->data;

    (void)suggested;
    ENT_ASSERT(client->magic == CLIENT_MAGIC);
    *ret_buf = uv_buf_init(client->sockets->buf, READ_LEN);
}

static void
on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct client *client = stream->data;

    ENT_ASSERT(client->magic == CLIENT_MAGIC);
    if (len < 0) {
        client_close(client);
        return;
    }
    ent_buf_put(&client->in, buf->base, (size_t)len);
    if (client->in.failed) {
        log_closed(client->sockets, ent_status_name(ENT_PEER_TOO_BIG));
        client_close(client);
        return;
    }
    take_frames(client);
}

static void
start_reading(struct client *client)
{
    int err;

    if (client->is_closing) {
        return;
    }
    err = uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
    if (err != 0 && err != UV_EALREADY) {
        client_close(client);
    }
}

static void
run_message(struct client *client, struct rpc_message *msg)
{
    if (msg->kind != RPC_REQUEST) {
        log_closed(client->sockets, "it sent something else than requests");
        rpc_message_release(msg);
        client_close(client);
        return;
    }
    client->in_flight++;
    request_run(client->sockets->io, &SINK, client, msg, msg->params);
    msg->params = NULL; /* taken */
    rpc_message_release(msg);
}

static void
pause_reading(struct client *client)
{
    client->is_paused = true;
    uv_read_stop((uv_stream_t *)&client->pipe);
}

/* Decodes what is there, one frame after the other. An answer given at once
 * comes back here through on_answer only when reading was paused. */
static void
take_frames(struct client *client)
{
    struct rpc_message msg;
    enum ent_status st = ENT_OK;
    size_t used;

    client->in_flight++; /* stays alive until the end of this function */
    while (!client->is_closing && client->in_flight <= SOCKET_IN_FLIGHT_MAX) {
        st = rpc_decode(ent_buf_slice(&client->in), &msg, &used);
        if (st != ENT_OK) {
            break;
        }
        ent_buf_drop(&client->in, used);
        run_message(client, &msg);
    }
    client->in_flight--;
    if (st != ENT_OK && st != ENT_WANT_MORE) {
        log_closed(client->sockets, ent_status_name(st));
        client_close(client);
    }
    if (!client->is_closing) {
        if (client->in_flight >= SOCKET_IN_FLIGHT_MAX) {
            pause_reading(client);
        } else {
            start_reading(client);
        }
    }
    free_if_done(client);
}

/* ---- accepting ---- */

static bool
is_own_user(uv_pipe_t *pipe)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    uv_os_fd_t fd;

    return uv_fileno((uv_handle_t *)pipe, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
           (cred.uid == geteuid() || cred.uid == 0);
}

static void
on_connection(uv_stream_t *stream, int status)
{
    struct sockets *sockets = stream->data;
    struct client *client;

    if (status < 0) {
        return;
    }
    client = ent_alloc_zero(1, sizeof(*client));
    client->magic = CLIENT_MAGIC;
    client->sockets = sockets;
    client->next = sockets->first;
    sockets->first = client;
    sockets->count++;
    ent_buf_init(&client->in, ENT_RPC_BYTES_MAX + READ_LEN);
    ENT_ASSERT(uv_pipe_init(sockets->io->loop, &client->pipe, 0) == 0);
    client->pipe.data = client;
    if (uv_accept(stream, (uv_stream_t *)&client->pipe) != 0) {
        client_close(client);
    } else if (!is_own_user(&client->pipe)) {
        log_closed(sockets, ent_status_name(ENT_RULE_AUTH));
        client_close(client);
    } else if (sockets->count > SOCKET_CLIENTS_MAX || sockets->is_stopping) {
        log_closed(sockets, "too many clients");
        client_close(client);
    } else {
        start_reading(client);
    }
}

static void
on_close(uv_handle_t *handle)
{
    (void)handle; /* freed by sockets_free */
}

/* The folder is 0700 and held by our lock: an old name is a dead one. */
static int
bind_name(struct sockets *sockets)
{
    int err;

    unlink(sockets->path);
    err = uv_pipe_bind(&sockets->pipe, sockets->path);
    if (err == 0 && chmod(sockets->path, 0600) != 0) {
        err = UV_EIO;
    }
    if (err == 0) {
        err = uv_listen((uv_stream_t *)&sockets->pipe, 32, on_connection);
    }
    return err;
}

enum ent_status
sockets_new(struct io *io, struct sockets **ret_sockets)
{
    struct sockets *sockets = ent_alloc_zero(1, sizeof(*sockets));
    int len;

    sockets->io = io;
    ENT_ASSERT(uv_pipe_init(io->loop, &sockets->pipe, 0) == 0);
    sockets->pipe.data = sockets;
    len = snprintf(sockets->path, sizeof(sockets->path), "%s/%s",
                   io->config->folder, RPC_SOCKET_NAME);
    if (len < 0 || (size_t)len >= sizeof(sockets->path) ||
        bind_name(sockets) != 0) {
        log_line(LOG_ERROR, "socket", "cannot listen at %s/%s",
                 io->config->folder, RPC_SOCKET_NAME);
        uv_close((uv_handle_t *)&sockets->pipe, on_close);
        uv_run(io->loop, UV_RUN_NOWAIT);
        free(sockets);
        return ENT_SELF_IO;
    }
    *ret_sockets = sockets;
    return ENT_OK;
}

void
sockets_stop(struct sockets *sockets)
{
    struct client *next;

    if (sockets == NULL) {
        return;
    }
    if (!sockets->is_stopping) {
        sockets->is_stopping = true;
        uv_close((uv_handle_t *)&sockets->pipe, on_close);
    }
    for (struct client *c = sockets->first; c != NULL; c = next) {
        next = c->next;
        if (c->in_flight == 0 &&
            uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) == 0) {
            client_close(c);
        }
    }
}

void
sockets_close_all(struct sockets *sockets)
{
    for (struct client *c = sockets == NULL ? NULL : sockets->first; c != NULL;
         c = c->next) {
        client_close(c);
    }
}

size_t
sockets_count(const struct sockets *sockets)
{
    return sockets == NULL ? 0 : sockets->count;
}

void
sockets_free(struct sockets *sockets)
{
    if (sockets == NULL) {
        return;
    }
    ENT_ASSERT(sockets->first == NULL);
    unlink(sockets->path);
    free(sockets);
}
