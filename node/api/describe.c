/* Operations in words. */
#include "api/describe.h"

#include "api/common.h"

#include <entente/record.h>

#include <inttypes.h>
#include <stdio.h>

#define LINE_MAX_BYTES 400u
#define VALUE_SHOWN 60u /* bytes of one text */

/* A line that grows; what does not fit is cut between characters. */
struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void
put(struct line *l, const char *text, size_t len)
{
    size_t room = sizeof(l->text) - 1 - l->len;

    if (len > room) {
        len = room;
        while (len > 0 && !ent_utf8_is_valid(ent_slice(text, len))) {
            len--;
        }
    }
    memcpy(l->text + l->len, text, len);
    l->len += len;
    l->text[l->len] = '\0';
}

static void
put_str(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* The beginning of a text, on one line. */
static void
put_cut(struct line *l, struct ent_slice text)
{
    size_t len = text.len < VALUE_SHOWN ? text.len : VALUE_SHOWN;
    size_t from = l->len;

    while (len > 0 && !ent_utf8_is_valid(ent_slice(text.p, len))) {
        len--;
    }
    put(l, (const char *)text.p, len);
    for (size_t i = from; i < l->len; i++) {
        if ((unsigned char)l->text[i] < 0x20) {
            l->text[i] = ' ';
        }
    }
    if (len < text.len) {
        put_str(l, "…");
    }
}

static void
put_hex(struct line *l, struct ent_slice bytes)
{
    char hex[17];

    if (bytes.len >= 8) {
        put_str(l, ent_hex(hex, bytes.p, 8));
    }
}

static void
put_node(struct line *l, struct db *db, const struct ent_id *node)
{
    char name[ENT_NAME_MAX + 1];
    uint64_t row = overview_node_find(db, node);

    if (row != 0) {
        api_name(db, row, name);
        if (strcmp(name, "?") != 0) {
            put_str(l, name);
            return;
        }
    }
    put_hex(l, ENT_SLICE_OF(*node));
}

/* ---- records ---- */

static void
put_code(struct line *l, const struct kinds_field *field, struct ent_slice text,
         enum kinds_lang lang)
{
    char code[80];

    if (text.len >= sizeof(code)) {
        put_cut(l, text);
        return;
    }
    snprintf(code, sizeof(code), "%.*s", (int)text.len, (const char *)text.p);
    put_str(l, kinds_code_label(field->list, code, lang));
}

static void
put_element(struct line *l, const struct kinds_field *field, struct ent_mp *mp,
            enum kinds_lang lang)
{
    char number[24];

    switch (ent_mp_peek(mp)) {
    case ENT_MP_UINT:
    case ENT_MP_INT:
        snprintf(number, sizeof(number), "%" PRId64, ent_mp_int(mp));
        put_str(l, number);
        break;
    case ENT_MP_STR: {
        struct ent_slice text = ent_mp_str(mp, ENT_PAYLOAD_MAX);

        if (field->list != NULL) {
            put_code(l, field, text, lang);
        } else {
            put_cut(l, text);
        }
        break;
    }
    case ENT_MP_BIN:
        put_hex(l, ent_mp_bin(mp, 0, ENT_PAYLOAD_MAX));
        break;
    case ENT_MP_NIL:
        (void)ent_mp_nil(mp);
        put_str(l, "–");
        break;
    case ENT_MP_ARRAY:
    case ENT_MP_NONE:
        (void)ent_mp_raw(mp);
        break;
    }
}

static void
put_value(struct line *l, const struct kinds_field *field,
          struct ent_slice value, enum kinds_lang lang)
{
    struct ent_mp *mp = ent_mp_begin(value);
    size_t count;

    if (ent_mp_peek(mp) != ENT_MP_ARRAY) {
        put_element(l, field, mp, lang);
    } else {
        count = ent_mp_enter(mp, 0, ENT_PAYLOAD_MAX);
        for (size_t i = 0; i < count; i++) {
            put_str(l, i > 0 ? ", " : "");
            put_element(l, field, mp, lang);
        }
        ent_mp_leave(mp);
    }
    if (ent_mp_end(mp) != ENT_OK) {
        put_str(l, "?");
    }
}

/* Keys, boxes and names of other records say nothing to a person. */
static bool
is_for_people(const struct kinds_field *field)
{
    return field->type != KINDS_BIN && field->type != KINDS_BINS &&
           field->type != KINDS_REF;
}

static void
put_put(struct line *l, const struct ent_op *op, enum kinds_lang lang)
{
    const struct kinds_kind *kind;
    const char *before = ": ";
    struct ent_put p;

    if (ent_put_decode(op, &p) != ENT_OK) {
        put_str(l, lang == KINDS_FR ? "mal formé" : "malformed");
        return;
    }
    kind = kinds_find(api_kinds(), p.kind);
    if (kind == NULL) {
        put_str(l, lang == KINDS_FR ? "une fiche d’une version plus récente"
                                    : "a record of a newer version");
        return;
    }
    put_str(l, kinds_word(&kind->label, lang));
    for (size_t i = 0; i < p.field_count; i++) {
        const struct kinds_field *field =
            kinds_find_field(kind, p.fields[i].field);

        if (field != NULL && is_for_people(field)) {
            put_str(l, before);
            put_str(l, kinds_word(&field->label, lang));
            put_str(l, " = ");
            put_value(l, field, p.fields[i].value, lang);
            before = ", ";
        }
    }
}

/* ---- control ---- */

static const struct kinds_words ACTIONS[] = {
    [ENT_ACTION_ADMIT] = {"admit", "admettre"},
    [ENT_ACTION_REMOVE] = {"remove", "retirer"},
    [ENT_ACTION_APPOINT] = {"appoint as moderator", "nommer à l’animation"},
    [ENT_ACTION_RELIEVE] = {"relieve as moderator", "relever de l’animation"},
    [ENT_ACTION_CHARTER] = {"charter", "charte"},
    [ENT_ACTION_RULE] = {"rule", "règle"},
    [ENT_ACTION_REFRESH] = {"new keys", "nouvelles clés"},
};

static void
put_action(struct line *l, struct db *db, const struct ent_op_motion *m,
           enum kinds_lang lang)
{
    if (m->action >= ENT_ACTION_ADMIT && m->action <= ENT_ACTION_REFRESH) {
        put_str(l, kinds_word(&ACTIONS[m->action], lang));
    } else {
        put_str(l, "?");
    }
    if (!ent_id_is_zero(&m->subject)) {
        put_str(l, " ");
        put_node(l, db, &m->subject);
    }
    if (m->text.len > 0) {
        put_str(l, lang == KINDS_FR ? " : " : ": ");
        put_cut(l, m->text);
    }
}

/* What the motion of this id, in the same space, proposed. */
static void
put_motion_of(struct line *l, struct db *db, uint64_t space,
              const struct ent_id *motion, enum kinds_lang lang)
{
    uint64_t arrival = history_find(db, space, motion);
    struct history_entry entry;
    struct ent_ops ops;
    bool is_found = false;

    if (arrival == 0 || !history_read(db, arrival, &entry)) {
        put_hex(l, ENT_SLICE_OF(*motion));
        return;
    }
    if (ent_ops_decode(ent_buf_slice(&entry.plain), &ops) == ENT_OK) {
        for (size_t i = 0; i < ops.count && !is_found; i++) {
            if (ops.ops[i].is_known && ops.ops[i].type == ENT_OP_MOTION) {
                put_action(l, db, &ops.ops[i].u.motion, lang);
                is_found = true;
            }
        }
        ent_ops_release(&ops);
    }
    if (!is_found) {
        put_hex(l, ENT_SLICE_OF(*motion));
    }
    history_entry_release(&entry);
}

static void
put_grant(struct line *l, struct db *db, const struct ent_op_grant *grant)
{
    const char *basis = ent_basis_name(grant->basis);

    put_node(l, db, &grant->node);
    if (basis != NULL) {
        put_str(l, " (");
        put_str(l, basis);
        put_str(l, ")");
    }
}

static void
put_genesis(struct line *l, const struct ent_op_genesis *genesis,
            enum kinds_lang lang)
{
    static const struct kinds_words words[] = {
        [ENT_SPACE_OWN] = {"own view opened", "vue propre ouverte"},
        [ENT_SPACE_CIRCLE] = {"circle founded: ", "cercle fondé : "},
        [ENT_SPACE_CARE] = {"care view opened", "vue soin ouverte"},
        [ENT_SPACE_REVIEW] = {"review view opened", "vue revue ouverte"},
    };

    if (genesis->kind < ENT_SPACE_OWN || genesis->kind > ENT_SPACE_REVIEW) {
        put_str(l, "?");
        return;
    }
    put_str(l, kinds_word(&words[genesis->kind], lang));
    if (genesis->kind == ENT_SPACE_CIRCLE) {
        put_cut(l, genesis->name);
    }
}

static const struct kinds_words LABELS[] = {
    [ENT_OP_MOTION] = {"motion: ", "proposition : "},
    [ENT_OP_BALLOT] = {"vote, yes: ", "vote, oui : "},
    [ENT_OP_DECISION] = {"decision: ", "décision : "},
    [ENT_OP_EPOCH] = {"new key for the readers", "nouvelle clé des lecteurs"},
    [ENT_OP_SHARE] = {"earlier key for ", "clé antérieure pour "},
    [ENT_OP_GRANT] = {"access for ", "accès pour "},
    [ENT_OP_WITHDRAW] = {"access ends for ", "fin d’accès pour "},
    [ENT_OP_LEAVE] = {"leaves", "quitte"},
    [ENT_OP_CARD] = {"address card", "carte d’adresse"},
    [ENT_OP_SEEN] = {"had seen the changes so far",
                     "avait vu les modifications jusque-là"},
};

static void
put_control(struct line *l, struct db *db, uint64_t space,
            const struct ent_op *op, enum kinds_lang lang)
{
    if (op->type < sizeof(LABELS) / sizeof(LABELS[0]) &&
        LABELS[op->type].en != NULL) {
        put_str(l, kinds_word(&LABELS[op->type], lang));
    }
    switch (op->type) {
    case ENT_OP_GENESIS:
        put_genesis(l, &op->u.genesis, lang);
        break;
    case ENT_OP_MOTION:
        put_action(l, db, &op->u.motion, lang);
        break;
    case ENT_OP_BALLOT:
        put_motion_of(l, db, space, &op->u.ballot.motion, lang);
        break;
    case ENT_OP_DECISION:
        put_motion_of(l, db, space, &op->u.decision.motion, lang);
        break;
    case ENT_OP_SHARE:
        put_node(l, db, &op->u.share.node);
        break;
    case ENT_OP_GRANT:
    case ENT_OP_WITHDRAW:
        put_grant(l, db, &op->u.grant);
        break;
    default: /* a number from outside, or nothing to add */
        break;
    }
}

/* ---- entries ---- */

static void
add_op(struct value *list, struct db *db, const struct history_entry *entry,
       const struct ent_op *op, enum kinds_lang lang)
{
    struct line l = {.len = 0};

    if (op->type == ENT_OP_PUT) {
        put_put(&l, op, lang);
    } else if (op->is_known) {
        put_control(&l, db, entry->space, op, lang);
    } else {
        put_str(&l, lang == KINDS_FR ? "écrit par une version plus récente"
                                     : "written by a newer version");
    }
    value_add(list, value_string(l.text));
}

struct value *
describe_entry(struct db *db, const struct history_entry *entry,
               enum kinds_lang lang, char ret_person[ENT_PERSON_MAX + 1])
{
    struct value *list = value_array();
    struct ent_ops ops;

    ret_person[0] = '\0';
    if (!entry->is_open) {
        value_add(list, value_string(lang == KINDS_FR
                                         ? "ne peut pas encore être lu ici"
                                         : "cannot be read here yet"));
        return list;
    }
    if (ent_ops_decode(ent_buf_slice(&entry->plain), &ops) != ENT_OK) {
        value_add(list,
                  value_string(lang == KINDS_FR ? "mal formé" : "malformed"));
        return list;
    }
    snprintf(ret_person, ENT_PERSON_MAX + 1, "%.*s", (int)ops.person.len,
             (const char *)ops.person.p);
    for (size_t i = 0; i < ops.count; i++) {
        add_op(list, db, entry, &ops.ops[i], lang);
    }
    ent_ops_release(&ops);
    return list;
}

struct value *
describe_verdicts(struct db *db, const struct history_entry *entry)
{
    struct value *list = value_array();

    for (size_t op = 0; op < ENT_OPS_MAX; op++) {
        uint8_t verdict = history_verdict(db, entry->arrival, op);

        if (verdict != ENT_VERDICT_OK) {
            const char *name = ent_verdict_name(verdict);

            value_add(list, value_string(name != NULL ? name : "?"));
        }
    }
    return list;
}
