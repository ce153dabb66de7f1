/*
 * A value tree for local calls: what methods take and give, printed as JSON
 * by the command line. The only module that includes jansson; trees travel
 * on the Unix socket as msgpack (rpc.h).
 *
 * Objects keep the order of insertion. Setting and appending take the child.
 */
#ifndef ENTENTE_VALUE_H
#define ENTENTE_VALUE_H

#include <entente/base.h>

struct value; /* reference-counted inside; always owned by its parent */

struct value *value_object(void); /* returns owned: value_free */
struct value *value_array(void);
struct value *value_string(const char *s);
struct value *value_text(struct ent_slice utf8);
struct value *value_int(int64_t v);
struct value *value_real(double v);
struct value *value_bool(bool v);
struct value *value_null(void);
struct value *value_hex(const void *p, size_t len);
void value_free(struct value *v);

/* A second owner of the same tree: free it with value_free, too. */
struct value *value_share(struct value *v);

/* Building: each takes `child`. Bytes that are not UTF-8 (and NUL) are kept
 * as U+FFFD, so that a tree can always be sent and printed. A real that is
 * not finite becomes null. */
void value_set(struct value *object, const char *key, struct value *child);
void value_add(struct value *array, struct value *child);
void value_set_string(struct value *object, const char *key, const char *s);
void value_set_text(struct value *object, const char *key, struct ent_slice s);
void value_set_int(struct value *object, const char *key, int64_t v);
void value_set_real(struct value *object, const char *key, double v);
void value_set_bool(struct value *object, const char *key, bool v);
void value_set_hex(struct value *object, const char *key, const void *p,
                   size_t len);

/* Takes a member out of an object: returned owned (value_free); NULL when it
 * is not there. */
struct value *value_take(struct value *object, const char *key);

/* Reading. A missing key, a NULL tree or another type gives the fallback:
 * NULL, 0, false or the one given. All are borrowed from the tree. */
struct value *value_get(const struct value *object, const char *key);
const char *value_get_string(const struct value *object, const char *key);
int64_t value_get_int(const struct value *object, const char *key,
                      int64_t fallback);
bool value_get_bool(const struct value *object, const char *key, bool fallback);
bool value_has(const struct value *object, const char *key); /* and not null */
size_t value_count(const struct value *v); /* array elements, object keys */
struct value *value_at(const struct value *array, size_t index);
const char *value_key_at(const struct value *object, size_t index);
struct value *value_value_at(const struct value *object, size_t index);
/* Walks an object in its order; value_key_at would count from the start each
 * time. NULL at the end. */
void *value_first(const struct value *object);
void *value_next(const struct value *object, void *at);
const char *value_key_of(void *at);
struct value *value_member_of(void *at); /* borrowed */
bool value_is_object(const struct value *v);
bool value_is_array(const struct value *v);
bool value_is_string(const struct value *v);
bool value_is_int(const struct value *v);
bool value_is_real(const struct value *v);
bool value_is_bool(const struct value *v);
bool value_is_null(const struct value *v);          /* also true for NULL */
const char *value_string_of(const struct value *v); /* NULL if none */
int64_t value_int_of(const struct value *v);
double value_real_of(const struct value *v); /* ints too */
bool value_bool_of(const struct value *v);

/* JSON text, indented by two if `is_pretty`, with sorted keys if `is_sorted`.
 * Returns owned (free). Reals are printed with at most 4 decimals. */
char *value_to_json(const struct value *v, bool is_pretty, bool is_sorted);
/* NULL when it is not JSON; `ret_error` then holds a sentence. */
struct value *value_from_json(const char *text, size_t len,
                              char ret_error[160]);

/* Strict msgpack of docs/protocol.md, but with maps (str keys, each once),
 * booleans and float64, and without bin (local calls only). A tree is at most
 * VALUE_DEPTH_MAX containers deep: deeper ones are refused by value_from_json
 * and make `out` fail. */
#define VALUE_DEPTH_MAX 16u
#define VALUE_ELEMENTS_MAX (256u * 1024u) /* of one tree, keys not counted */
void value_to_msgpack(const struct value *v, struct ent_buf *out);
/* ENT_PEER_MALFORMED, ENT_PEER_TOO_BIG, ENT_PEER_TOO_DEEP. Returns owned. */
ENT_MUST_USE enum ent_status value_from_msgpack(struct ent_slice bytes,
                                                struct value **ret_v);

#endif
