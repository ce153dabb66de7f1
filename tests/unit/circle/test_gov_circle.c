/* A circle's own rules, one by one: docs/trust.md 1. */
#include "lib/cmocka.h"
#include "unit/circle/world.h"

static void
founder_is_a_member_by_genesis(void **state)
{
    struct world *w = world_new(ENT_SPACE_CIRCLE);
    const struct ent_gov *gov = w->replicas[0].gov;
    struct ent_gov_member m;

    (void)state;
    assert_int_equal(world_verdict(w, 0), ENT_VERDICT_OK);
    assert_int_equal(ent_gov_kind(gov), ENT_SPACE_CIRCLE);
    assert_true(ent_id_is_zero(ent_gov_circle(gov)));
    assert_int_equal(ent_gov_members(gov, ent_gov_now(gov), &m, 1), 1);
    assert_true(ent_id_eq(&m.node, &w->nodes[0]));
    assert_int_equal(m.role, ENT_ROLE_MEMBER);
    assert_true(m.is_opener);
    assert_true(ent_gov_was_named(gov, &w->nodes[0]));
    assert_false(ent_gov_was_named(gov, &w->nodes[1]));
    assert_true(ent_gov_may_write(gov, ent_gov_now(gov), &w->nodes[0]));
    assert_false(ent_gov_may_write(gov, ENT_PAST_EMPTY, &w->nodes[0]));
    assert_int_equal(ent_gov_members(gov, ENT_PAST_EMPTY, &m, 1), 0);
    world_free(w);
}

static void
a_space_has_one_genesis(void **state)
{
    struct world *w = world_new(ENT_SPACE_CIRCLE);
    struct ent_op op = {.type = ENT_OP_GENESIS};
    uint32_t i;

    (void)state;
    op.u.genesis.kind = ENT_SPACE_OWN;
    i = world_write(w, 0, &op);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_NOT_IN_PLACE);
    assert_int_equal(ent_gov_kind(w->replicas[0].gov), ENT_SPACE_CIRCLE);
    world_free(w);
}

static void
admission_takes_a_majority(void **state)
{
    static const size_t two[] = {0, 1};
    static const size_t one[] = {0};
    struct world *w = world_circle(3);
    struct ent_gov_motion m;
    const struct ent_gov *gov = w->replicas[0].gov;
    uint32_t few;
    uint32_t enough;

    (void)state;
    few = world_carry(w, ENT_ACTION_ADMIT, &w->nodes[3], one, 1);
    assert_int_equal(world_verdict(w, few), ENT_VERDICT_TOO_FEW);
    assert_int_equal(world_role(w, 0, 3), ENT_ROLE_NONE);
    ent_gov_motion(gov, ent_gov_motion_count(gov) - 1, &m);
    assert_true(m.is_valid && m.is_open && !m.is_decided);
    assert_int_equal(m.needed, 2);
    assert_int_equal(m.ballot_count, 1);
    assert_true(ent_id_eq(&m.voters[0], &w->nodes[0]));
    assert_true(ent_id_eq(&m.subject, &w->nodes[3]));
    enough = world_carry(w, ENT_ACTION_ADMIT, &w->nodes[3], two, 2);
    assert_int_equal(world_verdict(w, enough), ENT_VERDICT_OK);
    assert_int_equal(world_role(w, 2, 3), ENT_ROLE_MEMBER);
    ent_gov_motion(gov, ent_gov_motion_count(gov) - 1, &m);
    assert_true(m.is_decided && !m.is_open);
    ent_gov_motion(gov, ent_gov_motion_count(gov) - 2, &m);
    assert_false(m.is_open); /* its base has gone */
    world_free(w);
}

/* floor(n/2)+1 of n, the subject counted in n. */
static void
the_subject_counts_in_n(void **state)
{
    static const size_t two[] = {0, 1};
    static const size_t three[] = {0, 1, 2};
    struct world *w = world_circle(4);
    uint32_t i;

    (void)state;
    i = world_carry(w, ENT_ACTION_REMOVE, &w->nodes[3], two, 2);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_TOO_FEW);
    world_free(w);
    w = world_circle(4);
    i = world_carry(w, ENT_ACTION_REMOVE, &w->nodes[3], three, 3);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    assert_int_equal(world_role(w, 1, 3), ENT_ROLE_NONE);
    assert_true(ent_gov_was_named(w->replicas[1].gov, &w->nodes[3]));
    world_free(w);
}

