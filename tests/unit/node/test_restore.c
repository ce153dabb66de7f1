/* Copies put back, anchors lost, stops at bad moments: what opening says, and
 * that whatever happened nobody ever sees a fork and nothing is lost that any
 * peer has. */
#include "unit/node/nodes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct nodes w;

/* ---- files ---- */

/* Writes a file's bytes over another's: the same file as before, to whoever
 * looks at its inode. */
static void
copy_file(const char *from, const char *to)
{
    static uint8_t bytes[1u << 16];
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t n;

    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, bytes, sizeof(bytes))) > 0) {
        assert_int_equal(write(out, bytes, (size_t)n), n);
    }
    assert_int_equal(n, 0);
    close(in);
    close(out);
}

static void
join_path(char *out, const char *folder, const char *name)
{
    int len = snprintf(out, TEST_PATH_MAX, "%s/%s", folder, name);

    assert_true(len > 0 && len < TEST_PATH_MAX);
}

static void
remove_files(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *d;
    char path[TEST_PATH_MAX];

    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL) {
        if (d->d_name[0] != '.') {
            join_path(path, folder, d->d_name);
            assert_int_equal(unlink(path), 0);
        }
    }
    closedir(dir);
}

static void
copy_files(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    struct dirent *d;
    char a[TEST_PATH_MAX];
    char b[TEST_PATH_MAX];

    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL) {
        if (d->d_name[0] != '.') {
            join_path(a, from, d->d_name);
            join_path(b, to, d->d_name);
            copy_file(a, b);
        }
    }
    closedir(dir);
}

/* A copy of a stopped node's folder. */
static void
back_up(const struct node *n, char *ret_copy)
{
    join_path(ret_copy, w.dir.path, "copy");
    assert_true(mkdir(ret_copy, 0700) == 0);
    copy_files(n->folder, ret_copy);
}

static void
anchor_path(const struct node *n, char *out)
{
    join_path(out, n->folder, ENGINE_ANCHOR);
}

/* ---- what is looked at ---- */

static uint64_t
open_logs(const struct node *n)
{
    struct stmt *s = db_prepare(
        node_db(n),
        "SELECT count(*) FROM log WHERE node = ?1 AND is_closed = 0");

    stmt_bind_u64(s, 1, n->engine->own_node);
    return store_number(s);
}

/* Own logs in the circle that hold something. */
static uint64_t
own_logs(const struct node *n, const struct node *of)
{
    struct stmt *s = db_prepare(
        node_db(n), "SELECT count(*) FROM log WHERE node = ?1 AND space = ?2"
                    " AND head_seq IS NOT NULL");

    stmt_bind_u64(s, 1, node_row(n, &of->id));
    stmt_bind_u64(s, 2, node_space(n, &w.circle));
    return store_number(s);
}

static void
assert_nobody_sees_a_fork(void)
{
    size_t i;

    for (i = 0; i < w.count; i++) {
        assert_int_equal(node_number(&w.n[i], "SELECT count(*) FROM fork"), 0);
        node_assert_verifies(&w.n[i]);
    }
}

static void
write_meeting(struct node *n, uint8_t rid, const char *text)
{
    node_write(&w, n, &w.circle, KIND_MEETING, rid, text);
}

static void
reopen(struct node *n)
{
    node_close(n);
    node_open(&w, n);
}

static int
set_up(void **state)
{
    (void)state;
    nodes_init(&w, 3, 30);
    nodes_circle(&w, SIZE_MAX);
    write_meeting(&w.n[1], 1, "kept");
    nodes_settle(&w);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    nodes_release(&w);
    return 0;
}

/* ---- the tests ---- */

static void
test_orderly_stop(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        reopen(&w.n[1]);
        assert_false(w.n[1].report.is_restored);
        assert_string_equal(w.n[1].report.note, "");
        write_meeting(&w.n[1], 1, "on the same log");
    }
    assert_int_equal(own_logs(&w.n[1], &w.n[1]), 1);
}

