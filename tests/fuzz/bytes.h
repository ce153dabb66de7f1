/*
 * A cursor over a fuzzer's bytes, for targets that build something out of
 * them: past the end everything reads as zero, so every input means something.
 */
#ifndef TESTS_FUZZ_BYTES_H
#define TESTS_FUZZ_BYTES_H

#include <entente/base.h>

struct bytes {
    const uint8_t *p;
    size_t left;
};

/* The next `max` bytes, or as many as there are; borrowed. */
static inline struct ent_slice
bytes_take(struct bytes *b, size_t max)
{
    size_t len = max < b->left ? max : b->left;
    struct ent_slice s = ent_slice(b->p, len);

    if (len > 0) {
        b->p += len;
        b->left -= len;
    }
    return s;
}

static inline uint64_t
bytes_number(struct bytes *b, size_t len)
{
    struct ent_slice s = bytes_take(b, len);
    uint64_t v = 0;
    size_t i;

    for (i = 0; i < s.len; i++) {
        v = v << 8 | s.p[i];
    }
    return v;
}

static inline uint8_t
bytes_u8(struct bytes *b)
{
    return (uint8_t)bytes_number(b, 1);
}

static inline uint16_t
bytes_u16(struct bytes *b)
{
    return (uint16_t)bytes_number(b, 2);
}

/* One of `count` ids; number 0 is not among them, so none is zero. */
static inline struct ent_id
bytes_id(struct bytes *b, uint8_t count)
{
    struct ent_id id;

    memset(id.b, bytes_u8(b) % count + 1, sizeof(id.b));
    return id;
}

#endif