static void
two_structures_cannot_remove_each_other(void **state)
{
    static const size_t one[] = {0};
    struct world *w = world_circle(2);
    uint32_t i = world_carry(w, ENT_ACTION_REMOVE, &w->nodes[1], one, 1);

    (void)state;
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_TOO_FEW);
    i = world_plain(w, 0, ENT_OP_LEAVE); /* always possible alone */
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    world_sync_all(w);
    assert_int_equal(world_role(w, 1, 0), ENT_ROLE_NONE);
    assert_int_equal(world_role(w, 1, 1), ENT_ROLE_MEMBER);
    world_free(w);
}

static void
the_founder_can_be_removed_and_come_back(void **state)
{
    static const size_t others[] = {1, 2};
    struct world *w = world_circle(3);
    uint32_t i = world_carry(w, ENT_ACTION_REMOVE, &w->nodes[0], others, 2);

    (void)state;
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    assert_int_equal(world_role(w, 0, 0), ENT_ROLE_NONE);
    i = world_carry(w, ENT_ACTION_ADMIT, &w->nodes[0], others, 2);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    assert_int_equal(world_role(w, 0, 0), ENT_ROLE_MEMBER);
    world_free(w);
}

static void
motions_are_judged(void **state)
{
    struct world *w = world_circle(3);
    struct ent_op op = {.type = ENT_OP_MOTION};
    struct ent_id zero = {{0}};

    (void)state;
#define MOTION(by, act, who, verdict)                                          \
    assert_int_equal(world_verdict(w, world_motion(w, by, act, who)), verdict)
    MOTION(4, ENT_ACTION_REFRESH, NULL, ENT_VERDICT_NOT_MEMBER);
    MOTION(0, ENT_ACTION_REFRESH, NULL, ENT_VERDICT_OK);
    MOTION(0, ENT_ACTION_REFRESH, &w->nodes[1], ENT_VERDICT_NOT_ALLOWED);
    MOTION(0, ENT_ACTION_ADMIT, NULL, ENT_VERDICT_NOT_ALLOWED);
    MOTION(0, ENT_ACTION_ADMIT, &w->nodes[1], ENT_VERDICT_NOT_ALLOWED);
    MOTION(0, ENT_ACTION_REMOVE, &w->nodes[5], ENT_VERDICT_NOT_ALLOWED);
    MOTION(0, ENT_ACTION_REMOVE, NULL, ENT_VERDICT_NOT_ALLOWED);
    MOTION(0, ENT_ACTION_RELIEVE, &w->nodes[1], ENT_VERDICT_NOT_ALLOWED);
    MOTION(0, ENT_ACTION_APPOINT, &w->nodes[1], ENT_VERDICT_NOT_ALLOWED);
    MOTION(0, (enum ent_action)99, NULL, ENT_VERDICT_NOT_ALLOWED);
#undef MOTION
    op.u.motion.base = zero;
    op.u.motion.action = ENT_ACTION_REFRESH;
    assert_int_equal(world_verdict(w, world_write(w, 0, &op)),
                     ENT_VERDICT_STALE_BASE);
    world_free(w);
}

/* Nobody votes for one name and admits another key. */
static void
a_card_is_the_subjects(void **state)
{
    static const struct ent_key secret = {{3}};
    struct ent_card card = {.sector = ENT_SECTOR_OTHER,
                            .name = ent_slice_str("A structure")};
    struct world *w = world_circle(2);
    struct ent_op op = {.type = ENT_OP_MOTION};
    struct ent_buf bytes = {0};
    struct ent_gov_motion m;
    uint32_t i;

    (void)state;
    ent_sign_public(&secret, &card.node);
    ent_card_encode(&card, &secret, &bytes);
    op.u.motion.base = world_config(w, 0);
    op.u.motion.action = ENT_ACTION_ADMIT;
    op.u.motion.subject = w->nodes[3];
    op.u.motion.card = ent_buf_slice(&bytes);
    op.u.motion.text = ent_slice_str("why");
    i = world_write(w, 0, &op);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_NOT_ALLOWED);
    op.u.motion.subject = card.node;
    i = world_write(w, 0, &op);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    ent_gov_motion(w->replicas[0].gov,
                   ent_gov_motion_count(w->replicas[0].gov) - 1, &m);
    assert_true(ent_slice_eq(m.card, ent_buf_slice(&bytes)));
    assert_true(ent_slice_eq(m.text, ent_slice_str("why")));
    bytes.p[20] ^= 1;
    i = world_write(w, 0, &op);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_NOT_ALLOWED);
    ent_buf_release(&bytes);
    world_free(w);
}

