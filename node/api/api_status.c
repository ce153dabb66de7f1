/* "Is my work safe and shared?": each peer, one sentence over all, and who has
 * what of one situation. */
#include "api/common.h"
#include "api/node_methods.h"
#include "api/peer_look.h"
#include "store/history.h"

#include <entente/gov.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SENTENCE_MAX 700u
#define CLAUSES_SHOWN 3u

/* All peers at a glance. */
struct looks {
    struct directory *directory;
    size_t count;
    struct peer_look *looks;
};

static void
looks_read(struct looks *l, struct api_call *call)
{
    l->directory = directory_read(call->db);
    l->count = l->directory->peer_count;
    l->looks = ent_alloc_zero(l->count + 1, sizeof(*l->looks));
    for (size_t i = 0; i < l->count; i++) {
        peer_look_at(&l->looks[i], call, &l->directory->peers[i]);
    }
}

static void
looks_release(struct looks *l)
{
    free(l->looks);
    directory_free(l->directory);
}

static const struct peer_look *
looks_find(const struct looks *l, const struct ent_id *node)
{
    for (size_t i = 0; i < l->count; i++) {
        if (ent_id_eq(&l->looks[i].row->node, node)) {
            return &l->looks[i];
        }
    }
    return NULL;
}

/* ---- one peer ---- */

static void
set_reason(struct value *v, const struct peer_look *look, enum kinds_lang lang)
{
    char text[SENTENCE_MAX];

    if (look->reason == REASON_NONE) {
        value_set(v, "reason", value_null());
        value_set_string(v, "reason_text", "");
        return;
    }
    reason_text(look->reason, &look->facts, lang, text, sizeof(text));
    value_set_string(v, "reason", reason_code(look->reason));
    value_set_string(v, "reason_text", text);
    if (look->detail[0] != '\0') {
        value_set_string(v, "reason_detail", look->detail);
    }
}

static struct value *
look_value(const struct peer_look *look, enum kinds_lang lang)
{
    const struct directory_peer *row = look->row;
    const char *direction = look->live.is_caller ? "we called" : "they called";
    const char *software = look->live.software[0] != '\0'
                               ? look->live.software
                               : look->state.software;
    struct value *v = value_object();

    value_set_hex(v, "node", row->node.b, sizeof(row->node.b));
    value_set_string(v, "name", row->name);
    value_set_string(v, "role", peer_role_name(row->role));
    value_set_bool(v, "connected", look->is_connected);
    value_set_string(v, "state", peer_link_name(look->live.link));
    value_set_string(v, "direction", look->is_connected ? direction : "");
    value_set_int(v, "last_exchange_at", (int64_t)look->last_at);
    value_set_int(v, "proved_equal_at", (int64_t)look->state.proved_at);
    value_set_bool(v, "proved", look->is_proved);
    value_set_int(v, "waiting_out", (int64_t)look->waiting_out);
    value_set_int(v, "waiting_in", (int64_t)look->waiting_in);
    value_set_int(v, "oldest_unseen_at", (int64_t)look->oldest_at);
    set_reason(v, look, lang);
    value_set_int(v, "skew_ms", look->facts.skew_ms);
    value_set_string(v, "software", software);
    value_set(v, "addresses", peer_addresses_value(row));
    return v;
}

/* ---- one sentence ---- */

struct summary {
    size_t peers;
    size_t proved;
    size_t have_all; /* have acknowledged everything from here */
    uint64_t waiting_out;
    uint64_t waiting_in;
};

static bool
has_all(const struct peer_look *look)
{
    return look->waiting_out == 0 &&
           (look->acked > 0 || look->state.proved_at != 0);
}

static struct summary
summarise(const struct looks *l)
{
    struct summary s = {.peers = l->count};

    for (size_t i = 0; i < l->count; i++) {
        s.proved += l->looks[i].is_proved;
        s.have_all += has_all(&l->looks[i]);
        s.waiting_out += l->looks[i].waiting_out;
        s.waiting_in += l->looks[i].waiting_in;
    }
    return s;
}

/* The clauses about peers that are not proved, joined by "; ". */
static void
join_clauses(const struct looks *l, enum kinds_lang lang, char *ret,
             size_t size)
{
    size_t shown = 0;
    size_t left = 0;
    size_t len = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < l->count; i++) {
        const struct peer_look *look = &l->looks[i];
        struct reason_facts facts = look->facts;
        char clause[300];

        if (look->is_proved) {
            continue;
        }
        if (shown == CLAUSES_SHOWN) {
            left++;
            continue;
        }
        facts.count = look->waiting_out;
        reason_clause(look->reason, &facts, lang, clause, sizeof(clause));
        snprintf(ret + len, size - len, "%s%s",
                 shown == 0         ? ""
                 : lang == KINDS_FR ? " ; "
                                    : "; ",
                 clause);
        len = strlen(ret);
        shown++;
    }
    if (left > 0) {
        snprintf(ret + len, size - len,
                 lang == KINDS_FR ? " ; et %zu autres" : "; and %zu others",
                 left);
    }
}

