/*
 * One node, put together.
 *
 * The orderly stop, in this order (tests/e2e read it from the log):
 *   1 no more callers, no more clients, no more calls to peers
 *   2 BYE to every session, joins are broken off; up to three seconds for
 *     what is queued to be written
 *   3 the readers end: what they were asked is still answered
 *   4 what was learned of peers goes to the writer; it drains and commits
 *   5 the last answers leave; clients are closed
 *   6 the store is checkpointed and closed, the socket's name is removed
 * kill -9 at any point loses nothing that was acknowledged: the start-up path
 * is the recovery path.
 */
#include "node.h"

#include "clock.h"
#include "io/dial.h"
#include "io/exchange.h"
#include "io/io.h"
#include "io/join.h"
#include "io/listen.h"
#include "io/peers.h"
#include "io/request.h"
#include "io/socket.h"
#include "log.h"
#include "store/profile.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define NODE_MAGIC 0x4e4f4445u
#define BEAT_SOON_MS 20u
#define BEAT_BUSY_MS 100u
#define BEAT_IDLE_MS 1000u
#define STOP_MS 3000u

struct node {
    unsigned magic;
    struct io io;
    uv_loop_t loop;
    uv_timer_t beat;
    uv_async_t wake; /* node_stop from another thread */
    uv_signal_t term;
    uv_signal_t interrupt;
    bool has_signals;
    const struct config *config;
    struct engine *engine;
    uint64_t beat_due_ms;
    uint64_t tick_ms;
    uint64_t stop_ms; /* when the stop began */
    char listen[ADDRESS_TEXT_MAX];
};

static struct node *
node_of(struct io *io)
{
    struct node *node = io->node;

    ENT_ASSERT(node->magic == NODE_MAGIC);
    return node;
}

/* ---- what the writer tells ---- */

/* Members, secrets or invitations changed; before the completions. */
static void
on_directory(void *arg, struct directory *directory)
{
    struct node *node = arg;
    struct io *io = &node->io;

    directory_free(io->directory);
    io->directory = directory;
    if (!io->is_stopping) {
        dial_directory_changed(io);
        joins_directory_changed(io->joins);
    }
}

/* After each commit, and after its completions. */
static void
on_outcome(void *arg, const struct engine_outcome *outcome)
{
    struct node *node = arg;
    struct io *io = &node->io;

    io->top = outcome->top;
    if (io->is_stopping) {
        return;
    }
    if (outcome->is_store_new) {
        exchange_forget_all(io);
    }
    if (outcome->has_moved) {
        exchange_moved_all(io);
    }
    if (outcome->members_changed) {
        exchange_retry_all(io);
        io->hurry(io);
    }
}

/* ---- the beat: everything that is due by time ---- */

static void on_beat(uv_timer_t *timer);

static void
beat_in(struct node *node, uint64_t wait_ms)
{
    node->beat_due_ms = clock_mono_ms() + wait_ms;
    uv_update_time(&node->loop);
    uv_timer_start(&node->beat, on_beat, wait_ms, 0);
}

static void
hurry(struct io *io)
{
    struct node *node = node_of(io);

    if (node->beat_due_ms > clock_mono_ms() + BEAT_SOON_MS) {
        beat_in(node, BEAT_SOON_MS);
    }
}

static uint64_t
next_beat_ms(struct node *node, uint64_t now_ms)
{
    struct io *io = &node->io;
    uint64_t wait = BEAT_IDLE_MS;
    uint64_t dial = io->is_stopping ? UINT64_MAX : dial_next_ms(io);

    if (io->is_stopping || peers_is_waiting(io->peers) ||
        conn_set_is_waiting(io->conns) || joins_is_waiting(io->joins) ||
        requests_is_waiting(io) || exchange_is_moving(io)) {
        wait = BEAT_BUSY_MS;
    }
    if (dial <= now_ms) {
        return BEAT_SOON_MS;
    }
    return dial - now_ms < wait ? dial - now_ms : wait;
}

static bool
is_stop_done(const struct node *node, uint64_t now_ms)
{
    return node->io.is_stopping && (conn_set_count(node->io.conns) == 0 ||
                                    now_ms - node->stop_ms > STOP_MS);
}

static void
on_beat(uv_timer_t *timer)
{
    struct node *node = timer->data;
    struct io *io = &node->io;
    uint64_t now_ms = clock_mono_ms();

    ENT_ASSERT(node->magic == NODE_MAGIC);
    node->beat_due_ms = UINT64_MAX;
    conn_set_beat(io->conns, now_ms);
    if (is_stop_done(node, now_ms)) {
        uv_stop(&node->loop);
        return;
    }
    dial_beat(io, now_ms);
    joins_beat(io->joins, now_ms);
    listener_beat(io->listener);
    if (now_ms - node->tick_ms >=
        (exchange_is_moving(io) ? BEAT_BUSY_MS : BEAT_IDLE_MS)) {
        node->tick_ms = now_ms;
        exchange_tick_all(io);
    }
    exchange_review_all(io);
    requests_beat(io, now_ms);
    peers_beat(io->peers, now_ms, false);
    beat_in(node, next_beat_ms(node, now_ms));
}

