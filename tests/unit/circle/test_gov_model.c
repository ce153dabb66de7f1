/*
 * Gov against the written rules: random histories with partitions and forks,
 * judged once by gov on every replica, in different orders, and once by a
 * model that recomputes docs/trust.md 1 from plain sets.
 */
#include "lib/cmocka.h"
#include "unit/circle/model.h"

#define SEEDS 300u
#define STEPS 120u

/* Random histories. */

struct dice {
    struct ent_rng rng;
};

static uint32_t
roll(struct dice *d, uint32_t sides)
{
    uint8_t raw[4];

    ent_rng_fill(&d->rng, raw, sizeof(raw));
    return ent_get_u32(raw) % sides;
}

static void
dice_init(struct dice *d, uint32_t seed)
{
    struct ent_key key = {{0}};

    ent_put_u32(key.b, seed);
    ent_rng_init(&d->rng, &key);
}

static void
step_motion(struct world *w, struct dice *d, size_t r)
{
    static const enum ent_action actions[] = {
        ENT_ACTION_ADMIT,  ENT_ACTION_REMOVE,  ENT_ACTION_REMOVE,
        ENT_ACTION_REMOVE, ENT_ACTION_APPOINT, ENT_ACTION_RELIEVE,
        ENT_ACTION_RULE,   ENT_ACTION_REFRESH,
    };
    enum ent_action action = actions[roll(d, 8)];
    bool has_subject = action < ENT_ACTION_CHARTER;

    world_motion(w, r, action,
                 has_subject ? &w->nodes[roll(d, WORLD_REPLICAS)] : NULL);
}

/* Any motion that the replica knows, the newest most often. */
static bool
pick_motion(const struct world *w, struct dice *d, size_t r, uint32_t *ret_i)
{
    uint32_t back = w->count;

    while (back-- > 0) {
        if (w->replicas[r].has[back] &&
            w->items[back].op.type == ENT_OP_MOTION && roll(d, 3) == 0) {
            *ret_i = back;
            return true;
        }
    }
    return false;
}

/* An open motion of the replica's newest view that lacks `missing`, or has
 * enough ballots when `missing` is NULL; one at random. */
static bool
pick_open(const struct world *w, struct dice *d, size_t r,
          const struct ent_id *missing, struct ent_gov_motion *ret_motion)
{
    const struct ent_gov *gov = w->replicas[r].gov;
    size_t count = ent_gov_motion_count(gov);
    size_t start = count > 0 ? roll(d, (uint32_t)count) : 0;
    size_t i;

    for (i = 0; i < count; i++) {
        struct ent_gov_motion m;
        bool is_right;
        size_t k;

        ent_gov_motion(gov, (start + i) % count, &m);
        is_right = missing != NULL || m.ballot_count >= m.needed;
        for (k = 0; missing != NULL && k < m.ballot_count; k++) {
            is_right = is_right && !ent_id_eq(&m.voters[k], missing);
        }
        if (m.is_open && is_right) {
            *ret_motion = m;
            return true;
        }
    }
    return false;
}

/* Mostly what an honest node does: vote on what is open. */
static void
step_ballot(struct world *w, struct dice *d, size_t r)
{
    struct ent_gov_motion m;
    struct ent_op op = {.type = ENT_OP_BALLOT};
    uint32_t motion;

    if (roll(d, 12) == 0) {
        if (pick_motion(w, d, r, &motion)) {
            world_ballot(w, r, motion);
        }
    } else if (world_role(w, r, r) == ENT_ROLE_MEMBER &&
               pick_open(w, d, r, &w->nodes[r], &m)) {
        op.u.ballot.motion = m.id;
        world_write(w, r, &op);
    }
}

/* A decision with some of the ballots that the replica knows. */
static void
step_bad_decision(struct world *w, struct dice *d, size_t r)
{
    uint32_t ballots[WORLD_REPLICAS];
    size_t count = 0;
    uint32_t motion;
    uint32_t i;

    if (!pick_motion(w, d, r, &motion)) {
        return;
    }
    for (i = 0; i < w->count && count < WORLD_REPLICAS; i++) {
        if (w->replicas[r].has[i] && w->items[i].op.type == ENT_OP_BALLOT &&
            (ent_id_eq(&w->items[i].op.u.ballot.motion,
                       &w->items[motion].e.id) ||
             roll(d, 20) == 0)) {
            ballots[count++] = i;
        }
    }
    world_decision(w, r, motion, ballots, count);
}

