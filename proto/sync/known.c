/*
 * Heads that the peer said it has. A run that came from it moves our store,
 * and would be told back to it: it is passed over instead. Only a help, so
 * the oldest are forgotten; forgetting costs one line in a CHANGES.
 */
#include "sync/state.h"

#include <stdlib.h>

static void
forget_oldest(struct ent_session *s)
{
    struct known *known = s->in.known_first;

    s->in.known_first = known->next;
    if (s->in.known_last == known) {
        s->in.known_last = NULL;
    }
    log_table_remove(&s->in.known, &known->link);
    free(known);
}

void
known_put(struct ent_session *s, const struct ent_head *head)
{
    struct known *known =
        (struct known *)log_table_find(&s->in.known, &head->log);

    if (known == NULL) {
        if (s->in.known.count >= ENT_KNOWN_MAX) {
            forget_oldest(s);
        }
        known = ent_alloc_zero(1, sizeof(*known));
        known->link.log = head->log;
        log_table_put(&s->in.known, &known->link);
        if (s->in.known_last != NULL) {
            s->in.known_last->next = known;
        } else {
            s->in.known_first = known;
        }
        s->in.known_last = known;
    } else if (head->seq < known->seq) {
        return;
    }
    known->seq = head->seq;
    known->id = head->id;
}

bool
known_has(const struct ent_session *s, const struct ent_head *head)
{
    const struct known *known =
        (const struct known *)log_table_find(&s->in.known, &head->log);

    if (known == NULL || head->seq > known->seq) {
        return false;
    }
    return head->seq < known->seq || ent_id_eq(&head->id, &known->id);
}

void
known_release(struct ent_session *s)
{
    while (s->in.known_first != NULL) {
        forget_oldest(s);
    }
    log_table_release(&s->in.known);
}