static void
ballots_are_judged(void **state)
{
    static const size_t all[] = {0, 1, 2, 3};
    struct world *w = world_circle(4);
    uint32_t remove = world_motion(w, 0, ENT_ACTION_REMOVE, &w->nodes[3]);
    uint32_t other = world_motion(w, 0, ENT_ACTION_REMOVE, &w->nodes[2]);
    uint32_t rule = world_motion(w, 0, ENT_ACTION_RULE, NULL);
    uint32_t bad = world_motion(w, 0, ENT_ACTION_ADMIT, &w->nodes[1]);

    (void)state;
#define BALLOT(by, motion, verdict)                                            \
    assert_int_equal(world_verdict(w, world_ballot(w, by, motion)), verdict)
    BALLOT(1, remove, ENT_VERDICT_UNKNOWN); /* not in its past */
    world_sync_all(w);
    BALLOT(5, remove, ENT_VERDICT_NOT_MEMBER);
    BALLOT(3, remove, ENT_VERDICT_SUBJECT);
    BALLOT(1, remove, ENT_VERDICT_OK);
    BALLOT(1, remove, ENT_VERDICT_OK);
    BALLOT(1, other, ENT_VERDICT_TWICE);
    BALLOT(1, rule, ENT_VERDICT_OK); /* no removal */
    BALLOT(1, bad, ENT_VERDICT_UNKNOWN);
    BALLOT(1, 0, ENT_VERDICT_UNKNOWN);
    world_sync_all(w);
    assert_int_equal(
        world_verdict(w, world_carry(w, ENT_ACTION_REFRESH, NULL, all, 4)),
        ENT_VERDICT_OK);
    BALLOT(2, remove, ENT_VERDICT_STALE_BASE);
#undef BALLOT
    world_free(w);
}

static void
decisions_are_judged(void **state)
{
    struct world *w = world_circle(4);
    uint32_t motion = world_motion(w, 0, ENT_ACTION_RULE, NULL);
    uint32_t other = world_motion(w, 0, ENT_ACTION_RULE, NULL);
    uint32_t b[6];
    uint32_t wrong[3];

    (void)state;
    world_sync_all(w);
    b[0] = world_ballot(w, 0, motion);
    b[1] = world_ballot(w, 1, motion);
    b[2] = world_ballot(w, 2, motion);
    b[3] = world_ballot(w, 2, other);
    b[4] = world_ballot(w, 5, motion); /* a stranger */
    b[5] = world_ballot(w, 1, motion); /* once more */
#define DECIDE(by, what, x, y, z, verdict)                                     \
    do {                                                                       \
        wrong[0] = x;                                                          \
        wrong[1] = y;                                                          \
        wrong[2] = z;                                                          \
        assert_int_equal(                                                      \
            world_verdict(w, world_decision(w, by, what, wrong, 3)), verdict); \
    } while (0)
    DECIDE(0, motion, b[0], b[1], b[2], ENT_VERDICT_UNKNOWN); /* no past */
    world_sync_all(w);
    DECIDE(5, motion, b[0], b[1], b[2], ENT_VERDICT_NOT_MEMBER);
    DECIDE(0, motion, b[0], b[1], b[1], ENT_VERDICT_TWICE);
    DECIDE(0, motion, b[0], b[1], b[5], ENT_VERDICT_TWICE);
    DECIDE(0, motion, b[0], b[1], b[3], ENT_VERDICT_UNKNOWN);
    DECIDE(0, motion, b[0], b[1], b[4], ENT_VERDICT_UNKNOWN);
    DECIDE(0, motion, b[0], b[1], motion, ENT_VERDICT_UNKNOWN);
    DECIDE(0, b[0], b[0], b[1], b[2], ENT_VERDICT_UNKNOWN);
    assert_int_equal(world_verdict(w, world_decision(w, 0, motion, b, 2)),
                     ENT_VERDICT_TOO_FEW);
    assert_int_equal(world_verdict(w, world_decision(w, 0, motion, b, 0)),
                     ENT_VERDICT_TOO_FEW);
    DECIDE(3, motion, b[2], b[1], b[0], ENT_VERDICT_OK);
    DECIDE(1, motion, b[0], b[1], b[2], ENT_VERDICT_OK); /* concurrent */
    world_sync_all(w);
    DECIDE(2, motion, b[0], b[1], b[2], ENT_VERDICT_STALE_BASE);
#undef DECIDE
    world_free(w);
}

