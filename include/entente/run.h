/*
 * Runs: a contiguous part of one log with the signature of its last entry.
 * One signature verification authenticates every entry of it. A `struct
 * ent_run` comes only out of ent_run_verify: the store takes nothing else.
 * Normative text: docs/protocol.md 3.3.
 */
#ifndef ENTENTE_RUN_H
#define ENTENTE_RUN_H

#include <entente/entry.h>

struct ent_run {
    struct ent_logkey log; /* space is the space's id */
    size_t count;          /* 1 to ENT_RUN_ENTRIES_MAX */
    const struct ent_entry *entries;
    struct ent_sig sig; /* of the last entry */
    size_t encoded_len;
};

/* Appends the wire form of `count` consecutive entries of one log, of which
 * `sig` signs the last. Entries without payload travel as hash and length.
 * ENT_PEER_TOO_BIG over ENT_RUN_BYTES_MAX or ENT_RUN_ENTRIES_MAX. */
ENT_MUST_USE enum ent_status ent_run_encode(const struct ent_entry *entries,
                                            size_t count,
                                            const struct ent_sig *sig,
                                            struct ent_buf *out);

/*
 * Decodes and verifies: every entry's own checks, the chain along prev, the
 * payload hashes, the one signature. Says nothing about whether the log
 * continues ours: that is the store's to check.
 * Returns owned (free with ent_run_free) with `*ret_st` ENT_OK, or NULL with
 * ENT_PEER_MALFORMED, ENT_PEER_TOO_BIG, ENT_PEER_BAD_CHAIN or
 * ENT_PEER_BAD_SIG. `bytes` must outlive the run: payloads are borrowed.
 */
struct ent_run *ent_run_verify(struct ent_slice bytes, enum ent_status *ret_st);
void ent_run_free(struct ent_run *run);

#endif
