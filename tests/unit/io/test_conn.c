/* A connection over loopback: what both owners are told, in good times and in
 * bad ones. The loop is driven by hand, so nothing waits for a clock. */
#include "io/conn.h"

#include "clock.h"

#include <entente/limits.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/cmocka.h"

#define TURNS_MAX 20000

struct end {
    struct conn *conn;
    struct ent_key psk; /* what on_ask answers */
    unsigned ask_count;
    unsigned established_count;
    unsigned message_count;
    size_t byte_count;
    uint8_t last_type;
    bool echoes;
    bool refuses;
    bool is_closed;
    struct conn_end how;
};

struct world {
    uv_loop_t loop;
    uv_tcp_t listener;
    struct conn_set *callers;
    struct conn_set *callees;
    struct ent_link_config caller_config;
    struct ent_link_config callee_config;
    struct end caller;
    struct end callee;
    char address[ADDRESS_TEXT_MAX];
};

static void
on_ask(void *owner, struct conn *conn, const struct ent_link_output *output)
{
    struct end *end = owner;

    (void)output;
    end->ask_count++;
    if (end->refuses) {
        conn_close(conn, ENT_PEER_STRANGER);
    } else {
        conn_answer(conn, &end->psk, 1);
    }
}

static void
on_established(void *owner, struct conn *conn,
               const struct ent_link_output *output)
{
    struct end *end = owner;

    (void)output;
    end->established_count++;
    conn_trust(conn);
}

static void
on_message(void *owner, struct conn *conn, uint8_t type, struct ent_slice body)
{
    struct end *end = owner;

    end->message_count++;
    end->byte_count += body.len;
    end->last_type = type;
    if (end->echoes) {
        conn_send(conn, type, body);
    }
}

static void
on_closed(void *owner, struct conn *conn, const struct conn_end *how)
{
    struct end *end = owner;

    assert_ptr_equal(end->conn, conn);
    assert_false(end->is_closed);
    end->is_closed = true;
    end->conn = NULL;
    end->how = *how;
}

static const struct conn_events EVENTS = {
    .on_ask = on_ask,
    .on_established = on_established,
    .on_message = on_message,
    .on_closed = on_closed,
};

static void
on_connection(uv_stream_t *stream, int status)
{
    struct world *w = stream->data;

    assert_int_equal(status, 0);
    assert_null(w->callee.conn);
    w->callee.conn =
        conn_accept(w->callees, stream, &w->callee_config, &EVENTS, &w->callee);
}

static void
world_open(struct world *w)
{
    struct sockaddr_storage addr;
    int len = sizeof(addr);

    memset(w, 0, sizeof(*w));
    assert_int_equal(uv_loop_init(&w->loop), 0);
    assert_int_equal(address_parse("127.0.0.1:0", &addr), ENT_OK);
    assert_int_equal(uv_tcp_init(&w->loop, &w->listener), 0);
    w->listener.data = w;
    assert_int_equal(uv_tcp_bind(&w->listener, (struct sockaddr *)&addr, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&w->listener, 8, on_connection),
                     0);
    assert_int_equal(
        uv_tcp_getsockname(&w->listener, (struct sockaddr *)&addr, &len), 0);
    address_text((struct sockaddr *)&addr, w->address);
    w->callers = conn_set_new(&w->loop);
    w->callees = conn_set_new(&w->loop);
    memset(w->caller_config.static_secret.b, 1, ENT_KEY_LEN);
    memset(w->callee_config.static_secret.b, 2, ENT_KEY_LEN);
    memset(w->caller_config.psk.b, 3, ENT_KEY_LEN);
    memset(w->caller_config.seed.b, 4, ENT_KEY_LEN);
    memset(w->callee_config.seed.b, 5, ENT_KEY_LEN);
    ent_dh_public(&w->callee_config.static_secret,
                  &w->callee_config.static_public);
    w->caller_config.is_caller = true;
    w->caller_config.pattern = ENT_LINK_MEMBER;
    w->caller_config.remote_static = w->callee_config.static_public;
    w->callee.psk = w->caller_config.psk;
}

static void
on_handle_close(uv_handle_t *handle)
{
    (void)handle;
}

