/*
 * The texts of node/kinds/catalogue as they were at build time. Written by
 * embed_texts.cmake; read by kinds.c and by nobody else.
 */
#ifndef NODE_KINDS_CATALOGUE_H
#define NODE_KINDS_CATALOGUE_H

#include <stddef.h>

/* JSON texts with a NUL at the end; static. */
extern const unsigned char *const kinds_catalogue[];
extern const size_t kinds_catalogue_count;

#endif
