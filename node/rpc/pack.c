/*
 * Value trees as msgpack, and the checks that stand before msgpack-c.
 *
 * Reading is three steps, as in proto/wire/msgpack.c. 1. A checked pass over
 * the bytes allocates nothing: every length and count against what is left,
 * depth, number of elements, shortest forms, UTF-8, keys that are texts.
 * 2. msgpack-c unpacks what passed into a zone of that size. 3. The objects
 * become a tree. So what a caller can make us spend is bounded by the bytes
 * it really sent and by VALUE_ELEMENTS_MAX.
 */
#include "pack.h"

#include <entente/limits.h>

#include <msgpack.h>

#define ZONE_CHUNK_MIN 64u

/* ---- writing ---- */

static int
write_to_buf(void *data, const char *p, size_t len)
{
    ent_buf_put(data, p, len);
    return 0;
}

static void
put_string(msgpack_packer *pk, const char *s)
{
    size_t len = strlen(s);

    msgpack_pack_str_with_body(pk, s, len);
}

static void
put_int(msgpack_packer *pk, int64_t v)
{
    if (v >= 0) {
        msgpack_pack_uint64(pk, (uint64_t)v);
    } else {
        msgpack_pack_int64(pk, v);
    }
}

static void
put_scalar(msgpack_packer *pk, const struct value *v)
{
    if (value_is_string(v)) {
        put_string(pk, value_string_of(v));
    } else if (value_is_int(v)) {
        put_int(pk, value_int_of(v));
    } else if (value_is_real(v)) {
        msgpack_pack_double(pk, value_real_of(v));
    } else if (value_is_bool(v)) {
        (value_bool_of(v) ? msgpack_pack_true : msgpack_pack_false)(pk);
    } else {
        ENT_ASSERT(value_is_null(v));
        msgpack_pack_nil(pk);
    }
}

/* Returns false when the tree is deeper than `depth_left` containers. */
static bool
put_value(msgpack_packer *pk, const struct value *v, size_t depth_left)
{
    bool is_fine = true;
    size_t i;
    void *at;

    if (!value_is_object(v) && !value_is_array(v)) {
        put_scalar(pk, v);
        return true;
    }
    if (depth_left == 0) {
        return false;
    }
    if (value_is_array(v)) {
        msgpack_pack_array(pk, value_count(v));
        for (i = 0; i < value_count(v) && is_fine; i++) {
            is_fine = put_value(pk, value_at(v, i), depth_left - 1);
        }
        return is_fine;
    }
    msgpack_pack_map(pk, value_count(v));
    for (at = value_first(v); at != NULL && is_fine; at = value_next(v, at)) {
        put_string(pk, value_key_of(at));
        is_fine = put_value(pk, value_member_of(at), depth_left - 1);
    }
    return is_fine;
}

void
value_to_msgpack(const struct value *v, struct ent_buf *out)
{
    msgpack_packer pk;

    msgpack_packer_init(&pk, out, write_to_buf);
    if (!put_value(&pk, v, VALUE_DEPTH_MAX)) {
        out->failed = true;
    }
}

/* ---- the checked pass ---- */

enum shape { SHAPE_SCALAR, SHAPE_STR, SHAPE_ARRAY, SHAPE_MAP };

/* An element's head: `len` bytes in all, then `body_len` bytes of text or
 * `count` elements (a map's keys and values both counted). */
struct head {
    enum shape shape;
    size_t len;
    size_t body_len;
    size_t count;
};

/* What the checked pass knows on its way down. `left` counts the elements
 * still to come at each depth; in a map, an even number means a key. */
struct walk {
    struct ent_slice in;
    size_t at;
    size_t elements;
    size_t depth;
    size_t left[PACK_DEPTH_MAX + 1];
    bool is_map[PACK_DEPTH_MAX + 1];
};

