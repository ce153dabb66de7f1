/* The history, and proving the store: log, verify, rebuild, kinds. */
#include "api/common.h"
#include "api/describe.h"
#include "api/tables.h"
#include "store/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG_DEFAULT 50u
#define LOG_MAX 1000u
#define LOG_PAGE 256u
#define LOG_BYTES_MAX (ENT_RPC_BYTES_MAX / 4) /* about; the answer's limit */

/* ---- log ---- */

/* Which entries are asked for. */
struct log_filter {
    bool is_situation;
    struct situation_ref ref;
    uint64_t own_space;
};

static const char *
space_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [ENT_SPACE_OWN] = "own",
        [ENT_SPACE_CIRCLE] = "circle",
        [ENT_SPACE_CARE] = "care",
        [ENT_SPACE_REVIEW] = "review",
    };

    return kind >= ENT_SPACE_OWN && kind <= ENT_SPACE_REVIEW ? names[kind]
                                                             : "other";
}

static const char *
class_name(uint8_t class)
{
    return class == ENT_CLASS_SEALED    ? "sealed"
           : class == ENT_CLASS_CONTROL ? "control"
                                        : "checkpoint";
}

/* An entry of our own space belongs to a situation when it names its record. */
static bool
is_wanted(const struct log_filter *filter, const struct history_entry *entry)
{
    const struct ent_buf *plain = &entry->plain;

    return !filter->is_situation || entry->space != filter->own_space ||
           (entry->is_open && plain->len > 0 &&
            memmem(plain->p, plain->len, filter->ref.rid.b,
                   sizeof(filter->ref.rid.b)) != NULL);
}

static struct value *
seen_value(struct db *db, const struct history_entry *entry)
{
    struct value *list = value_array();

    for (size_t i = 0; i < entry->dep_count; i++) {
        const struct history_dep *dep = &entry->deps[i];
        struct value *v = value_object();
        char name[ENT_NAME_MAX + 1] = "?";

        if (dep->is_here) {
            api_name(db, dep->node, name);
        }
        value_set_string(v, "author", name);
        value_set_int(v, "seq", (int64_t)dep->seq);
        value_set_bool(v, "here", dep->is_here);
        value_add(list, v);
    }
    return list;
}

static void
set_state(struct value *v, struct db *db, const struct history_entry *entry)
{
    struct value *verdicts = describe_verdicts(db, entry);
    char text[64];
    char hex[17];

    value_set_string(v, "state",
                     entry->is_waiting   ? "waiting"
                     : entry->is_refused ? "refused"
                                         : "applied");
    if (entry->is_waiting && entry->has_missing) {
        snprintf(text, sizeof(text), "%s", ent_hex(hex, entry->missing.b, 8));
        value_set_string(v, "waits_for", text);
    } else if (entry->is_waiting && entry->seq > 0) {
        snprintf(text, sizeof(text), "number %" PRIu64 " of its author",
                 entry->seq - 1);
        value_set_string(v, "waits_for", text);
    }
    if (value_count(verdicts) > 0) {
        value_set(v, "verdicts", verdicts);
    } else {
        value_free(verdicts);
    }
}

static struct value *
entry_value(struct api_call *call, const struct history_entry *entry)
{
    struct value *v = value_object();
    char author[ENT_NAME_MAX + 1];
    char person[ENT_PERSON_MAX + 1];
    struct value *what =
        describe_entry(call->db, entry, kinds_lang_of(call->lang), person);

    api_name(call->db, entry->node, author);
    value_set_int(v, "arrival", (int64_t)entry->arrival);
    value_set_string(v, "space_kind", space_kind_name(entry->space_kind));
    value_set_hex(v, "space", entry->sid.b, sizeof(entry->sid.b));
    value_set_string(v, "author", author);
    value_set_int(v, "seq", (int64_t)entry->seq);
    value_set_int(v, "at", (int64_t)entry->at);
    if (person[0] != '\0') {
        value_set_string(v, "person", person);
    }
    value_set_string(v, "class", class_name(entry->class));
    value_set(v, "what", what);
    value_set_hex(v, "id", entry->id.b, sizeof(entry->id.b));
    value_set(v, "seen", seen_value(call->db, entry));
    set_state(v, call->db, entry);
    return v;
}

/* About what one entry takes in the answer. */
static size_t
weight(const struct value *what)
{
    size_t bytes = 600;

    for (size_t i = 0; i < value_count(what); i++) {
        bytes += strlen(value_string_of(value_at(what, i))) + 8;
    }
    return bytes;
}

/* The answer as it grows. */
struct log_answer {
    struct value *list;
    size_t limit;
    size_t bytes;
};

