/*
 * The parts in the order of who may read them: what the circle reads, your
 * own part, the care part, the answers side by side, the conclusion.
 */
#include "situation_view.h"

#include "table.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *
text_of(const struct value *v, const char *key)
{
    const char *s = value_get_string(v, key);

    return s != NULL ? s : "";
}

/* Any value as a word; `buf` for numbers. */
static const char *
word_of(const struct value *v, char buf[32])
{
    if (value_is_string(v)) {
        return value_string_of(v);
    }
    if (value_is_bool(v)) {
        return value_bool_of(v) ? "yes" : "no";
    }
    if (value_is_int(v)) {
        snprintf(buf, 32, "%" PRId64, value_int_of(v));
        return buf;
    }
    return "";
}

static void
heading(struct cli *cli, const char *text, const char *readers)
{
    out_text(&cli->out, OUT_BOLD, "\n%s", text);
    out_text(&cli->out, OUT_DIM, "%s%s\n", readers[0] != '\0' ? "  " : "",
             readers);
}

static void
print_head(struct cli *cli, const struct value *s)
{
    static const char *const keys[] = {"state",  "presenter", "session",
                                       "period", "age_band",  "where"};
    char buf[32];
    size_t i;

    out_text(&cli->out, OUT_BOLD, "%s  %s\n", text_of(s, "code"),
             text_of(s, "title"));
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *word = word_of(value_get(s, keys[i]), buf);

        if (word[0] != '\0' && strcmp(word, "0") != 0) {
            out_text(&cli->out, OUT_PLAIN, "  %-11s%s\n", keys[i], word);
        }
    }
    if (text_of(s, "text")[0] != '\0') {
        out_text(&cli->out, OUT_PLAIN, "\n");
        out_lines(&cli->out, "  ", text_of(s, "text"));
    }
}

static void
print_own(struct cli *cli, const struct value *own)
{
    const struct value *notes = value_get(own, "notes");
    size_t i;

    if (!value_is_object(own)) {
        return;
    }
    heading(cli, "Your own part", "only here");
    if (value_has(own, "name")) {
        out_text(&cli->out, OUT_PLAIN, "  %s\n", text_of(own, "name"));
    }
    out_lines(&cli->out, "  ", text_of(own, "note"));
    for (i = 0; i < value_count(notes); i++) {
        const struct value *note = value_at(notes, i);

        out_lines(&cli->out, "  ",
                  value_is_string(note) ? value_string_of(note)
                                        : text_of(note, "text"));
    }
}

/* A list of texts or of {name, role} in one owned line. */
static char *
join_names(const struct value *list)
{
    struct ent_buf line = {0};
    size_t i;

    for (i = 0; i < value_count(list); i++) {
        const struct value *v = value_at(list, i);
        const char *name =
            value_is_string(v) ? value_string_of(v) : text_of(v, "name");

        ent_buf_put_slice(&line, ent_slice_str(i > 0 ? ", " : ""));
        ent_buf_put_slice(&line, ent_slice_str(name));
    }
    ent_buf_put_u8(&line, 0);
    return (char *)line.p;
}

static void
print_care_notes(struct cli *cli, const struct value *notes)
{
    size_t i;

    for (i = 0; i < value_count(notes); i++) {
        const struct value *note = value_at(notes, i);

        out_text(&cli->out, OUT_DIM, "  %s:\n", text_of(note, "by"));
        out_lines(&cli->out, "    ", text_of(note, "text"));
    }
}

static void
print_care(struct cli *cli, const struct value *care)
{
    char *readers;

    if (!value_is_object(care)) {
        return;
    }
    readers = join_names(value_get(care, "readers"));
    heading(cli, "Care part, read by", readers);
    free(readers);
    print_care_notes(cli, value_get(care, "notes"));
}

void
situation_view_cares(struct cli *cli, const struct value *result)
{
    const struct value *cases = value_get(result, "cases");
    size_t i;

    for (i = 0; i < value_count(cases); i++) {
        const struct value *care = value_at(cases, i);
        char *readers = join_names(value_get(care, "readers"));

        out_text(&cli->out, OUT_BOLD, "%s%s  %s\n", i > 0 ? "\n" : "",
                 text_of(care, "code"), text_of(care, "title"));
        out_text(&cli->out, OUT_PLAIN, "  read by %s\n", readers);
        free(readers);
        print_care_notes(cli, value_get(care, "notes"));
    }
    if (value_count(cases) == 0) {
        out_text(&cli->out, OUT_PLAIN, "Nobody shares a care part yet.\n");
    }
}

/* Is it a question's free text? Those stand below the table. */
static bool
is_long(const char *key)
{
    size_t len = strlen(key);

    return len > 5 && strcmp(key + len - 5, "_text") == 0;
}

/* Every key that any perspective answers, in the order of their first use. */
static struct value *
collect_keys(const struct value *perspectives)
{
    struct value *keys = value_object();
    size_t i;
    void *at;

    for (i = 0; i < value_count(perspectives); i++) {
        const struct value *answers =
            value_get(value_at(perspectives, i), "answers");

        for (at = value_first(answers); at != NULL;
             at = value_next(answers, at)) {
            if (value_get(keys, value_key_of(at)) == NULL) {
                value_set_bool(keys, value_key_of(at), true);
            }
        }
    }
    return keys;
}

