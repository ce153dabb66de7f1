/*
 * Who may do what in one space, as a function of control entries only.
 *
 * Everything is judged by an entry's own causal past, which its hashes fix, so
 * nodes converge whatever the order of arrival. A *past* is the set of control
 * entries before some entry, as an interned vector (log -> how many of its
 * control entries). The caller keeps one past number per entry and gives the
 * pasts of `prev` and `deps`; `ent_gov_now` is the union of all, the newest
 * view. Rules: docs/trust.md 1 and 2.
 *
 * In a circle members come from genesis, motions, ballots, decisions and
 * leaves; in the other kinds readers come from genesis, grants, withdrawals
 * and leaves. A removal, withdrawal or leave beats what is concurrent with
 * it; only what was proposed in its knowledge comes after it. Of several
 * grants that hold, the one with the largest past counts.
 *
 * A motion, ballot or decision is named by its entry's id, so an entry holds
 * at most one of them; a second is ENT_VERDICT_NOT_IN_PLACE. A motion must be
 * able to have its effect (nobody is admitted twice, a card that comes with it
 * is the subject's), else it is ENT_VERDICT_NOT_ALLOWED.
 */
#ifndef ENTENTE_GOV_H
#define ENTENTE_GOV_H

#include <entente/control.h>

#define ENT_PAST_EMPTY 0u

enum ent_role {
    ENT_ROLE_NONE = 0,
    ENT_ROLE_CARRIER,
    ENT_ROLE_READER,    /* care, review, own */
    ENT_ROLE_MEMBER,    /* circle: a structure with a vote */
    ENT_ROLE_MODERATOR, /* circle: member without a vote; review: reader
                           granted with ENT_BASIS_MODERATOR */
};
const char *ent_role_name(unsigned role);

struct ent_gov_member {
    struct ent_id node;
    uint8_t role;
    uint8_t basis;
    bool is_opener;
};

/* How a control operation was judged; kept for showing. */
enum ent_verdict {
    ENT_VERDICT_OK = 0,
    ENT_VERDICT_NOT_MEMBER,   /* the author was none in its past */
    ENT_VERDICT_STALE_BASE,   /* base is not config(past) */
    ENT_VERDICT_UNKNOWN,      /* names a motion or ballot not in its past */
    ENT_VERDICT_SUBJECT,      /* a vote by its own subject */
    ENT_VERDICT_TWICE,        /* an earlier yes for a different removal */
    ENT_VERDICT_TOO_FEW,      /* a decision short of a majority */
    ENT_VERDICT_NOT_ALLOWED,  /* a grant by somebody who may not */
    ENT_VERDICT_NOT_IN_PLACE, /* an operation this kind of space has not */
    ENT_VERDICT_TOO_YOUNG,    /* a new incarnation on a base before it */
};
const char *ent_verdict_name(unsigned verdict);

struct ent_gov;

/* Returns owned; free with ent_gov_free. */
struct ent_gov *ent_gov_new(const struct ent_id *space);
void ent_gov_free(struct ent_gov *gov);

/* The union of pasts (of prev and deps); interned, so equal sets have equal
 * numbers. Numbers are given in order of first use: applying the same entries
 * in the same order gives the same numbers. */
uint32_t ent_gov_join(struct ent_gov *gov, const uint32_t *pasts, size_t count);

/*
 * Takes one control entry whose past is `past` and judges each operation:
 * `ret_verdicts` has ops->count places. Returns the past *with* this entry:
 * what entries that follow it have. Entries must be given in causal order,
 * each once. One whose payload does not decode is given with no operations;
 * the genesis with ENT_PAST_EMPTY.
 */
uint32_t ent_gov_apply(struct ent_gov *gov, const struct ent_entry *e,
                       const struct ent_ops *ops, uint32_t past,
                       uint8_t *ret_verdicts);

uint32_t ent_gov_now(const struct ent_gov *gov);
uint8_t ent_gov_kind(const struct ent_gov *gov);
const struct ent_id *ent_gov_circle(const struct ent_gov *gov);

/* The role of a node in a past; ENT_ROLE_NONE when it has none. */
enum ent_role ent_gov_role(const struct ent_gov *gov, uint32_t past,
                           const struct ent_id *node);
/* May it write content or control here, in this past? False in an empty past,
 * for everybody: the genesis makes its own right. */
bool ent_gov_may_write(const struct ent_gov *gov, uint32_t past,
                       const struct ent_id *node);
/* Everyone with a role, ascending by node id. Returns how many there are and
 * fills at most `max`. */
size_t ent_gov_members(const struct ent_gov *gov, uint32_t past,
                       struct ent_gov_member *ret_members, size_t max);
/* Was it ever named here as member, reader or carrier, in any past? */
bool ent_gov_was_named(const struct ent_gov *gov, const struct ent_id *node);

/* config(S): H("entente/config/1", sorted ids of the motions decided and of
 * the entries by which somebody left) in a circle; of the sorted ids of the
 * entries with grants, withdrawals and leaves elsewhere. Leaves belong to it
 * because two decisions on one base must count the same members. */
void ent_gov_config(const struct ent_gov *gov, uint32_t past,
                    struct ent_id *ret_config);

/* A motion as it stands in the newest view. Slices are owned by `gov`. */
struct ent_gov_motion {
    struct ent_id id; /* of the entry */
    struct ent_id author;
    uint8_t action;
    struct ent_id subject;
    struct ent_slice card;
    struct ent_slice text;
    bool is_valid;
    bool is_decided;
    bool is_open;  /* valid, not decided, base is still the config */
    size_t needed; /* yes ballots for a decision: floor(n/2)+1 */
    size_t ballot_count;
    const struct ent_id *ballots; /* valid ones, by distinct structures */
    const struct ent_id *voters;  /* their authors, same order */
};
size_t ent_gov_motion_count(const struct ent_gov *gov);
void ent_gov_motion(const struct ent_gov *gov, size_t index,
                    struct ent_gov_motion *ret_motion);

#endif
