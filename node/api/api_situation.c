/*
 * Situations: drafted in our own space, offered into a review space of their
 * own, answered, revealed, concluded. Each method checks everything first and
 * writes last, so a refusal loses nothing and leaves nothing behind.
 */
#include "api/common.h"
#include "api/tables.h"

#include <entente/gov.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* ---- fields that a draft is typed in ---- */

struct typed_field {
    const char *param;
    uint16_t own;    /* field of own-situation */
    uint16_t review; /* field of situation; 0 for what never leaves */
};

static const struct typed_field TYPED[] = {
    {"code", FIELD_OWN_SITUATION_CODE, FIELD_SITUATION_CODE},
    {"title", FIELD_OWN_SITUATION_TITLE, FIELD_SITUATION_TITLE},
    {"text", FIELD_OWN_SITUATION_TEXT, FIELD_SITUATION_TEXT},
    {"period", FIELD_OWN_SITUATION_PERIOD, FIELD_SITUATION_PERIOD},
    {"age_band", FIELD_OWN_SITUATION_AGE_BAND, FIELD_SITUATION_AGE_BAND},
    {"name", FIELD_OWN_SITUATION_NAME, 0},
    {"note", FIELD_OWN_SITUATION_NOTE, 0},
};
#define TYPED_COUNT (sizeof(TYPED) / sizeof(TYPED[0]))

/* Writes what is among the parameters; returns how many fields that was. */
static size_t
write_typed(struct api_call *call, struct records_writer *w)
{
    size_t written = 0;
    size_t i;

    for (i = 0; i < TYPED_COUNT; i++) {
        const char *text = value_get_string(call->params, TYPED[i].param);

        if (text != NULL) {
            records_write_str(w, TYPED[i].own, text);
            written++;
        }
    }
    return written;
}

/* Short fields stay short, so that all of them fit into one entry. */
#define LINE_MAX_BYTES 500u

static void
check_typed(struct api_call *call)
{
    const struct kinds_kind *kind = kinds_find(api_kinds(), KIND_OWN_SITUATION);
    size_t i;

    for (i = 0; i < TYPED_COUNT; i++) {
        const char *text = api_string(call, TYPED[i].param, false);

        if (text != NULL && strlen(text) > LINE_MAX_BYTES &&
            kinds_find_field(kind, TYPED[i].own)->type == KINDS_LINE) {
            api_refuse(call, ENT_EXIT_USAGE, "usage",
                       "What is longer belongs into the text or the note.",
                       "“%s” has more than %u bytes.", TYPED[i].param,
                       LINE_MAX_BYTES);
        }
    }
    (void)api_code(call, "age_band", "age-band", false);
}

static void
set_summary(struct api_call *call, const struct situation_ref *ref)
{
    value_set_hex(call->result, "situation", ref->rid.b, sizeof(ref->rid.b));
    value_set_string(call->result, "code", ref->code);
    value_set_string(call->result, "state",
                     situation_state_name(situation_state_of(call->db, ref)));
    api_set_where(call->result, call->db, ref->review_space);
}

/* Ends a write; refuses with `what` when it could not be made. */
static bool
end_write(struct api_call *call, struct records_writer *w, const char *what)
{
    struct ent_id id;
    enum ent_status st = records_write_end(w, call->engine, &id);

    if (st != ENT_OK) {
        api_refuse_status(call, st, what);
    }
    return st == ENT_OK;
}

/* ---- draft, edit, note ---- */

static bool
code_is_free(struct api_call *call, const char *code)
{
    if (strlen(code) == 0 || strlen(code) > 40) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "A code has 1 to 40 bytes, such as S-2026-004.");
        return false;
    }
    if (overview_record_by_text(call->db, 0, KIND_OWN_SITUATION,
                                FIELD_OWN_SITUATION_CODE, code) != 0 ||
        overview_record_by_text(call->db, 0, KIND_SITUATION,
                                FIELD_SITUATION_CODE, code) != 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.code-taken",
                   "Choose another one, or leave it out.",
                   "There is a situation “%s” already.", code);
        return false;
    }
    return true;
}

