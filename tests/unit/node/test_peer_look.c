/* What is kept and what is live of a peer, put together: proved only when
 * everything says so, and else the right reason. */
#include "api/peer_look.h"

#include "own_node.h"

static struct own_node node;

/* One peer: a member with an address, an hour ago proved equal. */
struct peer_case {
    struct directory_peer row;
    struct sync_state kept;
    struct live_peer live;
};

static void
case_init(struct peer_case *c)
{
    *c = (struct peer_case){
        .row = {.name = "Cabinet Martin",
                .role = ENT_ROLE_MEMBER,
                .address_count = 1},
        .kept = {.acked = 2,
                 .last_exchange_at = OWN_NODE_NOW - 3600000u,
                 .proved_at = OWN_NODE_NOW - 3600000u,
                 .proved_top = 2},
        .live = {.link = LIVE_BACKOFF},
    };
    memset(&c->row.node, 5, sizeof(c->row.node));
}

static void
case_connect(struct peer_case *c)
{
    c->live.link = LIVE_CONNECTED;
    c->live.connected_at = OWN_NODE_NOW - 60000u;
    c->kept.proved_at = OWN_NODE_NOW - 1000u;
    c->live.view.is_ready = true;
    c->live.view.is_quiet = true;
    c->live.view.is_proved = true;
}

static void
look_at(struct peer_case *c, struct peer_look *look)
{
    struct engine_outcome outcome;
    struct api_call call;

    own_node_call(&node, &call, "{}");
    engine_begin(node.engine, node.now_ms);
    sync_state_write(engine_db(node.engine), &c->row.node, &c->kept);
    c->live.node = c->row.node;
    live_put(node.live, &c->live);
    peer_look_at(look, &call, &c->row);
    engine_commit(node.engine, &outcome);
    own_node_call_release(&call);
}

static enum reason
reason_of(struct peer_case *c)
{
    struct peer_look look;

    look_at(c, &look);
    assert_int_equal(look.is_proved, look.reason == REASON_NONE);
    return look.reason;
}

static enum reason
reason_when_away(const char *reason, const char *detail)
{
    struct peer_case c;

    case_init(&c);
    snprintf(c.live.reason, sizeof(c.live.reason), "%s", reason);
    snprintf(c.live.detail, sizeof(c.live.detail), "%s", detail);
    return reason_of(&c);
}

static void
test_away(void **state)
{
    (void)state;
    assert_int_equal(reason_when_away("", ""), REASON_OFFLINE);
    assert_int_equal(reason_when_away("offline", ""), REASON_OFFLINE);
    assert_int_equal(reason_when_away("timeout", ""), REASON_OFFLINE);
    assert_int_equal(reason_when_away("handshake-failed", ""),
                     REASON_UNRECOGNISED);
    assert_int_equal(reason_when_away("malformed", ""), REASON_BROKEN_OFF);
    assert_int_equal(reason_when_away("refused", "stranger"), REASON_REFUSED);
    assert_int_equal(reason_when_away("no-common-secret", ""), REASON_REFUSED);
    assert_int_equal(reason_when_away("wrong-version", "protocol 9"),
                     REASON_WRONG_VERSION);
}

static void
test_away_by_circumstance(void **state)
{
    struct peer_case c;

    (void)state;
    case_init(&c);
    c.kept.last_exchange_at = 0;
    assert_int_equal(reason_of(&c), REASON_NEVER);
    c.row.address_count = 0;
    assert_int_equal(reason_of(&c), REASON_NO_ADDRESS);
    c.row.role = ENT_ROLE_NONE;
    assert_int_equal(reason_of(&c), REASON_NOT_A_MEMBER_YET);
    assert_string_equal(peer_role_name(c.row.role), "joining");
}

/* Nothing is live after a start: what was kept of the last refusal counts. */
static void
test_kept_refusal(void **state)
{
    struct peer_look look;
    struct peer_case c;

    (void)state;
    case_init(&c);
    snprintf(c.kept.refusal, sizeof(c.kept.refusal), "wrong-version");
    snprintf(c.kept.refusal_detail, sizeof(c.kept.refusal_detail),
             "protocol 2");
    look_at(&c, &look);
    assert_int_equal(look.reason, REASON_WRONG_VERSION);
    assert_string_equal(look.facts.detail, "protocol 2");
    snprintf(c.live.reason, sizeof(c.live.reason), "offline");
    look_at(&c, &look);
    assert_int_equal(look.reason, REASON_OFFLINE);
    assert_int_equal(look.facts.since_at, c.kept.last_exchange_at);
}

static void
test_proved(void **state)
{
    struct peer_look look;
    struct peer_case c;

    (void)state;
    case_init(&c);
    case_connect(&c);
    look_at(&c, &look);
    assert_true(look.is_proved);
    assert_int_equal(look.reason, REASON_NONE);
    assert_int_equal(look.waiting_out, 0);
    assert_int_equal(look.waiting_in, 0);
    assert_int_equal(look.last_at, c.live.connected_at);
}

/* Each of these alone is enough not to claim it. */
static void
test_not_proved(void **state)
{
    struct peer_case c;

    (void)state;
    case_init(&c);
    case_connect(&c);
    c.live.view.is_quiet = false;
    assert_int_equal(reason_of(&c), REASON_EXCHANGING);
    case_connect(&c);
    c.live.view.is_proved = false;
    assert_int_equal(reason_of(&c), REASON_EXCHANGING);
    case_connect(&c);
    c.live.view.wanted_count = 1;
    assert_int_equal(reason_of(&c), REASON_EXCHANGING);
    c.live.view.wanted_count = 0;
    c.live.view.deferred_count = 1;
    assert_int_equal(reason_of(&c), REASON_WAITING_FOR_EARLIER);
    c.live.view.deferred_count = 0;
    c.live.view.is_ready = false;
    assert_int_equal(reason_of(&c), REASON_EXCHANGING);
}

/* A proof from before this link says nothing about it: so it is while the
 * link stands on an older secret, where only the circle is compared. */
static void
test_limited_link(void **state)
{
    struct peer_case c;

    (void)state;
    case_init(&c);
    case_connect(&c);
    c.kept.proved_at = c.live.connected_at - 1;
    assert_int_equal(reason_of(&c), REASON_OLDER_KEY);
    c.live.connected_at = OWN_NODE_NOW - 1000u; /* may still come */
    c.kept.proved_at = c.live.connected_at - 1;
    assert_int_equal(reason_of(&c), REASON_EXCHANGING);
}

static void
test_clock_skew(void **state)
{
    struct peer_case c;

    (void)state;
    case_init(&c);
    case_connect(&c);
    c.live.skew_ms = -(int64_t)ENT_SKEW_MS - 1;
    assert_int_equal(reason_of(&c), REASON_NONE); /* equal all the same */
    c.live.view.is_proved = false;
    assert_int_equal(reason_of(&c), REASON_CLOCK_SKEW);
    c.live.skew_ms = (int64_t)ENT_SKEW_MS;
    assert_int_equal(reason_of(&c), REASON_EXCHANGING);
}

static int
set_up(void **state)
{
    (void)state;
    own_node_init(&node);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    own_node_release(&node);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_away),
        cmocka_unit_test(test_away_by_circumstance),
        cmocka_unit_test(test_kept_refusal),
        cmocka_unit_test(test_proved),
        cmocka_unit_test(test_not_proved),
        cmocka_unit_test(test_limited_link),
        cmocka_unit_test(test_clock_skew),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
