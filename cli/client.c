/*
 * The daemon's socket. Happy path: connect, send one request, read frames
 * until the response with its id; notifications in between are progress.
 *
 * Failure modes: no socket or nobody behind it (NULL); the daemon goes away
 * in mid-call (no-daemon); it says nothing for too long (no-answer: it may
 * still do what was asked); bytes that are no message (bad-answer).
 */
#include "client.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_CHUNK 65536u

struct client {
    int fd;
    uint64_t last_id;
    struct ent_buf in;
};

/* A socket's address holds 107 bytes of path; through /proc a folder may
 * have any name. */
static int
connect_in(int folder_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path),
             "/proc/self/fd/%d/" RPC_SOCKET_NAME, folder_fd);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&address,
                           sizeof(address)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

struct client *
client_open(const char *folder)
{
    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct client *c;
    int fd;

    if (folder_fd < 0) {
        return NULL;
    }
    fd = connect_in(folder_fd);
    close(folder_fd);
    if (fd < 0) {
        return NULL;
    }
    c = ent_alloc_zero(1, sizeof(*c));
    c->fd = fd;
    return c;
}

void
client_close(struct client *c)
{
    if (c == NULL) {
        return;
    }
    close(c->fd);
    ent_buf_release(&c->in);
    free(c);
}

pid_t
client_peer(const struct client *c)
{
    struct ucred cred = {0};
    socklen_t len = sizeof(cred);

    if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0) {
        return 0;
    }
    return cred.pid;
}

static struct value *
gone(void)
{
    return cli_error("no-daemon", ENT_EXIT_NO_DAEMON,
                     "Look at its log (entented.log in the node's folder), "
                     "then start it again: entente up",
                     "the daemon went away before it answered");
}

static struct value *
silent(int silence_ms)
{
    return cli_error("no-answer", ENT_EXIT_NO_DAEMON,
                     "It may still do what was asked; see: entente status",
                     "the daemon said nothing for %d seconds",
                     silence_ms / 1000);
}

static struct value *
send_all(struct client *c, struct ent_slice bytes, int silence_ms)
{
    while (bytes.len > 0) {
        struct pollfd p = {.fd = c->fd, .events = POLLOUT};
        ssize_t n;

        if (poll(&p, 1, silence_ms) == 0) {
            return silent(silence_ms);
        }
        n = send(c->fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return gone();
        }
        if (n > 0) {
            bytes = ent_slice(bytes.p + n, bytes.len - (size_t)n);
        }
    }
    return NULL;
}

static struct value *
receive(struct client *c, int silence_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    uint8_t chunk[READ_CHUNK];
    int ready = poll(&p, 1, silence_ms);
    ssize_t n;

    if (ready == 0) {
        return silent(silence_ms);
    }
    n = recv(c->fd, chunk, sizeof(chunk), 0);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        return gone();
    }
    if (n > 0) {
        ent_buf_put(&c->in, chunk, (size_t)n);
    }
    return NULL;
}

/* The next message, waiting for it. NULL: there it is. */
static struct value *
next_message(struct client *c, int silence_ms, struct rpc_message *ret_msg)
{
    for (;;) {
        struct value *error;
        size_t used = 0;
        enum ent_status st = rpc_decode(ent_buf_slice(&c->in), ret_msg, &used);

        if (st == ENT_OK) {
            ent_buf_drop(&c->in, used);
            return NULL;
        }
        if (st != ENT_WANT_MORE) {
            return cli_error("bad-answer", ENT_EXIT_NO_DAEMON,
                             "Are entente and entented of the same version?",
                             "the daemon's answer makes no sense: %s",
                             ent_status_text(st));
        }
        error = receive(c, silence_ms);
        if (error != NULL) {
            return error;
        }
    }
}

static struct value *
send_request(struct client *c, const char *method, struct value *params,
             int silence_ms)
{
    struct rpc_message msg = {
        .kind = RPC_REQUEST, .id = ++c->last_id, .params = params};
    struct value *error = NULL;
    struct ent_buf bytes = {0};

    ENT_ASSERT(strlen(method) < sizeof(msg.method));
    memcpy(msg.method, method, strlen(method) + 1);
    rpc_encode(&msg, &bytes);
    if (bytes.failed) {
        error = cli_error("usage", ENT_EXIT_USAGE,
                          "Shorten the text, or split it over several notes.",
                          "this is more than a single request may carry");
    } else {
        error = send_all(c, ent_buf_slice(&bytes), silence_ms);
    }
    ent_buf_release(&bytes);
    return error;
}

struct value *
client_call(struct client *c, const char *method, struct value *params,
            int silence_ms, const struct client_watcher *watcher,
            struct value **ret_result)
{
    struct value *error = send_request(c, method, params, silence_ms);
    struct rpc_message msg;

    while (error == NULL) {
        bool is_ours;

        error = next_message(c, silence_ms, &msg);
        if (error != NULL) {
            break;
        }
        is_ours = msg.kind == RPC_RESPONSE && msg.id == c->last_id;
        if (is_ours && msg.error == NULL) {
            *ret_result =
                msg.result != NULL ? value_share(msg.result) : value_object();
            rpc_message_release(&msg);
            return NULL;
        }
        if (is_ours) {
            error = value_share(msg.error);
        } else if (msg.kind == RPC_NOTIFY && watcher != NULL &&
                   watcher->on_progress != NULL && msg.params != NULL) {
            watcher->on_progress(watcher->arg, msg.params);
        }
        rpc_message_release(&msg);
    }
    return error;
}
