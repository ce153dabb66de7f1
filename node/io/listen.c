/*
 * Accepting callers.
 *
 * Happy path: a caller comes, is counted as half-open, shows within five
 * seconds and 512 bytes that it is a member (or invited), is handed over.
 * Failure modes
 *   - too many half-open, or too many calls of its prefix: closed at once.
 *   - 90 % of the file descriptors are taken: accepting pauses; callers wait
 *     in the kernel's queue.
 *   - wrong gate, broken handshake, time-out, stranger, no secret in common,
 *     an invitation used, expired or unknown: closed without a byte.
 */
#include "io/listen.h"

#include "clock.h"
#include "io/exchange.h"
#include "io/join.h"
#include "io/limiter.h"
#include "log.h"

#include <entente/limits.h>

#include <stdlib.h>
#include <sys/resource.h>

#define BACKLOG 128
#define FDS_OF_OUR_OWN 32u /* store, loop, socket, log */
#define REASONS_MAX 24u

struct reason {
    const char *name;
    struct log_throttle throttle;
};

struct listener {
    uv_tcp_t tcp;
    struct io *io;
    struct limiter *limiter;
    struct ent_key transport;
    size_t conn_max;
    size_t half_open; /* callers that still point here */
    bool is_paused;
    bool is_stopped;
    bool is_closed;
    struct reason reasons[REASONS_MAX];
};

/* What is remembered of a caller until it is known. */
struct caller {
    struct listener *listener;
    const struct directory_peer *row; /* valid inside one call only */
    size_t valid_count;               /* of the psks: still good */
    size_t psk_count;
    size_t invitations[ENT_INVITATIONS_MAX]; /* rows tried, in that order */
};

static struct log_throttle *
throttle_of(struct listener *listener, const char *reason)
{
    for (size_t i = 0; i < REASONS_MAX; i++) {
        struct reason *place = &listener->reasons[i];

        if (place->name == NULL) {
            place->name = reason;
        }
        if (strcmp(place->name, reason) == 0) {
            return &place->throttle;
        }
    }
    return &listener->reasons[REASONS_MAX - 1].throttle;
}

static void
log_refusal(struct listener *listener, const char *where, const char *reason)
{
    uint64_t skipped;

    if (log_throttle(throttle_of(listener, reason), clock_mono_ms(),
                     &skipped)) {
        log_line(LOG_WARN, "listen", "refused %s: %s (%llu more untold)", where,
                 reason, (unsigned long long)skipped);
    }
}

static void
free_if_done(struct listener *listener)
{
    if (listener->is_closed && listener->half_open == 0) {
        limiter_free(listener->limiter);
        free(listener);
    }
}

/* The caller is known, or gone: it is not half-open any more. */
static void
caller_leave(struct caller *caller, struct conn *conn)
{
    struct listener *listener = caller->listener;

    limiter_leave(listener->limiter, conn_prefix(conn));
    ENT_ASSERT(listener->half_open > 0);
    listener->half_open--;
    free(caller);
    free_if_done(listener);
}

static void
refuse(struct caller *caller, struct conn *conn, enum ent_status st)
{
    log_refusal(caller->listener, conn_where(conn), ent_status_name(st));
    conn_close(conn, st);
}

/* ---- who is it? ---- */

static void
ask_member(struct caller *caller, struct conn *conn,
           const struct ent_link_output *output)
{
    const struct directory_peer *row = directory_find_transport(
        caller->listener->io->directory, &output->remote);

    if (row == NULL || row->secret_count == 0) {
        refuse(caller, conn, ENT_PEER_STRANGER);
        return;
    }
    conn_answer(conn, row->secrets, row->secret_count);
}

static bool
is_invitation_good(const struct directory_invitation *row, uint64_t now_ms)
{
    return !row->is_used && now_ms < row->expires_ms;
}

static void
add_invitations(struct caller *caller, bool is_good, struct ent_key *psks)
{
    const struct directory *directory = caller->listener->io->directory;
    uint64_t now_ms = clock_wall_ms();

    for (size_t i = directory->invitation_count;
         i-- > 0 && caller->psk_count < ENT_INVITATIONS_MAX;) {
        const struct directory_invitation *row = &directory->invitations[i];

        if (is_invitation_good(row, now_ms) == is_good) {
            psks[caller->psk_count] = row->psk;
            caller->invitations[caller->psk_count++] = i;
        }
    }
}

