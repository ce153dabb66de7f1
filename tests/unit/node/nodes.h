/*
 * Several nodes in one process: engines in folders of a test's own, a circle
 * among them, and runs carried from one to another by the calls that sessions
 * use. Nothing is random but what the seed says, and no clock is asked.
 */
#ifndef TESTS_UNIT_NODE_NODES_H
#define TESTS_UNIT_NODE_NODES_H

#include "lib/cmocka.h"
#include "lib/tempdir.h"
#include "store/directory.h"
#include "store/internal.h"
#include "store/overview.h"
#include "store/records.h"
#include "store/sync.h"

#include <stdio.h>
#include <stdlib.h>

#define NODES_MAX 6u
#define NODES_START_MS 1700000000000u

struct node {
    char folder[TEST_PATH_MAX];
    char key_path[TEST_PATH_MAX];
    struct engine *engine;
    struct engine_report report;
    struct ent_id id;
    unsigned store_changes; /* commits that began a new store id */
};

struct nodes {
    struct test_dir dir;
    struct ent_rng rng;
    uint64_t now_ms;
    size_t count;
    struct node n[NODES_MAX];
    struct ent_id circle;
};

/* ---- chance ---- */

static inline uint32_t
nodes_random(struct nodes *w, uint32_t below)
{
    uint8_t raw[4];

    ent_rng_fill(&w->rng, raw, sizeof(raw));
    return ent_get_u32(raw) % below;
}

static inline void
nodes_key(struct nodes *w, struct ent_key *ret_key)
{
    ent_rng_fill(&w->rng, ret_key->b, sizeof(ret_key->b));
}

/* ---- one node ---- */

static inline struct db *
node_db(const struct node *n)
{
    return engine_db(n->engine);
}

static inline void
node_begin(struct nodes *w, struct node *n)
{
    w->now_ms += 10;
    engine_begin(n->engine, w->now_ms);
}

/* Commits, and then writes what follows by itself. */
static inline void
node_commit(struct nodes *w, struct node *n)
{
    struct engine_outcome o;

    engine_commit(n->engine, &o);
    n->store_changes += o.is_store_new;
    while (o.owes_reaction) {
        node_begin(w, n);
        engine_react(n->engine);
        engine_commit(n->engine, &o);
        n->store_changes += o.is_store_new;
    }
}

static inline void
node_open(struct nodes *w, struct node *n)
{
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = n->key_path};
    struct ent_key seed;

    nodes_key(w, &seed);
    assert_int_equal(
        engine_open(n->folder, &way, &seed, w->now_ms, &n->engine, &n->report),
        ENT_OK);
    /* No power is cut here: nothing needs to wait for the disk. */
    assert_int_equal(db_set_durability(node_db(n), DB_RELAXED), ENT_OK);
    n->id = engine_keys(n->engine)->node;
    n->store_changes = 0;
}

static inline void
node_close(struct node *n)
{
    engine_close(n->engine);
    n->engine = NULL;
}

static inline void
node_make(struct nodes *w, struct node *n, const char *name)
{
    struct engine_profile profile = {
        .structure = name,
        .sector = ENT_SECTOR_COMMUNITY,
        .languages = "fr,en",
        .listen = "127.0.0.1:0",
        .advertise = "127.0.0.1:7447",
    };
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = n->key_path};
    struct ent_key seed;
    char key_name[64];

    snprintf(key_name, sizeof(key_name), "%s.key", name);
    test_dir_path(&w->dir, name, n->folder);
    test_dir_path(&w->dir, key_name, n->key_path);
    assert_int_equal(keyfile_make_raw(n->key_path), ENT_OK);
    nodes_key(w, &seed);
    assert_int_equal(engine_init(n->folder, &way, &profile, &seed, w->now_ms),
                     ENT_OK);
    node_open(w, n);
}

static inline uint64_t
node_space(const struct node *n, const struct ent_id *sid)
{
    return row_space_find(node_db(n), sid);
}

static inline uint64_t
node_row(const struct node *n, const struct ent_id *node)
{
    return row_node_find(node_db(n), node);
}

/* One number of one row. */
static inline uint64_t
node_number(const struct node *n, const char *sql)
{
    struct stmt *s = db_prepare(node_db(n), sql);
    uint64_t v;

    assert_int_equal(stmt_find(s), ENT_OK);
    v = stmt_col_u64(s, 0);
    stmt_reset(s);
    return v;
}

