/* Whom this node knows: members of its circles, those who are joining, the
 * secrets that open links with them, and invitations. */
#include "store/directory.h"

#include "store/internal.h"
#include "store/sync.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- peers ---- */

static void
copy_slice(char *out, size_t size, struct ent_slice s)
{
    snprintf(out, size, "%.*s", (int)s.len, (const char *)s.p);
}

static void
add_address(struct directory_peer *p, struct ent_slice address)
{
    size_t i;

    if (p->address_count == ENT_ADDRESSES_MAX || address.len == 0 ||
        address.len > ENT_ADDRESS_MAX) {
        return;
    }
    for (i = 0; i < p->address_count; i++) {
        if (ent_slice_eq(ent_slice_str(p->addresses[i]), address)) {
            return;
        }
    }
    copy_slice(p->addresses[p->address_count++], ENT_ADDRESS_MAX + 1, address);
}

/* Addresses that somebody here typed come before those of the card. */
static void
add_typed_addresses(struct db *db, uint64_t node, struct directory_peer *p)
{
    static const char sql[] =
        "SELECT address FROM address WHERE node = ?1 ORDER BY 1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_u64(s, 1, node);
    while (store_next(s)) {
        add_address(p, stmt_col_text(s, 0));
    }
}

static void
fill_card(struct directory_peer *p, struct ent_slice bytes)
{
    struct ent_card card;
    size_t i;

    if (ent_card_decode(bytes, &card) != ENT_OK) {
        return;
    }
    p->transport = card.transport;
    p->sector = card.sector;
    copy_slice(p->name, sizeof(p->name), card.name);
    for (i = 0; i < card.address_count; i++) {
        add_address(p, card.addresses[i]);
    }
}

static void
add_secret(struct directory_peer *p, const struct ent_key *psk)
{
    if (p->secret_count < ENT_SECRETS_MAX + 1) {
        p->secrets[p->secret_count++] = *psk;
    }
}

static void
recipients_of(struct db *db, uint64_t circle, struct ent_id *ret_hash)
{
    static const char sql[] =
        "SELECT n.key FROM member m JOIN node n ON n.id = m.node"
        " WHERE m.space = ?1 AND m.role >= ?2 ORDER BY n.key";
    struct stmt *s = db_prepare(db, sql);
    struct ent_hasher h;

    ent_hasher_init(&h, "entente/recipients/1");
    stmt_bind_u64(s, 1, circle);
    stmt_bind_u64(s, 2, ENT_ROLE_READER);
    while (store_next(s)) {
        struct ent_id id;

        stmt_col_id(s, 0, &id);
        ent_hasher_add(&h, ENT_SLICE_OF(id));
    }
    ent_hasher_end(&h, ret_hash);
}

/* The circle's epochs as pre-shared keys: those that exactly today's members
 * hold first, then newest first. */
static void
add_circle_secrets(struct db *db, uint64_t circle, struct directory_peer *p)
{
    static const char sql[] =
        "SELECT key, recipients = ?2 FROM epoch_key WHERE space = ?1"
        " AND key IS NOT NULL ORDER BY 2 DESC, arrival DESC LIMIT ?3";
    struct ent_id now;
    struct stmt *s;

    recipients_of(db, circle, &now);
    s = db_prepare(db, sql);
    stmt_bind_u64(s, 1, circle);
    stmt_bind_id(s, 2, &now);
    stmt_bind_u64(s, 3, ENT_SECRETS_MAX);
    while (store_next(s)) {
        struct ent_key key;
        struct ent_key psk;

        stmt_col_fixed(s, 0, key.b, sizeof(key.b));
        ent_epoch_psk(&key, &psk);
        if (stmt_col_u64(s, 1) != 0 && p->full_count == p->secret_count) {
            p->full_count++;
        }
        add_secret(p, &psk);
        ent_wipe(&key, sizeof(key));
    }
}

