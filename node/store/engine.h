/*
 * The engine: everything that writes to a node's store, used by one thread.
 *
 * Facts and views change together in one transaction: entries received
 * (engine_ingest) and entries of our own (engine_author) are stored, applied
 * in causal order and folded into the views before engine_commit() returns.
 * Own entries are synced to disk, and the anchor after them, before anybody
 * hears of them. A store that fails stops the process (store_must): the
 * start-up path is the recovery path.
 *
 *   engine_begin -> (engine_ingest | engine_author | api writes)* ->
 *   engine_commit -> tell the sessions (outcome)
 *
 * A call that refuses has written nothing: check first, write after.
 */
#ifndef NODE_STORE_ENGINE_H
#define NODE_STORE_ENGINE_H

#include <entente/control.h>
#include <entente/run.h>
#include <entente/session.h>

#include "store/base/db.h"
#include "store/base/keyfile.h"

/* Stops the process with exit code 6 and a sentence when a store call
 * failed. ENT_OK passes. */
void store_must(enum ent_status st);

/* For tests that cut the power: called by store_must instead of ending the
 * process. `stop` does not return. NULL: the process ends. */
void store_on_stop(void (*stop)(enum ent_status st));

/* Files of a node's folder. */
#define ENGINE_KEYFILE "keys"
#define ENGINE_STORE "store.db"
#define ENGINE_ANCHOR "anchor"
#define ENGINE_IDENTITY "identity"
#define ENGINE_LOCK "lock"

struct engine;

/* What `init` fixes. Strings are borrowed. */
struct engine_profile {
    const char *structure; /* name */
    unsigned sector;
    const char *languages; /* "fr,en" */
    const char *listen;    /* "127.0.0.1:0" */
    const char *advertise; /* "host:port", "" for none */
};

/* Makes a new node in `folder` (created 0700 if missing): key file, identity,
 * store, anchor, own space. ENT_RULE when there is a node already;
 * ENT_RULE_USAGE; a store status. */
ENT_MUST_USE enum ent_status engine_init(const char *folder,
                                         const struct keyfile_way *way,
                                         const struct engine_profile *profile,
                                         const struct ent_key *seed,
                                         uint64_t now_ms);

/* What opening found; for the log and `status`. */
struct engine_report {
    bool is_restored; /* copy or older state: new incarnations from now on */
    char note[200];   /* what happened, for a person; empty if nothing */
};

/* ENT_OK, ENT_RULE_NOT_FOUND (no node there), ENT_RULE_AUTH, ENT_SELF_BUSY,
 * ENT_SELF_CORRUPT, ENT_SELF_IO. Returns owned: engine_close. */
ENT_MUST_USE enum ent_status engine_open(const char *folder,
                                         const struct keyfile_way *way,
                                         const struct ent_key *seed,
                                         uint64_t now_ms,
                                         struct engine **ret_engine,
                                         struct engine_report *ret_report);
void engine_close(struct engine *engine);

/* A connection for reading beside the writer (another thread's). */
ENT_MUST_USE enum ent_status engine_reader(struct engine *engine,
                                           struct db **ret_db);
/* The writing connection, inside engine_begin … engine_commit. Borrowed. */
struct db *engine_db(struct engine *engine);
struct ent_rng *engine_rng(struct engine *engine);
uint64_t engine_now(const struct engine *engine); /* of engine_begin */
struct kinds;
const struct kinds *engine_kinds(const struct engine *engine);

/* Our keys. Borrowed; the same for the engine's life. */
struct node_keys {
    struct ent_id node;
    struct ent_key sign_secret;
    struct ent_key transport_secret;
    struct ent_key transport;
    struct ent_key sealing_secret;
    struct ent_key sealing;
};
const struct node_keys *engine_keys(const struct engine *engine);

void engine_begin(struct engine *engine, uint64_t now_ms);

struct engine_outcome {
    uint64_t top;         /* highest change number now */
    bool has_moved;       /* something to tell peers */
    bool members_changed; /* directory and deferred runs: look again */
    bool owes_reaction;   /* engine_react has something to write */
    bool is_store_new;    /* rolled back: sessions must begin anew */
};
/* Seals own logs (one signature each), commits durably, writes the anchor. */
void engine_commit(struct engine *engine, struct engine_outcome *ret_outcome);

/* Writes what follows by itself from what was applied: decisions whose ballots
 * are there, keys for newcomers, releases of our sealed answers at a reveal.
 * Call in a transaction of its own after an outcome that owes a reaction. */
void engine_react(struct engine *engine);

/*
 * Takes a verified run from a peer. ENT_OK (also when nothing was new);
 * ENT_PEER_UNKNOWN_SPACE, ENT_PEER_UNKNOWN_AUTHOR (try again when members
 * changed); ENT_AGAIN (a gap: something before it is not here yet);
 * ENT_PEER_NOT_ENTITLED (not for us); ENT_PEER_FORK (noted).
 * `*ret_head_seq` is our log's head afterwards, UINT64_MAX when empty.
 */