static void
step_decision(struct world *w, struct dice *d, size_t r)
{
    struct ent_gov_motion m;
    struct ent_op op = {.type = ENT_OP_DECISION};

    if (roll(d, 12) == 0) {
        step_bad_decision(w, d, r);
    } else if (pick_open(w, d, r, NULL, &m)) {
        op.u.decision.motion = m.id;
        op.u.decision.ballots = m.ballots;
        op.u.decision.ballot_count = m.ballot_count;
        world_write(w, r, &op);
    }
}

/* Writes after something old: a fork of the node's own log. */
static void
step_fork(struct world *w, struct dice *d, size_t r)
{
    uint32_t parent = roll(d, w->count);
    uint32_t motion;
    struct ent_op op = {.type = ENT_OP_BALLOT};

    if (!w->replicas[r].has[parent] || !pick_motion(w, d, r, &motion)) {
        return;
    }
    op.u.ballot.motion = w->items[motion].e.id;
    world_write_after(w, r, &op, &parent, 1);
}

/* The node is restored from an old backup, and writes on in a new log. */
static void
step_restore(struct world *w, struct dice *d, size_t r)
{
    uint32_t until = roll(d, w->count);
    uint32_t i;

    world_forget(w, r);
    w->replicas[r].inc++;
    for (i = 0; i < until; i++) {
        if (ent_id_eq(&w->items[i].e.node, &w->nodes[r])) {
            world_deliver(w, r, i);
        }
    }
}

/* Everybody of one of two groups gets what its others have. The groups change
 * all the time. */
static void
step_sync(struct world *w, struct dice *d, uint32_t split)
{
    uint32_t group = roll(d, 2);
    size_t a;
    size_t b;

    for (a = 0; a < WORLD_REPLICAS; a++) {
        for (b = 0; b < WORLD_REPLICAS; b++) {
            if ((split >> a & 1) == group && (split >> b & 1) == group) {
                world_sync(w, a, b);
            }
        }
    }
}

static struct world *
random_world(struct dice *d, bool with_faults)
{
    struct world *w = world_circle(3 + roll(d, 5));
    uint32_t split = 0;
    uint32_t step;

    for (step = 0; step < STEPS; step++) {
        size_t r = roll(d, WORLD_REPLICAS);
        uint32_t what = roll(d, 100);

        if (step % 10 == 0) {
            split = roll(d, 2) == 0 ? 0 : roll(d, 1u << WORLD_REPLICAS);
        }
        if (what < 10) {
            step_motion(w, d, r);
        } else if (what < 62) {
            step_ballot(w, d, r);
        } else if (what < 74) {
            step_decision(w, d, r);
        } else if (what < 76) {
            world_plain(w, r, roll(d, 4) == 0 ? ENT_OP_LEAVE : ENT_OP_SEEN);
        } else if (what < 80 && with_faults) {
            step_fork(w, d, r);
        } else if (what < 82 && with_faults) {
            step_restore(w, d, r);
        } else {
            step_sync(w, d, split);
        }
    }
    return w;
}

/* Replica `r` begins anew and gets everything in a random causal order. */
static void
replay_shuffled(struct world *w, struct dice *d, size_t r)
{
    uint32_t i;

    world_forget(w, r);
    for (i = 0; i < 2 * w->count; i++) {
        world_deliver(w, r, roll(d, w->count));
    }
    for (i = 0; i < w->count; i++) {
        world_deliver(w, r, i);
    }
}

/* Checks. */

static void
check_item(const struct model *m, const struct ent_gov *gov, uint32_t i,
           uint32_t before, uint8_t verdict)
{
    struct ent_id model = model_config(m, &m->past[i]);
    struct ent_id config;
    size_t n;

    assert_int_equal(verdict == ENT_VERDICT_OK, m->is_ok[i]);
    ent_gov_config(gov, before, &config);
    assert_true(ent_id_eq(&config, &model));
    for (n = 0; n < WORLD_REPLICAS; n++) {
        assert_int_equal(ent_gov_role(gov, before, &m->w->nodes[n]),
                         model_role(m, &m->past[i], &m->w->nodes[n]));
    }
}

static void
check_against_model(const struct model *m, size_t r)
{
    const struct replica *p = &m->w->replicas[r];
    struct set all = {{0}};
    struct ent_id model;
    struct ent_id config = world_config(m->w, r);
    uint32_t i;
    size_t n;

    for (i = 0; i < m->w->count; i++) {
        check_item(m, p->gov, i, p->before[i], p->verdict[i]);
        set_add(&all, i);
    }
    model = model_config(m, &all);
    assert_true(ent_id_eq(&config, &model));
    for (n = 0; n < WORLD_REPLICAS; n++) {
        assert_int_equal(world_role(m->w, r, n),
                         model_role(m, &all, &m->w->nodes[n]));
    }
}

