/*
 * Gov against the written rules: random histories with partitions and forks,
 * judged once by gov on every replica, in different orders, and once by a
 * model that recomputes docs/trust.md 1 from plain sets.
 */
#include "lib/cmocka.h"
#include "unit/circle/world.h"

#define SEEDS 300u
#define STEPS 120u
#define WORDS (WORLD_ITEMS / 64u)

/* A set of items. */
struct set {
    uint64_t bits[WORDS];
};

static bool
set_has(const struct set *s, uint32_t i)
{
    return (s->bits[i / 64] >> i % 64 & 1) != 0;
}

static void
set_add(struct set *s, uint32_t i)
{
    s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static void
set_join(struct set *s, const struct set *other)
{
    size_t k;

    for (k = 0; k < WORDS; k++) {
        s->bits[k] |= other->bits[k];
    }
}

/* The model. */

struct model {
    const struct world *w;
    struct set past[WORLD_ITEMS];
    bool is_ok[WORLD_ITEMS];
};

static uint32_t
item_of(const struct model *m, const struct ent_id *id)
{
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (ent_id_eq(&m->w->items[i].e.id, id)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static bool
is_valid_of(const struct model *m, uint32_t i, const struct set *s,
            enum ent_op_type type)
{
    return set_has(s, i) && m->is_ok[i] && m->w->items[i].op.type == type;
}

/* Was the motion decided in the set? */
static bool
was_decided(const struct model *m, uint32_t motion, const struct set *s)
{
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (is_valid_of(m, i, s, ENT_OP_DECISION) &&
            ent_id_eq(&m->w->items[i].op.u.decision.motion,
                      &m->w->items[motion].e.id)) {
            return true;
        }
    }
    return false;
}

/* Did item `i`, in the set, take the node's role on that track? */
static bool
is_loss(const struct model *m, uint32_t i, const struct set *s,
        const struct ent_id *node, bool moderator)
{
    const struct item *it = &m->w->items[i];
    const struct ent_op_motion *op = &it->op.u.motion;

    if (is_valid_of(m, i, s, ENT_OP_LEAVE)) {
        return ent_id_eq(&it->e.node, node);
    }
    return is_valid_of(m, i, s, ENT_OP_MOTION) &&
           (op->action == ENT_ACTION_REMOVE ||
            (moderator && op->action == ENT_ACTION_RELIEVE)) &&
           ent_id_eq(&op->subject, node) && was_decided(m, i, s);
}

/* Does a gain whose proposal's past is `known` hold in the set? */
static bool
gain_holds(const struct model *m, const struct set *known, const struct set *s,
           const struct ent_id *node, bool moderator)
{
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (is_loss(m, i, s, node, moderator) &&
            !is_loss(m, i, known, node, moderator)) {
            return false;
        }
    }
    return true;
}

static bool
has_gained(const struct model *m, const struct set *s,
           const struct ent_id *node, bool moderator)
{
    enum ent_action action = moderator ? ENT_ACTION_APPOINT : ENT_ACTION_ADMIT;
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        const struct item *it = &m->w->items[i];
        bool is_gain = i == 0 && !moderator && set_has(s, 0) &&
                       ent_id_eq(&it->e.node, node);

        if (is_valid_of(m, i, s, ENT_OP_MOTION) &&
            it->op.u.motion.action == action &&
            ent_id_eq(&it->op.u.motion.subject, node)) {
            is_gain = was_decided(m, i, s);
        }
        if (is_gain && gain_holds(m, &m->past[i], s, node, moderator)) {
            return true;
        }
    }
    return false;
}

static enum ent_role
model_role(const struct model *m, const struct set *s,
           const struct ent_id *node)
{
    if (has_gained(m, s, node, false)) {
        return ENT_ROLE_MEMBER;
    }
    return has_gained(m, s, node, true) ? ENT_ROLE_MODERATOR : ENT_ROLE_NONE;
}

static size_t
model_voters(const struct model *m, const struct set *s)
{
    size_t count = 0;
    size_t n;

    for (n = 0; n < WORLD_REPLICAS; n++) {
        count += model_role(m, s, &m->w->nodes[n]) == ENT_ROLE_MEMBER;
    }
    return count;
}

static int
compare_ids(const void *a, const void *b)
{
    return ent_id_cmp(a, b);
}

static struct ent_id
model_config(const struct model *m, const struct set *s)
{
    struct ent_id ids[WORLD_ITEMS];
    struct ent_id config;
    size_t count = 0;
    uint32_t i;

    for (i = 0; i < m->w->count; i++) {
        if (is_valid_of(m, i, s, ENT_OP_LEAVE) ||
            (is_valid_of(m, i, s, ENT_OP_MOTION) && was_decided(m, i, s))) {
            ids[count++] = m->w->items[i].e.id;
        }
    }
    qsort(ids, count, sizeof(ids[0]), compare_ids);
    ent_hash("entente/config/1", ent_slice(ids, count * sizeof(ids[0])),
             &config);
    return config;
}

static bool
model_motion(const struct model *m, const struct ent_op_motion *op,
             const struct set *past)
{
    enum ent_role role = model_role(m, past, &op->subject);

    switch ((enum ent_action)op->action) {
    case ENT_ACTION_ADMIT:
    case ENT_ACTION_APPOINT:
        return role == ENT_ROLE_NONE;
    case ENT_ACTION_REMOVE:
        return role != ENT_ROLE_NONE;
    case ENT_ACTION_RELIEVE:
        return role == ENT_ROLE_MODERATOR;
    case ENT_ACTION_CHARTER:
    case ENT_ACTION_RULE:
    case ENT_ACTION_REFRESH:
        return ent_id_is_zero(&op->subject);
    }
    return false;
}

