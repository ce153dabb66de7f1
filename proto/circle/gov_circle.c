/*
 * A circle governs itself: motions, ballots, decisions, leaves.
 *
 * docs/trust.md 1. One change a decision; every decision is made on a *base*,
 * the config of its past; a decision alters the config, so a base can be
 * decided on once in any past. Two majorities of one base share a voter, and
 * the voter's own log orders its two ballots. A leave alters the config too:
 * two decisions on one base therefore count the same members.
 */
#include "circle/govstate.h"

/* What the judging of one operation needs of the past. Copied, because a
 * view lives only until the next one. */
struct seen {
    const struct ent_id *config;
    enum ent_role author;
    uint32_t voter_count;
    uint32_t seat_count;
};

static enum ent_role
role_of(const struct ent_gov *gov, uint32_t past, const struct ent_id *node)
{
    const struct gov_seat *seat = gov_seat_find(gov, gov_view(gov, past), node);

    return seat != NULL ? (enum ent_role)seat->role : ENT_ROLE_NONE;
}

static struct seen
look(const struct gov_act *act)
{
    const struct gov_view *view = gov_view(act->gov, act->past);

    return (struct seen){
        .config = gov_config(act->gov, act->past),
        .author = role_of(act->gov, act->past, &act->e->node),
        .voter_count = view->voter_count,
        .seat_count = view->seat_count,
    };
}

/* Motions. */

static struct ent_slice
keep(struct ent_slice s)
{
    uint8_t *copy;

    if (s.len == 0) {
        return ent_slice(NULL, 0);
    }
    copy = ent_alloc(s.len);
    memcpy(copy, s.p, s.len);
    return ent_slice(copy, s.len);
}

/* Nobody shall vote for a name and admit another key. */
static bool
card_is_of(struct ent_slice bytes, const struct ent_id *subject)
{
    struct ent_card card;

    return bytes.len == 0 || (ent_card_decode(bytes, &card) == ENT_OK &&
                              ent_id_eq(&card.node, subject));
}

/* A motion must be able to have its effect. */
static enum ent_verdict
judge_action(const struct gov_act *act, const struct ent_op_motion *op,
             const struct seen *seen)
{
    enum ent_role role = role_of(act->gov, act->past, &op->subject);
    bool has_subject = !ent_id_is_zero(&op->subject);
    bool is_fine = false;

    switch ((enum ent_action)op->action) {
    case ENT_ACTION_ADMIT:
    case ENT_ACTION_APPOINT:
        is_fine = has_subject && role == ENT_ROLE_NONE &&
                  seen->seat_count < ENT_STRUCTURES_MAX &&
                  card_is_of(op->card, &op->subject);
        break;
    case ENT_ACTION_REMOVE:
        is_fine = role != ENT_ROLE_NONE;
        break;
    case ENT_ACTION_RELIEVE:
        is_fine = role == ENT_ROLE_MODERATOR;
        break;
    case ENT_ACTION_CHARTER:
    case ENT_ACTION_RULE:
    case ENT_ACTION_REFRESH:
        is_fine = !has_subject;
        break;
    }
    return is_fine ? ENT_VERDICT_OK : ENT_VERDICT_NOT_ALLOWED;
}

static enum ent_verdict
judge_motion(const struct gov_act *act, const struct ent_op_motion *op)
{
    struct seen seen = look(act);

    if (seen.author == ENT_ROLE_NONE) {
        return ENT_VERDICT_NOT_MEMBER;
    }
    if (!ent_id_eq(&op->base, seen.config)) {
        return ENT_VERDICT_STALE_BASE;
    }
    return judge_action(act, op, &seen);
}

enum ent_verdict
gov_judge_motion(struct gov_act *act, const struct ent_op_motion *op)
{
    struct ent_gov *gov = act->gov;
    enum ent_verdict verdict = judge_motion(act, op);
    uint32_t subject = GOV_NONE;
    uint32_t place;
    struct gov_motion *m;

    if (!ent_id_is_zero(&op->subject)) {
        subject = gov_node(gov, &op->subject);
    }
    place = gov_motion_add(gov, &act->e->id);
    m = &gov->motions[place];
    m->base = op->base;
    m->author = act->author;
    m->subject = subject;
    m->action = op->action;
    m->is_valid = verdict == ENT_VERDICT_OK;
    m->past = act->past;
    m->loc = act->loc;
    m->change = GOV_NONE;
    m->card = keep(op->card);
    m->text = keep(op->text);
    return verdict;
}

