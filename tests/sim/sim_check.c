/* The checkers: see sim_check.h. */
#include "sim/sim_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/sim_node.h"
#include "sim/sim_talk.h"
#include "store/internal.h"

/* ---- the ledger: own entries whose commit returned ---- */

static bool
is_in_ledger(const struct sim_world *world, const struct ent_id *id)
{
    size_t i;

    for (i = world->ledger_count; i > 0; i--) {
        if (ent_id_eq(&world->ledger[i - 1].id, id)) {
            return true;
        }
    }
    return false;
}

static void
add_to_ledger(struct sim_world *world, unsigned author, const struct ent_id *id)
{
    if (world->ledger_count == world->ledger_cap) {
        world->ledger_cap = world->ledger_cap > 0 ? 2 * world->ledger_cap : 64;
        world->ledger = ent_realloc(world->ledger,
                                    world->ledger_cap * sizeof(*world->ledger));
    }
    world->ledger[world->ledger_count++] =
        (struct sim_ledger){.id = *id, .author = author};
}

void
sim_check_committed(struct sim_world *world, unsigned node)
{
    static const char sql[] =
        "SELECT e.id, e.arrival FROM entry e JOIN log l ON l.id = e.log"
        " WHERE e.arrival > ?1 AND l.node = ?2 ORDER BY e.arrival";
    struct sim_node *n = &world->nodes[node];
    struct stmt *s = db_prepare(engine_db(n->engine), sql);
    bool was_restored = world->count.restores > 0;

    stmt_bind_u64(s, 1, n->ledgered);
    stmt_bind_u64(s, 2, n->engine->own_node);
    while (store_next(s)) {
        struct ent_id id;

        stmt_col_id(s, 0, &id);
        n->ledgered = stmt_col_u64(s, 1);
        if (!was_restored || !is_in_ledger(world, &id)) {
            add_to_ledger(world, node, &id);
        }
    }
    n->committed = n->engine->top;
}

void
sim_check_survived(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];

    if (n->owes_check && n->engine->top < n->committed) {
        sim_finding("n%u had committed %llu and came back with %llu", node,
                    (unsigned long long)n->committed,
                    (unsigned long long)n->engine->top);
    }
    n->owes_check = false;
    sim_check_committed(world, node);
}

static bool
holds(const struct sim_node *n, const struct ent_id *id)
{
    static const char sql[] = "SELECT 1 FROM entry WHERE idh = ?1 AND id = ?2";
    struct stmt *s = db_prepare(engine_db(n->engine), sql);

    stmt_bind_i64(s, 1, id_prefix(id));
    stmt_bind_id(s, 2, id);
    return store_number(s) != 0;
}

/* All nodes are up. */
void
sim_check_restored(struct sim_world *world, unsigned node)
{
    size_t i;
    size_t lost = 0;

    for (i = 0; i < world->ledger_count; i++) {
        struct sim_ledger *l = &world->ledger[i];
        bool is_held = false;
        unsigned k;

        for (k = 0; k < world->node_count && !l->is_lost; k++) {
            is_held = is_held || holds(&world->nodes[k], &l->id);
        }
        if (!is_held && !l->is_lost) {
            l->is_lost = true;
            lost++;
        }
    }
    sim_trace("n%u was put back, %zu entries are lost with it", node, lost);
}

static void
check_ledger(struct sim_world *world)
{
    size_t i;

    for (i = 0; i < world->ledger_count; i++) {
        const struct sim_ledger *l = &world->ledger[i];
        char hex[17];

        if (!l->is_lost && !holds(&world->nodes[l->author], &l->id)) {
            sim_finding("n%u lost its entry %s", l->author,
                        ent_hex(hex, l->id.b, 8));
        }
    }
}

/* ---- views ---- */

static void
rebuild(struct engine *engine, void *arg)
{
    (void)arg;
    engine_rebuild(engine, NULL, NULL);
}