static const struct kinds_words ALONE = {
    "No other structure is known yet: what is written here is kept here, and"
    " only here.",
    "Aucune autre structure n’est encore connue : ce qui est écrit ici est"
    " gardé ici, et seulement ici.",
};
static const struct kinds_words ALL = {
    "Everything here is at all {peers} colleagues’ nodes.",
    "Tout ce qui est ici est chez les {peers} collègues.",
};
static const struct kinds_words ALL_OF_ONE = {
    "Everything here is at your colleague’s node.",
    "Tout ce qui est ici est chez votre collègue.",
};
static const struct kinds_words ALL_SENT = {
    "Everything from here is at all {peers} colleagues’ nodes; {clauses}.",
    "Tout ce qui vient d’ici est chez les {peers} collègues ; {clauses}.",
};
static const struct kinds_words SOME = {
    "{have} of {peers} have everything; {clauses}.",
    "{have} sur {peers} ont tout ; {clauses}.",
};

static void
sentence(const struct looks *l, const struct summary *s, enum kinds_lang lang,
         char *ret, size_t size)
{
    const struct kinds_words *words = &SOME;
    char clauses[SENTENCE_MAX];
    char peers[24];
    char have[24];
    const struct reason_word fills[] = {
        {"peers", peers}, {"have", have}, {"clauses", clauses}};

    if (s->peers == 0) {
        words = &ALONE;
    } else if (s->proved == s->peers) {
        words = s->peers == 1 ? &ALL_OF_ONE : &ALL;
    } else if (s->have_all == s->peers) {
        words = &ALL_SENT;
    }
    snprintf(peers, sizeof(peers), "%zu", s->peers);
    snprintf(have, sizeof(have), "%zu", s->have_all);
    join_clauses(l, lang, clauses, sizeof(clauses));
    reason_fill(kinds_word(words, lang), fills,
                sizeof(fills) / sizeof(fills[0]), ret, size);
}

static struct value *
summary_value(const struct looks *l, enum kinds_lang lang)
{
    struct summary s = summarise(l);
    struct value *v = value_object();
    char text[2 * SENTENCE_MAX];

    sentence(l, &s, lang, text, sizeof(text));
    value_set_int(v, "peers", (int64_t)s.peers);
    value_set_int(v, "proved", (int64_t)s.proved);
    value_set_int(v, "waiting_out", (int64_t)s.waiting_out);
    value_set_int(v, "waiting_in", (int64_t)s.waiting_in);
    value_set_string(v, "sentence", text);
    return v;
}

/* ---- notes: what is not about one peer, or is so even when equal ---- */

static const struct kinds_words NOTE_UNREAD = {
    "{count} of what is here cannot be read yet: a key has not been"
    " delivered.",
    "{count} de ce qui est ici ne peuvent pas encore être lus : une clé n’est"
    " pas arrivée.",
};
static const struct kinds_words NOTE_FORKED = {
    "{count} logs hold two different changes with one number: a folder was"
    " probably copied. `entente verify` says more.",
    "{count} journaux ont deux modifications différentes sous un même numéro :"
    " un dossier a sans doute été copié. `entente verify` en dit plus.",
};
static const struct kinds_words NOTE_STRANGE = {
    "{count} changes were written by a newer version; update this program to"
    " see all of them.",
    "{count} modifications viennent d’une version plus récente ; mettez ce"
    " programme à jour pour tout voir.",
};

static void
add_count_note(struct value *notes, const struct kinds_words *words,
               uint64_t count, enum kinds_lang lang)
{
    char text[SENTENCE_MAX];
    char number[24];
    const struct reason_word fills[] = {{"count", number}};

    if (count == 0) {
        return;
    }
    snprintf(number, sizeof(number), "%" PRIu64, count);
    reason_fill(kinds_word(words, lang), fills, 1, text, sizeof(text));
    value_add(notes, value_string(text));
}

static struct value *
notes_value(struct api_call *call, const struct looks *l, enum kinds_lang lang)
{
    struct value *notes = value_array();
    struct history_node own;

    history_node(call->db, &own);
    if (own.is_recovering && own.note[0] != '\0') {
        value_add(notes, value_string(own.note));
    }
    for (size_t i = 0; i < l->count; i++) {
        const struct peer_look *look = &l->looks[i];
        int64_t skew_ms = look->facts.skew_ms;
        char text[SENTENCE_MAX];

        if (skew_ms > (int64_t)ENT_SKEW_MS || skew_ms < -(int64_t)ENT_SKEW_MS) {
            reason_text(REASON_CLOCK_SKEW, &look->facts, lang, text,
                        sizeof(text));
            value_add(notes, value_string(text));
        }
    }
    add_count_note(notes, &NOTE_UNREAD, history_unread(call->db, NULL), lang);
    add_count_note(notes, &NOTE_FORKED, history_forked(call->db, NULL), lang);
    add_count_note(notes, &NOTE_STRANGE, history_strange(call->db), lang);
    return notes;
}

/* ---- one situation ---- */

struct holder {
    const char *state;
    uint64_t behind;
    uint64_t since_at;
    const struct peer_look *look; /* NULL: us, or somebody unknown here */
};

