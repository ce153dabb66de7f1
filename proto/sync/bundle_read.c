/*
 * Reading a file of bundles.
 *
 *   HEADER ── ours ──► CHUNKS ── last chunk ──► HEADER … end of the file: DONE
 *      └──── others' ► SKIP ──── last chunk ──► HEADER
 *   any ── something wrong, or the end in the middle ──► OVER
 */
#include "bundle_parts.h"

#include <stdlib.h>

enum state { STATE_HEADER, STATE_CHUNKS, STATE_SKIP, STATE_DONE, STATE_OVER };

struct ent_bundle_reader {
    struct ent_hasher runs;
    struct ent_id node;
    struct ent_key secret;
    enum state state;
    enum ent_bundle_fault fault;
    bool is_at_end;
    bool is_hungry;    /* nothing more can be done with what is in `in` */
    bool was_ours;     /* one of the bundles so far */
    bool is_last_read; /* the last chunk is in `plain` */
    bool has_manifest;
    bool has_end;
    struct ent_buf in;
    uint64_t offset; /* of the file, where `in` begins */
    struct ent_stream stream;
    uint8_t bundle_id[ENT_BUNDLE_ID_LEN];
    size_t box_count;
    uint64_t chunk;
    struct ent_buf plain;
    size_t used; /* of `plain`: the record told last */
    struct ent_bundle_manifest manifest;
    size_t us;
    struct ent_buf body; /* of the manifest */
    uint64_t run_count;
    struct ent_slice run;
};

const char *
ent_bundle_fault_name(enum ent_bundle_fault fault)
{
    static const char *const names[] = {
        [ENT_BUNDLE_SOUND] = "sound",
        [ENT_BUNDLE_NOT_ONE] = "not-a-bundle",
        [ENT_BUNDLE_VERSION] = "newer-version",
        [ENT_BUNDLE_NOT_OURS] = "not-for-us",
        [ENT_BUNDLE_HEADER] = "altered-header",
        [ENT_BUNDLE_DAMAGED] = "damaged",
        [ENT_BUNDLE_FORGED] = "forged",
        [ENT_BUNDLE_BROKEN] = "broken",
        [ENT_BUNDLE_CUT] = "cut",
    };

    return names[fault];
}

struct ent_bundle_reader *
ent_bundle_reader_new(const struct ent_id *node,
                      const struct ent_key *sealing_secret)
{
    struct ent_bundle_reader *r = ent_alloc_zero(1, sizeof(*r));

    r->node = *node;
    r->secret = *sealing_secret;
    return r;
}

void
ent_bundle_feed(struct ent_bundle_reader *r, struct ent_slice bytes)
{
    ENT_ASSERT(bytes.len <= ENT_BUNDLE_CHUNK_MAX && !r->is_at_end);
    ent_buf_put_slice(&r->in, bytes);
    ENT_ASSERT(!r->in.failed);
}

void
ent_bundle_feed_end(struct ent_bundle_reader *r)
{
    r->is_at_end = true;
}

static enum ent_bundle_event
fail(struct ent_bundle_reader *r, enum ent_bundle_fault fault)
{
    r->state = STATE_OVER;
    r->fault = fault;
    return ENT_BUNDLE_FAULT;
}

/* More bytes, or the fault that there are none. */
static enum ent_bundle_event
want(struct ent_bundle_reader *r)
{
    r->is_hungry = true;
    return r->is_at_end ? fail(r, ENT_BUNDLE_CUT) : ENT_BUNDLE_WANT_MORE;
}

static void
drop(struct ent_bundle_reader *r, size_t len)
{
    ent_buf_drop(&r->in, len);
    r->offset += len;
}

/* ---- header ---- */

/* The key in one of the boxes; false when none is for us. */
static bool
find_key(const struct ent_bundle_reader *r, size_t count, struct ent_buf *out)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const uint8_t *box = r->in.p + BUNDLE_FIXED_LEN + i * BUNDLE_BOX_LEN;

        if (ent_unbox(&r->secret, ent_slice_str(BUNDLE_BOX_AD),
                      ent_slice(box, BUNDLE_BOX_LEN), out) == ENT_OK) {
            return true;
        }
    }
    return false;
}

