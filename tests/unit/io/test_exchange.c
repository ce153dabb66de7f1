/* labels: quick threads */
/* Two nodes in one process, over loopback: who stays when calls cross, what an
 * old secret leads to, and how a session ends. Their directories are written
 * by the test. */
#include "unit/io/io_world.h"

#include "io/listen.h"

#include <unistd.h>

#define TURNS_MAX 8000 /* a millisecond each: to end a hang */

struct side {
    struct io_world w;
    char address[ADDRESS_TEXT_MAX];
    struct peer *peer; /* the other, as this side has it */
};

struct pair {
    uv_loop_t loop;
    struct side a;
    struct side b;
};

static void
side_open(struct side *s, uv_loop_t *loop)
{
    io_world_open_on(&s->w, loop);
    s->w.config.half_open_max = 64;
    s->w.config.half_open_prefix_max = 64;
    s->w.config.accept_rate = 1000;
    s->w.config.accept_burst = 1000;
    s->w.config.backoff_min_ms = 5;
    s->w.config.backoff_max_ms = 60000;
    assert_int_equal(
        listener_new(&s->w.io, "127.0.0.1:0", &s->w.io.listener, s->address),
        ENT_OK);
}

/* What `s` knows of `other`: the secrets named by letters, newest first; the
 * first is of today's circle if it is a capital. */
static void
know(struct side *s, const struct side *other, const char *secrets,
     bool has_address)
{
    struct directory *d = ent_alloc_zero(1, sizeof(*d));
    struct directory_peer *row = ent_alloc_zero(1, sizeof(*row));
    const struct node_keys *keys = other->w.io.keys;

    row->node = keys->node;
    row->transport = keys->transport;
    row->role = ENT_ROLE_MEMBER;
    row->address_count = has_address ? 1 : 0;
    snprintf(row->addresses[0], sizeof(row->addresses[0]), "%s",
             other->address);
    row->secret_count = strlen(secrets);
    row->full_count = secrets[0] >= 'A' && secrets[0] <= 'Z' ? 1 : 0;
    for (size_t i = 0; i < row->secret_count; i++) {
        memset(row->secrets[i].b, secrets[i] | 0x20, sizeof(row->secrets[i].b));
    }
    d->peers = row;
    d->peer_count = secrets[0] != '\0' ? 1 : 0;
    directory_free(s->w.io.directory);
    s->w.io.directory = d;
    dial_directory_changed(&s->w.io);
    s->peer = peers_get(s->w.io.peers, &keys->node);
}

static void
pair_open(struct pair *p)
{
    assert_int_equal(uv_loop_init(&p->loop), 0);
    side_open(&p->a, &p->loop);
    side_open(&p->b, &p->loop);
}

static void
pair_close(struct pair *p)
{
    listener_stop(p->a.w.io.listener);
    listener_stop(p->b.w.io.listener);
    io_world_close(&p->a.w);
    io_world_close(&p->b.w);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&p->loop), 0);
}

static void
beat(struct side *s)
{
    uint64_t now_ms = clock_mono_ms();

    conn_set_beat(s->w.io.conns, now_ms);
    dial_beat(&s->w.io, now_ms);
    exchange_tick_all(&s->w.io);
    exchange_review_all(&s->w.io);
}

static void
turn(struct pair *p)
{
    uv_run(&p->loop, UV_RUN_NOWAIT);
    beat(&p->a);
    beat(&p->b);
    usleep(1000);
}

#define UNTIL(pair, cond)                                                      \
    do {                                                                       \
        int turns = 0;                                                         \
        while (!(cond) && turns++ < TURNS_MAX) {                               \
            turn(pair);                                                        \
        }                                                                      \
        assert_true(cond);                                                     \
    } while (0)

static bool
both_proved(const struct pair *p)
{
    return exchange_is_proved(p->a.peer) && exchange_is_proved(p->b.peer);
}

static void
test_one_calls(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p);
    know(&p.b, &p.a, "N", false);
    know(&p.a, &p.b, "N", true);
    UNTIL(&p, both_proved(&p));
    assert_true(p.a.peer->facts.is_caller);
    assert_false(p.b.peer->facts.is_caller);
    assert_int_equal(p.a.peer->facts.link, LIVE_CONNECTED);
    assert_string_equal(p.b.peer->facts.software, ENT_VERSION);
    assert_true(p.a.peer->state.proved_at > 0);
    pair_close(&p);
}

/* Both call at once: the call of the smaller id is the one that is left. */
static void
test_calls_cross(void **state)
{
    struct pair p;
    bool is_a_smaller;

    (void)state;
    pair_open(&p);
    is_a_smaller = ent_id_cmp(&p.a.w.io.keys->node, &p.b.w.io.keys->node) < 0;
    know(&p.a, &p.b, "N", true);
    know(&p.b, &p.a, "N", true);
    dial_beat(&p.a.w.io, clock_mono_ms());
    dial_beat(&p.b.w.io, clock_mono_ms());
    UNTIL(&p, both_proved(&p) && conn_set_count(p.a.w.io.conns) == 1 &&
                  conn_set_count(p.b.w.io.conns) == 1);
    assert_true(p.a.peer->facts.is_caller != p.b.peer->facts.is_caller);
    assert_int_equal(p.a.peer->facts.is_caller, is_a_smaller);
    pair_close(&p);
}

