/*
 * What gov_*.c share. Everything here is an array in the order of first use,
 * so that the same entries in the same order give the same numbers.
 *
 * Control entries of one node form *chains*: an entry joins a chain of its
 * author whose every entry is in its past, else it begins one. A log that
 * never forked is one chain; a fork begins another. Each element of a chain
 * has the ones before it in its past, so a causally closed set meets a chain
 * in a prefix, and a vector (chain -> how many) names the set exactly.
 *
 * A *change* is what alters roles or config: a motion decided, a grant, a
 * withdrawal, a leave, the genesis. `rep` of a past is a past with the same
 * changes: roles are computed once for it, in a *view*.
 */
#ifndef PROTO_CIRCLE_GOVSTATE_H
#define PROTO_CIRCLE_GOVSTATE_H

#include <entente/gov.h>

#define GOV_NONE UINT32_MAX
#define GOV_VIEWS 8u
#define GOV_JOINS 16u

/* A place in a chain; `nth` counts from 1. */
struct gov_loc {
    uint32_t chain;
    uint32_t nth;
};

struct gov_chain {
    uint32_t len;
    uint32_t next_of_node;
};

/* The first control entry of one incarnation of a node. */
struct gov_start {
    uint32_t inc;
    struct gov_loc loc;
    uint32_t past;
    uint32_t next_of_node;
};

struct gov_node {
    struct ent_id id;
    uint32_t chains; /* heads of lists, newest first */
    uint32_t starts;
    uint32_t changes;
    uint32_t removals; /* its valid ballots for removals */
    uint32_t stamp;    /* seen in the decision being judged */
    bool was_named;
};

/* Pairs of a past's arena are (chain, nth): everything up to it is in. */
struct gov_past {
    uint64_t hash;   /* sum over the whole vector */
    uint32_t parent; /* the rest of the vector; ENT_PAST_EMPTY: none */
    uint32_t first;  /* its pairs, ascending by chain */
    uint32_t pair_count;
    uint32_t depth; /* parents up to the one with none */
    uint32_t size;  /* control entries in it */
    uint32_t rep;
    uint32_t next_of_hash;
};

enum gov_what {
    GOV_GAIN, /* of a role */
    GOV_LOSS,
    GOV_NOTE, /* alters config only */
};

/* A circle has two kinds of role, which are lost apart. */
#define GOV_TRACK_MEMBER 1u
#define GOV_TRACK_MODERATOR 2u

struct gov_change {
    struct ent_id id; /* in config: the motion, or the entry */
    uint32_t node;    /* whom it concerns, or GOV_NONE */
    uint8_t what;
    uint8_t tracks;
    uint8_t role;
    uint8_t basis;
    bool is_in_config;
    uint32_t past; /* a gain's: losses in it are made good */
    struct gov_loc loc;
    uint32_t more; /* further decisions of the same motion */
    uint32_t next_of_node;
};

struct gov_more {
    struct gov_loc loc;
    uint32_t next;
};

struct gov_motion {
    struct ent_id id;
    struct ent_id base;
    uint32_t author;
    uint32_t subject; /* node, or GOV_NONE */
    uint8_t action;
    bool is_valid;
    uint32_t past;
    struct gov_loc loc;
    uint32_t change;       /* GOV_NONE while it is not decided */
    struct ent_slice card; /* owned */
    struct ent_slice text; /* owned */
    uint32_t ballot_count;
    uint32_t ballot_cap;
    struct ent_id *ballots; /* valid ones, by distinct structures */
    struct ent_id *voters;
};

struct gov_ballot { /* a valid one */
    struct ent_id id;
    struct gov_loc loc;
    uint32_t motion;
    uint32_t voter;
    uint32_t next_removal; /* of the voter */
};

struct gov_seat {
    uint32_t node;
    uint8_t role;
    uint8_t basis;
};

struct gov_view {
    uint32_t rep; /* GOV_NONE: nothing here */
    uint32_t change_count;
    uint32_t voter_count;
    uint32_t seat_count;
    struct gov_seat *seats; /* ascending by node id */
    bool has_config;
    struct ent_id config;
};

struct gov_join {
    uint32_t a;
    uint32_t b;
    uint32_t sum;
};

/* What can be computed again: written even when the rest is const. */
struct gov_cache {
    struct gov_view views[GOV_VIEWS];
    struct gov_join joins[GOV_JOINS];
    uint32_t *counts; /* of the past `loaded`, by chain */
    uint32_t counts_cap;
    uint32_t loaded;
};

struct gov_index { /* ids to places, open addressing */
    uint32_t *slots;
    uint32_t cap;
    uint32_t used;
};

/* An array that grows. */
#define GOV_ARRAY(type, name)                                                  \
    type *name;                                                                \
    uint32_t name##_count;                                                     \
    uint32_t name##_cap

