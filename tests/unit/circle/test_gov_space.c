/* Care, review and own spaces: who reads, and who says so. */
#include "lib/cmocka.h"
#include "unit/circle/world.h"

static struct world *
shared_space(uint8_t kind)
{
    struct world *w = world_new(kind);

    world_sync_all(w);
    return w;
}

static uint8_t
basis_of(const struct world *w, size_t r, size_t n)
{
    struct ent_gov_member m[WORLD_REPLICAS];
    const struct ent_gov *gov = w->replicas[r].gov;
    size_t count = ent_gov_members(gov, ent_gov_now(gov), m, WORLD_REPLICAS);
    size_t i;

    for (i = 0; i < count; i++) {
        if (ent_id_eq(&m[i].node, &w->nodes[n])) {
            return m[i].basis;
        }
    }
    return ENT_BASIS_NONE;
}

static void
opener_reads_by_genesis(void **state)
{
    struct world *w = shared_space(ENT_SPACE_CARE);
    struct ent_id circle = world_id("test/circle", 1);

    (void)state;
    assert_int_equal(world_role(w, 3, 0), ENT_ROLE_READER);
    assert_int_equal(ent_gov_kind(w->replicas[3].gov), ENT_SPACE_CARE);
    assert_true(ent_id_eq(ent_gov_circle(w->replicas[3].gov), &circle));
    world_free(w);
}

static void
opener_grants_and_withdraws(void **state)
{
    struct world *w = shared_space(ENT_SPACE_CARE);
    struct ent_id before = world_config(w, 0);
    struct ent_id after;
    uint32_t i = world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_SAME_TEAM);

    (void)state;
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    assert_int_equal(world_role(w, 0, 1), ENT_ROLE_READER);
    assert_int_equal(basis_of(w, 0, 1), ENT_BASIS_SAME_TEAM);
    after = world_config(w, 0);
    assert_false(ent_id_eq(&before, &after));
    world_grant(w, 0, 2, ENT_LEVEL_CARRIER, ENT_BASIS_NONE);
    assert_int_equal(world_role(w, 0, 2), ENT_ROLE_CARRIER);
    assert_false(ent_gov_may_write(
        w->replicas[0].gov, ent_gov_now(w->replicas[0].gov), &w->nodes[2]));
    assert_true(ent_gov_was_named(w->replicas[0].gov, &w->nodes[2]));
    world_withdraw(w, 0, 1);
    assert_int_equal(world_role(w, 0, 1), ENT_ROLE_NONE);
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_CONSENT);
    assert_int_equal(world_role(w, 0, 1), ENT_ROLE_READER);
    world_free(w);
}

/* The newer grant counts: a demotion, then another basis. */
static void
the_newer_grant_counts(void **state)
{
    struct world *w = shared_space(ENT_SPACE_CARE);

    (void)state;
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_SAME_TEAM);
    world_grant(w, 0, 1, ENT_LEVEL_CARRIER, ENT_BASIS_NONE);
    assert_int_equal(world_role(w, 0, 1), ENT_ROLE_CARRIER);
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_EMERGENCY);
    assert_int_equal(world_role(w, 0, 1), ENT_ROLE_READER);
    assert_int_equal(basis_of(w, 0, 1), ENT_BASIS_EMERGENCY);
    world_free(w);
}

static void
others_may_not(void **state)
{
    struct world *w = shared_space(ENT_SPACE_CARE);

    (void)state;
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_SAME_TEAM);
    world_sync_all(w);
#define GRANT(by, to, level, basis, verdict)                                   \
    assert_int_equal(world_verdict(w, world_grant(w, by, to, level, basis)),   \
                     verdict)
    GRANT(1, 2, ENT_LEVEL_READER, ENT_BASIS_CONSENT, ENT_VERDICT_NOT_ALLOWED);
    GRANT(2, 2, ENT_LEVEL_READER, ENT_BASIS_CONSENT, ENT_VERDICT_NOT_MEMBER);
    GRANT(0, 0, ENT_LEVEL_CARRIER, ENT_BASIS_NONE, ENT_VERDICT_NOT_ALLOWED);
    GRANT(0, 2, ENT_LEVEL_NONE, ENT_BASIS_NONE, ENT_VERDICT_NOT_ALLOWED);
    GRANT(0, 2, 9, ENT_BASIS_CONSENT, ENT_VERDICT_NOT_ALLOWED);
    GRANT(0, 2, ENT_LEVEL_READER, 77, ENT_VERDICT_NOT_ALLOWED);
    /* never an identity, never the care view */
    GRANT(0, 2, ENT_LEVEL_READER, ENT_BASIS_MODERATOR, ENT_VERDICT_NOT_ALLOWED);
