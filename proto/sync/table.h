/*
 * A hash table keyed by log, whose links are embedded in what it holds. One
 * log may be in it several times. Keyed, so that no peer can choose logs that
 * all fall into one chain.
 */
#ifndef ENTENTE_PROTO_SYNC_TABLE_H
#define ENTENTE_PROTO_SYNC_TABLE_H

#include <entente/entry.h>

struct log_link {
    struct log_link *next; /* in its chain */
    struct ent_logkey log;
};

struct log_table {
    struct log_link **chains;
    size_t chain_count; /* a power of two */
    size_t count;
    uint8_t key[16];
};

bool logkey_eq(const struct ent_logkey *a, const struct ent_logkey *b);

/* `key` should be unknown to whoever chooses the logs. */
void log_table_init(struct log_table *t, const uint8_t key[16]);
/* Frees the chains, not what they hold. */
void log_table_release(struct log_table *t);

/* Puts `link`, whose log is set, into the table (borrows it until removed). */
void log_table_put(struct log_table *t, struct log_link *link);
/* Takes `link` out; it must be in. */
void log_table_remove(struct log_table *t, struct log_link *link);

/* The first link of `log`, or NULL; and the next one of the same log. */
struct log_link *log_table_find(const struct log_table *t,
                                const struct ent_logkey *log);
struct log_link *log_link_again(const struct log_link *link);

/* Takes any link out, or returns NULL when the table is empty. */
struct log_link *log_table_pop(struct log_table *t);

#endif
