/*
 * The value tree on jansson: the only file that includes it. A `struct value`
 * is a json_t under another name, so nothing is copied between the two.
 */
#include <entente/value.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Reals beyond this keep every digit: rounding would change nothing. */
#define ROUND_BELOW 1e11
#define ROUND_SCALE 1e4

static struct value *
wrap(json_t *json)
{
    ENT_ASSERT(json != NULL); /* no memory, or our own misuse */
    return (struct value *)(void *)json;
}

/* jansson's reading calls are not const-correct throughout. */
static json_t *
tree(const struct value *v)
{
    return (json_t *)(uintptr_t)v;
}

static struct value *
borrow(json_t *json)
{
    return (struct value *)(void *)json;
}

struct value *
value_object(void)
{
    return wrap(json_object());
}

struct value *
value_array(void)
{
    return wrap(json_array());
}

/* The text with each byte that is no UTF-8 replaced. Quadratic only in the
 * number of bad bytes of one text. */
static struct value *
repaired_text(struct ent_slice s)
{
    struct ent_buf fixed = {.max = SIZE_MAX};
    struct value *v;
    size_t at = 0;

    while (at < s.len) {
        size_t n = 1;

        while (n <= 4 && n <= s.len - at &&
               !ent_utf8_is_valid(ent_slice(s.p + at, n))) {
            n++;
        }
        if (n > 4 || n > s.len - at) {
            ent_buf_put(&fixed, "\xef\xbf\xbd", 3);
            n = 1;
        } else {
            ent_buf_put(&fixed, s.p + at, n);
        }
        at += n;
    }
    v = wrap(json_stringn((const char *)fixed.p, fixed.len));
    ent_buf_release(&fixed);
    return v;
}

struct value *
value_text(struct ent_slice utf8)
{
    if (!ent_utf8_is_valid(utf8)) {
        return repaired_text(utf8);
    }
    return wrap(
        json_stringn(utf8.len > 0 ? (const char *)utf8.p : "", utf8.len));
}

struct value *
value_string(const char *s)
{
    return value_text(ent_slice_str(s));
}

struct value *
value_int(int64_t v)
{
    return wrap(json_integer(v));
}

struct value *
value_real(double v)
{
    return isfinite(v) ? wrap(json_real(v)) : value_null();
}

struct value *
value_bool(bool v)
{
    return wrap(json_boolean(v));
}

struct value *
value_null(void)
{
    return wrap(json_null());
}

struct value *
value_hex(const void *p, size_t len)
{
    char *hex = ent_alloc(2 * len + 1);
    struct value *v = value_string(ent_hex(hex, p, len));

    free(hex);
    return v;
}

void
value_free(struct value *v)
{
    json_decref(tree(v));
}

struct value *
value_share(struct value *v)
{
    return borrow(json_incref(tree(v)));
}

void
value_set(struct value *object, const char *key, struct value *child)
{
    int rc;

    ENT_ASSERT(value_is_object(object) && child != NULL);
    rc = json_object_set_new(tree(object), key, tree(child));
    ENT_ASSERT(rc == 0);
}

void
value_add(struct value *array, struct value *child)
{
    int rc;

    ENT_ASSERT(value_is_array(array) && child != NULL);
    rc = json_array_append_new(tree(array), tree(child));
    ENT_ASSERT(rc == 0);
}

void
value_set_string(struct value *object, const char *key, const char *s)
{
    value_set(object, key, s != NULL ? value_string(s) : value_null());
}

void
value_set_text(struct value *object, const char *key, struct ent_slice s)
{
    value_set(object, key, value_text(s));
}

void
value_set_int(struct value *object, const char *key, int64_t v)
{
    value_set(object, key, value_int(v));
}

void
value_set_real(struct value *object, const char *key, double v)
{
    value_set(object, key, value_real(v));
}

void
value_set_bool(struct value *object, const char *key, bool v)
{
    value_set(object, key, value_bool(v));
}

void
value_set_hex(struct value *object, const char *key, const void *p, size_t len)
{
    value_set(object, key, value_hex(p, len));
}

struct value *
value_get(const struct value *object, const char *key)
{
    return borrow(json_object_get(tree(object), key));
}

const char *
value_get_string(const struct value *object, const char *key)
{
    return value_string_of(value_get(object, key));
}

int64_t
value_get_int(const struct value *object, const char *key, int64_t fallback)
{
    const struct value *v = value_get(object, key);

    return value_is_int(v) ? value_int_of(v) : fallback;
}

bool
value_get_bool(const struct value *object, const char *key, bool fallback)
{
    const struct value *v = value_get(object, key);

    return value_is_bool(v) ? value_bool_of(v) : fallback;
}

struct value *
value_take(struct value *object, const char *key)
{
    json_t *child = json_object_get(tree(object), key);

    if (child == NULL) {
        return NULL;
    }
    json_incref(child);
    json_object_del(tree(object), key);
    return wrap(child);
}