static uint64_t
get_be(const uint8_t *p, size_t width)
{
    uint64_t v = 0;
    size_t i;

    for (i = 0; i < width; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* How many bytes of number follow the type byte; SIZE_MAX for a type that
 * this profile does not have (bin, float32, ext, 0xc1). */
static size_t
width_of(uint8_t t)
{
    switch (t) {
    case 0xc0: /* nil */
    case 0xc2: /* false */
    case 0xc3: /* true */
        return 0;
    case 0xcc: /* uint 8 */
    case 0xd0: /* int 8 */
    case 0xd9: /* str 8 */
        return 1;
    case 0xcd: /* uint 16 */
    case 0xd1: /* int 16 */
    case 0xda: /* str 16 */
    case 0xdc: /* array 16 */
    case 0xde: /* map 16 */
        return 2;
    case 0xce: /* uint 32 */
    case 0xd2: /* int 32 */
    case 0xdb: /* str 32 */
    case 0xdd: /* array 32 */
    case 0xdf: /* map 32 */
        return 4;
    case 0xcb: /* float 64 */
    case 0xcf: /* uint 64 */
    case 0xd3: /* int 64 */
        return 8;
    default:
        return t <= 0xbf || t >= 0xe0 ? 0 : SIZE_MAX;
    }
}

/* Is `v` in a number, length or count of type `t` not sayable in fewer bytes,
 * and does it fit our int64? */
static bool
is_shortest(uint8_t t, uint64_t v)
{
    switch (t) {
    case 0xcc:
        return v > 0x7f;
    case 0xcd:
    case 0xda:
        return v > UINT8_MAX;
    case 0xce:
    case 0xdb:
    case 0xdd:
    case 0xdf:
        return v > UINT16_MAX;
    case 0xcf:
        return v > UINT32_MAX && v <= INT64_MAX;
    case 0xd0:
        return (int8_t)v < -32;
    case 0xd1:
        return (int16_t)v < INT8_MIN;
    case 0xd2:
        return (int32_t)v < INT16_MIN;
    case 0xd3:
        return (int64_t)v < INT32_MIN;
    case 0xd9:
        return v > 31;
    case 0xdc:
    case 0xde:
        return v > 15;
    default:
        return true;
    }
}

/* NaN and infinities have no JSON. */
static bool
is_finite_bits(uint64_t bits)
{
    return (bits >> 52 & 0x7ff) != 0x7ff;
}

static void
set_shape(struct head *h, uint8_t t, uint64_t v)
{
    if (t >= 0xd9 && t <= 0xdb) {
        h->shape = SHAPE_STR;
        h->body_len = (size_t)v;
    } else if (t == 0xdc || t == 0xdd) {
        h->shape = SHAPE_ARRAY;
        h->count = (size_t)v;
    } else if (t == 0xde || t == 0xdf) {
        h->shape = SHAPE_MAP;
        h->count = (size_t)v * 2;
    } else if (t >= 0x80 && t <= 0x8f) {
        h->shape = SHAPE_MAP;
        h->count = (size_t)(t & 0x0f) * 2;
    } else if (t >= 0x90 && t <= 0x9f) {
        h->shape = SHAPE_ARRAY;
        h->count = t & 0x0f;
    } else if (t >= 0xa0 && t <= 0xbf) {
        h->shape = SHAPE_STR;
        h->body_len = t & 0x1f;
    }
}

static bool
read_head(struct ent_slice in, struct head *ret_head)
{
    struct head h = {.shape = SHAPE_SCALAR};
    size_t width;
    uint64_t v;

    if (in.len == 0) {
        return false;
    }
    width = width_of(in.p[0]);
    if (width > in.len - 1) { /* SIZE_MAX too */
        return false;
    }
    v = get_be(in.p + 1, width);
    if (!is_shortest(in.p[0], v) || (in.p[0] == 0xcb && !is_finite_bits(v))) {
        return false;
    }
    h.len = 1 + width;
    set_shape(&h, in.p[0], v);
    *ret_head = h;
    return true;
}

/* The element at hand; a key must be a text. */
static enum ent_status
check_one(struct walk *w, struct head *ret_head)
{
    bool is_key = w->is_map[w->depth] && w->left[w->depth] % 2 == 0;
    struct head h;
    size_t rest;

    if (!read_head(ent_slice(w->in.p + w->at, w->in.len - w->at), &h) ||
        (is_key && h.shape != SHAPE_STR)) {
        return ENT_PEER_MALFORMED;
    }
    w->at += h.len;
    rest = w->in.len - w->at;
    /* An element is at least one byte, so this refuses a count of billions. */
    if (h.body_len > rest || h.count > rest ||
        !ent_utf8_is_valid(ent_slice(w->in.p + w->at, h.body_len))) {
        return ENT_PEER_MALFORMED;
    }
    w->at += h.body_len;
    w->left[w->depth]--;
    *ret_head = h;
    return ENT_OK;
}

static enum ent_status
check_all(struct walk *w, size_t depth_max)
{
    enum ent_status st;
    struct head h;

    for (;;) {
        while (w->left[w->depth] == 0) {
            if (w->depth == 0) {
                return w->at == w->in.len ? ENT_OK : ENT_PEER_MALFORMED;
            }
            w->depth--;
        }
        st = check_one(w, &h);
        if (st != ENT_OK) {
            return st;
        }
        if (h.shape != SHAPE_ARRAY && h.shape != SHAPE_MAP) {
            continue;
        }
        w->elements += h.count;
        if (w->elements > 2 * (size_t)VALUE_ELEMENTS_MAX) {
            return ENT_PEER_TOO_BIG;
        }
        if (w->depth == depth_max) {
            return ENT_PEER_TOO_DEEP;
        }
        w->depth++;
        w->left[w->depth] = h.count;
        w->is_map[w->depth] = h.shape == SHAPE_MAP;
    }
}

/* ---- reading ---- */

static struct value *
text_of(const msgpack_object *o)
{
    return value_text(ent_slice(o->via.str.ptr, o->via.str.size));
}

static struct value *
build_scalar(const msgpack_object *o)
{
    switch (o->type) {
    case MSGPACK_OBJECT_NIL:
        return value_null();
    case MSGPACK_OBJECT_BOOLEAN:
        return value_bool(o->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return value_int((int64_t)o->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return value_int(o->via.i64);
    case MSGPACK_OBJECT_FLOAT64:
        return value_real(o->via.f64);
    case MSGPACK_OBJECT_STR:
        return text_of(o);
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_BIN:
    case MSGPACK_OBJECT_EXT:
        break;
    }
    ent_panic("the checked pass let a type through", __FILE__, __LINE__);
}

/* Takes `key` and `child`. False when `child` is NULL or the key is taken. */
static bool
add_member(struct value *object, struct value *key, struct value *child)
{
    const char *name = value_string_of(key);
    bool is_new = child != NULL && value_get(object, name) == NULL;

    if (is_new) {
        value_set(object, name, child);
    } else {
        value_free(child);
    }
    value_free(key);
    return is_new;
}

/* NULL when a map has a key twice: the one thing that the checked pass could
 * not see. Recursion is bounded by the depth it checked. */
static struct value *
build(const msgpack_object *o)
{
    struct value *v;
    bool is_fine = true;
    uint32_t i;

    if (o->type == MSGPACK_OBJECT_ARRAY) {
        v = value_array();
        for (i = 0; i < o->via.array.size && is_fine; i++) {
            struct value *child = build(&o->via.array.ptr[i]);

            is_fine = child != NULL;
            if (is_fine) {
                value_add(v, child);
            }
        }
    } else if (o->type == MSGPACK_OBJECT_MAP) {
        v = value_object();
        for (i = 0; i < o->via.map.size && is_fine; i++) {
            const msgpack_object_kv *kv = &o->via.map.ptr[i];

            is_fine = add_member(v, text_of(&kv->key), build(&kv->val));
        }
    } else {
        v = build_scalar(o);
    }
    if (!is_fine) {
        value_free(v);
        return NULL;
    }
    return v;
}

enum ent_status
pack_read(struct ent_slice bytes, size_t depth_max, struct value **ret_v)
{
    struct walk w = {.in = bytes, .left = {1}};
    msgpack_unpack_return rc;
    msgpack_object root;
    msgpack_zone zone;
    enum ent_status st;
    struct value *v;
    size_t need;
    size_t at = 0;
    bool is_ready;

    ENT_ASSERT(depth_max <= PACK_DEPTH_MAX);
    if (bytes.len > ENT_RPC_BYTES_MAX) {
        return ENT_PEER_TOO_BIG;
    }
    st = bytes.len > 0 ? check_all(&w, depth_max) : ENT_PEER_MALFORMED;
    if (st != ENT_OK) {
        return st;
    }
    need = w.elements * sizeof(msgpack_object);
    is_ready =
        msgpack_zone_init(&zone, need > ZONE_CHUNK_MIN ? need : ZONE_CHUNK_MIN);
    ENT_ASSERT(is_ready);
    rc = msgpack_unpack((const char *)bytes.p, bytes.len, &at, &zone, &root);
    ENT_ASSERT(rc == MSGPACK_UNPACK_SUCCESS && at == bytes.len);
    v = build(&root);
    msgpack_zone_destroy(&zone);
    if (v == NULL) {
        return ENT_PEER_MALFORMED;
    }
    *ret_v = v;
    return ENT_OK;
}

enum ent_status
value_from_msgpack(struct ent_slice bytes, struct value **ret_v)
{
    return pack_read(bytes, VALUE_DEPTH_MAX, ret_v);
}
