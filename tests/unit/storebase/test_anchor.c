/*
 * The anchor: every write is there, torn writes leave one of two states, and
 * other files and keys are refused.
 */
#include "lib/cmocka.h"
#include "lib/tempdir.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/base/anchor.h"
#include "store/base/file.h"

#define FILE_LEN 8192u
#define SLOT_LEN 4096u

struct fixture {
    struct test_dir dir;
    char path[TEST_PATH_MAX];
    struct storekey *key;
    struct anchor *anchor;
    struct anchor_state state;
};

static int
setup(void **state)
{
    struct fixture *f = ent_alloc_zero(1, sizeof(*f));

    test_dir_init(&f->dir);
    test_dir_path(&f->dir, "anchor", f->path);
    f->key = storekey_new();
    memset(f->state.store_id.b, 7, 32);
    f->state.place.inode = 42;
    memset(f->state.place.machine.b, 9, 32);
    assert_int_equal(anchor_create(f->path, f->key, &f->state, &f->anchor),
                     ENT_OK);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    anchor_close(f->anchor);
    storekey_free(f->key);
    test_dir_release(&f->dir);
    free(f);
    return 0;
}

static void
write_count(struct fixture *f, uint64_t count)
{
    f->state.own_count = count;
    memset(f->state.own_hash.b, (int)count, 32);
    assert_int_equal(anchor_write(f->anchor, &f->state), ENT_OK);
}

/* The count on the disk, whose hash must be of the same state. */
static uint64_t
read_count(struct fixture *f)
{
    const struct anchor_state *state;
    struct anchor *anchor;
    uint64_t count;

    assert_int_equal(anchor_open(f->path, f->key, &anchor), ENT_OK);
    state = anchor_get(anchor);
    count = state->own_count;
    assert_int_equal(state->own_hash.b[0], (uint8_t)count);
    assert_int_equal(state->own_hash.b[31], (uint8_t)count);
    assert_int_equal(state->place.inode, 42);
    assert_true(ent_id_eq(&state->store_id, &f->state.store_id));
    assert_true(ent_id_eq(&state->place.machine, &f->state.place.machine));
    anchor_close(anchor);
    return count;
}

static void
load(struct fixture *f, struct ent_buf *bytes)
{
    ent_buf_init(bytes, 0);
    assert_int_equal(file_read(f->path, FILE_LEN, bytes), ENT_OK);
    assert_int_equal(bytes->len, FILE_LEN);
}

static void
store(struct fixture *f, struct ent_slice bytes)
{
    assert_int_equal(file_write(f->path, bytes, FILE_REPLACE), ENT_OK);
}

static void
test_writes_are_read_back(void **state)
{
    struct fixture *f = *state;
    uint64_t i;

    assert_int_equal(read_count(f), 0);
    for (i = 1; i < 10; i++) {
        write_count(f, i);
        assert_int_equal(anchor_get(f->anchor)->own_count, i);
        assert_int_equal(read_count(f), i);
    }
    /* It goes on after being opened again. */
    anchor_close(f->anchor);
    assert_int_equal(anchor_open(f->path, f->key, &f->anchor), ENT_OK);
    write_count(f, 10);
    assert_int_equal(read_count(f), 10);
}

/* A write torn at any sector: the state before or the state after. */
static void
test_torn_writes(void **state)
{
    struct fixture *f = *state;
    struct ent_buf before;
    struct ent_buf after;
    uint64_t round;
    size_t cut;

    for (round = 1; round <= 4; round++) {
        load(f, &before);
        write_count(f, round);
        load(f, &after);
        for (cut = 0; cut <= FILE_LEN; cut += 512) {
            uint8_t mixed[FILE_LEN];
            uint64_t count;

            memcpy(mixed, before.p, FILE_LEN);
            memcpy(mixed, after.p, cut);
            store(f, ENT_SLICE_OF(mixed));
            count = read_count(f);
            assert_true(count == round || count == round - 1);
        }
        /* file_write has replaced the file that the anchor has open. */
        store(f, ent_buf_slice(&after));
        anchor_close(f->anchor);
        assert_int_equal(anchor_open(f->path, f->key, &f->anchor), ENT_OK);
        ent_buf_release(&before);
        ent_buf_release(&after);
    }
}

static void
expect_open(struct fixture *f, const struct storekey *key, enum ent_status want)
{
    struct anchor *anchor = NULL;

    assert_int_equal(anchor_open(f->path, key, &anchor), want);
    assert_null(anchor);
}

static void
test_missing_broken_foreign(void **state)
{
    struct fixture *f = *state;
    struct storekey *other = storekey_new();
    struct ent_buf bytes;

    expect_open(f, other, ENT_SELF_CORRUPT);
    storekey_free(other);
    load(f, &bytes);
    bytes.p[50] ^= 1;
    bytes.p[SLOT_LEN + 50] ^= 1;
    store(f, ent_buf_slice(&bytes));
    expect_open(f, f->key, ENT_SELF_CORRUPT);
    store(f, ent_slice(bytes.p, FILE_LEN - 1));
    expect_open(f, f->key, ENT_SELF_CORRUPT);
    store(f, ent_slice(NULL, 0));
    expect_open(f, f->key, ENT_SELF_CORRUPT);
    ent_buf_release(&bytes);
    assert_int_equal(unlink(f->path), 0);
    expect_open(f, f->key, ENT_RULE_NOT_FOUND);
}

static void
test_slots_cannot_change_places(void **state)
{
    struct fixture *f = *state;
    uint8_t swapped[FILE_LEN];
    struct ent_buf bytes;

    write_count(f, 1);
    load(f, &bytes);
    memcpy(swapped, bytes.p + SLOT_LEN, SLOT_LEN);
    memcpy(swapped + SLOT_LEN, bytes.p, SLOT_LEN);
    store(f, ENT_SLICE_OF(swapped));
    expect_open(f, f->key, ENT_SELF_CORRUPT);
    ent_buf_release(&bytes);
}

static void
test_place(void **state)
{
    struct fixture *f = *state;
    struct anchor_place a;
    struct anchor_place b;
    char copy[TEST_PATH_MAX];

    test_dir_path(&f->dir, "copy", copy);
    assert_int_equal(anchor_place_of(copy, &a), ENT_RULE_NOT_FOUND);
    assert_int_equal(file_write(copy, ent_slice_str("x"), FILE_KEEP), ENT_OK);
    assert_int_equal(anchor_place_of(copy, &a), ENT_OK);
    assert_int_equal(anchor_place_of(copy, &b), ENT_OK);
    assert_true(a.inode == b.inode && ent_id_eq(&a.machine, &b.machine));
    assert_int_equal(anchor_place_of(f->path, &b), ENT_OK);
    assert_true(a.inode != b.inode);
    /* A file in the place of a removed one may get its number, but not its
     * time, which counts in ticks of some milliseconds. */
    assert_int_equal(unlink(copy), 0);
    usleep(50000);
    assert_int_equal(file_write(copy, ent_slice_str("x"), FILE_KEEP), ENT_OK);
    assert_int_equal(anchor_place_of(copy, &b), ENT_OK);
    assert_true(a.inode != b.inode || !ent_id_eq(&a.machine, &b.machine));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_writes_are_read_back),
        TEST(test_torn_writes),
        TEST(test_missing_broken_foreign),
        TEST(test_slots_cannot_change_places),
        TEST(test_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