void
sim_check_rebuild(struct sim_world *world, unsigned node)
{
    struct sim_node *n = &world->nodes[node];
    struct ent_id before;
    struct ent_id after;
    char a[17];
    char b[17];

    store_view_hash(engine_db(n->engine), &before);
    if (!sim_node_write(world, node, rebuild, NULL)) {
        return; /* the power went */
    }
    world->count.rebuilds++;
    store_view_hash(engine_db(n->engine), &after);
    if (!ent_id_eq(&before, &after)) {
        sim_finding("n%u: views folded anew differ: %s, not %s", node,
                    ent_hex(b, after.b, 8), ent_hex(a, before.b, 8));
    }
}

/* What one space holds, by long names, in a fixed order. */
static const char *const SPACE_CONTENT[] = {
    "SELECT n.key, l.inc, l.head_seq, l.head_id, l.applied_count, l.cited"
    " FROM log l JOIN node n ON n.id = l.node WHERE l.space = ?1"
    " AND l.head_seq IS NOT NULL ORDER BY 1, 2",
    "SELECT e.id, e.state FROM entry e JOIN log l ON l.id = e.log"
    " WHERE l.space = ?1 ORDER BY 1",
    "SELECT n.key, m.role, m.basis, m.is_opener FROM member m"
    " JOIN node n ON n.id = m.node WHERE m.space = ?1 ORDER BY 1",
    "SELECT e.id, v.op, v.verdict FROM verdict v JOIN entry e"
    " ON e.arrival = v.arrival JOIN log l ON l.id = e.log"
    " WHERE l.space = ?1 ORDER BY 1, 2",
    "SELECT e.eid, k.recipients, k.commitment, k.key FROM epoch_key k"
    " JOIN epoch e ON e.id = k.epoch WHERE k.space = ?1 ORDER BY 1",
    "SELECT r.kind, coalesce(o.key, x''), r.rid, v.field, e.id, v.idx, v.val"
    " FROM value v JOIN record r ON r.id = v.record"
    " LEFT JOIN node o ON o.id = r.owner JOIN entry e ON e.arrival = v.arrival"
    " WHERE r.space = ?1 ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT e.id FROM unread u JOIN entry e ON e.arrival = u.arrival"
    " JOIN log l ON l.id = e.log WHERE l.space = ?1 ORDER BY 1",
    "SELECT e.id, x.op, x.type, x.why FROM strange x JOIN entry e"
    " ON e.arrival = x.arrival JOIN log l ON l.id = e.log"
    " WHERE l.space = ?1 ORDER BY 1, 2",
};
static const char *const CONTENT_NAMES[] = {
    "heads", "entries", "members", "verdicts",
    "keys",  "values",  "unread",  "strange",
};
#define CONTENTS (sizeof(SPACE_CONTENT) / sizeof(SPACE_CONTENT[0]))

static void
hash_content(const struct sim_node *n, uint64_t space, size_t part,
             struct ent_id *ret_hash)
{
    struct stmt *s = db_prepare(engine_db(n->engine), SPACE_CONTENT[part]);
    struct ent_hasher h;

    ent_hasher_init(&h, "sim/content");
    stmt_bind_u64(s, 1, space);
    while (store_next(s)) {
        int c;

        for (c = 0; c < stmt_col_count(s); c++) {
            struct ent_slice v = stmt_col_any(s, c);
            uint64_t len = v.len;

            ent_hasher_add(&h, ENT_SLICE_OF(len));
            ent_hasher_add(&h, v);
        }
    }
    ent_hasher_end(&h, ret_hash);
}

/* For the trace of a finding: which keys are there, what could not be read. */
static void
tell_keys(const struct sim_node *n, uint64_t space)
{
    static const char sql[] =
        "SELECT e.eid, k.recipients, k.key IS NULL, (SELECT count(*) FROM"
        " unread u WHERE u.epoch = k.epoch), (SELECT count(*) FROM entry x"
        " WHERE x.epoch = k.epoch) FROM epoch_key k JOIN epoch e"
        " ON e.id = k.epoch WHERE k.space = ?1 ORDER BY 1";
    struct stmt *s = db_prepare(engine_db(n->engine), sql);

    stmt_bind_u64(s, 1, space);
    while (store_next(s)) {
        struct ent_id epoch;
        struct ent_id recipients;
        char a[9];
        char b[9];

        stmt_col_id(s, 0, &epoch);
        stmt_col_id(s, 1, &recipients);
        sim_trace("n%u: epoch %s for %s, %s, %llu unread of %llu", n->index,
                  ent_hex(a, epoch.b, 4), ent_hex(b, recipients.b, 4),
                  stmt_col_u64(s, 2) != 0 ? "missing" : "here",
                  (unsigned long long)stmt_col_u64(s, 3),
                  (unsigned long long)stmt_col_u64(s, 4));
    }
}