static void
hold_here(struct db *db, uint64_t space, struct holder *h)
{
    uint64_t unread = space != 0 ? history_unread_in(db, space) : 0;

    h->behind = space != 0 ? history_waiting_in(db, space) : 0;
    h->state = unread > 0      ? "cannot read"
               : h->behind > 0 ? "behind"
                               : "has everything";
}

static void
hold_there(struct db *db, uint64_t space, const struct overview_node *node,
           struct holder *h)
{
    h->state = "unknown";
    if (node->role < ENT_ROLE_READER) {
        h->state = "cannot read";
        return;
    }
    if (h->look == NULL || (h->look->acked == 0 && h->look->last_at == 0)) {
        return;
    }
    history_behind(db, space, &node->key, h->look->acked, &h->behind,
                   &h->since_at);
    h->state = h->behind > 0 ? "behind" : "has everything";
}

static struct value *
holder_value(struct api_call *call, uint64_t space,
             const struct overview_node *node, const struct looks *l,
             size_t *ret_complete)
{
    enum kinds_lang lang = kinds_lang_of(call->lang);
    struct holder h = {.look = looks_find(l, &node->key)};
    struct value *v = value_object();

    if (node->is_us) {
        hold_here(call->db, space, &h);
    } else {
        hold_there(call->db, space, node, &h);
    }
    api_describe_node(v, node);
    value_set_string(v, "state", h.state);
    value_set_int(v, "behind", (int64_t)h.behind);
    value_set_int(v, "since_at", (int64_t)h.since_at);
    value_set(v, "reason", value_null());
    if (strcmp(h.state, "has everything") == 0) {
        (*ret_complete)++;
    } else if (h.look != NULL) {
        set_reason(v, h.look, lang);
    }
    return v;
}

/* A draft is here only. */
static struct overview_node *
holders_of(struct db *db, uint64_t space, size_t *ret_count)
{
    struct overview_node *only;

    if (space != 0) {
        return overview_members(db, space, ret_count);
    }
    only = ent_alloc_zero(1, sizeof(*only));
    *ret_count =
        overview_node(db, overview_own_node(db), overview_own_space(db), only)
            ? 1
            : 0;
    return only;
}

static void
set_situation(struct api_call *call, const struct situation_ref *ref)
{
    struct value *v = value_object();
    char *title =
        ref->record != 0
            ? records_text_dup(call->db, ref->record, FIELD_SITUATION_TITLE)
            : records_text_dup(call->db, ref->own, FIELD_OWN_SITUATION_TITLE);

    value_set_string(v, "code", ref->code);
    value_set_string(v, "title", title != NULL ? title : "");
    value_set_hex(v, "id", ref->rid.b, sizeof(ref->rid.b));
    value_set(call->result, "situation", v);
    free(title);
}

static void
set_holders_summary(struct api_call *call, const char *code, size_t complete,
                    size_t count)
{
    static const struct kinds_words words = {
        "{have} of {all} have all of {code}.",
        "{have} sur {all} ont tout de {code}.",
    };
    struct value *v = value_object();
    char text[SENTENCE_MAX];
    char have[24];
    char all[24];
    const struct reason_word fills[] = {
        {"have", have}, {"all", all}, {"code", code}};

    snprintf(have, sizeof(have), "%zu", complete);
    snprintf(all, sizeof(all), "%zu", count);
    reason_fill(kinds_word(&words, kinds_lang_of(call->lang)), fills, 3, text,
                sizeof(text));
    value_set_string(v, "sentence", text);
    value_set_int(v, "holders", (int64_t)count);
    value_set_int(v, "complete", (int64_t)complete);
    value_set(call->result, "summary", v);
}

static void
status_of_situation(struct api_call *call, const struct looks *l)
{
    struct situation_ref ref;
    struct overview_node *nodes;
    struct value *list;
    size_t complete = 0;
    size_t count;

    if (!api_situation(call, &ref)) {
        return;
    }
    nodes = holders_of(call->db, ref.review_space, &count);
    list = value_array();
    for (size_t i = 0; i < count; i++) {
        value_add(list, holder_value(call, ref.review_space, &nodes[i], l,
                                     &complete));
    }
    set_situation(call, &ref);
    value_set(call->result, "holders", list);
    set_holders_summary(call, ref.code, complete, count);
    free(nodes);
}

static void
status_of_all(struct api_call *call, const struct looks *l)
{
    enum kinds_lang lang = kinds_lang_of(call->lang);
    struct value *peers = value_array();

    for (size_t i = 0; i < l->count; i++) {
        value_add(peers, look_value(&l->looks[i], lang));
    }
    value_set(call->result, "peers", peers);
    value_set(call->result, "summary", summary_value(l, lang));
}

void
api_status(struct api_call *call)
{
    struct looks looks;

    looks_read(&looks, call);
    value_set(call->result, "node", api_node_value(call));
    if (value_has(call->params, "situation")) {
        status_of_situation(call, &looks);
    } else {
        status_of_all(call, &looks);
    }
    value_set(call->result, "notes",
              notes_value(call, &looks, kinds_lang_of(call->lang)));
    looks_release(&looks);
}
