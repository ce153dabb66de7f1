/*
 * Bundles: what a session would carry, as a file for a stick or a mail. One
 * stream of runs, sealed to up to ENT_BUNDLE_RECEIVERS_MAX nodes that may all
 * see all of it, with a manifest signed by its sender: the numbers that the
 * runs cover for each receiver, how far the sender consumed each receiver's
 * own (the acknowledgement on the way back), and a proof of what it holds. A
 * file is one or more bundles, one after the other.
 *
 * Pure: bytes in, bytes out, a chunk at a time. Normative text:
 * docs/protocol.md 6.
 */
#ifndef ENTENTE_BUNDLE_H
#define ENTENTE_BUNDLE_H

#include <entente/limits.h>
#include <entente/run.h>
#include <entente/session.h>

#define ENT_BUNDLE_ID_LEN 16u

/* A receiver's line in the manifest. */
struct ent_bundle_receiver {
    struct ent_id node;
    uint64_t after; /* the runs hold every change in (after, upto] … */
    uint64_t upto;  /* … of the sender's numbers that the node may see */
    uint8_t upto_id[16];
    uint8_t store_id[ENT_STORE_ID_LEN]; /* the receiver's, as the sender */
    uint64_t consumed;                  /* knows it, and how far it consumed */
    uint8_t consumed_id[16];            /* its numbers; zeros: nothing yet */
    uint8_t proof[16];                  /* ent_bundle_proof */
};

struct ent_bundle_manifest {
    uint8_t bundle_id[ENT_BUNDLE_ID_LEN];
    struct ent_id sender;
    uint64_t made_at;                   /* the sender's clock */
    uint8_t store_id[ENT_STORE_ID_LEN]; /* of the sender's numbers */
    size_t receiver_count;
    struct ent_bundle_receiver receivers[ENT_BUNDLE_RECEIVERS_MAX];
};

/* What the sender held of everything in common with one receiver: a mac of
 * the sums of docs/protocol.md 5.3 under the pair's key, for this bundle. */
struct ent_bundle_sums {
    uint8_t sum[16];
    uint64_t head_count;
    uint8_t spaces[16];
};
void ent_bundle_proof(const struct ent_key *pair, const uint8_t bundle_id[16],
                      const struct ent_bundle_sums *sums,
                      uint8_t ret_proof[16]);

/* ---- writing ---- */

struct ent_bundle_writer;

/* Begins a bundle: header and manifest are in `out` soon after. `sealing` has
 * the receivers' sealing keys in the manifest's order. The bundle's id is the
 * manifest's. Borrows `out` until it is freed; the caller may empty it after
 * each call. NULL, and nothing written, when there are no receivers or more
 * than ENT_BUNDLE_RECEIVERS_MAX. Returns owned. */
struct ent_bundle_writer *ent_bundle_writer_new(
    const struct ent_bundle_manifest *manifest, const struct ent_key *sealing,
    const struct ent_key *sign_secret, struct ent_rng *rng,
    struct ent_buf *out);
/* Adds an encoded run (at most ENT_RUN_BYTES_MAX). */
void ent_bundle_put_run(struct ent_bundle_writer *w, struct ent_slice run);
/* The last record and the last chunk. Nothing may be added afterwards. */
void ent_bundle_end(struct ent_bundle_writer *w);
void ent_bundle_writer_free(struct ent_bundle_writer *w); /* NULL is fine */

/* ---- reading ---- */

enum ent_bundle_fault {
    ENT_BUNDLE_SOUND = 0,
    ENT_BUNDLE_NOT_ONE,  /* it does not begin like a bundle */
    ENT_BUNDLE_VERSION,  /* made by a newer version */
    ENT_BUNDLE_NOT_OURS, /* sealed to others */
    ENT_BUNDLE_HEADER,   /* the header was altered */
    ENT_BUNDLE_DAMAGED,  /* a chunk does not open */
    ENT_BUNDLE_FORGED,   /* its sender did not sign this */
    ENT_BUNDLE_BROKEN,   /* sealed by its sender, and not as the format says */
    ENT_BUNDLE_CUT,      /* the file ends before the bundle does */
};
/* "damaged", for codes and tests. */
const char *ent_bundle_fault_name(enum ent_bundle_fault fault);

enum ent_bundle_event {
    ENT_BUNDLE_WANT_MORE, /* feed it, or say that this is the end */
    ENT_BUNDLE_MANIFEST,  /* a bundle for us begins */
    ENT_BUNDLE_RUN,       /* ent_bundle_run */
    ENT_BUNDLE_WHOLE,     /* … and it ends, all of it there */
    ENT_BUNDLE_DONE,      /* the end of the file, in its place */
    ENT_BUNDLE_FAULT,     /* ent_bundle_why; nothing comes after it */
};

struct ent_bundle_reader;

/* Reads what is sealed to `sealing_secret` and names `node`. Returns owned. */
struct ent_bundle_reader *ent_bundle_reader_new(
    const struct ent_id *node, const struct ent_key *sealing_secret);
/* The next bytes of the file; only after WANT_MORE, at most
 * ENT_BUNDLE_CHUNK_MAX at a time. */
void ent_bundle_feed(struct ent_bundle_reader *r, struct ent_slice bytes);
/* There are no more. */
void ent_bundle_feed_end(struct ent_bundle_reader *r);
enum ent_bundle_event ent_bundle_next(struct ent_bundle_reader *r);
/* After MANIFEST; borrowed until the next bundle begins. `*ret_us` is our line
 * in it. */
const struct ent_bundle_manifest *ent_bundle_manifest_of(
    const struct ent_bundle_reader *r,
    const struct ent_bundle_receiver **ret_us);
/* After RUN: its bytes, not verified yet; borrowed until the next step. */
struct ent_slice ent_bundle_run(const struct ent_bundle_reader *r);
/* After FAULT: which, and where: the chunk (from 0; of the header: 0) and the
 * file's byte at which it begins. Both may be NULL. */
enum ent_bundle_fault ent_bundle_why(const struct ent_bundle_reader *r,
                                     uint64_t *ret_chunk, uint64_t *ret_offset);
void ent_bundle_reader_free(struct ent_bundle_reader *r); /* NULL is fine */

#endif
