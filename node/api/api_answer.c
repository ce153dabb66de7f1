/*
 * Answering, revealing, concluding. Until the reveal an answer leaves its
 * structure only as commitment and ciphertext; its key stays in our own
 * space (docs/trust.md 5).
 */
#include "api/common.h"
#include "api/tables.h"

#include <entente/gov.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- answer ---- */

/* Reads one answer from the parameters by the catalogue; appends
 * [field, value]. Returns whether there was one. */
static bool
put_param(struct api_call *call, const struct kinds_field *field,
          struct ent_buf *out)
{
    int64_t number;

    if (!value_has(call->params, field->name)) {
        return false;
    }
    if (field->type == KINDS_INT) {
        number = value_get_int(call->params, field->name, -1);
        if (number < 0 || number > 3) {
            api_refuse(call, ENT_EXIT_USAGE, "usage", "0, 1, 2 or 3",
                       "“%s” is a number from 0 to 3.", field->name);
            return false;
        }
        ent_mp_put_array(out, 2);
        ent_mp_put_uint(out, field->number);
        ent_mp_put_int(out, number);
        return true;
    }
    if (field->list != NULL) {
        (void)api_code(call, field->name, field->list->name, false);
    } else {
        (void)api_string(call, field->name, false);
    }
    if (call->is_refused) {
        return false;
    }
    ent_mp_put_array(out, 2);
    ent_mp_put_uint(out, field->number);
    ent_mp_put_cstr(out, value_get_string(call->params, field->name));
    return true;
}

/* All answers as msgpack [[field, value]…]; returns how many. */
static size_t
collect_answers(struct api_call *call, struct ent_buf *out)
{
    const struct kinds_kind *kind = kinds_find(api_kinds(), KIND_OWN_ANSWER);
    struct ent_buf items = {.is_secret = true};
    size_t count = 0;
    size_t i;

    for (i = 0; i < kind->count && !call->is_refused; i++) {
        if (kind->fields[i].number >= FIELD_ANSWER_Q1 &&
            kind->fields[i].type != KINDS_CODES) {
            count += put_param(call, &kind->fields[i], &items);
        }
    }
    ent_mp_put_array(out, count);
    ent_buf_put_slice(out, ent_buf_slice(&items));
    ent_buf_release(&items);
    return count;
}

static bool
may_answer(struct api_call *call, const struct situation_ref *ref)
{
    uint64_t own_node = overview_own_node(call->db);

    if (ref->review_space == 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.not-offered",
                   "`entente situation offer` comes first.",
                   "Situation %s is a draft: nobody is asked about it yet.",
                   ref->code);
    } else if (overview_own_role(call->db, ref->review_space) !=
               ENT_ROLE_READER) {
        api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "answer.not-asked",
                   "The structures concerned answer; the moderator does not.",
                   "This node is not asked about situation %s.", ref->code);
    } else if (situation_state_of(call->db, ref) == SITUATION_WITHDRAWN) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.withdrawn", NULL,
                   "Situation %s was withdrawn.", ref->code);
    } else if (records_find_owned(call->db, ref->review_space, KIND_PERSPECTIVE,
                                  own_node) != 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "answer.sealed",
                   "What you would say differently now belongs into the"
                   " meeting.",
                   "Your answers to %s are sealed and stay as they are.",
                   ref->code);
    } else if (situation_is_revealed(call->db, ref)) {
        api_refuse(call, ENT_EXIT_REFUSED, "answer.too-late",
                   "Bring it into the meeting.",
                   "The answers to %s are open: nobody answers after hearing"
                   " the others.",
                   ref->code);
    }
    return !call->is_refused;
}

static bool
write_own_answer(struct api_call *call, const struct situation_ref *ref,
                 const struct ent_record_id *rid, const struct ent_key *key,
                 struct ent_slice answers)
{
    struct records_writer w;
    struct ent_id id;
    enum ent_status st;

