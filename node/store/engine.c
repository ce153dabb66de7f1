/*
 * Opening and closing a node's store, transactions, and what a start-up finds:
 * an anchor that agrees, or a store that was copied or put back.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAL_PAGES_MAX 8000u /* 32 MiB, then a checkpoint */

static void (*on_stop)(enum ent_status st);

void
store_on_stop(void (*stop)(enum ent_status st))
{
    on_stop = stop;
}

void
store_must(enum ent_status st)
{
    if (st == ENT_OK) {
        return;
    }
    if (on_stop != NULL) {
        on_stop(st);
    }
    fprintf(stderr,
            "entented: the store cannot go on (%s: %s); stopping. Starting"
            " again recovers what was acknowledged.\n",
            ent_status_name(st), ent_status_text(st));
    _exit(6);
}

#ifdef ENT_SABOTAGE
bool
store_check_is_off(void)
{
    const char *s = getenv("ENTENTE_SABOTAGE");

    return s != NULL && strstr(s, "no-sender-check") != NULL;
}
#endif

static char *
path_in(const char *folder, const char *name)
{
    size_t len = strlen(folder) + strlen(name) + 2;
    char *path = ent_alloc(len);

    snprintf(path, len, "%s/%s", folder, name);
    return path;
}

/* ---- own state in meta ---- */

static void
load_state(struct engine *engine)
{
    struct db *db = engine->db;
    bool found =
        meta_get(db, "store_id", engine->store_id, sizeof(engine->store_id));

    ENT_ASSERT(found);
    engine->top = meta_get_u64(db, "top");
    engine->hlc = meta_get_u64(db, "hlc");
    engine->own_count = meta_get_u64(db, "own_count");
    if (!meta_get(db, "own_hash", engine->own_hash.b,
                  sizeof(engine->own_hash.b))) {
        engine->own_hash = (struct ent_id){{0}};
    }
    engine->own_node = row_node_find(db, &engine->keys.node);
    engine->own_space = meta_get_u64(db, "own_space");
}

static void
save_state(struct engine *engine)
{
    struct db *db = engine->db;
    struct ent_id before;

    if (engine->own_count != engine->own_count_at_begin) {
        if (!meta_get(db, "own_hash", before.b, sizeof(before.b))) {
            before = (struct ent_id){{0}};
        }
        meta_put(db, "own_hash_before", before.b, sizeof(before.b));
        meta_put_u64(db, "own_count_before", engine->own_count_at_begin);
        meta_put(db, "own_hash", engine->own_hash.b,
                 sizeof(engine->own_hash.b));
        meta_put_u64(db, "own_count", engine->own_count);
    }
    meta_put_u64(db, "top", engine->top);
    meta_put_u64(db, "hlc", engine->hlc);
}

/* ---- anchor ---- */

/* The store's file stays where it is while it is open: looked at once. */
static void
find_place(struct engine *engine)
{
    char *path = path_in(engine->folder, ENGINE_STORE);

    store_must(anchor_place_of(path, &engine->place));
    free(path);
}

static void
anchor_state_now(const struct engine *engine, struct anchor_state *ret_state)
{
    *ret_state = (struct anchor_state){
        .own_count = engine->own_count,
        .own_hash = engine->own_hash,
        .place = engine->place,
    };
    memcpy(ret_state->store_id.b, engine->store_id, sizeof(engine->store_id));
}

/* Did the store's own history go back, or off to another place? NULL when it
 * did not; else what to tell. */
static const char *
find_mismatch(const struct engine *engine, const struct anchor_state *anchor)
{
    struct ent_id before = {{0}};
    uint64_t count_before = meta_get_u64(engine->db, "own_count_before");

    if (memcmp(anchor->store_id.b, engine->store_id,
               sizeof(engine->store_id)) != 0) {
        return "its anchor belongs to another state of the store";
    }
    if (anchor->place.inode != engine->place.inode ||
        !ent_id_eq(&anchor->place.machine, &engine->place.machine)) {
        return "this folder was copied or restored from a copy";
    }
    if (anchor->own_count == engine->own_count &&
        ent_id_eq(&anchor->own_hash, &engine->own_hash)) {
        return NULL;
    }
    (void)meta_get(engine->db, "own_hash_before", before.b, sizeof(before.b));
    if (anchor->own_count == count_before && count_before < engine->own_count &&
        ent_id_eq(&anchor->own_hash, &before)) {
        return NULL; /* stopped between the commit and the anchor */
    }
    return "the store was put back to an earlier state";
}

