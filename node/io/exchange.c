/*
 * The life of an exchange.
 *
 *   new ── state read ──► calling ── established ──► started ── HELLO ──► ready
 *    (a callee starts at "started")                                │
 *                     over ◄── CLOSE, or the connection's end ◄────┘
 *
 * Happy path: as drawn. At ready it becomes peer->live, unless another one
 * that crossed it stays.
 * Failure modes
 *   - the connection ends at any point: what is known of it is in peer->end,
 *     and whoever calls peers decides when to call again.
 *   - the node stops: BYE(STOP), once the link stands; else just closed.
 *   - a job comes back after the end: its result is dropped; the last one
 *     frees the exchange.
 */
#include "io/exchange_state.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

/* Two sessions that came about this close together have crossed; a later one
 * shows that the peer lost the earlier. */
#define CROSSING_MS 5000u
/* A link that carried this much is renewed, as after an hour. */
#define REHANDSHAKE_BYTES (1024ull * 1024u * 1024u)
/* The caller tries a link on an old secret anew when nothing moves on it: its
 * newest may be known to the callee by now. First after this long … */
#define LIMITED_MS 500u
#define LIMITED_MAX_MS 60000u /* … then twice as long each time, up to this */

static uint64_t
free_mib(const struct io *io)
{
    struct statvfs fs;

    if (statvfs(io->config->folder, &fs) != 0) {
        return 0;
    }
    return (uint64_t)fs.f_bavail * fs.f_frsize / (1024u * 1024u);
}

static void
exchange_free(struct exchange *ex)
{
    ent_session_free(ex->session);
    ent_buf_release(&ex->hello);
    ent_wipe(&ex->secret, sizeof(ex->secret));
    ent_wipe(&ex->newest, sizeof(ex->newest));
    ent_wipe(&ex->proof_key, sizeof(ex->proof_key));
    ex->magic = 0;
    free(ex);
}

void
exchange_hold(struct exchange *ex)
{
    ENT_ASSERT(ex->magic == EXCHANGE_MAGIC);
    ex->refs++;
}

bool
exchange_release(struct exchange *ex)
{
    ENT_ASSERT(ex->magic == EXCHANGE_MAGIC);
    ENT_ASSERT(ex->refs > 0);
    ex->refs--;
    if (ex->refs == 0) {
        exchange_free(ex);
        return false;
    }
    return !ex->is_over;
}

static void
refresh_facts(struct exchange *ex)
{
    struct live_peer *facts = &ex->peer->facts;

    if (ex->peer->live != ex || ex->session == NULL) {
        return;
    }
    ent_session_view(ex->session, &facts->view);
    if (ex->conn != NULL) {
        facts->bytes_in = conn_bytes_in(ex->conn);
        facts->bytes_out = conn_bytes_out(ex->conn);
    }
    peers_touch(ex->io->peers, ex->peer);
}

void
exchange_step(struct exchange *ex, struct ent_session_event *event)
{
    struct ent_session_effect effect;

    ENT_ASSERT(ex->magic == EXCHANGE_MAGIC);
    if (ex->is_over || ex->session == NULL) {
        return;
    }
    if (event->type == ENT_EV_PROOF) {
        ex->proof_top = event->u.proof.top;
    }
    exchange_hold(ex);
    event->now_ms = clock_mono_ms();
    ent_session_step(ex->session, event);
    while (ent_session_next(ex->session, &effect)) {
        effects_run(ex, &effect);
    }
    if (ex->conn != NULL) {
        conn_flush(ex->conn);
    }
    refresh_facts(ex);
    if (!exchange_release(ex)) {
        return;
    }
    if (ex->bye_due != 0) {
        struct ent_session_event stop = {.type = ENT_EV_STOP};

        stop.u.stop.bye = (enum ent_bye)ex->bye_due;
        ex->bye_due = 0;
        exchange_step(ex, &stop);
    } else if (ex->is_moved_due) {
        struct ent_session_event moved = {.type = ENT_EV_MOVED};

        moved.u.moved.top = ex->io->top;
        ex->is_moved_due = false;
        exchange_step(ex, &moved);
    }
}

static void
say_bye(struct exchange *ex, enum ent_bye bye)
{
    struct ent_session_event stop = {.type = ENT_EV_STOP};

    stop.u.stop.bye = bye;
    exchange_step(ex, &stop);
}