/* "S-2026-7K3Q": short, unlike others, and says nothing. */
static void
make_code(struct api_call *call, const struct ent_record_id *rid, char ret[64])
{
    static const char digits[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    uint64_t year = 1970 + call->now_ms / 31556952000u;

    snprintf(ret, 64, "S-%04u-%c%c%c%c", (unsigned)year, digits[rid->b[0] & 31],
             digits[rid->b[1] & 31], digits[rid->b[2] & 31],
             digits[rid->b[3] & 31]);
}

static void
situation_draft(struct api_call *call)
{
    const char *title = api_string(call, "title", true);
    const char *code = api_string(call, "code", false);
    struct situation_ref ref = {0};
    struct records_writer w;

    check_typed(call);
    if (call->is_refused || (code != NULL && !code_is_free(call, code))) {
        return;
    }
    if (title[0] == '\0') {
        api_refuse(call, ENT_EXIT_USAGE, "usage",
                   "A few words without a name or a place.",
                   "The title is empty.");
        return;
    }
    records_new_rid(call->engine, &ref.rid);
    records_writer_init(&w, overview_own_space(call->db));
    records_write_begin(&w, call->db, KIND_OWN_SITUATION, &ref.rid, 0);
    write_typed(call, &w);
    if (code == NULL) {
        make_code(call, &ref.rid, ref.code);
        records_write_str(&w, FIELD_OWN_SITUATION_CODE, ref.code);
    } else {
        snprintf(ref.code, sizeof(ref.code), "%s", code);
    }
    if (end_write(call, &w, "The draft was not kept")) {
        set_summary(call, &ref);
    }
}

/* Refuses unless this is ours and has not left yet. */
static bool
must_be_draft(struct api_call *call, const struct situation_ref *ref)
{
    if (ref->own == 0) {
        api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "situation.not-yours",
                   "Only the structure that presents it can do this.",
                   "Situation %s was brought by another structure.", ref->code);
        return false;
    }
    if (ref->review_space != 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.already-offered",
                   "Others may have read it: say what changed in the meeting,"
                   " or withdraw it before the reveal.",
                   "Situation %s has been offered.", ref->code);
        return false;
    }
    return true;
}

static void
situation_edit(struct api_call *call)
{
    struct situation_ref ref;
    struct records_writer w;

    check_typed(call);
    if (call->is_refused || !api_situation(call, &ref) ||
        !must_be_draft(call, &ref)) {
        return;
    }
    if (value_has(call->params, "code")) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "A code stays once it is given.");
        return;
    }
    records_writer_init(&w, overview_own_space(call->db));
    records_write_begin(&w, call->db, KIND_OWN_SITUATION, &ref.rid, 0);
    if (write_typed(call, &w) == 0) {
        engine_draft_release(&w.draft);
        ent_buf_release(&w.values);
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "Nothing to change was given.");
    } else if (end_write(call, &w, "The change was not kept")) {
        set_summary(call, &ref);
    }
}

static void
write_note(struct api_call *call, uint64_t space, uint16_t kind,
           const struct situation_ref *ref, const char *text)
{
    struct ent_record_id rid;
    struct records_writer w;

    records_new_rid(call->engine, &rid);
    records_writer_init(&w, space);
    if (kind == KIND_OWN_NOTE) {
        records_write_begin(&w, call->db, kind, &rid, 0);
        records_write_bin(&w, FIELD_OWN_NOTE_SITUATION, ENT_SLICE_OF(ref->rid));
        records_write_str(&w, FIELD_OWN_NOTE_TEXT, text);
    } else {
        records_write_begin(&w, call->db, kind, &rid,
                            overview_own_node(call->db));
        records_write_str(&w, FIELD_CARE_NOTE_TEXT, text);
    }
    end_write(call, &w, "The note was not kept");
}