/* Is the header what the sender made? `plain` is what our box held. */
static bool
header_is_good(const struct ent_bundle_reader *r, size_t len,
               const struct ent_key *key, const uint8_t *plain)
{
    uint8_t mac[BUNDLE_MAC_LEN];

    bundle_header_mac(key, ent_slice(r->in.p, len), mac);
    return memcmp(plain + ENT_KEY_LEN, r->in.p + 6, ENT_BUNDLE_ID_LEN) == 0 &&
           ent_secret_eq(mac, r->in.p + len, sizeof(mac));
}

static void
begin_bundle(struct ent_bundle_reader *r, const struct ent_key *key,
             size_t count)
{
    memcpy(r->bundle_id, r->in.p + 6, ENT_BUNDLE_ID_LEN);
    ent_stream_begin(&r->stream, key, r->in.p + 6 + ENT_BUNDLE_ID_LEN);
    ent_buf_clear(&r->plain);
    ent_buf_clear(&r->body);
    ent_hasher_init(&r->runs, BUNDLE_RUNS_TAG);
    r->box_count = count;
    r->used = 0;
    r->run_count = 0;
    r->is_last_read = false;
    r->has_manifest = false;
    r->has_end = false;
    r->was_ours = true;
    r->state = STATE_CHUNKS;
}

static enum ent_bundle_event
open_header(struct ent_bundle_reader *r, size_t count)
{
    size_t len = BUNDLE_FIXED_LEN + count * BUNDLE_BOX_LEN;
    struct ent_buf plain = {.is_secret = true};
    enum ent_bundle_event event = ENT_BUNDLE_WANT_MORE;
    struct ent_key key;

    r->chunk = 0;
    if (!find_key(r, count, &plain)) {
        r->state = STATE_SKIP;
    } else {
        memcpy(key.b, plain.p, sizeof(key.b));
        if (header_is_good(r, len, &key, plain.p)) {
            begin_bundle(r, &key, count);
        } else {
            event = fail(r, ENT_BUNDLE_HEADER);
        }
        ent_wipe(&key, sizeof(key));
    }
    ent_buf_release(&plain);
    if (r->state != STATE_OVER) {
        drop(r, len + BUNDLE_MAC_LEN);
    }
    return event;
}

/* At the end of the file, between two bundles. */
static enum ent_bundle_event
finish(struct ent_bundle_reader *r)
{
    if (r->offset == 0) {
        return fail(r, ENT_BUNDLE_NOT_ONE);
    }
    if (!r->was_ours) {
        return fail(r, ENT_BUNDLE_NOT_OURS);
    }
    r->state = STATE_DONE;
    return ENT_BUNDLE_DONE;
}

static enum ent_bundle_event
read_header(struct ent_bundle_reader *r)
{
    size_t have = r->in.len < 4 ? r->in.len : 4;
    size_t count;

    if (r->in.len == 0) {
        return r->is_at_end ? finish(r) : want(r);
    }
    if (memcmp(r->in.p, bundle_magic, have) != 0) {
        return fail(r, ENT_BUNDLE_NOT_ONE);
    }
    if (r->in.len > 4 && r->in.p[4] != BUNDLE_VERSION) {
        return fail(r, ENT_BUNDLE_VERSION);
    }
    if (r->in.len < 6) {
        return want(r);
    }
    count = r->in.p[5];
    if (count == 0 || count > ENT_BUNDLE_RECEIVERS_MAX) {
        return fail(r, ENT_BUNDLE_HEADER);
    }
    if (r->in.len <
        BUNDLE_FIXED_LEN + count * BUNDLE_BOX_LEN + BUNDLE_MAC_LEN) {
        return want(r);
    }
    return open_header(r, count);
}

/* ---- chunks ---- */

/* Is a whole chunk there? Its length is then in `*ret_len`. */
static bool
has_chunk(const struct ent_bundle_reader *r, size_t *ret_len, bool *ret_is_last,
          bool *ret_is_bad)
{
    uint32_t word;
    size_t len;
    bool is_last;

    *ret_is_bad = false;
    if (r->in.len < BUNDLE_LENGTH_LEN) {
        return false;
    }
    word = ent_get_u32(r->in.p);
    is_last = (word & BUNDLE_LAST) != 0;
    len = word & ~BUNDLE_LAST;
    /* All but the last are full. */
    *ret_is_bad = len > BUNDLE_CIPHER_MAX || len <= ENT_STREAM_OVERHEAD ||
                  (!is_last && len != BUNDLE_CIPHER_MAX);
    *ret_len = len;
    *ret_is_last = is_last;
    return !*ret_is_bad && r->in.len >= BUNDLE_LENGTH_LEN + len;
}

