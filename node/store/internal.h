/*
 * What the files of node/store share and nobody else sees: the engine's
 * insides, rows, and the road from entry to view.
 *
 *   ingest.c, author.c -> facts.c (store) -> apply.c (causal order, rights)
 *     -> control.c (members, epochs, cards) or fold.c (records)
 */
#ifndef NODE_STORE_INTERNAL_H
#define NODE_STORE_INTERNAL_H

#include <entente/gov.h>
#include <entente/limits.h>
#include <entente/record.h>

#include "kinds/kinds.h"
#include "store/base/anchor.h"
#include "store/base/lock.h"
#include "store/engine.h"

/* States of an entry. Refused ones keep their place in the order. */
enum entry_state { ENTRY_WAITING = 0, ENTRY_APPLIED = 1, ENTRY_REFUSED = 2 };

#define SPACES_CACHED 256u
#define OWN_LOGS_MAX 64u /* own logs touched in one commit */

/* A space with its control model, kept while it is in use. */
struct space_state {
    uint64_t row;
    struct ent_id sid;
    struct ent_id field; /* as written in its genesis */
    uint8_t kind;
    uint64_t circle; /* row; 0 for none */
    struct ent_gov *gov;
    uint32_t step_count; /* pasts known to the store (gov_step) */
    uint64_t last_used;
    bool is_stopped; /* holds a critical operation that we do not know */
    bool is_dirty;   /* engine_react should look at it */
};

struct log_row {
    uint64_t row;
    uint64_t space;
    uint64_t node;
    struct ent_id node_key;
    uint32_t inc;
    bool is_empty;
    uint64_t head_seq;
    struct ent_id head_id;
    uint64_t head_hlc;
    uint64_t applied_count; /* entries applied or refused, from seq 0 */
    uint32_t applied_past;  /* past after the last of them */
    uint64_t moved;
    bool is_closed; /* own, of an earlier incarnation */
    bool is_forked;
};

/* An own log written in this transaction: signed at the commit. */
struct own_log {
    uint64_t row;
    uint64_t unsigned_seq; /* last entry, to be signed */
    struct ent_id id;
    size_t unsigned_count;
    size_t unsigned_bytes;
    bool is_signed;
};

/* Whether any entry waits for another one: mostly none does, and then nobody
 * need be looked for. */
enum waiting_known { WAITING_UNKNOWN, WAITING_NONE, WAITING_SOME };

struct engine {
    char *folder;
    struct lock *lock;
    struct storekey *key;
    struct anchor *anchor;
    struct anchor_place place;
    struct db *db;
    struct node_keys keys;
    uint64_t own_node; /* row */
    uint64_t own_space;
    struct kinds *kinds;
    struct ent_rng rng;
    uint64_t now_ms;
    uint64_t hlc;
    uint64_t top;
    uint8_t store_id[ENT_STORE_ID_LEN];
    uint64_t own_count; /* own entries ever, and their running hash */
    struct ent_id own_hash;
    uint64_t used_clock; /* for the cache of spaces */
    size_t space_count;
    struct space_state *spaces[SPACES_CACHED];
    bool is_in_txn;
    size_t batch_bytes;
    size_t batch_entries;
    uint64_t top_at_begin;
    uint64_t own_count_at_begin;
    bool members_changed;
    bool owes_reaction;
    bool is_starting; /* until the first engine_react */
    bool is_rebuilding;
    bool is_store_new; /* rolled back in this transaction */
    enum waiting_known waiting;
    uint64_t cached_epoch; /* row of cached_key; 0 for none */
    struct ent_key cached_key;
    struct ent_id last_eid; /* of the entry before: mostly the same */
    uint64_t last_epoch;    /* its row; 0 for none */
    size_t own_log_count;
    struct own_log own_logs[OWN_LOGS_MAX];
};

/* The test-only build can switch the checks of P2 off, the sender's and the
 * receiver's, so that a test which looks for leaks can be seen to find one. */
#ifdef ENT_SABOTAGE
bool store_check_is_off(void);
#else
#define store_check_is_off() false
#endif

/* Numbers from outside may have all 64 bits; the store's integers end at
 * 2^63 - 1. A change number or a seq beyond that is beyond everything; a clock
 * keeps its bits (docs/protocol.md 3.1: no entry is refused for its time). */
static inline uint64_t
store_clamp(uint64_t number)
{
    return number < INT64_MAX ? number : INT64_MAX;
}