static void
add_pair_secret(struct db *db, uint64_t node, struct directory_peer *p)
{
    static const char sql[] = "SELECT secret, card FROM pair WHERE node = ?1";
    struct stmt *s = db_prepare(db, sql);
    struct ent_key key;

    stmt_bind_u64(s, 1, node);
    if (!store_find(s)) {
        return;
    }
    stmt_col_fixed(s, 0, key.b, sizeof(key.b));
    if (p->name[0] == '\0') {
        fill_card(p, stmt_col_blob(s, 1));
    }
    stmt_reset(s);
    add_secret(p, &key);
    ent_wipe(&key, sizeof(key));
}

/* Members of circles, and those with a pair secret: (node, role, circle). */
static const char SQL_PEERS[] =
    "SELECT n.id, n.key, max(x.role), max(x.circle) FROM ("
    " SELECT m.node AS node, m.role AS role, m.space AS circle FROM member m"
    " JOIN space s ON s.id = m.space AND s.kind = 2"
    " UNION ALL SELECT p.node, 0, 0 FROM pair p) x"
    " JOIN node n ON n.id = x.node WHERE n.key != ?1"
    " GROUP BY n.id ORDER BY n.key LIMIT ?2";

static void
fill_peer(struct db *db, uint64_t node, uint64_t circle,
          struct directory_peer *p)
{
    static const char sql[] = "SELECT bytes FROM card WHERE node = ?1";
    struct stmt *s = db_prepare(db, sql);
    enum ent_status st;

    add_typed_addresses(db, node, p);
    stmt_bind_u64(s, 1, node);
    st = stmt_find(s);
    if (st == ENT_OK) {
        fill_card(p, stmt_col_blob(s, 0));
        stmt_reset(s);
    } else if (st != ENT_RULE_NOT_FOUND) {
        store_must(st);
    }
    if (circle != 0) {
        add_circle_secrets(db, circle, p);
    }
    add_pair_secret(db, node, p);
}

static void
read_peers(struct db *db, struct directory *d)
{
    struct ent_id own;
    struct stmt *s;

    sync_store_node(db, &own);
    d->peers = ent_alloc_zero(ENT_PEERS_MAX, sizeof(*d->peers));
    s = db_prepare(db, SQL_PEERS);
    stmt_bind_id(s, 1, &own);
    stmt_bind_u64(s, 2, ENT_PEERS_MAX);
    while (store_next(s)) {
        struct directory_peer *p;

        p = &d->peers[d->peer_count++];
        stmt_col_id(s, 1, &p->node);
        p->role = (uint8_t)stmt_col_u64(s, 2);
        fill_peer(db, stmt_col_u64(s, 0), stmt_col_u64(s, 3), p);
    }
    d->peers = ent_realloc(d->peers, (d->peer_count + 1) * sizeof(*d->peers));
}

/* ---- invitations ---- */

static void
read_invitations(struct db *db, struct directory *d)
{
    static const char sql[] =
        "SELECT i.id, i.secret, i.expires, i.used_by, i.role, s.sid"
        " FROM invitation i JOIN space s ON s.id = i.circle"
        " ORDER BY i.created DESC LIMIT ?1";
    struct stmt *s = db_prepare(db, sql);

    d->invitations =
        ent_alloc_zero(ENT_INVITATIONS_MAX, sizeof(*d->invitations));
    stmt_bind_u64(s, 1, ENT_INVITATIONS_MAX);
    while (store_next(s)) {
        struct directory_invitation *i;
        struct ent_key secret;

        i = &d->invitations[d->invitation_count++];
        stmt_col_fixed(s, 0, i->id, sizeof(i->id));
        stmt_col_fixed(s, 1, secret.b, sizeof(secret.b));
        directory_ticket_psk(&secret, &i->psk);
        i->expires_ms = stmt_col_u64(s, 2);
        i->is_used = stmt_col_u64(s, 3) != 0;
        i->role = (uint8_t)stmt_col_u64(s, 4);
        stmt_col_id(s, 5, &i->circle);
        ent_wipe(&secret, sizeof(secret));
    }
}

struct directory *
directory_read(struct db *db)
{
    struct directory *d = ent_alloc_zero(1, sizeof(*d));

    read_peers(db, d);
    read_invitations(db, d);
    return d;
}