#undef GRANT
    assert_int_equal(world_verdict(w, world_withdraw(w, 1, 0)),
                     ENT_VERDICT_NOT_ALLOWED);
    assert_int_equal(world_verdict(w, world_withdraw(w, 3, 1)),
                     ENT_VERDICT_NOT_MEMBER);
    assert_int_equal(
        world_verdict(w, world_motion(w, 0, ENT_ACTION_REFRESH, NULL)),
        ENT_VERDICT_NOT_IN_PLACE);
    world_sync_all(w);
    assert_int_equal(world_role(w, 0, 2), ENT_ROLE_NONE);
    assert_int_equal(world_role(w, 0, 0), ENT_ROLE_READER);
    world_free(w);
}

static void
anybody_can_leave(void **state)
{
    struct world *w = shared_space(ENT_SPACE_CARE);

    (void)state;
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_CONSENT);
    world_grant(w, 0, 2, ENT_LEVEL_CARRIER, ENT_BASIS_NONE);
    world_sync_all(w);
    assert_int_equal(world_verdict(w, world_plain(w, 2, ENT_OP_EPOCH)),
                     ENT_VERDICT_NOT_ALLOWED);
    assert_int_equal(world_verdict(w, world_plain(w, 2, ENT_OP_LEAVE)),
                     ENT_VERDICT_OK);
    assert_int_equal(world_verdict(w, world_plain(w, 0, ENT_OP_LEAVE)),
                     ENT_VERDICT_OK);
    assert_int_equal(world_verdict(w, world_grant(w, 0, 3, ENT_LEVEL_READER,
                                                  ENT_BASIS_CONSENT)),
                     ENT_VERDICT_NOT_MEMBER);
    world_sync_all(w);
    assert_int_equal(world_role(w, 1, 0), ENT_ROLE_NONE);
    assert_int_equal(world_role(w, 1, 1), ENT_ROLE_READER);
    assert_int_equal(world_role(w, 1, 2), ENT_ROLE_NONE);
    world_free(w);
}

/* What is concurrent with a leave does not undo it. */
static void
a_leave_beats_a_concurrent_grant(void **state)
{
    struct world *w = shared_space(ENT_SPACE_CARE);

    (void)state;
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_CONSENT);
    world_sync_all(w);
    world_plain(w, 1, ENT_OP_LEAVE);
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_SAME_TEAM);
    world_sync_all(w);
    assert_int_equal(world_role(w, 0, 1), ENT_ROLE_NONE);
    assert_int_equal(world_role(w, 1, 1), ENT_ROLE_NONE);
    world_grant(w, 0, 1, ENT_LEVEL_READER, ENT_BASIS_SAME_TEAM);
    assert_int_equal(world_role(w, 0, 1), ENT_ROLE_READER);
    world_free(w);
}

static void
moderator_reads_the_review(void **state)
{
    struct world *w = shared_space(ENT_SPACE_REVIEW);

    (void)state;
    world_grant(w, 0, 4, ENT_LEVEL_READER, ENT_BASIS_MODERATOR);
    assert_int_equal(world_role(w, 0, 4), ENT_ROLE_MODERATOR);
    world_grant(w, 0, 5, ENT_LEVEL_READER, ENT_BASIS_REVIEW);
    assert_int_equal(world_role(w, 0, 5), ENT_ROLE_READER);
    assert_true(ent_gov_may_write(
        w->replicas[0].gov, ent_gov_now(w->replicas[0].gov), &w->nodes[4]));
    world_free(w);
}

static void
an_own_space_is_its_openers(void **state)
{
    struct world *w = shared_space(ENT_SPACE_OWN);

    (void)state;
    assert_int_equal(world_role(w, 0, 0), ENT_ROLE_READER);
    assert_true(ent_id_is_zero(ent_gov_circle(w->replicas[0].gov)));
    assert_int_equal(world_verdict(w, world_grant(w, 0, 1, ENT_LEVEL_READER,
                                                  ENT_BASIS_SAME_TEAM)),
                     ENT_VERDICT_NOT_IN_PLACE);
    assert_int_equal(world_verdict(w, world_plain(w, 0, ENT_OP_LEAVE)),
                     ENT_VERDICT_NOT_IN_PLACE);
    assert_int_equal(world_role(w, 0, 0), ENT_ROLE_READER);
    world_free(w);
}