/* Used and expired ones are tried last, only to name the refusal. */
static void
ask_invited(struct caller *caller, struct conn *conn)
{
    struct ent_key psks[ENT_INVITATIONS_MAX];

    caller->psk_count = 0;
    add_invitations(caller, true, psks);
    caller->valid_count = caller->psk_count;
    add_invitations(caller, false, psks);
    if (caller->psk_count == 0) {
        refuse(caller, conn, ENT_PEER_INVITE_UNKNOWN);
        return;
    }
    conn_answer(conn, psks, caller->psk_count);
    ent_wipe(psks, sizeof(psks));
}

static void
on_ask(void *owner, struct conn *conn, const struct ent_link_output *output)
{
    struct caller *caller = owner;

    if (caller->listener->is_stopped) {
        conn_close(conn, ENT_OK);
    } else if (output->pattern == ENT_LINK_JOIN) {
        ask_invited(caller, conn);
    } else {
        ask_member(caller, conn, output);
    }
}

static void
welcome_member(struct caller *caller, struct conn *conn,
               const struct ent_link_output *output)
{
    struct io *io = caller->listener->io;
    const struct directory_peer *row =
        directory_find_transport(io->directory, &output->remote);
    struct peer *peer;

    ENT_ASSERT(row != NULL); /* the answer was given in this same turn */
    ENT_ASSERT(output->secret_index < row->secret_count);
    peer = peers_get(io->peers, &row->node);
    if (peer == NULL) {
        refuse(caller, conn, ENT_PEER_FLOOD);
        return;
    }
    exchange_answer(io, peer, row, output->secret_index, conn, output->hello);
    caller_leave(caller, conn);
}

static void
welcome_invited(struct caller *caller, struct conn *conn,
                const struct ent_link_output *output)
{
    struct io *io = caller->listener->io;
    const struct directory_invitation *row;

    ENT_ASSERT(output->secret_index < caller->psk_count);
    row =
        &io->directory->invitations[caller->invitations[output->secret_index]];
    if (output->secret_index >= caller->valid_count) {
        refuse(caller, conn,
               row->is_used ? ENT_PEER_INVITE_USED : ENT_PEER_INVITE_EXPIRED);
        return;
    }
    if (!join_answer(io, row, &output->remote, conn)) {
        refuse(caller, conn, ENT_PEER_INVITE_USED);
        return;
    }
    caller_leave(caller, conn);
}

static void
on_established(void *owner, struct conn *conn,
               const struct ent_link_output *output)
{
    struct caller *caller = owner;

    if (output->pattern == ENT_LINK_JOIN) {
        welcome_invited(caller, conn, output);
    } else {
        welcome_member(caller, conn, output);
    }
}

static void
on_message(void *owner, struct conn *conn, uint8_t type, struct ent_slice body)
{
    (void)owner;
    (void)type;
    (void)body;
    conn_close(conn, ENT_PEER_STATE); /* it was refused a moment ago */
}

/* Refusals that on_ask and on_established told already are not told twice. */
static bool
is_told(enum ent_status st)
{
    return st == ENT_OK || st == ENT_PEER_STRANGER || st == ENT_PEER_FLOOD ||
           st == ENT_PEER_INVITE_USED || st == ENT_PEER_INVITE_EXPIRED ||
           st == ENT_PEER_INVITE_UNKNOWN;
}

static void
on_closed(void *owner, struct conn *conn, const struct conn_end *end)
{
    struct caller *caller = owner;

    if (!is_told(end->st)) {
        bool is_unknown =
            end->st == ENT_PEER_NO_SECRET && caller->psk_count > 0;

        log_refusal(caller->listener, conn_where(conn),
                    is_unknown ? ent_status_name(ENT_PEER_INVITE_UNKNOWN)
                    : end->st == ENT_AGAIN ? "hung-up"
                                           : ent_status_name(end->st));
    }
    caller_leave(caller, conn);
}

static const struct conn_events CALLER_EVENTS = {
    .on_ask = on_ask,
    .on_established = on_established,
    .on_message = on_message,
    .on_closed = on_closed,
};

/* ---- accepting ---- */

static void
discard_closed(void *owner, struct conn *conn, const struct conn_end *end)
{
    (void)owner;
    (void)conn;
    (void)end;
}

