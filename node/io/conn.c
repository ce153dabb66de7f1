/*
 * One TCP connection and its link.
 *
 * Happy path
 *   - accepted or connected; bytes go through ent_link_read one event at a
 *     time; what the link and the owner have to say gathers in `out` and is
 *     written once, after the event.
 *   - conn_finish: what is queued is written, our side is shut, the rest of
 *     what comes is thrown away until the other side closes too.
 * Failure modes
 *   - resolving, connecting: ENT_SELF_IO.
 *   - nothing, or not enough, before the deadline: ENT_PEER_TIMEOUT.
 *   - the link's status: wrong gate, handshake, record, too big.
 *   - more than CONN_QUEUE_MAX waits to be written: ENT_PEER_FLOOD.
 *   - end of stream or reset: ENT_AGAIN. Nothing is concluded from it.
 *   - more than CONN_READ_TURN_MAX in one turn: reading pauses until the
 *     loop's next turn, so that one peer does not starve the others.
 * The object is freed in the last callback of its handle, never before.
 */
#include "io/conn.h"

#include "clock.h"

#include <entente/limits.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#define CONN_MAGIC 0x434f4e4eu
#define READ_LEN (64u * 1024u)

enum conn_state {
    CONN_CALLING, /* resolving or connecting */
    CONN_OPEN,
    CONN_DRAINING, /* our last bytes are on their way */
    CONN_CLOSED,   /* on_closed is on its way */
};

struct conn_set {
    uv_loop_t *loop;
    uv_prepare_t prepare; /* resumes paused reading */
    uint64_t turn;
    size_t count;
    struct conn *first;
    uint8_t buf[READ_LEN];
};

struct conn {
    unsigned magic;
    enum conn_state state;
    struct conn_set *set;
    struct conn *next;
    struct conn *prev;
    uv_tcp_t tcp;
    const struct conn_events *events;
    void *owner;
    struct ent_link *link;
    struct ent_link_config *config; /* caller, until connected */
    struct ent_buf out;
    struct ent_buf rest; /* came while held */
    struct conn_end end;
    uint64_t deadline_ms; /* 0: none */
    uint64_t turn;
    size_t turn_len;
    uint64_t bytes_in;
    uint64_t bytes_out;
    bool is_caller;
    bool is_trusted;
    bool is_held;
    bool is_paused;
    bool is_resolving;
    bool is_tcp_closed;
    struct address_prefix prefix;
    char where[ADDRESS_TEXT_MAX];
};

struct conn_write {
    uv_write_t req;
    struct ent_buf buf;
};

struct conn_call {
    union {
        uv_getaddrinfo_t resolve;
        uv_connect_t connect;
        uv_shutdown_t shutdown;
    } req;
    struct conn *conn;
};

static void
free_config(struct conn *conn)
{
    if (conn->config != NULL) {
        ent_wipe(conn->config, sizeof(*conn->config));
        free(conn->config);
        conn->config = NULL;
    }
}

static void
conn_free(struct conn *conn)
{
    struct conn_set *set = conn->set;

    if (conn->prev != NULL) {
        conn->prev->next = conn->next;
    } else {
        set->first = conn->next;
    }
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    set->count--;
    free_config(conn);
    ent_link_free(conn->link);
    ent_buf_release(&conn->out);
    ent_buf_release(&conn->rest);
    conn->magic = 0;
    free(conn);
}

static void
end_if_done(struct conn *conn)
{
    if (conn->is_tcp_closed && !conn->is_resolving) {
        conn->events->on_closed(conn->owner, conn, &conn->end);
        conn_free(conn);
    }
}

static void
on_close(uv_handle_t *handle)
{
    struct conn *conn = handle->data;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    conn->is_tcp_closed = true;
    end_if_done(conn);
}

void
conn_close(struct conn *conn, enum ent_status st)
{
    ENT_ASSERT(conn->magic == CONN_MAGIC);
    if (conn->state == CONN_CLOSED) {
        return;
    }
    if (conn->state != CONN_DRAINING) {
        conn->end.st = st;
    }
    conn->state = CONN_CLOSED;
    conn->deadline_ms = 0;
    uv_close((uv_handle_t *)&conn->tcp, on_close);
}