void
directory_free(struct directory *d)
{
    if (d != NULL) {
        ent_wipe(d->peers, d->peer_count * sizeof(*d->peers));
        ent_wipe(d->invitations, d->invitation_count * sizeof(*d->invitations));
        free(d->peers);
        free(d->invitations);
        free(d);
    }
}

const struct directory_peer *
directory_find(const struct directory *d, const struct ent_id *node)
{
    size_t i;

    for (i = 0; i < d->peer_count; i++) {
        if (ent_id_eq(&d->peers[i].node, node)) {
            return &d->peers[i];
        }
    }
    return NULL;
}

const struct directory_peer *
directory_find_transport(const struct directory *d,
                         const struct ent_key *transport)
{
    size_t i;

    for (i = 0; i < d->peer_count; i++) {
        if (memcmp(d->peers[i].transport.b, transport->b,
                   sizeof(transport->b)) == 0) {
            return &d->peers[i];
        }
    }
    return NULL;
}

/* ---- joining ---- */

/* The structure's card: name and addresses as they are now. */
void
directory_own_card(struct engine *engine, struct ent_buf *out)
{
    struct ent_card card = {
        .node = engine->keys.node,
        .number = (uint32_t)meta_get_u64(engine->db, "card_number"),
        .transport = engine->keys.transport,
        .sealing = engine->keys.sealing,
        .sector = (uint8_t)meta_get_u64(engine->db, "sector"),
    };
    char name[ENT_NAME_MAX + 1];
    char languages[64];
    char address[ENT_ADDRESS_MAX + 1];

    meta_get_text(engine->db, "structure", name, sizeof(name));
    meta_get_text(engine->db, "languages", languages, sizeof(languages));
    meta_get_text(engine->db, "advertise", address, sizeof(address));
    card.name = ent_slice_str(name);
    card.languages = ent_slice_str(languages);
    if (address[0] != '\0') {
        card.addresses[card.address_count++] = ent_slice_str(address);
    }
    ent_card_encode(&card, &engine->keys.sign_secret, out);
}

static void
publish_card(struct engine *engine, uint64_t circle, struct ent_slice card)
{
    struct ent_op op = {.type = ENT_OP_CARD};
    struct engine_draft draft;
    struct ent_id id;

    op.u.card = card;
    engine_draft_init(&draft, circle, ENT_CLASS_CONTROL);
    ent_op_put(&draft.ops, &op);
    draft.op_count = 1;
    /* Not entitled: a circle that we have left; its members need it not. */
    (void)!engine_author(engine, &draft, &id);
    engine_draft_release(&draft);
}

void
directory_set_address(struct engine *engine, const char *address)
{
    static const char sql[] = "SELECT id FROM space WHERE kind = 2";
    uint64_t circles[ENT_CIRCLES_MAX];
    struct ent_buf card = {0};
    struct stmt *s = db_prepare(engine->db, sql);
    size_t count = 0;
    size_t i;

    meta_put_text(engine->db, "advertise", address);
    meta_put_u64(engine->db, "card_number",
                 meta_get_u64(engine->db, "card_number") + 1);
    directory_own_card(engine, &card);
    while (store_next(s)) {
        if (count < ENT_CIRCLES_MAX) {
            circles[count++] = stmt_col_u64(s, 0);
        }
    }
    for (i = 0; i < count; i++) {
        publish_card(engine, circles[i], ent_buf_slice(&card));
    }
    ent_buf_release(&card);
}

/* Two nodes that met by an invitation. */
struct pair_row {
    struct ent_id node;
    struct ent_slice card;
    const struct ent_key *secret;
    const struct ent_id *circle;
    bool is_caller;
    bool was_compared;
};

