/* labels: quick threads */
/* Whom to call and when: back-off, addresses, secrets, refusals. The times are
 * read from the peer, never waited for. */
#include "unit/io/io_world.h"

#define NOBODY "127.0.0.1:1" /* refused at once */

/* A directory with one peer at `address_count` addresses where nobody is. */
static struct peer *
add_peer(struct io_world *w, size_t address_count, size_t secret_count)
{
    struct directory *d = w->io.directory;
    struct directory_peer *row = ent_alloc_zero(1, sizeof(*row));
    struct ent_key secret;

    memset(row->node.b, 9, sizeof(row->node.b));
    memset(secret.b, 5, sizeof(secret.b));
    ent_dh_public(&secret, &row->transport);
    snprintf(row->name, sizeof(row->name), "CSAPA Nord");
    row->role = ENT_ROLE_MEMBER;
    row->address_count = address_count;
    for (size_t i = 0; i < address_count; i++) {
        snprintf(row->addresses[i], sizeof(row->addresses[i]), NOBODY);
    }
    row->secret_count = secret_count;
    row->full_count = secret_count > 0 ? 1 : 0;
    for (size_t i = 0; i < secret_count; i++) {
        memset(row->secrets[i].b, (int)i + 1, sizeof(row->secrets[i].b));
    }
    d->peers = row;
    d->peer_count = 1;
    dial_directory_changed(&w->io);
    return peers_find(w->io.peers, &row->node);
}

static struct directory_peer *
row_of(struct io_world *w)
{
    return &w->io.directory->peers[0];
}

/* One call, to its end and what follows from it. */
static void
call_once(struct io_world *w, struct peer *peer)
{
    dial_beat(&w->io, UINT64_MAX);
    assert_non_null(peer->calling);
    while (!peer->has_end) {
        uv_run(w->loop, UV_RUN_ONCE);
    }
    assert_null(peer->calling);
    dial_beat(&w->io, 0);
    assert_false(peer->has_end);
}

static void
test_back_off(void **state)
{
    struct io_world w;
    struct peer *peer;
    uint64_t expected = 1000;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 1, 1);
    assert_non_null(peer);
    for (int i = 0; i < 12; i++) {
        uint64_t before = clock_mono_ms();

        call_once(&w, peer);
        assert_int_equal(peer->backoff_ms, expected);
        assert_true(peer->retry_at >= before + expected / 2);
        assert_true(peer->retry_at <= clock_mono_ms() + expected);
        assert_int_equal(peer->facts.link, LIVE_BACKOFF);
        assert_string_equal(peer->facts.reason, "offline");
        expected = expected * 2 < 300000 ? expected * 2 : 300000;
    }
    assert_int_equal(peer->backoff_ms, 300000);
    io_world_close(&w);
}

/* Every address gets its try before there is a wait. */
static void
test_each_address(void **state)
{
    struct io_world w;
    struct peer *peer;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 3, 1);
    call_once(&w, peer);
    assert_int_equal(peer->address_index, 1);
    assert_int_equal(peer->backoff_ms, 0);
    call_once(&w, peer);
    assert_int_equal(peer->address_index, 2);
    call_once(&w, peer);
    assert_int_equal(peer->address_index, 0);
    assert_int_equal(peer->backoff_ms, 1000);
    io_world_close(&w);
}

/* What a call's end leads to, without a call. */
static void
end_as(struct io_world *w, struct peer *peer, struct peer_end end)
{
    peer->end = end;
    peer->has_end = true;
    dial_beat(&w->io, 0);
    assert_false(peer->has_end);
}

static void
test_older_secrets(void **state)
{
    const struct peer_end closed = {
        .is_caller = true,
        .conn = {.st = ENT_AGAIN,
                 .was_connected = true,
                 .was_established = true},
    };
    struct io_world w;
    struct peer *peer;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 1, 3);
    end_as(&w, peer, closed);
    assert_int_equal(peer->secret_index, 1);
    assert_true(peer->retry_at <= clock_mono_ms());
    end_as(&w, peer, closed);
    assert_int_equal(peer->secret_index, 2);
    end_as(&w, peer, closed);
    assert_int_equal(peer->secret_index, 0);
    assert_int_equal(peer->facts.link, LIVE_BACKOFF);
    assert_string_equal(peer->facts.reason, "no-common-secret");
    assert_string_equal(peer->state.refusal, "no-common-secret");
    io_world_close(&w);
}