/* Of two sessions with one peer, does this one stay? */
static bool
takes_over(const struct exchange *ex)
{
    const struct exchange *other = ex->peer->live;
    bool is_ours_smaller = ent_id_cmp(&ex->io->keys->node, &ex->peer->node) < 0;

    if (other == NULL || other == ex || other->is_over ||
        other->is_caller == ex->is_caller ||
        clock_mono_ms() - other->ready_ms > CROSSING_MS) {
        return true;
    }
    if (ex->who.is_limited != other->who.is_limited) {
        return other->who.is_limited;
    }
    return ex->is_caller == is_ours_smaller;
}

static void
become_live(struct exchange *ex)
{
    struct peer *peer = ex->peer;
    struct exchange *other = peer->live;

    peer->live = ex;
    peer->facts.link = LIVE_CONNECTED;
    peer->facts.is_caller = ex->is_caller;
    peer->facts.connected_at = clock_wall_ms();
    peer->facts.retry_at = 0;
    peer->facts.reason[0] = '\0';
    peer->facts.detail[0] = '\0';
    peer->state.refusal[0] = '\0';
    peer->state.refusal_detail[0] = '\0';
    if (other != NULL && other != ex && !other->is_over) {
        say_bye(other, ENT_BYE_OTHER);
    }
}

void
exchange_on_ready(struct exchange *ex, const struct ent_session_effect *fx)
{
    struct peer *peer = ex->peer;
    char name[9];

    ex->is_ready = true;
    ex->end.was_ready = true;
    ex->ready_ms = clock_mono_ms();
    conn_trust(ex->conn);
    if (!ex->who.is_limited || peer->limited_ms == 0) {
        peer->limited_ms = LIMITED_MS;
    }
    memcpy(peer->state.software, fx->u.ready.software,
           sizeof(peer->state.software));
    memcpy(peer->facts.software, fx->u.ready.software,
           sizeof(peer->facts.software));
    peer->state.skew_ms = fx->u.ready.skew_ms;
    peer->facts.skew_ms = fx->u.ready.skew_ms;
    peer->state.last_exchange_at = clock_wall_ms();
    peers_keep(ex->io->peers, peer);
    log_line(LOG_INFO, "session",
             "peer=%s hello -> sync (%s, version %u, %s%s)",
             log_node(&peer->node, name),
             ex->is_caller ? "we called" : "they called", fx->u.ready.version,
             fx->u.ready.software, ex->who.is_limited ? ", old secret" : "");
    if (llabs(fx->u.ready.skew_ms) > (long long)ENT_SKEW_MS) {
        log_line(LOG_WARN, "session",
                 "peer=%s its clock and ours are %lld s apart", name,
                 (long long)fx->u.ready.skew_ms / 1000);
    }
    if (takes_over(ex)) {
        become_live(ex);
        /* It was told our number when it was made; what was committed since
         * went to live sessions only. */
        ex->is_moved_due = true;
    } else {
        ex->bye_due = ENT_BYE_OTHER;
    }
}

void
exchange_on_close(struct exchange *ex, const struct ent_session_effect *fx)
{
    ex->is_over = true;
    ex->end.st = fx->u.close.st;
    ex->end.bye = fx->u.close.bye;
    ex->end.is_theirs = fx->u.close.is_theirs;
    memcpy(ex->end.detail, fx->u.close.detail, sizeof(ex->end.detail));
    conn_finish(ex->conn);
}

/* ---- the connection's events ---- */

static void
on_established(void *owner, struct conn *conn,
               const struct ent_link_output *output)
{
    struct exchange *ex = owner;
    struct ent_session_event start = {.type = ENT_EV_START};

    (void)output;
    ENT_ASSERT(ex->magic == EXCHANGE_MAGIC && ex->conn == conn);
    conn_hash(conn, ex->config.link_hash);
    ex->session = ent_session_new(&ex->config);
    start.u.start.hello = ent_buf_slice(&ex->hello);
    start.u.start.wall_ms = clock_wall_ms();
    start.u.start.free_mib = free_mib(ex->io);
    exchange_step(ex, &start);
}

/*~ 4/14 The message becomes an event of the session: a value, not a call into
 * somebody's affairs. exchange_step gives it over and then carries out what the
 * session wants. Time, disk and network are on this side of that line;
 * judgement is on the other, in ent_session_step. */
static void
on_message(void *owner, struct conn *conn, uint8_t type, struct ent_slice body)
{
    struct exchange *ex = owner;
    struct ent_session_event event = {.type = ENT_EV_MESSAGE};

    ENT_ASSERT(ex->magic == EXCHANGE_MAGIC && ex->conn == conn);
    event.u.message.type = type;
    event.u.message.body = body;
    exchange_step(ex, &event);
}