bool
value_has(const struct value *object, const char *key)
{
    return !value_is_null(value_get(object, key));
}

size_t
value_count(const struct value *v)
{
    return value_is_object(v) ? json_object_size(tree(v))
                              : json_array_size(tree(v));
}

struct value *
value_at(const struct value *array, size_t index)
{
    return borrow(json_array_get(tree(array), index));
}

void *
value_first(const struct value *object)
{
    return json_object_iter(tree(object));
}

void *
value_next(const struct value *object, void *at)
{
    return json_object_iter_next(tree(object), at);
}

const char *
value_key_of(void *at)
{
    return json_object_iter_key(at);
}

struct value *
value_member_of(void *at)
{
    return borrow(json_object_iter_value(at));
}

static void *
member_at(const struct value *object, size_t index)
{
    void *at = value_first(object);

    while (at != NULL && index > 0) {
        at = value_next(object, at);
        index--;
    }
    return at;
}

const char *
value_key_at(const struct value *object, size_t index)
{
    void *at = member_at(object, index);

    return at != NULL ? value_key_of(at) : NULL;
}

struct value *
value_value_at(const struct value *object, size_t index)
{
    void *at = member_at(object, index);

    return at != NULL ? value_member_of(at) : NULL;
}

bool
value_is_object(const struct value *v)
{
    return json_is_object(tree(v));
}

bool
value_is_array(const struct value *v)
{
    return json_is_array(tree(v));
}

bool
value_is_string(const struct value *v)
{
    return json_is_string(tree(v));
}

bool
value_is_int(const struct value *v)
{
    return json_is_integer(tree(v));
}

bool
value_is_real(const struct value *v)
{
    return json_is_real(tree(v));
}

bool
value_is_bool(const struct value *v)
{
    return json_is_boolean(tree(v));
}

bool
value_is_null(const struct value *v)
{
    return v == NULL || json_is_null(tree(v));
}

const char *
value_string_of(const struct value *v)
{
    return json_string_value(tree(v));
}

int64_t
value_int_of(const struct value *v)
{
    return json_integer_value(tree(v));
}

double
value_real_of(const struct value *v)
{
    return json_number_value(tree(v));
}

bool
value_bool_of(const struct value *v)
{
    return json_is_true(tree(v));
}

/* Is the tree at most `left` containers deep? */
static bool
is_depth_at_most(const struct value *v, size_t left)
{
    bool is_container = value_is_object(v) || value_is_array(v);
    size_t i;
    void *at;

    if (is_container && left == 0) {
        return false;
    }
    for (i = 0; value_is_array(v) && i < value_count(v); i++) {
        if (!is_depth_at_most(value_at(v, i), left - 1)) {
            return false;
        }
    }
    for (at = value_first(v); at != NULL; at = value_next(v, at)) {
        if (!is_depth_at_most(value_member_of(at), left - 1)) {
            return false;
        }
    }
    return true;
}

/* Rounds every real of the tree to four decimals. */
static void
round_reals(json_t *json)
{
    double v;
    size_t i;
    void *at;

    if (json_is_real(json)) {
        v = json_real_value(json);
        if (v > -ROUND_BELOW && v < ROUND_BELOW) {
            v = v * ROUND_SCALE + (v < 0 ? -0.5 : 0.5);
            json_real_set(json, (double)(int64_t)v / ROUND_SCALE);
        }
        return;
    }
    for (i = 0; i < json_array_size(json); i++) {
        round_reals(json_array_get(json, i));
    }
    for (at = json_object_iter(json); at != NULL;
         at = json_object_iter_next(json, at)) {
        round_reals(json_object_iter_value(at));
    }
}

char *
value_to_json(const struct value *v, bool is_pretty, bool is_sorted)
{
    /* 15 digits print a rounded real as a person would write it. */
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    json_t *copy = v != NULL ? json_deep_copy(tree(v)) : json_null();
    char *text;

    ENT_ASSERT(copy != NULL);
    round_reals(copy);
    flags |= is_pretty ? JSON_INDENT(2) : JSON_COMPACT;
    flags |= is_sorted ? JSON_SORT_KEYS : 0;
    text = json_dumps(copy, flags);
    ENT_ASSERT(text != NULL);
    json_decref(copy);
    return text;
}

struct value *
value_from_json(const char *text, size_t len, char ret_error[160])
{
    json_error_t error;
    json_t *json =
        json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

    if (json == NULL) {
        snprintf(ret_error, 160, "%.100s (line %d, column %d)", error.text,
                 error.line, error.column);
        return NULL;
    }
    if (!is_depth_at_most(borrow(json), VALUE_DEPTH_MAX)) {
        snprintf(ret_error, 160, "nested deeper than %u", VALUE_DEPTH_MAX);
        json_decref(json);
        return NULL;
    }
    return wrap(json);
}