/* ---- writing ---- */

static void
on_write(uv_write_t *req, int status)
{
    struct conn *conn = req->data;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    ent_buf_release(&((struct conn_write *)req)->buf);
    free(req);
    if (status < 0) {
        conn_close(conn, ENT_AGAIN);
    }
}

/* What the kernel takes at once costs no allocation. */
static bool
write_at_once(struct conn *conn)
{
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    uv_buf_t buf = uv_buf_init((char *)conn->out.p, (unsigned)conn->out.len);
    int done;

    if (uv_stream_get_write_queue_size(stream) > 0) {
        return false;
    }
    done = uv_try_write(stream, &buf, 1);
    if (done <= 0) {
        return false;
    }
    ent_buf_drop(&conn->out, (size_t)done);
    return conn->out.len == 0;
}

static void
write_later(struct conn *conn)
{
    struct conn_write *write = ent_alloc_zero(1, sizeof(*write));
    uv_buf_t buf;

    write->buf = conn->out;
    ent_buf_init(&conn->out, CONN_QUEUE_MAX);
    write->req.data = conn;
    buf = uv_buf_init((char *)write->buf.p, (unsigned)write->buf.len);
    if (uv_write(&write->req, (uv_stream_t *)&conn->tcp, &buf, 1, on_write) !=
        0) {
        ent_buf_release(&write->buf);
        free(write);
        conn_close(conn, ENT_AGAIN);
    }
}

void
conn_flush(struct conn *conn)
{
    size_t queued;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    if (conn->state != CONN_OPEN) {
        return;
    }
    queued = uv_stream_get_write_queue_size((uv_stream_t *)&conn->tcp);
    if (conn->out.failed || queued + conn->out.len > CONN_QUEUE_MAX) {
        conn_close(conn, ENT_PEER_FLOOD);
        return;
    }
    if (conn->out.len == 0) {
        return;
    }
    conn->bytes_out += conn->out.len;
    if (!write_at_once(conn)) {
        write_later(conn);
    }
}

void
conn_send(struct conn *conn, uint8_t type, struct ent_slice body)
{
    enum ent_status st;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    if (conn->state != CONN_OPEN) {
        return;
    }
    ENT_ASSERT(conn->end.was_established);
    st = ent_link_send(conn->link, type, body, &conn->out);
    if (st != ENT_OK) {
        conn_close(conn, st);
    }
}

static void
on_shutdown(uv_shutdown_t *req, int status)
{
    struct conn_call *call = (struct conn_call *)req;
    struct conn *conn = call->conn;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    free(call);
    if (status < 0) {
        conn_close(conn, ENT_AGAIN);
    }
}

void
conn_finish(struct conn *conn)
{
    struct conn_call *call;

    conn_flush(conn);
    if (conn->state == CONN_CALLING) {
        conn_close(conn, ENT_OK);
    }
    if (conn->state != CONN_OPEN) {
        return;
    }
    conn_hold(conn, false);
    if (conn->state != CONN_OPEN) {
        return;
    }
    call = ent_alloc_zero(1, sizeof(*call));
    call->conn = conn;
    conn->state = CONN_DRAINING;
    conn->end.st = ENT_OK;
    conn->deadline_ms = clock_mono_ms() + CONN_DRAIN_MS;
    if (uv_shutdown(&call->req.shutdown, (uv_stream_t *)&conn->tcp,
                    on_shutdown) != 0) {
        free(call);
        conn_close(conn, ENT_OK);
    }
}

/* ---- reading ---- */

static void
tell(struct conn *conn, const struct ent_link_output *output)
{
    switch (output->event) {
    case ENT_LINK_NONE:
        break;
    case ENT_LINK_ASK_SECRET:
    case ENT_LINK_ASK_CALLER:
        conn->events->on_ask(conn->owner, conn, output);
        break;
    case ENT_LINK_ESTABLISHED:
        conn->end.was_established = true;
        conn->events->on_established(conn->owner, conn, output);
        break;
    case ENT_LINK_MESSAGE:
        conn->events->on_message(conn->owner, conn, output->type, output->body);
        break;
    }
}

