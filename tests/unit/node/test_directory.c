/* Whom a node knows, with which secrets a link to them opens, and what an
 * invitation is good for. */
#include "unit/node/nodes.h"

static struct nodes w;

static int
set_up(void **state)
{
    (void)state;
    nodes_init(&w, 3, 80);
    nodes_circle(&w, 2);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    nodes_release(&w);
    return 0;
}

static void
test_members(void **state)
{
    struct directory *d = directory_read(node_db(&w.n[0]));
    const struct directory_peer *p;

    (void)state;
    assert_int_equal(d->peer_count, 2);
    assert_null(directory_find(d, &w.n[0].id)); /* not ourselves */
    p = directory_find(d, &w.n[1].id);
    assert_non_null(p);
    assert_string_equal(p->name, "node1");
    assert_int_equal(p->role, ENT_ROLE_MEMBER);
    assert_int_equal(p->sector, ENT_SECTOR_COMMUNITY);
    assert_int_equal(p->address_count, 1);
    assert_string_equal(p->addresses[0], "127.0.0.1:7447");
    assert_true(p->full_count > 0 && p->full_count <= p->secret_count);
    assert_ptr_equal(
        directory_find_transport(d, &engine_keys(w.n[1].engine)->transport), p);
    assert_int_equal(directory_find(d, &w.n[2].id)->role, ENT_ROLE_MODERATOR);
    directory_free(d);
    directory_free(NULL);
}

/* Both ends of each pair open with the same newest secret. */
static void
test_secrets_agree(void **state)
{
    size_t a;
    size_t b;

    (void)state;
    for (a = 0; a < w.count; a++) {
        struct directory *at_a = directory_read(node_db(&w.n[a]));

        for (b = 0; b < w.count; b++) {
            struct directory *at_b = directory_read(node_db(&w.n[b]));
            const struct directory_peer *p = directory_find(at_a, &w.n[b].id);
            const struct directory_peer *q = directory_find(at_b, &w.n[a].id);

            assert_true(a == b || (p != NULL && q != NULL));
            if (a != b) {
                assert_true(p->full_count > 0 && q->full_count > 0);
                assert_memory_equal(p->secrets[0].b, q->secrets[0].b, 32);
            }
            directory_free(at_b);
        }
        directory_free(at_a);
    }
}

/* A rotation makes the earlier secrets old: they open circle-only links. */
static void
test_rotation(void **state)
{
    struct directory *before = directory_read(node_db(&w.n[0]));
    struct ent_op_motion motion = {.action = ENT_ACTION_RELIEVE,
                                   .subject = w.n[2].id};
    struct directory *after;
    const struct directory_peer *p;
    struct ent_key old = directory_find(before, &w.n[1].id)->secrets[0];
    struct ent_id id;
    bool is_kept = false;
    size_t i;

    (void)state;
    node_begin(&w, &w.n[0]);
    assert_int_equal(engine_motion(w.n[0].engine,
                                   node_space(&w.n[0], &w.circle), &motion,
                                   &id),
                     ENT_OK);
    node_commit(&w, &w.n[0]);
    nodes_decide(&w);
    after = directory_read(node_db(&w.n[0]));
    p = directory_find(after, &w.n[1].id);
    assert_non_null(p);
    assert_memory_not_equal(p->secrets[0].b, old.b, 32);
    for (i = p->full_count; i < p->secret_count; i++) {
        is_kept = is_kept || memcmp(p->secrets[i].b, old.b, 32) == 0;
    }
    assert_true(is_kept);
    p = directory_find(after, &w.n[2].id);
    assert_true(p == NULL || p->full_count == 0);
    directory_free(before);
    directory_free(after);
}

/* ---- invitations ---- */

static enum ent_status
try_join(const uint8_t id[8], struct ent_slice card)
{
    struct ent_key secret = {{1}};
    enum ent_status st;

    node_begin(&w, &w.n[0]);
    st = directory_join_callee(w.n[0].engine, id, card, &secret, true);
    node_commit(&w, &w.n[0]);
    return st;
}

static void
put_invitation(uint8_t number, uint64_t expires,
               struct overview_invitation *inv)
{
    static const uint8_t secret[32] = {5};

    *inv = (struct overview_invitation){
        .id = {number},
        .role = ENT_ROLE_MEMBER,
        .created_at = w.now_ms,
        .expires_at = expires,
    };
    node_begin(&w, &w.n[0]);
    overview_put_invitation(node_db(&w.n[0]), node_space(&w.n[0], &w.circle),
                            inv, secret);
    node_commit(&w, &w.n[0]);
}

