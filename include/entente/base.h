/*
 * The words every module speaks: a borrowed slice, an owned and capped
 * buffer, a 32-byte id, fixed-layout integers, and the two ways of stopping.
 *
 * A `slice` is always borrowed and a `buf` is always owned; a function never
 * frees what it was lent. Memory that cannot be had stops the process
 * (docs/adr/0001): the start-up path is the recovery path.
 */
#ifndef ENTENTE_BASE_H
#define ENTENTE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <entente/status.h>

/* Stops the process with a message: our own invariant is broken. Stays on in
 * release builds. Never use it on anything that came from outside. */
#define ENT_ASSERT(cond)                                                       \
    ((cond) ? (void)0 : ent_panic(#cond, __FILE__, __LINE__))

__attribute__((noreturn)) void ent_panic(const char *what, const char *file,
                                         int line);

/* malloc, calloc and realloc that never return NULL: out of memory panics.
 * Returns owned; free with free(). */
void *ent_alloc(size_t len);
void *ent_alloc_zero(size_t count, size_t size);
void *ent_realloc(void *ptr, size_t len);

/* 32 bytes that name something: a node (its Ed25519 key), a space, an entry,
 * an epoch, or a hash. */
struct ent_id {
    uint8_t b[32];
};

static inline bool
ent_id_eq(const struct ent_id *a, const struct ent_id *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline int
ent_id_cmp(const struct ent_id *a, const struct ent_id *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

bool ent_id_is_zero(const struct ent_id *id);

/* Borrowed bytes. `p` may be NULL only when `len` is 0. */
struct ent_slice {
    const uint8_t *p;
    size_t len;
};

static inline struct ent_slice
ent_slice(const void *p, size_t len)
{
    return (struct ent_slice){p, len};
}

/* The bytes of a C string without its NUL. */
struct ent_slice ent_slice_str(const char *s);

#define ENT_SLICE_OF(obj) ent_slice(&(obj), sizeof(obj))

static inline bool
ent_slice_eq(struct ent_slice a, struct ent_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/*
 * Owned, growing bytes. Zeroed is a valid empty buffer. Growth past `max`
 * (0 means ENT_BUF_MAX of limits.h) makes it `failed`: every later write is a
 * no-op and the caller checks once at the end. The contents are wiped when
 * released if `is_secret`.
 */
struct ent_buf {
    uint8_t *p;
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
    bool is_secret;
};

void ent_buf_init(struct ent_buf *b, size_t max);
void ent_buf_release(struct ent_buf *b); /* frees; zeroed afterwards */
void ent_buf_clear(struct ent_buf *b);   /* empties; keeps the memory */
void ent_buf_put(struct ent_buf *b, const void *p, size_t len);
void ent_buf_put_slice(struct ent_buf *b, struct ent_slice s);
void ent_buf_put_u8(struct ent_buf *b, uint8_t v);
void ent_buf_put_u16(struct ent_buf *b, uint16_t v); /* big endian */
void ent_buf_put_u32(struct ent_buf *b, uint32_t v);
void ent_buf_put_u64(struct ent_buf *b, uint64_t v);
/* Appends `len` uninitialised bytes and returns where they start (borrowed
 * until the next write), or NULL when the cap is reached. */
uint8_t *ent_buf_grow(struct ent_buf *b, size_t len);
/* Drops the first `len` bytes. */
void ent_buf_drop(struct ent_buf *b, size_t len);

static inline struct ent_slice
ent_buf_slice(const struct ent_buf *b)
{
    return ent_slice(b->p, b->len);
}

/* Fixed layouts are big endian. */
void ent_put_u16(uint8_t *p, uint16_t v);
void ent_put_u32(uint8_t *p, uint32_t v);
void ent_put_u64(uint8_t *p, uint64_t v);
uint16_t ent_get_u16(const uint8_t *p);
uint32_t ent_get_u32(const uint8_t *p);
uint64_t ent_get_u64(const uint8_t *p);

/* Lower-case hex. `out` takes 2 * len + 1 bytes. Returns `out`. */
char *ent_hex(char *out, const void *p, size_t len);
/* Reads exactly `len` bytes from 2 * len hex digits (either case).
 * ENT_RULE_USAGE when `hex` is of another length or holds another digit. */
ENT_MUST_USE enum ent_status ent_unhex(const char *hex, void *ret_p,
                                       size_t len);
/* Is it well-formed UTF-8 without NUL? */
bool ent_utf8_is_valid(struct ent_slice s);

#endif