static const char *
bye_text(uint8_t bye)
{
    switch ((enum ent_bye)bye) {
    case ENT_BYE_STOP:
        return "stop";
    case ENT_BYE_VERSION:
        return "version";
    case ENT_BYE_REFUSED:
        return "refused";
    case ENT_BYE_OTHER:
        return "another session stays";
    case ENT_BYE_AGAIN:
        return "again";
    }
    return "unknown";
}

static const char *
end_text(const struct peer_end *end)
{
    if (end->conn.st == ENT_AGAIN) {
        return "interrupted";
    }
    return ent_status_name(end->conn.st != ENT_OK ? end->conn.st : end->st);
}

static void
log_end(const struct exchange *ex)
{
    const struct peer_end *end = &ex->end;
    char name[9];

    if (!end->was_ready && !end->conn.was_connected) {
        log_line(LOG_DEBUG, "dial", "peer=%s %s is not reachable",
                 log_node(&ex->peer->node, name), ex->address);
        return;
    }
    log_node(&ex->peer->node, name);
    if (end->bye != 0) {
        log_line(LOG_INFO, "session", "peer=%s %s -> closed (%s bye: %s%s%s)",
                 name, end->was_ready ? "sync" : "hello",
                 end->is_theirs ? "their" : "our", bye_text(end->bye),
                 end->detail[0] != '\0' ? ", " : "", end->detail);
        return;
    }
    log_line(LOG_INFO, "session", "peer=%s %s -> closed (%s)", name,
             end->was_ready ? "sync" : "hello", end_text(end));
}

static void
on_closed(void *owner, struct conn *conn, const struct conn_end *end)
{
    struct exchange *ex = owner;
    struct peer *peer = ex->peer;

    ENT_ASSERT(ex->magic == EXCHANGE_MAGIC && ex->conn == conn);
    refresh_facts(ex);
    ex->is_over = true;
    ex->conn = NULL;
    ex->end.conn = *end;
    log_end(ex);
    if (peer->calling == ex) {
        peer->calling = NULL;
    }
    if (peer->live == ex) {
        peer->live = NULL;
        peer->facts.link = LIVE_IDLE;
    }
    if (ex->end.bye != ENT_BYE_OTHER || peer->live == NULL) {
        peer->end = ex->end;
        peer->has_end = true;
    }
    peers_touch(ex->io->peers, peer);
    ex->io->hurry(ex->io);
    exchange_release(ex);
}

static const struct conn_events EXCHANGE_EVENTS = {
    .on_established = on_established,
    .on_message = on_message,
    .on_closed = on_closed,
};

/* ---- beginning: what the store says of us and of the peer ---- */

struct prepare_job {
    struct read_job read;
    struct exchange *ex;
    struct conn *conn; /* callee: held meanwhile */
    struct sync_state state;
    uint8_t store_id[ENT_STORE_ID_LEN];
    uint64_t top;
    bool is_recovering;
};

static void
run_prepare(struct read_job *read, struct db *db)
{
    struct prepare_job *job = (struct prepare_job *)read;

    sync_state_read(db, &job->ex->peer->node, &job->state);
    sync_store(db, job->store_id, &job->top, &job->is_recovering);
}

static void
fill_config(struct exchange *ex, const struct prepare_job *job)
{
    struct ent_session_config *config = &ex->config;
    struct peer *peer = ex->peer;

    if (!peer->is_loaded) {
        peer->state = job->state;
        peer->is_loaded = true;
    }
    config->is_caller = ex->is_caller;
    config->node = ex->io->keys->node;
    config->peer = peer->node;
    snprintf(config->software, sizeof(config->software), "%s", ENT_VERSION);
    config->protocol_min = ex->io->config->protocol_min;
    config->protocol_max = ex->io->config->protocol_max;
    memcpy(config->store_id, job->store_id, sizeof(config->store_id));
    config->top = job->top;
    config->is_recovering = job->is_recovering;
    config->is_limited = ex->who.is_limited;
    config->knows_peer_store = peer->state.knows_peer_store;
    memcpy(config->peer_store_id, peer->state.peer_store_id,
           sizeof(config->peer_store_id));
    config->consumed = peer->state.consumed;
    memcpy(config->consumed_id, peer->state.consumed_id,
           sizeof(config->consumed_id));
}