/* Two decisions of one motion are one. */
static void
concurrent_decisions_of_a_motion_are_one(void **state)
{
    struct world *w = world_circle(1);
    uint32_t motion = world_motion(w, 0, ENT_ACTION_ADMIT, &w->nodes[1]);
    uint32_t ballot = world_ballot(w, 0, motion);
    struct ent_op op = {.type = ENT_OP_DECISION};
    struct ent_id one;
    struct ent_id both;
    uint32_t first;
    uint32_t second;

    (void)state;
    op.u.decision.motion = w->items[motion].e.id;
    op.u.decision.ballots = &w->items[ballot].e.id;
    op.u.decision.ballot_count = 1;
    first = world_write_after(w, 0, &op, &ballot, 1);
    one = world_config(w, 0);
    second = world_write_after(w, 0, &op, &ballot, 1);
    both = world_config(w, 0);
    assert_int_equal(world_verdict(w, first), ENT_VERDICT_OK);
    assert_int_equal(world_verdict(w, second), ENT_VERDICT_OK);
    assert_true(ent_id_eq(&one, &both));
    world_free(w);
}

/* One entry, two ballots for two removals: what one entry says twice is in
 * nobody's past, so the second is not heard. */
static void
an_entry_holds_one_act(void **state)
{
    struct world *w = world_circle(4);
    uint32_t a = world_motion(w, 0, ENT_ACTION_REMOVE, &w->nodes[3]);
    uint32_t b = world_motion(w, 0, ENT_ACTION_REMOVE, &w->nodes[2]);
    struct ent_op ops[2] = {{.type = ENT_OP_BALLOT, .is_known = true},
                            {.type = ENT_OP_BALLOT, .is_known = true}};
    struct ent_ops list = {.count = 2, .ops = ops};
    struct ent_entry e = {
        .class = ENT_CLASS_CONTROL,
        .node = w->nodes[0],
        .inc = 1,
    };
    struct ent_gov *gov = w->replicas[0].gov;
    uint8_t verdicts[2];

    (void)state;
    e.id = world_id("test/two", 1);
    ops[0].u.ballot.motion = w->items[a].e.id;
    ops[1].u.ballot.motion = w->items[b].e.id;
    ent_gov_apply(gov, &e, &list, ent_gov_now(gov), verdicts);
    assert_int_equal(verdicts[0], ENT_VERDICT_OK);
    assert_int_equal(verdicts[1], ENT_VERDICT_NOT_IN_PLACE);
    world_free(w);
}

static void
the_moderator_has_no_vote(void **state)
{
    static const size_t both[] = {0, 1};
    struct world *w = world_circle(2);
    struct ent_gov_motion m;
    uint32_t motion;
    uint32_t i;

    (void)state;
    i = world_carry(w, ENT_ACTION_APPOINT, &w->nodes[4], both, 2);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    assert_int_equal(world_role(w, 0, 4), ENT_ROLE_MODERATOR);
    assert_true(ent_gov_may_write(
        w->replicas[0].gov, ent_gov_now(w->replicas[0].gov), &w->nodes[4]));
    motion = world_motion(w, 4, ENT_ACTION_RULE, NULL);
    assert_int_equal(world_verdict(w, motion), ENT_VERDICT_OK);
    assert_int_equal(world_verdict(w, world_ballot(w, 4, motion)),
                     ENT_VERDICT_NOT_MEMBER);
    ent_gov_motion(w->replicas[4].gov,
                   ent_gov_motion_count(w->replicas[4].gov) - 1, &m);
    assert_int_equal(m.needed, 2); /* of two structures */
    world_sync_all(w);
    i = world_carry(w, ENT_ACTION_RELIEVE, &w->nodes[4], both, 2);
    assert_int_equal(world_verdict(w, i), ENT_VERDICT_OK);
    assert_int_equal(world_role(w, 0, 4), ENT_ROLE_NONE);
    world_free(w);
}

