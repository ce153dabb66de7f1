/*
 * Operations as bytes. An operation is [type << 1 | critical, field…]:
 *
 *   genesis   kind, circle | nil, name, charter, card
 *   motion    base, action, subject | nil, card | nil, text
 *   ballot    motion, [head seq, head id] | nil
 *   decision  motion, [ballot…]
 *   epoch     commitment, config, [[node, box]…] ascending by node
 *   share     epoch, node, box
 *   grant     node, level, basis
 *   withdraw  node, decision | nil
 *   leave, seen
 *   card      card
 *
 * Fields are exact: what a later version adds is a new type, because all
 * versions must judge one operation alike. Whether numbers make sense (an
 * action, a level) is judged in gov, by the entry's own past.
 */
#include <entente/control.h>
#include <entente/msgpack.h>

#include <stdlib.h>

#define CARD_LEN_MAX 4096u
#define BOX_LEN_MAX 256u
#define HEAD_MAX ((UINT32_C(0xffff) << 1) | 1u)

/* Writing. */

static void
put_id(struct ent_buf *out, const struct ent_id *id)
{
    ent_mp_put_bin(out, ENT_SLICE_OF(*id));
}

static void
put_id_or_nil(struct ent_buf *out, const struct ent_id *id)
{
    if (ent_id_is_zero(id)) {
        ent_mp_put_nil(out);
    } else {
        put_id(out, id);
    }
}

static void
put_bin_or_nil(struct ent_buf *out, struct ent_slice s)
{
    if (s.len == 0) {
        ent_mp_put_nil(out);
    } else {
        ent_mp_put_bin(out, s);
    }
}

/* What a reader would refuse is not written. */
static void
put_text(struct ent_buf *out, struct ent_slice s, size_t max)
{
    if (s.len > max || !ent_utf8_is_valid(s)) {
        out->failed = true;
        return;
    }
    ent_mp_put_str(out, s);
}

static void
put_head(struct ent_buf *out, const struct ent_op *op, size_t fields)
{
    ent_mp_put_array(out, fields + 1);
    ent_mp_put_uint(out, (uint64_t)op->type << 1 | (op->is_critical ? 1 : 0));
}

static void
put_genesis(struct ent_buf *out, const struct ent_op *op)
{
    const struct ent_op_genesis *g = &op->u.genesis;

    put_head(out, op, 5);
    ent_mp_put_uint(out, g->kind);
    put_id_or_nil(out, &g->circle);
    put_text(out, g->name, ENT_NAME_MAX);
    put_text(out, g->charter, ENT_TEXT_MAX);
    put_bin_or_nil(out, g->card);
}

static void
put_motion(struct ent_buf *out, const struct ent_op *op)
{
    const struct ent_op_motion *m = &op->u.motion;

    put_head(out, op, 5);
    put_id(out, &m->base);
    ent_mp_put_uint(out, m->action);
    put_id_or_nil(out, &m->subject);
    put_bin_or_nil(out, m->card);
    put_text(out, m->text, ENT_TEXT_MAX);
}

static void
put_ballot(struct ent_buf *out, const struct ent_op *op)
{
    const struct ent_op_ballot *b = &op->u.ballot;

    put_head(out, op, 2);
    put_id(out, &b->motion);
    if (b->has_head) {
        ent_mp_put_array(out, 2);
        ent_mp_put_uint(out, b->head_seq);
        put_id(out, &b->head_id);
    } else {
        ent_mp_put_nil(out);
    }
}

static void
put_decision(struct ent_buf *out, const struct ent_op *op)
{
    const struct ent_op_decision *d = &op->u.decision;
    size_t i;

    put_head(out, op, 2);
    put_id(out, &d->motion);
    ent_mp_put_array(out, d->ballot_count);
    for (i = 0; i < d->ballot_count; i++) {
        put_id(out, &d->ballots[i]);
    }
}

