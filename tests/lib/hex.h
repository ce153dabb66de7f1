/* Hex helpers for tests. */
#ifndef TESTS_LIB_HEX_H
#define TESTS_LIB_HEX_H

#include <entente/base.h>

/* Appends the bytes that `hex` spells; fails the test on a bad digit. */
void test_unhex(struct ent_buf *out, const char *hex);

#endif
