/*
 * What every fuzz target is: one function that takes arbitrary bytes and may
 * not crash, hang or break its own oracle. fuzz_<name>.c defines it; libFuzzer
 * calls it in build-fuzz/, replay.c in every other build.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Decodes `data` (borrowed; an exact-size heap block, so that a sanitizer
 * sees one byte too many). Returns 0 always. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