    records_writer_init(&w, overview_own_space(call->db));
    records_write_begin(&w, call->db, KIND_OWN_ANSWER, rid, 0);
    records_write_bin(&w, FIELD_ANSWER_SITUATION, ENT_SLICE_OF(ref->rid));
    records_write_bin(&w, FIELD_ANSWER_KEY, ENT_SLICE_OF(*key));
    records_write_bin(&w, FIELD_ANSWER_ANSWERS, answers);
    st = records_write_end(&w, call->engine, &id);
    if (st != ENT_OK) {
        api_refuse_status(call, st, "The answers were not kept");
    }
    return st == ENT_OK;
}

static bool
write_perspective(struct api_call *call, const struct situation_ref *ref,
                  const struct ent_record_id *rid, const struct ent_key *key,
                  struct ent_slice answers)
{
    uint64_t own_node = overview_own_node(call->db);
    struct ent_sealed_answer sealed;
    struct ent_buf context = {0};
    struct ent_buf box = {0};
    struct records_writer w;
    struct ent_id id;
    enum ent_status st;

    ent_buf_put(&context, ref->rid.b, sizeof(ref->rid.b));
    ent_buf_put(&context, engine_keys(call->engine)->node.b, 32);
    ent_answer_seal(key, engine_rng(call->engine), ent_buf_slice(&context),
                    answers, &box, &sealed);
    records_writer_init(&w, ref->review_space);
    records_write_begin(&w, call->db, KIND_PERSPECTIVE, rid, own_node);
    records_write_bin(&w, FIELD_PERSPECTIVE_SITUATION, ENT_SLICE_OF(ref->rid));
    records_write_bin(&w, FIELD_PERSPECTIVE_COMMITMENT,
                      ENT_SLICE_OF(sealed.commitment));
    records_write_bin(&w, FIELD_PERSPECTIVE_KEY_COMMITMENT,
                      ENT_SLICE_OF(sealed.key_commitment));
    records_write_bin(&w, FIELD_PERSPECTIVE_BOX, sealed.box);
    st = records_write_end(&w, call->engine, &id);
    if (st != ENT_OK) {
        api_refuse_status(call, st, "The answers were not sealed");
    }
    ent_buf_release(&context);
    ent_buf_release(&box);
    return st == ENT_OK;
}

static void
situation_answer(struct api_call *call)
{
    struct ent_buf answers = {.is_secret = true};
    struct situation_ref ref;
    struct ent_record_id rid;
    struct ent_key key;
    uint64_t received;
    uint64_t expected;
    size_t count;

    ent_buf_init(&answers, ENT_PAYLOAD_MAX / 2);
    answers.is_secret = true;
    if (!api_situation(call, &ref) || !may_answer(call, &ref)) {
        return;
    }
    count = collect_answers(call, &answers);
    if (!call->is_refused && answers.failed) {
        api_refuse(call, ENT_EXIT_USAGE, "answer.too-long",
                   "Shorten the texts; attachments come with a later version.",
                   "The answers are longer than %u bytes together.",
                   ENT_PAYLOAD_MAX / 2);
    } else if (!call->is_refused && count == 0) {
        api_refuse(call, ENT_EXIT_USAGE, "usage",
                   "`entente help situation answer` lists the five questions.",
                   "No answer was given.");
    }
    if (!call->is_refused) {
        records_new_rid(call->engine, &rid);
        ent_rng_fill(engine_rng(call->engine), key.b, sizeof(key.b));
        if (write_own_answer(call, &ref, &rid, &key, ent_buf_slice(&answers)) &&
            write_perspective(call, &ref, &rid, &key,
                              ent_buf_slice(&answers))) {
            situation_counts(call->db, &ref, &received, &expected);
            value_set_string(call->result, "situation", ref.code);
            value_set_string(call->result, "state", "sealed");
            value_set_int(call->result, "received", (int64_t)received);
            value_set_int(call->result, "expected", (int64_t)expected);
        }
        ent_wipe(&key, sizeof(key));
    }
    ent_buf_release(&answers);
}

