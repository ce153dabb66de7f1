/* labels: quick */
/*
 * store-sql against the sqlite3 shell: the scripts in sql/ give the rows that
 * are kept beside them and, where the shell is installed, the rows that it
 * gives now; errors are at the same lines. The temporary folder goes away,
 * also on a signal.
 */
#include "store/lab.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define LINES_MAX 32

static const char *const scripts[] = {"basics", "transactions", "search"};

struct run {
    const char *program;
    const char *argument;
    const char *input; /* NULL: nothing */
    char out[TEST_PATH_MAX];
    char err[TEST_PATH_MAX];
};

static void
redirect(const char *path, int flags, int fd)
{
    int opened = open(path, flags, 0600);

    if (opened < 0 || dup2(opened, fd) != fd) {
        _exit(126);
    }
    close(opened);
}

static pid_t
start(const struct run *run)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        redirect(run->input != NULL ? run->input : "/dev/null", O_RDONLY, 0);
        redirect(run->out, O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect(run->err, O_WRONLY | O_CREAT | O_TRUNC, 2);
        execlp(run->program, run->program, run->argument, (char *)NULL);
        _exit(127);
    }
    return child;
}

static int
finish(pid_t child)
{
    int how = 0;

    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void
expect_same_bytes(const char *got_path, const char *want_path)
{
    struct sim_image got = {0};
    struct sim_image want = {0};

    lab_load(got_path, &got);
    lab_load(want_path, &want);
    assert_true(want.len > 0);
    if (got.len != want.len || memcmp(got.p, want.p, got.len) != 0) {
        fail_msg("rows differ from %s:\n%.*s", want_path, (int)got.len, got.p);
    }
    sim_image_release(&got);
    sim_image_release(&want);
}

/* The numbers after "near line" in a file of errors. */
static size_t
error_lines(const char *path, long ret_lines[LINES_MAX])
{
    static const char mark[] = " near line ";
    struct sim_image text = {0};
    size_t count = 0;
    char *at;

    lab_load(path, &text);
    sim_image_resize(&text, text.len + 1);
    at = (char *)text.p;
    while ((at = strstr(at, mark)) != NULL && count < LINES_MAX) {
        at += strlen(mark);
        ret_lines[count++] = strtol(at, NULL, 10);
    }
    sim_image_release(&text);
    return count;
}

static bool
has_shell(void)
{
    return access("/usr/bin/sqlite3", X_OK) == 0;
}

static void
compare_with_shell(const struct test_dir *dir, const char *script,
                   const struct run *ours)
{
    struct run shell = {.program = "/usr/bin/sqlite3", .input = script};
    char database[TEST_PATH_MAX];
    long our_lines[LINES_MAX];
    long its_lines[LINES_MAX];
    size_t count;

    test_dir_path(dir, "shell.out", shell.out);
    test_dir_path(dir, "shell.err", shell.err);
    shell.argument = test_dir_path(dir, "shell.db", database);
    unlink(database);
    finish(start(&shell));
    expect_same_bytes(ours->out, shell.out);
    count = error_lines(shell.err, its_lines);
    assert_true(count > 0);
    assert_int_equal(error_lines(ours->err, our_lines), count);
    assert_memory_equal(our_lines, its_lines, count * sizeof(long));
}

static void
test_scripts(void **state)
{
    struct test_dir dir;
    size_t i;

    (void)state;
    test_dir_init(&dir);
    for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct run run = {.program = ENT_TEST_BIN "/store-sql"};
        char script[TEST_PATH_MAX];
        char rows[TEST_PATH_MAX];

        snprintf(script, sizeof(script), "%s/store/sql/%s.sql", ENT_TEST_DATA,
                 scripts[i]);
        snprintf(rows, sizeof(rows), "%s/store/sql/%s.out", ENT_TEST_DATA,
                 scripts[i]);
        test_dir_path(&dir, "ours.out", run.out);
        test_dir_path(&dir, "ours.err", run.err);
        run.argument = script;
        assert_int_equal(finish(start(&run)), 1); /* each has errors */
        expect_same_bytes(run.out, rows);
        if (has_shell()) {
            compare_with_shell(&dir, script, &run);
        }
    }
    test_dir_release(&dir);
}

static void
write_script(const struct test_dir *dir, const char *sql, char *ret_path)
{
    struct sim_image text = {0};

    sim_put(&text, 0, (const uint8_t *)sql, strlen(sql));
    lab_store(test_dir_path(dir, "script.sql", ret_path), &text);
    sim_image_release(&text);
}

/* Entries of a folder, without "." and "..". */
static size_t
count_entries(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    assert_true(count >= 2);
    return count - 2;
}

static void
test_exit_status_and_settings(void **state)
{
    static const char sql[] =
        ".headers off\n"
        "PRAGMA journal_mode; PRAGMA cache_spill; PRAGMA synchronous;\n"
        "PRAGMA journal_mode = DELETE; PRAGMA temp_store = FILE;\n"
        "PRAGMA journal_mode; PRAGMA temp_store;\n"
        ".quit\n"
        "SELECT 'not reached';\n";
    struct run run = {.program = ENT_TEST_BIN "/store-sql"};
    struct test_dir dir;
    struct sim_image out = {0};
    char script[TEST_PATH_MAX];

    (void)state;
    test_dir_init(&dir);
    write_script(&dir, sql, script);
    test_dir_path(&dir, "out", run.out);
    test_dir_path(&dir, "err", run.err);
    run.argument = script;
    assert_int_equal(finish(start(&run)), 0);
    lab_load(run.out, &out);
    assert_int_equal(out.len, strlen("wal\n0\n2\nwal\n2\n"));
    assert_memory_equal(out.p, "wal\n0\n2\nwal\n2\n", out.len);
    sim_image_release(&out);
    run.argument = "/nonexistent.sql";
    assert_int_equal(finish(start(&run)), 1);
    test_dir_release(&dir);
}

/* A signal in the middle of a statement: nothing is left behind. */
static void
test_signal_removes_the_folder(void **state)
{
    static const char sql[] = "CREATE TABLE t (a);\n"
                              "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL"
                              " SELECT i + 1 FROM n) SELECT max(i) FROM n;\n";
    struct run run = {.program = ENT_TEST_BIN "/store-sql"};
    const char *parent = getenv("TMPDIR");
    struct test_dir scripts_dir;
    struct test_dir dir;
    char script[TEST_PATH_MAX];
    int how = 0;
    pid_t child;

    (void)state;
    parent = parent != NULL ? parent : "/tmp";
    test_dir_init(&scripts_dir);
    test_dir_init(&dir);
    write_script(&scripts_dir, sql, script);
    test_dir_path(&scripts_dir, "out", run.out);
    test_dir_path(&scripts_dir, "err", run.err);
    run.argument = script;
    setenv("TMPDIR", dir.path, 1);
    child = start(&run);
    while (count_entries(dir.path) == 0) {
        assert_int_equal(waitpid(child, &how, WNOHANG), 0);
        usleep(1000);
    }
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    setenv("TMPDIR", parent, 1);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGTERM);
    assert_int_equal(count_entries(dir.path), 0);
    test_dir_release(&dir);
    test_dir_release(&scripts_dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_exit_status_and_settings),
        cmocka_unit_test(test_signal_removes_the_folder),
    };

    lab_use_fast_disk();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