/* How many operations were set aside for this reason. */
static inline uint64_t
node_strange(const struct node *n, enum strange_why why)
{
    static const char sql[] = "SELECT count(*) FROM strange WHERE why = ?1";
    struct stmt *s = db_prepare(node_db(n), sql);
    uint64_t v;

    stmt_bind_u64(s, 1, why);
    assert_int_equal(stmt_find(s), ENT_OK);
    v = stmt_col_u64(s, 0);
    stmt_reset(s);
    return v;
}

/* ---- all of them ---- */

static inline void
nodes_init(struct nodes *w, size_t count, uint64_t seed)
{
    struct ent_key key = {{0}};
    char name[32];

    assert_true(count <= NODES_MAX);
    *w = (struct nodes){.now_ms = NODES_START_MS};
    ent_put_u64(key.b, seed);
    ent_rng_init(&w->rng, &key);
    test_dir_init(&w->dir);
    for (w->count = 0; w->count < count; w->count++) {
        snprintf(name, sizeof(name), "node%zu", w->count);
        node_make(w, &w->n[w->count], name);
    }
}

static inline void
nodes_release(struct nodes *w)
{
    size_t i;

    for (i = 0; i < w->count; i++) {
        engine_close(w->n[i].engine);
    }
    test_dir_release(&w->dir);
}

/* ---- runs from one to another ---- */

/* What `from` would send `to`; false when that is nothing. */
static inline bool
node_read_run(const struct node *from, const struct node *to,
              const struct ent_need *need, size_t max_bytes,
              struct ent_buf *out)
{
    struct sync_peer peer = {.node = to->id};
    uint64_t last;

    ent_buf_init(out, ENT_MESSAGE_MAX);
    sync_read_run(node_db(from), &peer, need, max_bytes, out, &last);
    return out->len > 0;
}

/* Verifies the bytes and gives the run to `to`, in a transaction of its own.
 * `ret_head` may be NULL. */
static inline enum ent_status
node_take(struct nodes *w, struct node *to, struct ent_slice bytes,
          const struct ent_id *from, uint64_t *ret_head)
{
    enum ent_status st;
    struct ent_run *run = ent_run_verify(bytes, &st);
    uint64_t head = UINT64_MAX;

    if (run == NULL) {
        return st;
    }
    node_begin(w, to);
    st = engine_ingest(to->engine, run, from, &head);
    node_commit(w, to);
    ent_run_free(run);
    if (ret_head != NULL) {
        *ret_head = head;
    }
    return st;
}

/* Carries one log on, as far as it goes. Returns whether something moved. */
static inline bool
node_pull_log(struct nodes *w, struct node *to, const struct node *from,
              struct ent_need need)
{
    bool has_moved = false;

    while (need.from_seq <= need.to_seq) {
        struct ent_buf run;
        uint64_t head = UINT64_MAX;
        bool is_good =
            node_read_run(from, to, &need, ENT_RUN_BYTES_MAX, &run) &&
            node_take(w, to, ent_buf_slice(&run), &from->id, &head) == ENT_OK &&
            head >= need.from_seq;

        ent_buf_release(&run);
        if (!is_good) {
            break;
        }
        has_moved = true;
        need.from_seq = head + 1;
    }
    return has_moved;
}

/* Everything that `from` may tell `to`. Returns whether something moved. */
static inline bool
node_pull(struct nodes *w, struct node *to, const struct node *from)
{
    struct sync_peer to_peer = {.node = to->id};
    struct sync_peer from_peer = {.node = from->id};
    struct sync_changes c;
    struct ent_need *needs;
    bool has_moved = false;
    size_t count;
    size_t i;

    sync_read_changes(node_db(from), &to_peer, 0, 4096, &c);
    needs = ent_alloc_zero(c.count + 1, sizeof(*needs));
    count = sync_check(node_db(to), &from_peer, c.heads, c.count, needs);
    for (i = 0; i < count; i++) {
        has_moved = node_pull_log(w, to, from, needs[i]) || has_moved;
    }
    free(needs);
    free(c.heads);
    return has_moved;
}

