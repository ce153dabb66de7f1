/* What several methods need. */
#include "api/common.h"

#include <entente/gov.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct kinds *catalogue;
static pthread_once_t catalogue_once = PTHREAD_ONCE_INIT;

static void
load_catalogue(void)
{
    catalogue = kinds_new();
}

const struct kinds *
api_kinds(void)
{
    pthread_once(&catalogue_once, load_catalogue);
    return catalogue;
}

/* ---- people and structures ---- */

uint64_t
api_circle(struct api_call *call)
{
    uint64_t circle = overview_circle(call->db, false);

    if (circle == 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "circle.none",
                   "Found one with `entente circle found NAME`, or join one"
                   " with `entente join INVITATION`.",
                   "This node is in no circle yet.");
    }
    return circle;
}

uint64_t
api_structure(struct api_call *call, uint64_t circle, const char *text)
{
    uint64_t node = overview_find_member(call->db, circle, text);

    if (node == 0) {
        api_refuse(call, ENT_EXIT_NOT_FOUND, "structure.not-found",
                   "`entente circle members` lists them.",
                   "No structure of the circle is called “%s”.", text);
    } else if (node == UINT64_MAX) {
        api_refuse(call, ENT_EXIT_USAGE, "structure.ambiguous",
                   "Use the first digits of its node id; `entente circle"
                   " members` shows them.",
                   "More than one structure fits “%s”.", text);
        node = 0;
    }
    return node;
}

const char *
api_code(struct api_call *call, const char *key, const char *list,
         bool is_required)
{
    const struct kinds_list *codes = kinds_find_list(api_kinds(), list);
    const char *code = api_string(call, key, is_required);
    char known[300] = "";
    size_t i;

    ENT_ASSERT(codes != NULL);
    if (code == NULL || kinds_code_is_allowed(codes, code)) {
        return code;
    }
    for (i = 0; i < codes->count && strlen(known) + 40 < sizeof(known); i++) {
        size_t len = strlen(known);

        snprintf(known + len, sizeof(known) - len, "%s%s", i > 0 ? ", " : "",
                 codes->codes[i].code);
    }
    api_refuse(call, ENT_EXIT_USAGE, "usage.code", known,
               "“%s” is not a value of “%s”. Possible values follow.", code,
               key);
    return NULL;
}

void
api_describe_node(struct value *object, const struct overview_node *node)
{
    const char *sector = ent_sector_name(node->sector);

    value_set_hex(object, "node", node->key.b, sizeof(node->key.b));
    value_set_string(object, "name", node->name);
    value_set_string(object, "sector", sector != NULL ? sector : "other");
    value_set_string(object, "role", ent_role_name(node->role));
    value_set_bool(object, "is_you", node->is_us);
}

void
api_name(struct db *db, uint64_t node, char ret[ENT_NAME_MAX + 1])
{
    struct overview_node n;

    (void)overview_node(db, node, 0, &n);
    snprintf(ret, ENT_NAME_MAX + 1, "%s", n.name);
}

void
api_set_where(struct value *object, struct db *db, uint64_t space)
{
    char text[64];
    uint64_t seen;
    uint64_t of;

    if (space == 0) {
        value_set_string(object, "where", "only here");
        return;
    }
    overview_seen(db, space, &seen, &of);
    if (seen == 0 && of > 0) {
        snprintf(text, sizeof(text), "on its way");
    } else {
        snprintf(text, sizeof(text), "seen by %llu of %llu",
                 (unsigned long long)seen, (unsigned long long)of);
    }
    value_set_string(object, "where", text);
}

/* ---- situations ---- */

const char *
situation_state_name(enum situation_state state)
{
    switch (state) {
    case SITUATION_DRAFT:
        return "draft";
    case SITUATION_OFFERED:
        return "offered";
    case SITUATION_COLLECTING:
        return "collecting";
    case SITUATION_REVEALED:
        return "revealed";
    case SITUATION_CONCLUDED:
        return "concluded";
    case SITUATION_WITHDRAWN:
        return "withdrawn";
    }
    return "draft";
}

static uint64_t
space_field(struct db *db, uint64_t record, uint16_t field)
{
    struct ent_id sid;

    return records_fixed(db, record, field, sid.b, sizeof(sid.b))
               ? overview_space_find(db, &sid)
               : 0;
}

void
situation_from_own(struct db *db, uint64_t own, struct situation_ref *ret_ref)
{
    *ret_ref = (struct situation_ref){.own = own};
    records_rid(db, own, &ret_ref->rid);
    records_text(db, own, FIELD_OWN_SITUATION_CODE, ret_ref->code,
                 sizeof(ret_ref->code));
    ret_ref->review_space =
        space_field(db, own, FIELD_OWN_SITUATION_REVIEW_SPACE);
    ret_ref->care_space = space_field(db, own, FIELD_OWN_SITUATION_CARE_SPACE);
    ret_ref->presenter = overview_own_node(db);
    if (ret_ref->review_space != 0) {
        ret_ref->record =
            records_first(db, ret_ref->review_space, KIND_SITUATION);
    }
}

