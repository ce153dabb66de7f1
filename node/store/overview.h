/*
 * Reading views for methods: who is who, who is where, how far something was
 * seen. SQL stays in node/store; methods get plain structs.
 */
#ifndef NODE_STORE_OVERVIEW_H
#define NODE_STORE_OVERVIEW_H

#include <entente/control.h>
#include <entente/record.h>

#include "store/base/db.h"

struct overview_node {
    uint64_t row;
    struct ent_id key;
    uint8_t role; /* enum ent_role, in the space asked for */
    uint8_t basis;
    bool is_opener;
    bool is_us;
    uint8_t sector;
    char name[ENT_NAME_MAX + 1];
};

/* The address that others are told; empty when there is none. */
void overview_address(struct db *db, char *ret, size_t size);
uint64_t overview_own_node(struct db *db);
uint64_t overview_own_space(struct db *db);
/* The first circle that this node is in (as member or moderator); 0 when there
 * is none. `is_any` also takes one that it is still joining. */
uint64_t overview_circle(struct db *db, bool is_any);
/* Our role in a space; ENT_ROLE_NONE. */
uint8_t overview_own_role(struct db *db, uint64_t space);

/* Everybody named in a space, by name. Returns owned (free). */
struct overview_node *overview_members(struct db *db, uint64_t space,
                                       size_t *ret_count);
/* One node: name and sector from its card ("?" when there is none), role in
 * `space` (0: none asked). False when the row is unknown. */
bool overview_node(struct db *db, uint64_t row, uint64_t space,
                   struct overview_node *ret_node);
/* Appends the bytes of a node's newest card; false when there is none. */
bool overview_card(struct db *db, uint64_t node, struct ent_buf *out);
/* The row of a node; 0 when it is not known. */
uint64_t overview_node_find(struct db *db, const struct ent_id *key);
/* Looks among a space's members by name (any case) or by at least six hex
 * digits of the node's id. 0: nobody; UINT64_MAX: more than one fits. */
uint64_t overview_find_member(struct db *db, uint64_t space, const char *text);

struct overview_space {
    uint64_t row;
    struct ent_id sid;
    uint8_t kind;
    uint64_t circle;
    uint64_t opener;
};
bool overview_space(struct db *db, uint64_t row,
                    struct overview_space *ret_space);
/* What a space's first entry says. Release it after true. */
struct overview_genesis {
    char name[ENT_NAME_MAX + 1];
    char *charter; /* owned */
    uint64_t at;
};
bool overview_genesis(struct db *db, uint64_t space,
                      struct overview_genesis *ret_genesis);
void overview_genesis_release(struct overview_genesis *genesis);
uint64_t overview_space_find(struct db *db, const struct ent_id *sid);
/* All spaces of a kind, oldest first. Returns owned (free). */
uint64_t *overview_spaces(struct db *db, uint8_t kind, size_t *ret_count);

/* How many of the other readers and members of a space have acknowledged all
 * that we wrote there. */
void overview_seen(struct db *db, uint64_t space, uint64_t *ret_seen,
                   uint64_t *ret_of);

/* Who wrote an entry and when (advisory wall clock). */
void overview_author(struct db *db, uint64_t arrival, uint64_t *ret_node,
                     uint64_t *ret_at);

/* The record of a kind whose field has this text, in space `space` or (0)
 * anywhere. 0: none; UINT64_MAX: several. */
uint64_t overview_record_by_text(struct db *db, uint64_t space, uint16_t kind,
                                 uint16_t field, const char *text);
/* … or whose id begins with these hex digits (at least four). */
uint64_t overview_record_by_hex(struct db *db, uint16_t kind, const char *hex);
uint64_t overview_record_space(struct db *db, uint64_t record);

/* An invitation as it is kept. */
struct overview_invitation {
    uint8_t id[8];
    uint8_t role;
    uint64_t created_at;
    uint64_t expires_at;
    uint64_t used_by; /* node row; 0 when unused */
};
struct overview_invitation *overview_invitations(struct db *db,
                                                 size_t *ret_count);
/* Keeps a new one; inside a transaction. */
void overview_put_invitation(struct db *db, uint64_t circle,
                             const struct overview_invitation *invitation,
                             const uint8_t secret[32]);

#endif