/* Everybody from everybody, until nothing moves any more. */
static inline void
nodes_settle(struct nodes *w)
{
    bool has_moved = true;
    unsigned round;

    for (round = 0; has_moved; round++) {
        size_t to;
        size_t from;

        assert_true(round < 64);
        has_moved = false;
        for (to = 0; to < w->count; to++) {
            for (from = 0; from < w->count; from++) {
                has_moved =
                    (to != from && node_pull(w, &w->n[to], &w->n[from])) ||
                    has_moved;
            }
        }
    }
}

/* ---- a circle ---- */

static inline void
nodes_found(struct nodes *w)
{
    struct engine_space_spec spec = {
        .kind = ENT_SPACE_CIRCLE,
        .name = "circle",
        .charter = ent_slice_str("We meet."),
    };
    struct node *n = &w->n[0];
    uint64_t row;

    node_begin(w, n);
    assert_int_equal(engine_open_space(n->engine, &spec, &row, &w->circle),
                     ENT_OK);
    node_commit(w, n);
}

static inline void
node_card(struct nodes *w, struct node *n, struct ent_buf *out)
{
    (void)w;
    ent_buf_init(out, 4096);
    directory_own_card(n->engine, out);
    assert_false(out->failed);
}

/* The caller's half of a join, then the callee's: a motion and its first yes.
 * `id` names the invitation. */
static inline void
nodes_invite(struct nodes *w, struct node *inviter, struct node *newcomer,
             uint8_t role)
{
    struct overview_invitation inv = {
        .role = role,
        .created_at = w->now_ms,
        .expires_at = w->now_ms + ENT_INVITATION_MS,
    };
    struct ent_buf card;
    struct ent_key secret;

    nodes_key(w, &secret);
    ent_rng_fill(&w->rng, inv.id, sizeof(inv.id));
    node_card(w, inviter, &card);
    node_begin(w, newcomer);
    assert_int_equal(directory_join_caller(newcomer->engine, &w->circle,
                                           ent_buf_slice(&card), &secret, true),
                     ENT_OK);
    node_commit(w, newcomer);
    ent_buf_release(&card);
    node_card(w, newcomer, &card);
    node_begin(w, inviter);
    overview_put_invitation(node_db(inviter), node_space(inviter, &w->circle),
                            &inv, secret.b);
    assert_int_equal(directory_join_callee(inviter->engine, inv.id,
                                           ent_buf_slice(&card), &secret, true),
                     ENT_OK);
    node_commit(w, inviter);
    ent_buf_release(&card);
}

/* Everybody votes yes for whatever is open and theirs to vote on. */
static inline void
node_vote_all(struct nodes *w, struct node *n)
{
    uint64_t circle = node_space(n, &w->circle);
    struct ent_gov *gov;
    size_t i;

    if (circle == 0) {
        return;
    }
    gov = engine_gov(n->engine, circle);
    for (i = 0; i < ent_gov_motion_count(gov); i++) {
        struct ent_gov_motion m;
        struct ent_id id;

        ent_gov_motion(gov, i, &m);
        id = m.id;
        if (m.is_open) {
            node_begin(w, n);
            (void)!engine_vote(n->engine, circle, &id);
            node_commit(w, n);
        }
    }
}

static inline void
nodes_decide(struct nodes *w)
{
    size_t i;

    nodes_settle(w);
    for (i = 0; i < w->count; i++) {
        node_vote_all(w, &w->n[i]);
        nodes_settle(w);
    }
}

static inline enum ent_role
node_role(const struct node *n, const struct ent_id *sid,
          const struct ent_id *node)
{
    struct ent_gov *gov = engine_gov(n->engine, node_space(n, sid));

    return ent_gov_role(gov, ent_gov_now(gov), node);
}

/* Founds a circle at node 0 and votes all others in, `moderator` (UINT32_MAX:
 * nobody) without a vote. */
static inline void
nodes_circle(struct nodes *w, size_t moderator)
{
    size_t i;

    nodes_found(w);
    for (i = 1; i < w->count; i++) {
        uint8_t role = i == moderator ? ENT_ROLE_MODERATOR : ENT_ROLE_MEMBER;

        nodes_invite(w, &w->n[0], &w->n[i], role);
        nodes_decide(w);
        assert_int_equal(node_role(&w->n[i], &w->circle, &w->n[i].id), role);
    }
}

