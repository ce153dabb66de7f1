/* Starting the daemon: the words it gets, and the way in. */
#include "run.h"

#include <lib/tempdir.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes its words and the passphrase, then ends as told. */
static const char SCRIPT[] =
    "#!/bin/sh\n"
    "dir=\"$(dirname \"$0\")\"\n"
    "echo \"$@\" >\"$dir/words\"\n"
    "fd=\n"
    "while [ $# -gt 0 ]; do\n"
    "    [ \"$1\" = --passphrase-fd ] && fd=\"$2\"\n"
    "    shift\n"
    "done\n"
    "[ -z \"$fd\" ] || eval \"cat <&$fd\" >\"$dir/secret\"\n"
    "echo \"says something\"\n"
    "exit \"$(cat \"$dir/code\" 2>/dev/null || echo 0)\"\n";

struct place {
    struct test_dir dir; /* with entented in it, first on PATH */
    char node[TEST_PATH_MAX];
    char key[TEST_PATH_MAX];
};

static void
write_file(const struct place *p, const char *name, const char *text)
{
    char path[TEST_PATH_MAX];
    FILE *f = fopen(test_dir_path(&p->dir, name, path), "we");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* Returns owned; "" when there is no such file. */
static char *
read_back(const struct place *p, const char *name)
{
    char path[TEST_PATH_MAX];
    char *text = ent_alloc_zero(1, 4096);
    FILE *f = fopen(test_dir_path(&p->dir, name, path), "re");

    if (f != NULL) {
        size_t n = fread(text, 1, 4095, f);

        text[n] = '\0';
        fclose(f);
    }
    return text;
}

static void
place_init(struct place *p)
{
    char path[TEST_PATH_MAX];

    test_dir_init(&p->dir);
    write_file(p, "entented", SCRIPT);
    assert_int_equal(chmod(test_dir_path(&p->dir, "entented", path), 0700), 0);
    test_dir_path(&p->dir, "node", p->node);
    test_dir_path(&p->dir, "key", p->key);
    write_file(p, "key", "k");
    snprintf(path, sizeof(path), "%.400s:/usr/bin:/bin", p->dir.path);
    setenv("PATH", path, 1);
    unsetenv("ENTENTE_PASSPHRASE");
}

CLI_PRINTF(3, 4)
static void
assert_file(const struct place *p, const char *name, const char *format, ...)
{
    char want[2048];
    char *got = read_back(p, name);
    va_list args;

    va_start(args, format);
    vsnprintf(want, sizeof(want), format, args);
    va_end(args);
    assert_string_equal(got, want);
    free(got);
}

static void
init_with_a_key_file_remembers_it(void **state)
{
    struct place p;
    struct run r;

    (void)state;
    place_init(&p);
    mkdir(p.node, 0700); /* the real one makes it */
    r = RUN("--node", p.node, "init", "--structure", "CSAPA Nord", "--sector",
            "community", "--listen", "127.0.0.1:0", "--languages", "fr,en",
            "--key-file", p.key);
    assert_int_equal(r.exit, 0);
    assert_holds(r.main, "CSAPA Nord has a node.");
    assert_file(&p, "words",
                "init --folder %s --structure CSAPA Nord --sector community "
                "--listen 127.0.0.1:0 --languages fr,en --key-file %s\n",
                p.node, p.key);
    assert_file(&p, "node/key-file.path", "%s\n", p.key);
    run_release(&r);

    write_file(&p, "code", "4");
    r = RUN("--node", p.node, "up", "--log-level", "debug", "--",
            "--accept-rate", "9");
    assert_int_equal(r.exit, 4);
    assert_file(&p, "words",
                "run --folder %s --log-level debug --key-file %s "
                "--accept-rate 9\n",
                p.node, p.key);
    assert_holds(r.talk, "says something");
    assert_holds(r.talk, "did not start");
    run_release(&r);
    test_dir_release(&p.dir);
}

static void
a_passphrase_goes_through_a_pipe(void **state)
{
    struct place p;
    struct run r;
    char fd[16];
    int ends[2];

    (void)state;
    place_init(&p);
    mkdir(p.node, 0700);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "open sesame\nrest", 16), 16);
    close(ends[1]);
    snprintf(fd, sizeof(fd), "%d", ends[0]);
    r = RUN("--node", p.node, "--json", "init", "--structure", "S", "--sector",
            "other", "--passphrase-fd", fd);
    assert_int_equal(r.exit, 0);
    assert_holds(r.main, "\"structure\": \"S\"");
    assert_null(strstr(r.main, "says something"));
    assert_file(&p, "secret", "open sesame");
    run_release(&r);
    close(ends[0]);
    test_dir_release(&p.dir);
}

static void
the_environment_is_left_to_the_daemon(void **state)
{
    struct place p;
    struct run r;

    (void)state;
    place_init(&p);
    mkdir(p.node, 0700);
    setenv("ENTENTE_PASSPHRASE", "from outside", 1);
    r = RUN("--node", p.node, "init", "--structure", "S", "--sector", "peer");
    unsetenv("ENTENTE_PASSPHRASE");
    assert_int_equal(r.exit, 0);
    assert_file(&p, "words", "init --folder %s --structure S --sector peer\n",
                p.node);
    run_release(&r);
    test_dir_release(&p.dir);
}

static void
no_way_in_is_exit_four(void **state)
{
    struct place p;
    struct run r;

    (void)state;
    place_init(&p);
    mkdir(p.node, 0700);
    r = RUN("--node", p.node, "--json", "up");
    assert_int_equal(r.exit, 4);
    assert_holds(r.main, "\"code\": \"no-passphrase\"");
    assert_file(&p, "words", "%s", "");
    run_release(&r);
    test_dir_release(&p.dir);
}

static void
the_daemons_exit_code_is_ours(void **state)
{
    static const char *const codes[] = {"1", "2", "4", "6", "99"};
    static const int exits[] = {1, 2, 4, 6, 6};
    struct place p;
    size_t i;

    (void)state;
    place_init(&p);
    for (i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        struct run r;

        write_file(&p, "code", codes[i]);
        r = RUN("--node", p.node, "--json", "init", "--structure", "S",
                "--sector", "peer", "--key-file", p.key);
        assert_int_equal(r.exit, exits[i]);
        assert_holds(r.main, "\"code\": \"init-failed\"");
        run_release(&r);
    }
    test_dir_release(&p.dir);
}

static void
up_needs_a_node(void **state)
{
    struct place p;
    struct run r;

    (void)state;
    place_init(&p);
    r = RUN("--node", p.node, "up", "--key-file", p.key);
    assert_int_equal(r.exit, 5);
    assert_holds(r.talk, "entente init");
    run_release(&r);
    test_dir_release(&p.dir);
}

static void
a_missing_daemon_is_told(void **state)
{
    struct place p;
    struct run r;

    (void)state;
    place_init(&p);
    mkdir(p.node, 0700);
    setenv("PATH", "/nowhere", 1);
    r = RUN("--node", p.node, "run", "--key-file", p.key);
    assert_int_equal(r.exit, 3);
    assert_holds(r.talk, "cannot start entented");
    run_release(&r);
    test_dir_release(&p.dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_with_a_key_file_remembers_it),
        cmocka_unit_test(a_passphrase_goes_through_a_pipe),
        cmocka_unit_test(the_environment_is_left_to_the_daemon),
        cmocka_unit_test(no_way_in_is_exit_four),
        cmocka_unit_test(the_daemons_exit_code_is_ours),
        cmocka_unit_test(up_needs_a_node),
        cmocka_unit_test(a_missing_daemon_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
