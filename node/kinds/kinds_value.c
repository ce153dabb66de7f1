/*
 * The catalogue as a value tree, for the method `kinds`: what a page needs to
 * draw a form, with labels in the language asked for.
 */
#include "kinds/kinds.h"

static const char *
owner_name(enum kinds_owner owner)
{
    switch (owner) {
    case KINDS_SHARED:
        return "shared";
    case KINDS_OWNER:
        return "owner";
    case KINDS_MODERATOR:
        return "moderator";
    }
    return "";
}

static const char *
type_name(enum kinds_type type)
{
    switch (type) {
    case KINDS_LINE:
        return "line";
    case KINDS_TEXT:
        return "text";
    case KINDS_INT:
        return "int";
    case KINDS_BOOL:
        return "bool";
    case KINDS_CODE:
        return "code";
    case KINDS_CODES:
        return "codes";
    case KINDS_LINES:
        return "lines";
    case KINDS_DATE:
        return "date";
    case KINDS_BIN:
        return "bin";
    case KINDS_BINS:
        return "bins";
    case KINDS_REF:
        return "ref";
    }
    return "";
}

static struct value *
spaces_value(unsigned spaces)
{
    static const char *const names[] = {"own", "circle", "care", "review"};
    struct value *array = value_array();

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((spaces & (1u << i)) != 0) {
            value_add(array, value_string(names[i]));
        }
    }
    return array;
}

static struct value *
field_value(const struct kinds_field *field, enum kinds_lang lang)
{
    struct value *v = value_object();
    const char *help = kinds_word(&field->help, lang);

    value_set_int(v, "number", field->number);
    value_set_string(v, "name", field->name);
    value_set_string(v, "type", type_name(field->type));
    value_set_bool(v, "required", field->is_required);
    value_set_string(v, "label", kinds_word(&field->label, lang));
    if (help[0] != '\0') {
        value_set_string(v, "help", help);
    }
    if (field->list != NULL) {
        value_set_string(v, "codes", field->list->name);
    }
    return v;
}

static struct value *
kind_value(const struct kinds_kind *kind, enum kinds_lang lang)
{
    struct value *v = value_object();
    struct value *fields = value_array();

    value_set_int(v, "number", kind->number);
    value_set_string(v, "name", kind->name);
    value_set_string(v, "label", kinds_word(&kind->label, lang));
    value_set(v, "spaces", spaces_value(kind->spaces));
    value_set_string(v, "owner", owner_name(kind->owner));
    for (size_t i = 0; i < kind->count; i++) {
        value_add(fields, field_value(&kind->fields[i], lang));
    }
    value_set(v, "fields", fields);
    return v;
}

static struct value *
list_value(const struct kinds_list *list, enum kinds_lang lang)
{
    struct value *v = value_object();
    struct value *codes = value_array();

    value_set_string(v, "name", list->name);
    value_set_string(v, "label", kinds_word(&list->label, lang));
    value_set_bool(v, "validated", list->is_validated);
    value_set_bool(v, "open", list->is_open);
    value_set_string(v, "source", list->source);
    for (size_t i = 0; i < list->count; i++) {
        struct value *code = value_object();

        value_set_string(code, "code", list->codes[i].code);
        value_set_string(code, "label",
                         kinds_word(&list->codes[i].label, lang));
        value_add(codes, code);
    }
    value_set(v, "codes", codes);
    return v;
}

struct value *
kinds_to_value(const struct kinds *k, enum kinds_lang lang)
{
    struct value *v = value_object();
    struct value *kinds = value_array();
    struct value *lists = value_array();

    for (size_t i = 0; i < kinds_count(k); i++) {
        value_add(kinds, kind_value(kinds_at(k, i), lang));
    }
    for (size_t i = 0; i < kinds_list_count(k); i++) {
        value_add(lists, list_value(kinds_list_at(k, i), lang));
    }
    value_set(v, "kinds", kinds);
    value_set(v, "lists", lists);
    return v;
}