/* ---- reveal ---- */

/* The open meeting, or the one named, that the situation is presented in. */
static int64_t
find_open_meeting(struct api_call *call, uint64_t circle)
{
    int64_t wanted = value_get_int(call->params, "meeting", 0);
    size_t count;
    struct records_row *rows =
        records_list(call->db, circle, KIND_MEETING, &count);
    int64_t found = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        char state[32];
        int64_t n = 0;

        records_text(call->db, rows[i].row, FIELD_MEETING_STATE, state,
                     sizeof(state));
        if (records_int(call->db, rows[i].row, FIELD_MEETING_N, &n) &&
            strcmp(state, "open") == 0 && (wanted == 0 || wanted == n)) {
            found = n;
        }
    }
    free(rows);
    return found;
}

static bool
may_reveal(struct api_call *call, const struct situation_ref *ref)
{
    if (ref->review_space == 0 ||
        overview_own_role(call->db, ref->review_space) != ENT_ROLE_MODERATOR) {
        api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "reveal.not-moderator",
                   "They open by themselves once every structure has"
                   " answered.",
                   "Only the moderator opens the answers of %s before that.",
                   ref->code);
    } else if (situation_state_of(call->db, ref) == SITUATION_WITHDRAWN) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.withdrawn", NULL,
                   "Situation %s was withdrawn.", ref->code);
    }
    return !call->is_refused;
}

static void
situation_reveal(struct api_call *call)
{
    struct situation_ref ref;
    struct records_writer w;
    struct ent_id id;
    enum ent_status st = ENT_OK;
    int64_t meeting;
    uint64_t circle;

    if (!api_situation(call, &ref) || !may_reveal(call, &ref)) {
        return;
    }
    circle = api_circle(call);
    meeting = circle != 0 ? find_open_meeting(call, circle) : 0;
    if (meeting == 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "reveal.no-meeting",
                   "`entente meeting open N` opens it.",
                   "Answers are opened in the meeting, and none is open.");
        return;
    }
    if (records_count(call->db, ref.review_space, KIND_REVEAL) == 0) {
        records_writer_init(&w, ref.review_space);
        records_write_begin(&w, call->db, KIND_REVEAL, &ref.rid, 0);
        records_write_bin(&w, FIELD_REVEAL_SITUATION, ENT_SLICE_OF(ref.rid));
        records_write_int(&w, FIELD_REVEAL_MEETING, meeting);
        st = records_write_end(&w, call->engine, &id);
    }
    if (st != ENT_OK) {
        api_refuse_status(call, st, "The answers were not opened");
        return;
    }
    value_set_string(call->result, "situation", ref.code);
    value_set_string(call->result, "state", "revealed");
}

/* ---- conclude ---- */

static bool
may_conclude(struct api_call *call, const struct situation_ref *ref)
{
    uint8_t role = ref->review_space != 0
                       ? overview_own_role(call->db, ref->review_space)
                       : ENT_ROLE_NONE;

    if (role != ENT_ROLE_MODERATOR && ref->own == 0) {
        api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "conclude.not-yours",
                   "The moderator records what the meeting agreed, or the"
                   " structure that presented the situation.",
                   "This node does not record the conclusion of %s.",
                   ref->code);
    } else if (situation_state_of(call->db, ref) == SITUATION_WITHDRAWN) {
        api_refuse(call, ENT_EXIT_REFUSED, "situation.withdrawn", NULL,
                   "Situation %s was withdrawn.", ref->code);
    } else if (!situation_is_revealed(call->db, ref)) {
        api_refuse(call, ENT_EXIT_REFUSED, "conclude.not-revealed",
                   "Open the answers first (`entente situation reveal`), or"
                   " wait until every structure has answered.",
                   "The answers to %s are still sealed.", ref->code);
    }
    return !call->is_refused;
}