/* Goes on after a copy was put back: everything as promised. */
static void
assert_goes_on(struct node *n)
{
    uint8_t before[ENT_STORE_ID_LEN];
    bool is_recovering;
    uint64_t top;

    assert_true(n->report.is_restored);
    assert_true(strlen(n->report.note) > 20);
    assert_int_equal(open_logs(n), 0);
    sync_store(node_db(n), before, &top, &is_recovering);
    assert_true(is_recovering);
    write_meeting(n, 3, "after the restore"); /* works at once */
    nodes_settle(&w);
    node_assert_text(n, &w.circle, KIND_MEETING, 2, "only peers have it");
    node_assert_text(&w.n[0], &w.circle, KIND_MEETING, 3, "after the restore");
    assert_int_equal(own_logs(&w.n[0], n), 2);
    nodes_assert_converged(&w, &w.circle);
    node_begin(&w, n);
    engine_proved_after_restore(n->engine);
    node_commit(&w, n);
    sync_store(node_db(n), before, &top, &is_recovering);
    assert_false(is_recovering);
    reopen(n);
    assert_false(n->report.is_restored);
    write_meeting(n, 4, "still");
    nodes_settle(&w);
    assert_int_equal(own_logs(&w.n[0], n), 2);
    nodes_assert_converged(&w, &w.circle);
    node_assert_rebuilds(&w, n);
    assert_nobody_sees_a_fork();
}

static void
test_yesterdays_copy(void **state)
{
    char copy[TEST_PATH_MAX];
    struct node *n = &w.n[1];

    (void)state;
    node_close(n);
    back_up(n, copy);
    node_open(&w, n);
    write_meeting(n, 2, "only peers have it");
    nodes_settle(&w);
    node_close(n);
    remove_files(n->folder);
    copy_files(copy, n->folder);
    node_open(&w, n);
    assert_goes_on(n);
}

/* Every log that was begun after the copy comes back as well. */
static void
test_copy_without_later_logs(void **state)
{
    char copy[TEST_PATH_MAX];
    struct node *n = &w.n[1];
    struct ent_id care[3];
    size_t i;

    (void)state;
    node_close(n);
    back_up(n, copy);
    node_open(&w, n);
    write_meeting(n, 2, "only peers have it");
    for (i = 0; i < 3; i++) {
        node_open_space(&w, n, ENT_SPACE_CARE, 0x3, &care[i]);
        node_write(&w, n, &care[i], KIND_CARE_CASE, 1, "of the case");
    }
    nodes_settle(&w);
    node_close(n);
    remove_files(n->folder);
    copy_files(copy, n->folder);
    node_open(&w, n);
    write_meeting(n, 5, "new already");
    nodes_settle(&w);
    /* One restore, one new store: peers begin anew once, not for each log. */
    assert_int_equal(n->store_changes, 0);
    for (i = 0; i < 3; i++) {
        node_assert_text(n, &care[i], KIND_CARE_CASE, 1, "of the case");
        node_write(&w, n, &care[i], KIND_CARE_CASE, 1, "and on");
    }
    nodes_settle(&w);
    for (i = 0; i < 3; i++) {
        nodes_assert_same(n, &w.n[0], &care[i]);
    }
    nodes_assert_converged(&w, &w.circle);
    reopen(n);
    assert_false(n->report.is_restored);
    assert_nobody_sees_a_fork();
}

static void
test_anchor_missing_or_damaged(void **state)
{
    char path[TEST_PATH_MAX];
    struct node *n = &w.n[1];
    int fd;
    int i;

    (void)state;
    write_meeting(n, 2, "only peers have it");
    anchor_path(n, path);
    for (i = 0; i < 2; i++) {
        node_close(n);
        if (i == 0) {
            assert_int_equal(unlink(path), 0);
        } else {
            fd = open(path, O_WRONLY | O_TRUNC);
            assert_true(fd >= 0 && write(fd, "damage", 6) == 6);
            close(fd);
        }
        node_open(&w, n);
        assert_true(n->report.is_restored);
        assert_int_equal(open_logs(n), 0);
        write_meeting(n, 3, "goes on");
        nodes_settle(&w);
        nodes_assert_converged(&w, &w.circle);
        reopen(n);
        assert_false(n->report.is_restored);
    }
    assert_int_equal(own_logs(&w.n[0], n), 3);
    assert_nobody_sees_a_fork();
}

/* The files are the same ones, but the store in them is older than the anchor
 * beside it. */
