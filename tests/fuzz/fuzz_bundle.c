/* Bundles. The first byte mod 3: 0, a file as it came; 1, records behind a
 * good manifest, sealed as one chunk by somebody who has the key; 2, a
 * manifest's body. */
#include "fuzz/fuzz.h"
#include "sync/bundle_parts.h"

#include <stdlib.h>

#define PLAIN_MAX 60000u

static const struct ent_key sign_secret = {{0x42}};

static void
fill(void *p, uint8_t first, size_t len)
{
    uint8_t *b = p;
    size_t i;

    for (i = 0; i < len; i++) {
        b[i] = (uint8_t)(first + i);
    }
}

/* The second receiver of tests/vectors/bundle/two-receivers. */
static struct ent_bundle_reader *
reader(void)
{
    struct ent_key secret;
    struct ent_id node;

    fill(&secret, 0x51, sizeof(secret));
    fill(&node, 0x61, sizeof(node));
    return ent_bundle_reader_new(&node, &secret);
}

/* Reads to the end; returns how many whole bundles there were. */
static unsigned
read_all(struct ent_slice file)
{
    struct ent_bundle_reader *r = reader();
    const struct ent_bundle_receiver *us;
    bool has_manifest = false;
    unsigned wholes = 0;
    size_t at = 0;

    for (;;) {
        enum ent_bundle_event event = ent_bundle_next(r);
        size_t len = file.len - at;

        if (event == ENT_BUNDLE_DONE) {
            ENT_ASSERT(wholes > 0);
            break;
        }
        if (event == ENT_BUNDLE_FAULT) {
            ENT_ASSERT(ent_bundle_why(r, NULL, NULL) != ENT_BUNDLE_SOUND);
            break;
        }
        if (event == ENT_BUNDLE_WANT_MORE && len == 0) {
            ent_bundle_feed_end(r);
        } else if (event == ENT_BUNDLE_WANT_MORE) {
            len = len < 4096 ? len : 4096;
            ent_bundle_feed(r, ent_slice(file.p + at, len));
            at += len;
        }
        has_manifest |= event == ENT_BUNDLE_MANIFEST;
        wholes += event == ENT_BUNDLE_WHOLE;
        ENT_ASSERT(event != ENT_BUNDLE_RUN || has_manifest);
        if (event == ENT_BUNDLE_MANIFEST) {
            ENT_ASSERT(ent_bundle_manifest_of(r, &us)->receiver_count > 0);
        }
    }
    ent_bundle_reader_free(r);
    return wholes;
}

static void
put_record(struct ent_buf *out, enum bundle_record type, struct ent_slice a,
           struct ent_slice b)
{
    ent_buf_put_u8(out, (uint8_t)type);
    ent_buf_put_u32(out, (uint32_t)(a.len + b.len));
    ent_buf_put_slice(out, a);
    ent_buf_put_slice(out, b);
}

static void
put_header(struct ent_buf *out, const struct ent_bundle_manifest *m,
           const struct ent_key *key)
{
    uint8_t plain[BUNDLE_BOX_PLAIN];
    uint8_t mac[BUNDLE_MAC_LEN];
    uint8_t stream[ENT_STREAM_HEADER_LEN] = {0};
    struct ent_rng rng = {{{7}}};
    struct ent_key secret;
    struct ent_key to;

    fill(&secret, 0x51, sizeof(secret));
    ent_dh_public(&secret, &to);
    memcpy(plain, key->b, ENT_KEY_LEN);
    memcpy(plain + ENT_KEY_LEN, m->bundle_id, ENT_BUNDLE_ID_LEN);
    ent_buf_put(out, bundle_magic, sizeof(bundle_magic));
    ent_buf_put_u8(out, BUNDLE_VERSION);
    ent_buf_put_u8(out, 1);
    ent_buf_put(out, m->bundle_id, sizeof(m->bundle_id));
    ent_buf_put(out, stream, sizeof(stream));
    ent_box(&to, &rng, ent_slice_str(BUNDLE_BOX_AD), ENT_SLICE_OF(plain), out);
    bundle_header_mac(key, ent_buf_slice(out), mac);
    ent_buf_put(out, mac, sizeof(mac));
}

/* Nobody but the sender can end it, whatever is between. */
static void
check_records(struct ent_slice records)
{
    static const uint8_t stream_header[ENT_STREAM_HEADER_LEN];
    struct ent_bundle_manifest m = {.receiver_count = 1};
    struct ent_key key = {{9}};
    struct ent_stream stream;
    struct ent_buf body = {0};
    struct ent_buf plain = {0};
    struct ent_buf file = {0};
    struct ent_sig sig;
    uint8_t prefix[4];
    uint8_t *at;

    fill(&m.receivers[0].node, 0x61, 32);
    ent_sign_public(&sign_secret, &m.sender);
    bundle_manifest_encode(&m, &body);
    ent_sign(&sign_secret, BUNDLE_MANIFEST_DOMAIN, ent_buf_slice(&body), &sig);
    put_record(&plain, BUNDLE_RECORD_MANIFEST, ent_buf_slice(&body),
               ENT_SLICE_OF(sig));
    ent_buf_put_slice(&plain, records);
    put_header(&file, &m, &key);
    ent_put_u32(prefix,
                BUNDLE_LAST | (uint32_t)(plain.len + ENT_STREAM_OVERHEAD));
    ent_buf_put(&file, prefix, sizeof(prefix));
    at = ent_buf_grow(&file, plain.len + ENT_STREAM_OVERHEAD);
    ENT_ASSERT(at != NULL);
    ent_stream_begin(&stream, &key, stream_header);
    ent_stream_seal(&stream, ENT_SLICE_OF(prefix), ent_buf_slice(&plain), true,
                    at);
    ENT_ASSERT(read_all(ent_buf_slice(&file)) == 0);
    ent_buf_release(&body);
    ent_buf_release(&plain);
    ent_buf_release(&file);
}

/* One manifest has one body. */
static void
check_body(struct ent_slice in)
{
    struct ent_bundle_manifest m;
    struct ent_buf again = {0};

    if (bundle_manifest_decode(in, &m)) {
        bundle_manifest_encode(&m, &again);
        ENT_ASSERT(ent_slice_eq(ent_buf_slice(&again), in));
    }
    ent_buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ent_slice rest;

    if (size == 0) {
        return 0;
    }
    rest = ent_slice(data + 1, size - 1 < PLAIN_MAX ? size - 1 : PLAIN_MAX);
    if (data[0] % 3 == 0) {
        (void)read_all(rest);
    } else if (data[0] % 3 == 1) {
        check_records(rest);
    } else {
        check_body(rest);
    }
    return 0;
}
