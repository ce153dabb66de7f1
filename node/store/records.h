/*
 * Records as methods see them: find, read the current values of fields, and
 * write fields so that every current value seen here is superseded.
 */
#ifndef NODE_STORE_RECORDS_H
#define NODE_STORE_RECORDS_H

#include <entente/record.h>

#include "kinds/numbers.h"
#include "store/engine.h"

/* ---- finding; rows are of the table `record`, 0 is none ---- */
uint64_t records_count(struct db *db, uint64_t space, uint16_t kind);
/* How many different nodes own a record of that kind there. */
uint64_t records_count_owners(struct db *db, uint64_t space, uint16_t kind);
/* Structures whose answers a review space waits for: its readers without the
 * moderator. */
uint64_t records_expected(struct db *db, uint64_t space);
uint64_t records_first(struct db *db, uint64_t space, uint16_t kind);
uint64_t records_find(struct db *db, uint64_t space, uint16_t kind,
                      const struct ent_record_id *rid);
/* The first record of that kind that this node owns. */
uint64_t records_find_owned(struct db *db, uint64_t space, uint16_t kind,
                            uint64_t owner);
void records_rid(struct db *db, uint64_t record, struct ent_record_id *ret);

struct records_row {
    uint64_t row;
    uint64_t space;
    uint64_t owner; /* node row; 0 for shared records */
    struct ent_record_id rid;
};
/* All of a kind, in one space or (space 0) in all, oldest first. Returns owned
 * (free). */
struct records_row *records_list(struct db *db, uint64_t space, uint16_t kind,
                                 size_t *ret_count);

/* ---- reading one field: the latest of its current values ---- */
/* False when there is none or it is nil. The value is copied, NUL-terminated
 * and cut to `size`. */
bool records_text(struct db *db, uint64_t record, uint16_t field, char *ret,
                  size_t size);
/* Returns owned (free), or NULL. */
char *records_text_dup(struct db *db, uint64_t record, uint16_t field);
bool records_int(struct db *db, uint64_t record, uint16_t field,
                 int64_t *ret_v);
bool records_fixed(struct db *db, uint64_t record, uint16_t field, void *ret_p,
                   size_t len);
/* The value's msgpack bytes, appended. */
bool records_value(struct db *db, uint64_t record, uint16_t field,
                   struct ent_buf *out);

/* Fields with more than one current value. */
struct records_conflict {
    uint16_t field;
    uint64_t arrival; /* of the entry that wrote this value */
    struct ent_buf value;
};
/* Every current value of every field in conflict. Free with
 * records_conflicts_free. */
struct records_conflict *records_conflicts(struct db *db, uint64_t record,
                                           size_t *ret_count);
void records_conflicts_free(struct records_conflict *list, size_t count);

/* ---- writing ---- */
struct records_writer {
    struct engine_draft draft;
    struct db *db;
    uint64_t space;
    bool is_open; /* a put is being built */
    struct ent_put put;
    uint64_t record; /* row of it; 0 when it is new */
    struct ent_buf values;
    size_t starts[ENT_FIELDS_MAX + 1];
};
void records_writer_init(struct records_writer *w, uint64_t space);
/* Begins the next record of the entry. `owner` is our node's row for kinds
 * that belong to their author, else 0. */
void records_write_begin(struct records_writer *w, struct db *db, uint16_t kind,
                         const struct ent_record_id *rid, uint64_t owner);
void records_write_text(struct records_writer *w, uint16_t field,
                        struct ent_slice text);
void records_write_str(struct records_writer *w, uint16_t field,
                       const char *text);
void records_write_int(struct records_writer *w, uint16_t field, int64_t v);
void records_write_bin(struct records_writer *w, uint16_t field,
                       struct ent_slice bin);
/* An array of strings. */
void records_write_texts(struct records_writer *w, uint16_t field,
                         const char *const *texts, size_t count);
/* Authors the entry and releases the writer. As engine_author. */
ENT_MUST_USE enum ent_status records_write_end(struct records_writer *w,
                                               struct engine *engine,
                                               struct ent_id *ret_id);
void records_new_rid(struct engine *engine, struct ent_record_id *ret_rid);

/* ---- our own answers ---- */
/* The key of our sealed answer in a review space, from our own space. */
bool records_own_answer_key(struct db *db, uint64_t review_space,
                            struct ent_key *ret_key);

#endif