/* Hands bytes to the link until it wants more, or nobody listens. */
static void
feed(struct conn *conn, struct ent_slice in)
{
    struct ent_link_output output;
    enum ent_status st;
    size_t used;

    while (conn->state == CONN_OPEN && !conn->is_held) {
        output = (struct ent_link_output){0};
        used = 0;
        st = ent_link_read(conn->link, in, &used, &conn->out, &output);
        if (st != ENT_OK) {
            conn_close(conn, st);
            return;
        }
        ENT_ASSERT(used <= in.len);
        in = ent_slice(in.p + used, in.len - used);
        if (output.event == ENT_LINK_NONE) {
            break;
        }
        tell(conn, &output);
    }
    if (conn->state == CONN_OPEN && in.len > 0) {
        ent_buf_put_slice(&conn->rest, in);
    }
    conn_flush(conn);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct conn *conn = handle->data;
    size_t len = READ_LEN;

    (void)suggested;
    ENT_ASSERT(conn->magic == CONN_MAGIC);
    if (!conn->is_trusted && !conn->is_caller) {
        len = ENT_PREAUTH_BYTES_MAX + 1;
    }
    *ret_buf = uv_buf_init((char *)conn->set->buf, (unsigned)len);
}

static void on_prepare(uv_prepare_t *prepare);

/* Enough from this one for now; the loop's next turn goes on. */
static void
pause_if_greedy(struct conn *conn, size_t len)
{
    if (conn->turn != conn->set->turn) {
        conn->turn = conn->set->turn;
        conn->turn_len = 0;
    }
    conn->turn_len += len;
    if (conn->turn_len >= CONN_READ_TURN_MAX && !conn->is_paused) {
        conn->is_paused = true;
        uv_read_stop((uv_stream_t *)&conn->tcp);
        uv_prepare_start(&conn->set->prepare, on_prepare);
    }
}

/*~ 1/14 Welcome! A colleague's situation knocks at our door as plain bytes, in
 * whatever cuts the network made of them. Nothing is believed yet. We count
 * them, let nobody take more than a fair turn of reading, and pass them on. The
 * next stop is proto/wire/link.c, ent_link_read; docs/tour.md tells the whole
 * way. */
static void
on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    if (len < 0) {
        conn_close(conn, ENT_AGAIN);
        return;
    }
    if (len == 0 || conn->state != CONN_OPEN) {
        return;
    }
    conn->bytes_in += (uint64_t)len;
    pause_if_greedy(conn, (size_t)len);
    feed(conn, ent_slice(buf->base, (size_t)len));
}

static void
start_reading(struct conn *conn)
{
    int err;

    if (conn->state == CONN_CLOSED || conn->is_held || conn->is_paused) {
        return;
    }
    err = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    if (err != 0 && err != UV_EALREADY) {
        conn_close(conn, ENT_AGAIN);
    }
}

static void
on_prepare(uv_prepare_t *prepare)
{
    struct conn_set *set = prepare->data;

    set->turn++;
    uv_prepare_stop(prepare);
    for (struct conn *conn = set->first; conn != NULL; conn = conn->next) {
        if (conn->is_paused) {
            conn->is_paused = false;
            start_reading(conn);
        }
    }
}

void
conn_hold(struct conn *conn, bool is_held)
{
    struct ent_buf rest;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    if (conn->is_held == is_held || conn->state != CONN_OPEN) {
        return;
    }
    conn->is_held = is_held;
    if (is_held) {
        uv_read_stop((uv_stream_t *)&conn->tcp);
        return;
    }
    rest = conn->rest;
    ent_buf_init(&conn->rest, READ_LEN);
    feed(conn, ent_buf_slice(&rest));
    ent_buf_release(&rest);
    start_reading(conn);
}

