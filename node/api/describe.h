/*
 * What an entry says, in a few words for each of its operations: for the
 * history. The same words as everywhere else, from the catalogue.
 */
#ifndef NODE_API_DESCRIBE_H
#define NODE_API_DESCRIBE_H

#include <entente/value.h>

#include "kinds/kinds.h"
#include "store/history.h"

/* An array of descriptions ("meeting: state = open"), one for each operation;
 * one that says so when the entry cannot be read here. `ret_person` is who
 * wrote it at the structure; empty when nobody is named. Returns owned. */
struct value *describe_entry(struct db *db, const struct history_entry *entry,
                             enum kinds_lang lang,
                             char ret_person[ENT_PERSON_MAX + 1]);

/* The verdicts of its control operations that were not followed, as an array
 * of names. Returns owned. */
struct value *describe_verdicts(struct db *db,
                                const struct history_entry *entry);

#endif
