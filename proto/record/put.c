/*
 * Field writes as bytes:
 *
 *   put   = [type << 1 | critical, kind, record id, [write…]]
 *   write = [field, value, [superseded…]?]
 *
 * A superseded write is named by 18 bytes: 16 of its entry's id, 2 of its
 * index. The list is left out when it is empty.
 */
#include <entente/record.h>

#define REF_LEN 18u
/* A text of the largest size with its head. */
#define VALUE_LEN_MAX (ENT_TEXT_MAX + 5u)

/* PROTO §3.2: "A *ref* names a write by 18 bytes: the first 16 of its entry's
 * id, and a u16 index of the write among all writes of that entry" */
static void
put_refs(struct ent_buf *out, const struct ent_field_write *w)
{
    uint8_t raw[REF_LEN];
    size_t i;

    ENT_ASSERT(w->supersedes_count <= ENT_SUPERSEDES_MAX);
    ent_mp_put_array(out, w->supersedes_count);
    for (i = 0; i < w->supersedes_count; i++) {
        memcpy(raw, w->supersedes[i].entry, 16);
        ent_put_u16(raw + 16, w->supersedes[i].index);
        ent_mp_put_bin(out, ENT_SLICE_OF(raw));
    }
}

void
ent_put_encode(const struct ent_put *put, struct ent_buf *out)
{
    size_t i;

    ENT_ASSERT(put->field_count <= ENT_FIELDS_MAX);
    ent_mp_put_array(out, 4);
    ent_mp_put_uint(out, ENT_OP_PUT << 1);
    ent_mp_put_uint(out, put->kind);
    ent_mp_put_bin(out, ENT_SLICE_OF(put->record));
    ent_mp_put_array(out, put->field_count);
    for (i = 0; i < put->field_count; i++) {
        const struct ent_field_write *w = &put->fields[i];

        ENT_ASSERT(w->value.len > 0);
        ent_mp_put_array(out, w->supersedes_count > 0 ? 3 : 2);
        ent_mp_put_uint(out, w->field);
        ent_buf_put_slice(out, w->value);
        if (w->supersedes_count > 0) {
            put_refs(out, w);
        }
    }
}

/* An array in a value holds no arrays. */
static bool
is_flat(struct ent_slice value)
{
    struct ent_mp *r = ent_mp_begin(value);
    bool is_flat = true;

    ent_mp_enter(r, 0, SIZE_MAX);
    while (ent_mp_left(r) > 0) {
        is_flat = is_flat && ent_mp_peek(r) != ENT_MP_ARRAY;
        (void)ent_mp_raw(r);
    }
    ent_mp_leave(r);
    return ent_mp_end(r) == ENT_OK && is_flat;
}

static void
read_value(struct ent_mp *r, struct ent_slice *ret_value)
{
    bool is_array = ent_mp_peek(r) == ENT_MP_ARRAY;
    struct ent_slice value = ent_mp_raw(r);

    if (value.len > VALUE_LEN_MAX) {
        ent_mp_fail(r, ENT_PEER_TOO_BIG);
    } else if (is_array && !is_flat(value)) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
    *ret_value = value;
}

static void
read_write(struct ent_mp *r, struct ent_field_write *w)
{
    size_t parts = ent_mp_enter(r, 2, 3);
    uint8_t raw[REF_LEN];
    size_t i;

    w->field = (uint16_t)ent_mp_uint(r, UINT16_MAX);
    read_value(r, &w->value);
    w->supersedes_count = 0;
    if (parts == 3) {
        w->supersedes_count = ent_mp_enter(r, 1, ENT_SUPERSEDES_MAX);
        for (i = 0; i < w->supersedes_count; i++) {
            ent_mp_fixed(r, raw, sizeof(raw));
            memcpy(w->supersedes[i].entry, raw, 16);
            w->supersedes[i].index = ent_get_u16(raw + 16);
        }
        ent_mp_leave(r);
    }
    ent_mp_leave(r);
}

enum ent_status
ent_put_decode(const struct ent_op *op, struct ent_put *ret_put)
{
    struct ent_mp *r = ent_mp_begin(op->raw);
    size_t i;

    ENT_ASSERT(op->type == ENT_OP_PUT);
    ent_mp_enter(r, 4, 4);
    (void)ent_mp_uint(r, ENT_OP_PUT << 1 | 1);
    ret_put->kind = (uint16_t)ent_mp_uint(r, UINT16_MAX);
    ent_mp_fixed(r, ret_put->record.b, sizeof(ret_put->record.b));
    ret_put->field_count = ent_mp_enter(r, 0, ENT_FIELDS_MAX);
    for (i = 0; i < ret_put->field_count && !ent_mp_has_failed(r); i++) {
        read_write(r, &ret_put->fields[i]);
    }
    ent_mp_leave(r);
    ent_mp_leave(r);
    return ent_mp_end(r);
}
