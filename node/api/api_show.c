/* Listing and showing situations: what this node may see of each, and where
 * it is now. */
#include "api/common.h"
#include "api/tables.h"

#include <entente/gov.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- small parts ---- */

static void
set_field(struct value *v, const char *key, struct db *db, uint64_t record,
          uint16_t field)
{
    char *text = records_text_dup(db, record, field);

    if (text != NULL) {
        value_set_string(v, key, text);
        free(text);
    }
}

static void
set_heading(struct value *v, struct db *db, const struct situation_ref *ref)
{
    char presenter[ENT_NAME_MAX + 1];
    uint64_t received;
    uint64_t expected;

    value_set_hex(v, "id", ref->rid.b, sizeof(ref->rid.b));
    value_set_string(v, "code", ref->code);
    if (ref->own != 0) {
        set_field(v, "title", db, ref->own, FIELD_OWN_SITUATION_TITLE);
    } else {
        set_field(v, "title", db, ref->record, FIELD_SITUATION_TITLE);
    }
    value_set_string(v, "state",
                     situation_state_name(situation_state_of(db, ref)));
    api_name(db, ref->presenter, presenter);
    value_set_string(v, "presenter", presenter);
    value_set_bool(v, "is_yours", ref->own != 0);
    value_set_int(v, "session", situation_session(db, ref));
    situation_counts(db, ref, &received, &expected);
    value_set_int(v, "received", (int64_t)received);
    value_set_int(v, "expected", (int64_t)expected);
    api_set_where(v, db, ref->review_space);
}

/* ---- conflicts ---- */

static struct value *
plain_value(struct ent_slice raw)
{
    struct value *v = NULL;

    if (value_from_msgpack(raw, &v) != ENT_OK) {
        v = value_null();
    }
    return v;
}

static void
add_conflicts(struct value *list, struct db *db, uint64_t record,
              uint16_t kind_number)
{
    const struct kinds_kind *kind = kinds_find(api_kinds(), kind_number);
    size_t count;
    struct records_conflict *c = records_conflicts(db, record, &count);
    struct value *values = NULL;
    size_t i;

    for (i = 0; i < count; i++) {
        const struct kinds_field *field = kinds_find_field(kind, c[i].field);
        struct value *one = value_object();
        char name[ENT_NAME_MAX + 1];
        uint64_t node;
        uint64_t at;

        if (i == 0 || c[i].field != c[i - 1].field) {
            struct value *v = value_object();

            values = value_array();
            value_set_string(v, "record", kind->name);
            value_set_string(v, "field", field != NULL ? field->name : "?");
            value_set(v, "values", values);
            value_add(list, v);
        }
        overview_author(db, c[i].arrival, &node, &at);
        api_name(db, node, name);
        value_set(one, "value", plain_value(ent_buf_slice(&c[i].value)));
        value_set_string(one, "by", name);
        value_set_int(one, "at", (int64_t)at);
        value_add(values, one);
    }
    records_conflicts_free(c, count);
}

static struct value *
conflicts_value(struct db *db, const struct situation_ref *ref)
{
    struct value *list = value_array();
    uint64_t conclusion =
        ref->review_space != 0
            ? records_first(db, ref->review_space, KIND_CONCLUSION)
            : 0;

    if (ref->own != 0) {
        add_conflicts(list, db, ref->own, KIND_OWN_SITUATION);
    }
    if (ref->record != 0) {
        add_conflicts(list, db, ref->record, KIND_SITUATION);
    }
    if (conclusion != 0) {
        add_conflicts(list, db, conclusion, KIND_CONCLUSION);
    }
    return list;
}

/* ---- list ---- */

static void
add_listed(struct api_call *call, struct value *list,
           const struct situation_ref *ref)
{
    const char *state = value_get_string(call->params, "state");
    struct value *v;
    struct value *conflicts;

    if (state != NULL && strcmp(state, situation_state_name(situation_state_of(
                                           call->db, ref))) != 0) {
        return;
    }
    v = value_object();
    set_heading(v, call->db, ref);
    conflicts = conflicts_value(call->db, ref);
    value_set_int(v, "conflicts", (int64_t)value_count(conflicts));
    value_free(conflicts);
    value_add(list, v);
}

