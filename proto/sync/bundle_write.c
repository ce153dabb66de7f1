/* Writing a bundle: records into chunks. */
#include "bundle_parts.h"

#include <stdlib.h>

struct ent_bundle_writer {
    struct ent_buf *out;
    struct ent_stream stream;
    struct ent_buf plain;    /* not yet a chunk */
    struct ent_buf manifest; /* its body; the end signs it once more */
    struct ent_key sign_secret;
    struct ent_hasher runs;
    uint64_t run_count;
    bool is_ended;
};

static void
put_chunk(struct ent_bundle_writer *w, size_t len, bool is_last)
{
    uint8_t prefix[BUNDLE_LENGTH_LEN];
    uint8_t *at;

    ent_put_u32(prefix, (uint32_t)(len + ENT_STREAM_OVERHEAD) |
                            (is_last ? BUNDLE_LAST : 0));
    ent_buf_put(w->out, prefix, sizeof(prefix));
    at = ent_buf_grow(w->out, len + ENT_STREAM_OVERHEAD);
    ENT_ASSERT(at != NULL);
    ent_stream_seal(&w->stream, ENT_SLICE_OF(prefix),
                    ent_slice(w->plain.p, len), is_last, at);
    ent_buf_drop(&w->plain, len);
}

static void
put_record(struct ent_bundle_writer *w, enum bundle_record type,
           struct ent_slice a, struct ent_slice b)
{
    ENT_ASSERT(!w->is_ended);
    ent_buf_put_u8(&w->plain, (uint8_t)type);
    ent_buf_put_u32(&w->plain, (uint32_t)(a.len + b.len));
    ent_buf_put_slice(&w->plain, a);
    ent_buf_put_slice(&w->plain, b);
    ENT_ASSERT(!w->plain.failed);
    /* The last chunk is never empty: something is always kept back. */
    while (w->plain.len > ENT_BUNDLE_CHUNK_MAX) {
        put_chunk(w, ENT_BUNDLE_CHUNK_MAX, false);
    }
}

static void
put_box(struct ent_buf *header, const struct ent_key *to, struct ent_rng *rng,
        const struct ent_key *key, const uint8_t bundle_id[ENT_BUNDLE_ID_LEN])
{
    uint8_t plain[BUNDLE_BOX_PLAIN];

    memcpy(plain, key->b, ENT_KEY_LEN);
    memcpy(plain + ENT_KEY_LEN, bundle_id, ENT_BUNDLE_ID_LEN);
    ent_box(to, rng, ent_slice_str(BUNDLE_BOX_AD), ENT_SLICE_OF(plain), header);
    ent_wipe(plain, sizeof(plain));
}

static void
put_header(struct ent_bundle_writer *w, const struct ent_bundle_manifest *m,
           const struct ent_key *sealing, struct ent_rng *rng)
{
    struct ent_buf header = {0};
    uint8_t stream_header[ENT_STREAM_HEADER_LEN];
    uint8_t mac[BUNDLE_MAC_LEN];
    struct ent_key key;
    size_t i;

    ent_rng_fill(rng, &key, sizeof(key));
    ent_rng_fill(rng, stream_header, sizeof(stream_header));
    ent_buf_put(&header, bundle_magic, sizeof(bundle_magic));
    ent_buf_put_u8(&header, BUNDLE_VERSION);
    ent_buf_put_u8(&header, (uint8_t)m->receiver_count);
    ent_buf_put(&header, m->bundle_id, sizeof(m->bundle_id));
    ent_buf_put(&header, stream_header, sizeof(stream_header));
    for (i = 0; i < m->receiver_count; i++) {
        put_box(&header, &sealing[i], rng, &key, m->bundle_id);
    }
    bundle_header_mac(&key, ent_buf_slice(&header), mac);
    ent_buf_put_slice(w->out, ent_buf_slice(&header));
    ent_buf_put(w->out, mac, sizeof(mac));
    ent_stream_begin(&w->stream, &key, stream_header);
    ent_wipe(&key, sizeof(key));
    ent_buf_release(&header);
}

struct ent_bundle_writer *
ent_bundle_writer_new(const struct ent_bundle_manifest *manifest,
                      const struct ent_key *sealing,
                      const struct ent_key *sign_secret, struct ent_rng *rng,
                      struct ent_buf *out)
{
    struct ent_bundle_writer *w;
    struct ent_sig sig;

    if (manifest->receiver_count == 0 ||
        manifest->receiver_count > ENT_BUNDLE_RECEIVERS_MAX) {
        return NULL;
    }
    w = ent_alloc_zero(1, sizeof(*w));
    w->out = out;
    w->sign_secret = *sign_secret;
    ent_hasher_init(&w->runs, BUNDLE_RUNS_TAG);
    put_header(w, manifest, sealing, rng);
    bundle_manifest_encode(manifest, &w->manifest);
    ent_sign(sign_secret, BUNDLE_MANIFEST_DOMAIN, ent_buf_slice(&w->manifest),
             &sig);
    put_record(w, BUNDLE_RECORD_MANIFEST, ent_buf_slice(&w->manifest),
               ENT_SLICE_OF(sig));
    return w;
}

void
ent_bundle_put_run(struct ent_bundle_writer *w, struct ent_slice run)
{
    ENT_ASSERT(run.len > 0 && run.len <= ENT_RUN_BYTES_MAX);
    bundle_hash_run(&w->runs, run);
    w->run_count++;
    put_record(w, BUNDLE_RECORD_RUN, run, ent_slice(NULL, 0));
}

void
ent_bundle_end(struct ent_bundle_writer *w)
{
    uint8_t layout[BUNDLE_END_LAYOUT];
    struct ent_id runs;
    struct ent_sig sig;

    ent_hasher_end(&w->runs, &runs);
    bundle_end_layout(ent_buf_slice(&w->manifest), w->run_count, &runs, layout);
    ent_sign(&w->sign_secret, BUNDLE_END_DOMAIN, ENT_SLICE_OF(layout), &sig);
    put_record(w, BUNDLE_RECORD_END, ent_slice(layout + 32, 40),
               ENT_SLICE_OF(sig));
    put_chunk(w, w->plain.len, true);
    w->is_ended = true;
}

void
ent_bundle_writer_free(struct ent_bundle_writer *w)
{
    if (w == NULL) {
        return;
    }
    ent_buf_release(&w->plain);
    ent_buf_release(&w->manifest);
    ent_wipe(w, sizeof(*w));
    free(w);
}
