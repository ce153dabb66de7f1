/*
 * The directory: whom this node knows, how to reach and recognise them. A
 * snapshot for the loop, read again whenever members changed.
 */
#ifndef NODE_STORE_DIRECTORY_H
#define NODE_STORE_DIRECTORY_H

#include <entente/control.h>
#include <entente/gov.h>

#include "store/base/db.h"

struct directory_peer {
    struct ent_id node;
    struct ent_key transport;
    char name[ENT_NAME_MAX + 1];
    uint8_t sector;
    uint8_t role; /* enum ent_role in the (first) common circle; NONE
                            when only a pair secret connects us (joining) */
    size_t address_count;
    char addresses[ENT_ADDRESSES_MAX][ENT_ADDRESS_MAX + 1];
    size_t secret_count; /* pre-shared keys, newest first; the first
                            `full_count` are of the newest circle epoch, the
                            others give a limited session */
    size_t full_count;
    struct ent_key secrets[ENT_SECRETS_MAX + 1];
};

struct directory_invitation {
    uint8_t id[8];
    struct ent_key psk;
    uint64_t expires_ms;
    bool is_used;
    uint8_t role; /* ENT_ROLE_MEMBER or ENT_ROLE_MODERATOR */
    struct ent_id circle;
};

struct directory {
    size_t peer_count;
    struct directory_peer *peers;
    size_t invitation_count;
    struct directory_invitation *invitations;
};

/* Returns owned: directory_free (wipes the secrets). */
struct directory *directory_read(struct db *db);
void directory_free(struct directory *directory);
const struct directory_peer *directory_find(const struct directory *directory,
                                            const struct ent_id *node);
const struct directory_peer *directory_find_transport(
    const struct directory *directory, const struct ent_key *transport);

/* ---- joining; writer's thread ---- */
struct engine;

/* Callee: both people compared the digits and confirmed. Marks the invitation
 * used, keeps the newcomer's card and the pair's secret, writes the motion to
 * admit or appoint it and our own yes. ENT_PEER_INVITE_USED,
 * ENT_PEER_INVITE_EXPIRED, ENT_PEER_MALFORMED, ENT_PEER_BAD_SIG. */
ENT_MUST_USE enum ent_status directory_join_callee(
    struct engine *engine, const uint8_t invitation[8], struct ent_slice card,
    const struct ent_key *pair_secret, bool was_compared);

/* Caller: keeps the inviter's card, the circle to expect and the pair's
 * secret, so that the circle's first entries are accepted from it. */
ENT_MUST_USE enum ent_status directory_join_caller(
    struct engine *engine, const struct ent_id *circle, struct ent_slice card,
    const struct ent_key *pair_secret, bool was_compared);

/* Our own signed card with the addresses we listen on. */
void directory_own_card(struct engine *engine, struct ent_buf *out);

/* Tells every circle of a new address, by a newer card. "" for none. */
void directory_set_address(struct engine *engine, const char *address);

/* The invitation as text ("entente1-" and base64url) and back. */
struct directory_ticket {
    uint8_t id[8];
    struct ent_key secret;
    struct ent_id circle;
    struct ent_id inviter;
    struct ent_key transport;
    uint8_t role;
    uint64_t expires_ms;
    char circle_name[ENT_NAME_MAX + 1];
    char inviter_name[ENT_NAME_MAX + 1];
    size_t address_count;
    char addresses[ENT_ADDRESSES_MAX][ENT_ADDRESS_MAX + 1];
};
void directory_ticket_encode(const struct directory_ticket *ticket,
                             struct ent_buf *out);
/* ENT_PEER_MALFORMED when it is not a whole, undamaged invitation. */
ENT_MUST_USE enum ent_status directory_ticket_decode(
    const char *text, struct directory_ticket *ret_ticket);
/* The pre-shared key of a JOIN link: H("entente/invite-psk/1", secret). */
void directory_ticket_psk(const struct ent_key *secret,
                          struct ent_key *ret_psk);

#endif