static void
keep_pair(struct engine *engine, const struct pair_row *pair)
{
    static const char sql[] =
        "INSERT OR REPLACE INTO pair VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    uint64_t node = row_node(engine->db, &pair->node);
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_u64(s, 1, node);
    stmt_bind_blob(s, 2, ENT_SLICE_OF(*pair->secret));
    stmt_bind_id(s, 3, pair->circle);
    stmt_bind_u64(s, 4, pair->is_caller);
    stmt_bind_blob(s, 5, pair->card);
    stmt_bind_u64(s, 6, pair->was_compared);
    stmt_bind_u64(s, 7, engine->now_ms);
    store_must(stmt_run(s));
    engine->members_changed = true;
}

struct invitation_row {
    uint64_t circle;
    uint8_t role;
    uint64_t expires;
    uint64_t used_by;
};

static bool
find_invitation(struct db *db, const uint8_t id[8], struct invitation_row *ret)
{
    static const char sql[] =
        "SELECT circle, role, expires, used_by FROM invitation WHERE id = ?1";
    struct stmt *s = db_prepare(db, sql);

    stmt_bind_blob(s, 1, ent_slice(id, 8));
    if (!store_find(s)) {
        return false;
    }
    *ret = (struct invitation_row){
        .circle = stmt_col_u64(s, 0),
        .role = (uint8_t)stmt_col_u64(s, 1),
        .expires = stmt_col_u64(s, 2),
        .used_by = stmt_col_u64(s, 3),
    };
    stmt_reset(s);
    return true;
}

static void
use_invitation(struct engine *engine, const uint8_t id[8],
               const struct ent_id *by)
{
    static const char sql[] =
        "UPDATE invitation SET used_by = ?2 WHERE id = ?1";
    uint64_t node = row_node(engine->db, by);
    struct stmt *s = db_prepare(engine->db, sql);

    stmt_bind_blob(s, 1, ent_slice(id, 8));
    stmt_bind_u64(s, 2, node);
    store_must(stmt_run(s));
}

/* The motion that lets the newcomer in, and our own yes to it. */
static void
propose(struct engine *engine, const struct invitation_row *inv,
        const struct ent_card *card, struct ent_slice card_bytes)
{
    struct ent_op_motion motion = {
        .action = inv->role == ENT_ROLE_MODERATOR ? ENT_ACTION_APPOINT
                                                  : ENT_ACTION_ADMIT,
        .subject = card->node,
        .card = card_bytes,
    };
    struct ent_id id;

    if (engine_motion(engine, inv->circle, &motion, &id) == ENT_OK) {
        (void)!engine_vote(engine, inv->circle, &id);
    }
}

enum ent_status
directory_join_callee(struct engine *engine, const uint8_t invitation[8],
                      struct ent_slice card_bytes,
                      const struct ent_key *pair_secret, bool was_compared)
{
    struct pair_row pair = {.card = card_bytes,
                            .secret = pair_secret,
                            .was_compared = was_compared};
    struct invitation_row inv;
    struct ent_card card;
    struct ent_id circle;
    enum ent_status st = ent_card_decode(card_bytes, &card);

    if (st != ENT_OK) {
        return st;
    }
    if (!find_invitation(engine->db, invitation, &inv)) {
        return ENT_PEER_INVITE_UNKNOWN;
    }
    if (inv.used_by != 0) {
        return ENT_PEER_INVITE_USED;
    }
    if (inv.expires < engine->now_ms) {
        return ENT_PEER_INVITE_EXPIRED;
    }
    row_space_id(engine->db, inv.circle, &circle);
    use_invitation(engine, invitation, &card.node);
    pair.node = card.node;
    pair.circle = &circle;
    keep_pair(engine, &pair);
    propose(engine, &inv, &card, card_bytes);
    return ENT_OK;
}

enum ent_status
directory_join_caller(struct engine *engine, const struct ent_id *circle,
                      struct ent_slice card_bytes,
                      const struct ent_key *pair_secret, bool was_compared)
{
    struct pair_row pair = {.card = card_bytes,
                            .secret = pair_secret,
                            .circle = circle,
                            .is_caller = true,
                            .was_compared = was_compared};
    struct ent_card card;
    enum ent_status st = ent_card_decode(card_bytes, &card);

    if (st == ENT_OK) {
        pair.node = card.node;
        keep_pair(engine, &pair);
    }
    return st;
}