/* Makes room for one more; returns its place. */
#define GOV_PUSH(gov, name)                                                    \
    ((gov)->name = gov_grow((gov)->name, &(gov)->name##_cap,                   \
                            (gov)->name##_count, sizeof(*(gov)->name)),        \
     (gov)->name##_count++)

struct ent_gov {
    struct ent_id space;
    struct ent_id circle;
    uint8_t kind; /* 0: no genesis yet */
    uint32_t opener;
    uint32_t now;
    uint32_t stamp;
    GOV_ARRAY(struct gov_node, nodes);
    GOV_ARRAY(struct gov_chain, chains);
    GOV_ARRAY(struct gov_start, starts);
    GOV_ARRAY(struct gov_past, pasts);
    GOV_ARRAY(struct gov_loc, pairs);
    GOV_ARRAY(struct gov_change, changes);
    GOV_ARRAY(struct gov_more, mores);
    GOV_ARRAY(struct gov_motion, motions);
    GOV_ARRAY(struct gov_ballot, ballots);
    struct gov_index node_index;
    struct gov_index motion_index;
    struct gov_index ballot_index;
    uint32_t *past_buckets;
    uint32_t past_bucket_count; /* a power of two */
    struct gov_cache *cache;
};

/* One entry being judged. */
struct gov_act {
    struct ent_gov *gov;
    const struct ent_entry *e;
    uint32_t author;
    uint32_t past;
    struct gov_loc loc;
    bool is_genesis;
    bool has_acted;   /* one motion, ballot or decision an entry */
    bool has_changed; /* it added to a change */
};

/* gov_table.c */
void *gov_grow(void *p, uint32_t *cap, uint32_t count, size_t size);
/* The place of a node; added when it is new. */
uint32_t gov_node(struct ent_gov *gov, const struct ent_id *id);
/* Places by id, or GOV_NONE. */
uint32_t gov_node_find(const struct ent_gov *gov, const struct ent_id *id);
uint32_t gov_motion_find(const struct ent_gov *gov, const struct ent_id *id);
uint32_t gov_ballot_find(const struct ent_gov *gov, const struct ent_id *id);
/* Adds; the id must be new. Only `id` is set, the rest is zero. */
uint32_t gov_motion_add(struct ent_gov *gov, const struct ent_id *id);
uint32_t gov_ballot_add(struct ent_gov *gov, const struct ent_id *id);

/* gov_past.c */
void gov_past_init(struct ent_gov *gov);
bool gov_past_has(const struct ent_gov *gov, uint32_t past, struct gov_loc loc);
/* How many entries of each chain are in the past. Borrowed until the next
 * call of this, of a view, or of ent_gov_apply. */
const uint32_t *gov_past_load(const struct ent_gov *gov, uint32_t past);
/* The past with one more entry, the next of its chain: never seen before. */
uint32_t gov_past_add(struct ent_gov *gov, uint32_t past, struct gov_loc loc);
/* The union. A new one has rep GOV_NONE, for the caller to set. */
uint32_t gov_past_join(struct ent_gov *gov, uint32_t a, uint32_t b);

/* gov_view.c */
/* Records a change at the entry being judged, and marks its gain's node as
 * named. Fields id, node, what, tracks, role, basis, is_in_config and past are
 * the caller's. Returns its place. */
uint32_t gov_change_add(struct gov_act *act, const struct gov_change *change);
/* The same change once more, by another decision of the same motion. */
void gov_change_again(struct gov_act *act, uint32_t change);
/* Borrowed until the next call with another past. */
const struct gov_view *gov_view(const struct ent_gov *gov, uint32_t past);
const struct ent_id *gov_config(const struct ent_gov *gov, uint32_t past);
const struct gov_seat *gov_seat_find(const struct ent_gov *gov,
                                     const struct gov_view *view,
                                     const struct ent_id *node);
/* Sets the rep of a union of `a` and `b`. */
void gov_join_rep(struct ent_gov *gov, uint32_t sum, uint32_t a, uint32_t b);

/* gov_circle.c and gov_space.c: the verdict on one operation. */
enum ent_verdict gov_judge_motion(struct gov_act *act,
                                  const struct ent_op_motion *op);
enum ent_verdict gov_judge_ballot(struct gov_act *act,
                                  const struct ent_op_ballot *op);
enum ent_verdict gov_judge_decision(struct gov_act *act,
                                    const struct ent_op_decision *op);
enum ent_verdict gov_judge_grant(struct gov_act *act,
                                 const struct ent_op_grant *op);
enum ent_verdict gov_judge_withdraw(struct gov_act *act,
                                    const struct ent_op_grant *op);
enum ent_verdict gov_judge_leave(struct gov_act *act);

#endif
