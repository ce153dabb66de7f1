/*
 * Parses the catalogue once and answers look-ups. Every string is borrowed
 * from the value trees, which live as long as the tables. Lists come first,
 * whatever file they stand in, since fields point at them.
 */
#include "kinds/kinds.h"
#include "kinds/catalogue.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXTS_MAX 64u

struct kinds {
    size_t tree_count;
    struct value **trees;
    size_t list_count;
    struct kinds_list *lists;
    size_t kind_count;
    struct kinds_kind *kinds;
};

/* ---- Look-ups ---- */

size_t
kinds_count(const struct kinds *k)
{
    return k->kind_count;
}

const struct kinds_kind *
kinds_at(const struct kinds *k, size_t index)
{
    ENT_ASSERT(index < k->kind_count);
    return &k->kinds[index];
}

const struct kinds_kind *
kinds_find(const struct kinds *k, uint16_t number)
{
    for (size_t i = 0; i < k->kind_count; i++) {
        if (k->kinds[i].number == number) {
            return &k->kinds[i];
        }
    }
    return NULL;
}

const struct kinds_kind *
kinds_find_by_name(const struct kinds *k, const char *name)
{
    for (size_t i = 0; i < k->kind_count; i++) {
        if (strcmp(k->kinds[i].name, name) == 0) {
            return &k->kinds[i];
        }
    }
    return NULL;
}

size_t
kinds_list_count(const struct kinds *k)
{
    return k->list_count;
}

const struct kinds_list *
kinds_list_at(const struct kinds *k, size_t index)
{
    ENT_ASSERT(index < k->list_count);
    return &k->lists[index];
}

const struct kinds_list *
kinds_find_list(const struct kinds *k, const char *name)
{
    for (size_t i = 0; i < k->list_count; i++) {
        if (strcmp(k->lists[i].name, name) == 0) {
            return &k->lists[i];
        }
    }
    return NULL;
}

/* A parse stops at the first thing that is off; `error` says where. */
struct parse {
    struct kinds *k;
    char *error; /* 160 bytes */
    bool is_failed;
};

static void
fail(struct parse *p, const char *where, const char *what)
{
    if (!p->is_failed) {
        snprintf(p->error, 160, "%s: %s", where, what);
    }
    p->is_failed = true;
}

static const char *
need_string(struct parse *p, const struct value *v, const char *key,
            const char *where)
{
    const char *s = value_get_string(v, key);

    if (s == NULL || s[0] == '\0') {
        fail(p, where, key);
        return "";
    }
    return s;
}

static struct kinds_words
need_words(struct parse *p, const struct value *v, const char *where)
{
    const struct value *labels = value_get(v, "labels");

    return (struct kinds_words){need_string(p, labels, "en", where),
                                need_string(p, labels, "fr", where)};
}

/* ---- Lists ---- */

static void
parse_codes(struct parse *p, const struct value *v, struct kinds_list *list)
{
    const struct value *codes = value_get(v, "codes");
    size_t count = value_count(codes);
    struct kinds_code *table = ent_alloc_zero(count, sizeof(*table));

    list->codes = table;
    if (count == 0) {
        fail(p, list->name, "a list without codes");
    }
    for (size_t i = 0; i < count && !p->is_failed; i++) {
        const struct value *code = value_at(codes, i);

        table[i].code = need_string(p, code, "code", list->name);
        table[i].label = need_words(p, code, table[i].code);
        if (kinds_find_code(list, table[i].code) != NULL) {
            fail(p, table[i].code, "a code twice in one list");
        }
        list->count++;
    }
}

static void
parse_list(struct parse *p, const struct value *v)
{
    const char *name = need_string(p, v, "name", "list");
    struct kinds_list *list = &p->k->lists[p->k->list_count];

    if (kinds_find_list(p->k, name) != NULL) {
        fail(p, name, "a list twice");
        return;
    }
    list->name = name;
    list->is_validated = value_get_bool(v, "validated", false);
    list->is_open = value_get_bool(v, "open", false);
    list->source = need_string(p, v, "source", name);
    list->label = need_words(p, v, name);
    p->k->list_count++;
    parse_codes(p, v, list);
}

