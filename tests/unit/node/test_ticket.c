/* Invitations as text: whole or not at all. */
#include "store/directory.h"

#include "lib/cmocka.h"

#include <stdio.h>

static void
fill(struct directory_ticket *t)
{
    *t = (struct directory_ticket){
        .role = 3,
        .expires_ms = 1700000000000u,
        .circle_name = "Réseau",
        .inviter_name = "Cabinet",
        .address_count = 2,
        .addresses = {"127.0.0.1:7447", "[::1]:7447"},
    };
    memset(t->id, 1, sizeof(t->id));
    memset(t->secret.b, 2, sizeof(t->secret.b));
    memset(t->circle.b, 3, sizeof(t->circle.b));
    memset(t->inviter.b, 4, sizeof(t->inviter.b));
    memset(t->transport.b, 5, sizeof(t->transport.b));
}

static char text[4096];

static size_t
encode(void)
{
    struct directory_ticket t;
    struct ent_buf out = {0};
    size_t len;

    fill(&t);
    directory_ticket_encode(&t, &out);
    assert_false(out.failed);
    assert_true(out.len < sizeof(text));
    memcpy(text, out.p, out.len);
    text[out.len] = '\0';
    len = out.len;
    ent_buf_release(&out);
    return len;
}

static void
test_there_and_back(void **state)
{
    struct directory_ticket t;
    struct directory_ticket back;

    (void)state;
    encode();
    assert_memory_equal(text, "entente1-", 9);
    fill(&t);
    assert_int_equal(directory_ticket_decode(text, &back), ENT_OK);
    assert_memory_equal(back.id, t.id, sizeof(t.id));
    assert_memory_equal(back.secret.b, t.secret.b, sizeof(t.secret.b));
    assert_memory_equal(back.circle.b, t.circle.b, sizeof(t.circle.b));
    assert_memory_equal(back.inviter.b, t.inviter.b, sizeof(t.inviter.b));
    assert_memory_equal(back.transport.b, t.transport.b, 32);
    assert_int_equal(back.role, 3);
    assert_int_equal(back.expires_ms, t.expires_ms);
    assert_string_equal(back.circle_name, t.circle_name);
    assert_string_equal(back.inviter_name, t.inviter_name);
    assert_int_equal(back.address_count, 2);
    assert_string_equal(back.addresses[1], "[::1]:7447");
}

/* Every letter counts, and every end: a mistyped one is never another. */
static void
test_every_letter(void **state)
{
    struct directory_ticket back;
    size_t len = encode();
    size_t i;

    (void)state;
    for (i = 0; i < len; i++) {
        char c = text[i];

        text[i] = c == 'A' ? 'B' : 'A';
        assert_int_equal(directory_ticket_decode(text, &back),
                         ENT_PEER_MALFORMED);
        text[i] = '\0';
        assert_int_equal(directory_ticket_decode(text, &back),
                         ENT_PEER_MALFORMED);
        text[i] = c;
    }
    assert_int_equal(directory_ticket_decode(text, &back), ENT_OK);
}

static void
test_what_is_none(void **state)
{
    struct directory_ticket back;
    size_t len = encode();

    (void)state;
    snprintf(text + len, sizeof(text) - len, "A");
    assert_int_equal(directory_ticket_decode(text, &back), ENT_PEER_MALFORMED);
    snprintf(text + len, sizeof(text) - len, " ");
    assert_int_equal(directory_ticket_decode(text, &back), ENT_PEER_MALFORMED);
    snprintf(text + len, sizeof(text) - len, "=");
    assert_int_equal(directory_ticket_decode(text, &back), ENT_PEER_MALFORMED);
    assert_int_equal(directory_ticket_decode("", &back), ENT_PEER_MALFORMED);
    assert_int_equal(directory_ticket_decode("entente1-", &back),
                     ENT_PEER_MALFORMED);
    assert_int_equal(directory_ticket_decode("https://example.org", &back),
                     ENT_PEER_MALFORMED);
    memset(text, 'A', sizeof(text) - 1);
    memcpy(text, "entente1-", 9);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(directory_ticket_decode(text, &back), ENT_PEER_MALFORMED);
}

static void
test_psk(void **state)
{
    struct ent_key secret = {{1}};
    struct ent_key a;
    struct ent_key b;

    (void)state;
    directory_ticket_psk(&secret, &a);
    directory_ticket_psk(&secret, &b);
    assert_memory_equal(a.b, b.b, 32);
    assert_memory_not_equal(a.b, secret.b, 32);
    secret.b[31] ^= 1;
    directory_ticket_psk(&secret, &b);
    assert_memory_not_equal(a.b, b.b, 32);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_every_letter),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_psk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