static void
call_now(struct exchange *ex)
{
    struct ent_link_config config = {
        .is_caller = true,
        .pattern = ENT_LINK_MEMBER,
        .static_secret = ex->io->keys->transport_secret,
        .remote_static = ex->transport,
        .psk = ex->secret,
    };

    clock_seed(&config.seed);
    ent_session_hello(&ex->config, clock_wall_ms(), free_mib(ex->io),
                      config.hello);
    ex->conn =
        conn_call(ex->io->conns, ex->address, &config, &EXCHANGE_EVENTS, ex);
    ent_wipe(&config, sizeof(config));
}

static void
answer_now(struct exchange *ex)
{
    struct conn *conn = ex->conn;

    on_established(ex, conn, NULL);
    conn_hold(conn, false);
}

/* The node stops before the connection was begun: nobody else holds it. */
static void
give_up_call(struct exchange *ex)
{
    ENT_ASSERT(ex->refs == 2); /* the connection to come, and this job */
    if (ex->peer->calling == ex) {
        ex->peer->calling = NULL;
    }
    exchange_free(ex);
}

static void
begin(struct exchange *ex, const struct prepare_job *job)
{
    fill_config(ex, job);
    if (ex->is_caller) {
        call_now(ex);
    } else {
        answer_now(ex);
    }
}

static void
done_prepare(struct job *base)
{
    struct prepare_job *job = (struct prepare_job *)base;
    struct exchange *ex = job->ex;
    bool is_stopping = ex->io->is_stopping;

    if (is_stopping && ex->is_caller) {
        give_up_call(ex);
    } else if (exchange_release(ex)) {
        if (is_stopping) {
            conn_close(ex->conn, ENT_OK);
        } else {
            begin(ex, job);
        }
    }
    free(job);
}

static struct exchange *
exchange_new(struct io *io, struct peer *peer, const struct directory_peer *row,
             size_t secret_index)
{
    struct exchange *ex = ent_alloc_zero(1, sizeof(*ex));
    struct ent_key shared;

    ENT_ASSERT(secret_index < row->secret_count);
    ex->magic = EXCHANGE_MAGIC;
    ex->io = io;
    ex->peer = peer;
    ex->refs = 1; /* its connection */
    ex->transport = row->transport;
    ex->secret = row->secrets[secret_index];
    ex->newest = row->secrets[0];
    ex->who.node = peer->node;
    ex->who.is_limited = secret_index >= row->full_count;
    if (ent_dh(&io->keys->transport_secret, &row->transport, &shared)) {
        struct ent_id key;

        ent_hash("entente/proof/1", ENT_SLICE_OF(shared), &key);
        memcpy(ex->proof_key.b, key.b, sizeof(ex->proof_key.b));
        ent_wipe(&key, sizeof(key));
    }
    ent_wipe(&shared, sizeof(shared));
    return ex;
}

static void
prepare(struct exchange *ex)
{
    struct prepare_job *job = ent_alloc_zero(1, sizeof(*job));

    job->ex = ex;
    job->read.run = run_prepare;
    job->read.job.done = done_prepare;
    exchange_hold(ex);
    reader_post(ex->io->session_reader, &job->read);
}

void
exchange_call(struct io *io, struct peer *peer,
              const struct directory_peer *row)
{
    struct exchange *ex;

    ENT_ASSERT(peer->calling == NULL);
    ENT_ASSERT(peer->address_index < row->address_count);
    ex = exchange_new(io, peer, row, peer->secret_index);
    ex->is_caller = true;
    ex->end.is_caller = true;
    snprintf(ex->address, sizeof(ex->address), "%s",
             row->addresses[peer->address_index]);
    peer->calling = ex;
    prepare(ex);
}

void
exchange_answer(struct io *io, struct peer *peer,
                const struct directory_peer *row, size_t secret_index,
                struct conn *conn, struct ent_slice hello)
{
    struct exchange *ex = exchange_new(io, peer, row, secret_index);

    ex->conn = conn;
    ent_buf_init(&ex->hello, ENT_HELLO_LEN);
    ent_buf_put_slice(&ex->hello, hello);
    conn_own(conn, &EXCHANGE_EVENTS, ex);
    conn_trust(conn);
    conn_hold(conn, true);
    prepare(ex);
}

/* ---- all of them ---- */

static void
stop_one(struct exchange *ex, enum ent_bye bye)
{
    if (ex == NULL || ex->is_over) {
        return;
    }
    if (ex->session != NULL) {
        say_bye(ex, bye);
    } else if (ex->conn != NULL) {
        conn_close(ex->conn, ENT_OK);
    }
}

