/* Cards: signed by their node, exact, and carried by anybody. */
#include "lib/cmocka.h"
#include "lib/golden.h"

#include <entente/control.h>

#include <stdlib.h>

static const struct ent_key secret = {{1, 2, 3}};

static void
make_card(struct ent_card *card)
{
    *card = (struct ent_card){
        .number = 7,
        .sector = ENT_SECTOR_HOSPITAL,
        .name = ent_slice_str("Hôpital de la Thur"),
        .languages = ent_slice_str("fr,en"),
        .address_count = 2,
        .addresses = {ent_slice_str("192.0.2.1:7447"),
                      ent_slice_str("node.example:7447")},
    };
    ent_sign_public(&secret, &card->node);
    memset(card->transport.b, 4, sizeof(card->transport.b));
    memset(card->sealing.b, 5, sizeof(card->sealing.b));
}

static void
what_is_encoded_comes_back(void **state)
{
    struct ent_card card;
    struct ent_card got;
    struct ent_buf out = {0};

    (void)state;
    make_card(&card);
    ent_card_encode(&card, &secret, &out);
    test_golden("control/card", ent_buf_slice(&out));
    assert_int_equal(ent_card_decode(ent_buf_slice(&out), &got), ENT_OK);
    assert_true(ent_id_eq(&got.node, &card.node));
    assert_int_equal(got.number, 7);
    assert_int_equal(got.sector, ENT_SECTOR_HOSPITAL);
    assert_memory_equal(&got.transport, &card.transport, ENT_KEY_LEN);
    assert_memory_equal(&got.sealing, &card.sealing, ENT_KEY_LEN);
    assert_true(ent_slice_eq(got.name, card.name));
    assert_true(ent_slice_eq(got.languages, card.languages));
    assert_int_equal(got.address_count, 2);
    assert_true(ent_slice_eq(got.addresses[1], card.addresses[1]));
    ent_buf_release(&out);
}

static void
every_flipped_bit_and_prefix_is_refused(void **state)
{
    struct ent_card card;
    struct ent_card got;
    struct ent_buf out = {0};
    size_t i;

    (void)state;
    make_card(&card);
    ent_card_encode(&card, &secret, &out);
    for (i = 0; i < 8 * out.len; i++) {
        out.p[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(ent_card_decode(ent_buf_slice(&out), &got),
                             ENT_OK);
        out.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    for (i = 0; i < out.len; i++) {
        uint8_t *copy = ent_alloc(i);

        memcpy(copy, out.p, i);
        assert_int_not_equal(ent_card_decode(ent_slice(copy, i), &got), ENT_OK);
        free(copy);
    }
    ent_buf_release(&out);
}

static void
another_signer_is_refused(void **state)
{
    static const struct ent_key other = {{9}};
    struct ent_card card;
    struct ent_card got;
    struct ent_buf out = {0};

    (void)state;
    make_card(&card);
    ent_card_encode(&card, &other, &out);
    assert_int_equal(ent_card_decode(ent_buf_slice(&out), &got),
                     ENT_PEER_BAD_SIG);
    ent_buf_release(&out);
}

static void
bad_cards_are_not_made(void **state)
{
    struct ent_card card;
    struct ent_buf out = {0};
    char *name = ent_alloc(ENT_NAME_MAX + 1);

    (void)state;
    memset(name, 'n', ENT_NAME_MAX + 1);
#define REFUSED(change)                                                        \
    do {                                                                       \
        make_card(&card);                                                      \
        change;                                                                \
        ent_buf_clear(&out);                                                   \
        ent_card_encode(&card, &secret, &out);                                 \
        assert_true(out.failed);                                               \
    } while (0)
    REFUSED(card.sector = 0);
    REFUSED(card.sector = 200);
    REFUSED(card.name.len = 0);
    REFUSED(card.name = ent_slice(name, ENT_NAME_MAX + 1));
    REFUSED(card.name = ent_slice_str("\xc3"));
    REFUSED(card.languages = ent_slice(name, 65));
    REFUSED(card.address_count = ENT_ADDRESSES_MAX + 1);
    REFUSED(card.addresses[0].len = 0);
    REFUSED(card.addresses[0] = ent_slice(name, ENT_ADDRESS_MAX + 1));
#undef REFUSED
    free(name);
    ent_buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_comes_back),
        cmocka_unit_test(every_flipped_bit_and_prefix_is_refused),
        cmocka_unit_test(another_signer_is_refused),
        cmocka_unit_test(bad_cards_are_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