/* ---- Kinds ---- */

static int
word_index(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; word != NULL && i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static enum kinds_type
parse_type(struct parse *p, const struct value *v, const char *where)
{
    static const char *const names[] = {
        [KINDS_LINE] = "line",   [KINDS_TEXT] = "text", [KINDS_INT] = "int",
        [KINDS_BOOL] = "bool",   [KINDS_CODE] = "code", [KINDS_CODES] = "codes",
        [KINDS_LINES] = "lines", [KINDS_DATE] = "date", [KINDS_BIN] = "bin",
        [KINDS_BINS] = "bins",   [KINDS_REF] = "ref",
    };
    int index = word_index(names, sizeof(names) / sizeof(names[0]),
                           value_get_string(v, "type"));

    if (index < 0) {
        fail(p, where, "no such type");
        return KINDS_LINE;
    }
    return (enum kinds_type)index;
}

static void
parse_field(struct parse *p, const struct value *v, struct kinds_field *field)
{
    int64_t number = value_get_int(v, "number", 0);
    const struct value *help = value_get(v, "help");
    const char *list = value_get_string(v, "codes");
    bool is_coded;

    field->name = need_string(p, v, "name", "field");
    if (number < 1 || number > UINT16_MAX) {
        fail(p, field->name, "number");
        return;
    }
    field->number = (uint16_t)number;
    field->type = parse_type(p, v, field->name);
    field->is_required = value_get_bool(v, "required", false);
    field->label = need_words(p, v, field->name);
    field->help = (struct kinds_words){"", ""};
    if (help != NULL) {
        field->help.en = need_string(p, help, "en", field->name);
        field->help.fr = need_string(p, help, "fr", field->name);
    }
    is_coded = field->type == KINDS_CODE || field->type == KINDS_CODES;
    field->list = list != NULL ? kinds_find_list(p->k, list) : NULL;
    if (is_coded != (field->list != NULL)) {
        fail(p, field->name, "a code needs a list, and only a code");
    }
}

static void
parse_fields(struct parse *p, const struct value *v, struct kinds_kind *kind)
{
    const struct value *fields = value_get(v, "fields");
    size_t count = value_count(fields);
    struct kinds_field *table = ent_alloc_zero(count, sizeof(*table));

    kind->fields = table;
    for (size_t i = 0; i < count && !p->is_failed; i++) {
        parse_field(p, value_at(fields, i), &table[i]);
        if (!p->is_failed &&
            (kinds_find_field(kind, table[i].number) != NULL ||
             kinds_find_field_by_name(kind, table[i].name) != NULL)) {
            fail(p, table[i].name, "a field twice");
        }
        kind->count++;
    }
}

static unsigned
parse_spaces(struct parse *p, const struct value *v, const char *where)
{
    static const char *const names[] = {"own", "circle", "care", "review"};
    const struct value *spaces = value_get(v, "spaces");
    unsigned set = 0;

    for (size_t i = 0; i < value_count(spaces); i++) {
        int index = word_index(names, sizeof(names) / sizeof(names[0]),
                               value_string_of(value_at(spaces, i)));

        if (index < 0) {
            fail(p, where, "no such space");
            return 0;
        }
        set |= 1u << (unsigned)index;
    }
    if (set == 0) {
        fail(p, where, "spaces");
    }
    return set;
}

static void
parse_kind(struct parse *p, const struct value *v)
{
    static const char *const owners[] = {[KINDS_SHARED] = "shared",
                                         [KINDS_OWNER] = "owner",
                                         [KINDS_MODERATOR] = "moderator"};
    struct kinds_kind *kind = &p->k->kinds[p->k->kind_count];
    int64_t number = value_get_int(v, "number", 0);
    const char *name = need_string(p, v, "name", "kind");
    int owner = word_index(owners, sizeof(owners) / sizeof(owners[0]),
                           value_get_string(v, "owner"));

    if (number < 1 || number > UINT16_MAX || owner < 0) {
        fail(p, name, "number or owner");
        return;
    }
    if (kinds_find(p->k, (uint16_t)number) != NULL ||
        kinds_find_by_name(p->k, name) != NULL) {
        fail(p, name, "a kind twice");
        return;
    }
    kind->number = (uint16_t)number;
    kind->name = name;
    kind->owner = (enum kinds_owner)owner;
    kind->spaces = parse_spaces(p, v, name);
    kind->label = need_words(p, v, name);
    p->k->kind_count++;
    parse_fields(p, v, kind);
}

/* ---- All texts ---- */

static void
parse_trees(struct parse *p, const char *const *texts, size_t count)
{
    struct kinds *k = p->k;

    k->trees = ent_alloc_zero(count, sizeof(struct value *));
    for (size_t i = 0; i < count && !p->is_failed; i++) {
        k->trees[i] = value_from_json(texts[i], strlen(texts[i]), p->error);
        if (k->trees[i] == NULL) {
            p->is_failed = true; /* the sentence is in p->error already */
            return;
        }
        k->tree_count++;
    }
}

static size_t
count_members(const struct kinds *k, const char *key)
{
    size_t count = 0;

    for (size_t i = 0; i < k->tree_count; i++) {
        count += value_count(value_get(k->trees[i], key));
    }
    return count;
}

static void
parse_members(struct parse *p, const char *key,
              void (*parse_one)(struct parse *p, const struct value *v))
{
    for (size_t i = 0; i < p->k->tree_count; i++) {
        const struct value *members = value_get(p->k->trees[i], key);

        for (size_t j = 0; j < value_count(members) && !p->is_failed; j++) {
            parse_one(p, value_at(members, j));
        }
    }
}

struct kinds *
kinds_parse(const char *const *texts, size_t count, char ret_error[160])
{
    struct kinds *k = ent_alloc_zero(1, sizeof(*k));
    struct parse p = {.k = k, .error = ret_error};

    ENT_ASSERT(count <= TEXTS_MAX);
    parse_trees(&p, texts, count);
    k->lists = ent_alloc_zero(count_members(k, "lists"), sizeof(*k->lists));
    k->kinds = ent_alloc_zero(count_members(k, "kinds"), sizeof(*k->kinds));
    parse_members(&p, "lists", parse_list);
    parse_members(&p, "kinds", parse_kind);
    if (p.is_failed) {
        kinds_free(k);
        return NULL;
    }
    return k;
}

struct kinds *
kinds_new(void)
{
    const char *texts[TEXTS_MAX];
    char error[160];
    struct kinds *k;

    ENT_ASSERT(kinds_catalogue_count <= TEXTS_MAX);
    for (size_t i = 0; i < kinds_catalogue_count; i++) {
        texts[i] = (const char *)kinds_catalogue[i];
    }
    k = kinds_parse(texts, kinds_catalogue_count, error);
    if (k == NULL) {
        ent_panic(error, __FILE__, __LINE__);
    }
    return k;
}

/* The tables are const for those who look; here they are ours. */
static void
free_table(const void *table)
{
    void *owned;

    memcpy(&owned, &table, sizeof(owned));
    free(owned);
}

void
kinds_free(struct kinds *k)
{
    if (k == NULL) {
        return;
    }
    for (size_t i = 0; i < k->list_count; i++) {
        free_table(k->lists[i].codes);
    }
    for (size_t i = 0; i < k->kind_count; i++) {
        free_table(k->kinds[i].fields);
    }
    for (size_t i = 0; i < k->tree_count; i++) {
        value_free(k->trees[i]);
    }
    free(k->lists);
    free(k->kinds);
    free(k->trees);
    free(k);
}