/* ---- spaces and records ---- */

/* Opens a space at `n` that the nodes of `readers` (bits) may read. */
static inline void
node_open_space(struct nodes *w, struct node *n, uint8_t kind, unsigned readers,
                struct ent_id *ret_sid)
{
    struct engine_grant grants[NODES_MAX];
    struct engine_space_spec spec = {
        .kind = kind,
        .circle = node_space(n, &w->circle),
        .name = "space",
        .grants = grants,
    };
    uint64_t row;
    size_t i;

    for (i = 0; i < w->count; i++) {
        bool is_moderator =
            node_role(n, &w->circle, &w->n[i].id) == ENT_ROLE_MODERATOR;

        if ((readers >> i & 1) != 0 && &w->n[i] != n) {
            grants[spec.grant_count++] = (struct engine_grant){
                .node = w->n[i].id,
                .level = ENT_LEVEL_READER,
                .basis =
                    is_moderator ? ENT_BASIS_MODERATOR : ENT_BASIS_SAME_TEAM,
            };
        }
    }
    node_begin(w, n);
    assert_int_equal(engine_open_space(n->engine, &spec, &row, ret_sid),
                     ENT_OK);
    node_commit(w, n);
}

/* Writes one text in the transaction that is open. `rid` is a small number. */
static inline enum ent_status
node_put(struct node *n, const struct ent_id *sid, uint16_t kind, uint8_t rid,
         uint16_t field, const char *text)
{
    const struct kinds_kind *k = kinds_find(engine_kinds(n->engine), kind);
    bool is_owned = k != NULL && k->owner == KINDS_OWNER;
    struct ent_record_id id = {{rid}};
    struct records_writer writer;
    struct ent_id entry;

    records_writer_init(&writer, node_space(n, sid));
    records_write_begin(&writer, node_db(n), kind, &id,
                        is_owned ? node_row(n, &n->id) : 0);
    records_write_str(&writer, field, text);
    return records_write_end(&writer, n->engine, &entry);
}

/* … in one of its own. */
static inline void
node_write(struct nodes *w, struct node *n, const struct ent_id *sid,
           uint16_t kind, uint8_t rid, const char *text)
{
    node_begin(w, n);
    assert_int_equal(node_put(n, sid, kind, rid, 2, text), ENT_OK);
    node_commit(w, n);
}

static inline uint64_t
node_record(const struct node *n, const struct ent_id *sid, uint16_t kind,
            uint8_t rid)
{
    struct ent_record_id id = {{rid}};

    return records_find(node_db(n), node_space(n, sid), kind, &id);
}

/* Asserts what a record's field 2 says; NULL: it says nothing. */
static inline void
node_assert_text(const struct node *n, const struct ent_id *sid, uint16_t kind,
                 uint8_t rid, const char *text)
{
    uint64_t record = node_record(n, sid, kind, rid);
    char got[256];

    if (text == NULL) {
        assert_false(records_text(node_db(n), record, 2, got, sizeof(got)));
        return;
    }
    assert_true(records_text(node_db(n), record, 2, got, sizeof(got)));
    assert_string_equal(got, text);
}

/* ---- comparing ---- */

/* What one space holds, by long names, in a fixed order. */
static const char *const NODES_CONTENT[] = {
    "SELECT n.key, m.role, m.basis, m.is_opener FROM member m"
    " JOIN node n ON n.id = m.node WHERE m.space = ?1 ORDER BY 1",
    "SELECT r.kind, coalesce(o.key, x''), r.rid, v.field, e.id, v.idx, v.val"
    " FROM value v JOIN record r ON r.id = v.record"
    " LEFT JOIN node o ON o.id = r.owner JOIN entry e ON e.arrival = v.arrival"
    " WHERE r.space = ?1 ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT e.id, v.op, v.verdict FROM verdict v JOIN entry e"
    " ON e.arrival = v.arrival JOIN log l ON l.id = e.log"
    " WHERE l.space = ?1 ORDER BY 1, 2",
    "SELECT e.id, x.op, x.type, x.why FROM strange x JOIN entry e"
    " ON e.arrival = x.arrival JOIN log l ON l.id = e.log"
    " WHERE l.space = ?1 ORDER BY 1, 2",
    "SELECT e.id, e.state FROM entry e JOIN log l ON l.id = e.log"
    " WHERE l.space = ?1 ORDER BY 1",
    "SELECT e.id FROM unread u JOIN entry e ON e.arrival = u.arrival"
    " JOIN log l ON l.id = e.log WHERE l.space = ?1 ORDER BY 1",
    "SELECT e.eid, k.recipients, k.commitment, k.key FROM epoch_key k"
    " JOIN epoch e ON e.id = k.epoch WHERE k.space = ?1 ORDER BY 1",
    "SELECT n.key, l.inc, l.head_seq, l.head_id, l.applied_count, l.cited"
    " FROM log l JOIN node n ON n.id = l.node WHERE l.space = ?1"
    " AND l.head_seq IS NOT NULL ORDER BY 1, 2",
    NULL,
};

