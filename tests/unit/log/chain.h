/* A log made for tests: keys, entries and payloads from small numbers. */
#ifndef TESTS_UNIT_LOG_CHAIN_H
#define TESTS_UNIT_LOG_CHAIN_H

#include <entente/run.h>
#include <entente/limits.h>

#include <stdlib.h>

struct chain {
    struct ent_key secret;
    struct ent_id node;
    struct ent_id space;
    struct ent_entry *entries;
    size_t count;
    struct ent_sig sig;
    uint8_t payloads[8][64]; /* entry i has payload i % 8 */
};

static inline struct ent_id
chain_id(uint8_t n)
{
    struct ent_id id;

    memset(id.b, n, sizeof(id.b));
    return id;
}

/* An entry of the chain at place `i`: a genesis first, then open control for
 * each fourth, else sealed under one of two epochs; some have deps. */
static inline void
chain_entry(struct chain *c, size_t i, const struct ent_id *deps)
{
    struct ent_entry *e = &c->entries[i];

    *e = (struct ent_entry){
        .class = i % 4 == 0 ? ENT_CLASS_CONTROL : ENT_CLASS_SEALED,
        .flags = i == 0 ? ENT_FLAG_GENESIS : 0,
        .space = i == 0 ? chain_id(0x77) : c->space,
        .node = c->node,
        .inc = 0x01020304,
        .seq = i,
        .prev = i == 0 ? (struct ent_id){{0}} : c->entries[i - 1].id,
        .deps = deps,
        .dep_count = i % 4 == 3 ? 2 : 0,
        .hlc = ((uint64_t)1700000000000u + i * 1000u - (i % 3) * 7) << 16,
        .payload = ent_slice(c->payloads[i % 8], 3 + i % 8 * 7),
        .has_payload = true,
    };
    if (i % 4 != 0) {
        e->epoch = chain_id(i % 5 == 2 ? 0x0e : 0x0f);
    }
    ent_entry_finish(e);
}

static inline void
chain_init(struct chain *c, size_t count)
{
    static struct ent_id deps[2];
    size_t i;

    deps[0] = chain_id(0x11);
    deps[1] = chain_id(0x22);
    memset(c, 0, sizeof(*c));
    memset(c->secret.b, 0x42, sizeof(c->secret.b));
    for (i = 0; i < 8; i++) {
        memset(c->payloads[i], (int)(0xa0 + i), sizeof(c->payloads[i]));
    }
    ent_sign_public(&c->secret, &c->node);
    c->entries = ent_alloc_zero(count, sizeof(*c->entries));
    c->count = count;
    for (i = 0; i < count; i++) {
        chain_entry(c, i, deps);
        if (i == 0) {
            c->space = c->entries[0].id;
        }
    }
    ent_entry_sign(&c->secret, &c->entries[count - 1].id, &c->sig);
}

static inline void
chain_release(struct chain *c)
{
    free(c->entries);
}

#endif
