/*
 * Reading bundles into the store.
 *
 * Happy path: manifest (is its signer somebody we know?) -> runs, verified and
 * ingested like a session's -> the end, which says that none is missing -> the
 * cursors, in the transaction of the last run or after it.
 * Failure modes
 *   - a run waits for an author, a space or an earlier entry: the file is read
 *     again as long as that makes fewer of them wait; the cursor stays.
 *   - the file is cut or damaged: what came before counts; the cursor stays.
 *   - the bundle begins after what we consumed: its runs are taken, the cursor
 *     stays, and our own next bundle tells the sender where we are.
 */
#include "store/bundle.h"

#include "store/directory.h"
#include "store/internal.h"

#include <stdlib.h>

#define PASSES_MAX 64u

struct bundle_import {
    const struct node_keys *keys;
    struct ent_bundle_reader *reader;
    struct bundle_tally tally;
    unsigned pass;
    bool is_over;
    uint64_t waiting_before; /* of the last pass */
    uint64_t bundle_waiting; /* of this bundle in this pass */
    bool has_news;           /* some cursor moved */
    size_t taken;            /* bytes of runs since the last pause */
};

struct bundle_import *
bundle_import_new(const struct node_keys *keys)
{
    struct bundle_import *import = ent_alloc_zero(1, sizeof(*import));

    import->keys = keys;
    import->reader = ent_bundle_reader_new(&keys->node, &keys->sealing_secret);
    return import;
}

void
bundle_import_free(struct bundle_import *import)
{
    if (import != NULL) {
        ent_bundle_reader_free(import->reader);
        free(import);
    }
}

void
bundle_import_feed(struct bundle_import *import, struct ent_slice bytes)
{
    ent_bundle_feed(import->reader, bytes);
}

void
bundle_import_feed_end(struct bundle_import *import)
{
    ent_bundle_feed_end(import->reader);
}

const struct bundle_tally *
bundle_tally_of(const struct bundle_import *import)
{
    return &import->tally;
}

/* ---- the manifest ---- */

/* The pair's key, if the sender is somebody we know. */
static bool
find_sender(const struct bundle_import *import, struct db *db,
            const struct ent_id *sender, struct ent_key *ret_pair)
{
    struct directory *directory = directory_read(db);
    const struct directory_peer *row = directory_find(directory, sender);
    struct ent_key shared = {{0}};
    struct ent_id digest;
    bool is_known = row != NULL && !ent_id_eq(sender, &import->keys->node);

    if (is_known &&
        ent_dh(&import->keys->transport_secret, &row->transport, &shared)) {
        ent_hash("entente/proof/1", ENT_SLICE_OF(shared), &digest);
        memcpy(ret_pair->b, digest.b, sizeof(ret_pair->b));
        ent_wipe(&digest, sizeof(digest));
    }
    ent_wipe(&shared, sizeof(shared));
    directory_free(directory);
    return is_known;
}

/* Does the sender remember numbers of ours that we have not, or have
 * otherwise? Then this store was put back (docs/protocol.md 3.4). */
static bool
knows_more(struct engine *engine, const struct ent_bundle_receiver *us)
{
    static const uint8_t none[16];
    uint8_t ours[16];

    if (memcmp(us->store_id, engine->store_id, sizeof(us->store_id)) != 0) {
        return false;
    }
    if (us->consumed > engine->top) {
        return true;
    }
    sync_id_at(engine->db, us->consumed, ours);
    return us->consumed > 0 && memcmp(us->consumed_id, none, 16) != 0 &&
           memcmp(us->consumed_id, ours, 16) != 0;
}

/* How far the sender has ours, and how far we had its own before. */
static void
take_ack(struct bundle_import *import, struct engine *engine,
         const struct ent_bundle_manifest *m,
         const struct ent_bundle_receiver *us)
{
    bool is_ours =
        memcmp(us->store_id, engine->store_id, sizeof(us->store_id)) == 0;
    uint64_t acked = is_ours ? us->consumed : 0;
    struct sync_state state;
    bool is_other;

    sync_state_read(engine->db, &m->sender, &state);
    is_other =
        state.knows_peer_store && memcmp(state.peer_store_id, m->store_id,
                                         sizeof(state.peer_store_id)) != 0;
    /* Another store than the one that acknowledged: what that one had, this
     * one may not. */
    if (is_other || acked > state.acked) {
        import->has_news = true;
        state.acked = acked;
    }
    if (is_other) {
        memcpy(state.peer_store_id, m->store_id, sizeof(state.peer_store_id));
        memset(state.consumed_id, 0, sizeof(state.consumed_id));
        state.consumed = 0;
        state.proved_at = 0;
    }
    state.last_exchange_at = engine->now_ms;
    sync_state_write(engine->db, &m->sender, &state);
    import->tally.acked = state.acked;
}

static bool
begin_bundle(struct bundle_import *import, struct engine *engine)
{
    const struct ent_bundle_receiver *us;
    const struct ent_bundle_manifest *m =
        ent_bundle_manifest_of(import->reader, &us);
    struct bundle_tally *tally = &import->tally;
    struct ent_key pair;

    tally->sender = m->sender;
    tally->made_at = m->made_at;
    import->bundle_waiting = 0;
    if (!find_sender(import, engine->db, &m->sender, &pair)) {
        tally->is_stranger = true;
        return false;
    }
    ent_wipe(&pair, sizeof(pair));
    if (knows_more(engine, us)) {
        tally->is_put_back = true;
        import->has_news = true;
        engine_rolled_back(engine);
    }
    take_ack(import, engine, m, us);
    return true;
}

/* ---- runs ---- */