/* The situation of a review space is the one that the opener wrote. */
void
situation_from_review(struct db *db, uint64_t space,
                      struct situation_ref *ret_ref)
{
    struct overview_space s;

    *ret_ref = (struct situation_ref){.review_space = space};
    if (!overview_space(db, space, &s)) {
        return;
    }
    ret_ref->presenter = s.opener;
    ret_ref->record = records_find_owned(db, space, KIND_SITUATION, s.opener);
    if (ret_ref->record == 0) {
        return;
    }
    records_rid(db, ret_ref->record, &ret_ref->rid);
    records_text(db, ret_ref->record, FIELD_SITUATION_CODE, ret_ref->code,
                 sizeof(ret_ref->code));
    if (s.opener == overview_own_node(db)) {
        ret_ref->own = records_find(db, overview_own_space(db),
                                    KIND_OWN_SITUATION, &ret_ref->rid);
        ret_ref->care_space =
            space_field(db, ret_ref->own, FIELD_OWN_SITUATION_CARE_SPACE);
    }
}

/* The record in a review space or in our own that the text names; review
 * first, because there both kinds of nodes find it. */
static uint64_t
look_up(struct db *db, uint16_t kind, uint16_t code_field, const char *text)
{
    uint64_t row = overview_record_by_text(db, 0, kind, code_field, text);

    return row != 0 ? row : overview_record_by_hex(db, kind, text);
}

bool
api_situation(struct api_call *call, struct situation_ref *ret_ref)
{
    const char *text = api_string(call, "situation", true);
    uint64_t own;
    uint64_t review;

    if (text == NULL) {
        return false;
    }
    own = look_up(call->db, KIND_OWN_SITUATION, FIELD_OWN_SITUATION_CODE, text);
    review = own != 0 ? 0
                      : look_up(call->db, KIND_SITUATION, FIELD_SITUATION_CODE,
                                text);
    if (own == 0 && review == 0) {
        api_refuse(call, ENT_EXIT_NOT_FOUND, "situation.not-found",
                   "`entente situation list` shows those that this node"
                   " knows.",
                   "There is no situation “%s” here.", text);
        return false;
    }
    if (own == UINT64_MAX || review == UINT64_MAX) {
        api_refuse(call, ENT_EXIT_USAGE, "situation.ambiguous",
                   "Use the first digits of its id; `entente situation list`"
                   " shows them.",
                   "More than one situation fits “%s”.", text);
        return false;
    }
    if (own != 0) {
        situation_from_own(call->db, own, ret_ref);
    } else {
        situation_from_review(call->db, overview_record_space(call->db, review),
                              ret_ref);
    }
    return true;
}

void
situation_counts(struct db *db, const struct situation_ref *ref,
                 uint64_t *ret_received, uint64_t *ret_expected)
{
    *ret_received = 0;
    *ret_expected = 0;
    if (ref->review_space != 0) {
        *ret_received =
            records_count_owners(db, ref->review_space, KIND_PERSPECTIVE);
        *ret_expected = records_expected(db, ref->review_space);
    }
}

bool
situation_is_revealed(struct db *db, const struct situation_ref *ref)
{
    uint64_t received;
    uint64_t expected;

    if (ref->review_space == 0) {
        return false;
    }
    situation_counts(db, ref, &received, &expected);
    return (expected > 0 && received >= expected) ||
           records_count(db, ref->review_space, KIND_REVEAL) > 0;
}

enum situation_state
situation_state_of(struct db *db, const struct situation_ref *ref)
{
    uint64_t received;
    uint64_t expected;
    int64_t withdrawn = 0;

    if (ref->review_space == 0) {
        return SITUATION_DRAFT;
    }
    if (records_int(db, ref->record, FIELD_SITUATION_WITHDRAWN, &withdrawn) &&
        withdrawn != 0) {
        return SITUATION_WITHDRAWN;
    }
    if (records_count(db, ref->review_space, KIND_CONCLUSION) > 0) {
        return SITUATION_CONCLUDED;
    }
    if (situation_is_revealed(db, ref)) {
        return SITUATION_REVEALED;
    }
    situation_counts(db, ref, &received, &expected);
    return received > 0 ? SITUATION_COLLECTING : SITUATION_OFFERED;
}

int64_t
situation_session(struct db *db, const struct situation_ref *ref)
{
    int64_t n = 0;
    uint64_t record;

    if (ref->review_space == 0) {
        return 0;
    }
    record = records_first(db, ref->review_space, KIND_CONCLUSION);
    if (records_int(db, record, FIELD_CONCLUSION_MEETING, &n)) {
        return n;
    }
    record = records_first(db, ref->review_space, KIND_REVEAL);
    (void)records_int(db, record, FIELD_REVEAL_MEETING, &n);
    return n;
}
