/* The hash table of logs; see table.h. */
#include "sync/table.h"

#include <stdlib.h>

#define CHAINS_START 64u
#define CHAIN_LEN_MAX 4u /* on average, before the table grows */

bool
logkey_eq(const struct ent_logkey *a, const struct ent_logkey *b)
{
    return a->inc == b->inc && ent_id_eq(&a->node, &b->node) &&
           ent_id_eq(&a->space, &b->space);
}

static size_t
chain_of(const struct log_table *t, const struct ent_logkey *log)
{
    uint8_t raw[68];
    uint8_t hash[16];

    memcpy(raw, log->space.b, 32);
    memcpy(raw + 32, log->node.b, 32);
    ent_put_u32(raw + 64, log->inc);
    ent_siphash(t->key, ENT_SLICE_OF(raw), hash);
    return (size_t)ent_get_u64(hash) & (t->chain_count - 1);
}

void
log_table_init(struct log_table *t, const uint8_t key[16])
{
    *t = (struct log_table){.chain_count = CHAINS_START};
    memcpy(t->key, key, sizeof(t->key));
    t->chains = ent_alloc_zero(t->chain_count, sizeof(struct log_link *));
}

void
log_table_release(struct log_table *t)
{
    free(t->chains);
    *t = (struct log_table){0};
}

static void
insert(struct log_table *t, struct log_link *link)
{
    struct log_link **at = &t->chains[chain_of(t, &link->log)];

    /* At the end: links of one log keep the order they came in. */
    while (*at != NULL) {
        at = &(*at)->next;
    }
    link->next = NULL;
    *at = link;
}

static void
grow(struct log_table *t)
{
    struct log_link **old = t->chains;
    size_t old_count = t->chain_count;
    size_t i;

    t->chain_count = old_count * 4;
    t->chains = ent_alloc_zero(t->chain_count, sizeof(struct log_link *));
    for (i = 0; i < old_count; i++) {
        while (old[i] != NULL) {
            struct log_link *link = old[i];

            old[i] = link->next;
            insert(t, link);
        }
    }
    free(old);
}

void
log_table_put(struct log_table *t, struct log_link *link)
{
    if (t->count >= t->chain_count * CHAIN_LEN_MAX) {
        grow(t);
    }
    insert(t, link);
    t->count++;
}

void
log_table_remove(struct log_table *t, struct log_link *link)
{
    struct log_link **at = &t->chains[chain_of(t, &link->log)];

    while (*at != link) {
        ENT_ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = link->next;
    link->next = NULL;
    ENT_ASSERT(t->count > 0);
    t->count--;
}

static struct log_link *
find_from(struct log_link *link, const struct ent_logkey *log)
{
    while (link != NULL && !logkey_eq(&link->log, log)) {
        link = link->next;
    }
    return link;
}

struct log_link *
log_table_find(const struct log_table *t, const struct ent_logkey *log)
{
    return find_from(t->chains[chain_of(t, log)], log);
}

struct log_link *
log_link_again(const struct log_link *link)
{
    return find_from(link->next, &link->log);
}

struct log_link *
log_table_pop(struct log_table *t)
{
    size_t i;

    for (i = 0; t->count > 0 && i < t->chain_count; i++) {
        if (t->chains[i] != NULL) {
            struct log_link *link = t->chains[i];

            log_table_remove(t, link);
            return link;
        }
    }
    return NULL;
}