/* Adds what is wanted of one page; false when the answer is full. */
static bool
add_page(struct api_call *call, const struct log_filter *filter,
         const uint64_t *arrivals, size_t count, struct log_answer *answer)
{
    for (size_t i = 0; i < count; i++) {
        struct history_entry entry;

        if (value_count(answer->list) >= answer->limit ||
            answer->bytes > LOG_BYTES_MAX) {
            return false;
        }
        if (!history_read(call->db, arrivals[i], &entry)) {
            continue;
        }
        if (is_wanted(filter, &entry)) {
            struct value *v = entry_value(call, &entry);

            answer->bytes += weight(value_get(v, "what"));
            value_add(answer->list, v);
        }
        history_entry_release(&entry);
    }
    return true;
}

static struct value *
log_value(struct api_call *call, const struct log_filter *filter, size_t limit)
{
    const uint64_t spaces[HISTORY_SPACES] = {
        filter->ref.review_space, filter->ref.care_space, filter->own_space};
    struct log_answer answer = {.list = value_array(), .limit = limit};
    uint64_t arrivals[LOG_PAGE];
    uint64_t before = INT64_MAX;
    size_t count;

    do {
        count = history_list(call->db, filter->is_situation ? spaces : NULL,
                             before, arrivals, LOG_PAGE);
        before = count > 0 ? arrivals[count - 1] : 0;
    } while (count > 0 && add_page(call, filter, arrivals, count, &answer));
    return answer.list;
}

static void
api_log(struct api_call *call)
{
    struct log_filter filter = {
        .own_space = overview_own_space(call->db),
        .is_situation = value_has(call->params, "situation"),
    };
    int64_t limit = value_get_int(call->params, "limit", LOG_DEFAULT);

    if (limit < 1 || limit > (int64_t)LOG_MAX) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "“limit” is a number from 1 to %u.", LOG_MAX);
        return;
    }
    if (filter.is_situation && !api_situation(call, &filter.ref)) {
        return;
    }
    value_set(call->result, "entries", log_value(call, &filter, (size_t)limit));
}

/* ---- verify, rebuild ---- */

struct progress {
    struct api_call *call;
    const char *what;
};

static void
on_progress(void *arg, uint64_t done, uint64_t total)
{
    struct progress *p = arg;

    if (p->call->progress != NULL) {
        p->call->progress(p->call->progress_arg, p->what, done, total);
    }
}

static void
api_verify(struct api_call *call)
{
    struct progress progress = {call, "verify"};
    struct value *problems = value_array();
    struct engine_verify v;
    size_t shown = sizeof(v.problems) / sizeof(v.problems[0]);
    char more[64];

    store_verify(call->db, on_progress, &progress, &v);
    for (size_t i = 0; i < v.problem_count && i < shown; i++) {
        value_add(problems, value_string(v.problems[i]));
    }
    if (v.problem_count > shown) {
        snprintf(more, sizeof(more), "and %" PRIu64 " more",
                 v.problem_count - shown);
        value_add(problems, value_string(more));
    }
    value_set_int(call->result, "entries", (int64_t)v.entries);
    value_set_int(call->result, "logs", (int64_t)v.logs);
    value_set_int(call->result, "signatures", (int64_t)v.signatures);
    value_set_int(call->result, "forks", (int64_t)v.forks);
    value_set(call->result, "problems", problems);
}

static void
api_rebuild(struct api_call *call)
{
    struct progress progress = {call, "rebuild"};
    struct ent_id before;
    struct ent_id after;

    store_view_hash(call->db, &before);
    engine_rebuild(call->engine, on_progress, &progress);
    store_view_hash(call->db, &after);
    value_set_hex(call->result, "before", before.b, sizeof(before.b));
    value_set_hex(call->result, "after", after.b, sizeof(after.b));
    value_set_bool(call->result, "equal", ent_id_eq(&before, &after));
    value_set_int(call->result, "entries", (int64_t)history_count(call->db));
}

/* ---- kinds ---- */

static void
api_list_kinds(struct api_call *call)
{
    const char *lang = api_string(call, "lang", false);
    struct value *kinds;

    if (call->is_refused) {
        return;
    }
    kinds = kinds_to_value(api_kinds(),
                           kinds_lang_of(lang != NULL ? lang : call->lang));
    for (void *at = value_first(kinds); at != NULL;
         at = value_next(kinds, at)) {
        value_set(call->result, value_key_of(at),
                  value_share(value_member_of(at)));
    }
    value_free(kinds);
}

const struct api_method api_record_methods[] = {
    {"log", API_READ, api_log},
    {"verify", API_READ, api_verify},
    {"rebuild", API_WRITE, api_rebuild},
    {"kinds", API_READ, api_list_kinds},
    {NULL, API_READ, NULL},
};
