/* The fixtures themselves. */
#include "lib/cmocka.h"
#include "lib/fault.h"
#include "lib/hex.h"
#include "lib/tempdir.h"

#include <stdio.h>
#include <sys/stat.h>

static void
test_dir_goes_with_its_contents(void **state)
{
    struct test_dir dir;
    char sub[TEST_PATH_MAX];
    char file[TEST_PATH_MAX];
    char kept[TEST_PATH_MAX];
    struct stat st;
    FILE *f;

    (void)state;
    test_dir_init(&dir);
    test_dir_path(&dir, "sub", sub);
    test_dir_path(&dir, "sub/file", file);
    assert_int_equal(mkdir(sub, 0700), 0);
    f = fopen(file, "w");
    assert_non_null(f);
    fclose(f);
    test_dir_path(&dir, ".", kept);
    assert_int_equal(stat(kept, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    test_dir_release(&dir);
    assert_int_equal(stat(kept, &st), -1);
    test_dir_release(&dir);
}

static void
test_fault_strikes_in_its_turn(void **state)
{
    struct test_fault f = {0};

    (void)state;
    assert_false(test_fault_tick(&f));
    test_fault_init(&f, 2, 1);
    assert_false(test_fault_tick(&f));
    f.is_paused = true;
    assert_false(test_fault_tick(&f));
    f.is_paused = false;
    assert_false(test_fault_tick(&f));
    assert_true(test_fault_tick(&f));
    assert_false(test_fault_tick(&f));
    assert_int_equal(f.struck, 1);
    test_fault_init(&f, 0, TEST_FAULT_FOR_EVER);
    assert_true(test_fault_tick(&f));
    assert_true(test_fault_tick(&f));
    assert_int_equal(f.struck, 2);
}

static void
test_hex_there_and_back(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    test_unhex(&b, "00fF7a");
    test_assert_hex(ent_buf_slice(&b), "00ff7a");
    test_unhex(&b, "");
    assert_int_equal(b.len, 3);
    ent_buf_release(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dir_goes_with_its_contents),
        cmocka_unit_test(test_fault_strikes_in_its_turn),
        cmocka_unit_test(test_hex_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
