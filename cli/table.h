/*
 * A table of text cells, its columns as wide as they need to be. Filled cell
 * by cell, row after row, then printed once.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "out.h"

#define TABLE_COLUMNS_MAX 40u

struct table {
    size_t columns;
    size_t count; /* cells, the headings' row first */
    size_t cap;
    struct table_cell *cells;
};

/* `headings` is an array of `columns` texts, at most TABLE_COLUMNS_MAX;
 * borrowed during the call. Release with table_release. */
void table_init(struct table *t, size_t columns, const char *const *headings);
void table_release(struct table *t);
/* Adds the next cell; a line end in it becomes a space. */
void table_add(struct table *t, enum out_style style, const char *format, ...)
    CLI_PRINTF(3, 4);
/* Prints every row after two spaces. The last row must be whole. */
void table_print(const struct table *t, struct out *o);

#endif