/* A leave opens a new base: two decisions on one base count the same
 * members, or two majorities of it could miss each other. */
static void
a_leave_opens_a_new_base(void **state)
{
    struct world *w = world_circle(5);
    uint32_t motion = world_motion(w, 0, ENT_ACTION_REMOVE, &w->nodes[1]);

    (void)state;
    world_sync_all(w);
    world_plain(w, 3, ENT_OP_LEAVE);
    world_plain(w, 4, ENT_OP_LEAVE);
    assert_int_equal(world_verdict(w, world_plain(w, 4, ENT_OP_LEAVE)),
                     ENT_VERDICT_NOT_MEMBER);
    world_sync_all(w);
    assert_int_equal(world_verdict(w, world_ballot(w, 2, motion)),
                     ENT_VERDICT_STALE_BASE);
    world_free(w);
}

/* Both removals of a double vote hold, and everybody sees the same. */
static void
a_fork_can_pass_two_removals(void **state)
{
    struct world *w = world_circle(3);
    uint32_t a = world_motion(w, 0, ENT_ACTION_REMOVE, &w->nodes[1]);
    uint32_t b = world_motion(w, 0, ENT_ACTION_REMOVE, &w->nodes[0]);
    struct ent_op op = {.type = ENT_OP_BALLOT};
    uint32_t votes[2][2];
    uint32_t head;

    (void)state;
    world_sync_all(w);
    head = w->count - 1;
    op.u.ballot.motion = w->items[a].e.id;
    votes[0][0] = world_write_after(w, 2, &op, &head, 1);
    op.u.ballot.motion = w->items[b].e.id;
    votes[1][0] = world_write_after(w, 2, &op, &head, 1); /* the fork */
    votes[0][1] = world_ballot(w, 0, a);
    votes[1][1] = world_ballot(w, 1, b);
    world_deliver(w, 0, votes[0][0]);
    world_deliver(w, 1, votes[1][0]);
    assert_int_equal(world_verdict(w, world_decision(w, 0, a, votes[0], 2)),
                     ENT_VERDICT_OK);
    assert_int_equal(world_verdict(w, world_decision(w, 1, b, votes[1], 2)),
                     ENT_VERDICT_OK);
    world_sync_all(w);
    assert_int_equal(world_role(w, 5, 0), ENT_ROLE_NONE);
    assert_int_equal(world_role(w, 5, 1), ENT_ROLE_NONE);
    assert_int_equal(world_role(w, 5, 2), ENT_ROLE_MEMBER);
    world_free(w);
}

/* A restored node may have forgotten its vote. */
static void
a_new_incarnation_waits_for_a_new_base(void **state)
{
    static const size_t all[] = {0, 1, 2, 3};
    struct world *w = world_circle(4);
    uint32_t a = world_motion(w, 1, ENT_ACTION_REMOVE, &w->nodes[2]);
    uint32_t rule = world_motion(w, 1, ENT_ACTION_RULE, NULL);

    (void)state;
    world_sync_all(w);
    w->replicas[0].inc = 2; /* it has entries in its old log */
    assert_int_equal(world_verdict(w, world_ballot(w, 0, a)),
                     ENT_VERDICT_TOO_YOUNG);
    assert_int_equal(world_verdict(w, world_ballot(w, 0, rule)),
                     ENT_VERDICT_OK);
    world_sync_all(w);
    world_carry(w, ENT_ACTION_REFRESH, NULL, all, 4);
    a = world_motion(w, 1, ENT_ACTION_REMOVE, &w->nodes[2]);
    world_sync_all(w);
    assert_int_equal(world_verdict(w, world_ballot(w, 0, a)), ENT_VERDICT_OK);
    world_free(w);
}