static enum ent_bundle_event
skip_chunk(struct ent_bundle_reader *r)
{
    size_t len;
    bool is_last;
    bool is_bad;

    if (!has_chunk(r, &len, &is_last, &is_bad)) {
        if (!r->was_ours && (is_bad || r->is_at_end)) {
            return fail(r, ENT_BUNDLE_NOT_OURS);
        }
        return is_bad ? fail(r, ENT_BUNDLE_DAMAGED) : want(r);
    }
    drop(r, BUNDLE_LENGTH_LEN + len);
    r->chunk++;
    r->state = is_last ? STATE_HEADER : STATE_SKIP;
    return ENT_BUNDLE_WANT_MORE;
}

/* Opens the next chunk into `plain`; false when there is none, or it fails. */
static bool
open_chunk(struct ent_bundle_reader *r, enum ent_bundle_event *ret_event)
{
    size_t len;
    bool is_last;
    bool is_bad;
    bool is_final = false;

    if (!has_chunk(r, &len, &is_last, &is_bad)) {
        *ret_event = is_bad ? fail(r, ENT_BUNDLE_DAMAGED) : want(r);
        return false;
    }
    if (ent_stream_open(&r->stream, ent_slice(r->in.p, BUNDLE_LENGTH_LEN),
                        ent_slice(r->in.p + BUNDLE_LENGTH_LEN, len), &r->plain,
                        &is_final) != ENT_OK) {
        *ret_event = fail(r, ENT_BUNDLE_DAMAGED);
        return false;
    }
    if (is_final != is_last) {
        *ret_event = fail(r, ENT_BUNDLE_BROKEN);
        return false;
    }
    drop(r, BUNDLE_LENGTH_LEN + len);
    r->chunk++;
    r->is_last_read = is_last;
    return true;
}

/* ---- records ---- */

static bool
find_us(struct ent_bundle_reader *r)
{
    size_t i;

    for (i = 0; i < r->manifest.receiver_count; i++) {
        if (ent_id_eq(&r->manifest.receivers[i].node, &r->node)) {
            r->us = i;
            return true;
        }
    }
    return false;
}

static enum ent_bundle_event
read_manifest(struct ent_bundle_reader *r, struct ent_slice bytes)
{
    struct ent_slice body;
    struct ent_sig sig;

    if (r->has_manifest || bytes.len < ENT_SIG_LEN) {
        return fail(r, ENT_BUNDLE_BROKEN);
    }
    body = ent_slice(bytes.p, bytes.len - ENT_SIG_LEN);
    memcpy(sig.b, bytes.p + body.len, sizeof(sig.b));
    if (!bundle_manifest_decode(body, &r->manifest)) {
        return fail(r, ENT_BUNDLE_BROKEN);
    }
    if (!ent_verify(&r->manifest.sender, BUNDLE_MANIFEST_DOMAIN, body, &sig) ||
        memcmp(r->manifest.bundle_id, r->bundle_id, sizeof(r->bundle_id)) !=
            0 ||
        r->manifest.receiver_count != r->box_count) {
        return fail(r, ENT_BUNDLE_FORGED);
    }
    if (!find_us(r)) {
        return fail(r, ENT_BUNDLE_NOT_OURS);
    }
    ent_buf_put_slice(&r->body, body);
    r->has_manifest = true;
    return ENT_BUNDLE_MANIFEST;
}

static enum ent_bundle_event
read_run(struct ent_bundle_reader *r, struct ent_slice bytes)
{
    if (!r->has_manifest || r->has_end || bytes.len == 0) {
        return fail(r, ENT_BUNDLE_BROKEN);
    }
    bundle_hash_run(&r->runs, bytes);
    r->run_count++;
    r->run = bytes;
    return ENT_BUNDLE_RUN;
}

