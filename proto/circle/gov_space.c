/*
 * Care, review and own spaces: grants and withdrawals by the opener, leaves
 * by oneself. docs/trust.md 2.
 */
#include "circle/govstate.h"

static bool
is_seated(const struct gov_act *act)
{
    return gov_seat_find(act->gov, gov_view(act->gov, act->past),
                         &act->e->node) != NULL;
}

/* PROTO §2.4: "In care and review spaces the opener grants and withdraws, never
 * to or from itself." May the author say who reads, and is `node` somebody to
 * say it of? */
static enum ent_verdict
judge_opener(const struct gov_act *act, const struct ent_id *node)
{
    if (!is_seated(act)) {
        return ENT_VERDICT_NOT_MEMBER;
    }
    if (act->author != act->gov->opener || ent_id_is_zero(node) ||
        ent_id_eq(node, &act->e->node)) {
        return ENT_VERDICT_NOT_ALLOWED;
    }
    return ENT_VERDICT_OK;
}

/* The role that a grant gives here, or ENT_ROLE_NONE. The moderator opens
 * the review view only, never the care view. */
static enum ent_role
granted_role(uint8_t kind, const struct ent_op_grant *op)
{
    if (ent_basis_name(op->basis) == NULL && op->basis != ENT_BASIS_NONE) {
        return ENT_ROLE_NONE;
    }
    if (op->basis == ENT_BASIS_MODERATOR && kind != ENT_SPACE_REVIEW) {
        return ENT_ROLE_NONE;
    }
    if (op->level == ENT_LEVEL_CARRIER) {
        return ENT_ROLE_CARRIER;
    }
    if (op->level != ENT_LEVEL_READER) {
        return ENT_ROLE_NONE;
    }
    return op->basis == ENT_BASIS_MODERATOR ? ENT_ROLE_MODERATOR
                                            : ENT_ROLE_READER;
}

enum ent_verdict
gov_judge_grant(struct gov_act *act, const struct ent_op_grant *op)
{
    enum ent_role role = granted_role(act->gov->kind, op);
    enum ent_verdict verdict = judge_opener(act, &op->node);
    struct gov_change change = {
        .id = act->e->id,
        .what = GOV_GAIN,
        .tracks = GOV_TRACK_MEMBER,
        .role = (uint8_t)role,
        .basis = op->basis,
        .is_in_config = true,
        .past = act->past,
    };

    if (verdict != ENT_VERDICT_OK) {
        return verdict;
    }
    if (role == ENT_ROLE_NONE) {
        return ENT_VERDICT_NOT_ALLOWED;
    }
    change.node = gov_node(act->gov, &op->node);
    gov_change_add(act, &change);
    return ENT_VERDICT_OK;
}

static void
add_loss(struct gov_act *act, uint32_t node)
{
    struct gov_change change = {
        .id = act->e->id,
        .node = node,
        .what = GOV_LOSS,
        .tracks = GOV_TRACK_MEMBER | GOV_TRACK_MODERATOR,
        .is_in_config = true,
        .past = act->past,
    };

    gov_change_add(act, &change);
}

enum ent_verdict
gov_judge_withdraw(struct gov_act *act, const struct ent_op_grant *op)
{
    enum ent_verdict verdict = judge_opener(act, &op->node);

    if (verdict == ENT_VERDICT_OK) {
        add_loss(act, gov_node(act->gov, &op->node));
    }
    return verdict;
}

enum ent_verdict
gov_judge_leave(struct gov_act *act)
{
    if (!is_seated(act)) {
        return ENT_VERDICT_NOT_MEMBER;
    }
    add_loss(act, act->author);
    return ENT_VERDICT_OK;
}
