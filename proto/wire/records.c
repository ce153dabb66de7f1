/*
 * Records: buckets, writing, reading. A whole record is opened straight from
 * the caller's bytes; only one that was cut is copied, as far as it came.
 */
#include "wire/records.h"

#include <entente/limits.h>

#define BUCKET_STEP 256u
#define BUCKET_SMALL_MAX 4096u
#define BUCKET_MIDDLE 16384u
#define KEEP_CAPACITY 16384u /* an idle link holds no more than this */

_Static_assert(ENT_RECORD_MAX <= UINT16_MAX, "the length is a u16");
_Static_assert(ENT_RECORD_MAX - RECORD_OVERHEAD <= UINT16_MAX,
               "the inner length is a u16");

/* ---- buckets ---- */

size_t
record_bucket(size_t body_len)
{
    size_t len =
        body_len < ENT_RECORD_MAX ? body_len + RECORD_OVERHEAD : ENT_RECORD_MAX;

    if (len <= BUCKET_SMALL_MAX) {
        return (len + BUCKET_STEP - 1) / BUCKET_STEP * BUCKET_STEP;
    }
    /* The largest bucket that is filled to 7/8 at least: bulk fills its
     * records, and no message grows by more than an eighth and a step. */
    if (len >= ENT_RECORD_MAX - ENT_RECORD_MAX / 8) {
        return ENT_RECORD_MAX;
    }
    if (len >= BUCKET_MIDDLE - BUCKET_MIDDLE / 8) {
        return BUCKET_MIDDLE;
    }
    return BUCKET_SMALL_MAX;
}

/* PROTO §4.2: "a multiple of 256 up to 4096, or 16384, or 65535" */
bool
record_len_is_valid(size_t len)
{
    if (len == BUCKET_MIDDLE || len == ENT_RECORD_MAX) {
        return true;
    }
    return len > 0 && len <= BUCKET_SMALL_MAX && len % BUCKET_STEP == 0;
}

/* PROTO §4.2: "After every 1,024 records of a direction its key becomes Noise's
 * `REKEY` of it; the counter goes on." Counts a record; after the last one of a
 * key makes the next key. */
static void
count_record(struct noise_cipher *cipher, uint32_t *since_rekey)
{
    ENT_ASSERT(*since_rekey < ENT_REKEY_RECORDS);
    if (++*since_rekey == ENT_REKEY_RECORDS) {
        noise_cipher_rekey(cipher);
        *since_rekey = 0;
    }
}

/* ---- writing ---- */

enum ent_status
record_write(struct record_writer *w, uint8_t type, struct ent_slice body,
             struct ent_buf *out)
{
    size_t done = 0;
    size_t bucket, room, len;
    uint8_t *at, *plain;

    ENT_ASSERT(type <= RECORD_TYPE_MAX && body.len <= ENT_MESSAGE_MAX);
    do {
        bucket = record_bucket(body.len - done);
        room = bucket - RECORD_OVERHEAD;
        len = body.len - done < room ? body.len - done : room;
        at = ent_buf_grow(out, RECORD_PREFIX_LEN + bucket);
        if (at == NULL) {
            return ENT_PEER_FLOOD;
        }
        ent_put_u16(at, (uint16_t)bucket);
        plain = at + RECORD_PREFIX_LEN;
        plain[0] = type;
        plain[1] = done + len < body.len ? RECORD_FLAG_MORE : 0;
        ent_put_u16(plain + 2, (uint16_t)len);
        if (len > 0) {
            memcpy(plain + RECORD_HEAD_LEN, body.p + done, len);
        }
        memset(plain + RECORD_HEAD_LEN + len, 0, room - len);
        if (!noise_cipher_seal(&w->cipher, ent_slice(NULL, 0),
                               ent_slice(plain, bucket - ENT_TAG_LEN), plain)) {
            return ENT_PEER_DECRYPT;
        }
        count_record(&w->cipher, &w->since_rekey);
        done += len;
    } while (done < body.len);
    return ENT_OK;
}

/* ---- reading ---- */

void
record_reader_init(struct record_reader *r)
{
    *r = (struct record_reader){.since_rekey = 0};
    ent_buf_init(&r->raw, RECORD_PREFIX_LEN + ENT_RECORD_MAX);
    ent_buf_init(&r->plain, ENT_RECORD_MAX);
    ent_buf_init(&r->message, ENT_MESSAGE_MAX);
}

void
record_reader_release(struct record_reader *r)
{
    ent_buf_release(&r->raw);
    ent_buf_release(&r->plain);
    ent_buf_release(&r->message);
    ent_wipe(&r->cipher, sizeof(r->cipher));
}

static void
reset(struct ent_buf *b)
{
    if (b->cap > KEEP_CAPACITY) {
        ent_buf_release(b);
    } else {
        ent_buf_clear(b);
    }
}

/* The first whole record at the front of what is kept and `in`: its
 * ciphertext, or an empty slice when more bytes are needed. */
