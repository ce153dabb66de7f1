/*
 * Records: messages of up to 1 MiB, cut into encrypted pieces whose sizes
 * come from a short list, so that a length on the wire tells only its bucket.
 *
 *   u16 length || ciphertext       length is that of the ciphertext
 *   inside: type u8, flags u8 (bit 0: more follows), length u16,
 *           bytes, zeros up to the bucket, checked
 *
 * Stands between the finished handshake (wire/noise) and wire/link. The two
 * directions are independent; each rekeys after every 1,024th record.
 */
#ifndef ENTENTE_WIRE_RECORDS_H
#define ENTENTE_WIRE_RECORDS_H

#include "wire/noise.h"

#define RECORD_PREFIX_LEN 2u
#define RECORD_HEAD_LEN 4u
#define RECORD_OVERHEAD (RECORD_HEAD_LEN + ENT_TAG_LEN)
#define RECORD_TYPE_MAX 0x7fu
#define RECORD_FLAG_MORE 0x01u

struct record_writer {
    struct noise_cipher cipher;
    uint32_t since_rekey; /* records */
};

/* `raw` holds a record only while it is incomplete; `plain` the last opened
 * record; `message` the pieces of a message of several records. */
struct record_reader {
    struct noise_cipher cipher;
    uint32_t since_rekey;
    struct ent_buf raw;
    struct ent_buf plain;
    struct ent_buf message;
    bool is_inside; /* a message has begun and more follows */
    uint8_t type;   /* … of this type */
};

/* The ciphertext length for a record with `body_len` bytes still to send; it
 * may hold fewer. */
size_t record_bucket(size_t body_len);
/* Is it one of the lengths that a record may have? */
bool record_len_is_valid(size_t len);

/*
 * Appends one message to `out` as records.
 * ENT_OK · ENT_PEER_DECRYPT (the counter is used up; never in practice) ·
 * ENT_PEER_FLOOD (`out` is full). After an error the direction is unusable.
 */
ENT_MUST_USE enum ent_status record_write(struct record_writer *w, uint8_t type,
                                          struct ent_slice body,
                                          struct ent_buf *out);

/* What record_read found; `body` is borrowed until its next call. */
struct record_message {
    bool is_whole; /* false: more bytes are needed */
    uint8_t type;
    struct ent_slice body;
};

void record_reader_init(struct record_reader *r);
void record_reader_release(struct record_reader *r); /* wipes the key */

/*
 * Takes bytes up to the end of the first whole message; `*ret_used` says how
 * many.
 * ENT_OK · ENT_PEER_DECRYPT · ENT_PEER_MALFORMED (length, type, flags,
 * padding) · ENT_PEER_TOO_BIG (message over ENT_MESSAGE_MAX). After an error
 * the direction is unusable.
 */
ENT_MUST_USE enum ent_status record_read(struct record_reader *r,
                                         struct ent_slice in, size_t *ret_used,
                                         struct record_message *ret_message);

#endif