static void
test_store_behind_its_anchor(void **state)
{
    char copy[TEST_PATH_MAX];
    char path[TEST_PATH_MAX];
    char newer[TEST_PATH_MAX];
    struct node *n = &w.n[1];

    (void)state;
    node_close(n);
    back_up(n, copy);
    node_open(&w, n);
    write_meeting(n, 2, "only peers have it");
    nodes_settle(&w);
    node_close(n);
    anchor_path(n, path);
    join_path(newer, w.dir.path, "newer");
    copy_file(path, newer);
    copy_files(copy, n->folder);
    copy_file(newer, path);
    node_open(&w, n);
    assert_goes_on(n);
}

/* The anchor is written after the commit it speaks of: one commit behind is
 * what a stop in between leaves. Two is not. */
static void
test_stop_between_commit_and_anchor(void **state)
{
    char path[TEST_PATH_MAX];
    char older[TEST_PATH_MAX];
    struct node *n = &w.n[1];
    unsigned commits;

    (void)state;
    anchor_path(n, path);
    join_path(older, w.dir.path, "older");
    for (commits = 1; commits <= 2; commits++) {
        unsigned i;

        copy_file(path, older);
        for (i = 0; i < commits; i++) {
            write_meeting(n, 2, "committed");
        }
        node_close(n);
        copy_file(older, path);
        node_open(&w, n);
        assert_int_equal(n->report.is_restored, commits == 2);
        node_assert_text(n, &w.circle, KIND_MEETING, 2, "committed");
    }
    write_meeting(n, 2, "later");
    nodes_settle(&w);
    nodes_assert_converged(&w, &w.circle);
    assert_nobody_sees_a_fork();
}

/* All files as they were before, anchor included: opening cannot know. The
 * first own entries that come back tell, before anything new is written. */
static void
test_own_entries_come_back(void **state)
{
    char copy[TEST_PATH_MAX];
    struct node *n = &w.n[1];
    uint8_t id_before[ENT_STORE_ID_LEN];
    uint8_t id_after[ENT_STORE_ID_LEN];
    bool is_recovering;
    uint64_t top;

    (void)state;
    node_close(n);
    back_up(n, copy);
    node_open(&w, n);
    write_meeting(n, 2, "only peers have it");
    nodes_settle(&w);
    node_close(n);
    copy_files(copy, n->folder);
    node_open(&w, n);
    assert_false(n->report.is_restored);
    sync_store(node_db(n), id_before, &top, &is_recovering);
    assert_true(node_pull(&w, n, &w.n[0]));
    assert_int_equal(n->store_changes, 1);
    assert_int_equal(open_logs(n), 0);
    sync_store(node_db(n), id_after, &top, &is_recovering);
    assert_true(is_recovering);
    assert_memory_not_equal(id_before, id_after, sizeof(id_before));
    node_assert_text(n, &w.circle, KIND_MEETING, 2, "only peers have it");
    reopen(n); /* known already: no second restore */
    assert_false(n->report.is_restored);
    write_meeting(n, 3, "in a new log");
    nodes_settle(&w);
    assert_int_equal(own_logs(&w.n[0], n), 2);
    nodes_assert_converged(&w, &w.circle);
    assert_nobody_sees_a_fork();
}

static void
test_refusals_of_opening(void **state)
{
    struct node *n = &w.n[1];
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = w.n[0].key_path};
    struct engine_report report;
    struct engine *engine = NULL;
    struct ent_key seed = {{1}};

    (void)state;
    assert_int_equal(
        engine_open(w.dir.path, &way, &seed, w.now_ms, &engine, &report),
        ENT_RULE_NOT_FOUND);
    way.raw_path = n->key_path;
    assert_int_equal(
        engine_open(n->folder, &way, &seed, w.now_ms, &engine, &report),
        ENT_SELF_BUSY);
    node_close(n);
    way.raw_path = w.n[0].key_path;
    assert_int_equal(
        engine_open(n->folder, &way, &seed, w.now_ms, &engine, &report),
        ENT_RULE_AUTH);
    assert_null(engine);
    node_open(&w, n);
    assert_false(n->report.is_restored);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_orderly_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_yesterdays_copy, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_copy_without_later_logs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_anchor_missing_or_damaged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_store_behind_its_anchor, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_stop_between_commit_and_anchor,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_entries_come_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_refusals_of_opening, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