static bool
has_other_yes(const struct model *m, uint32_t i, uint32_t motion)
{
    const struct item *it = &m->w->items[i];
    const struct ent_op_motion *op = &m->w->items[motion].op.u.motion;
    uint32_t k;

    for (k = 0; k < i; k++) {
        uint32_t other;

        if (!is_valid_of(m, k, &m->past[i], ENT_OP_BALLOT) ||
            !ent_id_eq(&m->w->items[k].e.node, &it->e.node)) {
            continue;
        }
        other = item_of(m, &m->w->items[k].op.u.ballot.motion);
        if (other != motion &&
            m->w->items[other].op.u.motion.action == ENT_ACTION_REMOVE &&
            ent_id_eq(&m->w->items[other].op.u.motion.base, &op->base)) {
            return true;
        }
    }
    return false;
}

/* A log that is not the node's only one, and that began on this base. */
static bool
is_too_young(const struct model *m, uint32_t i, const struct ent_id *base)
{
    const struct item *it = &m->w->items[i];
    bool has_other_log = false;
    uint32_t k;

    for (k = 0; k < i; k++) {
        const struct item *own = &m->w->items[k];
        struct ent_id config;

        if (!set_has(&m->past[i], k) || !ent_id_eq(&own->e.node, &it->e.node)) {
            continue;
        }
        config = model_config(m, &m->past[k]);
        if (own->e.inc != it->e.inc) {
            has_other_log = true;
        } else if (!ent_id_eq(&config, base)) {
            return false;
        }
    }
    return has_other_log;
}

static bool
model_ballot(const struct model *m, uint32_t i)
{
    const struct item *it = &m->w->items[i];
    const struct set *past = &m->past[i];
    uint32_t motion = item_of(m, &it->op.u.ballot.motion);
    struct ent_id config = model_config(m, past);
    const struct ent_op_motion *op;

    if (motion == UINT32_MAX || !is_valid_of(m, motion, past, ENT_OP_MOTION)) {
        return false;
    }
    op = &m->w->items[motion].op.u.motion;
    if (model_role(m, past, &it->e.node) != ENT_ROLE_MEMBER ||
        !ent_id_eq(&op->base, &config) ||
        ent_id_eq(&op->subject, &it->e.node)) {
        return false;
    }
    return op->action != ENT_ACTION_REMOVE ||
           (!has_other_yes(m, i, motion) && !is_too_young(m, i, &config));
}

static bool
model_decision(const struct model *m, uint32_t i)
{
    const struct item *it = &m->w->items[i];
    const struct ent_op_decision *op = &it->op.u.decision;
    const struct set *past = &m->past[i];
    uint32_t motion = item_of(m, &op->motion);
    struct ent_id config = model_config(m, past);
    size_t k;
    size_t j;

    if (motion == UINT32_MAX || !is_valid_of(m, motion, past, ENT_OP_MOTION) ||
        model_role(m, past, &it->e.node) == ENT_ROLE_NONE ||
        !ent_id_eq(&m->w->items[motion].op.u.motion.base, &config)) {
        return false;
    }
    for (k = 0; k < op->ballot_count; k++) {
        uint32_t b = item_of(m, &op->ballots[k]);

        if (b == UINT32_MAX || !is_valid_of(m, b, past, ENT_OP_BALLOT) ||
            !ent_id_eq(&m->w->items[b].op.u.ballot.motion, &op->motion)) {
            return false;
        }
        for (j = 0; j < k; j++) {
            uint32_t other = item_of(m, &op->ballots[j]);

            if (ent_id_eq(&m->w->items[other].e.node, &m->w->items[b].e.node)) {
                return false;
            }
        }
    }
    return op->ballot_count >= model_voters(m, past) / 2 + 1;
}

static bool
model_judge(const struct model *m, uint32_t i)
{
    const struct item *it = &m->w->items[i];
    const struct set *past = &m->past[i];
    enum ent_role role = model_role(m, past, &it->e.node);
    struct ent_id config;

    switch ((enum ent_op_type)it->op.type) {
    case ENT_OP_GENESIS:
        return i == 0;
    case ENT_OP_MOTION:
        config = model_config(m, past);
        return role != ENT_ROLE_NONE &&
               ent_id_eq(&config, &it->op.u.motion.base) &&
               model_motion(m, &it->op.u.motion, past);
    case ENT_OP_BALLOT:
        return model_ballot(m, i);
    case ENT_OP_DECISION:
        return model_decision(m, i);
    case ENT_OP_LEAVE:
    case ENT_OP_SEEN:
        return role != ENT_ROLE_NONE;
    case ENT_OP_EPOCH:
    case ENT_OP_SHARE:
    case ENT_OP_GRANT:
    case ENT_OP_WITHDRAW:
    case ENT_OP_CARD:
    case ENT_OP_PUT:
        break;
    }
    return false;
}

static void
model_run(struct model *m, const struct world *w)
{
    uint32_t i;
    size_t k;

    memset(m, 0, sizeof(*m));
    m->w = w;
    for (i = 0; i < w->count; i++) {
        for (k = 0; k < w->items[i].parent_count; k++) {
            set_join(&m->past[i], &m->past[w->items[i].parents[k]]);
            set_add(&m->past[i], w->items[i].parents[k]);
        }
        m->is_ok[i] = model_judge(m, i);
    }
}

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
