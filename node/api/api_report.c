/*
 * The aggregated report, from review views only: what this node may read of
 * concluded situations, counted by node/review.
 */
#include "api/common.h"
#include "api/live.h"
#include "api/tables.h"
#include "review/report.h"
#include "store/directory.h"

#include <entente/gov.h>

#include <stdlib.h>

#define CODE_MAX 64u

/* One situation with the strings that the report borrows. */
struct counted {
    char presenter[8];
    char code[CODE_MAX];
    char modes[ENT_BOXES_MAX][CODE_MAX];
    struct report_perspective perspectives[ENT_BOXES_MAX];
};

static void
presenter_key(struct db *db, uint64_t node, char ret[8])
{
    struct overview_node n;
    const char *sector;

    (void)overview_node(db, node, 0, &n);
    sector = ent_sector_name(n.sector);
    memcpy(ret, "?", 2);
    if (sector != NULL) {
        const char *key = report_presenter_key(sector);

        memcpy(ret, key, strlen(key) < 8 ? strlen(key) + 1 : 8);
        ret[7] = '\0';
    }
}

static int
level(struct db *db, uint64_t record, uint16_t field)
{
    char code[CODE_MAX];

    records_text(db, record, field, code, sizeof(code));
    return report_level_of(code);
}

static void
fill_perspectives(struct db *db, const struct situation_ref *ref,
                  struct counted *c, struct report_situation *s)
{
    size_t count;
    struct situation_answers *answers = situation_perspectives(db, ref, &count);
    char code[CODE_MAX];
    size_t i;

    for (i = 0; i < count && s->perspective_count < ENT_BOXES_MAX; i++) {
        struct report_perspective *p = &c->perspectives[s->perspective_count];
        char *mode = c->modes[s->perspective_count];

        if (!answers[i].is_open) {
            continue;
        }
        situation_answer_code(&answers[i], FIELD_ANSWER_MODE, mode, CODE_MAX);
        p->mode = mode;
        situation_answer_code(&answers[i], FIELD_ANSWER_Q2_HARM, code,
                              sizeof(code));
        p->answers[REPORT_Q2] = report_answer_of(code);
        situation_answer_code(&answers[i], FIELD_ANSWER_Q3_HARM, code,
                              sizeof(code));
        p->answers[REPORT_Q3] = report_answer_of(code);
        situation_answer_code(&answers[i], FIELD_ANSWER_Q4_AVOIDABLE, code,
                              sizeof(code));
        p->answers[REPORT_Q4] = report_answer_of(code);
        s->perspective_count++;
    }
    situation_answers_free(answers, count);
    s->perspectives = c->perspectives;
}

static void
fill_situation(struct db *db, const struct situation_ref *ref,
               struct counted *c, struct report_situation *s)
{
    uint64_t record = records_first(db, ref->review_space, KIND_CONCLUSION);
    char avoidable[CODE_MAX];
    int64_t cooperation = 0;

    presenter_key(db, ref->presenter, c->presenter);
    records_text(db, record, FIELD_CONCLUSION_CODE, c->code, CODE_MAX);
    records_text(db, record, FIELD_CONCLUSION_AVOIDABLE, avoidable,
                 sizeof(avoidable));
    (void)records_int(db, record, FIELD_CONCLUSION_COOPERATION, &cooperation);
    *s = (struct report_situation){
        .presenter = c->presenter,
        .is_malfunction = cooperation != 0,
        .patient_physical =
            level(db, record, FIELD_CONCLUSION_PATIENT_PHYSICAL),
        .patient_psychological =
            level(db, record, FIELD_CONCLUSION_PATIENT_PSYCHOLOGICAL),
        .carer = level(db, record, FIELD_CONCLUSION_CARER),
        .avoidable = report_avoidable_of(avoidable),
        .code = c->code,
        .expected = (uint32_t)records_expected(db, ref->review_space),
    };
    fill_perspectives(db, ref, c, s);
}

/* What is counted, growing with what there is. */
struct collection {
    size_t space_count;
    uint64_t *spaces;
    struct report_situation *list;
    struct counted **texts; /* one each: the report borrows from them */
};

static void
collect(struct db *db, struct collection *c)
{
    c->spaces = overview_spaces(db, ENT_SPACE_REVIEW, &c->space_count);
    c->list = ent_alloc_zero(c->space_count, sizeof(*c->list));
    c->texts = ent_alloc_zero(c->space_count, sizeof(*c->texts));
}