static void
world_close(struct world *w)
{
    conn_set_close_all(w->callers);
    conn_set_close_all(w->callees);
    uv_close((uv_handle_t *)&w->listener, on_handle_close);
    while (conn_set_count(w->callers) + conn_set_count(w->callees) > 0) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    conn_set_free(w->callers);
    conn_set_free(w->callees);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
}

/* Turns the loop until `*what` is at least `want`. */
static void
run_until(struct world *w, const unsigned *what, unsigned want)
{
    for (int i = 0; i < TURNS_MAX && *what < want; i++) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    assert_true(*what >= want);
}

static void
run_until_closed(struct world *w, const struct end *end)
{
    for (int i = 0; i < TURNS_MAX && !end->is_closed; i++) {
        uv_run(&w->loop, UV_RUN_ONCE);
    }
    assert_true(end->is_closed);
}

static void
call(struct world *w)
{
    w->caller.conn = conn_call(w->callers, w->address, &w->caller_config,
                               &EVENTS, &w->caller);
}

static void
call_and_establish(struct world *w)
{
    call(w);
    run_until(w, &w->caller.established_count, 1);
    run_until(w, &w->callee.established_count, 1);
}

static void
send_from(struct end *end, uint8_t type, const void *p, size_t len)
{
    conn_send(end->conn, type, ent_slice(p, len));
    conn_flush(end->conn);
}

static void
test_there_and_back(void **state)
{
    struct world w;
    uint8_t ours[32];
    uint8_t theirs[32];

    (void)state;
    world_open(&w);
    call_and_establish(&w);
    assert_int_equal(w.callee.ask_count, 1);
    assert_int_equal(w.caller.ask_count, 0);
    conn_hash(w.caller.conn, ours);
    conn_hash(w.callee.conn, theirs);
    assert_memory_equal(ours, theirs, sizeof(ours));
    w.callee.echoes = true;
    send_from(&w.caller, 9, "hello", 5);
    run_until(&w, &w.caller.message_count, 1);
    assert_int_equal(w.caller.last_type, 9);
    assert_int_equal(w.caller.byte_count, 5);
    assert_true(conn_bytes_in(w.caller.conn) >= 256);
    assert_int_equal(conn_bytes_out(w.caller.conn),
                     conn_bytes_in(w.callee.conn));
    world_close(&w);
    assert_true(w.caller.is_closed && w.callee.is_closed);
}

/* More than may be read in one turn, in messages of several records. */
static void
test_much(void **state)
{
    static uint8_t body[512 * 1024];
    struct world w;

    (void)state;
    world_open(&w);
    call_and_establish(&w);
    for (unsigned i = 0; i < 8; i++) {
        send_from(&w.caller, 4, body, sizeof(body));
    }
    run_until(&w, &w.callee.message_count, 8);
    assert_int_equal(w.callee.byte_count, 8 * sizeof(body));
    assert_true(conn_is_open(w.caller.conn));
    world_close(&w);
}

/* What was queued arrives, then the end. */
static void
test_finish(void **state)
{
    static uint8_t body[256 * 1024];
    struct world w;

    (void)state;
    world_open(&w);
    call_and_establish(&w);
    conn_send(w.caller.conn, 4, ent_slice(body, sizeof(body)));
    conn_send(w.caller.conn, 11, ent_slice("x", 1));
    conn_finish(w.caller.conn);
    assert_false(conn_is_open(w.caller.conn));
    conn_send(w.caller.conn, 4, ent_slice("late", 4)); /* nothing happens */
    run_until_closed(&w, &w.callee);
    assert_int_equal(w.callee.message_count, 2);
    assert_int_equal(w.callee.last_type, 11);
    assert_int_equal(w.callee.how.st, ENT_AGAIN);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.how.st, ENT_OK);
    world_close(&w);
}

static void
test_finish_has_an_end(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    call_and_establish(&w);
    conn_hold(w.callee.conn, true); /* it will not see our end */
    conn_finish(w.caller.conn);
    assert_true(conn_set_is_waiting(w.callers));
    conn_set_beat(w.callers, clock_mono_ms() + CONN_DRAIN_MS + 1000);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.how.st, ENT_OK);
    world_close(&w);
}

static void
test_wrong_gate(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    w.caller_config.remote_static.b[5] ^= 1;
    call(&w);
    run_until_closed(&w, &w.callee);
    assert_int_equal(w.callee.how.st, ENT_PEER_GATE);
    assert_int_equal(w.callee.ask_count, 0);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.how.st, ENT_AGAIN);
    assert_false(w.caller.how.was_established);
    world_close(&w);
}