/* The callee does not know the newest yet: an older one opens a limited link,
 * which is not proof of anything; once it knows, a new handshake follows. */
static void
test_old_secret(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p);
    know(&p.b, &p.a, "o", false);
    know(&p.a, &p.b, "No", true);
    UNTIL(&p, p.a.peer->live != NULL && p.b.peer->live != NULL);
    for (int i = 0; i < 50; i++) {
        turn(&p);
    }
    assert_false(exchange_is_proved(p.a.peer));
    assert_false(exchange_is_proved(p.b.peer));
    assert_int_equal(p.a.peer->state.proved_at, 0);
    know(&p.b, &p.a, "No", false);
    UNTIL(&p, both_proved(&p));
    assert_int_equal(p.a.peer->limited_ms, 500);
    pair_close(&p);
}

static void
test_no_common_secret(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p);
    know(&p.b, &p.a, "X", false);
    know(&p.a, &p.b, "No", true);
    UNTIL(&p, strcmp(p.a.peer->facts.reason, "no-common-secret") == 0);
    assert_null(p.b.peer->live);
    assert_string_equal(p.a.peer->state.refusal, "no-common-secret");
    pair_close(&p);
}

/* Not in the directory: a stranger; the same once it was taken out of it. */
static void
test_stranger_and_removed(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p);
    know(&p.b, &p.a, "", false);
    know(&p.a, &p.b, "N", true);
    UNTIL(&p, p.a.peer->facts.link == LIVE_BACKOFF);
    assert_null(p.b.peer->live);
    know(&p.b, &p.a, "N", false);
    UNTIL(&p, both_proved(&p));
    know(&p.b, &p.a, "", false);
    UNTIL(&p, p.a.peer->facts.link == LIVE_REFUSED);
    assert_string_equal(p.a.peer->facts.reason, "refused");
    assert_true(p.a.peer->is_refused);
    pair_close(&p);
}

static void
test_versions_apart(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p);
    p.b.w.config.protocol_min = 7;
    p.b.w.config.protocol_max = 9;
    know(&p.b, &p.a, "N", false);
    know(&p.a, &p.b, "N", true);
    UNTIL(&p, p.a.peer->is_refused);
    assert_string_equal(p.a.peer->facts.reason, "wrong-version");
    assert_int_equal(p.a.peer->facts.link, LIVE_REFUSED);
    pair_close(&p);
}

static void
test_stop_says_goodbye(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p);
    know(&p.b, &p.a, "N", false);
    know(&p.a, &p.b, "N", true);
    UNTIL(&p, both_proved(&p));
    p.b.w.io.is_stopping = true;
    exchange_stop(p.b.peer, ENT_BYE_STOP);
    UNTIL(&p, p.b.peer->live == NULL && p.a.peer->live == NULL);
    assert_int_equal(p.a.peer->end.bye, ENT_BYE_STOP);
    assert_true(p.a.peer->end.is_theirs);
    assert_false(p.b.peer->end.is_theirs);
    pair_close(&p);
}

/* The peer's process was killed and comes again: the newest session counts,
 * though the older one has not noticed. */
static void
test_newest_of_one_direction(void **state)
{
    struct pair p;
    struct exchange *first;

    (void)state;
    pair_open(&p);
    know(&p.b, &p.a, "N", false);
    know(&p.a, &p.b, "N", true);
    UNTIL(&p, both_proved(&p));
    first = p.b.peer->live;
    p.a.peer->live = NULL; /* as if it had been forgotten */
    p.a.peer->calling = NULL;
    UNTIL(&p,
          p.b.peer->live != NULL && p.b.peer->live != first && both_proved(&p));
    pair_close(&p);
}

/* Our numbers began anew: every session does, and memory is forgotten. */
static void
test_store_new(void **state)
{
    struct pair p;

    (void)state;
    pair_open(&p);
    know(&p.b, &p.a, "N", false);
    know(&p.a, &p.b, "N", true);
    UNTIL(&p, both_proved(&p));
    exchange_forget_all(&p.a.w.io);
    assert_false(p.a.peer->is_loaded);
    UNTIL(&p, p.a.peer->is_loaded && both_proved(&p));
    pair_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_calls),
        cmocka_unit_test(test_calls_cross),
        cmocka_unit_test(test_old_secret),
        cmocka_unit_test(test_no_common_secret),
        cmocka_unit_test(test_stranger_and_removed),
        cmocka_unit_test(test_versions_apart),
        cmocka_unit_test(test_stop_says_goodbye),
        cmocka_unit_test(test_newest_of_one_direction),
        cmocka_unit_test(test_store_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