/* ---- stopping ---- */

static void
begin_stop(struct io *io)
{
    struct node *node = node_of(io);

    if (io->is_stopping) {
        return;
    }
    log_line(LOG_INFO, "node", "stop 1: no more callers and clients");
    io->is_stopping = true;
    node->stop_ms = clock_mono_ms();
    listener_stop(io->listener);
    io->listener = NULL;
    log_line(LOG_INFO, "node", "stop 2: goodbye to %zu connections",
             conn_set_count(io->conns));
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        exchange_stop(peers_at(io->peers, i), ENT_BYE_STOP);
    }
    joins_stop(io->joins);
    requests_beat(io, node->stop_ms);
    beat_in(node, 1);
}

static void
on_wake(uv_async_t *async)
{
    struct node *node = async->data;

    ENT_ASSERT(node->magic == NODE_MAGIC);
    begin_stop(&node->io);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct node *node = handle->data;

    ENT_ASSERT(node->magic == NODE_MAGIC);
    log_line(LOG_INFO, "node", "signal %d", number);
    begin_stop(&node->io);
}

void
node_stop(struct node *node)
{
    uv_async_send(&node->wake);
}

static void
close_walk(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* What is left: connections over their three seconds, then nothing. */
static void
run_out(struct node *node)
{
    struct io *io = &node->io;

    conn_set_close_all(io->conns);
    while (conn_set_count(io->conns) > 0) {
        uv_run(&node->loop, UV_RUN_ONCE);
    }
    log_line(LOG_INFO, "node", "stop 3: readers end");
    reader_stop(io->session_reader);
    reader_stop(io->api_reader);
    log_line(LOG_INFO, "node", "stop 4: the writer drains and commits");
    peers_beat(io->peers, clock_mono_ms(), true);
    writer_stop(io->writer);
    log_line(LOG_INFO, "node", "stop 5: clients are closed");
    sockets_stop(io->sockets);
    sockets_close_all(io->sockets);
    conn_set_free(io->conns);
    while (uv_run(&node->loop, UV_RUN_NOWAIT) != 0 &&
           sockets_count(io->sockets) > 0) {
    }
    uv_walk(&node->loop, close_walk, NULL);
    uv_run(&node->loop, UV_RUN_DEFAULT);
}

void
node_close(struct node *node)
{
    struct io *io;

    if (node == NULL) {
        return;
    }
    io = &node->io;
    if (!io->is_stopping) {
        begin_stop(io);
    }
    run_out(node);
    sockets_free(io->sockets);
    joins_free(io->joins);
    peers_free(io->peers);
    directory_free(io->directory);
    log_line(LOG_INFO, "node", "stop 6: the store is closed");
    engine_close(node->engine);
    live_free(io->live);
    ENT_ASSERT(uv_loop_close(&node->loop) == 0);
    node->magic = 0;
    free(node);
}

/* ---- starting ---- */

/* A fixed address of this machine that peers can be told without asking. */
static bool
is_concrete(const char *address)
{
    struct address_parts parts;

    return address_split(address, &parts) == ENT_OK &&
           strcmp(parts.port, "0") != 0 && strcmp(parts.host, "::") != 0 &&
           strcmp(parts.host, "0.0.0.0") != 0;
}

enum ent_status
node_init(const struct config *config)
{
    struct engine_profile profile = {
        .structure = config->structure,
        .sector = config->sector,
        .languages = config->languages,
        .listen =
            config->listen == NULL ? CONFIG_LISTEN_DEFAULT : config->listen,
        .advertise = config->advertise,
    };
    struct keyfile_way way;
    struct ent_key seed;
    enum ent_status st;

    if (profile.advertise[0] == '\0' && is_concrete(profile.listen)) {
        profile.advertise = profile.listen;
    }
    if (config->key_file != NULL) {
        st = keyfile_make_raw(config->key_file);
        if (st != ENT_OK && st != ENT_RULE) {
            return st; /* ENT_RULE: there is one, which serves */
        }
    }
    config_way(config, &way);
    clock_seed(&seed);
    st = engine_init(config->folder, &way, &profile, &seed, clock_wall_ms());
    ent_wipe(&seed, sizeof(seed));
    return st;
}

static enum ent_status
open_store(struct node *node, struct engine_report *report)
{
    struct keyfile_way way;
    struct ent_key seed;
    enum ent_status st;

    config_way(node->config, &way);
    clock_seed(&seed);
    st = engine_open(node->config->folder, &way, &seed, clock_wall_ms(),
                     &node->engine, report);
    ent_wipe(&seed, sizeof(seed));
    return st;
}

static void
start_threads(struct node *node)
{
    struct io *io = &node->io;
    uint8_t store_id[ENT_STORE_ID_LEN];
    bool is_recovering;
    struct db *session_db;
    struct db *api_db;

    store_must(engine_reader(node->engine, &session_db));
    store_must(engine_reader(node->engine, &api_db));
    store_must(db_begin(session_db));
    io->directory = directory_read(session_db);
    sync_store(session_db, store_id, &io->top, &is_recovering);
    db_rollback(session_db);
    io->session_reader = reader_new(io->loop, session_db);
    io->api_reader = reader_new(io->loop, api_db);
    io->writer =
        writer_new(io->loop, node->engine, on_outcome, on_directory, node);
}

static void
tell_node(struct node *node, const struct engine_report *report)
{
    struct live_node facts = {.started_at = clock_wall_ms()};
    char name[9];

    snprintf(facts.listen, sizeof(facts.listen), "%s", node->listen);
    snprintf(facts.folder, sizeof(facts.folder), "%s", node->config->folder);
    snprintf(facts.note, sizeof(facts.note), "%s", report->note);
    live_node_set(node->io.live, &facts);
    if (report->note[0] != '\0') {
        log_line(LOG_WARN, "node", "%s", report->note);
    }
    log_line(LOG_INFO, "node", "node=%s started, listening on %s",
             log_node(&node->io.keys->node, name), node->listen);
}

/* Without IPv6 on this machine, the default address means IPv4 alone. */
static enum ent_status
start_listening(struct node *node)
{
    const char *address = node->config->listen;
    char fixed[ENT_ADDRESS_MAX + 1];
    enum ent_status st;

    if (address == NULL) {
        profile_listen(node->engine, fixed);
        address = fixed;
    }
    st = listener_new(&node->io, address, &node->io.listener, node->listen);
    if (st == ENT_SELF_IO && strncmp(address, "[::]:", 5) == 0) {
        char v4[ADDRESS_TEXT_MAX];

        snprintf(v4, sizeof(v4), "0.0.0.0:%s", address + 5);
        st = listener_new(&node->io, v4, &node->io.listener, node->listen);
    }
    return st;
}

static void
start_loop(struct node *node)
{
    struct io *io = &node->io;

    node->magic = NODE_MAGIC;
    ENT_ASSERT(uv_loop_init(&node->loop) == 0);
    io->loop = &node->loop;
    io->config = node->config;
    io->node = node;
    io->hurry = hurry;
    io->stop = begin_stop;
    node->beat.data = node;
    node->wake.data = node;
    ENT_ASSERT(uv_timer_init(&node->loop, &node->beat) == 0);
    ENT_ASSERT(uv_async_init(&node->loop, &node->wake, on_wake) == 0);
    io->live = live_new();
    io->conns = conn_set_new(&node->loop);
    io->peers = peers_new(io);
    io->joins = joins_new(io);
}

enum ent_status
node_open(const struct config *config, struct node **ret_node)
{
    struct node *node = ent_alloc_zero(1, sizeof(*node));
    struct engine_report report = {0};
    enum ent_status st;

    node->config = config;
    st = open_store(node, &report);
    if (st != ENT_OK) {
        free(node);
        return st;
    }
    start_loop(node);
    node->io.keys = engine_keys(node->engine);
    st = start_listening(node); /* the engine is still this thread's */
    start_threads(node);
    if (st == ENT_OK) {
        st = sockets_new(&node->io, &node->io.sockets);
    }
    if (st != ENT_OK) {
        node_close(node);
        return st;
    }
    tell_node(node, &report);
    dial_directory_changed(&node->io);
    beat_in(node, BEAT_SOON_MS);
    *ret_node = node;
    return ENT_OK;
}

const char *
node_listen(const struct node *node)
{
    return node->listen;
}

void
node_catch_signals(struct node *node)
{
    node->term.data = node;
    node->interrupt.data = node;
    ENT_ASSERT(uv_signal_init(&node->loop, &node->term) == 0);
    ENT_ASSERT(uv_signal_init(&node->loop, &node->interrupt) == 0);
    uv_signal_start(&node->term, on_signal, SIGTERM);
    uv_signal_start(&node->interrupt, on_signal, SIGINT);
}

void
node_run(struct node *node)
{
    uv_run(&node->loop, UV_RUN_DEFAULT);
}
