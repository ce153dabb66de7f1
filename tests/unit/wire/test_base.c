/* Buffers, ids, fixed integers, hex, UTF-8 and status names. */
#include "lib/cmocka.h"
#include "lib/hex.h"

#include <entente/base.h>
#include <entente/limits.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `f` in a child and returns true when it aborted. */
static bool
aborts(void (*f)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(2);
        }
        f();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
test_buf_zeroed_is_empty(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    assert_int_equal(ent_buf_slice(&b).len, 0);
    ent_buf_clear(&b);
    ent_buf_drop(&b, 0);
    ent_buf_put(&b, NULL, 0);
    assert_false(b.failed);
    ent_buf_release(&b);
    ent_buf_release(&b);
}

static void
test_buf_puts_in_order(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    ent_buf_put_u8(&b, 0x01);
    ent_buf_put_u16(&b, 0x0203);
    ent_buf_put_u32(&b, 0x04050607);
    ent_buf_put_u64(&b, 0x08090a0b0c0d0e0full);
    ent_buf_put(&b, "xy", 2);
    ent_buf_put_slice(&b, ent_slice_str("z"));
    test_assert_hex(ent_buf_slice(&b), "0102030405060708090a0b0c0d0e0f78797a");
    ent_buf_release(&b);
}

static void
test_buf_keeps_contents_when_growing(void **state)
{
    struct ent_buf b = {0};
    uint32_t i;

    (void)state;
    b.is_secret = true;
    for (i = 0; i < 10000; i++) {
        ent_buf_put_u32(&b, i);
    }
    assert_int_equal(b.len, 40000);
    for (i = 0; i < 10000; i++) {
        assert_int_equal(ent_get_u32(b.p + 4 * (size_t)i), i);
    }
    ent_buf_release(&b);
    assert_null(b.p);
}

static void
test_buf_stops_at_its_cap(void **state)
{
    struct ent_buf b;

    (void)state;
    ent_buf_init(&b, 5);
    ent_buf_put(&b, "12345", 5);
    assert_false(b.failed);
    assert_true(b.cap <= 5);
    ent_buf_put_u8(&b, '6');
    assert_true(b.failed);
    assert_int_equal(b.len, 5);
    /* Sticky: even what would fit is refused, until cleared. */
    ent_buf_drop(&b, 5);
    ent_buf_put_u8(&b, '7');
    assert_int_equal(b.len, 0);
    ent_buf_clear(&b);
    ent_buf_put_u8(&b, '8');
    assert_false(b.failed);
    assert_int_equal(b.len, 1);
    ent_buf_release(&b);
    assert_int_equal(b.max, 5);
}

static void
test_buf_default_cap(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    assert_null(ent_buf_grow(&b, (size_t)ENT_BUF_MAX + 1));
    assert_true(b.failed);
    ent_buf_clear(&b);
    assert_null(ent_buf_grow(&b, SIZE_MAX));
    ent_buf_clear(&b);
    assert_non_null(ent_buf_grow(&b, ENT_BUF_MAX));
    assert_null(ent_buf_grow(&b, SIZE_MAX - 1));
    ent_buf_release(&b);
}

static void
test_buf_drop_moves_the_rest(void **state)
{
    struct ent_buf b = {0};

    (void)state;
    ent_buf_put(&b, "abcdef", 6);
    ent_buf_drop(&b, 4);
    assert_true(ent_slice_eq(ent_buf_slice(&b), ent_slice_str("ef")));
    ent_buf_drop(&b, 2);
    assert_int_equal(b.len, 0);
    ent_buf_release(&b);
}

static void
test_buf_secret_is_wiped(void **state)
{
    struct ent_buf b = {.is_secret = true};
    size_t i;

    (void)state;
    ent_buf_put(&b, "secret", 6);
    ent_buf_clear(&b);
    for (i = 0; i < 6; i++) {
        assert_int_equal(b.p[i], 0);
    }
    ent_buf_release(&b);
}

static void
drop_too_much(void)
{
    struct ent_buf b = {0};

    ent_buf_drop(&b, 1);
}