void
exchange_stop(struct peer *peer, enum ent_bye bye)
{
    stop_one(peer->live, bye);
    if (peer->calling != peer->live) {
        stop_one(peer->calling, bye);
    }
}

static void
step_all(struct io *io, const struct ent_session_event *event)
{
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        struct peer *peer = peers_at(io->peers, i);
        struct ent_session_event copy = *event;

        if (peer->live != NULL) {
            exchange_step(peer->live, &copy);
        }
    }
}

void
exchange_moved_all(struct io *io)
{
    struct ent_session_event event = {.type = ENT_EV_MOVED};

    event.u.moved.top = io->top;
    step_all(io, &event);
}

void
exchange_retry_all(struct io *io)
{
    struct ent_session_event event = {.type = ENT_EV_RETRY};

    step_all(io, &event);
}

void
exchange_forget_all(struct io *io)
{
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        struct peer *peer = peers_at(io->peers, i);

        exchange_stop(peer, ENT_BYE_AGAIN);
        peer->is_loaded = false;
        peer->is_dirty = false;
    }
}

/* Is the link under a secret that, as we see it now, not exactly the members
 * hold? The two ends may have seen that differently when they made it. */
static bool
is_old(const struct exchange *ex, const struct directory_peer *row)
{
    for (size_t i = 0; i < row->full_count; i++) {
        if (ent_secret_eq(&row->secrets[i], &ex->secret, sizeof(ex->secret))) {
            return ex->who.is_limited;
        }
    }
    return row->full_count > 0;
}

/* Nothing moves over a link that is limited, or of somebody who is not in the
 * directory any more: it ends, and a new handshake may follow. */
static void
review(struct io *io, struct peer *peer)
{
    const struct directory_peer *row =
        directory_find(io->directory, &peer->node);
    struct exchange *ex = peer->live;
    struct ent_session_view view;
    bool is_newer;

    if (ex == NULL || ex->is_over || ex->session == NULL) {
        return;
    }
    ent_session_view(ex->session, &view);
    if (!view.is_quiet) {
        return;
    }
    if (row == NULL) {
        say_bye(ex, ENT_BYE_REFUSED);
        return;
    }
    if (!is_old(ex, row)) {
        return;
    }
    is_newer =
        !ent_secret_eq(&row->secrets[0], &ex->newest, sizeof(ex->newest));
    if (is_newer || clock_mono_ms() - ex->ready_ms > peer->limited_ms) {
        peer->limited_ms = peer->limited_ms < LIMITED_MAX_MS / 2
                               ? peer->limited_ms * 2
                               : LIMITED_MAX_MS;
        say_bye(ex, ENT_BYE_AGAIN);
    }
}

bool
exchange_is_proved(const struct peer *peer)
{
    struct ent_session_view view;

    if (peer->live == NULL || peer->live->is_over ||
        peer->live->session == NULL || peer->live->who.is_limited) {
        return false;
    }
    ent_session_view(peer->live->session, &view);
    return view.is_quiet && view.is_proved;
}

/* A link is not used for ever: fresh keys, also against a thief of old ones. */
static bool
is_worn(const struct exchange *ex)
{
    return clock_mono_ms() - ex->ready_ms > ENT_REHANDSHAKE_MS ||
           conn_bytes_in(ex->conn) + conn_bytes_out(ex->conn) >
               REHANDSHAKE_BYTES;
}

void
exchange_tick_all(struct io *io)
{
    struct ent_session_event event = {.type = ENT_EV_TICK};

    step_all(io, &event);
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        struct exchange *ex = peers_at(io->peers, i)->live;

        if (ex == NULL || ex->is_over || ex->conn == NULL) {
            continue;
        }
        ex->peer->facts.rtt_ms = conn_rtt_ms(ex->conn);
        if (ex->is_caller && is_worn(ex)) {
            say_bye(ex, ENT_BYE_AGAIN);
        }
    }
}

void
exchange_review_all(struct io *io)
{
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        struct peer *peer = peers_at(io->peers, i);

        if (peer->live != NULL &&
            (peer->live->who.is_limited || !peer->is_listed)) {
            review(io, peer);
        }
    }
}

bool
exchange_is_moving(const struct io *io)
{
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        const struct peer *peer = peers_at(io->peers, i);

        if (peer->live != NULL && !peer->live->who.is_limited &&
            !exchange_is_proved(peer)) {
            return true;
        }
    }
    return false;
}