/* Is it only too early for this run? */
static bool
is_early(enum ent_status st)
{
    return st == ENT_AGAIN || st == ENT_PEER_UNKNOWN_AUTHOR ||
           st == ENT_PEER_UNKNOWN_SPACE;
}

/* False when it does not verify. */
static bool
take_run(struct bundle_import *import, struct engine *engine)
{
    struct bundle_tally *tally = &import->tally;
    size_t before = engine_batch_entries(engine);
    enum ent_status st;
    struct ent_run *run = ent_run_verify(ent_bundle_run(import->reader), &st);
    uint64_t head;

    if (run == NULL) {
        tally->is_bad_run = true;
        return false;
    }
    st = engine_ingest(engine, run, &tally->sender, &head);
    ent_run_free(run);
    tally->runs++;
    tally->entries += engine_batch_entries(engine) - before;
    if (is_early(st)) {
        tally->waiting++;
        import->bundle_waiting++;
    } else if (st != ENT_OK) {
        tally->refused++;
    }
    return true;
}

/* ---- the end of a bundle ---- */

static bool
is_proved(const struct bundle_import *import, struct engine *engine,
          const struct ent_bundle_manifest *m,
          const struct ent_bundle_receiver *us)
{
    struct sync_peer peer = {.node = m->sender};
    struct ent_bundle_sums sums;
    struct sync_proof proof;
    struct ent_key pair = {{0}};
    uint8_t expected[16];

    if (!find_sender(import, engine->db, &m->sender, &pair)) {
        return false;
    }
    sync_read_proof(engine->db, &peer, &pair, &proof);
    memcpy(sums.sum, proof.sum, sizeof(sums.sum));
    memcpy(sums.spaces, proof.spaces, sizeof(sums.spaces));
    sums.head_count = proof.head_count;
    ent_bundle_proof(&pair, m->bundle_id, &sums, expected);
    ent_wipe(&pair, sizeof(pair));
    return ent_secret_eq(expected, us->proof, sizeof(expected));
}

static void
move_cursor(struct bundle_import *import, struct sync_state *state,
            const struct ent_bundle_manifest *m,
            const struct ent_bundle_receiver *us)
{
    memcpy(state->peer_store_id, m->store_id, sizeof(state->peer_store_id));
    state->knows_peer_store = true;
    if (us->upto > state->consumed) {
        state->consumed = us->upto;
        memcpy(state->consumed_id, us->upto_id, sizeof(state->consumed_id));
        import->has_news = true;
    }
}

static void
end_bundle(struct bundle_import *import, struct engine *engine)
{
    const struct ent_bundle_receiver *us;
    const struct ent_bundle_manifest *m =
        ent_bundle_manifest_of(import->reader, &us);
    struct bundle_tally *tally = &import->tally;
    struct sync_state state;

    tally->bundles++;
    sync_state_read(engine->db, &m->sender, &state);
    tally->has_gap = us->after > state.consumed;
    if (import->bundle_waiting == 0 && !tally->has_gap) {
        move_cursor(import, &state, m, us);
        engine_proved_after_restore(engine);
    }
    tally->is_proved = is_proved(import, engine, m, us);
    if (tally->is_proved) {
        state.proved_at =
            m->made_at < engine->now_ms ? m->made_at : engine->now_ms;
        state.proved_top = engine->top;
    }
    sync_state_write(engine->db, &m->sender, &state);
}

/* ---- the whole file ---- */

/* Once more from the start, when this pass left fewer waiting than the last. */
static enum bundle_step
end_pass(struct bundle_import *import)
{
    struct bundle_tally *tally = &import->tally;
    bool has_moved =
        import->pass == 0 || tally->waiting < import->waiting_before;

    if (tally->waiting > 0 && has_moved && import->pass < PASSES_MAX) {
        import->pass++;
        import->waiting_before = tally->waiting;
        tally->waiting = 0;
        tally->runs = 0;
        tally->refused = 0;
        tally->bundles = 0;
        ent_bundle_reader_free(import->reader);
        import->reader = ent_bundle_reader_new(&import->keys->node,
                                               &import->keys->sealing_secret);
        return BUNDLE_AGAIN;
    }
    tally->fault =
        ent_bundle_why(import->reader, &tally->chunk, &tally->offset);
    tally->is_repeated = tally->fault == ENT_BUNDLE_SOUND &&
                         tally->entries == 0 && tally->waiting == 0 &&
                         !import->has_news;
    import->is_over = true;
    return BUNDLE_OVER;
}

static enum bundle_step
stop(struct bundle_import *import)
{
    (void)ent_bundle_why(import->reader, &import->tally.chunk,
                         &import->tally.offset);
    import->is_over = true;
    return BUNDLE_OVER;
}

enum bundle_step
bundle_import_step(struct bundle_import *import, struct engine *engine,
                   size_t max_bytes)
{
    while (!import->is_over && import->taken < max_bytes) {
        switch (ent_bundle_next(import->reader)) {
        case ENT_BUNDLE_WANT_MORE:
            return BUNDLE_FEED;
        case ENT_BUNDLE_MANIFEST:
            if (!begin_bundle(import, engine)) {
                return stop(import);
            }
            break;
        case ENT_BUNDLE_RUN:
            import->taken += ent_bundle_run(import->reader).len;
            if (!take_run(import, engine)) {
                return stop(import);
            }
            break;
        case ENT_BUNDLE_WHOLE:
            end_bundle(import, engine);
            break;
        case ENT_BUNDLE_DONE:
        case ENT_BUNDLE_FAULT:
            return end_pass(import);
        }
    }
    import->taken = 0;
    return import->is_over ? BUNDLE_OVER : BUNDLE_PAUSE;
}
