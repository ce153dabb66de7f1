/*
 * The msgpack door: the one file that includes msgpack-c.
 *
 * Reading is three steps. 1. A checked pass (wire/msgpack_check) walks the
 * bytes and counts the array elements. 2. msgpack-c unpacks what passed
 * into a zone of exactly that size. 3. The caller walks the objects with a
 * cursor. Because every form is the shortest one, the encoded size of an
 * object follows from its value, so the cursor always knows its place in the
 * input (ent_mp_raw).
 */
#include <entente/limits.h>
#include <entente/msgpack.h>

#include "wire/msgpack_check.h"

#include <msgpack.h>
#include <stdlib.h>

#define ZONE_CHUNK_MIN 64u

/* ---- writing ---- */

static int
write_to_buf(void *data, const char *p, size_t len)
{
    ent_buf_put(data, p, len);
    return 0;
}

static msgpack_packer
packer(struct ent_buf *b)
{
    msgpack_packer pk;

    msgpack_packer_init(&pk, b, write_to_buf);
    return pk;
}

void
ent_mp_put_array(struct ent_buf *b, size_t count)
{
    msgpack_packer pk = packer(b);

    ENT_ASSERT(count <= UINT32_MAX);
    msgpack_pack_array(&pk, count);
}

void
ent_mp_put_uint(struct ent_buf *b, uint64_t v)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_uint64(&pk, v);
}

void
ent_mp_put_int(struct ent_buf *b, int64_t v)
{
    msgpack_packer pk = packer(b);

    if (v >= 0) {
        msgpack_pack_uint64(&pk, (uint64_t)v);
    } else {
        msgpack_pack_int64(&pk, v);
    }
}

void
ent_mp_put_bin(struct ent_buf *b, struct ent_slice s)
{
    msgpack_packer pk = packer(b);

    ENT_ASSERT(s.len <= UINT32_MAX);
    msgpack_pack_bin_with_body(&pk, s.p, s.len);
}

void
ent_mp_put_str(struct ent_buf *b, struct ent_slice s)
{
    msgpack_packer pk = packer(b);

    ENT_ASSERT(s.len <= UINT32_MAX);
    ENT_ASSERT(ent_utf8_is_valid(s)); /* a reader would refuse it */
    msgpack_pack_str_with_body(&pk, s.p, s.len);
}

void
ent_mp_put_cstr(struct ent_buf *b, const char *s)
{
    ent_mp_put_str(b, ent_slice_str(s));
}

void
ent_mp_put_nil(struct ent_buf *b)
{
    msgpack_packer pk = packer(b);

    msgpack_pack_nil(&pk);
}

/* ---- reading ---- */

/* An array being read, or (at depth 0) the document itself. */
struct frame {
    const msgpack_object *next;
    size_t left;
};

struct ent_mp {
    struct ent_slice input;
    size_t at; /* where the next element starts in the input */
    enum ent_status st;
    size_t depth;
    struct frame frames[ENT_MSGPACK_DEPTH_MAX + 1];
    msgpack_object root;
    msgpack_zone zone;
    bool has_zone;
};

void
ent_mp_fail(struct ent_mp *r, enum ent_status st)
{
    ENT_ASSERT(st != ENT_OK);
    if (r->st == ENT_OK) {
        r->st = st;
    }
}

bool
ent_mp_has_failed(const struct ent_mp *r)
{
    return r->st != ENT_OK;
}

/* Runs msgpack-c over checked bytes into a zone of the size they need. */
static void
unpack(struct ent_mp *r, size_t elements)
{
    size_t need = elements * sizeof(msgpack_object);
    size_t at = 0;
    msgpack_unpack_return rc;

    if (need < ZONE_CHUNK_MIN) {
        need = ZONE_CHUNK_MIN;
    }
    r->has_zone = msgpack_zone_init(&r->zone, need);
    ENT_ASSERT(r->has_zone);
    /* Not msgpack_unpack_next: that one takes 8 KiB for each document. */
    rc = msgpack_unpack((const char *)r->input.p, r->input.len, &at, &r->zone,
                        &r->root);
    ENT_ASSERT(rc != MSGPACK_UNPACK_NOMEM_ERROR);
    if (rc != MSGPACK_UNPACK_SUCCESS || at != r->input.len) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
}

struct ent_mp *
ent_mp_begin(struct ent_slice input)
{
    struct ent_mp *r = ent_alloc(sizeof(*r));
    enum ent_status st;
    size_t len = 0;
    size_t elements = 0;

    r->input = input;
    r->at = 0;
    r->st = ENT_OK;
    r->depth = 0;
    r->has_zone = false;
    r->frames[0] = (struct frame){.next = &r->root, .left = 1};
    if (input.len > ENT_BUF_MAX) {
        ent_mp_fail(r, ENT_PEER_TOO_BIG);
        return r;
    }
    st = input.len > 0 ? mp_check_element(input, &len, &elements)
                       : ENT_PEER_MALFORMED;
    if (st != ENT_OK) {
        ent_mp_fail(r, st);
    } else if (len != input.len) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    } else {
        unpack(r, elements);
    }
    return r;
}

enum ent_status
ent_mp_end(struct ent_mp *r)
{
    enum ent_status st;

    if (r->depth != 0 || r->frames[0].left != 0) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
    ENT_ASSERT(r->st != ENT_OK || r->at == r->input.len);
    st = r->st;
    if (r->has_zone) {
        msgpack_zone_destroy(&r->zone);
    }
    free(r);
    return st;
}

size_t
ent_mp_left(const struct ent_mp *r)
{
    return r->st == ENT_OK ? r->frames[r->depth].left : 0;
}