static uint64_t
motions(void)
{
    return ent_gov_motion_count(
        engine_gov(w.n[0].engine, node_space(&w.n[0], &w.circle)));
}

static void
test_invitations(void **state)
{
    struct node newcomer = {.engine = NULL};
    struct overview_invitation inv;
    struct overview_invitation late;
    struct directory *d;
    struct ent_key psk;
    struct ent_key secret = {{5}};
    struct ent_buf card;
    uint64_t before = motions();
    size_t i;
    bool is_used = false;

    (void)state;
    node_make(&w, &newcomer, "newcomer");
    node_card(&w, &newcomer, &card);
    put_invitation(1, w.now_ms + 100000, &inv);
    put_invitation(2, w.now_ms - 1, &late);
    assert_int_equal(try_join(late.id, ent_buf_slice(&card)),
                     ENT_PEER_INVITE_EXPIRED);
    late.id[0] = 99;
    assert_int_equal(try_join(late.id, ent_buf_slice(&card)),
                     ENT_PEER_INVITE_UNKNOWN);
    assert_int_equal(try_join(inv.id, ent_slice("junk", 4)),
                     ENT_PEER_MALFORMED);
    card.p[card.len - 1] ^= 1;
    assert_int_equal(try_join(inv.id, ent_buf_slice(&card)), ENT_PEER_BAD_SIG);
    card.p[card.len - 1] ^= 1;
    assert_int_equal(motions(), before);
    assert_int_equal(try_join(inv.id, ent_buf_slice(&card)), ENT_OK);
    assert_int_equal(motions(), before + 1);
    assert_int_equal(try_join(inv.id, ent_buf_slice(&card)),
                     ENT_PEER_INVITE_USED);
    assert_int_equal(motions(), before + 1);
    d = directory_read(node_db(&w.n[0]));
    directory_ticket_psk(&secret, &psk);
    for (i = 0; i < d->invitation_count; i++) {
        if (memcmp(d->invitations[i].id, inv.id, 8) == 0) {
            is_used = d->invitations[i].is_used;
            assert_memory_equal(d->invitations[i].psk.b, psk.b, 32);
            assert_memory_equal(d->invitations[i].circle.b, w.circle.b, 32);
        }
    }
    assert_true(is_used);
    /* Until it is voted in, the secret of the pair alone opens a link. */
    assert_non_null(directory_find(d, &newcomer.id));
    assert_int_equal(directory_find(d, &newcomer.id)->role, ENT_ROLE_NONE);
    assert_int_equal(directory_find(d, &newcomer.id)->secret_count, 1);
    assert_int_equal(directory_find(d, &newcomer.id)->full_count, 0);
    directory_free(d);
    ent_buf_release(&card);
    node_close(&newcomer);
}

/* ---- addresses that people typed ---- */

static void
test_typed_addresses(void **state)
{
    uint64_t row = node_row(&w.n[0], &w.n[1].id);
    struct directory *d;
    const struct directory_peer *p;

    (void)state;
    node_begin(&w, &w.n[0]);
    assert_int_equal(engine_add_address(w.n[0].engine, row, "10.0.0.1:1"),
                     ENT_OK);
    assert_int_equal(engine_add_address(w.n[0].engine, row, "no-port"),
                     ENT_RULE_USAGE);
    assert_int_equal(engine_add_address(w.n[0].engine, row, "host:70000"),
                     ENT_RULE_USAGE);
    assert_int_equal(engine_remove_address(w.n[0].engine, row, "10.0.0.2:1"),
                     ENT_RULE_NOT_FOUND);
    node_commit(&w, &w.n[0]);
    d = directory_read(node_db(&w.n[0]));
    p = directory_find(d, &w.n[1].id);
    assert_int_equal(p->address_count, 2);
    assert_string_equal(p->addresses[0], "10.0.0.1:1");
    directory_free(d);
    node_begin(&w, &w.n[0]);
    assert_int_equal(engine_remove_address(w.n[0].engine, row, "10.0.0.1:1"),
                     ENT_OK);
    node_commit(&w, &w.n[0]);
    d = directory_read(node_db(&w.n[0]));
    assert_int_equal(directory_find(d, &w.n[1].id)->address_count, 1);
    directory_free(d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secrets_agree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_invitations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_typed_addresses, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
