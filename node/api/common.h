/*
 * What several methods need: the circle, a structure by name, a situation by
 * code, names in results. Each refuses by itself when it finds nothing.
 */
#ifndef NODE_API_COMMON_H
#define NODE_API_COMMON_H

#include "api/api.h"
#include "kinds/kinds.h"
#include "store/overview.h"
#include "store/records.h"

/* The circle that this node is in; refuses "circle.none" and gives 0. */
uint64_t api_circle(struct api_call *call);
/* A member of the circle by name or id; refuses and gives 0. */
uint64_t api_structure(struct api_call *call, uint64_t circle,
                       const char *text);
/* The catalogue, for any thread. */
const struct kinds *api_kinds(void);
/* A code of a list from the parameters; refuses one that the list has not.
 * NULL when absent or refused. */
const char *api_code(struct api_call *call, const char *key, const char *list,
                     bool is_required);
/* Adds {node, name, sector, role, is_you} of a node to an object. */
void api_describe_node(struct value *object, const struct overview_node *node);
/* The name of a node row. */
void api_name(struct db *db, uint64_t node, char ret[ENT_NAME_MAX + 1]);
/* "only here", "on its way", "seen by 2 of 3". */
void api_set_where(struct value *object, struct db *db, uint64_t space);

/* A situation as this node knows it; 0 for the parts that it has not. */
struct situation_ref {
    struct ent_record_id rid;
    char code[64];
    uint64_t own;          /* record in our own space: we presented it */
    uint64_t review_space; /* 0 while a draft */
    uint64_t record;       /* its record in the review space */
    uint64_t presenter;    /* node row */
    uint64_t care_space;   /* known to the presenter only */
};

enum situation_state {
    SITUATION_DRAFT,
    SITUATION_OFFERED,
    SITUATION_COLLECTING,
    SITUATION_REVEALED,
    SITUATION_CONCLUDED,
    SITUATION_WITHDRAWN,
};
const char *situation_state_name(enum situation_state state);

/* From the parameter "situation" (code, or at least four hex digits). Refuses
 * "situation.not-found" or "situation.ambiguous". */
bool api_situation(struct api_call *call, struct situation_ref *ret_ref);
/* From a record in our own space, or in a review space. */
void situation_from_own(struct db *db, uint64_t own,
                        struct situation_ref *ret_ref);
void situation_from_review(struct db *db, uint64_t space,
                           struct situation_ref *ret_ref);
enum situation_state situation_state_of(struct db *db,
                                        const struct situation_ref *ref);
/* Sealed so far, and expected. */
void situation_counts(struct db *db, const struct situation_ref *ref,
                      uint64_t *ret_received, uint64_t *ret_expected);
/* Whether the answers are open: all in, or the moderator opened them. */
bool situation_is_revealed(struct db *db, const struct situation_ref *ref);
/* The number of the meeting it was presented in; 0 while unknown. */
int64_t situation_session(struct db *db, const struct situation_ref *ref);

/* One structure's answers. */
struct situation_answers {
    uint64_t node;      /* whose */
    bool is_open;       /* `values` can be read */
    bool is_broken;     /* what was released is not what was committed to */
    struct ent_buf raw; /* msgpack [[field, value]…] */
};
/* All sealed or revealed perspectives, ours also before the reveal. Free with
 * situation_answers_free. */
struct situation_answers *situation_perspectives(
    struct db *db, const struct situation_ref *ref, size_t *ret_count);
void situation_answers_free(struct situation_answers *list, size_t count);
/* A code among the answers, NUL-terminated; false when it is not there. */
bool situation_answer_code(const struct situation_answers *answers,
                           uint16_t field, char *ret, size_t size);
/* An object {q1: …, mode: …} of opened answers. */
struct value *situation_answers_value(const struct situation_answers *answers);

#endif