enum ent_mp_type
ent_mp_peek(const struct ent_mp *r)
{
    if (ent_mp_left(r) == 0) {
        return ENT_MP_NONE;
    }
    switch (r->frames[r->depth].next->type) {
    case MSGPACK_OBJECT_NIL:
        return ENT_MP_NIL;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return ENT_MP_UINT;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return ENT_MP_INT;
    case MSGPACK_OBJECT_BIN:
        return ENT_MP_BIN;
    case MSGPACK_OBJECT_STR:
        return ENT_MP_STR;
    case MSGPACK_OBJECT_ARRAY:
        return ENT_MP_ARRAY;
    case MSGPACK_OBJECT_BOOLEAN:
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
    case MSGPACK_OBJECT_MAP:
    case MSGPACK_OBJECT_EXT:
        break;
    }
    ent_panic("the checked pass let a type through", __FILE__, __LINE__);
}

/* The next object if it is a `type`, consumed; NULL and failed otherwise.
 * Moves past the head, and past the body of a bin or str; an array's
 * elements stay to be read. */
static const msgpack_object *
take(struct ent_mp *r, enum ent_mp_type type)
{
    struct frame *f = &r->frames[r->depth];
    struct mp_head h;
    bool is_head;

    if (r->st != ENT_OK) {
        return NULL;
    }
    if (ent_mp_peek(r) != type) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
        return NULL;
    }
    is_head =
        mp_read_head(ent_slice(r->input.p + r->at, r->input.len - r->at), &h);
    ENT_ASSERT(is_head && h.type == type);
    r->at += h.head_len + h.body_len;
    f->left--;
    return f->next++;
}

size_t
ent_mp_enter(struct ent_mp *r, size_t min, size_t max)
{
    const msgpack_object *o = take(r, ENT_MP_ARRAY);
    size_t count;

    if (o == NULL) {
        return 0;
    }
    count = o->via.array.size;
    if (count < min || count > max) {
        ent_mp_fail(r, count < min ? ENT_PEER_MALFORMED : ENT_PEER_TOO_BIG);
        return 0;
    }
    ENT_ASSERT(r->depth < ENT_MSGPACK_DEPTH_MAX);
    r->depth++;
    r->frames[r->depth] =
        (struct frame){.next = o->via.array.ptr, .left = count};
    return count;
}

void
ent_mp_leave(struct ent_mp *r)
{
    if (r->st != ENT_OK) {
        return;
    }
    ENT_ASSERT(r->depth > 0);
    if (r->frames[r->depth].left != 0) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
        return;
    }
    r->depth--;
}

struct ent_slice
ent_mp_raw(struct ent_mp *r)
{
    struct frame *f = &r->frames[r->depth];
    struct ent_slice rest;
    size_t len, elements;
    enum ent_status st;

    if (ent_mp_left(r) == 0) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
        return ent_slice(NULL, 0);
    }
    rest = ent_slice(r->input.p + r->at, r->input.len - r->at);
    st = mp_check_element(rest, &len, &elements);
    ENT_ASSERT(st == ENT_OK && len <= rest.len);
    r->at += len;
    f->left--;
    f->next++;
    return ent_slice(rest.p, len);
}

void
ent_mp_skip_rest(struct ent_mp *r)
{
    while (ent_mp_left(r) > 0) {
        (void)ent_mp_raw(r);
    }
}

uint64_t
ent_mp_uint(struct ent_mp *r, uint64_t max)
{
    const msgpack_object *o = take(r, ENT_MP_UINT);

    if (o == NULL) {
        return 0;
    }
    if (o->via.u64 > max) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
        return 0;
    }
    return o->via.u64;
}

int64_t
ent_mp_int(struct ent_mp *r)
{
    const msgpack_object *o;

    if (ent_mp_peek(r) == ENT_MP_UINT) {
        return (int64_t)ent_mp_uint(r, INT64_MAX);
    }
    o = take(r, ENT_MP_INT);
    return o != NULL ? o->via.i64 : 0;
}

/* A length outside of what the caller allows is refused by name. */
static struct ent_slice
bounded(struct ent_mp *r, const char *p, size_t len, size_t min, size_t max)
{
    if (len < min || len > max) {
        ent_mp_fail(r, len < min ? ENT_PEER_MALFORMED : ENT_PEER_TOO_BIG);
        return ent_slice(NULL, 0);
    }
    return ent_slice(p, len);
}

struct ent_slice
ent_mp_bin(struct ent_mp *r, size_t min, size_t max)
{
    const msgpack_object *o = take(r, ENT_MP_BIN);

    if (o == NULL) {
        return ent_slice(NULL, 0);
    }
    return bounded(r, o->via.bin.ptr, o->via.bin.size, min, max);
}

struct ent_slice
ent_mp_str(struct ent_mp *r, size_t max)
{
    const msgpack_object *o = take(r, ENT_MP_STR);

    if (o == NULL) {
        return ent_slice(NULL, 0);
    }
    return bounded(r, o->via.str.ptr, o->via.str.size, 0, max);
}

void
ent_mp_fixed(struct ent_mp *r, void *ret_p, size_t len)
{
    struct ent_slice s = ent_mp_bin(r, len, len);

    if (r->st != ENT_OK) {
        memset(ret_p, 0, len);
    } else if (len > 0) {
        ENT_ASSERT(s.p != NULL && s.len == len);
        memcpy(ret_p, s.p, len);
    }
}

void
ent_mp_id(struct ent_mp *r, struct ent_id *ret_id)
{
    ent_mp_fixed(r, ret_id->b, sizeof(ret_id->b));
}

bool
ent_mp_nil(struct ent_mp *r)
{
    if (ent_mp_peek(r) != ENT_MP_NIL) {
        return false;
    }
    return take(r, ENT_MP_NIL) != NULL;
}