ENT_MUST_USE enum ent_status engine_ingest(struct engine *engine,
                                           const struct ent_run *run,
                                           const struct ent_id *peer,
                                           uint64_t *ret_head_seq);

/* For what changes whom we know or how to reach them (invitations, typed
 * addresses): the directory is read again after the commit. */
void engine_members_changed(struct engine *engine);

/* Batch size so far, to end a group commit in time. */
size_t engine_batch_bytes(const struct engine *engine);
size_t engine_batch_entries(const struct engine *engine);

/* ---- authoring ---- */

/* Operations for one entry, built by ent_op_put and ent_put_encode. */
struct engine_draft {
    uint64_t space; /* row of the space */
    uint8_t class;
    size_t op_count;
    struct ent_buf ops; /* the operations, one after the other */
    const char *person; /* who at the structure; NULL for nobody named */
};
void engine_draft_init(struct engine_draft *draft, uint64_t space,
                       uint8_t class);
void engine_draft_release(struct engine_draft *draft);
/* Makes, stores and applies the entry. Sealed content uses the epoch whose
 * recipients are exactly the readers; one is made first if there is none.
 * ENT_PEER_TOO_BIG when it passes ENT_PAYLOAD_MAX; ENT_PEER_NOT_ENTITLED when
 * we may not write there. Nothing is written then. */
ENT_MUST_USE enum ent_status engine_author(struct engine *engine,
                                           struct engine_draft *draft,
                                           struct ent_id *ret_id);

/* Opens a space: genesis, grants, first epoch. `members` are its first readers
 * beside us. Returns its row. */
struct engine_grant {
    struct ent_id node;
    uint8_t level;
    uint8_t basis;
};
struct engine_space_spec {
    uint8_t kind;
    uint64_t circle; /* row of the circle; 0 for own and circle */
    const char *name;
    struct ent_slice charter;
    size_t grant_count;
    const struct engine_grant *grants; /* at most ENT_OPS_MAX - 2 */
};
/* ENT_RULE_NOT_FOUND when a structure's card is not known; ENT_RULE when it is
 * no member of the circle, or a moderator where none may be (or granted
 * otherwise than with ENT_BASIS_MODERATOR). */
ENT_MUST_USE enum ent_status engine_open_space(
    struct engine *engine, const struct engine_space_spec *spec,
    uint64_t *ret_space, struct ent_id *ret_id);
/* Grants a further structure the space, with the epochs so far when
 * `with_history`. ENT_PEER_NOT_ENTITLED when we did not open it; otherwise as
 * engine_open_space. */
ENT_MUST_USE enum ent_status engine_grant(struct engine *engine, uint64_t space,
                                          const struct engine_grant *grant,
                                          bool with_history);

/* ---- circle ---- */
ENT_MUST_USE enum ent_status engine_motion(struct engine *engine,
                                           uint64_t circle,
                                           const struct ent_op_motion *motion,
                                           struct ent_id *ret_id);
/* Our yes. ENT_RULE_NOT_FOUND; ENT_RULE when the motion is not open. */
ENT_MUST_USE enum ent_status engine_vote(struct engine *engine, uint64_t circle,
                                         const struct ent_id *motion);
/* The newest view of a space's control entries. Borrowed until the next
 * change; loaded on demand. */
struct ent_gov *engine_gov(struct engine *engine, uint64_t space);

/* ---- upkeep ---- */

/* Keeps an address of a peer that somebody here typed ("host:port"), tried
 * before those of its card. `node` is the peer's row. ENT_RULE_USAGE when it is
 * no address; ENT_RULE when ENT_ADDRESSES_MAX of the peer are kept already. */
ENT_MUST_USE enum ent_status engine_add_address(struct engine *engine,
                                                uint64_t node,
                                                const char *address);
/* Forgets it; ENT_RULE_NOT_FOUND when it is not kept. */
ENT_MUST_USE enum ent_status engine_remove_address(struct engine *engine,
                                                   uint64_t node,
                                                   const char *address);

struct engine_verify {
    uint64_t entries;
    uint64_t logs;
    uint64_t signatures;
    uint64_t forks;
    uint64_t problem_count;
    char problems[8][160]; /* the first few, in words */
};
/* Re-checks every chain, id, signature and payload hash (read connection). */
void store_verify(struct db *db,
                  void (*progress)(void *arg, uint64_t done, uint64_t total),
                  void *arg, struct engine_verify *ret_verify);
/* Hash over all views, in a fixed order. */
void store_view_hash(struct db *db, struct ent_id *ret_hash);
/* Drops the views and folds them again from the facts. In a transaction of its
 * own. */
void engine_rebuild(struct engine *engine,
                    void (*progress)(void *arg, uint64_t done, uint64_t total),
                    void *arg);

/* A peer has more of ours than we have: this store was put back to an earlier
 * state. Own logs are closed, writing goes on in new incarnations, numbers
 * start under a new store id (sessions must begin anew), and nothing is served
 * until a first peer has been heard out. */
void engine_rolled_back(struct engine *engine);

/* After an orderly start-up, when the first peer has been heard out. */
void engine_proved_after_restore(struct engine *engine);

#endif