static inline void
node_content(const struct node *n, const struct ent_id *sid,
             struct ent_id *ret_hash)
{
    struct ent_hasher h;
    size_t i;

    ent_hasher_init(&h, "test/content/1");
    for (i = 0; NODES_CONTENT[i] != NULL; i++) {
        struct stmt *s = db_prepare(node_db(n), NODES_CONTENT[i]);
        bool has_row;

        stmt_bind_u64(s, 1, node_space(n, sid));
        for (;;) {
            int c;

            assert_int_equal(stmt_step(s, &has_row), ENT_OK);
            if (!has_row) {
                break;
            }
            for (c = 0; c < stmt_col_count(s); c++) {
                struct ent_slice v = stmt_col_any(s, c);
                uint64_t len = v.len;

                ent_hasher_add(&h, ENT_SLICE_OF(len));
                ent_hasher_add(&h, v);
            }
        }
    }
    ent_hasher_end(&h, ret_hash);
}

/* The two hold the same of this space, whatever their row numbers. */
static inline void
nodes_assert_same(const struct node *a, const struct node *b,
                  const struct ent_id *sid)
{
    struct ent_id ha;
    struct ent_id hb;

    assert_true(node_space(a, sid) != 0 && node_space(b, sid) != 0);
    node_content(a, sid, &ha);
    node_content(b, sid, &hb);
    assert_memory_equal(ha.b, hb.b, sizeof(ha.b));
}

/* The two agree about everything they hold in common, as a session proves. */
static inline bool
nodes_are_proved(const struct node *a, const struct node *b)
{
    static const struct ent_key key = {{7}};
    struct sync_peer pa = {.node = a->id};
    struct sync_peer pb = {.node = b->id};
    struct sync_proof at_a;
    struct sync_proof at_b;

    sync_read_proof(node_db(a), &pb, &key, &at_a);
    sync_read_proof(node_db(b), &pa, &key, &at_b);
    return at_a.head_count == at_b.head_count &&
           memcmp(at_a.sum, at_b.sum, sizeof(at_a.sum)) == 0 &&
           memcmp(at_a.spaces, at_b.spaces, sizeof(at_a.spaces)) == 0;
}

static inline void
nodes_assert_converged(const struct nodes *w, const struct ent_id *sid)
{
    size_t i;

    for (i = 1; i < w->count; i++) {
        assert_true(nodes_are_proved(&w->n[0], &w->n[i]));
        if (sid != NULL) {
            nodes_assert_same(&w->n[0], &w->n[i], sid);
        }
    }
}

/* The views folded anew are the views that grew. */
static inline void
node_assert_rebuilds(struct nodes *w, struct node *n)
{
    struct ent_id before;
    struct ent_id after;

    store_view_hash(node_db(n), &before);
    node_begin(w, n);
    engine_rebuild(n->engine, NULL, NULL);
    node_commit(w, n);
    store_view_hash(node_db(n), &after);
    assert_memory_equal(before.b, after.b, sizeof(before.b));
}

static inline void
node_assert_verifies(const struct node *n)
{
    struct engine_verify v;

    store_verify(node_db(n), NULL, NULL, &v);
    if (v.problem_count > 0) {
        print_error("%s\n", v.problems[0]);
    }
    assert_int_equal(v.problem_count, 0);
    assert_true(v.entries > 0 && v.signatures > 0);
}

#endif