/* The care view that the text names: by its own code, for those whom it was
 * shared with, or by the situation's, for who opened it. */
static uint64_t
find_care(struct api_call *call)
{
    const char *text = api_string(call, "situation", true);
    struct situation_ref ref;
    uint64_t record;

    if (text == NULL) {
        return 0;
    }
    record = overview_record_by_text(call->db, 0, KIND_CARE_CASE,
                                     FIELD_CARE_CASE_CODE, text);
    if (record != 0 && record != UINT64_MAX) {
        return overview_record_space(call->db, record);
    }
    if (!api_situation(call, &ref)) {
        return 0;
    }
    if (ref.care_space == 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.no-care-view",
                   "`entente situation invite` opens one, with the basis that"
                   " allows it; `entente situation care` lists those shared"
                   " with you.",
                   "Situation %s has no care view that this node knows.",
                   ref.code);
    }
    return ref.care_space;
}

static void
situation_note(struct api_call *call)
{
    const char *view = api_string(call, "view", true);
    const char *text = api_string(call, "text", true);
    struct situation_ref ref;
    uint64_t care;

    if (call->is_refused) {
        return;
    }
    if (strcmp(view, "own") == 0) {
        if (api_situation(call, &ref)) {
            write_note(call, overview_own_space(call->db), KIND_OWN_NOTE, &ref,
                       text);
        }
    } else if (strcmp(view, "care") == 0) {
        care = find_care(call);
        if (care != 0) {
            write_note(call, care, KIND_CARE_NOTE, NULL, text);
        }
    } else {
        api_refuse(call, ENT_EXIT_USAGE, "usage", "own or care",
                   "“%s” is not a view for a note.", view);
    }
}

/* ---- offer ---- */

/* Would the text that leaves hold the person's name? */
static bool
names_the_person(struct api_call *call, uint64_t own)
{
    char *name = records_text_dup(call->db, own, FIELD_OWN_SITUATION_NAME);
    bool found = false;
    size_t i;

    for (i = 0; i < TYPED_COUNT && name != NULL && strlen(name) >= 3; i++) {
        char *text = TYPED[i].review != 0
                         ? records_text_dup(call->db, own, TYPED[i].own)
                         : NULL;

        found = found || (text != NULL && strcasestr(text, name) != NULL);
        free(text);
    }
    free(name);
    return found;
}

/* The basis and the answer to "could colleagues recognise it?" (CSP L.1110-4
 * III; docs/trust.md 4). */
static bool
check_gate(struct api_call *call, const struct situation_ref *ref)
{
    const char *basis = api_code(call, "basis", "basis", false);
    const char *answer = api_code(call, "recognisable", "recognisable", false);

    (void)api_code(call, "person_told", "person-told", false);
    if (call->is_refused) {
        return false;
    }
    if (basis == NULL || strcmp(basis, "de-identified-review") != 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.no-basis",
                   "A review needs `--basis de-identified-review`: without"
                   " anything that identifies the person.",
                   "No basis for sharing situation %s was recorded.",
                   ref->code);
        return false;
    }
    if (answer == NULL) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.no-gate",
                   "Read it again as a colleague would, then answer"
                   " `--recognisable no`, `maybe` or `yes`.",
                   "Could colleagues recognise the person of situation %s?"
                   " The question was not answered.",
                   ref->code);
        return false;
    }
    if (strcmp(answer, "yes") == 0 || names_the_person(call, ref->own)) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.recognisable",
                   "Blur it first: an age band, a quarter instead of a date,"
                   " no place, no name (`entente situation edit`).",
                   "Situation %s stays here: colleagues could recognise the"
                   " person.",
                   ref->code);
        return false;
    }
    return true;
}

struct offer {
    size_t count;
    struct engine_grant grants[ENT_OPS_MAX - 2];
    struct value *names; /* for the result; owned until set */
};