static void
close_own_logs(struct engine *engine)
{
    static const char sql[] = "UPDATE log SET is_closed = 1 WHERE node = ?1";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, engine->own_node);
    store_must(stmt_run(s));
}

void
engine_rolled_back(struct engine *engine)
{
    static const char forget[] = "UPDATE peer SET acked = 0, proved_at = 0";

    ENT_ASSERT(engine->is_in_txn);
    close_own_logs(engine);
    ent_rng_fill(&engine->rng, engine->store_id, sizeof(engine->store_id));
    meta_put(engine->db, "store_id", engine->store_id,
             sizeof(engine->store_id));
    store_must(db_exec(engine->db, forget));
    meta_put_u64(engine->db, "recovering", 1);
    meta_put_u64(engine->db, "restored_at", engine->now_ms);
    engine->members_changed = true;
    engine->is_store_new = true;
}

void
engine_proved_after_restore(struct engine *engine)
{
    if (meta_get_u64(engine->db, "recovering") != 0) {
        meta_put_u64(engine->db, "recovering", 0);
    }
}

/* ---- transactions ---- */

void
engine_begin(struct engine *engine, uint64_t now_ms)
{
    ENT_ASSERT(!engine->is_in_txn);
    store_must(db_begin(engine->db));
    engine->is_in_txn = true;
    engine->now_ms = now_ms;
    engine->batch_bytes = 0;
    engine->batch_entries = 0;
    engine->top_at_begin = engine->top;
    engine->own_count_at_begin = engine->own_count;
    engine->members_changed = false;
    engine->is_store_new = false;
}

static void
write_anchor(struct engine *engine)
{
    struct anchor_state state;

    anchor_state_now(engine, &state);
    store_must(anchor_write(engine->anchor, &state));
}

/*~ 13/14 The promise is made here. Signatures, then the transaction on disk,
 * then the anchor; and only afterwards does anybody hear of it: done_store
 * (node/io/effects.c) tells the session, whose cursor moves and whose ACK
 * leaves. What we acknowledged, we have, even if the plug is pulled now. The
 * last stop is a person: cli/cmd_situation.c, `situation show`. */
void
engine_commit(struct engine *engine, struct engine_outcome *ret_outcome)
{
    ENT_ASSERT(engine->is_in_txn);
    author_sign_all(engine);
    save_state(engine);
    store_must(db_commit(engine->db));
    engine->is_in_txn = false;
    if (engine->own_count != engine->own_count_at_begin ||
        engine->is_store_new) {
        write_anchor(engine);
    }
    store_must(db_checkpoint_if_over(engine->db, WAL_PAGES_MAX));
    *ret_outcome = (struct engine_outcome){
        .top = engine->top,
        .has_moved = engine->top != engine->top_at_begin,
        .members_changed = engine->members_changed,
        .owes_reaction = engine->owes_reaction,
        .is_store_new = engine->is_store_new,
    };
}

/* ---- making a node ---- */

static enum ent_status
make_folder(const char *folder)
{
    if (mkdir(folder, 0700) == 0 || errno == EEXIST) {
        return ENT_OK;
    }
    return errno == ENOSPC ? ENT_SELF_FULL : ENT_SELF_IO;
}

static bool
profile_is_good(const struct engine_profile *p)
{
    struct ent_slice name = ent_slice_str(p->structure);

    return name.len > 0 && name.len <= ENT_NAME_MAX &&
           ent_utf8_is_valid(name) && p->sector >= ENT_SECTOR_PRIVATE &&
           p->sector <= ENT_SECTOR_OTHER &&
           strlen(p->advertise) <= ENT_ADDRESS_MAX &&
           strlen(p->listen) <= ENT_ADDRESS_MAX && strlen(p->languages) <= 32;
}

