/*
 * The history as methods show it: entries in the order they came, what each
 * of them says, what its author had seen; and counts of what is not in order.
 * SQL stays in node/store; methods get plain structs.
 */
#ifndef NODE_STORE_HISTORY_H
#define NODE_STORE_HISTORY_H

#include <entente/gov.h>
#include <entente/limits.h>

#include "store/base/db.h"

/* The node's own facts, as `init` and a restore wrote them. */
struct history_node {
    char structure[ENT_NAME_MAX + 1];
    uint8_t sector;
    bool is_recovering; /* restored: takes first, serves later */
    char note[200];     /* what a restore found; empty if there was none */
};
void history_node(struct db *db, struct history_node *ret_node);

/* ---- counts; `peer` is a node's id ---- */

/* Entries here that cannot be read for want of a key, in spaces that the peer
 * shares, or (NULL) in all. */
uint64_t history_unread(struct db *db, const struct ent_id *peer);
/* … in one space. */
uint64_t history_unread_in(struct db *db, uint64_t space);
/* Logs known to have two different entries with one number, among spaces
 * that the peer shares, or (NULL) in all. */
uint64_t history_forked(struct db *db, const struct ent_id *peer);
/* Entries here with something that a newer version wrote. */
uint64_t history_strange(struct db *db);
/* Entries of a space after our number `after` that the node did not write
 * itself, and since when the oldest of them is there (wall ms; 0 for none). */
void history_behind(struct db *db, uint64_t space, const struct ent_id *node,
                    uint64_t after, uint64_t *ret_count,
                    uint64_t *ret_oldest_at);
/* Entries of a space that wait for an earlier one. */
uint64_t history_waiting_in(struct db *db, uint64_t space);
/* Whose entries wait for an earlier one, in spaces that the peer shares: the
 * row of the first such author. 0: nobody's. */
uint64_t history_waiting_author(struct db *db, const struct ent_id *peer);

/* ---- entries ---- */

/* How many entries are here. */
uint64_t history_count(struct db *db);
/* Arrival numbers below `before`, newest first, at most `max`; of the spaces
 * (0: no space) or (NULL) of all. Returns how many were written. */
#define HISTORY_SPACES 3u
size_t history_list(struct db *db, const uint64_t spaces[HISTORY_SPACES],
                    uint64_t before, uint64_t *ret_arrivals, size_t max);

struct history_dep {
    struct ent_id id;
    bool is_here;  /* the two below are known */
    uint64_t node; /* row of its author */
    uint64_t seq;
};

struct history_entry {
    uint64_t arrival;
    uint64_t space; /* row */
    uint8_t space_kind;
    struct ent_id sid;
    uint64_t node; /* row of its author */
    struct ent_id id;
    uint64_t seq;
    uint64_t at; /* wall ms by its author's clock */
    uint8_t class;
    bool is_waiting;
    bool is_refused;
    bool has_missing; /* `missing` is what it waits for; without it, it waits
                         for the entry before it in its log */
    struct ent_id missing;
    size_t dep_count;
    struct history_dep deps[ENT_DEPS_MAX];
    bool is_open;         /* `plain` can be decoded */
    struct ent_buf plain; /* the operations, opened; wiped on release */
};
/* False when there is none. Release with history_entry_release. */
bool history_read(struct db *db, uint64_t arrival,
                  struct history_entry *ret_entry);
void history_entry_release(struct history_entry *entry);
/* The number of an entry of a space by its id; 0 when it is not here. */
uint64_t history_find(struct db *db, uint64_t space, const struct ent_id *id);
/* How the op-th operation was judged: enum ent_verdict. */
uint8_t history_verdict(struct db *db, uint64_t arrival, size_t op);

#endif