static void
put_epoch(struct ent_buf *out, const struct ent_op *op)
{
    const struct ent_op_epoch *e = &op->u.epoch;
    size_t i;

    put_head(out, op, 3);
    put_id(out, &e->commitment);
    put_id(out, &e->config);
    ent_mp_put_array(out, e->box_count);
    for (i = 0; i < e->box_count; i++) {
        ENT_ASSERT(i == 0 ||
                   ent_id_cmp(&e->boxes[i - 1].node, &e->boxes[i].node) < 0);
        ent_mp_put_array(out, 2);
        put_id(out, &e->boxes[i].node);
        ent_mp_put_bin(out, e->boxes[i].box);
    }
}

static void
put_share(struct ent_buf *out, const struct ent_op *op)
{
    put_head(out, op, 3);
    put_id(out, &op->u.share.epoch);
    put_id(out, &op->u.share.node);
    ent_mp_put_bin(out, op->u.share.box);
}

static void
put_grant(struct ent_buf *out, const struct ent_op *op)
{
    put_head(out, op, 3);
    put_id(out, &op->u.grant.node);
    ent_mp_put_uint(out, op->u.grant.level);
    ent_mp_put_uint(out, op->u.grant.basis);
}

static void
put_withdraw(struct ent_buf *out, const struct ent_op *op)
{
    put_head(out, op, 2);
    put_id(out, &op->u.grant.node);
    put_id_or_nil(out, &op->u.grant.decision);
}

static void
put_card(struct ent_buf *out, const struct ent_op *op)
{
    put_head(out, op, 1);
    ent_mp_put_bin(out, op->u.card);
}

void
ent_ops_begin(struct ent_buf *out, struct ent_slice person, size_t count)
{
    ENT_ASSERT(count <= ENT_OPS_MAX && person.len <= ENT_PERSON_MAX);
    ent_mp_put_array(out, 3);
    ent_mp_put_uint(out, ENT_TYPES_VERSION);
    put_bin_or_nil(out, person);
    ent_mp_put_array(out, count);
}

void
ent_op_put(struct ent_buf *out, const struct ent_op *op)
{
    switch ((enum ent_op_type)op->type) {
    case ENT_OP_GENESIS:
        put_genesis(out, op);
        return;
    case ENT_OP_MOTION:
        put_motion(out, op);
        return;
    case ENT_OP_BALLOT:
        put_ballot(out, op);
        return;
    case ENT_OP_DECISION:
        put_decision(out, op);
        return;
    case ENT_OP_EPOCH:
        put_epoch(out, op);
        return;
    case ENT_OP_SHARE:
        put_share(out, op);
        return;
    case ENT_OP_GRANT:
        put_grant(out, op);
        return;
    case ENT_OP_WITHDRAW:
        put_withdraw(out, op);
        return;
    case ENT_OP_LEAVE:
    case ENT_OP_SEEN:
        put_head(out, op, 0);
        return;
    case ENT_OP_CARD:
        put_card(out, op);
        return;
    case ENT_OP_PUT:
        break;
    }
    ent_panic("not a control operation", __FILE__, __LINE__);
}

/* Reading. */

struct chunk { /* of an ops list's arena */
    struct chunk *next;
    _Alignas(16) uint8_t bytes[];
};

static void *
arena_take(struct ent_ops *ops, size_t count, size_t size)
{
    struct chunk *c = ent_alloc(sizeof(*c) + count * size);

    c->next = ops->arena;
    ops->arena = c;
    return c->bytes;
}

static void
read_id_or_nil(struct ent_mp *r, struct ent_id *ret_id)
{
    *ret_id = (struct ent_id){{0}};
    if (!ent_mp_nil(r)) {
        ent_mp_id(r, ret_id);
        if (ent_id_is_zero(ret_id)) {
            ent_mp_fail(r, ENT_PEER_MALFORMED); /* that is what nil is for */
        }
    }
}

static struct ent_slice
read_bin_or_nil(struct ent_mp *r, size_t max)
{
    if (ent_mp_nil(r)) {
        return ent_slice(NULL, 0);
    }
    return ent_mp_bin(r, 1, max);
}