/* Fills a new store: profile, own node, own space. */
static void
fill_store(struct engine *engine, const struct engine_profile *profile,
           uint64_t now_ms)
{
    struct engine_space_spec own = {.kind = ENT_SPACE_OWN, .name = "own"};
    struct engine_outcome outcome;
    struct ent_id id;

    store_must(db_begin(engine->db));
    schema_create(engine->db);
    ent_rng_fill(&engine->rng, engine->store_id, sizeof(engine->store_id));
    meta_put(engine->db, "store_id", engine->store_id,
             sizeof(engine->store_id));
    meta_put_text(engine->db, "structure", profile->structure);
    meta_put_u64(engine->db, "sector", profile->sector);
    meta_put_text(engine->db, "languages", profile->languages);
    meta_put_text(engine->db, "listen", profile->listen);
    meta_put_text(engine->db, "advertise", profile->advertise);
    meta_put_u64(engine->db, "card_number", 1);
    meta_put_u64(engine->db, "created", now_ms);
    engine->own_node = row_node(engine->db, &engine->keys.node);
    store_must(db_commit(engine->db));
    engine_begin(engine, now_ms);
    store_must(engine_open_space(engine, &own, &engine->own_space, &id));
    meta_put_u64(engine->db, "own_space", engine->own_space);
    engine_commit(engine, &outcome);
}

static struct engine *
engine_new(const char *folder, struct lock *lock, struct storekey *key,
           const struct ent_key *seed)
{
    struct engine *engine = ent_alloc_zero(1, sizeof(*engine));

    engine->folder = path_in(folder, "");
    engine->folder[strlen(folder)] = '\0';
    engine->lock = lock;
    engine->key = key;
    engine->kinds = kinds_new();
    ent_rng_init(&engine->rng, seed);
    return engine;
}

static enum ent_status
open_db(struct engine *engine)
{
    char *path = path_in(engine->folder, ENGINE_STORE);
    struct db_config config = {.path = path, .key = engine->key};
    enum ent_status st = db_open_writer(&config, &engine->db);

    free(path);
    return st;
}

static void
create_anchor(struct engine *engine)
{
    char *path = path_in(engine->folder, ENGINE_ANCHOR);
    struct anchor_state state;

    anchor_close(engine->anchor);
    find_place(engine);
    anchor_state_now(engine, &state);
    store_must(anchor_create(path, engine->key, &state, &engine->anchor));
    free(path);
}

static void
create_store(struct engine *engine, const struct engine_profile *profile,
             uint64_t now_ms)
{
    char *path = path_in(engine->folder, ENGINE_STORE);
    struct db_config config = {.path = path, .key = engine->key};

    store_must(db_create(&config));
    free(path);
    identity_make(engine->folder, engine->key, &engine->rng);
    store_must(identity_read(engine->folder, engine->key, &engine->keys));
    store_must(open_db(engine));
    create_anchor(engine);
    fill_store(engine, profile, now_ms);
    create_anchor(engine); /* with the store's id */
}

enum ent_status
engine_init(const char *folder, const struct keyfile_way *way,
            const struct engine_profile *profile, const struct ent_key *seed,
            uint64_t now_ms)
{
    struct storekey *key;
    struct engine *engine;
    struct lock *lock;
    char *key_path;
    enum ent_status st;

    if (!profile_is_good(profile)) {
        return ENT_RULE_USAGE;
    }
    st = make_folder(folder);
    if (st == ENT_OK) {
        st = lock_take(folder, &lock);
    }
    if (st != ENT_OK) {
        return st;
    }
    key_path = path_in(folder, ENGINE_KEYFILE);
    st = keyfile_create(key_path, way, 1, now_ms, &key);
    free(key_path);
    if (st != ENT_OK) {
        lock_release(lock);
        return st;
    }
    engine = engine_new(folder, lock, key, seed);
    create_store(engine, profile, now_ms);
    engine_close(engine);
    return ENT_OK;
}

/* ---- opening ---- */

static void
go_on_restored(struct engine *engine, const char *why, uint64_t now_ms,
               struct engine_report *report)
{
    struct engine_outcome outcome;

