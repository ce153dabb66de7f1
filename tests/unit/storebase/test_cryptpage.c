/*
 * Sealing of pages and frames: each opens only as what it was sealed as.
 */
#include "lib/cmocka.h"

#include <stdlib.h>

#include "store/base/cryptpage.h"
#include "store/base/secret.h"

static struct crypt_keys
some_keys(void)
{
    struct crypt_keys keys;

    secret_random(&keys, sizeof(keys));
    return keys;
}

static void
test_page(void **state)
{
    struct crypt_keys keys = some_keys();
    struct crypt_keys other = keys;
    uint8_t plain[CRYPTPAGE_LEN] = {0};
    uint8_t disk[CRYPTPAGE_LEN];
    uint8_t page[CRYPTPAGE_LEN];

    (void)state;
    memset(plain, 'p', CRYPTPAGE_USABLE);
    cryptpage_seal(&keys, 7, plain, disk);
    memcpy(page, disk, sizeof(page));
    assert_true(cryptpage_unseal(&keys, 7, page));
    assert_memory_equal(page, plain, sizeof(page));

    memcpy(page, disk, sizeof(page));
    assert_false(cryptpage_unseal(&keys, 8, page)); /* another place */
    memcpy(page, disk, sizeof(page));
    other.store_id.b[0] ^= 1;
    assert_false(cryptpage_unseal(&other, 7, page)); /* another store */
    memcpy(page, disk, sizeof(page));
    other = keys;
    other.pages.b[0] ^= 1;
    assert_false(cryptpage_unseal(&other, 7, page)); /* another key */
    /* Sealed twice, it looks different: nothing to compare. */
    cryptpage_seal(&keys, 7, plain, page);
    assert_memory_not_equal(page, disk, CRYPTPAGE_USABLE);
}

static void
test_log_header(void **state)
{
    struct crypt_keys keys = some_keys();
    uint8_t plain[CRYPTWAL_HEADER_LEN] = "a header of thirty-two bytes...";
    uint8_t disk[CRYPTWAL_HEADER_DISK];
    uint8_t back[CRYPTWAL_HEADER_LEN];

    (void)state;
    cryptwal_seal_header(&keys, plain, disk);
    assert_true(cryptwal_unseal_header(&keys, disk, back));
    assert_memory_equal(back, plain, sizeof(back));
    keys.store_id.b[0] ^= 1;
    assert_false(cryptwal_unseal_header(&keys, disk, back));
}

static void
test_frame(void **state)
{
    struct crypt_keys keys = some_keys();
    struct crypt_frame_name name = {.index = 3, .salts = 0x1122334455667788};
    struct crypt_frame_name other = name;
    static uint8_t plain[CRYPTWAL_PLAIN_LEN];
    static uint8_t disk[CRYPTWAL_FRAME_DISK];
    static uint8_t back[CRYPTWAL_PLAIN_LEN];

    (void)state;
    memset(plain, 'f', sizeof(plain));
    cryptwal_seal_frame(&keys, &name, plain, disk);
    assert_true(cryptwal_unseal_frame(&keys, &name, disk, back));
    assert_memory_equal(back, plain, sizeof(back));
    other.index = 4;
    assert_false(cryptwal_unseal_frame(&keys, &other, disk, back));
    other = name;
    other.salts++;
    assert_false(cryptwal_unseal_frame(&keys, &other, disk, back));
    keys.store_id.b[31] ^= 1;
    assert_false(cryptwal_unseal_frame(&keys, &name, disk, back));
}

/* Every bit of a page counts. */
static void
test_every_bit(void **state)
{
    struct crypt_keys keys = some_keys();
    uint8_t plain[CRYPTPAGE_LEN] = {0};
    uint8_t disk[CRYPTPAGE_LEN];
    uint8_t page[CRYPTPAGE_LEN];
    size_t bit;

    (void)state;
    cryptpage_seal(&keys, 1, plain, disk);
    for (bit = 0; bit < CRYPTPAGE_LEN * 8; bit++) {
        memcpy(page, disk, sizeof(page));
        page[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(cryptpage_unseal(&keys, 1, page));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_log_header),
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_every_bit),
    };

#ifdef ENT_SABOTAGE
    unsetenv("ENTENTE_SABOTAGE");
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
