/* Guarded secrets, nonces over fork(), sealing, small files. */
#include "lib/cmocka.h"
#include "lib/tempdir.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/file.h"
#include "store/base/secret.h"

static void
test_secret_is_readable_only_while_open(void **state)
{
    struct secret *s = secret_new("0123456789abcdef", 16);
    const uint8_t *p = secret_open(s);
    int how = 0;
    pid_t child;

    (void)state;
    assert_memory_equal(p, "0123456789abcdef", 16);
    assert_true(secret_open(s) == p); /* nests */
    secret_shut(s);
    assert_int_equal(p[0], '0');
    secret_shut(s);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        _exit(((const volatile uint8_t *)p)[0] == '0' ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how));
    secret_free(s);
    secret_free(NULL);
    s = secret_new(NULL, 8);
    assert_memory_equal(secret_open(s), "\0\0\0\0\0\0\0\0", 8);
    secret_shut(s);
    secret_free(s);
}

static void
test_nonces_differ_also_after_fork(void **state)
{
    uint8_t a[ENT_NONCE_LEN];
    uint8_t b[ENT_NONCE_LEN];
    int pipes[2];
    pid_t child;

    (void)state;
    secret_nonce(a);
    secret_nonce(b);
    assert_memory_equal(a, b, 16);
    assert_memory_not_equal(a + 16, b + 16, 8);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        secret_nonce(a);
        _exit(write(pipes[1], a, sizeof(a)) == sizeof(a) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(read(pipes[0], b, sizeof(b)), sizeof(b));
    assert_memory_not_equal(a, b, 16);
    close(pipes[0]);
    close(pipes[1]);
}

static void
test_seal(void **state)
{
    static const uint8_t key[ENT_KEY_LEN] = {1};
    uint8_t nonce[ENT_NONCE_LEN];
    uint8_t tag[ENT_TAG_LEN];
    uint8_t text[] = "plain";
    uint8_t back[sizeof(text)];
    struct ent_slice ad = ent_slice("ad", 2);

    (void)state;
    secret_nonce(nonce);
    secret_seal(key, nonce, ad, ENT_SLICE_OF(text), text, tag);
    assert_memory_not_equal(text, "plain", 5);
    assert_true(secret_unseal(key, nonce, ad, ENT_SLICE_OF(text), tag, back));
    assert_memory_equal(back, "plain", 5);
    assert_false(secret_unseal(key, nonce, ent_slice("AD", 2),
                               ENT_SLICE_OF(text), tag, back));
    text[0] ^= 1;
    assert_false(secret_unseal(key, nonce, ad, ENT_SLICE_OF(text), tag, back));
}

static void
test_files(void **state)
{
    struct test_dir dir;
    struct ent_buf bytes = {0};
    char path[TEST_PATH_MAX];

    (void)state;
    test_dir_init(&dir);
    test_dir_path(&dir, "file", path);
    assert_int_equal(file_read(path, 10, &bytes), ENT_RULE_NOT_FOUND);
    assert_int_equal(file_write(path, ent_slice_str("one"), FILE_KEEP), ENT_OK);
    assert_int_equal(file_write(path, ent_slice_str("two"), FILE_KEEP),
                     ENT_RULE);
    assert_int_equal(file_write(path, ent_slice_str("three"), FILE_REPLACE),
                     ENT_OK);
    assert_int_equal(file_read(path, 4, &bytes), ENT_PEER_TOO_BIG);
    ent_buf_clear(&bytes);
    assert_int_equal(file_read(path, 5, &bytes), ENT_OK);
    assert_true(ent_slice_eq(ent_buf_slice(&bytes), ent_slice_str("three")));
    assert_int_equal(file_read(dir.path, 5, &bytes), ENT_SELF_IO);
    assert_int_equal(
        file_write("/nonexistent/x", ent_slice_str(""), FILE_REPLACE),
        ENT_SELF_IO);
    assert_int_equal(rmdir(dir.path), -1); /* no temporary is left beside */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir.path), 0);
    ent_buf_release(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_is_readable_only_while_open),
        cmocka_unit_test(test_nonces_differ_also_after_fork),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