static bool
add_grant(struct api_call *call, struct offer *offer,
          const struct overview_node *node)
{
    bool is_moderator = node->role == ENT_ROLE_MODERATOR;

    if (offer->count == sizeof(offer->grants) / sizeof(offer->grants[0])) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.too-many",
                   "Name the structures concerned (--structure).",
                   "A situation is offered to at most %zu structures at once.",
                   offer->count);
        return false;
    }
    offer->grants[offer->count++] = (struct engine_grant){
        .node = node->key,
        .level = ENT_LEVEL_READER,
        .basis = is_moderator ? ENT_BASIS_MODERATOR : ENT_BASIS_REVIEW,
    };
    value_add(offer->names, value_string(node->name));
    return true;
}

/* Was this structure asked for? All are when none was named. */
static bool
is_wanted(struct api_call *call, uint64_t circle,
          const struct overview_node *node)
{
    const struct value *named = value_get(call->params, "structures");
    size_t i;

    if (node->role == ENT_ROLE_MODERATOR || value_count(named) == 0) {
        return true;
    }
    for (i = 0; i < value_count(named); i++) {
        const char *name = value_string_of(value_at(named, i));

        if (name != NULL && api_structure(call, circle, name) == node->row) {
            return true;
        }
    }
    return false;
}

static bool
collect_grants(struct api_call *call, uint64_t circle, struct offer *offer)
{
    size_t count;
    struct overview_node *nodes = overview_members(call->db, circle, &count);
    bool is_good = true;
    size_t i;

    for (i = 0; i < count && is_good; i++) {
        if (!nodes[i].is_us && nodes[i].role >= ENT_ROLE_MEMBER &&
            is_wanted(call, circle, &nodes[i])) {
            is_good = add_grant(call, offer, &nodes[i]);
        }
    }
    free(nodes);
    if (is_good && !call->is_refused && offer->count == 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "circle.alone",
                   "`entente invite` brings others in.",
                   "There is nobody in the circle yet to offer it to.");
    }
    return is_good && !call->is_refused;
}

static void
write_offered(struct api_call *call, const struct situation_ref *ref,
              struct records_writer *w)
{
    uint64_t own_node = overview_own_node(call->db);
    struct overview_node us;
    size_t i;

    (void)overview_node(call->db, own_node, 0, &us);
    records_write_begin(w, call->db, KIND_SITUATION, &ref->rid, own_node);
    for (i = 0; i < TYPED_COUNT; i++) {
        char *text = TYPED[i].review != 0
                         ? records_text_dup(call->db, ref->own, TYPED[i].own)
                         : NULL;

        if (text != NULL) {
            records_write_str(w, TYPED[i].review, text);
        }
        free(text);
    }
    records_write_bin(w, FIELD_SITUATION_PRESENTER, ENT_SLICE_OF(us.key));
    records_write_str(w, FIELD_SITUATION_BASIS,
                      value_get_string(call->params, "basis"));
    records_write_str(w, FIELD_SITUATION_RECOGNISABLE,
                      value_get_string(call->params, "recognisable"));
    if (value_has(call->params, "person_told")) {
        records_write_str(w, FIELD_SITUATION_PERSON_TOLD,
                          value_get_string(call->params, "person_told"));
    }
}

static void
write_own_link(struct api_call *call, const struct situation_ref *ref,
               uint16_t field, const struct ent_id *space)
{
    struct records_writer w;

    records_writer_init(&w, overview_own_space(call->db));
    records_write_begin(&w, call->db, KIND_OWN_SITUATION, &ref->rid, 0);
    records_write_bin(&w, field, ENT_SLICE_OF(*space));
    if (field == FIELD_OWN_SITUATION_REVIEW_SPACE) {
        records_write_str(&w, FIELD_OWN_SITUATION_BASIS,
                          value_get_string(call->params, "basis"));
        records_write_str(&w, FIELD_OWN_SITUATION_RECOGNISABLE,
                          value_get_string(call->params, "recognisable"));
    }
    end_write(call, &w, "The link to the new space was not kept");
}

