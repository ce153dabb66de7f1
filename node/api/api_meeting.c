/* Meetings of the circle: planned, opened, closed by the moderator. */
#include "api/common.h"
#include "api/tables.h"

#include <entente/gov.h>

#include <stdlib.h>

#define MEETING_N_MAX 100000

static bool
must_moderate(struct api_call *call, uint64_t circle)
{
    if (overview_own_role(call->db, circle) == ENT_ROLE_MODERATOR) {
        return true;
    }
    api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "meeting.not-moderator",
               "Ask the moderator; `entente circle members` says who it is.",
               "The moderator plans, opens and closes meetings.");
    return false;
}

/* The meeting with this number; 0 for none. */
static uint64_t
find_meeting(struct db *db, uint64_t circle, int64_t n)
{
    size_t count;
    struct records_row *rows = records_list(db, circle, KIND_MEETING, &count);
    uint64_t found = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        int64_t other;

        if (records_int(db, rows[i].row, FIELD_MEETING_N, &other) &&
            other == n) {
            found = rows[i].row;
        }
    }
    free(rows);
    return found;
}

static int64_t
next_number(struct db *db, uint64_t circle)
{
    size_t count;
    struct records_row *rows = records_list(db, circle, KIND_MEETING, &count);
    int64_t last = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        int64_t n;

        if (records_int(db, rows[i].row, FIELD_MEETING_N, &n) && n > last) {
            last = n;
        }
    }
    free(rows);
    return last + 1;
}

static void
set_text(struct value *v, const char *key, struct db *db, uint64_t record,
         uint16_t field)
{
    char *text = records_text_dup(db, record, field);

    value_set_string(v, key, text != NULL ? text : "");
    free(text);
}

static void
describe(struct value *v, struct db *db, uint64_t record)
{
    struct ent_buf raw = {0};
    struct ent_record_id rid;
    struct value *codes = NULL;
    int64_t n = 0;

    records_rid(db, record, &rid);
    (void)records_int(db, record, FIELD_MEETING_N, &n);
    value_set_hex(v, "id", rid.b, sizeof(rid.b));
    value_set_int(v, "n", n);
    set_text(v, "date", db, record, FIELD_MEETING_DATE);
    set_text(v, "venue", db, record, FIELD_MEETING_VENUE);
    set_text(v, "kind", db, record, FIELD_MEETING_KIND);
    set_text(v, "state", db, record, FIELD_MEETING_STATE);
    if (!records_value(db, record, FIELD_MEETING_SITUATIONS, &raw) ||
        value_from_msgpack(ent_buf_slice(&raw), &codes) != ENT_OK) {
        codes = value_array();
    }
    value_set(v, "situations", codes);
    ent_buf_release(&raw);
}

/* "2026-02-17" */
static bool
is_date(const char *text)
{
    size_t i;

    if (strlen(text) != 10) {
        return false;
    }
    for (i = 0; i < 10; i++) {
        bool is_dash = i == 4 || i == 7;

        if (is_dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool
check_plan(struct api_call *call, uint64_t circle, int64_t n)
{
    const char *date = api_string(call, "date", false);
    const char *venue = api_string(call, "venue", false);

    (void)api_code(call, "kind", "meeting-kind", false);
    if (date != NULL && !is_date(date)) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", "2026-02-17",
                   "“%s” is not a date.", date);
    }
    if (venue != NULL && strlen(venue) > 500) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "The venue has more than 500 bytes.");
    }
    if (n < 1 || n > MEETING_N_MAX) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "A meeting's number is between 1 and %d.", MEETING_N_MAX);
    } else if (find_meeting(call->db, circle, n) != 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "meeting.exists",
                   "`entente meeting list` shows them.",
                   "Meeting %lld is planned already.", (long long)n);
    }
    return !call->is_refused;
}

static void
end_meeting(struct api_call *call, struct records_writer *w, uint64_t circle,
            int64_t n)
{
    struct ent_id id;
    enum ent_status st = records_write_end(w, call->engine, &id);

    if (st != ENT_OK) {
        api_refuse_status(call, st, "The meeting was not changed");
        return;
    }
    describe(call->result, call->db, find_meeting(call->db, circle, n));
}