/* Votes in the old log bind the new one. */
static void
logs_of_a_structure_vote_as_one(void **state)
{
    static const size_t all[] = {0, 1, 2, 3};
    struct world *w = world_circle(4);
    uint32_t a;
    uint32_t b;

    (void)state;
    w->replicas[0].inc = 2;
    world_plain(w, 0, ENT_OP_SEEN); /* the new log begins */
    world_carry(w, ENT_ACTION_REFRESH, NULL, all, 4);
    a = world_motion(w, 1, ENT_ACTION_REMOVE, &w->nodes[2]);
    b = world_motion(w, 1, ENT_ACTION_REMOVE, &w->nodes[3]);
    world_sync_all(w);
    w->replicas[0].inc = 1; /* a copy of the old store */
    assert_int_equal(world_verdict(w, world_ballot(w, 0, a)), ENT_VERDICT_OK);
    w->replicas[0].inc = 2;
    assert_int_equal(world_verdict(w, world_ballot(w, 0, b)),
                     ENT_VERDICT_TWICE);
    world_free(w);
}

static void
operations_of_other_spaces_are_out_of_place(void **state)
{
    struct world *w = world_circle(2);
    struct ent_op put = {.type = ENT_OP_PUT};

    (void)state;
    assert_int_equal(world_verdict(w, world_grant(w, 0, 3, ENT_LEVEL_READER,
                                                  ENT_BASIS_CONSENT)),
                     ENT_VERDICT_NOT_IN_PLACE);
    assert_int_equal(world_verdict(w, world_withdraw(w, 0, 1)),
                     ENT_VERDICT_NOT_IN_PLACE);
    assert_int_equal(world_verdict(w, world_write(w, 0, &put)),
                     ENT_VERDICT_NOT_IN_PLACE);
    assert_int_equal(world_verdict(w, world_plain(w, 1, ENT_OP_SEEN)),
                     ENT_VERDICT_OK);
    assert_int_equal(world_verdict(w, world_plain(w, 1, ENT_OP_EPOCH)),
                     ENT_VERDICT_OK);
    assert_int_equal(world_verdict(w, world_plain(w, 6, ENT_OP_EPOCH)),
                     ENT_VERDICT_NOT_MEMBER);
    world_free(w);
}

/* Unknown operations alter nothing; a critical one says so. */
static void
unknown_operations_are_passed_over(void **state)
{
    struct world *w = world_circle(1);
    struct ent_op ops[2] = {{.type = 900}, {.type = 901, .is_critical = true}};
    struct ent_ops list = {.count = 2, .ops = ops};
    struct ent_entry e = {
        .class = ENT_CLASS_CONTROL,
        .node = w->nodes[0],
        .inc = 1,
    };
    struct ent_gov *gov = w->replicas[0].gov;
    uint8_t verdicts[2];
    uint32_t after;

    (void)state;
    after = ent_gov_apply(gov, &e, &list, ent_gov_now(gov), verdicts);
    assert_int_equal(verdicts[0], ENT_VERDICT_OK);
    assert_int_equal(verdicts[1], ENT_VERDICT_NOT_IN_PLACE);
    assert_int_equal(ent_gov_now(gov), after);
    world_free(w);
}

static void
words_are_known(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i <= ENT_VERDICT_TOO_YOUNG; i++) {
        assert_non_null(ent_verdict_name(i));
    }
    assert_null(ent_verdict_name(i));
    assert_string_equal(ent_role_name(ENT_ROLE_MODERATOR), "moderator");
    assert_null(ent_role_name(99));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(founder_is_a_member_by_genesis),
        cmocka_unit_test(a_space_has_one_genesis),
        cmocka_unit_test(admission_takes_a_majority),
        cmocka_unit_test(the_subject_counts_in_n),
        cmocka_unit_test(two_structures_cannot_remove_each_other),
        cmocka_unit_test(the_founder_can_be_removed_and_come_back),
        cmocka_unit_test(motions_are_judged),
        cmocka_unit_test(a_card_is_the_subjects),
        cmocka_unit_test(ballots_are_judged),
        cmocka_unit_test(decisions_are_judged),
        cmocka_unit_test(concurrent_decisions_of_a_motion_are_one),
        cmocka_unit_test(an_entry_holds_one_act),
        cmocka_unit_test(the_moderator_has_no_vote),
        cmocka_unit_test(a_leave_opens_a_new_base),
        cmocka_unit_test(a_fork_can_pass_two_removals),
        cmocka_unit_test(a_new_incarnation_waits_for_a_new_base),
        cmocka_unit_test(logs_of_a_structure_vote_as_one),
        cmocka_unit_test(operations_of_other_spaces_are_out_of_place),
        cmocka_unit_test(unknown_operations_are_passed_over),
        cmocka_unit_test(words_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