static void
test_stranger(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    w.callee.refuses = true;
    call(&w);
    run_until_closed(&w, &w.callee);
    assert_int_equal(w.callee.how.st, ENT_PEER_STRANGER);
    assert_false(w.callee.how.was_established);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.message_count, 0);
    world_close(&w);
}

static void
test_wrong_secret(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    w.caller_config.psk.b[0] ^= 1;
    call(&w);
    run_until_closed(&w, &w.callee);
    assert_int_equal(w.callee.how.st, ENT_PEER_NO_SECRET);
    run_until_closed(&w, &w.caller);
    /* Established as far as it knew: that is how a caller finds out. */
    assert_true(w.caller.how.was_established);
    world_close(&w);
}

/* A caller that says nothing is gone after its five seconds, not before. */
static void
test_silence(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    w.callee.refuses = true;
    call(&w);
    for (int i = 0; i < TURNS_MAX && w.callee.conn == NULL; i++) {
        uv_run(&w.loop, UV_RUN_ONCE);
    }
    assert_non_null(w.callee.conn);
    conn_hold(w.callee.conn, true);
    conn_set_beat(w.callees, clock_mono_ms() + ENT_PREAUTH_MS - 1000);
    assert_true(conn_is_open(w.callee.conn));
    conn_set_beat(w.callees, clock_mono_ms() + ENT_PREAUTH_MS + 1000);
    run_until_closed(&w, &w.callee);
    assert_int_equal(w.callee.how.st, ENT_PEER_TIMEOUT);
    world_close(&w);
}

static void
test_trusted_has_no_deadline(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    call_and_establish(&w);
    conn_set_beat(w.callees, clock_mono_ms() + 3600000);
    assert_true(conn_is_open(w.callee.conn));
    assert_false(conn_set_is_waiting(w.callees));
    world_close(&w);
}

/* Held: kept, in order, and handed over later. */
static void
test_hold(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    call_and_establish(&w);
    w.callee.echoes = true;
    conn_hold(w.callee.conn, true);
    send_from(&w.caller, 4, "one", 3);
    send_from(&w.caller, 4, "three", 5);
    for (int i = 0; i < 20; i++) {
        uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(w.callee.message_count, 0);
    conn_hold(w.callee.conn, false);
    run_until(&w, &w.caller.message_count, 2);
    assert_int_equal(w.callee.byte_count, 8);
    world_close(&w);
}

/* A peer that does not read cannot make us keep more than the cap. */
static void
test_queue_cap(void **state)
{
    static uint8_t body[1024 * 1024];
    struct world w;
    unsigned count = 0;

    (void)state;
    world_open(&w);
    call_and_establish(&w);
    conn_hold(w.callee.conn, true);
    while (conn_is_open(w.caller.conn) && count < 64) {
        send_from(&w.caller, 4, body, sizeof(body));
        count++;
    }
    assert_true(count < 32);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.how.st, ENT_PEER_FLOOD);
    world_close(&w);
}

static void
test_not_reachable(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    snprintf(w.address, sizeof(w.address), "127.0.0.1:1");
    call(&w);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.how.st, ENT_SELF_IO);
    assert_false(w.caller.how.was_connected);
    memset(&w.caller, 0, sizeof(w.caller));
    snprintf(w.address, sizeof(w.address), "no port here");
    call(&w);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.how.st, ENT_SELF_IO);
    world_close(&w);
}

/* Closing while the name is being looked up: freed once, told once. */
static void
test_close_while_resolving(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    snprintf(w.address, sizeof(w.address), "localhost:1");
    call(&w);
    conn_close(w.caller.conn, ENT_OK);
    run_until_closed(&w, &w.caller);
    assert_int_equal(w.caller.how.st, ENT_OK);
    world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_much),
        cmocka_unit_test(test_finish),
        cmocka_unit_test(test_finish_has_an_end),
        cmocka_unit_test(test_wrong_gate),
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_wrong_secret),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_trusted_has_no_deadline),
        cmocka_unit_test(test_hold),
        cmocka_unit_test(test_queue_cap),
        cmocka_unit_test(test_not_reachable),
        cmocka_unit_test(test_close_while_resolving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
