/*
 * Bytes that may never change: each golden file keeps an encoding as hex, and
 * a test that makes other bytes fails. With ENT_GOLDEN_WRITE=1 a missing file
 * is written; a present one never is: a new format has a new name.
 */
#ifndef TESTS_LIB_GOLDEN_H
#define TESTS_LIB_GOLDEN_H

#include <entente/base.h>

/* Compares `got` (borrowed) with tests/vectors/<name>.hex and fails the test,
 * naming the first byte that differs. */
void test_golden(const char *name, struct ent_slice got);

#endif
