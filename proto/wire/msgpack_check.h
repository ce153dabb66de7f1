/*
 * The checked pass over msgpack bytes that stands before msgpack-c.
 *
 * It refuses everything outside the strict profile (see entente/msgpack.h), so
 * that the unpacker behind it meets only lengths that are really there.
 */
#ifndef ENTENTE_WIRE_MSGPACK_CHECK_H
#define ENTENTE_WIRE_MSGPACK_CHECK_H

#include <entente/msgpack.h>

/* One element's head: what it is, how long the head is, how many bytes of
 * body follow (bin, str), how many elements (array). */
struct mp_head {
    enum ent_mp_type type;
    size_t head_len;
    size_t body_len;
    size_t count;
};

/* Reads the head at `in`; false when it is cut, not of the profile, or not
 * the shortest form. Its body may still be cut. */
ENT_MUST_USE bool mp_read_head(struct ent_slice in, struct mp_head *ret_head);

/*
 * Walks one element and everything in it; `in` is not empty and may go on
 * after it. `*ret_len` is its length, `*ret_elements` the number of array
 * elements inside at all depths, which is less than the length.
 * ENT_OK · ENT_PEER_MALFORMED · ENT_PEER_TOO_DEEP
 */
ENT_MUST_USE enum ent_status mp_check_element(struct ent_slice in,
                                              size_t *ret_len,
                                              size_t *ret_elements);

#endif