static void
situation_list(struct api_call *call)
{
    struct value *list = value_array();
    struct situation_ref ref;
    size_t count;
    struct records_row *own = records_list(
        call->db, overview_own_space(call->db), KIND_OWN_SITUATION, &count);
    uint64_t *spaces;
    size_t i;

    (void)api_code(call, "state", "situation-state", false);
    for (i = 0; i < count; i++) {
        situation_from_own(call->db, own[i].row, &ref);
        add_listed(call, list, &ref);
    }
    free(own);
    spaces = overview_spaces(call->db, ENT_SPACE_REVIEW, &count);
    for (i = 0; i < count; i++) {
        situation_from_review(call->db, spaces[i], &ref);
        if (ref.record != 0 && ref.own == 0) {
            add_listed(call, list, &ref);
        }
    }
    free(spaces);
    value_set(call->result, "situations", list);
}

/* ---- show ---- */

static struct value *
readers_value(struct db *db, uint64_t space)
{
    struct value *list = value_array();
    size_t count;
    struct overview_node *nodes = overview_members(db, space, &count);
    size_t i;

    for (i = 0; i < count; i++) {
        struct value *v = value_object();

        api_describe_node(v, &nodes[i]);
        value_set_string(v, "basis", ent_basis_name(nodes[i].basis));
        value_add(list, v);
    }
    free(nodes);
    return list;
}

static const char *
perspective_state(const struct situation_answers *a, bool is_us,
                  bool is_revealed)
{
    if (a->is_broken) {
        return "broken";
    }
    if (!a->is_open) {
        return "sealed";
    }
    return is_us && !is_revealed ? "own" : "revealed";
}

static const struct situation_answers *
find_answers(const struct situation_answers *list, size_t count, uint64_t node)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (list[i].node == node) {
            return &list[i];
        }
    }
    return NULL;
}

/* Every structure asked, with what it said or that it did not. */
static struct value *
perspectives_value(struct db *db, const struct situation_ref *ref)
{
    struct value *list = value_array();
    bool is_revealed = situation_is_revealed(db, ref);
    size_t answer_count;
    struct situation_answers *answers =
        situation_perspectives(db, ref, &answer_count);
    size_t count;
    struct overview_node *nodes =
        overview_members(db, ref->review_space, &count);
    size_t i;

    for (i = 0; i < count; i++) {
        const struct situation_answers *a =
            find_answers(answers, answer_count, nodes[i].row);
        struct value *v;

        if (nodes[i].role != ENT_ROLE_READER) {
            continue;
        }
        v = value_object();
        value_set_string(v, "structure", nodes[i].name);
        value_set_string(
            v, "state",
            a == NULL ? "absent"
                      : perspective_state(a, nodes[i].is_us, is_revealed));
        if (a != NULL && a->is_open) {
            value_set(v, "answers", situation_answers_value(a));
        }
        value_add(list, v);
    }
    free(nodes);
    situation_answers_free(answers, answer_count);
    return list;
}

static void
set_conclusion(struct value *v, struct db *db, const struct situation_ref *ref)
{
    uint64_t record = records_first(db, ref->review_space, KIND_CONCLUSION);
    struct value *c;
    int64_t n;

    if (record == 0) {
        return;
    }
    c = value_object();
    if (records_int(db, record, FIELD_CONCLUSION_COOPERATION, &n)) {
        value_set_bool(c, "cooperation", n != 0);
    }
    set_field(c, "patient_physical", db, record,
              FIELD_CONCLUSION_PATIENT_PHYSICAL);
    set_field(c, "patient_psychological", db, record,
              FIELD_CONCLUSION_PATIENT_PSYCHOLOGICAL);
    set_field(c, "carer", db, record, FIELD_CONCLUSION_CARER);
    set_field(c, "avoidable", db, record, FIELD_CONCLUSION_AVOIDABLE);
    set_field(c, "code", db, record, FIELD_CONCLUSION_CODE);
    set_field(c, "text", db, record, FIELD_CONCLUSION_TEXT);
    set_field(c, "dissent", db, record, FIELD_CONCLUSION_DISSENT);
    value_set(v, "conclusion", c);
}

