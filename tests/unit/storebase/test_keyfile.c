/*
 * Key files: slots, wrong keys, damage. Argon2 runs with the least that the
 * format allows.
 */
#include "lib/cmocka.h"
#include "lib/tempdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/file.h"
#include "store/base/keyfile.h"

#define CREATED_MS 1700000000000u
#define FILE_LEN 1144u
#define SLOT_AT 88u

struct fixture {
    struct test_dir dir;
    char path[TEST_PATH_MAX];
    char raw[TEST_PATH_MAX];
    struct storekey *key;
};

static struct keyfile_way
by_passphrase(const char *passphrase)
{
    return (struct keyfile_way){
        .type = KEYFILE_PASSPHRASE,
        .passphrase = ent_slice_str(passphrase),
        .passes = KEYFILE_PASSES_MIN,
        .memory_kib = KEYFILE_MEMORY_KIB_MIN,
    };
}

static struct keyfile_way
by_raw(const struct fixture *f)
{
    return (struct keyfile_way){.type = KEYFILE_RAW, .raw_path = f->raw};
}

static int
setup(void **state)
{
    struct fixture *f = ent_alloc_zero(1, sizeof(*f));
    struct keyfile_way ways[2];

    test_dir_init(&f->dir);
    test_dir_path(&f->dir, "keys", f->path);
    test_dir_path(&f->dir, "raw", f->raw);
    assert_int_equal(keyfile_make_raw(f->raw), ENT_OK);
    ways[0] = by_passphrase("correct horse");
    ways[1] = by_raw(f);
    assert_int_equal(keyfile_create(f->path, ways, 2, CREATED_MS, &f->key),
                     ENT_OK);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    storekey_free(f->key);
    test_dir_release(&f->dir);
    free(f);
    return 0;
}

static bool
is_same_key(const struct storekey *a, const struct storekey *b)
{
    struct ent_id ca;
    struct ent_id cb;

    storekey_commitment(a, &ca);
    storekey_commitment(b, &cb);
    return ent_id_eq(&ca, &cb);
}

static void
expect_open(struct fixture *f, struct keyfile_way way, enum ent_status want)
{
    struct storekey *key = NULL;

    assert_int_equal(keyfile_open(f->path, &way, &key), want);
    if (want == ENT_OK) {
        assert_true(is_same_key(key, f->key));
        assert_true(ent_id_eq(storekey_id(key), storekey_id(f->key)));
        storekey_free(key);
    } else {
        assert_null(key);
    }
}

static void
test_each_slot_opens(void **state)
{
    struct fixture *f = *state;

    expect_open(f, by_passphrase("correct horse"), ENT_OK);
    expect_open(f, by_raw(f), ENT_OK);
}

static void
test_wrong_ways(void **state)
{
    struct fixture *f = *state;
    struct keyfile_way way = by_raw(f);
    char other[TEST_PATH_MAX];

    expect_open(f, by_passphrase("Correct horse"), ENT_RULE_AUTH);
    expect_open(f, by_passphrase(""), ENT_RULE_USAGE);
    way.raw_path = test_dir_path(&f->dir, "other", other);
    expect_open(f, way, ENT_SELF_IO); /* no such file */
    assert_int_equal(keyfile_make_raw(other), ENT_OK);
    expect_open(f, way, ENT_RULE_AUTH);
    assert_int_equal(
        file_write(other, ent_slice_str("too short"), FILE_REPLACE), ENT_OK);
    expect_open(f, way, ENT_RULE_AUTH);
    way.type = KEYFILE_RECOVERY;
    expect_open(f, way, ENT_RULE_USAGE); /* reserved */
}

static void
test_missing_and_present(void **state)
{
    struct fixture *f = *state;
    struct keyfile_way way = by_passphrase("x");
    struct storekey *key;

    assert_int_equal(keyfile_create(f->path, &way, 1, 0, &key), ENT_RULE);
    assert_int_equal(keyfile_make_raw(f->raw), ENT_RULE);
    assert_int_equal(unlink(f->path), 0);
    expect_open(f, way, ENT_RULE_NOT_FOUND);
}