static bool
is_same_everywhere(const struct value *perspectives, const char *key)
{
    const char *first = NULL;
    char bufs[2][32];
    size_t i;

    for (i = 0; i < value_count(perspectives); i++) {
        const struct value *answers =
            value_get(value_at(perspectives, i), "answers");
        const char *word =
            word_of(value_get(answers, key), bufs[first != NULL]);

        if (!value_has(answers, key)) {
            continue;
        }
        if (first != NULL && strcmp(first, word) != 0) {
            return false;
        }
        first = first != NULL ? first : word;
    }
    return true;
}

static void
add_answers(struct table *t, const struct value *perspectives, const char *key)
{
    bool is_same = is_same_everywhere(perspectives, key);
    char buf[32];
    size_t i;

    table_add(t, OUT_PLAIN, "%s%s", key, is_same ? "" : " *");
    for (i = 0; i < value_count(perspectives) && i + 1 < TABLE_COLUMNS_MAX;
         i++) {
        const struct value *p = value_at(perspectives, i);
        const struct value *v = value_get(value_get(p, "answers"), key);

        table_add(t, is_same ? OUT_PLAIN : OUT_WARN, "%s", word_of(v, buf));
    }
}

static void
print_side_by_side(struct cli *cli, const struct value *perspectives)
{
    const char *headings[TABLE_COLUMNS_MAX] = {"Question"};
    struct value *keys = collect_keys(perspectives);
    size_t columns = 1;
    struct table t;
    size_t i;
    void *at;

    for (i = 0; i < value_count(perspectives) && columns < TABLE_COLUMNS_MAX;
         i++) {
        headings[columns++] = text_of(value_at(perspectives, i), "structure");
    }
    table_init(&t, columns, headings);
    table_add(&t, OUT_DIM, "state");
    for (i = 0; i + 1 < columns; i++) {
        table_add(&t, OUT_DIM, "%s",
                  text_of(value_at(perspectives, i), "state"));
    }
    for (at = value_first(keys); at != NULL; at = value_next(keys, at)) {
        if (!is_long(value_key_of(at))) {
            add_answers(&t, perspectives, value_key_of(at));
        }
    }
    table_print(&t, &cli->out);
    table_release(&t);
    value_free(keys);
}

static void
print_texts(struct cli *cli, const struct value *perspectives)
{
    size_t i;
    void *at;

    for (i = 0; i < value_count(perspectives); i++) {
        const struct value *p = value_at(perspectives, i);
        const struct value *answers = value_get(p, "answers");

        for (at = value_first(answers); at != NULL;
             at = value_next(answers, at)) {
            const char *text = value_string_of(value_member_of(at));

            if (is_long(value_key_of(at)) && text != NULL) {
                out_text(&cli->out, OUT_DIM, "  %s, %s:\n",
                         text_of(p, "structure"), value_key_of(at));
                out_lines(&cli->out, "    ", text);
            }
        }
    }
}

static void
print_perspectives(struct cli *cli, const struct value *perspectives)
{
    if (value_count(perspectives) == 0) {
        return;
    }
    heading(cli, "Answers", "* where they differ");
    print_side_by_side(cli, perspectives);
    print_texts(cli, perspectives);
}

static void
print_conclusion(struct cli *cli, const struct value *conclusion)
{
    char buf[32];
    void *at;

    if (!value_is_object(conclusion)) {
        return;
    }
    heading(cli, "Conclusion", "");
    for (at = value_first(conclusion); at != NULL;
         at = value_next(conclusion, at)) {
        const char *key = value_key_of(at);
        const char *word = word_of(value_member_of(at), buf);

        if (word[0] != '\0') {
            out_text(&cli->out, OUT_PLAIN, "  %-22s%s\n", key, word);
        }
    }
}

static void
print_conflicts(struct cli *cli, const struct value *conflicts)
{
    char buf[32];
    size_t i;
    size_t k;

    if (value_count(conflicts) == 0) {
        return;
    }
    heading(cli, "Written differently at the same time", "edit it to keep one");
    for (i = 0; i < value_count(conflicts); i++) {
        const struct value *c = value_at(conflicts, i);
        const struct value *values = value_get(c, "values");

        out_text(&cli->out, OUT_PLAIN, "  %s\n", text_of(c, "field"));
        for (k = 0; k < value_count(values); k++) {
            const struct value *v = value_at(values, k);

            out_text(&cli->out, OUT_PLAIN, "    %s  (%s)\n",
                     word_of(value_get(v, "value"), buf), text_of(v, "by"));
        }
    }
}

void
situation_view(struct cli *cli, const struct value *result)
{
    const struct value *readers = value_get(result, "readers");
    char *names = join_names(readers);

    print_head(cli, result);
    if (names[0] != '\0') {
        out_text(&cli->out, OUT_PLAIN, "  %-11s%s\n", "read by", names);
    }
    free(names);
    print_own(cli, value_get(result, "own"));
    print_care(cli, value_get(result, "care"));
    print_perspectives(cli, value_get(result, "perspectives"));
    print_conclusion(cli, value_get(result, "conclusion"));
    print_conflicts(cli, value_get(result, "conflicts"));
}
