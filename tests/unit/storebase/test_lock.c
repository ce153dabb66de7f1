/* One process to a folder. */
#include "lib/cmocka.h"
#include "lib/tempdir.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/lock.h"

static void
test_second_lock_is_refused(void **state)
{
    struct test_dir dir;
    struct lock *first;
    struct lock *second = NULL;

    (void)state;
    test_dir_init(&dir);
    assert_int_equal(lock_take(dir.path, &first), ENT_OK);
    assert_int_equal(lock_take(dir.path, &second), ENT_SELF_BUSY);
    assert_null(second);
    lock_release(first);
    assert_int_equal(lock_take(dir.path, &second), ENT_OK);
    lock_release(second);
    lock_release(NULL);
    test_dir_release(&dir);
}

/* A killed process leaves no lock behind. */
static void
test_lock_ends_with_its_process(void **state)
{
    struct test_dir dir;
    struct lock *lock = NULL;
    int started[2];
    char byte;
    pid_t child;

    (void)state;
    test_dir_init(&dir);
    assert_int_equal(pipe(started), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool is_taken = lock_take(dir.path, &lock) == ENT_OK;
        ssize_t n = write(started[1], is_taken ? "y" : "n", 1);

        (void)n;
        pause();
        _exit(0);
    }
    assert_int_equal(read(started[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(lock_take(dir.path, &lock), ENT_SELF_BUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(lock_take(dir.path, &lock), ENT_OK);
    lock_release(lock);
    close(started[0]);
    close(started[1]);
    test_dir_release(&dir);
}

static void
test_no_folder(void **state)
{
    struct lock *lock = NULL;

    (void)state;
    assert_int_equal(lock_take("/nonexistent/folder", &lock), ENT_SELF_IO);
    assert_null(lock);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_lock_is_refused),
        cmocka_unit_test(test_lock_ends_with_its_process),
        cmocka_unit_test(test_no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