    report->is_restored = true;
    snprintf(report->note, sizeof(report->note),
             "%s: what you write from now on goes into new logs, and nothing"
             " is passed on before a colleague's node has been heard.",
             why);
    create_anchor(engine); /* of this place, before anything is written */
    engine_begin(engine, now_ms);
    engine_rolled_back(engine);
    meta_put_text(engine->db, "restore_note", report->note);
    engine_commit(engine, &outcome);
    create_anchor(engine); /* under the new store id */
}

static void
check_anchor(struct engine *engine, uint64_t now_ms,
             struct engine_report *report)
{
    char *path = path_in(engine->folder, ENGINE_ANCHOR);
    const char *why = NULL;
    enum ent_status st;

    find_place(engine);
    st = anchor_open(path, engine->key, &engine->anchor);
    if (st == ENT_RULE_NOT_FOUND) {
        why = "the anchor file is missing";
    } else if (st == ENT_SELF_CORRUPT) {
        why = "the anchor file is damaged";
    } else {
        store_must(st);
        why = find_mismatch(engine, anchor_get(engine->anchor));
    }
    free(path);
    if (why != NULL) {
        go_on_restored(engine, why, now_ms, report);
    }
}

/* Review spaces and circles may owe something since before we stopped. */
static void
mark_all_dirty(struct engine *engine)
{
    static const char sql[] =
        "SELECT id FROM space WHERE kind IN (2, 4) ORDER BY id DESC LIMIT ?1";
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, SPACES_CACHED / 2);
    while (store_next(s)) {
        space_get(engine, stmt_col_u64(s, 0))->is_dirty = true;
        engine->owes_reaction = true;
    }
}

enum ent_status
engine_open(const char *folder, const struct keyfile_way *way,
            const struct ent_key *seed, uint64_t now_ms,
            struct engine **ret_engine, struct engine_report *ret_report)
{
    char *key_path = path_in(folder, ENGINE_KEYFILE);
    struct storekey *key = NULL;
    struct lock *lock = NULL;
    struct engine *engine;
    enum ent_status st;

    *ret_report = (struct engine_report){0};
    st = access(key_path, F_OK) == 0 ? lock_take(folder, &lock)
                                     : ENT_RULE_NOT_FOUND;
    if (st == ENT_OK) {
        st = keyfile_open(key_path, way, &key);
    }
    free(key_path);
    if (st != ENT_OK) {
        lock_release(lock);
        return st;
    }
    engine = engine_new(folder, lock, key, seed);
    engine->now_ms = now_ms;
    st = identity_read(folder, key, &engine->keys);
    if (st == ENT_OK) {
        st = open_db(engine);
    }
    if (st != ENT_OK) {
        engine_close(engine);
        return st;
    }
    load_state(engine);
    check_anchor(engine, now_ms, ret_report);
    engine->is_starting = true;
    mark_all_dirty(engine);
    *ret_engine = engine;
    return ENT_OK;
}

void
engine_close(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    ENT_ASSERT(!engine->is_in_txn);
    space_cache_clear(engine);
    db_close(engine->db);
    anchor_close(engine->anchor);
    storekey_free(engine->key);
    lock_release(engine->lock);
    kinds_free(engine->kinds);
    free(engine->folder);
    ent_wipe(engine, sizeof(*engine));
    free(engine);
}

/* ---- access ---- */

enum ent_status
engine_reader(struct engine *engine, struct db **ret_db)
{
    char *path = path_in(engine->folder, ENGINE_STORE);
    struct db_config config = {.path = path, .key = engine->key};
    enum ent_status st = db_open_reader(&config, ret_db);

    free(path);
    return st;
}

struct db *
engine_db(struct engine *engine)
{
    return engine->db;
}

struct ent_rng *
engine_rng(struct engine *engine)
{
    return &engine->rng;
}

uint64_t
engine_now(const struct engine *engine)
{
    return engine->now_ms;
}

const struct node_keys *
engine_keys(const struct engine *engine)
{
    return &engine->keys;
}

const struct kinds *
engine_kinds(const struct engine *engine)
{
    return engine->kinds;
}

void
engine_members_changed(struct engine *engine)
{
    engine->members_changed = true;
}

size_t
engine_batch_bytes(const struct engine *engine)
{
    return engine->batch_bytes;
}

size_t
engine_batch_entries(const struct engine *engine)
{
    return engine->batch_entries;
}
