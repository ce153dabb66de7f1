/*
 * Look-ups in the catalogue that need nothing but the tables of kinds.h: a
 * kind has at most a few dozen fields and a list a few dozen codes, so they
 * are searched from the start.
 */
#include "kinds/kinds.h"

#define CODE_LEN_MAX 40u

enum kinds_lang
kinds_lang_of(const char *name)
{
    bool is_french =
        name != NULL && strncmp(name, "fr", 2) == 0 &&
        (name[2] == '\0' || name[2] == '_' || name[2] == '-' || name[2] == '.');

    return is_french ? KINDS_FR : KINDS_EN;
}

const struct kinds_field *
kinds_find_field(const struct kinds_kind *kind, uint16_t number)
{
    for (size_t i = 0; kind != NULL && i < kind->count; i++) {
        if (kind->fields[i].number == number) {
            return &kind->fields[i];
        }
    }
    return NULL;
}

const struct kinds_field *
kinds_find_field_by_name(const struct kinds_kind *kind, const char *name)
{
    for (size_t i = 0; kind != NULL && i < kind->count; i++) {
        if (strcmp(kind->fields[i].name, name) == 0) {
            return &kind->fields[i];
        }
    }
    return NULL;
}

const struct kinds_code *
kinds_find_code(const struct kinds_list *list, const char *code)
{
    for (size_t i = 0; list != NULL && code != NULL && i < list->count; i++) {
        if (strcmp(list->codes[i].code, code) == 0) {
            return &list->codes[i];
        }
    }
    return NULL;
}

static bool
has_code_form(const char *code)
{
    size_t len = strlen(code);

    return len > 0 && len <= CODE_LEN_MAX &&
           strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == len;
}

bool
kinds_code_is_allowed(const struct kinds_list *list, const char *code)
{
    if (kinds_find_code(list, code) != NULL) {
        return true;
    }
    return list != NULL && code != NULL && list->is_open && has_code_form(code);
}

const char *
kinds_code_label(const struct kinds_list *list, const char *code,
                 enum kinds_lang lang)
{
    const struct kinds_code *found = kinds_find_code(list, code);

    return found != NULL ? kinds_word(&found->label, lang) : code;
}
