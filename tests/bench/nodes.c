/* Making and filling nodes with the engine in this process. */
#include "bench/nodes.h"

#include "clock.h"
#include "store/directory.h"
#include "store/overview.h"
#include "store/records.h"

#include <entente/gov.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH 1000u

static void
must(enum ent_status st, const char *what)
{
    if (st != ENT_OK) {
        bench_die("%s: %s", what, ent_status_text(st));
    }
}

static struct keyfile_way
way_of(const struct bench_node *node)
{
    return (struct keyfile_way){.type = KEYFILE_RAW,
                                .raw_path = node->key_path};
}

void
node_make(const struct bench *bench, const char *name, unsigned port,
          struct bench_node *node)
{
    char listen[64];
    struct engine_profile profile = {
        .structure = name,
        .sector = ENT_SECTOR_HOSPITAL,
        .languages = "en",
        .listen = listen,
        .advertise = port != 0 ? listen : "",
    };
    struct keyfile_way way;
    struct ent_key seed;
    char key_name[64];

    *node = (struct bench_node){.socket = -1};
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
    snprintf(key_name, sizeof(key_name), "%s.key", name);
    bench_path(bench->folder, name, node->folder);
    bench_path(bench->folder, key_name, node->key_path);
    must(keyfile_make_raw(node->key_path), "making a key file");
    way = way_of(node);
    clock_seed(&seed);
    must(engine_init(node->folder, &way, &profile, &seed, clock_wall_ms()),
         "making a node");
}

void
node_open(struct bench_node *node)
{
    struct keyfile_way way = way_of(node);
    struct engine_report report;
    struct ent_key seed;

    ENT_ASSERT(node->engine == NULL && node->pid == 0);
    clock_seed(&seed);
    must(engine_open(node->folder, &way, &seed, clock_wall_ms(), &node->engine,
                     &report),
         "opening a node");
    if (report.is_restored) {
        bench_die("%s", report.note);
    }
}

void
node_close(struct bench_node *node)
{
    engine_close(node->engine);
    node->engine = NULL;
}

void
node_begin(struct bench_node *node)
{
    engine_begin(node->engine, clock_wall_ms());
}

void
node_commit(struct bench_node *node)
{
    struct engine_outcome outcome;

    engine_commit(node->engine, &outcome);
    while (outcome.owes_reaction) {
        node_begin(node);
        engine_react(node->engine);
        engine_commit(node->engine, &outcome);
    }
}

/* ---- entries ---- */