static uint8_t
read_u8(struct ent_mp *r)
{
    return (uint8_t)ent_mp_uint(r, UINT8_MAX);
}

static void
read_ballot(struct ent_mp *r, struct ent_op_ballot *b)
{
    ent_mp_id(r, &b->motion);
    b->has_head = !ent_mp_nil(r);
    if (b->has_head) {
        ent_mp_enter(r, 2, 2);
        b->head_seq = ent_mp_uint(r, UINT64_MAX);
        ent_mp_id(r, &b->head_id);
        ent_mp_leave(r);
    }
}

static void
read_decision(struct ent_mp *r, struct ent_ops *ops, struct ent_op_decision *d)
{
    struct ent_id *ballots;
    size_t count;
    size_t i;

    ent_mp_id(r, &d->motion);
    count = ent_mp_enter(r, 0, ENT_STRUCTURES_MAX);
    ballots = arena_take(ops, count, sizeof(*ballots));
    for (i = 0; i < count; i++) {
        ent_mp_id(r, &ballots[i]);
    }
    ent_mp_leave(r);
    d->ballots = ballots;
    d->ballot_count = count;
}

static void
read_epoch(struct ent_mp *r, struct ent_ops *ops, struct ent_op_epoch *e)
{
    struct ent_box_ref *boxes;
    size_t count;
    size_t i;

    ent_mp_id(r, &e->commitment);
    ent_mp_id(r, &e->config);
    count = ent_mp_enter(r, 0, ENT_BOXES_MAX);
    boxes = arena_take(ops, count, sizeof(*boxes));
    for (i = 0; i < count; i++) {
        ent_mp_enter(r, 2, 2);
        ent_mp_id(r, &boxes[i].node);
        boxes[i].box = ent_mp_bin(r, 1, BOX_LEN_MAX);
        ent_mp_leave(r);
        if (i > 0 && ent_id_cmp(&boxes[i - 1].node, &boxes[i].node) >= 0) {
            ent_mp_fail(r, ENT_PEER_MALFORMED);
        }
    }
    ent_mp_leave(r);
    e->boxes = boxes;
    e->box_count = count;
}

static void
read_genesis(struct ent_mp *r, struct ent_op_genesis *g)
{
    g->kind = read_u8(r);
    read_id_or_nil(r, &g->circle);
    g->name = ent_mp_str(r, ENT_NAME_MAX);
    g->charter = ent_mp_str(r, ENT_TEXT_MAX);
    g->card = read_bin_or_nil(r, CARD_LEN_MAX);
}

static void
read_motion(struct ent_mp *r, struct ent_op_motion *m)
{
    ent_mp_id(r, &m->base);
    m->action = read_u8(r);
    read_id_or_nil(r, &m->subject);
    m->card = read_bin_or_nil(r, CARD_LEN_MAX);
    m->text = ent_mp_str(r, ENT_TEXT_MAX);
}

/* PROTO §2.2: "The fields of a known type are exact: one more or less is
 * malformed, because all versions must judge an operation alike." Reads the
 * fields of a known type; false for any other. */
static bool
read_fields(struct ent_mp *r, struct ent_ops *ops, struct ent_op *op)
{
    switch ((enum ent_op_type)op->type) {
    case ENT_OP_GENESIS:
        read_genesis(r, &op->u.genesis);
        return true;
    case ENT_OP_MOTION:
        read_motion(r, &op->u.motion);
        return true;
    case ENT_OP_BALLOT:
        read_ballot(r, &op->u.ballot);
        return true;
    case ENT_OP_DECISION:
        read_decision(r, ops, &op->u.decision);
        return true;
    case ENT_OP_EPOCH:
        read_epoch(r, ops, &op->u.epoch);
        return true;
    case ENT_OP_SHARE:
        ent_mp_id(r, &op->u.share.epoch);
        ent_mp_id(r, &op->u.share.node);
        op->u.share.box = ent_mp_bin(r, 1, BOX_LEN_MAX);
        return true;
    case ENT_OP_GRANT:
        ent_mp_id(r, &op->u.grant.node);
        op->u.grant.level = read_u8(r);
        op->u.grant.basis = read_u8(r);
        return true;
    case ENT_OP_WITHDRAW:
        ent_mp_id(r, &op->u.grant.node);
        read_id_or_nil(r, &op->u.grant.decision);
        return true;
    case ENT_OP_LEAVE:
    case ENT_OP_SEEN:
        return true;
    case ENT_OP_CARD:
        op->u.card = ent_mp_bin(r, 1, CARD_LEN_MAX);
        return true;
    case ENT_OP_PUT:
        break;
    }
    return false;
}

