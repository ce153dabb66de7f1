/*
 * Buffers, fixed-layout integers, hex, and stopping. The smallest module;
 * everything stands on it.
 */
#include <entente/base.h>
#include <entente/limits.h>

#include <stdio.h>
#include <stdlib.h>

void
ent_panic(const char *what, const char *file, int line)
{
    fprintf(stderr, "entente: broken invariant: %s (%s:%d)\n", what, file,
            line);
    abort();
}

void *
ent_alloc(size_t len)
{
    void *p = malloc(len > 0 ? len : 1);

    ENT_ASSERT(p != NULL);
    return p;
}

void *
ent_alloc_zero(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    ENT_ASSERT(p != NULL);
    return p;
}

void *
ent_realloc(void *ptr, size_t len)
{
    void *p = realloc(ptr, len > 0 ? len : 1);

    ENT_ASSERT(p != NULL);
    return p;
}

bool
ent_id_is_zero(const struct ent_id *id)
{
    static const struct ent_id zero;

    return ent_id_eq(id, &zero);
}

struct ent_slice
ent_slice_str(const char *s)
{
    return ent_slice(s, strlen(s));
}

void
ent_buf_init(struct ent_buf *b, size_t max)
{
    *b = (struct ent_buf){.max = max};
}

static void
wipe(void *p, size_t len)
{
    volatile uint8_t *v = p;

    while (len-- > 0) {
        *v++ = 0;
    }
}

void
ent_buf_release(struct ent_buf *b)
{
    if (b->p != NULL && b->is_secret) {
        wipe(b->p, b->cap);
    }
    free(b->p);
    *b = (struct ent_buf){.max = b->max};
}

void
ent_buf_clear(struct ent_buf *b)
{
    if (b->p != NULL && b->is_secret) {
        wipe(b->p, b->cap);
    }
    b->len = 0;
    b->failed = false;
}

static void
set_capacity(struct ent_buf *b, size_t cap)
{
    uint8_t *p;

    if (!b->is_secret) {
        b->p = ent_realloc(b->p, cap);
        b->cap = cap;
        return;
    }
    /* realloc could leave a copy of a secret behind. */
    p = ent_alloc(cap);
    if (b->p != NULL) {
        memcpy(p, b->p, b->len);
        wipe(b->p, b->cap);
        free(b->p);
    }
    b->p = p;
    b->cap = cap;
}

uint8_t *
ent_buf_grow(struct ent_buf *b, size_t len)
{
    size_t max = b->max > 0 ? b->max : ENT_BUF_MAX;
    size_t cap;
    uint8_t *at;

    ENT_ASSERT(b->len <= b->cap);
    if (b->p == NULL && len == 0) {
        set_capacity(b, 64 < max ? 64 : max);
    }
    if (b->failed || len > max || b->len > max - len) {
        b->failed = true;
        return NULL;
    }
    if (b->len + len > b->cap) {
        cap = b->cap > 0 ? b->cap : 64;
        while (cap < b->len + len) {
            cap *= 2;
        }
        set_capacity(b, cap < max ? cap : max);
    }
    at = b->p + b->len;
    b->len += len;
    return at;
}

void
ent_buf_put(struct ent_buf *b, const void *p, size_t len)
{
    uint8_t *at = len > 0 ? ent_buf_grow(b, len) : NULL;

    if (at != NULL) {
        memcpy(at, p, len);
    }
}

void
ent_buf_put_slice(struct ent_buf *b, struct ent_slice s)
{
    ent_buf_put(b, s.p, s.len);
}

void
ent_buf_put_u8(struct ent_buf *b, uint8_t v)
{
    ent_buf_put(b, &v, 1);
}

void
ent_buf_put_u16(struct ent_buf *b, uint16_t v)
{
    uint8_t raw[2];

    ent_put_u16(raw, v);
    ent_buf_put(b, raw, sizeof(raw));
}

void
ent_buf_put_u32(struct ent_buf *b, uint32_t v)
{
    uint8_t raw[4];

    ent_put_u32(raw, v);
    ent_buf_put(b, raw, sizeof(raw));
}

void
ent_buf_put_u64(struct ent_buf *b, uint64_t v)
{
    uint8_t raw[8];

    ent_put_u64(raw, v);
    ent_buf_put(b, raw, sizeof(raw));
}

void
ent_buf_drop(struct ent_buf *b, size_t len)
{
    ENT_ASSERT(len <= b->len);
    if (len > 0) {
        memmove(b->p, b->p + len, b->len - len);
        b->len -= len;
    }
}

void
ent_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void
ent_put_u32(uint8_t *p, uint32_t v)
{
    ent_put_u16(p, (uint16_t)(v >> 16));
    ent_put_u16(p + 2, (uint16_t)v);
}

void
ent_put_u64(uint8_t *p, uint64_t v)
{
    ent_put_u32(p, (uint32_t)(v >> 32));
    ent_put_u32(p + 4, (uint32_t)v);
}

uint16_t
ent_get_u16(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}

uint32_t
ent_get_u32(const uint8_t *p)
{
    return ((uint32_t)ent_get_u16(p) << 16) | ent_get_u16(p + 2);
}

uint64_t
ent_get_u64(const uint8_t *p)
{
    return ((uint64_t)ent_get_u32(p) << 32) | ent_get_u32(p + 4);
}

char *
ent_hex(char *out, const void *p, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *b = p;
    size_t i;

    for (i = 0; i < len; i++) {
        out[2 * i] = digits[b[i] >> 4];
        out[2 * i + 1] = digits[b[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

enum ent_status
ent_unhex(const char *hex, void *ret_p, size_t len)
{
    uint8_t *out = ret_p;
    size_t i;

    if (strlen(hex) != 2 * len) {
        return ENT_RULE_USAGE;
    }
    for (i = 0; i < len; i++) {
        int hi = hex_digit(hex[2 * i]);
        int lo = hex_digit(hex[2 * i + 1]);

        if (hi < 0 || lo < 0) {
            return ENT_RULE_USAGE;
        }
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return ENT_OK;
}

/* How many bytes a UTF-8 sequence that starts with `c` has; 0 if none. */
static size_t
utf8_len(uint8_t c)
{
    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xc2 && c <= 0xdf) {
        return 2;
    }
    if (c >= 0xe0 && c <= 0xef) {
        return 3;
    }
    return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

/* The second byte's range closes out overlong forms, surrogates and > U+10FFFF
 * (Unicode 15, table 3-7). */
static bool
utf8_second_ok(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return second >= 0x80 && second <= 0xbf;
    }
}

bool
ent_utf8_is_valid(struct ent_slice s)
{
    size_t i = 0;

    while (i < s.len) {
        size_t n = utf8_len(s.p[i]);
        size_t k;

        if (n == 0 || s.p[i] == 0 || n > s.len - i) {
            return false;
        }
        for (k = 1; k < n; k++) {
            bool ok = k == 1 ? utf8_second_ok(s.p[i], s.p[i + 1])
                             : (s.p[i + k] & 0xc0) == 0x80;

            if (!ok) {
                return false;
            }
        }
        i += n;
    }
    return true;
}
