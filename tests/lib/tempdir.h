/*
 * A folder of a test's own, under TMPDIR or /tmp, removed with all that is in
 * it when the test ends.
 */
#ifndef TESTS_LIB_TEMPDIR_H
#define TESTS_LIB_TEMPDIR_H

#include <stddef.h>

#define TEST_PATH_MAX 512

struct test_dir {
    char path[TEST_PATH_MAX]; /* empty when zeroed or released */
};

/* Makes the folder, readable by this user only. Stops the test on failure. */
void test_dir_init(struct test_dir *dir);

/* Removes the folder and everything below it. Accepts zeroed. */
void test_dir_release(struct test_dir *dir);

/* Writes "<folder>/<name>" to `out` and returns it; `out` takes
 * TEST_PATH_MAX bytes. Stops the test when it is too long. */
char *test_dir_path(const struct test_dir *dir, const char *name, char *out);

#endif