static void
compare_space(struct sim_world *world, const struct ent_id *sid, unsigned a,
              unsigned b)
{
    const struct sim_node *na = &world->nodes[a];
    const struct sim_node *nb = &world->nodes[b];
    uint64_t sa = row_space_find(engine_db(na->engine), sid);
    uint64_t sb = row_space_find(engine_db(nb->engine), sid);
    size_t part;
    char hex[17];

    if ((sa == 0) != (sb == 0)) {
        sim_finding("space %s is at n%u and not at n%u",
                    ent_hex(hex, sid->b, 8), sa != 0 ? a : b, sa != 0 ? b : a);
    }
    for (part = 0; sa != 0 && part < CONTENTS; part++) {
        struct ent_id ha;
        struct ent_id hb;

        hash_content(na, sa, part, &ha);
        hash_content(nb, sb, part, &hb);
        if (!ent_id_eq(&ha, &hb)) {
            tell_keys(na, sa);
            tell_keys(nb, sb);
            sim_finding("space %s: %s differ at n%u and n%u",
                        ent_hex(hex, sid->b, 8), CONTENT_NAMES[part], a, b);
        }
    }
}

/* ---- members ---- */

uint32_t
sim_check_members(const struct sim_world *world)
{
    uint32_t bits = 0;
    unsigned i;
    unsigned k;

    for (i = 0; world->has_circle && i < world->node_count; i++) {
        struct engine *engine = world->nodes[i].engine;
        uint64_t row = row_space_find(engine_db(engine), &world->circle);
        struct ent_gov *gov = row != 0 ? engine_gov(engine, row) : NULL;

        for (k = 0; gov != NULL && k < world->node_count; k++) {
            if (ent_gov_role(gov, ent_gov_now(gov), &world->nodes[k].id) >=
                ENT_ROLE_MEMBER) {
                bits |= 1u << k;
            }
        }
    }
    return bits;
}

static bool
is_proved_with(struct sim_world *world, unsigned a, unsigned b)
{
    return sim_talk_is_proved(world, world->nodes[a].peers[b].live);
}

bool
sim_check_is_settled(struct sim_world *world)
{
    uint32_t bits = sim_check_members(world);
    unsigned a;
    unsigned b;

    for (a = 0; a < world->node_count; a++) {
        if (world->nodes[a].queue_count > 0) {
            return false;
        }
        for (b = 0; b < world->node_count; b++) {
            if (a != b && (bits >> a & 1) != 0 && (bits >> b & 1) != 0 &&
                !is_proved_with(world, a, b)) {
                return false;
            }
        }
    }
    return true;
}

static void
tell_pair(struct sim_world *world, unsigned a, unsigned b)
{
    const struct sim_peer *peer = &world->nodes[a].peers[b];
    struct sim_talk *talk = sim_talk_find(world, peer->live);
    struct ent_session_view v = {0};

    if (talk == NULL) {
        sim_trace("n%u and n%u: no session, listed %d, calling %d, again in"
                  " %lld",
                  a, b, peer->is_listed, peer->is_calling,
                  (long long)(peer->retry_at - world->now_ms));
        return;
    }
    ent_session_view(talk->session, &v);
    sim_trace("n%u and n%u: limited %d, quiet %d, proved %d, told %llu acked"
              " %llu consumed %llu of %llu, deferred %zu, wanted %zu",
              a, b, talk->who.is_limited, v.is_quiet, v.is_proved,
              (unsigned long long)v.told, (unsigned long long)v.acked,
              (unsigned long long)v.consumed, (unsigned long long)v.peer_top,
              v.deferred_count, v.wanted_count);
}