static enum ent_bundle_event
read_end(struct ent_bundle_reader *r, struct ent_slice bytes)
{
    uint8_t layout[BUNDLE_END_LAYOUT];
    struct ent_id runs;
    struct ent_sig sig;

    if (!r->has_manifest || r->has_end || bytes.len != BUNDLE_END_LEN) {
        return fail(r, ENT_BUNDLE_BROKEN);
    }
    ent_hasher_end(&r->runs, &runs);
    bundle_end_layout(ent_buf_slice(&r->body), r->run_count, &runs, layout);
    memcpy(sig.b, bytes.p + 40, sizeof(sig.b));
    if (memcmp(bytes.p, layout + 32, 40) != 0 ||
        !ent_verify(&r->manifest.sender, BUNDLE_END_DOMAIN,
                    ENT_SLICE_OF(layout), &sig)) {
        return fail(r, ENT_BUNDLE_FORGED);
    }
    r->has_end = true;
    return ENT_BUNDLE_WANT_MORE;
}

/* A record of a type that we do not know, below 0x40, is skipped. */
static enum ent_bundle_event
read_record(struct ent_bundle_reader *r, uint8_t type, struct ent_slice bytes)
{
    switch (type) {
    case BUNDLE_RECORD_MANIFEST:
        return read_manifest(r, bytes);
    case BUNDLE_RECORD_RUN:
        return read_run(r, bytes);
    case BUNDLE_RECORD_END:
        return read_end(r, bytes);
    default:
        return type < 0x40 ? ENT_BUNDLE_WANT_MORE : fail(r, ENT_BUNDLE_VERSION);
    }
}

static enum ent_bundle_event
end_bundle(struct ent_bundle_reader *r)
{
    if (r->plain.len > 0 || !r->has_end) {
        return fail(r, ENT_BUNDLE_BROKEN);
    }
    r->state = STATE_HEADER;
    return ENT_BUNDLE_WHOLE;
}

static enum ent_bundle_event
read_chunks(struct ent_bundle_reader *r)
{
    enum ent_bundle_event event;
    uint32_t len;

    ent_buf_drop(&r->plain, r->used);
    r->used = 0;
    for (;;) {
        len =
            r->plain.len < BUNDLE_RECORD_LEN ? 0 : ent_get_u32(r->plain.p + 1);
        if (len > ENT_RUN_BYTES_MAX) {
            return fail(r, ENT_BUNDLE_BROKEN);
        }
        if (r->plain.len >= BUNDLE_RECORD_LEN + (size_t)len) {
            r->used = BUNDLE_RECORD_LEN + (size_t)len;
            return read_record(r, r->plain.p[0],
                               ent_slice(r->plain.p + BUNDLE_RECORD_LEN, len));
        }
        if (r->is_last_read) {
            return end_bundle(r);
        }
        if (!open_chunk(r, &event)) {
            return event;
        }
    }
}

/* One step; WANT_MORE without hunger means that it can go on at once. */
static enum ent_bundle_event
step(struct ent_bundle_reader *r)
{
    switch (r->state) {
    case STATE_HEADER:
        return read_header(r);
    case STATE_CHUNKS:
        return read_chunks(r);
    case STATE_SKIP:
        return skip_chunk(r);
    case STATE_DONE:
        return ENT_BUNDLE_DONE;
    case STATE_OVER:
        break;
    }
    return ENT_BUNDLE_FAULT;
}

enum ent_bundle_event
ent_bundle_next(struct ent_bundle_reader *r)
{
    enum ent_bundle_event event;

    r->is_hungry = false;
    do {
        event = step(r);
    } while (event == ENT_BUNDLE_WANT_MORE && !r->is_hungry);
    return event;
}

const struct ent_bundle_manifest *
ent_bundle_manifest_of(const struct ent_bundle_reader *r,
                       const struct ent_bundle_receiver **ret_us)
{
    ENT_ASSERT(r->has_manifest);
    *ret_us = &r->manifest.receivers[r->us];
    return &r->manifest;
}

struct ent_slice
ent_bundle_run(const struct ent_bundle_reader *r)
{
    return r->run;
}

enum ent_bundle_fault
ent_bundle_why(const struct ent_bundle_reader *r, uint64_t *ret_chunk,
               uint64_t *ret_offset)
{
    if (ret_chunk != NULL) {
        *ret_chunk = r->chunk;
    }
    if (ret_offset != NULL) {
        *ret_offset = r->offset;
    }
    return r->fault;
}

void
ent_bundle_reader_free(struct ent_bundle_reader *r)
{
    if (r == NULL) {
        return;
    }
    ent_buf_release(&r->in);
    ent_buf_release(&r->plain);
    ent_buf_release(&r->body);
    ent_wipe(r, sizeof(*r));
    free(r);
}