static const struct {
    const char *param;
    const char *list;
    uint16_t field;
    bool is_required;
} CONCLUSION_CODES[] = {
    {"patient_physical", "harm-level", FIELD_CONCLUSION_PATIENT_PHYSICAL, true},
    {"patient_psychological", "harm-level",
     FIELD_CONCLUSION_PATIENT_PSYCHOLOGICAL, true},
    {"carer", "carer-level", FIELD_CONCLUSION_CARER, true},
    {"avoidable", "avoidable", FIELD_CONCLUSION_AVOIDABLE, true},
    {"code", "malfunction", FIELD_CONCLUSION_CODE, false},
};
#define CONCLUSION_CODE_COUNT                                                  \
    (sizeof(CONCLUSION_CODES) / sizeof(CONCLUSION_CODES[0]))

static bool
check_conclusion(struct api_call *call)
{
    size_t i;

    if (!value_is_bool(value_get(call->params, "cooperation"))) {
        api_refuse(call, ENT_EXIT_USAGE, "usage",
                   "`--cooperation yes` or `--cooperation no`",
                   "Say whether it was a malfunction of cooperation.");
    }
    for (i = 0; i < CONCLUSION_CODE_COUNT; i++) {
        (void)api_code(call, CONCLUSION_CODES[i].param,
                       CONCLUSION_CODES[i].list,
                       CONCLUSION_CODES[i].is_required);
    }
    (void)api_string(call, "text", false);
    (void)api_string(call, "dissent", false);
    return !call->is_refused;
}

static void
write_conclusion(struct api_call *call, const struct situation_ref *ref,
                 int64_t meeting, struct records_writer *w)
{
    size_t i;

    records_write_begin(w, call->db, KIND_CONCLUSION, &ref->rid, 0);
    records_write_bin(w, FIELD_CONCLUSION_SITUATION, ENT_SLICE_OF(ref->rid));
    records_write_int(w, FIELD_CONCLUSION_COOPERATION,
                      value_get_bool(call->params, "cooperation", false));
    for (i = 0; i < CONCLUSION_CODE_COUNT; i++) {
        const char *code =
            value_get_string(call->params, CONCLUSION_CODES[i].param);

        if (code != NULL) {
            records_write_str(w, CONCLUSION_CODES[i].field, code);
        }
    }
    if (value_has(call->params, "text")) {
        records_write_str(w, FIELD_CONCLUSION_TEXT,
                          value_get_string(call->params, "text"));
    }
    if (value_has(call->params, "dissent")) {
        records_write_str(w, FIELD_CONCLUSION_DISSENT,
                          value_get_string(call->params, "dissent"));
    }
    if (meeting != 0) {
        records_write_int(w, FIELD_CONCLUSION_MEETING, meeting);
    }
}

static void
situation_conclude(struct api_call *call)
{
    struct situation_ref ref;
    struct records_writer w;
    struct ent_id id;
    enum ent_status st;
    uint64_t circle;

    if (!api_situation(call, &ref) || !may_conclude(call, &ref) ||
        !check_conclusion(call)) {
        return;
    }
    circle = overview_circle(call->db, false);
    records_writer_init(&w, ref.review_space);
    write_conclusion(call, &ref, find_open_meeting(call, circle), &w);
    st = records_write_end(&w, call->engine, &id);
    if (st != ENT_OK) {
        api_refuse_status(call, st, "The conclusion was not kept");
        return;
    }
    value_set_string(call->result, "situation", ref.code);
    value_set_string(call->result, "state", "concluded");
}

const struct api_method api_answer_methods[] = {
    {"situation.answer", API_WRITE, situation_answer},
    {"situation.reveal", API_WRITE, situation_reveal},
    {"situation.conclude", API_WRITE, situation_conclude},
    {NULL, API_READ, NULL},
};