static inline void
store_bind_hlc(struct stmt *s, int index, uint64_t hlc)
{
    stmt_bind_i64(s, index, (int64_t)hlc);
}

static inline uint64_t
store_col_hlc(struct stmt *s, int column)
{
    return (uint64_t)stmt_col_i64(s, column);
}

/* ---- schema.c ---- */
/* Statements whose failure stops the process: is there a (next) row? After
 * store_find reset the statement; store_next does so behind the last row. */
bool store_find(struct stmt *s);
bool store_next(struct stmt *s);
/* Column 0 of the one row of a bound statement; 0 without a row. */
uint64_t store_number(struct stmt *s);

void schema_create(struct db *db);
/* Drops and makes again everything that is folded from facts. */
void schema_reset_views(struct db *db);
extern const char *const schema_view_queries[]; /* for the view hash */

bool meta_get(struct db *db, const char *key, void *ret_p, size_t len);
void meta_put(struct db *db, const char *key, const void *p, size_t len);
uint64_t meta_get_u64(struct db *db, const char *key);
void meta_put_u64(struct db *db, const char *key, uint64_t v);
void meta_get_text(struct db *db, const char *key, char *ret, size_t size);
void meta_put_text(struct db *db, const char *key, const char *text);

/* ---- identity.c ---- */
void identity_make(const char *folder, const struct storekey *key,
                   struct ent_rng *rng);
ENT_MUST_USE enum ent_status identity_read(const char *folder,
                                           const struct storekey *key,
                                           struct node_keys *ret_keys);

/* ---- rows.c: small integers for long names ---- */
uint64_t row_node(struct db *db, const struct ent_id *key);      /* makes */
uint64_t row_node_find(struct db *db, const struct ent_id *key); /* or 0 */
void row_node_key(struct db *db, uint64_t row, struct ent_id *ret_key);
uint64_t row_space_find(struct db *db, const struct ent_id *sid); /* or 0 */
void row_space_id(struct db *db, uint64_t row, struct ent_id *ret_sid);
uint64_t row_epoch(struct db *db, const struct ent_id *eid); /* makes */
/* The same, mostly without asking the store. */
uint64_t engine_row_epoch(struct engine *engine, const struct ent_id *eid);
void row_epoch_id(struct db *db, uint64_t row, struct ent_id *ret_eid);
bool row_log_find(struct db *db, uint64_t space, uint64_t node, uint32_t inc,
                  struct log_row *ret_log);
bool row_log_get(struct db *db, uint64_t row, struct log_row *ret_log);
void row_log_make(struct db *db, uint64_t space, const struct ent_id *node,
                  uint32_t inc, struct log_row *ret_log);
void row_log_save(struct db *db, const struct log_row *log);
/* The entry's number, state and past by its id within a space; 0 if absent. */
struct entry_ref {
    uint64_t arrival;
    uint64_t log;
    uint64_t seq;
    uint8_t state;
    uint32_t past;
};
bool row_entry_find(struct db *db, uint64_t space, const struct ent_id *id,
                    struct entry_ref *ret_ref);
bool row_entry_at(struct db *db, uint64_t log, uint64_t seq,
                  struct ent_id *ret_id);
int64_t id_prefix(const struct ent_id *id); /* what entry.idh holds */

/* ---- entries.c: from row to entry ---- */
struct stored_entry {
    uint64_t arrival;
    uint64_t log;
    uint8_t state;
    uint32_t past;
    struct ent_entry e; /* deps and payload are owned by this struct */
    struct ent_id deps[ENT_DEPS_MAX];
    struct ent_buf payload;
};
/* False when there is none. Release with stored_entry_release. */
bool stored_entry_read(struct db *db, uint64_t arrival,
                       struct stored_entry *ret_entry);
void stored_entry_release(struct stored_entry *entry);

/* ---- facts.c ---- */
/* Appends a new entry to its log and applies what can be applied. */
void facts_put(struct engine *engine, struct log_row *log,
               const struct ent_entry *e);
void facts_put_seal(struct engine *engine, uint64_t log, uint64_t seq,
                    const struct ent_sig *sig);
struct space_state *space_get(struct engine *engine, uint64_t row);
struct space_state *space_make(struct engine *engine,
                               const struct ent_entry *genesis,
                               const struct ent_op_genesis *op);
void space_cache_clear(struct engine *engine);
uint64_t next_change(struct engine *engine);

