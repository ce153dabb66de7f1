/* Hex helpers for tests. */
#ifndef TESTS_LIB_HEX_H
#define TESTS_LIB_HEX_H

#include <entente/base.h>

/* Appends the bytes that `hex` spells; fails the test on a bad digit. */
void test_unhex(struct ent_buf *out, const char *hex);

/* Fails the test, printing both, unless `got` is what `hex` spells. */
void test_assert_hex(struct ent_slice got, const char *hex);

#endif