static void
test_refused_waits_for_the_directory(void **state)
{
    const struct peer_end refused = {
        .is_caller = true,
        .was_ready = true,
        .bye = ENT_BYE_VERSION,
        .is_theirs = true,
        .detail = "protocol 2",
    };
    struct io_world w;
    struct peer *peer;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 1, 1);
    end_as(&w, peer, refused);
    assert_true(peer->is_refused);
    assert_int_equal(peer->facts.link, LIVE_REFUSED);
    assert_string_equal(peer->facts.reason, "wrong-version");
    assert_string_equal(peer->facts.detail, "protocol 2");
    assert_true(peer->retry_at > clock_mono_ms() + 200000);
    dial_directory_changed(&w.io); /* the same again: nothing changes */
    assert_true(peer->is_refused);
    snprintf(row_of(&w)->addresses[0], sizeof(row_of(&w)->addresses[0]),
             "127.0.0.1:2");
    dial_directory_changed(&w.io);
    assert_false(peer->is_refused);
    assert_int_equal(peer->retry_at, 0);
    io_world_close(&w);
}

static void
test_again_is_at_once(void **state)
{
    const struct peer_end again = {
        .is_caller = true, .was_ready = true, .bye = ENT_BYE_AGAIN};
    struct peer_end theirs = again;
    struct io_world w;
    struct peer *peer;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 1, 1);
    peer->backoff_ms = 64000;
    peer->secret_index = 0;
    end_as(&w, peer, again);
    assert_true(peer->retry_at <= clock_mono_ms());
    assert_int_equal(peer->backoff_ms, 0);
    theirs.is_caller = false; /* they had called: they call again */
    end_as(&w, peer, theirs);
    assert_true(peer->retry_at >= clock_mono_ms() + 400);
    io_world_close(&w);
}

static void
test_now_forgets_the_wait(void **state)
{
    struct io_world w;
    struct peer *peer;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 1, 1);
    call_once(&w, peer);
    assert_true(dial_next_ms(&w.io) > clock_mono_ms());
    dial_now(&w.io, peer);
    assert_int_equal(dial_next_ms(&w.io), 0);
    assert_int_equal(peer->backoff_ms, 0);
    io_world_close(&w);
}

/* Nobody is called without an address or a secret, and nobody while the node
 * stops. */
static void
test_who_is_not_called(void **state)
{
    struct io_world w;
    struct peer *peer;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 0, 1);
    dial_beat(&w.io, UINT64_MAX);
    assert_null(peer->calling);
    assert_true(dial_next_ms(&w.io) == UINT64_MAX);
    row_of(&w)->address_count = 1;
    row_of(&w)->secret_count = 0;
    dial_beat(&w.io, UINT64_MAX);
    assert_null(peer->calling);
    row_of(&w)->secret_count = 1;
    w.io.is_stopping = true;
    dial_beat(&w.io, UINT64_MAX);
    assert_null(peer->calling);
    io_world_close(&w);
}

/* The node stops between the decision to call and the call. */
static void
test_stop_before_the_call(void **state)
{
    struct io_world w;
    struct peer *peer;

    (void)state;
    io_world_open(&w);
    peer = add_peer(&w, 1, 1);
    dial_beat(&w.io, UINT64_MAX);
    assert_non_null(peer->calling);
    exchange_stop(peer, ENT_BYE_STOP);
    io_world_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_each_address),
        cmocka_unit_test(test_older_secrets),
        cmocka_unit_test(test_refused_waits_for_the_directory),
        cmocka_unit_test(test_again_is_at_once),
        cmocka_unit_test(test_now_forgets_the_wait),
        cmocka_unit_test(test_who_is_not_called),
        cmocka_unit_test(test_stop_before_the_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