/* What a node itself makes of the circle. */
static void
tell_node(const struct sim_node *n)
{
    sim_trace(
        "n%u: %llu members, %llu entries wait, %llu refused, %llu forks",
        n->index,
        (unsigned long long)sim_node_number(
            n, "SELECT count(*) FROM member m JOIN space s ON s.id ="
               " m.space WHERE s.kind = 2"),
        (unsigned long long)sim_node_number(n, "SELECT count(*) FROM waiting"),
        (unsigned long long)sim_node_number(
            n, "SELECT count(*) FROM entry WHERE state = 2"),
        (unsigned long long)sim_node_number(n, "SELECT count(*) FROM fork"));
}

void
sim_check_tell_unsettled(struct sim_world *world)
{
    uint32_t bits = sim_check_members(world);
    unsigned a;
    unsigned b;

    for (a = 0; a < world->node_count; a++) {
        tell_node(&world->nodes[a]);
    }

    for (a = 0; a < world->node_count; a++) {
        for (b = 0; b < world->node_count; b++) {
            if (a != b && (bits >> a & 1) != 0 && (bits >> b & 1) != 0 &&
                !is_proved_with(world, a, b)) {
                tell_pair(world, a, b);
                tell_pair(world, b, a);
            }
        }
    }
}

/* ---- who may hold what ---- */

static bool
may_hold(const struct sim_world *world, const struct ent_id *sid, unsigned node)
{
    size_t i;

    if (world->has_circle && ent_id_eq(sid, &world->circle)) {
        return true; /* everybody here is invited */
    }
    for (i = 0; i < world->space_count; i++) {
        if (ent_id_eq(sid, &world->spaces[i].sid)) {
            return (world->spaces[i].readers >> node & 1) != 0;
        }
    }
    return false;
}

void
sim_check_entitled(struct sim_world *world)
{
    static const char sql[] =
        "SELECT DISTINCT s.sid FROM entry e JOIN log l ON l.id = e.log"
        " JOIN space s ON s.id = l.space WHERE l.node != ?1";
    unsigned i;

    for (i = 0; i < world->node_count; i++) {
        struct sim_node *n = &world->nodes[i];
        struct stmt *s;

        if (n->engine == NULL) {
            continue;
        }
        s = db_prepare(engine_db(n->engine), sql);
        stmt_bind_u64(s, 1, n->engine->own_node);
        while (store_next(s)) {
            struct ent_id sid;
            char hex[17];

            stmt_col_id(s, 0, &sid);
            if (!may_hold(world, &sid, i)) {
                sim_finding("n%u holds space %s, which it was never granted", i,
                            ent_hex(hex, sid.b, 8));
            }
        }
    }
}

/* ---- the end ---- */

static void
check_node(struct sim_world *world, unsigned node)
{
    const struct sim_node *n = &world->nodes[node];
    struct engine_verify verify;
    uint64_t forks = sim_node_number(n, "SELECT count(*) FROM fork");

    if (forks > 0) {
        sim_finding("n%u notes %llu forks among honest nodes", node,
                    (unsigned long long)forks);
    }
    store_verify(engine_db(n->engine), NULL, NULL, &verify);
    if (verify.problem_count > 0) {
        sim_finding("n%u does not verify: %s", node, verify.problems[0]);
    }
    sim_check_rebuild(world, node);
}

static void
check_spaces(struct sim_world *world, uint32_t bits)
{
    size_t i;
    unsigned a;

    for (i = 0; i <= world->space_count; i++) {
        bool is_circle = i == world->space_count;
        const struct ent_id *sid =
            is_circle ? &world->circle : &world->spaces[i].sid;
        uint32_t readers = is_circle ? bits : world->spaces[i].readers & bits;
        unsigned first = SIM_NODES_MAX;

        for (a = 0; a < world->node_count; a++) {
            if ((readers >> a & 1) == 0) {
                continue;
            }
            if (first == SIM_NODES_MAX) {
                first = a;
            } else {
                compare_space(world, sid, first, a);
            }
        }
    }
}

void
sim_check_end(struct sim_world *world)
{
    uint32_t bits = sim_check_members(world);
    unsigned i;

    check_spaces(world, bits);
    sim_check_entitled(world);
    check_ledger(world);
    for (i = 0; i < world->node_count; i++) {
        check_node(world, i);
        if ((bits >> i & 1) != 0 &&
            sim_node_number(&world->nodes[i], "SELECT count(*) FROM waiting") >
                0) {
            sim_finding("n%u has entries that still wait", i);
        }
    }
}