static void
do_offer(struct api_call *call, struct situation_ref *ref, uint64_t circle,
         struct offer *offer)
{
    struct engine_space_spec spec = {
        .kind = ENT_SPACE_REVIEW,
        .circle = circle,
        .grant_count = offer->count,
        .grants = offer->grants,
    };
    struct records_writer w;
    struct ent_id id;
    enum ent_status st =
        engine_open_space(call->engine, &spec, &ref->review_space, &id);

    if (st != ENT_OK) {
        api_refuse_status(call, st, "The situation was not offered");
        return;
    }
    records_writer_init(&w, ref->review_space);
    write_offered(call, ref, &w);
    if (!end_write(call, &w, "The situation was not offered")) {
        return;
    }
    write_own_link(call, ref, FIELD_OWN_SITUATION_REVIEW_SPACE, &id);
    situation_from_own(call->db, ref->own, ref);
    set_summary(call, ref);
    value_set_hex(call->result, "review_space", id.b, sizeof(id.b));
    value_set(call->result, "readers", offer->names);
    offer->names = NULL;
}

static void
situation_offer(struct api_call *call)
{
    struct offer offer = {.names = value_array()};
    struct situation_ref ref;
    uint64_t circle;

    if (api_situation(call, &ref) && must_be_draft(call, &ref) &&
        check_gate(call, &ref)) {
        circle = api_circle(call);
        if (circle != 0 && collect_grants(call, circle, &offer)) {
            do_offer(call, &ref, circle, &offer);
        }
    }
    value_free(offer.names);
}

static void
situation_withdraw(struct api_call *call)
{
    struct situation_ref ref;
    struct records_writer w;

    if (!api_situation(call, &ref)) {
        return;
    }
    if (ref.own == 0 || ref.review_space == 0) {
        api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "situation.not-yours",
                   "A draft needs no withdrawing: it has not left.",
                   "Only the structure that offered %s can withdraw it.",
                   ref.code);
        return;
    }
    if (situation_is_revealed(call->db, &ref)) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.revealed",
                   "Say in the meeting what should not be kept.",
                   "The answers to %s are open: it can be withdrawn until the"
                   " reveal only.",
                   ref.code);
        return;
    }
    records_writer_init(&w, ref.review_space);
    records_write_begin(&w, call->db, KIND_SITUATION, &ref.rid,
                        overview_own_node(call->db));
    records_write_int(&w, FIELD_SITUATION_WITHDRAWN, 1);
    records_write_str(&w, FIELD_SITUATION_TITLE, "");
    records_write_str(&w, FIELD_SITUATION_TEXT, "");
    if (end_write(call, &w, "The situation was not withdrawn")) {
        set_summary(call, &ref);
    }
}

/* ---- invite: the care view ---- */

static bool
check_care_basis(struct api_call *call, unsigned *ret_basis)
{
    const char *basis = api_code(call, "basis", "basis", false);

    *ret_basis = basis != NULL ? ent_basis_find(basis) : ENT_BASIS_NONE;
    if (call->is_refused) {
        return false;
    }
    if (*ret_basis == ENT_BASIS_NONE || *ret_basis == ENT_BASIS_REVIEW) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.no-basis",
                   "same-team, consent-outside-team, exchange-identified-pros"
                   " or emergency-informed-later (--basis).",
                   "Sharing the care view needs the basis that allows it.");
        return false;
    }
    return true;
}