static enum ent_status
gather(struct record_reader *r, struct ent_slice in, size_t *ret_used,
       struct ent_slice *ret_cipher)
{
    struct ent_slice seen = r->raw.len > 0 ? ent_buf_slice(&r->raw) : in;
    size_t used = 0;
    size_t want = RECORD_PREFIX_LEN;
    size_t part;

    *ret_cipher = ent_slice(NULL, 0);
    for (;;) {
        if (seen.len >= RECORD_PREFIX_LEN) {
            want = RECORD_PREFIX_LEN + ent_get_u16(seen.p);
            if (!record_len_is_valid(want - RECORD_PREFIX_LEN)) {
                return ENT_PEER_MALFORMED;
            }
        }
        if (seen.len >= want && want > RECORD_PREFIX_LEN) {
            break;
        }
        /* Kept as far as it came: nothing is sized by the length. */
        part = want - r->raw.len;
        part = part < in.len - used ? part : in.len - used;
        if (part == 0) {
            *ret_used = used;
            return ENT_OK;
        }
        ent_buf_put(&r->raw, in.p + used, part);
        ENT_ASSERT(!r->raw.failed);
        used += part;
        seen = ent_buf_slice(&r->raw);
    }
    *ret_used = r->raw.len > 0 ? used : want;
    *ret_cipher =
        ent_slice(seen.p + RECORD_PREFIX_LEN, want - RECORD_PREFIX_LEN);
    return ENT_OK;
}

static enum ent_status
open_record(struct record_reader *r, struct ent_slice cipher)
{
    uint8_t *plain;

    ent_buf_clear(&r->plain);
    plain = ent_buf_grow(&r->plain, cipher.len - ENT_TAG_LEN);
    ENT_ASSERT(plain != NULL);
    if (!noise_cipher_open(&r->cipher, ent_slice(NULL, 0), cipher, plain)) {
        return ENT_PEER_DECRYPT;
    }
    count_record(&r->cipher, &r->since_rekey);
    return ENT_OK;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
    uint8_t all = 0;

    for (size_t i = 0; i < len; i++) {
        all = (uint8_t)(all | p[i]);
    }
    return all == 0;
}

/* Checks the opened record and adds it to the message. */
static enum ent_status
take_record(struct record_reader *r, struct record_message *ret_message)
{
    const uint8_t *p = r->plain.p;
    size_t room = r->plain.len - RECORD_HEAD_LEN;
    size_t len = ent_get_u16(p + 2);
    bool has_more = (p[1] & RECORD_FLAG_MORE) != 0;
    struct ent_slice body;

    if (p[0] > RECORD_TYPE_MAX || (p[1] & ~RECORD_FLAG_MORE) != 0 ||
        len > room || !is_zero(p + RECORD_HEAD_LEN + len, room - len)) {
        return ENT_PEER_MALFORMED;
    }
    /* Pieces without content would be a message without end. */
    if ((r->is_inside && p[0] != r->type) ||
        (len == 0 && (has_more || r->is_inside))) {
        return ENT_PEER_MALFORMED;
    }
    if (r->message.len + len > ENT_MESSAGE_MAX) {
        return ENT_PEER_TOO_BIG;
    }
    body = ent_slice(p + RECORD_HEAD_LEN, len);
    if (has_more || r->is_inside) {
        ent_buf_put_slice(&r->message, body);
        ENT_ASSERT(!r->message.failed);
        body = ent_buf_slice(&r->message);
    }
    r->type = p[0];
    r->is_inside = has_more;
    ret_message->is_whole = !has_more;
    if (!has_more) {
        ret_message->type = r->type;
        ret_message->body = body;
    }
    return ENT_OK;
}

/*~ 3/14 Here the link's ciphertext becomes plain. No buffer is sized by a
 * length that somebody merely claims: what is kept is what came. Padding must
 * be zeros to its end, or it could carry words that nobody sees. When the last
 * piece is in, a message leaves for exchange.c, on_message. */
enum ent_status
record_read(struct record_reader *r, struct ent_slice in, size_t *ret_used,
            struct record_message *ret_message)
{
    size_t used = 0;
    size_t part = 0;
    struct ent_slice cipher;
    enum ent_status st;

    *ret_message = (struct record_message){.is_whole = false};
    reset(&r->plain);
    if (!r->is_inside) {
        reset(&r->message);
    }
    if (in.len == 0) {
        *ret_used = 0;
        return ENT_OK;
    }
    do {
        st = gather(r, ent_slice(in.p + used, in.len - used), &part, &cipher);
        if (st != ENT_OK) {
            return st;
        }
        used += part;
        if (cipher.len == 0) {
            break;
        }
        st = open_record(r, cipher);
        reset(&r->raw);
        if (st == ENT_OK) {
            st = take_record(r, ret_message);
        }
        if (st != ENT_OK) {
            return st;
        }
    } while (!ret_message->is_whole);
    *ret_used = used;
    return ENT_OK;
}