/* ---- ingest.c ---- */
/* Does an open entry with this payload grant the node anything? */
bool ingest_names(struct ent_slice payload, const struct ent_id *node);

/* ---- apply.c ---- */
/* Where an entry stands in the causal order. */
struct placed {
    uint64_t arrival;
    enum entry_state state;
    uint32_t past;         /* before it, unless it waits */
    struct ent_id missing; /* what it waits for */
};
/* Sets state, past and missing of an entry that is the next of `log`. */
void apply_place(struct engine *engine, const struct log_row *log,
                 const struct ent_entry *e, struct placed *placed);
/* Notes what a waiting entry waits for. */
void apply_wait(struct engine *engine, const struct log_row *log,
                const struct placed *placed);
/* Folds an entry that stands in its place; changes `log`, unsaved. */
void apply_entry(struct engine *engine, struct log_row *log,
                 const struct ent_entry *e, const struct placed *placed);
/* Applies whatever waited for this entry, and so on. */
void apply_woken(struct engine *engine, uint64_t space,
                 const struct ent_id *id);
/* For a rebuild: applies a stored entry or notes what it waits for. */
void apply_stored(struct engine *engine, uint64_t arrival);

/* ---- control.c ---- */
struct applied {
    struct space_state *space;
    const struct ent_entry *e;
    uint64_t arrival;
    uint64_t node; /* author's row */
    uint32_t past; /* before the entry */
};
/* Why an operation was not folded; kept in `strange`. */
enum strange_why {
    STRANGE_UNKNOWN = 1,   /* needs a newer version; harmless */
    STRANGE_CRITICAL = 2,  /* … and folding this space stops here */
    STRANGE_MALFORMED = 3, /* signed, but not what the format allows */
    STRANGE_FOREIGN = 4,   /* a record that is not its author's to write */
    STRANGE_KEY = 5,       /* a box or payload that does not open */
};
void control_note_strange(struct engine *engine, const struct applied *a,
                          size_t op, unsigned type, enum strange_why why);
/* Returns the past after the entry. */
uint32_t control_apply(struct engine *engine, const struct applied *a);
/* Writes the newest view of a space's members. */
void control_refresh_members(struct engine *engine, struct space_state *space);
/* Keeps a card if it is newer than what we have. */
void control_put_card(struct engine *engine, struct ent_slice bytes);

/* ---- fold.c ---- */
void fold_entry(struct engine *engine, const struct applied *a);
/* A key has come: folds what waited for it. */
void fold_unread(struct engine *engine, struct space_state *space,
                 uint64_t epoch);
bool epoch_key_get(struct db *db, uint64_t epoch, struct ent_key *ret_key);

/* ---- epochs.c ---- */
/* The epoch to write under: its recipients are exactly the readers. 0 if
 * there is none. */
uint64_t epoch_current(struct engine *engine, struct space_state *space,
                       struct ent_key *ret_key, struct ent_id *ret_eid);
/* Appends an EPOCH operation with a new key for everybody who reads the space
 * in the newest view, plus `extra` cards, less `except`. */
struct epoch_plan {
    const struct ent_card *extra; /* about to be readers; may be NULL */
    size_t extra_count;
    const struct ent_id *except; /* about to be none; may be NULL */
};
void epoch_make(struct engine *engine, struct space_state *space,
                const struct ent_logkey *log, const struct epoch_plan *plan,
                struct ent_buf *ops);
/* Appends SHARE operations of the epochs so far to one node, at most `max`;
 * returns how many. */
size_t epoch_share_all(struct engine *engine, struct space_state *space,
                       const struct ent_card *card, size_t max,
                       struct ent_buf *ops);
/* Appends SHARE operations of our own epochs to members of a circle that were
 * let in while we made them; at most `max`, returns how many. */
size_t epoch_share_owed(struct engine *engine, struct space_state *space,
                        size_t max, struct ent_buf *ops);
bool card_find(struct db *db, const struct ent_id *node, struct ent_buf *buf,
               struct ent_card *ret_card);

/* ---- author.c ---- */
/* The own open log of a space; made with a new incarnation if there is none. */
void author_log(struct engine *engine, struct space_state *space,
                struct log_row *ret_log);
/* Like engine_author for operations already built, without rights check. */
ENT_MUST_USE enum ent_status author_entry(struct engine *engine,
                                          struct space_state *space,
                                          struct engine_draft *draft,
                                          uint16_t flags,
                                          struct ent_id *ret_id);
void author_sign_all(struct engine *engine);

#endif