/* ---- beginning ---- */

static struct conn *
conn_new(struct conn_set *set, const struct conn_events *events, void *owner)
{
    struct conn *conn = ent_alloc_zero(1, sizeof(*conn));

    conn->magic = CONN_MAGIC;
    conn->set = set;
    conn->events = events;
    conn->owner = owner;
    ent_buf_init(&conn->out, CONN_QUEUE_MAX);
    ent_buf_init(&conn->rest, READ_LEN);
    conn->next = set->first;
    if (set->first != NULL) {
        set->first->prev = conn;
    }
    set->first = conn;
    set->count++;
    ENT_ASSERT(uv_tcp_init(set->loop, &conn->tcp) == 0);
    conn->tcp.data = conn;
    return conn;
}

static void
note_where(struct conn *conn)
{
    struct sockaddr_storage addr = {0};
    int len = sizeof(addr);

    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&addr, &len) == 0) {
        address_text((struct sockaddr *)&addr, conn->where);
        address_prefix((struct sockaddr *)&addr, &conn->prefix);
    }
}

static void
begin(struct conn *conn, const struct ent_link_config *config)
{
    conn->state = CONN_OPEN;
    conn->end.was_connected = true;
    conn->deadline_ms = clock_mono_ms() + ENT_PREAUTH_MS;
    note_where(conn);
    uv_tcp_nodelay(&conn->tcp, 1);
    uv_tcp_keepalive(&conn->tcp, 1, 60);
    conn->link = ent_link_new(config, &conn->out);
    conn_flush(conn);
    start_reading(conn);
}

struct conn *
conn_accept(struct conn_set *set, uv_stream_t *listener,
            const struct ent_link_config *config,
            const struct conn_events *events, void *owner)
{
    struct conn *conn = conn_new(set, events, owner);

    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) != 0) {
        conn_close(conn, ENT_SELF_IO);
        return conn;
    }
    begin(conn, config);
    return conn;
}

static void
on_connected(uv_connect_t *req, int status)
{
    struct conn_call *call = (struct conn_call *)req;
    struct conn *conn = call->conn;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    free(call);
    if (conn->state != CONN_CALLING) {
        return;
    }
    if (status < 0) {
        conn_close(conn, ENT_SELF_IO);
        return;
    }
    begin(conn, conn->config);
    free_config(conn);
}

static void
connect_to(struct conn *conn, const struct sockaddr *addr)
{
    struct conn_call *call = ent_alloc_zero(1, sizeof(*call));

    call->conn = conn;
    address_text(addr, conn->where);
    if (uv_tcp_connect(&call->req.connect, &conn->tcp, addr, on_connected) !=
        0) {
        free(call);
        conn_close(conn, ENT_SELF_IO);
    }
}

static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct conn_call *call = (struct conn_call *)req;
    struct conn *conn = call->conn;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    free(call);
    conn->is_resolving = false;
    if (conn->state != CONN_CALLING) {
        uv_freeaddrinfo(found);
        end_if_done(conn);
        return;
    }
    if (status < 0 || found == NULL) {
        conn_close(conn, ENT_SELF_IO);
    } else {
        connect_to(conn, found->ai_addr);
    }
    uv_freeaddrinfo(found);
}

static void
resolve(struct conn *conn, const char *address)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct address_parts parts;
    struct conn_call *call;

    if (address_split(address, &parts) != ENT_OK) {
        conn_close(conn, ENT_SELF_IO);
        return;
    }
    call = ent_alloc_zero(1, sizeof(*call));
    call->conn = conn;
    conn->is_resolving = true;
    if (uv_getaddrinfo(conn->set->loop, &call->req.resolve, on_resolved,
                       parts.host, parts.port, &hints) != 0) {
        conn->is_resolving = false;
        free(call);
        conn_close(conn, ENT_SELF_IO);
    }
}

