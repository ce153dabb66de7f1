/*
 * Bundles of this store: what a session with a peer would carry, written to a
 * file and read from one.
 *
 * Making uses the sessions' own questions (sync_read_changes, sync_read_run),
 * so the sender's check is the same one; it always covers everything that the
 * receiver has not acknowledged, so nothing needs to be sent again by itself.
 * Reading uses ent_run_verify and engine_ingest, and moves the same cursors.
 * docs/adr/0013.
 */
#ifndef NODE_STORE_BUNDLE_H
#define NODE_STORE_BUNDLE_H

#include <entente/bundle.h>

#include "store/engine.h"
#include "store/sync.h"

/* ---- making; any read connection ---- */

struct bundle_target {
    struct ent_id node;
    struct ent_key sealing;
    struct ent_key transport;
};
/* From the newest card; false when there is none. */
bool bundle_target_of(struct db *db, uint64_t node,
                      struct bundle_target *ret_target);

struct bundle_order {
    const struct node_keys *keys;
    const struct ent_key *seed; /* for the keys of this file */
    uint64_t now_ms;
    size_t target_count;
    const struct bundle_target *targets;
    /* Takes the next bytes of the file. */
    enum ent_status (*write)(void *arg, struct ent_slice bytes);
    void (*progress)(void *arg, uint64_t done, uint64_t total); /* logs */
    void *arg;
};
struct bundle_made {
    uint64_t bundles; /* receivers who see the same share one */
    uint64_t runs;
    uint64_t entries;
    uint64_t bytes;
};
/* Writes one file for all targets, in one read snapshot. A store that was put
 * back writes its acknowledgements only, until somebody has been heard out.
 * What `write` refused with, or ENT_OK. */
ENT_MUST_USE enum ent_status bundle_make(struct db *db,
                                         const struct bundle_order *order,
                                         struct bundle_made *ret_made);

/* ---- reading; the writer's thread ---- */

enum bundle_step {
    BUNDLE_FEED,  /* wants the next bytes of the file */
    BUNDLE_PAUSE, /* enough for one transaction; call again */
    BUNDLE_AGAIN, /* from the start of the file once more: some runs waited
                     for others that came after them */
    BUNDLE_OVER,  /* bundle_tally_of says how it went */
};

struct bundle_tally {
    struct ent_id sender; /* of the last bundle for us; zero: none */
    uint64_t made_at;
    uint64_t bundles; /* for us, whole */
    uint64_t runs;    /* of the last pass */
    uint64_t entries; /* new here */
    uint64_t waiting; /* runs that wait for something not here */
    uint64_t refused; /* runs dropped: no right, or a fork */
    uint64_t acked;   /* how far the sender has ours */
    bool is_repeated; /* nothing in it was new */
    bool has_gap;     /* it begins after what we have of the sender */
    bool is_proved;   /* both held the same when it was made */
    bool is_stranger; /* its signer is nobody that we know */
    bool is_put_back; /* it knows more of us than we do */
    bool is_bad_run;  /* a run in it does not verify */
    enum ent_bundle_fault fault;
    uint64_t chunk;
    uint64_t offset;
};

struct bundle_import;

/* Borrows `keys`. Returns owned. */
struct bundle_import *bundle_import_new(const struct node_keys *keys);
/* Goes on, inside engine_begin … engine_commit, until `max_bytes` of runs were
 * taken since the last PAUSE, and one run at most beyond. */
enum bundle_step bundle_import_step(struct bundle_import *import,
                                    struct engine *engine, size_t max_bytes);
void bundle_import_feed(struct bundle_import *import, struct ent_slice bytes);
void bundle_import_feed_end(struct bundle_import *import);
const struct bundle_tally *bundle_tally_of(const struct bundle_import *import);
void bundle_import_free(struct bundle_import *import); /* NULL is fine */

#endif