static void
meeting_plan(struct api_call *call)
{
    uint64_t circle = api_circle(call);
    struct ent_record_id rid;
    struct records_writer w;
    const char *kind = value_get_string(call->params, "kind");
    int64_t n;

    if (circle == 0 || !must_moderate(call, circle)) {
        return;
    }
    n = value_get_int(call->params, "n", next_number(call->db, circle));
    if (!check_plan(call, circle, n)) {
        return;
    }
    records_new_rid(call->engine, &rid);
    records_writer_init(&w, circle);
    records_write_begin(&w, call->db, KIND_MEETING, &rid, 0);
    records_write_int(&w, FIELD_MEETING_N, n);
    records_write_str(&w, FIELD_MEETING_STATE, "planned");
    records_write_str(&w, FIELD_MEETING_KIND, kind != NULL ? kind : "cmr");
    if (value_has(call->params, "date")) {
        records_write_str(&w, FIELD_MEETING_DATE,
                          value_get_string(call->params, "date"));
    }
    if (value_has(call->params, "venue")) {
        records_write_str(&w, FIELD_MEETING_VENUE,
                          value_get_string(call->params, "venue"));
    }
    end_meeting(call, &w, circle, n);
}

/* The meeting that the parameter "meeting" names; refuses. */
static uint64_t
named_meeting(struct api_call *call, uint64_t circle, int64_t *ret_n)
{
    uint64_t record;

    *ret_n = value_get_int(call->params, "meeting", 0);
    record = find_meeting(call->db, circle, *ret_n);
    if (record == 0) {
        api_refuse(call, ENT_EXIT_NOT_FOUND, "meeting.not-found",
                   "`entente meeting list` shows them.",
                   "There is no meeting %lld.", (long long)*ret_n);
    }
    return record;
}

/* Codes of situations, each one known here. */
static size_t
read_codes(struct api_call *call, const char **ret_codes, size_t max)
{
    const struct value *list = value_get(call->params, "situations");
    size_t count = value_count(list);
    size_t i;

    if (count > max) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "At most %zu situations fit into a meeting.", max);
        return 0;
    }
    for (i = 0; i < count; i++) {
        ret_codes[i] = value_string_of(value_at(list, i));
        if (ret_codes[i] == NULL ||
            overview_record_by_text(call->db, 0, KIND_SITUATION,
                                    FIELD_SITUATION_CODE, ret_codes[i]) == 0) {
            api_refuse(call, ENT_EXIT_NOT_FOUND, "situation.not-found",
                       "It may be on its way: `entente sync`.",
                       "No situation “%s” has been offered that this node"
                       " knows.",
                       ret_codes[i] != NULL ? ret_codes[i] : "?");
            return 0;
        }
    }
    return count;
}

#define AGENDA_MAX 64u

static void
change_state(struct api_call *call, const char *state)
{
    const char *codes[AGENDA_MAX];
    uint64_t circle = api_circle(call);
    struct ent_record_id rid;
    struct records_writer w;
    uint64_t record;
    size_t count;
    int64_t n;

    if (circle == 0 || !must_moderate(call, circle)) {
        return;
    }
    record = named_meeting(call, circle, &n);
    count = call->is_refused ? 0 : read_codes(call, codes, AGENDA_MAX);
    if (call->is_refused) {
        return;
    }
    records_rid(call->db, record, &rid);
    records_writer_init(&w, circle);
    records_write_begin(&w, call->db, KIND_MEETING, &rid, 0);
    records_write_str(&w, FIELD_MEETING_STATE, state);
    if (count > 0) {
        records_write_texts(&w, FIELD_MEETING_SITUATIONS, codes, count);
    }
    end_meeting(call, &w, circle, n);
}

static void
meeting_open(struct api_call *call)
{
    change_state(call, "open");
}

static void
meeting_close(struct api_call *call)
{
    change_state(call, "closed");
}

static void
meeting_list(struct api_call *call)
{
    uint64_t circle = api_circle(call);
    struct value *list;
    struct records_row *rows;
    size_t count;
    size_t i;

    if (circle == 0) {
        return;
    }
    list = value_array();
    rows = records_list(call->db, circle, KIND_MEETING, &count);
    for (i = 0; i < count; i++) {
        struct value *v = value_object();

        describe(v, call->db, rows[i].row);
        value_add(list, v);
    }
    free(rows);
    value_set(call->result, "meetings", list);
}

static void
meeting_show(struct api_call *call)
{
    uint64_t circle = api_circle(call);
    uint64_t record;
    int64_t n;

    if (circle == 0) {
        return;
    }
    record = named_meeting(call, circle, &n);
    if (record != 0) {
        describe(call->result, call->db, record);
    }
}

const struct api_method api_meeting_methods[] = {
    {"meeting.plan", API_WRITE, meeting_plan},
    {"meeting.open", API_WRITE, meeting_open},
    {"meeting.close", API_WRITE, meeting_close},
    {"meeting.list", API_READ, meeting_list},
    {"meeting.show", API_READ, meeting_show},
    {NULL, API_READ, NULL},
};
