/*
 * The msgpack door: the only module that includes msgpack-c.
 *
 * The strict profile of docs/protocol.md: arrays only where a structure is
 * meant, shortest integers, bin for bytes, str for UTF-8, nil for "absent";
 * no floats, ext, maps, booleans or trailing bytes, depth at most 8. A checked
 * pass over lengths and depth runs before msgpack-c sees a byte, because five
 * bytes of input can make its unpacker reserve gigabytes.
 */
#ifndef ENTENTE_MSGPACK_H
#define ENTENTE_MSGPACK_H

#include <entente/base.h>

/* Writing: append to a buffer; the buffer's sticky failure is the error. */
void ent_mp_put_array(struct ent_buf *b, size_t count);
void ent_mp_put_uint(struct ent_buf *b, uint64_t v);
void ent_mp_put_int(struct ent_buf *b, int64_t v);
void ent_mp_put_bin(struct ent_buf *b, struct ent_slice s);
void ent_mp_put_str(struct ent_buf *b, struct ent_slice s);
void ent_mp_put_cstr(struct ent_buf *b, const char *s);
void ent_mp_put_nil(struct ent_buf *b);

/*
 * Reading: a cursor with a sticky error. After the first failure every
 * further read is a no-op that returns zero, and ent_mp_end() tells what it
 * was. Slices are borrowed from the input.
 */
enum ent_mp_type {
    ENT_MP_NONE, /* no element left here, or the reader has failed */
    ENT_MP_NIL,
    ENT_MP_UINT,
    ENT_MP_INT, /* negative */
    ENT_MP_BIN,
    ENT_MP_STR,
    ENT_MP_ARRAY,
};

struct ent_mp; /* one parsed document */

/* Checks and parses `input`, which must outlive the reader. Never NULL; a
 * refused input yields a reader that has failed. Returns owned: free with
 * ent_mp_end(). */
struct ent_mp *ent_mp_begin(struct ent_slice input);
/* Frees the reader. ENT_OK only when every element was read;
 * ENT_PEER_MALFORMED, ENT_PEER_TOO_BIG or ENT_PEER_TOO_DEEP otherwise. */
ENT_MUST_USE enum ent_status ent_mp_end(struct ent_mp *r);

enum ent_mp_type ent_mp_peek(const struct ent_mp *r);
bool ent_mp_has_failed(const struct ent_mp *r);
/* Marks the reader as failed (a value that the caller does not allow). */
void ent_mp_fail(struct ent_mp *r, enum ent_status st);

/* Enters an array of `min` to `max` elements and returns how many it has;
 * leave it, with every element read, by ent_mp_leave(). */
size_t ent_mp_enter(struct ent_mp *r, size_t min, size_t max);
void ent_mp_leave(struct ent_mp *r);
/* Elements not yet read in the array that the reader is in. */
size_t ent_mp_left(const struct ent_mp *r);
/* Skips whatever is left in this array (room for later versions). */
void ent_mp_skip_rest(struct ent_mp *r);

uint64_t ent_mp_uint(struct ent_mp *r, uint64_t max);
int64_t ent_mp_int(struct ent_mp *r);
struct ent_slice ent_mp_bin(struct ent_mp *r, size_t min, size_t max);
struct ent_slice ent_mp_str(struct ent_mp *r, size_t max);
/* A bin of exactly `len` bytes, copied out; zeroed on failure. */
void ent_mp_fixed(struct ent_mp *r, void *ret_p, size_t len);
void ent_mp_id(struct ent_mp *r, struct ent_id *ret_id);
/* Consumes a nil if one is next: true then. */
bool ent_mp_nil(struct ent_mp *r);
/* The encoded bytes of the next element, whatever it is, as they stand in
 * the input (borrowed), consumed. */
struct ent_slice ent_mp_raw(struct ent_mp *r);

#endif
