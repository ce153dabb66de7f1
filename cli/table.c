/* Tables: widths first, then rows. */
#include "table.h"

#include <stdarg.h>
#include <stdlib.h>

struct table_cell {
    char *text; /* owned, clean */
    size_t width;
    enum out_style style;
};

static void
put(struct table *t, enum out_style style, const char *text)
{
    struct table_cell *cell;

    if (t->count == t->cap) {
        t->cap = t->cap > 0 ? 2 * t->cap : 64;
        t->cells = ent_realloc(t->cells, t->cap * sizeof(*t->cells));
    }
    cell = &t->cells[t->count++];
    cell->text = out_clean(text, false);
    cell->width = out_width(cell->text);
    cell->style = style;
}

void
table_init(struct table *t, size_t columns, const char *const *headings)
{
    size_t i;

    ENT_ASSERT(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.columns = columns};
    for (i = 0; i < columns; i++) {
        put(t, OUT_BOLD, headings[i]);
    }
}

void
table_release(struct table *t)
{
    size_t i;

    for (i = 0; i < t->count; i++) {
        free(t->cells[i].text);
    }
    free(t->cells);
    *t = (struct table){.columns = 0};
}

void
table_add(struct table *t, enum out_style style, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int len;

    va_start(args, format);
    len = vasprintf(&text, format, args);
    va_end(args);
    ENT_ASSERT(len >= 0);
    put(t, style, text);
    free(text);
}

void
table_print(const struct table *t, struct out *o)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    size_t i;

    ENT_ASSERT(t->count % t->columns == 0);
    for (i = 0; i < t->count; i++) {
        if (t->cells[i].width > widths[i % t->columns]) {
            widths[i % t->columns] = t->cells[i].width;
        }
    }
    for (i = 0; i < t->count; i++) {
        const struct table_cell *cell = &t->cells[i];
        bool is_last = i % t->columns == t->columns - 1;
        size_t pad = widths[i % t->columns] - cell->width;

        out_text(o, cell->style, "%s%s", i % t->columns == 0 ? "  " : "",
                 cell->text);
        if (is_last) {
            out_text(o, OUT_PLAIN, "\n");
        } else {
            out_text(o, OUT_PLAIN, "%*s", (int)pad + 2, "");
        }
    }
}
