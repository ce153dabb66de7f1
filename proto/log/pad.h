/*
 * Padding of plaintexts: one mark byte and zeros, up to a size that tells only
 * a bucket (Padmé, with a smallest size). The reader accepts exactly what the
 * writer makes, so padding carries nothing.
 */
#ifndef PROTO_LOG_PAD_H
#define PROTO_LOG_PAD_H

#include <entente/base.h>

/* The padded size of `len` bytes, at least `min`. */
size_t pad_len(size_t len, size_t min);

/* Appends `plain` and its padding to `out`. */
void pad_put(struct ent_buf *out, struct ent_slice plain, size_t min);

/* The length without padding of the `len` bytes at `p`; false when the padding
 * is not exactly what pad_put() makes. */
bool pad_strip(const uint8_t *p, size_t len, size_t min, size_t *ret_len);

#endif
