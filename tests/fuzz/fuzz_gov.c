/*
 * Governance: up to eight nodes write any control operations, while some have
 * heard of others and some have not. The oracle is convergence: once
 * everybody has everything, by whatever way, all judge every operation alike
 * and see the same members, the same config and the same motions.
 */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include "unit/circle/world.h"

#define WRITES_MAX 60u
#define BALLOTS_MAX 8u

/* The entry of an item, or an id that nobody has. */
static struct ent_id
some_entry(struct world *w, struct bytes *in)
{
    uint8_t n = bytes_u8(in);

    return n == 0xff ? (struct ent_id){{0xff}} : w->items[n % w->count].e.id;
}

/* A base: what `r` sees now, mostly. */
static struct ent_id
some_base(const struct world *w, size_t r, struct bytes *in)
{
    const struct ent_gov *gov = w->replicas[r].gov;
    struct ent_id base = {{1}};

    if (bytes_u8(in) != 0xff) {
        ent_gov_config(gov, ent_gov_now(gov), &base);
    }
    return base;
}

static struct ent_id
some_node(const struct world *w, struct bytes *in)
{
    uint8_t n = bytes_u8(in) % (WORLD_REPLICAS + 1);

    return n < WORLD_REPLICAS ? w->nodes[n] : (struct ent_id){{0}};
}

static void
some_op(struct world *w, size_t r, struct bytes *in, struct ent_op *op)
{
    static struct ent_id ballots[BALLOTS_MAX];
    size_t i;

    switch ((enum ent_op_type)op->type) {
    case ENT_OP_MOTION:
        op->u.motion.base = some_base(w, r, in);
        op->u.motion.action = bytes_u8(in) % (ENT_ACTION_REFRESH + 2);
        op->u.motion.subject = some_node(w, in);
        break;
    case ENT_OP_BALLOT:
        op->u.ballot.motion = some_entry(w, in);
        break;
    case ENT_OP_DECISION:
        op->u.decision.motion = some_entry(w, in);
        op->u.decision.ballot_count = bytes_u8(in) % (BALLOTS_MAX + 1);
        op->u.decision.ballots = ballots;
        for (i = 0; i < op->u.decision.ballot_count; i++) {
            ballots[i] = some_entry(w, in);
        }
        break;
    case ENT_OP_GRANT:
    case ENT_OP_WITHDRAW:
        op->u.grant.node = some_node(w, in);
        op->u.grant.level = bytes_u8(in) % 4;
        op->u.grant.basis = bytes_u8(in) % (ENT_BASIS_MODERATOR + 2);
        break;
    case ENT_OP_GENESIS:
    case ENT_OP_EPOCH:
    case ENT_OP_SHARE:
    case ENT_OP_LEAVE:
    case ENT_OP_CARD:
    case ENT_OP_SEEN:
    case ENT_OP_PUT:
        break;
    }
}

/* One thing happens: somebody writes, hears of another, or is restored. */
static void
happen(struct world *w, struct bytes *in)
{
    uint8_t choice = bytes_u8(in);
    size_t r = choice % WORLD_REPLICAS;
    struct ent_op op = {.type = choice / WORLD_REPLICAS % 16};

    if (op.type == 0 || op.type > ENT_OP_SEEN) {
        world_sync(w, r, bytes_u8(in) % WORLD_REPLICAS);
    } else if (op.type == ENT_OP_GENESIS) {
        w->replicas[r].inc++;
    } else if (w->replicas[r].has[0]) {
        some_op(w, r, in, &op);
        world_write(w, r, &op);
    }
}

static void
expect_same_motions(const struct ent_gov *a, const struct ent_gov *b)
{
    size_t count = ent_gov_motion_count(a);
    size_t decided_a = 0;
    size_t decided_b = 0;
    size_t i;

    ENT_ASSERT(ent_gov_motion_count(b) == count);
    for (i = 0; i < count; i++) {
        struct ent_gov_motion m;

        ent_gov_motion(a, i, &m);
        decided_a += (m.is_decided ? 1u : 0u) + 100 * m.ballot_count;
        ent_gov_motion(b, i, &m);
        decided_b += (m.is_decided ? 1u : 0u) + 100 * m.ballot_count;
    }
    ENT_ASSERT(decided_a == decided_b);
}

static void
expect_same(const struct world *w, size_t r)
{
    const struct replica *a = &w->replicas[0];
    const struct replica *b = &w->replicas[r];
    struct ent_gov_member ma[WORLD_REPLICAS + 1];
    struct ent_gov_member mb[WORLD_REPLICAS + 1];
    size_t count =
        ent_gov_members(a->gov, ent_gov_now(a->gov), ma, WORLD_REPLICAS + 1);
    struct ent_id ca, cb;
    size_t i;

    ENT_ASSERT(memcmp(a->verdict, b->verdict, w->count) == 0);
    ENT_ASSERT(ent_gov_members(b->gov, ent_gov_now(b->gov), mb,
                               WORLD_REPLICAS + 1) == count);
    for (i = 0; i < count; i++) {
        ENT_ASSERT(ent_id_eq(&ma[i].node, &mb[i].node) &&
                   ma[i].role == mb[i].role && ma[i].basis == mb[i].basis);
    }
    ent_gov_config(a->gov, ent_gov_now(a->gov), &ca);
    ent_gov_config(b->gov, ent_gov_now(b->gov), &cb);
    ENT_ASSERT(ent_id_eq(&ca, &cb));
    expect_same_motions(a->gov, b->gov);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct world *w = world_new(bytes_u8(&in) % ENT_SPACE_REVIEW + 1);
    size_t i;

    for (i = 0; i < 4 * WRITES_MAX && in.left > 0 && w->count < WRITES_MAX;
         i++) {
        happen(w, &in);
    }
    world_sync_all(w);
    for (i = 1; i < WORLD_REPLICAS; i++) {
        expect_same(w, i);
    }
    world_free(w);
    return 0;
}