/* Letters and digits that no compression would shorten much. */
static void
random_text(struct engine *engine, char *ret_text, size_t len)
{
    static const char digits[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .";
    size_t i;

    ent_rng_fill(engine_rng(engine), ret_text, len);
    for (i = 0; i < len; i++) {
        ret_text[i] = digits[(uint8_t)ret_text[i] & 63];
    }
}

/* What is around a text of `len` bytes in a payload. */
static size_t
overhead(struct bench_node *node, uint64_t space, uint16_t kind, uint16_t field,
         size_t len)
{
    struct ent_record_id rid = {{0}};
    struct records_writer w;
    struct ent_buf begin = {0};
    char text[ENTRY_LEN];
    size_t total;

    memset(text, 'x', sizeof(text));
    records_writer_init(&w, space);
    records_write_begin(&w, engine_db(node->engine), kind, &rid, 0);
    records_write_text(&w, field, ent_slice(text, len));
    /* Beginning the next record ends this one. */
    records_write_begin(&w, engine_db(node->engine), kind, &rid, 0);
    ent_ops_begin(&begin, ent_slice_str(""), 1);
    total = begin.len + w.draft.ops.len;
    ent_buf_release(&begin);
    ent_buf_release(&w.values);
    engine_draft_release(&w.draft);
    return total - len;
}

static size_t
text_len(struct bench_node *node, uint64_t space, uint16_t kind, uint16_t field)
{
    static size_t known;

    if (known == 0) {
        known = ENTRY_LEN - overhead(node, space, kind, field, 160);
        ENT_ASSERT(overhead(node, space, kind, field, known) + known ==
                   ENTRY_LEN);
    }
    return known;
}

void
node_write(struct bench_node *node, uint64_t space, uint16_t kind,
           uint16_t field)
{
    char text[ENTRY_LEN];
    size_t len = text_len(node, space, kind, field);
    struct ent_record_id rid;
    struct records_writer w;
    struct ent_id id;

    random_text(node->engine, text, len);
    records_new_rid(node->engine, &rid);
    records_writer_init(&w, space);
    records_write_begin(&w, engine_db(node->engine), kind, &rid,
                        kind == KIND_CARE_NOTE
                            ? overview_own_node(engine_db(node->engine))
                            : 0);
    records_write_text(&w, field, ent_slice(text, len));
    must(records_write_end(&w, node->engine, &id), "writing an entry");
}

void
node_fill(struct bench_node *node, uint64_t space, uint16_t kind, size_t count)
{
    uint16_t field =
        kind == KIND_CARE_NOTE ? FIELD_CARE_NOTE_TEXT : FIELD_OWN_NOTE_TEXT;
    size_t i;

    for (i = 0; i < count; i++) {
        if (i % BATCH == 0) {
            node_begin(node);
        }
        node_write(node, space, kind, field);
        if ((i + 1) % BATCH == 0 || i + 1 == count) {
            node_commit(node);
        }
    }
}

/* ---- a circle of two ---- */

static uint64_t
found_circle(struct bench_node *a, uint8_t ret_invitation[8],
             struct ent_id *ret_circle)
{
    struct engine_space_spec spec = {.kind = ENT_SPACE_CIRCLE, .name = "Bench"};
    struct overview_invitation invitation = {.role = ENT_ROLE_MEMBER};
    struct ent_key secret;
    uint64_t circle;

    clock_seed(&secret);
    clock_random(invitation.id, sizeof(invitation.id));
    memcpy(ret_invitation, invitation.id, sizeof(invitation.id));
    invitation.created_at = clock_wall_ms();
    invitation.expires_at = invitation.created_at + ENT_INVITATION_MS;
    node_begin(a);
    must(engine_open_space(a->engine, &spec, &circle, ret_circle),
         "founding a circle");
    overview_put_invitation(engine_db(a->engine), circle, &invitation,
                            secret.b);
    node_commit(a);
    return circle;
}

static void
join(struct bench_node *a, struct bench_node *b, const uint8_t invitation[8],
     const struct ent_id *circle)
{
    struct ent_buf card_a = {0};
    struct ent_buf card_b = {0};
    struct ent_key pair;

    clock_seed(&pair);
    directory_own_card(a->engine, &card_a);
    directory_own_card(b->engine, &card_b);
    node_begin(b);
    must(directory_join_caller(b->engine, circle, ent_buf_slice(&card_a), &pair,
                               true),
         "joining");
    node_commit(b);
    node_begin(a);
    must(directory_join_callee(a->engine, invitation, ent_buf_slice(&card_b),
                               &pair, true),
         "letting in");
    node_commit(a);
    ent_buf_release(&card_a);
    ent_buf_release(&card_b);
}

void
nodes_pair(const struct bench *bench, struct bench_node *a,
           struct bench_node *b)
{
    uint8_t invitation[8];
    struct ent_id circle_id;
    uint64_t circle;
    size_t members;

    node_make(bench, "a", node_free_port(), a);
    node_make(bench, "b", 0, b);
    node_open(a);
    node_open(b);
    circle = found_circle(a, invitation, &circle_id);
    join(a, b, invitation, &circle_id);
    free(overview_members(engine_db(a->engine), circle, &members));
    if (members != 2) {
        bench_die("the circle has %zu members instead of 2", members);
    }
    node_close(a);
    node_close(b);
}

uint64_t
nodes_care_space(struct bench_node *a)
{
    struct db *db = engine_db(a->engine);
    struct engine_grant grant = {.level = ENT_LEVEL_READER,
                                 .basis = ENT_BASIS_SAME_TEAM};
    struct engine_space_spec spec = {
        .kind = ENT_SPACE_CARE,
        .circle = overview_circle(db, false),
        .grant_count = 1,
        .grants = &grant,
    };
    struct overview_node node;
    struct ent_id id;
    uint64_t space;
    uint64_t row = overview_find_member(db, spec.circle, "b");

    if (row == 0 || !overview_node(db, row, spec.circle, &node)) {
        bench_die("the other node is not in the circle");
    }
    grant.node = node.key;
    must(engine_open_space(a->engine, &spec, &space, &id),
         "opening a care space");
    return space;
}