static void
check_equal(const struct world *w, size_t a, size_t b)
{
    struct ent_id a_config = world_config(w, a);
    struct ent_id b_config = world_config(w, b);
    struct ent_gov_member x[WORLD_REPLICAS];
    struct ent_gov_member y[WORLD_REPLICAS];
    const struct ent_gov *ga = w->replicas[a].gov;
    const struct ent_gov *gb = w->replicas[b].gov;
    size_t count = ent_gov_members(ga, ent_gov_now(ga), x, WORLD_REPLICAS);
    size_t n;

    assert_memory_equal(w->replicas[a].verdict, w->replicas[b].verdict,
                        w->count);
    assert_true(ent_id_eq(&a_config, &b_config));
    assert_int_equal(ent_gov_members(gb, ent_gov_now(gb), y, WORLD_REPLICAS),
                     count);
    for (n = 0; n < count; n++) {
        assert_true(ent_id_eq(&x[n].node, &y[n].node));
        assert_int_equal(x[n].role, y[n].role);
    }
}

/* The motion of a valid removal decision, or NULL. */
static const struct item *
removal_of(const struct model *m, uint32_t i)
{
    const struct item *it = &m->w->items[i];
    const struct item *motion;

    if (!m->is_ok[i] || it->op.type != ENT_OP_DECISION) {
        return NULL;
    }
    motion = &m->w->items[item_of(m, &it->op.u.decision.motion)];
    return motion->op.u.motion.action == ENT_ACTION_REMOVE ? motion : NULL;
}

static size_t
check_one_removal_a_base(const struct model *m)
{
    size_t removals = 0;
    uint32_t i;
    uint32_t k;

    for (i = 0; i < m->w->count; i++) {
        const struct item *a = removal_of(m, i);

        if (a == NULL) {
            continue;
        }
        removals++;
        for (k = 0; k < i; k++) {
            const struct item *b = removal_of(m, k);

            assert_true(b == NULL || a == b ||
                        !ent_id_eq(&a->op.u.motion.base, &b->op.u.motion.base));
        }
    }
    return removals;
}

static size_t
run_seed(uint32_t seed, bool with_faults, struct model *m)
{
    struct dice d;
    struct world *w;
    size_t removals = 0;
    size_t r;

    dice_init(&d, seed);
    w = random_world(&d, with_faults);
    world_sync_all(w);
    replay_shuffled(w, &d, 1);
    replay_shuffled(w, &d, 2);
    for (r = 1; r < WORLD_REPLICAS; r++) {
        check_equal(w, 0, r);
    }
    model_run(m, w);
    check_against_model(m, 0);
    check_against_model(m, 1);
    if (!with_faults) {
        removals = check_one_removal_a_base(m);
    }
    world_free(w);
    return removals;
}

static void
honest_voters_agree(void **state)
{
    struct model *m = ent_alloc(sizeof(*m));
    size_t removals = 0;
    uint32_t seed;

    (void)state;
    for (seed = 0; seed < SEEDS; seed++) {
        removals += run_seed(seed, false, m);
    }
    assert_in_range(removals, SEEDS / 10, SIZE_MAX); /* it was tried */
    free(m);
}

static void
forks_and_restores_do_not_divide(void **state)
{
    struct model *m = ent_alloc(sizeof(*m));
    uint32_t seed;

    (void)state;
    for (seed = 0; seed < SEEDS; seed++) {
        (void)run_seed(100000 + seed, true, m);
    }
    free(m);
}

/* The same entries in the same order give the same numbers. */
static void
numbers_repeat(void **state)
{
    struct dice d;
    struct world *w;
    struct replica *first;
    uint32_t i;

    (void)state;
    dice_init(&d, 7);
    w = random_world(&d, true);
    world_sync_all(w);
    for (i = 3; i < 5; i++) {
        uint32_t k;

        world_forget(w, i);
        for (k = 0; k < w->count; k++) {
            world_deliver(w, i, k);
        }
    }
    first = &w->replicas[3];
    assert_memory_equal(first->after, w->replicas[4].after,
                        w->count * sizeof(first->after[0]));
    assert_memory_equal(first->before, w->replicas[4].before,
                        w->count * sizeof(first->before[0]));
    world_free(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_voters_agree),
        cmocka_unit_test(forks_and_restores_do_not_divide),
        cmocka_unit_test(numbers_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
