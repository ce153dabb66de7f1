/*
 * The strict profile, checked on bare bytes: lengths against what is left,
 * depth, shortest forms, UTF-8. Nothing is allocated and nothing recurses.
 */
#include "wire/msgpack_check.h"

#include <entente/limits.h>

/* The `width`-byte big-endian number after the type byte; the caller has
 * checked that it is there. */
static uint64_t
get_be(const uint8_t *p, size_t width)
{
    uint64_t v = 0;

    for (size_t i = 0; i < width; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

/* How many bytes follow the type byte to complete the head, or SIZE_MAX for
 * a type that the profile does not have. */
static size_t
head_width(uint8_t t)
{
    switch (t) {
    case 0xc0: /* nil */
        return 0;
    case 0xc4: /* bin 8 */
    case 0xcc: /* uint 8 */
    case 0xd0: /* int 8 */
    case 0xd9: /* str 8 */
        return 1;
    case 0xc5: /* bin 16 */
    case 0xcd: /* uint 16 */
    case 0xd1: /* int 16 */
    case 0xda: /* str 16 */
    case 0xdc: /* array 16 */
        return 2;
    case 0xc6: /* bin 32 */
    case 0xce: /* uint 32 */
    case 0xd2: /* int 32 */
    case 0xdb: /* str 32 */
    case 0xdd: /* array 32 */
        return 4;
    case 0xcf: /* uint 64 */
    case 0xd3: /* int 64 */
        return 8;
    default:
        break;
    }
    /* positive fixint; fixarray and fixstr; negative fixint */
    if (t <= 0x7f || (t >= 0x90 && t <= 0xbf) || t >= 0xe0) {
        return 0;
    }
    return SIZE_MAX; /* map, float, ext, boolean, 0xc1 */
}

static bool
is_uint_shortest(uint64_t v, size_t width)
{
    switch (width) {
    case 1:
        return v > 0x7f;
    case 2:
        return v > UINT8_MAX;
    case 4:
        return v > UINT16_MAX;
    default:
        return v > UINT32_MAX;
    }
}

static bool
is_int_shortest(uint64_t raw, size_t width)
{
    switch (width) {
    case 1:
        return (int8_t)raw < -32;
    case 2:
        return (int16_t)raw < INT8_MIN;
    case 4:
        return (int32_t)raw < INT16_MIN;
    default:
        return (int64_t)raw < INT32_MIN;
    }
}

/* A length has no form of 8 bytes; bin starts at 8 bits, str after fixstr,
 * arrays after fixarray at 16 bits. */
static bool
is_length_shortest(enum ent_mp_type type, uint64_t v, size_t width)
{
    if (type == ENT_MP_ARRAY) {
        return v > (width == 2 ? 15 : UINT16_MAX);
    }
    if (width == 1) {
        return type == ENT_MP_BIN || v > 31;
    }
    return v > (width == 2 ? UINT8_MAX : UINT16_MAX);
}

static void
read_fix_head(uint8_t t, struct mp_head *ret_head)
{
    struct mp_head h = {.head_len = 1};

    if (t <= 0x7f) {
        h.type = ENT_MP_UINT;
    } else if (t >= 0xe0) {
        h.type = ENT_MP_INT;
    } else if (t == 0xc0) {
        h.type = ENT_MP_NIL;
    } else if (t >= 0xa0) {
        h.type = ENT_MP_STR;
        h.body_len = t & 0x1f;
    } else {
        h.type = ENT_MP_ARRAY;
        h.count = t & 0x0f;
    }
    *ret_head = h;
}

bool
mp_read_head(struct ent_slice in, struct mp_head *ret_head)
{
    struct mp_head h = {.type = ENT_MP_NONE};
    uint8_t t;
    size_t width;
    uint64_t v;

    if (in.len == 0) {
        return false;
    }
    t = in.p[0];
    width = head_width(t);
    if (width == 0) {
        read_fix_head(t, ret_head);
        return true;
    }
    if (width == SIZE_MAX || width > in.len - 1) {
        return false;
    }
    v = get_be(in.p + 1, width);
    h.head_len = 1 + width;
    if (t >= 0xcc && t <= 0xcf) {
        h.type = ENT_MP_UINT;
        *ret_head = h;
        return is_uint_shortest(v, width);
    }
    if (t >= 0xd0 && t <= 0xd3) {
        h.type = ENT_MP_INT;
        *ret_head = h;
        return is_int_shortest(v, width);
    }
    h.type = t <= 0xc6 ? ENT_MP_BIN : t <= 0xdb ? ENT_MP_STR : ENT_MP_ARRAY;
    if (h.type == ENT_MP_ARRAY) {
        h.count = (size_t)v;
    } else {
        h.body_len = (size_t)v;
    }
    *ret_head = h;
    return is_length_shortest(h.type, v, width);
}

enum ent_status
mp_check_element(struct ent_slice in, size_t *ret_len, size_t *ret_elements)
{
    size_t left[ENT_MSGPACK_DEPTH_MAX + 1] = {1};
    size_t depth = 0;
    size_t at = 0;
    size_t elements = 0;
    struct mp_head h;

    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0) {
                *ret_len = at;
                *ret_elements = elements;
                return ENT_OK;
            }
            depth--;
        }
        left[depth]--;
        if (!mp_read_head(ent_slice(in.p + at, in.len - at), &h)) {
            return ENT_PEER_MALFORMED;
        }
        at += h.head_len;
        /* An element is at least one byte. */
        if (h.body_len > in.len - at || h.count > in.len - at) {
            return ENT_PEER_MALFORMED;
        }
        if (h.type == ENT_MP_STR &&
            !ent_utf8_is_valid(ent_slice(in.p + at, h.body_len))) {
            return ENT_PEER_MALFORMED;
        }
        at += h.body_len;
        if (h.type == ENT_MP_ARRAY) {
            if (depth == ENT_MSGPACK_DEPTH_MAX) {
                return ENT_PEER_TOO_DEEP;
            }
            elements += h.count;
            left[++depth] = h.count;
        }
    }
}