/* The valid motion with this id that is in the past, or NULL. */
static struct gov_motion *
find_motion(const struct gov_act *act, const struct ent_id *id)
{
    uint32_t place = gov_motion_find(act->gov, id);
    struct gov_motion *m;

    if (place == GOV_NONE) {
        return NULL;
    }
    m = &act->gov->motions[place];
    return m->is_valid && gov_past_has(act->gov, act->past, m->loc) ? m : NULL;
}

/* Ballots. */

/* A restored node may have forgotten what it signed: its new log votes for
 * no removal on a base that was there before the log began. */
static bool
is_too_young(const struct gov_act *act, const struct ent_id *base)
{
    const struct ent_gov *gov = act->gov;
    uint32_t at = gov->nodes[act->author].starts;
    bool has_other_log = false;

    for (; at != GOV_NONE; at = gov->starts[at].next_of_node) {
        const struct gov_start *s = &gov->starts[at];

        if (!gov_past_has(gov, act->past, s->loc)) {
            continue;
        }
        if (s->inc != act->e->inc) {
            has_other_log = true;
        } else if (!ent_id_eq(gov_config(gov, s->past), base)) {
            return false;
        }
    }
    return has_other_log;
}

/* PROTO §2.4: "no valid ballot of the same author in past is for another
 * removal on the same base" in any of its logs. */
static bool
has_voted_otherwise(const struct gov_act *act, const struct gov_motion *m)
{
    const struct ent_gov *gov = act->gov;
    uint32_t at = gov->nodes[act->author].removals;

    for (; at != GOV_NONE; at = gov->ballots[at].next_removal) {
        const struct gov_ballot *b = &gov->ballots[at];
        const struct gov_motion *other = &gov->motions[b->motion];

        if (other != m && ent_id_eq(&other->base, &m->base) &&
            gov_past_has(gov, act->past, b->loc)) {
            return true;
        }
    }
    return false;
}

/* PROTO §2.4: "A **ballot** is a yes. It is valid when its author is a member
 * in past, the motion is valid and in past, the motion's base is config(past),
 * and the author is not the subject." */
static enum ent_verdict
judge_ballot(const struct gov_act *act, const struct gov_motion *m)
{
    struct seen seen = look(act);
    struct ent_id base;

    if (seen.author != ENT_ROLE_MEMBER) {
        return ENT_VERDICT_NOT_MEMBER;
    }
    if (m == NULL) {
        return ENT_VERDICT_UNKNOWN;
    }
    if (!ent_id_eq(&m->base, seen.config)) {
        return ENT_VERDICT_STALE_BASE;
    }
    if (m->subject == act->author) {
        return ENT_VERDICT_SUBJECT;
    }
    if (m->action != ENT_ACTION_REMOVE) {
        return ENT_VERDICT_OK;
    }
    base = m->base;
    if (has_voted_otherwise(act, m)) {
        return ENT_VERDICT_TWICE;
    }
    return is_too_young(act, &base) ? ENT_VERDICT_TOO_YOUNG : ENT_VERDICT_OK;
}

/* Counts a valid ballot for its motion; a structure counts once. */
static void
count_ballot(struct gov_motion *m, const struct ent_id *ballot,
             const struct ent_id *voter)
{
    uint32_t cap = m->ballot_cap;
    uint32_t i;

    for (i = 0; i < m->ballot_count; i++) {
        if (ent_id_eq(&m->voters[i], voter)) {
            return;
        }
    }
    m->ballots =
        gov_grow(m->ballots, &cap, m->ballot_count, sizeof(*m->ballots));
    m->voters = gov_grow(m->voters, &m->ballot_cap, m->ballot_count,
                         sizeof(*m->voters));
    m->ballots[m->ballot_count] = *ballot;
    m->voters[m->ballot_count++] = *voter;
}