static const struct conn_events DISCARD_EVENTS = {
    .on_closed = discard_closed,
};

static void
accept_one(struct listener *listener)
{
    struct ent_link_config config = {
        .static_secret = listener->io->keys->transport_secret,
        .static_public = listener->transport,
    };
    struct caller *caller;
    enum limiter_answer answer;
    struct conn *conn;

    clock_seed(&config.seed);
    conn = conn_accept(listener->io->conns, (uv_stream_t *)&listener->tcp,
                       &config, &DISCARD_EVENTS, NULL);
    ent_wipe(&config, sizeof(config));
    if (!conn_is_open(conn)) {
        return;
    }
    answer =
        limiter_enter(listener->limiter, conn_prefix(conn), clock_mono_ms());
    if (answer != LIMITER_YES) {
        log_refusal(listener, conn_where(conn), limiter_answer_name(answer));
        conn_close(conn, ENT_OK);
        return;
    }
    caller = ent_alloc_zero(1, sizeof(*caller));
    caller->listener = listener;
    listener->half_open++;
    conn_own(conn, &CALLER_EVENTS, caller);
    listener->io->hurry(listener->io);
}

static void
on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;

    if (status < 0 || listener->is_stopped) {
        return;
    }
    if (conn_set_count(listener->io->conns) >= listener->conn_max) {
        /* Not accepting makes libuv stop asking for more. */
        listener->is_paused = true;
        log_refusal(listener, "new callers", "file-descriptors");
        return;
    }
    accept_one(listener);
}

void
listener_beat(struct listener *listener)
{
    if (listener == NULL || !listener->is_paused || listener->is_stopped) {
        return;
    }
    if (conn_set_count(listener->io->conns) < listener->conn_max) {
        listener->is_paused = false;
        accept_one(listener);
    }
}

/* 90 % of what this process may open, less what it needs for itself. */
static size_t
count_conns(void)
{
    struct rlimit limit;
    size_t fds;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY) {
        return 4096;
    }
    fds = (size_t)limit.rlim_cur / 10u * 9u;
    return fds > 2 * FDS_OF_OUR_OWN ? fds - FDS_OF_OUR_OWN : FDS_OF_OUR_OWN;
}

static void
on_listener_close(uv_handle_t *handle)
{
    struct listener *listener = handle->data;

    listener->is_closed = true;
    free_if_done(listener);
}

static enum ent_status
bind_and_listen(struct listener *listener, const char *address)
{
    struct sockaddr_storage addr;
    int err;

    if (address_parse(address, &addr) != ENT_OK) {
        return ENT_RULE_USAGE;
    }
    err = uv_tcp_bind(&listener->tcp, (struct sockaddr *)&addr, 0);
    if (err == 0) {
        err = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
    }
    if (err == UV_EADDRINUSE) {
        return ENT_SELF_BUSY;
    }
    return err == 0 ? ENT_OK : ENT_SELF_IO;
}

enum ent_status
listener_new(struct io *io, const char *address, struct listener **ret_listener,
             char ret_text[ADDRESS_TEXT_MAX])
{
    struct listener *listener = ent_alloc_zero(1, sizeof(*listener));
    struct limiter_config config = {
        .half_open_max = io->config->half_open_max,
        .half_open_prefix_max = io->config->half_open_prefix_max,
        .rate = io->config->accept_rate,
        .burst = io->config->accept_burst,
    };
    struct sockaddr_storage addr = {0};
    int len = sizeof(addr);
    enum ent_status st;

    listener->io = io;
    listener->transport = io->keys->transport;
    listener->limiter = limiter_new(&config);
    listener->conn_max = count_conns();
    ENT_ASSERT(uv_tcp_init(io->loop, &listener->tcp) == 0);
    listener->tcp.data = listener;
    st = bind_and_listen(listener, address);
    if (st == ENT_OK &&
        uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&addr, &len) !=
            0) {
        st = ENT_SELF_IO;
    }
    if (st != ENT_OK) {
        listener_stop(listener);
        return st;
    }
    address_text((struct sockaddr *)&addr, ret_text);
    *ret_listener = listener;
    return ENT_OK;
}

void
listener_stop(struct listener *listener)
{
    if (listener == NULL || listener->is_stopped) {
        return;
    }
    listener->is_stopped = true;
    uv_close((uv_handle_t *)&listener->tcp, on_listener_close);
}