/* What never leaves: the name, the note, our own notes. */
static void
set_own(struct value *v, struct db *db, const struct situation_ref *ref)
{
    struct value *own = value_object();
    struct value *notes = value_array();
    size_t count;
    struct records_row *rows =
        records_list(db, overview_own_space(db), KIND_OWN_NOTE, &count);
    size_t i;

    set_field(own, "name", db, ref->own, FIELD_OWN_SITUATION_NAME);
    set_field(own, "note", db, ref->own, FIELD_OWN_SITUATION_NOTE);
    for (i = 0; i < count; i++) {
        struct ent_record_id of;
        char *text;

        if (records_fixed(db, rows[i].row, FIELD_OWN_NOTE_SITUATION, of.b,
                          sizeof(of.b)) &&
            memcmp(of.b, ref->rid.b, sizeof(of.b)) == 0) {
            text = records_text_dup(db, rows[i].row, FIELD_OWN_NOTE_TEXT);
            value_add(notes, value_string(text != NULL ? text : ""));
            free(text);
        }
    }
    free(rows);
    value_set(own, "notes", notes);
    value_set(v, "own", own);
}

static struct value *
care_value(struct db *db, uint64_t space)
{
    struct value *care = value_object();
    struct value *notes = value_array();
    uint64_t record = records_first(db, space, KIND_CARE_CASE);
    size_t count;
    struct records_row *rows = records_list(db, space, KIND_CARE_NOTE, &count);
    size_t i;

    set_field(care, "code", db, record, FIELD_CARE_CASE_CODE);
    set_field(care, "title", db, record, FIELD_CARE_CASE_TITLE);
    value_set(care, "readers", readers_value(db, space));
    for (i = 0; i < count; i++) {
        struct value *v = value_object();
        char name[ENT_NAME_MAX + 1];

        api_name(db, rows[i].owner, name);
        value_set_string(v, "by", name);
        set_field(v, "text", db, rows[i].row, FIELD_CARE_NOTE_TEXT);
        value_add(notes, v);
    }
    free(rows);
    value_set(care, "notes", notes);
    return care;
}

static void
set_review(struct value *v, struct db *db, const struct situation_ref *ref)
{
    set_field(v, "text", db, ref->record, FIELD_SITUATION_TEXT);
    set_field(v, "period", db, ref->record, FIELD_SITUATION_PERIOD);
    set_field(v, "age_band", db, ref->record, FIELD_SITUATION_AGE_BAND);
    set_field(v, "basis", db, ref->record, FIELD_SITUATION_BASIS);
    set_field(v, "recognisable", db, ref->record, FIELD_SITUATION_RECOGNISABLE);
    value_set(v, "perspectives", perspectives_value(db, ref));
    set_conclusion(v, db, ref);
    value_set(v, "readers", readers_value(db, ref->review_space));
}

static void
situation_show(struct api_call *call)
{
    struct situation_ref ref;
    struct value *v = call->result;

    if (!api_situation(call, &ref)) {
        return;
    }
    set_heading(v, call->db, &ref);
    if (ref.review_space != 0) {
        set_review(v, call->db, &ref);
    } else {
        set_field(v, "text", call->db, ref.own, FIELD_OWN_SITUATION_TEXT);
        set_field(v, "period", call->db, ref.own, FIELD_OWN_SITUATION_PERIOD);
        set_field(v, "age_band", call->db, ref.own,
                  FIELD_OWN_SITUATION_AGE_BAND);
    }
    if (ref.own != 0) {
        set_own(v, call->db, &ref);
    }
    if (ref.care_space != 0) {
        value_set(v, "care", care_value(call->db, ref.care_space));
    }
    value_set(v, "conflicts", conflicts_value(call->db, &ref));
}

/* The care views shared with this node. They carry no code of a review. */
static void
care_list(struct api_call *call)
{
    struct value *list = value_array();
    size_t count;
    uint64_t *spaces = overview_spaces(call->db, ENT_SPACE_CARE, &count);
    size_t i;

    for (i = 0; i < count; i++) {
        if (overview_own_role(call->db, spaces[i]) == ENT_ROLE_READER) {
            value_add(list, care_value(call->db, spaces[i]));
        }
    }
    free(spaces);
    value_set(call->result, "cases", list);
}

const struct api_method api_show_methods[] = {
    {"situation.list", API_READ, situation_list},
    {"situation.show", API_READ, situation_show},
    {"care.list", API_READ, care_list},
    {NULL, API_READ, NULL},
};
