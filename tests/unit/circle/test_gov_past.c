/* Pasts as sets: joins, numbers, and sizes that somebody could reach. */
#include "lib/cmocka.h"

#include <entente/gov.h>

#include <stdlib.h>

/* Writes entries without bytes; each has an id of its own. */
struct writer {
    struct ent_gov *gov;
    uint64_t count;
};

static struct ent_id
number_id(const char *tag, uint64_t n)
{
    uint8_t raw[8];
    struct ent_id id;

    ent_put_u64(raw, n);
    ent_hash(tag, ENT_SLICE_OF(raw), &id);
    return id;
}

static uint32_t
apply(struct writer *w, uint64_t node, uint32_t past, struct ent_op *op,
      struct ent_id *ret_id, uint8_t want)
{
    struct ent_ops ops = {.count = 1, .ops = op};
    struct ent_entry e = {
        .class = ENT_CLASS_CONTROL,
        .flags = op->type == ENT_OP_GENESIS ? ENT_FLAG_GENESIS : 0,
        .node = number_id("test/node", node),
        .id = number_id("test/entry", w->count++),
        .inc = 1,
    };
    uint8_t verdict;
    uint32_t after;

    op->is_known = true;
    after = ent_gov_apply(w->gov, &e, &ops, past, &verdict);
    assert_int_equal(verdict, want);
    if (ret_id != NULL) {
        *ret_id = e.id;
    }
    return after;
}

static uint32_t
writer_init(struct writer *w, uint8_t kind)
{
    struct ent_id space = number_id("test/entry", 0);
    struct ent_op op = {.type = ENT_OP_GENESIS};

    w->gov = ent_gov_new(&space);
    w->count = 0;
    op.u.genesis.kind = kind;
    return apply(w, 0, ENT_PAST_EMPTY, &op, NULL, ENT_VERDICT_OK);
}

static uint32_t
seen(struct writer *w, uint64_t node, uint32_t past)
{
    struct ent_op op = {.type = ENT_OP_SEEN};

    return apply(w, node, past, &op, NULL,
                 node == 0 ? ENT_VERDICT_OK : ENT_VERDICT_NOT_MEMBER);
}

static uint32_t
join(struct writer *w, uint32_t a, uint32_t b)
{
    uint32_t pasts[2] = {a, b};

    return ent_gov_join(w->gov, pasts, 2);
}

static void
joins_are_unions(void **state)
{
    struct writer w;
    uint32_t genesis = writer_init(&w, ENT_SPACE_CIRCLE);
    uint32_t a = seen(&w, 1, genesis);
    uint32_t b = seen(&w, 2, genesis);
    uint32_t c = seen(&w, 3, a);
    uint32_t ab = join(&w, a, b);

    (void)state;
    assert_int_equal(ent_gov_join(w.gov, NULL, 0), ENT_PAST_EMPTY);
    assert_int_equal(join(&w, a, ENT_PAST_EMPTY), a);
    assert_int_equal(join(&w, a, a), a);
    assert_int_equal(join(&w, genesis, a), a);
    assert_int_equal(join(&w, c, a), c);
    assert_int_equal(join(&w, b, a), ab);
    assert_int_equal(join(&w, ab, a), ab);
    assert_int_equal(join(&w, c, ab), join(&w, b, c));
    assert_int_equal(join(&w, c, ab), ent_gov_now(w.gov));
    assert_int_not_equal(ab, join(&w, c, b));
    ent_gov_free(w.gov);
}

/* Associative, commutative, idempotent, over many logs and steps. */
static void
joins_do_not_depend_on_their_order(void **state)
{
    struct writer w;
    uint32_t heads[40];
    struct ent_rng rng;
    struct ent_key seed = {{1}};
    uint32_t forward = ENT_PAST_EMPTY;
    uint32_t back = ENT_PAST_EMPTY;
    size_t i;

    (void)state;
    heads[0] = writer_init(&w, ENT_SPACE_CIRCLE);
    ent_rng_init(&rng, &seed);
    for (i = 1; i < 40; i++) {
        heads[i] = seen(&w, i, heads[0]);
    }
    for (i = 0; i < 4000; i++) {
        uint8_t dice[2];
        size_t log;

        ent_rng_fill(&rng, dice, sizeof(dice));
        log = dice[0] % 39 + 1;
        heads[log] = seen(&w, log, join(&w, heads[log], heads[dice[1] % 40]));
    }
    for (i = 0; i < 40; i++) {
        forward = join(&w, forward, heads[i]);
        back = join(&w, heads[39 - i], back);
    }
    assert_int_equal(forward, back);
    assert_int_equal(forward, ent_gov_now(w.gov));
    assert_int_equal(ent_gov_join(w.gov, heads, 40), forward);
    ent_gov_free(w.gov);
}