static void
write_care(struct api_call *call, const struct situation_ref *ref,
           uint64_t space, const struct overview_node *with)
{
    const char *note = value_get_string(call->params, "note");
    uint64_t own_node = overview_own_node(call->db);
    struct ent_record_id rid;
    struct records_writer w;
    char *text;

    records_new_rid(call->engine, &rid);
    records_writer_init(&w, space);
    if (records_count(call->db, space, KIND_CARE_CASE) == 0) {
        /* Its own code: nothing may lead from the review view to here. */
        char code[64];

        make_code(call, &rid, code);
        code[0] = 'C';
        records_write_begin(&w, call->db, KIND_CARE_CASE, &rid, 0);
        records_write_str(&w, FIELD_CARE_CASE_CODE, code);
        text = records_text_dup(call->db, ref->own, FIELD_OWN_SITUATION_NAME);
        records_write_str(&w, FIELD_CARE_CASE_TITLE,
                          text != NULL ? text : code);
        free(text);
    }
    records_write_begin(&w, call->db, KIND_BASIS, &rid, own_node);
    records_write_str(&w, FIELD_BASIS_BASIS,
                      value_get_string(call->params, "basis"));
    records_write_bin(&w, FIELD_BASIS_STRUCTURE, ENT_SLICE_OF(with->key));
    if (note != NULL) {
        records_new_rid(call->engine, &rid);
        records_write_begin(&w, call->db, KIND_CARE_NOTE, &rid, own_node);
        records_write_str(&w, FIELD_CARE_NOTE_TEXT, note);
    }
    end_write(call, &w, "The care view was not written");
}

static void
do_invite(struct api_call *call, struct situation_ref *ref, uint64_t circle,
          const struct overview_node *with, unsigned basis)
{
    struct engine_grant grant = {
        .node = with->key, .level = ENT_LEVEL_READER, .basis = (uint8_t)basis};
    struct engine_space_spec spec = {
        .kind = ENT_SPACE_CARE,
        .circle = circle,
        .grant_count = 1,
        .grants = &grant,
    };
    struct overview_space space;
    enum ent_status st;

    if (ref->care_space == 0) {
        st = engine_open_space(call->engine, &spec, &ref->care_space,
                               &space.sid);
        if (st == ENT_OK) {
            write_own_link(call, ref, FIELD_OWN_SITUATION_CARE_SPACE,
                           &space.sid);
        }
    } else {
        st = engine_grant(call->engine, ref->care_space, &grant, false);
        (void)overview_space(call->db, ref->care_space, &space);
    }
    if (st != ENT_OK) {
        api_refuse_status(call, st, "The care view was not shared");
        return;
    }
    write_care(call, ref, ref->care_space, with);
    value_set_hex(call->result, "care_space", space.sid.b, sizeof(space.sid.b));
}

static void
situation_invite(struct api_call *call)
{
    const char *name = api_string(call, "structure", true);
    struct overview_node with;
    struct situation_ref ref;
    uint64_t circle;
    uint64_t row;
    unsigned basis;

    (void)api_string(call, "note", false);
    if (call->is_refused || !api_situation(call, &ref) ||
        !check_care_basis(call, &basis)) {
        return;
    }
    circle = api_circle(call);
    row = circle != 0 ? api_structure(call, circle, name) : 0;
    if (row == 0) {
        return;
    }
    if (ref.own == 0) {
        api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "situation.not-yours", NULL,
                   "Only the structure that brought %s opens its care view.",
                   ref.code);
        return;
    }
    (void)overview_node(call->db, row, circle, &with);
    if (with.is_us || with.role != ENT_ROLE_MEMBER) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.not-a-carer",
                   "The care view is for structures that care for the person;"
                   " the moderator never sees it.",
                   "%s cannot be given the care view.", with.name);
        return;
    }
    do_invite(call, &ref, circle, &with, basis);
}

const struct api_method api_situation_methods[] = {
    {"situation.draft", API_WRITE, situation_draft},
    {"situation.edit", API_WRITE, situation_edit},
    {"situation.note", API_WRITE, situation_note},
    {"situation.offer", API_WRITE, situation_offer},
    {"situation.withdraw", API_WRITE, situation_withdraw},
    {"situation.invite", API_WRITE, situation_invite},
    {NULL, API_READ, NULL},
};