struct conn *
conn_call(struct conn_set *set, const char *address,
          const struct ent_link_config *config,
          const struct conn_events *events, void *owner)
{
    struct conn *conn = conn_new(set, events, owner);
    struct sockaddr_storage addr;

    conn->is_caller = true;
    conn->state = CONN_CALLING;
    conn->deadline_ms = clock_mono_ms() + CONN_CONNECT_MS;
    conn->config = ent_alloc(sizeof(*config));
    *conn->config = *config;
    snprintf(conn->where, sizeof(conn->where), "%s", address);
    if (address_parse(address, &addr) == ENT_OK) {
        connect_to(conn, (struct sockaddr *)&addr);
    } else {
        resolve(conn, address);
    }
    return conn;
}

/* ---- for owners ---- */

void
conn_own(struct conn *conn, const struct conn_events *events, void *owner)
{
    ENT_ASSERT(conn->magic == CONN_MAGIC);
    conn->events = events;
    conn->owner = owner;
}

void
conn_answer(struct conn *conn, const struct ent_key *psks, size_t count)
{
    enum ent_status st;

    ENT_ASSERT(conn->magic == CONN_MAGIC);
    st = ent_link_answer(conn->link, psks, count, &conn->out);
    if (st != ENT_OK) {
        conn_close(conn, st);
    }
}

void
conn_trust(struct conn *conn)
{
    ENT_ASSERT(conn->magic == CONN_MAGIC);
    conn->is_trusted = true;
    if (conn->state == CONN_OPEN) {
        conn->deadline_ms = 0;
    }
}

bool
conn_is_open(const struct conn *conn)
{
    ENT_ASSERT(conn->magic == CONN_MAGIC);
    return conn->state == CONN_OPEN;
}

void
conn_hash(const struct conn *conn, uint8_t ret_hash[32])
{
    ENT_ASSERT(conn->end.was_established);
    ent_link_hash(conn->link, ret_hash);
}

uint64_t
conn_bytes_in(const struct conn *conn)
{
    return conn->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *conn)
{
    return conn->bytes_out;
}

uint64_t
conn_rtt_ms(const struct conn *conn)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    uv_os_fd_t fd;

    if (conn->state != CONN_OPEN ||
        uv_fileno((const uv_handle_t *)&conn->tcp, &fd) != 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return 0;
    }
    return (info.tcpi_rtt + 500u) / 1000u;
}

const char *
conn_where(const struct conn *conn)
{
    return conn->where;
}

const struct address_prefix *
conn_prefix(const struct conn *conn)
{
    return &conn->prefix;
}

/* ---- the set ---- */

struct conn_set *
conn_set_new(uv_loop_t *loop)
{
    struct conn_set *set = ent_alloc_zero(1, sizeof(*set));

    set->loop = loop;
    ENT_ASSERT(uv_prepare_init(loop, &set->prepare) == 0);
    set->prepare.data = set;
    return set;
}

static void
on_set_close(uv_handle_t *handle)
{
    free(handle->data);
}

void
conn_set_free(struct conn_set *set)
{
    if (set == NULL) {
        return;
    }
    ENT_ASSERT(set->first == NULL);
    uv_close((uv_handle_t *)&set->prepare, on_set_close);
}

size_t
conn_set_count(const struct conn_set *set)
{
    return set->count;
}

void
conn_set_beat(struct conn_set *set, uint64_t now_ms)
{
    for (struct conn *conn = set->first; conn != NULL; conn = conn->next) {
        if (conn->deadline_ms == 0 || now_ms < conn->deadline_ms) {
            continue;
        }
        conn_close(conn, conn->state == CONN_CALLING ? ENT_SELF_IO
                                                     : ENT_PEER_TIMEOUT);
    }
}

void
conn_set_close_all(struct conn_set *set)
{
    for (struct conn *conn = set->first; conn != NULL; conn = conn->next) {
        conn_close(conn, ENT_OK);
    }
}

bool
conn_set_is_waiting(const struct conn_set *set)
{
    for (const struct conn *c = set->first; c != NULL; c = c->next) {
        if (c->deadline_ms != 0) {
            return true;
        }
    }
    return false;
}