static void
an_unknown_kind_is_nobodys(void **state)
{
    struct world *w = shared_space(7);

    (void)state;
    assert_int_equal(world_verdict(w, 0), ENT_VERDICT_NOT_ALLOWED);
    assert_int_equal(ent_gov_kind(w->replicas[0].gov), 0);
    assert_int_equal(world_role(w, 0, 0), ENT_ROLE_NONE);
    assert_int_equal(world_verdict(w, world_plain(w, 0, ENT_OP_LEAVE)),
                     ENT_VERDICT_NOT_MEMBER);
    world_free(w);
}

/* Random grants, withdrawals, leaves and forks of the opener, applied in
 * other orders: everybody sees the same roles in every past. */
static void
random_step(struct world *w, struct ent_rng *rng)
{
    uint8_t dice[4];
    size_t r;
    size_t n;
    uint32_t parent;
    struct ent_op op = {.type = ENT_OP_GRANT};

    ent_rng_fill(rng, dice, sizeof(dice));
    r = dice[0] % 4 == 0 ? dice[1] % WORLD_REPLICAS : 0;
    n = dice[2] % WORLD_REPLICAS;
    switch (dice[3] % 8) {
    case 0:
    case 1:
        world_grant(w, r, n,
                    dice[1] % 2 == 0 ? ENT_LEVEL_READER : ENT_LEVEL_CARRIER,
                    (enum ent_basis)(dice[1] % 6));
        return;
    case 2:
        world_withdraw(w, r, n);
        return;
    case 3:
        world_plain(w, n, ENT_OP_LEAVE);
        return;
    case 4:
        parent = (uint32_t)(dice[1] * 256 + dice[0]) % w->count;
        op.u.grant.node = w->nodes[n];
        op.u.grant.level = ENT_LEVEL_READER;
        op.u.grant.basis = ENT_BASIS_CONSENT;
        if (w->replicas[0].has[parent]) {
            world_write_after(w, 0, &op, &parent, 1);
        }
        return;
    default:
        world_sync(w, r, n);
        return;
    }
}

static void
assert_same_everywhere(const struct world *w, size_t a, size_t b)
{
    const struct replica *x = &w->replicas[a];
    const struct replica *y = &w->replicas[b];
    struct ent_id x_config;
    struct ent_id y_config;
    uint32_t i;
    size_t n;

    for (i = 0; i < w->count; i++) {
        assert_int_equal(x->verdict[i], y->verdict[i]);
        ent_gov_config(x->gov, x->after[i], &x_config);
        ent_gov_config(y->gov, y->after[i], &y_config);
        assert_true(ent_id_eq(&x_config, &y_config));
        for (n = 0; n < WORLD_REPLICAS; n++) {
            assert_int_equal(ent_gov_role(x->gov, x->after[i], &w->nodes[n]),
                             ent_gov_role(y->gov, y->after[i], &w->nodes[n]));
        }
    }
    for (n = 0; n < WORLD_REPLICAS; n++) {
        assert_int_equal(world_role(w, a, n), world_role(w, b, n));
        assert_int_equal(basis_of(w, a, n), basis_of(w, b, n));
    }
}

static void
orders_do_not_matter(void **state)
{
    uint32_t seed;

    (void)state;
    for (seed = 0; seed < 150; seed++) {
        struct world *w = shared_space(ENT_SPACE_CARE);
        struct ent_key key = {{(uint8_t)seed}};
        struct ent_rng rng;
        uint32_t step;
        uint8_t dice[2];

        ent_rng_init(&rng, &key);
        for (step = 0; step < 80; step++) {
            random_step(w, &rng);
        }
        world_sync_all(w);
        world_forget(w, 1);
        for (step = 0; step < 2 * w->count; step++) {
            ent_rng_fill(&rng, dice, sizeof(dice));
            world_deliver(w, 1, ent_get_u16(dice) % w->count);
        }
        world_sync_all(w);
        assert_same_everywhere(w, 0, 1);
        assert_same_everywhere(w, 1, 2);
        world_free(w);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opener_reads_by_genesis),
        cmocka_unit_test(opener_grants_and_withdraws),
        cmocka_unit_test(the_newer_grant_counts),
        cmocka_unit_test(others_may_not),
        cmocka_unit_test(anybody_can_leave),
        cmocka_unit_test(a_leave_beats_a_concurrent_grant),
        cmocka_unit_test(moderator_reads_the_review),
        cmocka_unit_test(an_own_space_is_its_openers),
        cmocka_unit_test(an_unknown_kind_is_nobodys),
        cmocka_unit_test(orders_do_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