/* docs/trust.md 9: 10^4 concurrent heads, here of one node that forks at its
 * first entry, and one entry that follows all of them. */
static void
ten_thousand_forks_are_survived(void **state)
{
    struct writer w;
    uint32_t genesis = writer_init(&w, ENT_SPACE_CIRCLE);
    uint32_t *heads = ent_alloc(10000 * sizeof(*heads));
    uint32_t all;
    size_t i;

    (void)state;
    for (i = 0; i < 10000; i++) {
        heads[i] = seen(&w, 1, genesis);
    }
    for (i = 0; i + 16 <= 10000; i += 16) { /* as `seen` entries cite them */
        heads[i] = seen(&w, 0, ent_gov_join(w.gov, heads + i, 16));
    }
    all = ent_gov_now(w.gov);
    assert_int_equal(join(&w, all, heads[16]), all);
    assert_int_equal(
        ent_gov_role(w.gov, seen(&w, 0, all), &(struct ent_id){{0}}),
        ENT_ROLE_NONE);
    free(heads);
    ent_gov_free(w.gov);
}

static uint32_t
admit(struct writer *w, uint64_t members, uint32_t past, uint8_t verdict)
{
    struct ent_op motion = {.type = ENT_OP_MOTION};
    struct ent_op ballot = {.type = ENT_OP_BALLOT};
    struct ent_op decision = {.type = ENT_OP_DECISION};
    uint64_t needed = members / 2 + 1;
    struct ent_id *ballots = ent_alloc(needed * sizeof(*ballots));
    uint64_t i;

    motion.u.motion.action = ENT_ACTION_ADMIT;
    motion.u.motion.subject = number_id("test/node", members);
    ent_gov_config(w->gov, past, &motion.u.motion.base);
    past = apply(w, 0, past, &motion, &ballot.u.ballot.motion, verdict);
    for (i = 0; i < needed && verdict == ENT_VERDICT_OK; i++) {
        past = apply(w, (members + i) % members, past, &ballot, &ballots[i],
                     ENT_VERDICT_OK);
    }
    if (verdict == ENT_VERDICT_OK) {
        decision.u.decision.motion = ballot.u.ballot.motion;
        decision.u.decision.ballots = ballots;
        decision.u.decision.ballot_count = needed;
        past = apply(w, members / 2, past, &decision, NULL, verdict);
    }
    free(ballots);
    return past;
}

/* A circle of 1,024 structures, each admitted by a majority: 260,000 ballots.
 * One more is refused. */
static void
the_largest_circle(void **state)
{
    struct writer w;
    uint32_t past = writer_init(&w, ENT_SPACE_CIRCLE);
    struct ent_gov_motion m;
    uint64_t members;

    (void)state;
    for (members = 1; members < ENT_STRUCTURES_MAX; members++) {
        past = admit(&w, members, past, ENT_VERDICT_OK);
    }
    assert_int_equal(ent_gov_members(w.gov, past, NULL, 0), ENT_STRUCTURES_MAX);
    admit(&w, ENT_STRUCTURES_MAX, past, ENT_VERDICT_NOT_ALLOWED);
    ent_gov_motion(w.gov, ENT_STRUCTURES_MAX - 2, &m);
    assert_true(m.is_decided);
    assert_int_equal(m.needed, (ENT_STRUCTURES_MAX - 1) / 2 + 1);
    assert_int_equal(m.ballot_count, m.needed);
    ent_gov_free(w.gov);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_are_unions),
        cmocka_unit_test(joins_do_not_depend_on_their_order),
        cmocka_unit_test(ten_thousand_forks_are_survived),
        cmocka_unit_test(the_largest_circle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