/* The sanitizers' own allocators end the process in another way. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HAS_PLAIN_HEAP 1
static void
allocate_too_much(void)
{
    free(ent_alloc(SIZE_MAX / 2));
}

static void
allocate_and_overflow(void)
{
    free(ent_alloc_zero(SIZE_MAX / 2, 16));
}

#endif

static void
test_broken_invariants_stop(void **state)
{
    (void)state;
    assert_true(aborts(drop_too_much));
#ifdef HAS_PLAIN_HEAP
    assert_true(aborts(allocate_too_much));
    assert_true(aborts(allocate_and_overflow));
#endif
}

static void
test_ids(void **state)
{
    struct ent_id a = {{0}};
    struct ent_id b = {{0}};

    (void)state;
    assert_true(ent_id_is_zero(&a));
    assert_true(ent_id_eq(&a, &b));
    b.b[31] = 1;
    assert_false(ent_id_is_zero(&b));
    assert_false(ent_id_eq(&a, &b));
    assert_true(ent_id_cmp(&a, &b) < 0);
    assert_true(ent_id_cmp(&b, &a) > 0);
}

static void
test_slices(void **state)
{
    struct ent_slice none = ent_slice(NULL, 0);

    (void)state;
    assert_true(ent_slice_eq(none, ent_slice_str("")));
    assert_false(ent_slice_eq(none, ent_slice_str("a")));
    assert_false(ent_slice_eq(ent_slice_str("b"), ent_slice_str("a")));
    assert_true(ent_slice_eq(ent_slice("ab", 1), ent_slice_str("a")));
}

static void
test_integers_are_big_endian(void **state)
{
    uint8_t p[8];

    (void)state;
    ent_put_u64(p, 0x0102030405060708ull);
    test_assert_hex(ent_slice(p, 8), "0102030405060708");
    assert_true(ent_get_u64(p) == 0x0102030405060708ull);
    assert_int_equal(ent_get_u32(p + 1), 0x02030405);
    assert_int_equal(ent_get_u16(p + 6), 0x0708);
    ent_put_u64(p, UINT64_MAX);
    assert_true(ent_get_u64(p) == UINT64_MAX);
    assert_int_equal(ent_get_u16(p), 0xffff);
}

static void
test_hex(void **state)
{
    char text[9];
    uint8_t p[4] = {9, 9, 9, 9};

    (void)state;
    assert_string_equal(ent_hex(text, "\x00\x7f\x80\xff", 4), "007f80ff");
    assert_string_equal(ent_hex(text, NULL, 0), "");
    assert_int_equal(ent_unhex("007F80fF", p, 4), ENT_OK);
    assert_memory_equal(p, "\x00\x7f\x80\xff", 4);
    assert_int_equal(ent_unhex("", p, 0), ENT_OK);
    assert_int_equal(ent_unhex("00", p, 4), ENT_RULE_USAGE);
    assert_int_equal(ent_unhex("0011223344", p, 4), ENT_RULE_USAGE);
    assert_int_equal(ent_unhex("0g", p, 1), ENT_RULE_USAGE);
    assert_int_equal(ent_unhex("g0", p, 1), ENT_RULE_USAGE);
    assert_int_equal(ent_unhex("0 ", p, 1), ENT_RULE_USAGE);
    assert_int_equal(ent_unhex("@@", p, 1), ENT_RULE_USAGE);
    assert_int_equal(ent_unhex("``", p, 1), ENT_RULE_USAGE);
}

struct utf8_case {
    const char *hex;
    bool ok;
};

/* Unicode 15, table 3-7: the edges of each row, and what lies beyond. */
static const struct utf8_case utf8_cases[] = {
    {"", true},          {"41", true},         {"7f", true},
    {"00", false},       {"4100", false},      {"80", false},
    {"bf", false},       {"c080", false},      {"c1bf", false},
    {"c280", true},      {"dfbf", true},       {"c2", false},
    {"c241", false},     {"c2c0", false},      {"e09fbf", false},
    {"e0a080", true},    {"e1bfbf", true},     {"ed9fbf", true},
    {"eda080", false},   {"edbfbf", false},    {"ee8080", true},
    {"efbfbf", true},    {"efbf", false},      {"ef80c0", false},
    {"f08fbfbf", false}, {"f0908080", true},   {"f3bfbfbf", true},
    {"f48fbfbf", true},  {"f4908080", false},  {"f5808080", false},
    {"ff", false},       {"f09f98", false},    {"f0904180", false},
    {"f0908041", false}, {"c3a9e282ac", true},
};

static void
test_utf8(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(utf8_cases) / sizeof(utf8_cases[0]); i++) {
        struct ent_buf b = {0};

        test_unhex(&b, utf8_cases[i].hex);
        if (ent_utf8_is_valid(ent_buf_slice(&b)) != utf8_cases[i].ok) {
            fail_msg("%s is %svalid", utf8_cases[i].hex,
                     utf8_cases[i].ok ? "" : "not ");
        }
        ent_buf_release(&b);
    }
}

/* Names are what logs, peers and scripts see: each is there, each is one. */
static void
test_status_names_are_unique(void **state)
{
    static const enum ent_status all[] = {
#define X(symbol, name, text) symbol,
        ENT_STATUS_LIST(X)
#undef X
    };
    size_t count = sizeof(all) / sizeof(all[0]);
    size_t i;
    size_t k;

    (void)state;
    for (i = 0; i < count; i++) {
        assert_int_equal((size_t)all[i], i);
        assert_true(strlen(ent_status_name(all[i])) > 0);
        assert_true(strlen(ent_status_text(all[i])) > 0);
        for (k = 0; k < i; k++) {
            assert_string_not_equal(ent_status_name(all[i]),
                                    ent_status_name(all[k]));
        }
    }
}

static void
test_status_classes(void **state)
{
    (void)state;
    assert_false(ent_status_is_peer(ENT_OK));
    assert_false(ent_status_is_peer(ENT_AGAIN));
    assert_true(ent_status_is_peer(ENT_PEER_MALFORMED));
    assert_true(ent_status_is_peer(ENT_PEER_FLOOD));
    assert_false(ent_status_is_peer(ENT_RULE));
    assert_false(ent_status_is_self(ENT_RULE_AUTH));
    assert_true(ent_status_is_self(ENT_SELF_IO));
    assert_true(ent_status_is_self(ENT_SELF_BUSY));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_zeroed_is_empty),
        cmocka_unit_test(test_buf_puts_in_order),
        cmocka_unit_test(test_buf_keeps_contents_when_growing),
        cmocka_unit_test(test_buf_stops_at_its_cap),
        cmocka_unit_test(test_buf_default_cap),
        cmocka_unit_test(test_buf_drop_moves_the_rest),
        cmocka_unit_test(test_buf_secret_is_wiped),
        cmocka_unit_test(test_broken_invariants_stop),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_integers_are_big_endian),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_status_names_are_unique),
        cmocka_unit_test(test_status_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
