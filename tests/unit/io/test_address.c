/* Addresses as text, and the prefixes that strangers are counted by. */
#include "io/address.h"

#include "lib/cmocka.h"

#include <sys/socket.h>

static void
prefix_of(const char *text, struct address_prefix *ret_prefix)
{
    struct sockaddr_storage addr;

    assert_int_equal(address_parse(text, &addr), ENT_OK);
    address_prefix((struct sockaddr *)&addr, ret_prefix);
}

static bool
is_same_prefix(const char *a, const char *b)
{
    struct address_prefix pa;
    struct address_prefix pb;

    prefix_of(a, &pa);
    prefix_of(b, &pb);
    return memcmp(&pa, &pb, sizeof(pa)) == 0;
}

static void
test_split(void **state)
{
    struct address_parts parts;

    (void)state;
    assert_int_equal(address_split("node.example:7447", &parts), ENT_OK);
    assert_string_equal(parts.host, "node.example");
    assert_string_equal(parts.port, "7447");
    assert_int_equal(address_split("[::1]:0", &parts), ENT_OK);
    assert_string_equal(parts.host, "::1");
    assert_int_equal(address_split("127.0.0.1:65535", &parts), ENT_OK);
}

static void
test_split_refuses(void **state)
{
    static const char *const bad[] = {
        "",           "7447",        ":7447",     "host:",
        "host:65536", "host:-1",     "host:7a",   "::1:7447",
        "[]:7447",    "host:123456", "host: 7447"};
    char longest[200];
    struct address_parts parts;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(address_split(bad[i], &parts), ENT_RULE_USAGE);
    }
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 190, ":7447", 6);
    assert_int_equal(address_split(longest, &parts), ENT_RULE_USAGE);
}

static void
test_parse_and_text(void **state)
{
    static const char *const good[] = {"127.0.0.1:7447", "[::1]:1",
                                       "[2001:db8::5]:65535", "0.0.0.0:0"};
    struct sockaddr_storage addr;
    char text[ADDRESS_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(address_parse(good[i], &addr), ENT_OK);
        assert_string_equal(address_text((struct sockaddr *)&addr, text),
                            good[i]);
    }
    assert_int_equal(address_parse("node.example:7447", &addr), ENT_RULE_USAGE);
    assert_int_equal(address_parse("300.0.0.1:7447", &addr), ENT_RULE_USAGE);
}

static void
test_mapped_address_is_ipv4(void **state)
{
    struct sockaddr_storage addr;
    char text[ADDRESS_TEXT_MAX];

    (void)state;
    assert_int_equal(address_parse("[::ffff:192.0.2.9]:80", &addr), ENT_OK);
    assert_string_equal(address_text((struct sockaddr *)&addr, text),
                        "192.0.2.9:80");
    assert_true(is_same_prefix("[::ffff:192.0.2.9]:80", "192.0.2.1:1"));
}

static void
test_prefixes(void **state)
{
    (void)state;
    assert_true(is_same_prefix("192.0.2.1:1", "192.0.2.200:9"));
    assert_false(is_same_prefix("192.0.2.1:1", "192.0.3.1:1"));
    assert_true(is_same_prefix("[2001:db8:1:2::1]:1", "[2001:db8:1:2:ff::]:2"));
    assert_false(is_same_prefix("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1"));
    /* On this machine each address stands for itself. */
    assert_false(is_same_prefix("127.0.0.1:1", "127.0.0.2:1"));
    assert_true(is_same_prefix("127.0.0.2:1", "127.0.0.2:2"));
    assert_true(is_same_prefix("[::1]:1", "[::1]:2"));
    assert_false(is_same_prefix("[::1]:1", "[::2]:2"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_refuses),
        cmocka_unit_test(test_parse_and_text),
        cmocka_unit_test(test_mapped_address_is_ipv4),
        cmocka_unit_test(test_prefixes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
