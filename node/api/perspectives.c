/* Answers: sealed ones told from opened ones, opened with the key that their
 * structure released and checked against what it had committed to. */
#include "api/common.h"

#include <stdio.h>
#include <stdlib.h>

/* What binds a sealed answer to its place. */
static void
answer_context(struct db *db, const struct situation_ref *ref, uint64_t node,
               struct ent_buf *out)
{
    struct overview_node n;

    (void)overview_node(db, node, 0, &n);
    ent_buf_put(out, ref->rid.b, sizeof(ref->rid.b));
    ent_buf_put(out, n.key.b, sizeof(n.key.b));
}

static bool
read_sealed(struct db *db, uint64_t record, struct ent_buf *box,
            struct ent_sealed_answer *ret_sealed)
{
    struct ent_buf raw = {0};
    struct ent_mp *r;
    bool is_good = records_fixed(db, record, FIELD_PERSPECTIVE_COMMITMENT,
                                 ret_sealed->commitment.b, 32) &&
                   records_fixed(db, record, FIELD_PERSPECTIVE_KEY_COMMITMENT,
                                 ret_sealed->key_commitment.b, 32) &&
                   records_value(db, record, FIELD_PERSPECTIVE_BOX, &raw);

    if (is_good) {
        r = ent_mp_begin(ent_buf_slice(&raw));
        ent_buf_put_slice(box, ent_mp_bin(r, 0, ENT_PAYLOAD_MAX));
        is_good = ent_mp_end(r) == ENT_OK;
        ret_sealed->box = ent_buf_slice(box);
    }
    ent_buf_release(&raw);
    return is_good;
}

/* The released key, or before the reveal our own. */
static bool
find_key(struct db *db, const struct situation_ref *ref, uint64_t node,
         struct ent_key *ret_key)
{
    uint64_t release =
        records_find_owned(db, ref->review_space, KIND_RELEASE, node);

    if (release != 0 && records_fixed(db, release, FIELD_RELEASE_KEY,
                                      ret_key->b, sizeof(ret_key->b))) {
        return true;
    }
    return node == overview_own_node(db) &&
           records_own_answer_key(db, ref->review_space, ret_key);
}

static void
open_answers(struct db *db, const struct situation_ref *ref, uint64_t record,
             struct situation_answers *a)
{
    struct ent_sealed_answer sealed;
    struct ent_buf box = {0};
    struct ent_buf context = {0};
    struct ent_key key;

    if (find_key(db, ref, a->node, &key)) {
        answer_context(db, ref, a->node, &context);
        a->raw.is_secret = true;
        a->is_open = read_sealed(db, record, &box, &sealed) &&
                     ent_answer_open(&sealed, &key, ent_buf_slice(&context),
                                     &a->raw) == ENT_OK;
        a->is_broken = !a->is_open;
    }
    ent_wipe(&key, sizeof(key));
    ent_buf_release(&context);
    ent_buf_release(&box);
}

struct situation_answers *
situation_perspectives(struct db *db, const struct situation_ref *ref,
                       size_t *ret_count)
{
    size_t count = 0;
    struct records_row *rows = NULL;
    struct situation_answers *list;
    size_t kept = 0;
    size_t i;

    if (ref->review_space != 0) {
        rows = records_list(db, ref->review_space, KIND_PERSPECTIVE, &count);
    }
    list = ent_alloc_zero(count, sizeof(*list));
    for (i = 0; i < count; i++) {
        /* A structure's first sealed answer is the one that counts. */
        if (records_find_owned(db, ref->review_space, KIND_PERSPECTIVE,
                               rows[i].owner) == rows[i].row) {
            list[kept].node = rows[i].owner;
            open_answers(db, ref, rows[i].row, &list[kept]);
            kept++;
        }
    }
    free(rows);
    *ret_count = kept;
    return list;
}

void
situation_answers_free(struct situation_answers *list, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        ent_buf_release(&list[i].raw);
    }
    free(list);
}

bool
situation_answer_code(const struct situation_answers *answers, uint16_t field,
                      char *ret, size_t size)
{
    struct ent_mp *r;
    bool found = false;
    size_t count;

    ret[0] = '\0';
    if (!answers->is_open) {
        return false;
    }
    r = ent_mp_begin(ent_buf_slice(&answers->raw));
    for (count = ent_mp_enter(r, 0, ENT_FIELDS_MAX); count > 0; count--) {
        struct ent_slice text = {0};
        uint64_t number;

        ent_mp_enter(r, 2, 2);
        number = ent_mp_uint(r, UINT16_MAX);
        if (number == field && ent_mp_peek(r) == ENT_MP_STR) {
            text = ent_mp_str(r, ENT_TEXT_MAX);
            snprintf(ret, size, "%.*s", (int)text.len, (const char *)text.p);
            found = true;
        }
        ent_mp_skip_rest(r);
        ent_mp_leave(r);
    }
    ent_mp_leave(r);
    return ent_mp_end(r) == ENT_OK && found;
}

static void
put_answer(struct value *object, const struct kinds_field *field,
           struct ent_mp *r)
{
    switch (ent_mp_peek(r)) {
    case ENT_MP_STR:
        value_set_text(object, field->name, ent_mp_str(r, ENT_TEXT_MAX));
        break;
    case ENT_MP_UINT:
    case ENT_MP_INT:
        value_set_int(object, field->name, ent_mp_int(r));
        break;
    default:
        break;
    }
}

struct value *
situation_answers_value(const struct situation_answers *answers)
{
    const struct kinds_kind *kind = kinds_find(api_kinds(), KIND_OWN_ANSWER);
    struct value *object = value_object();
    struct ent_mp *r = ent_mp_begin(ent_buf_slice(&answers->raw));
    size_t count;

    for (count = ent_mp_enter(r, 0, ENT_FIELDS_MAX); count > 0; count--) {
        const struct kinds_field *field;

        ent_mp_enter(r, 2, 2);
        field = kinds_find_field(kind, (uint16_t)ent_mp_uint(r, UINT16_MAX));
        if (field != NULL) {
            put_answer(object, field, r);
        }
        ent_mp_skip_rest(r);
        ent_mp_leave(r);
    }
    ent_mp_leave(r);
    (void)!ent_mp_end(r);
    return object;
}