static void
test_mode_and_info(void **state)
{
    struct fixture *f = *state;
    struct keyfile_info info;
    struct stat file;

    assert_int_equal(stat(f->path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(file.st_size, FILE_LEN);
    assert_int_equal(stat(f->raw, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(file.st_size, KEYFILE_RAW_LEN);
    assert_int_equal(keyfile_info(f->path, &info), ENT_OK);
    assert_int_equal(info.created_ms, CREATED_MS);
    assert_true(ent_id_eq(&info.store_id, storekey_id(f->key)));
    assert_int_equal(info.slots[0].type, KEYFILE_PASSPHRASE);
    assert_int_equal(info.slots[0].passes, KEYFILE_PASSES_MIN);
    assert_int_equal(info.slots[0].memory_kib, KEYFILE_MEMORY_KIB_MIN);
    assert_int_equal(info.slots[1].type, KEYFILE_RAW);
    assert_int_equal(info.slots[2].type, KEYFILE_EMPTY);
}

static void
test_change_of_passphrase(void **state)
{
    struct fixture *f = *state;
    struct keyfile_way way = by_passphrase("battery staple");

    assert_int_equal(keyfile_replace_slot(f->path, f->key, 0, &way), ENT_OK);
    expect_open(f, by_passphrase("correct horse"), ENT_RULE_AUTH);
    expect_open(f, way, ENT_OK);
    expect_open(f, by_raw(f), ENT_OK);
}

static void
test_eight_slots(void **state)
{
    struct fixture *f = *state;
    struct keyfile_way way = by_raw(f);
    struct keyfile_way none = {.type = KEYFILE_EMPTY};
    size_t slot = 99;
    size_t i;

    for (i = 2; i < KEYFILE_SLOTS; i++) {
        assert_int_equal(keyfile_add_slot(f->path, f->key, &way, &slot),
                         ENT_OK);
        assert_int_equal(slot, i);
    }
    assert_int_equal(keyfile_add_slot(f->path, f->key, &way, &slot), ENT_RULE);
    assert_int_equal(keyfile_replace_slot(f->path, f->key, 8, &way),
                     ENT_RULE_USAGE);
    for (i = 0; i < KEYFILE_SLOTS - 1; i++) {
        assert_int_equal(keyfile_replace_slot(f->path, f->key, i, &none),
                         ENT_OK);
    }
    assert_int_equal(keyfile_replace_slot(f->path, f->key, 7, &none),
                     ENT_RULE); /* nobody could open it any more */
    expect_open(f, by_raw(f), ENT_OK);
    expect_open(f, by_passphrase("correct horse"), ENT_RULE_AUTH);
}

static void
test_key_of_another_file(void **state)
{
    struct fixture *f = *state;
    struct keyfile_way way = by_raw(f);
    struct storekey *other = storekey_new();
    size_t slot;

    assert_int_equal(keyfile_add_slot(f->path, other, &way, &slot), ENT_RULE);
    storekey_free(other);
}

static void
test_limits_on_new_slots(void **state)
{
    struct fixture *f = *state;
    struct keyfile_way way = by_passphrase("x");
    size_t slot;

    way.memory_kib = KEYFILE_MEMORY_KIB_MIN - 1;
    assert_int_equal(keyfile_add_slot(f->path, f->key, &way, &slot),
                     ENT_RULE_USAGE);
    way.memory_kib = KEYFILE_MEMORY_KIB_MAX + 1;
    assert_int_equal(keyfile_add_slot(f->path, f->key, &way, &slot),
                     ENT_RULE_USAGE);
    way = by_passphrase("x");
    way.passes = KEYFILE_PASSES_MAX + 1;
    assert_int_equal(keyfile_add_slot(f->path, f->key, &way, &slot),
                     ENT_RULE_USAGE);
    way.type = KEYFILE_EMPTY;
    assert_int_equal(keyfile_add_slot(f->path, f->key, &way, &slot),
                     ENT_RULE_USAGE);
}

/* What a slot gets by itself: within the floor and the default. */
static void
test_measured_memory(void **state)
{
    struct fixture *f = *state;
    struct keyfile_way way = by_passphrase("measured");
    struct keyfile_info info;
    size_t slot;

    way.memory_kib = 0;
    assert_int_equal(keyfile_add_slot(f->path, f->key, &way, &slot), ENT_OK);
    assert_int_equal(keyfile_info(f->path, &info), ENT_OK);
    assert_true(info.slots[slot].memory_kib >= KEYFILE_MEMORY_KIB_FLOOR);
    assert_true(info.slots[slot].memory_kib <= KEYFILE_MEMORY_KIB_DEFAULT);
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

/* Somebody who changes the file can also compute its checksum again. */
static void
sum_again(struct ent_buf *bytes)
{
    struct ent_id sum;

    ent_hash("entente/keyfile/sum/1",
             ent_slice(bytes->p, FILE_LEN - sizeof(sum)), &sum);
    memcpy(bytes->p + FILE_LEN - sizeof(sum), sum.b, sizeof(sum));
}

static void
test_every_damaged_byte_is_seen(void **state)
{
    struct fixture *f = *state;
    struct ent_buf bytes;
    size_t i;

    load(f, &bytes);
    for (i = 0; i < FILE_LEN; i++) {
        bytes.p[i] ^= (uint8_t)(1u << (i % 8));
        store(f, ent_buf_slice(&bytes));
        expect_open(f, by_raw(f), ENT_SELF_CORRUPT);
        bytes.p[i] ^= (uint8_t)(1u << (i % 8));
    }
    for (i = 0; i < FILE_LEN; i += 97) {
        store(f, ent_slice(bytes.p, i));
        expect_open(f, by_raw(f), ENT_SELF_CORRUPT);
    }
    ent_buf_put_u8(&bytes, 0);
    store(f, ent_buf_slice(&bytes));
    expect_open(f, by_raw(f), ENT_SELF_CORRUPT);
    ent_buf_release(&bytes);
}

static void
test_forged_parameters_are_refused_before_deriving(void **state)
{
    static const uint32_t forged[][2] = {
        {1, KEYFILE_MEMORY_KIB_MAX + 1},
        {KEYFILE_PASSES_MAX + 1, 8192},
        {0, 8192},
        {1, KEYFILE_MEMORY_KIB_MIN - 1},
        {UINT32_MAX, UINT32_MAX},
    };
    struct fixture *f = *state;
    struct ent_buf bytes;
    size_t i;

    load(f, &bytes);
    for (i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        ent_put_u32(bytes.p + SLOT_AT + 4, forged[i][0]);
        ent_put_u32(bytes.p + SLOT_AT + 8, forged[i][1]);
        sum_again(&bytes);
        store(f, ent_buf_slice(&bytes));
        expect_open(f, by_passphrase("correct horse"), ENT_SELF_CORRUPT);
    }
    ent_buf_release(&bytes);
}

/* With the checksum made right again the seals still hold. */
static void
test_forged_header_opens_nothing(void **state)
{
    static const size_t places[] = {20,
                                    50,
                                    60,
                                    SLOT_AT + 128 + 1,
                                    SLOT_AT + 128 + 13,
                                    SLOT_AT + 128 + 30,
                                    SLOT_AT + 128 + 60};
    struct fixture *f = *state;
    struct ent_buf bytes;
    size_t i;

    load(f, &bytes);
    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        bytes.p[places[i]] ^= 1;
        sum_again(&bytes);
        store(f, ent_buf_slice(&bytes));
        expect_open(f, by_raw(f), ENT_RULE_AUTH);
        bytes.p[places[i]] ^= 1;
    }
    ent_buf_release(&bytes);
}

static void
test_subkeys_differ(void **state)
{
    struct fixture *f = *state;
    struct ent_key keys[5];
    struct ent_key again;
    size_t i;
    size_t k;

    for (i = 0; i < 5; i++) {
        storekey_derive(f->key, (enum storekey_use)(i + 1), &keys[i]);
        for (k = 0; k < i; k++) {
            assert_memory_not_equal(keys[i].b, keys[k].b, ENT_KEY_LEN);
        }
    }
    storekey_derive(f->key, STOREKEY_WAL, &again);
    assert_memory_equal(again.b, keys[1].b, ENT_KEY_LEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_slot_opens),
        TEST(test_wrong_ways),
        TEST(test_missing_and_present),
        TEST(test_mode_and_info),
        TEST(test_change_of_passphrase),
        TEST(test_eight_slots),
        TEST(test_key_of_another_file),
        TEST(test_limits_on_new_slots),
        TEST(test_measured_memory),
        TEST(test_every_damaged_byte_is_seen),
        TEST(test_forged_parameters_are_refused_before_deriving),
        TEST(test_forged_header_opens_nothing),
        TEST(test_subkeys_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