static void
collection_release(struct collection *c)
{
    size_t i;

    for (i = 0; i < c->space_count; i++) {
        free(c->texts[i]);
    }
    free(c->texts);
    free(c->list);
    free(c->spaces);
}

/* All review spaces, or (structure) those that we presented. */
static void
count_situations(struct db *db, bool only_ours, struct collection *c,
                 struct report_input *input)
{
    size_t i;

    for (i = 0; i < c->space_count; i++) {
        struct situation_ref ref;
        enum situation_state state;

        situation_from_review(db, c->spaces[i], &ref);
        if (ref.record == 0 || (only_ours && ref.own == 0)) {
            continue;
        }
        state = situation_state_of(db, &ref);
        if (state == SITUATION_CONCLUDED) {
            c->texts[i] = ent_alloc_zero(1, sizeof(*c->texts[i]));
            fill_situation(db, &ref, c->texts[i],
                           &c->list[input->situation_count]);
            input->situation_count++;
        } else if (state != SITUATION_WITHDRAWN) {
            input->open_count++;
        }
    }
}

/* Every structure of the circle is listed, zeros too. */
static size_t
list_presenters(struct db *db, uint64_t circle, char (*keys)[8],
                const char **ret_keys, size_t max)
{
    size_t count;
    struct overview_node *nodes = overview_members(db, circle, &count);
    size_t listed = 0;
    size_t i;

    for (i = 0; i < count && listed < max; i++) {
        if (nodes[i].role == ENT_ROLE_MEMBER) {
            presenter_key(db, nodes[i].row, keys[listed]);
            ret_keys[listed] = keys[listed];
            listed++;
        }
    }
    free(nodes);
    return listed;
}

static void
set_sync_state(struct api_call *call)
{
    struct directory *d = directory_read(call->db);
    int64_t proved = 0;
    int64_t peers = 0;
    size_t i;

    for (i = 0; i < d->peer_count; i++) {
        struct live_peer live;

        if (d->peers[i].role == ENT_ROLE_NONE) {
            continue;
        }
        peers++;
        if (call->live != NULL &&
            live_find(call->live, &d->peers[i].node, &live)) {
            proved += live.link == LIVE_CONNECTED && live.view.is_proved;
        }
    }
    directory_free(d);
    value_set_int(call->result, "as_of_at", (int64_t)call->now_ms);
    value_set_int(call->result, "peers_proved", proved);
    value_set_int(call->result, "peers", peers);
}

static void
make_report(struct api_call *call, uint64_t circle, bool only_ours)
{
    struct collection c;
    char keys[ENT_BOXES_MAX][8];
    const char *presenters[ENT_BOXES_MAX];
    struct report_input input = {.presenters = presenters};
    struct ent_buf text = {0};
    struct report report;

    collect(call->db, &c);
    input.situations = c.list;
    input.presenter_count =
        list_presenters(call->db, circle, keys, presenters, ENT_BOXES_MAX);
    count_situations(call->db, only_ours, &c, &input);
    report_make(&input, &report);
    value_set(call->result, "report", report_to_value(&report));
    report_print(&report, api_kinds(), kinds_lang_of(call->lang), &text);
    value_set_text(call->result, "text", ent_buf_slice(&text));
    report_release(&report);
    ent_buf_release(&text);
    collection_release(&c);
}

static void
report_method(struct api_call *call)
{
    const char *audience = api_string(call, "audience", false);
    uint64_t circle = api_circle(call);

    if (circle == 0 || call->is_refused) {
        return;
    }
    audience = audience != NULL ? audience : "circle";
    if (strcmp(audience, "circle") != 0 && strcmp(audience, "structure") != 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "report.audience",
                   "circle or structure: reports for institutions and the"
                   " public need small numbers masked, which this version"
                   " cannot do yet.",
                   "There is no report for “%s” yet.", audience);
        return;
    }
    make_report(call, circle, strcmp(audience, "structure") == 0);
    value_set_string(call->result, "audience", audience);
    set_sync_state(call);
}

const struct api_method api_report_methods[] = {
    {"report", API_READ, report_method},
    {NULL, API_READ, NULL},
};