enum ent_verdict
gov_judge_ballot(struct gov_act *act, const struct ent_op_ballot *op)
{
    struct ent_gov *gov = act->gov;
    struct gov_motion *m = find_motion(act, &op->motion);
    enum ent_verdict verdict = judge_ballot(act, m);
    struct gov_node *voter = &gov->nodes[act->author];
    uint32_t place;
    struct gov_ballot *b;

    if (verdict != ENT_VERDICT_OK) {
        return verdict;
    }
    place = gov_ballot_add(gov, &act->e->id);
    b = &gov->ballots[place];
    b->loc = act->loc;
    b->motion = (uint32_t)(m - gov->motions);
    b->voter = act->author;
    b->next_removal = GOV_NONE;
    if (m->action == ENT_ACTION_REMOVE) {
        b->next_removal = voter->removals;
        voter->removals = place;
    }
    count_ballot(m, &act->e->id, &act->e->node);
    return ENT_VERDICT_OK;
}

/* Decisions. */

/* One ballot of a decision: in the past, for this motion, of a structure not
 * counted yet. */
static enum ent_verdict
judge_counted(const struct gov_act *act, const struct gov_motion *m,
              const struct ent_id *ballot)
{
    struct ent_gov *gov = act->gov;
    uint32_t place = gov_ballot_find(gov, ballot);
    const struct gov_ballot *b;

    if (place == GOV_NONE) {
        return ENT_VERDICT_UNKNOWN;
    }
    b = &gov->ballots[place];
    if (&gov->motions[b->motion] != m ||
        !gov_past_has(gov, act->past, b->loc)) {
        return ENT_VERDICT_UNKNOWN;
    }
    if (gov->nodes[b->voter].stamp == gov->stamp) {
        return ENT_VERDICT_TWICE;
    }
    gov->nodes[b->voter].stamp = gov->stamp;
    return ENT_VERDICT_OK;
}

/* PROTO §2.4: "there are more than n/2 of them, n being the members in past,
 * the subject counted, the moderator not" */
static enum ent_verdict
judge_decision(const struct gov_act *act, const struct ent_op_decision *op,
               const struct gov_motion *m)
{
    struct seen seen = look(act);
    size_t i;

    if (seen.author == ENT_ROLE_NONE) {
        return ENT_VERDICT_NOT_MEMBER;
    }
    if (m == NULL) {
        return ENT_VERDICT_UNKNOWN;
    }
    if (!ent_id_eq(&m->base, seen.config)) {
        return ENT_VERDICT_STALE_BASE;
    }
    act->gov->stamp++;
    for (i = 0; i < op->ballot_count; i++) {
        enum ent_verdict verdict = judge_counted(act, m, &op->ballots[i]);

        if (verdict != ENT_VERDICT_OK) {
            return verdict;
        }
    }
    return op->ballot_count > seen.voter_count / 2 ? ENT_VERDICT_OK
                                                   : ENT_VERDICT_TOO_FEW;
}

/* What a motion alters once it is decided. */
static struct gov_change
change_of(const struct gov_motion *m)
{
    struct gov_change c = {
        .id = m->id,
        .node = m->subject,
        .what = GOV_NOTE,
        .is_in_config = true,
        .past = m->past,
    };

    switch ((enum ent_action)m->action) {
    case ENT_ACTION_ADMIT:
        c.what = GOV_GAIN;
        c.tracks = GOV_TRACK_MEMBER;
        c.role = ENT_ROLE_MEMBER;
        break;
    case ENT_ACTION_APPOINT:
        c.what = GOV_GAIN;
        c.tracks = GOV_TRACK_MODERATOR;
        c.role = ENT_ROLE_MODERATOR;
        break;
    case ENT_ACTION_REMOVE:
        c.what = GOV_LOSS;
        c.tracks = GOV_TRACK_MEMBER | GOV_TRACK_MODERATOR;
        break;
    case ENT_ACTION_RELIEVE:
        c.what = GOV_LOSS;
        c.tracks = GOV_TRACK_MODERATOR;
        break;
    case ENT_ACTION_CHARTER:
    case ENT_ACTION_RULE:
    case ENT_ACTION_REFRESH:
        break;
    }
    return c;
}

enum ent_verdict
gov_judge_decision(struct gov_act *act, const struct ent_op_decision *op)
{
    struct gov_motion *m = find_motion(act, &op->motion);
    enum ent_verdict verdict = judge_decision(act, op, m);
    struct gov_change change;

    if (verdict != ENT_VERDICT_OK) {
        return verdict;
    }
    if (m->change != GOV_NONE) {
        gov_change_again(act, m->change);
    } else {
        change = change_of(m);
        m->change = gov_change_add(act, &change);
    }
    return ENT_VERDICT_OK;
}
