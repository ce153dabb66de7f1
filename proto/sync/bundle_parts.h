/*
 * The parts of a bundle that its writer and its reader share.
 *
 *   header = "ENTB" · version 1 · receivers 1 · bundle id 16 · stream header 24
 *            · box 96 each · mac 32
 *   chunk  = last << 31 | length 4 · ciphertext of secretstream; the 4 bytes
 *            are its associated data
 *   inside, over all chunks: record = type 1 · length 4 · bytes
 *
 * A box holds the stream key and the bundle id. Records: the manifest, then
 * runs, then the end, which signs how many runs there were and their hash, so
 * that who holds the key cannot leave any out.
 */
#ifndef ENTENTE_PROTO_SYNC_BUNDLE_PARTS_H
#define ENTENTE_PROTO_SYNC_BUNDLE_PARTS_H

#include <entente/bundle.h>

#define BUNDLE_VERSION 1u
#define BUNDLE_FIXED_LEN (4u + 1u + 1u + ENT_BUNDLE_ID_LEN + 24u)
#define BUNDLE_BOX_PLAIN (ENT_KEY_LEN + ENT_BUNDLE_ID_LEN)
#define BUNDLE_BOX_LEN (BUNDLE_BOX_PLAIN + ENT_BOX_OVERHEAD)
#define BUNDLE_MAC_LEN 32u
#define BUNDLE_BOX_AD "entente/bundle-box/1"

#define BUNDLE_LENGTH_LEN 4u
#define BUNDLE_LAST 0x80000000u
#define BUNDLE_CIPHER_MAX (ENT_BUNDLE_CHUNK_MAX + ENT_STREAM_OVERHEAD)

#define BUNDLE_RECORD_LEN 5u
enum bundle_record {
    BUNDLE_RECORD_MANIFEST = 1,
    BUNDLE_RECORD_RUN = 2,
    BUNDLE_RECORD_END = 3,
};

#define BUNDLE_MANIFEST_FIXED (4u + 1u + 1u + 16u + 32u + 8u + 16u)
#define BUNDLE_LINE_LEN (32u + 8u + 8u + 16u + 16u + 8u + 16u + 16u)
#define BUNDLE_MANIFEST_MAX                                                    \
    (BUNDLE_MANIFEST_FIXED + ENT_BUNDLE_RECEIVERS_MAX * BUNDLE_LINE_LEN +      \
     ENT_SIG_LEN)
#define BUNDLE_END_LAYOUT (32u + 8u + 32u)
#define BUNDLE_END_LEN (8u + 32u + ENT_SIG_LEN)

#define BUNDLE_MANIFEST_DOMAIN "entente/bundle/1"
#define BUNDLE_END_DOMAIN "entente/bundle-end/1"
#define BUNDLE_RUNS_TAG "entente/bundle-runs/1"

extern const uint8_t bundle_magic[4];
extern const uint8_t bundle_manifest_magic[4];

/* The mac over a header's bytes before it. */
void bundle_header_mac(const struct ent_key *key, struct ent_slice header,
                       uint8_t ret_mac[BUNDLE_MAC_LEN]);
/* What the end signs: the manifest's body, how many runs, their hash. */
void bundle_end_layout(struct ent_slice manifest_body, uint64_t run_count,
                       const struct ent_id *runs,
                       uint8_t ret_layout[BUNDLE_END_LAYOUT]);
/* Adds one run to the hash over all. */
void bundle_hash_run(struct ent_hasher *h, struct ent_slice run);

/* Appends the manifest's body (without signature). */
void bundle_manifest_encode(const struct ent_bundle_manifest *m,
                            struct ent_buf *out);
/* False when it is not one. */
bool bundle_manifest_decode(struct ent_slice body,
                            struct ent_bundle_manifest *ret_m);

#endif