static enum ent_status
decode_control(struct ent_ops *ops, struct ent_op *op)
{
    struct ent_mp *r = ent_mp_begin(op->raw);
    uint32_t head;

    ent_mp_enter(r, 1, SIZE_MAX);
    head = (uint32_t)ent_mp_uint(r, HEAD_MAX);
    op->type = (uint16_t)(head >> 1);
    op->is_critical = (head & 1) != 0;
    op->is_known = read_fields(r, ops, op);
    if (!op->is_known) {
        ent_mp_skip_rest(r);
        op->is_known = op->type == ENT_OP_PUT;
    }
    ent_mp_leave(r);
    return ent_mp_end(r);
}

/* Content is folded a hundred thousand times where control is read once, and
 * record.h parses it anyway: its head alone is read here. `raw` has passed
 * the reader's checks; one array byte and one of type is what an ENT_OP_PUT
 * has. */
static bool
is_content(struct ent_slice raw, bool *ret_is_critical)
{
    if (raw.len < 2 || (raw.p[0] & 0xf0) != 0x90 ||
        raw.p[1] >> 1 != ENT_OP_PUT) {
        return false;
    }
    *ret_is_critical = (raw.p[1] & 1) != 0;
    return true;
}

static enum ent_status
decode_op(struct ent_ops *ops, struct ent_op *op)
{
    if (is_content(op->raw, &op->is_critical)) {
        op->type = ENT_OP_PUT;
        op->is_known = true;
        return ENT_OK;
    }
    return decode_control(ops, op);
}

static void
read_ops(struct ent_mp *r, struct ent_ops *ops)
{
    size_t count = ent_mp_enter(r, 0, ENT_OPS_MAX);
    size_t i;

    ops->ops = ent_alloc_zero(count, sizeof(*ops->ops));
    ops->count = count;
    for (i = 0; i < count && !ent_mp_has_failed(r); i++) {
        enum ent_status st;

        ops->ops[i].raw = ent_mp_raw(r);
        st = decode_op(ops, &ops->ops[i]);
        if (st != ENT_OK) {
            ent_mp_fail(r, st);
        }
    }
    ent_mp_leave(r);
}

enum ent_status
ent_ops_decode(struct ent_slice payload, struct ent_ops *ret_ops)
{
    struct ent_ops ops = {.types_version = 0};
    struct ent_mp *r;
    enum ent_status st;

    if (payload.len > ENT_PAYLOAD_MAX) {
        return ENT_PEER_TOO_BIG;
    }
    r = ent_mp_begin(payload);
    ent_mp_enter(r, 3, 3);
    ops.types_version = ent_mp_uint(r, UINT64_MAX);
    ops.person = read_bin_or_nil(r, ENT_PERSON_MAX);
    read_ops(r, &ops);
    ent_mp_leave(r);
    st = ent_mp_end(r);
    if (st != ENT_OK) {
        ent_ops_release(&ops);
        return st;
    }
    *ret_ops = ops;
    return ENT_OK;
}

void
ent_ops_release(struct ent_ops *ops)
{
    struct chunk *c = ops->arena;

    while (c != NULL) {
        struct chunk *next = c->next;

        free(c);
        c = next;
    }
    free(ops->ops);
    *ops = (struct ent_ops){.types_version = 0};
}
