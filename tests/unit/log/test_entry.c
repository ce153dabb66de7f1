/* The header, the id, what one entry alone can show, and the payload. */
#include "lib/cmocka.h"
#include "lib/golden.h"
#include "unit/log/chain.h"

static void
header_is_the_fixed_layout(void **state)
{
    struct chain c;
    uint8_t header[ENT_HEADER_LEN];

    (void)state;
    chain_init(&c, 4);
    ent_entry_header(&c.entries[0], header);
    test_golden("entry/header-genesis", ENT_SLICE_OF(header));
    test_golden("entry/id-genesis", ENT_SLICE_OF(c.entries[0].id));
    ent_entry_header(&c.entries[3], header);
    test_golden("entry/header-sealed", ENT_SLICE_OF(header));
    test_golden("entry/id-sealed", ENT_SLICE_OF(c.entries[3].id));
    test_golden("entry/sig-sealed", ENT_SLICE_OF(c.sig));
    assert_memory_equal(header, "ENT1\x01\x00\x00\x00", 8);
    assert_int_equal(ent_get_u64(header + 76), 3);
    assert_int_equal(ent_get_u32(header + 188), c.entries[3].payload.len);
    chain_release(&c);
}

/* Every field is in the id: two entries that differ anywhere differ there. */
static void
every_field_is_in_the_id(void **state)
{
    static const struct ent_id dep = {{1}};
    struct chain c;
    struct ent_entry e[11];
    size_t i;

    (void)state;
    chain_init(&c, 3);
    for (i = 0; i < 11; i++) {
        e[i] = c.entries[2];
    }
    e[0].class ^= 1;
    e[1].flags ^= 1;
    e[2].space.b[31] ^= 1;
    e[3].node.b[0] ^= 1;
    e[4].inc ^= 1;
    e[5].seq ^= 1;
    e[6].prev.b[7] ^= 1;
    e[7].deps = &dep;
    e[7].dep_count = 1;
    e[8].hlc ^= 1;
    e[9].epoch.b[9] ^= 1;
    e[10].payload.len--;
    for (i = 0; i < 11; i++) {
        ent_entry_finish(&e[i]);
        assert_false(ent_id_eq(&e[i].id, &c.entries[2].id));
    }
    chain_release(&c);
}

static void
an_erased_payload_leaves_the_id(void **state)
{
    struct chain c;
    struct ent_entry e;

    (void)state;
    chain_init(&c, 3);
    e = c.entries[2];
    e.has_payload = false;
    e.payload = ent_slice(NULL, 0);
    ent_entry_finish(&e);
    assert_true(ent_id_eq(&e.id, &c.entries[2].id));
    chain_release(&c);
}

static void
space_of_a_genesis_is_its_id(void **state)
{
    struct chain c;

    (void)state;
    chain_init(&c, 2);
    assert_ptr_equal(ent_entry_space_id(&c.entries[0]), &c.entries[0].id);
    assert_ptr_equal(ent_entry_space_id(&c.entries[1]), &c.entries[1].space);
    chain_release(&c);
}

static void
check_refuses_by_name(void **state)
{
    struct ent_id deps[ENT_DEPS_MAX + 1];
    struct chain c;
    struct ent_entry e;
    size_t i;

    (void)state;
    chain_init(&c, 3);
    for (i = 0; i <= ENT_DEPS_MAX; i++) {
        deps[i] = chain_id((uint8_t)(i + 1));
    }
    for (i = 0; i < 3; i++) {
        assert_int_equal(ent_entry_check(&c.entries[i]), ENT_OK);
    }
#define CHECK(place, change, status)                                           \
    do {                                                                       \
        e = c.entries[place];                                                  \
        change;                                                                \
        assert_int_equal(ent_entry_check(&e), status);                         \
    } while (0)
    CHECK(1, e.class = 3, ENT_PEER_MALFORMED);
    CHECK(1, e.flags = 2, ENT_PEER_MALFORMED);
    CHECK(1, e.flags = ENT_FLAG_GENESIS, ENT_PEER_MALFORMED);
    CHECK(0, e.class = 0; e.epoch = chain_id(1), ENT_PEER_MALFORMED);
    CHECK(0, e.deps = deps; e.dep_count = 1, ENT_PEER_MALFORMED);
    CHECK(0, e.prev = chain_id(1), ENT_PEER_MALFORMED);
    CHECK(1, e.prev = (struct ent_id){0}, ENT_PEER_MALFORMED);
    CHECK(1, e.epoch = (struct ent_id){0}, ENT_PEER_MALFORMED);
    CHECK(0, e.epoch = chain_id(1), ENT_PEER_MALFORMED);
    CHECK(1, e.class = ENT_CLASS_CHECKPOINT, ENT_OK);
    CHECK(1, e.deps = deps; e.dep_count = ENT_DEPS_MAX, ENT_OK);
    CHECK(1, e.deps = deps; e.dep_count = ENT_DEPS_MAX + 1, ENT_PEER_TOO_BIG);
    CHECK(1, e.payload.len = ENT_PAYLOAD_MAX, ENT_OK);
    CHECK(1, e.payload.len = ENT_PAYLOAD_MAX + 1, ENT_PEER_TOO_BIG);
    CHECK(1, e.has_payload = false;
          e.payload_len = ENT_PAYLOAD_MAX + 1, ENT_PEER_TOO_BIG);
    deps[0] = c.entries[1].prev;
    CHECK(1, e.deps = deps; e.dep_count = 1, ENT_PEER_MALFORMED);
    deps[0] = (struct ent_id){0};
    CHECK(1, e.deps = deps; e.dep_count = 1, ENT_PEER_MALFORMED);
    deps[0] = deps[1];
    CHECK(1, e.deps = deps; e.dep_count = 2, ENT_PEER_MALFORMED);
    deps[0] = deps[2];
    CHECK(1, e.deps = deps; e.dep_count = 2, ENT_PEER_MALFORMED);
#undef CHECK
    chain_release(&c);
}

static void
signature_is_over_the_id(void **state)
{
    struct chain c;
    struct ent_sig sig;

    (void)state;
    chain_init(&c, 2);
    sig = c.sig;
    assert_true(ent_entry_verify(&c.node, &c.entries[1].id, &sig));
    assert_false(ent_entry_verify(&c.node, &c.entries[0].id, &sig));
    assert_false(ent_entry_verify(&c.space, &c.entries[1].id, &sig));
    sig.b[63] ^= 0x10;
    assert_false(ent_entry_verify(&c.node, &c.entries[1].id, &sig));
    chain_release(&c);
}

/* Payloads. */

struct sealed {
    struct ent_entry e;
    struct ent_key key;
    struct ent_rng rng;
    struct ent_buf payload;
};

static void
sealed_init(struct sealed *s, size_t plain_len)
{
    struct ent_buf plain = {0};
    size_t i;

    memset(s, 0, sizeof(*s));
    memset(s->key.b, 5, sizeof(s->key.b));
    ent_rng_init(&s->rng, &s->key);
    s->e.seq = 7;
    s->e.space = chain_id(1);
    s->e.epoch = chain_id(2);
    for (i = 0; i < plain_len; i++) {
        ent_buf_put_u8(&plain, (uint8_t)(i * 3 + 1));
    }
    assert_int_equal(ent_payload_seal(&s->e, &s->key, &s->rng,
                                      ent_buf_slice(&plain), &s->payload),
                     ENT_OK);
    s->e.payload = ent_buf_slice(&s->payload);
    s->e.has_payload = true;
    ent_buf_release(&plain);
}

static void
payload_opens_at_every_length(void **state)
{
    static const size_t lens[] = {0, 1, 62, 63, 64, 65, 1000, 4095, 30000};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct sealed s;
        struct ent_buf plain = {0};
        size_t k;

        sealed_init(&s, lens[i]);
        ent_buf_put_u8(&plain, 0xff);
        assert_int_equal(ent_payload_open(&s.e, &s.key, &plain), ENT_OK);
        assert_int_equal(plain.len, lens[i] + 1);
        for (k = 0; k < lens[i]; k++) {
            assert_int_equal(plain.p[k + 1], (uint8_t)(k * 3 + 1));
        }
        ent_buf_release(&plain);
        ent_buf_release(&s.payload);
    }
}

/* A length tells only its bucket. */
static void
short_payloads_have_one_length(void **state)
{
    struct sealed a;
    struct sealed b;

    (void)state;
    sealed_init(&a, 0);
    sealed_init(&b, 63);
    assert_int_equal(a.payload.len, 64 + ENT_SEAL_OVERHEAD);
    assert_int_equal(b.payload.len, a.payload.len);
    ent_buf_release(&a.payload);
    ent_buf_release(&b.payload);
}

static void
payload_is_bound_to_its_header(void **state)
{
    struct sealed s;
    struct ent_buf plain = {0};
    struct ent_entry e;

    (void)state;
    sealed_init(&s, 10);
    e = s.e;
    e.seq++;
    assert_int_equal(ent_payload_open(&e, &s.key, &plain), ENT_PEER_DECRYPT);
    e = s.e;
    e.epoch.b[0] ^= 1;
    assert_int_equal(ent_payload_open(&e, &s.key, &plain), ENT_PEER_DECRYPT);
    e = s.e;
    e.payload.len--;
    assert_int_equal(ent_payload_open(&e, &s.key, &plain), ENT_PEER_DECRYPT);
    e.has_payload = false;
    assert_int_equal(ent_payload_open(&e, &s.key, &plain), ENT_PEER_DECRYPT);
    s.key.b[0] ^= 1;
    assert_int_equal(ent_payload_open(&s.e, &s.key, &plain), ENT_PEER_DECRYPT);
    assert_int_equal(plain.len, 0);
    ent_buf_release(&plain);
    ent_buf_release(&s.payload);
}

/* Seals `plain` as it is, without our padding. */
static enum ent_status
open_foreign(const uint8_t *plain, size_t len)
{
    struct ent_buf payload = {0};
    struct ent_buf out = {0};
    struct ent_rng rng;
    struct ent_key key = {{9}};
    struct ent_entry e = {.epoch = {{1}}, .has_payload = true};
    uint8_t header[ENT_HEADER_LEN];
    enum ent_status st;

    ent_rng_init(&rng, &key);
    ent_entry_header(&e, header);
    ent_seal(&key, &rng, ent_slice(header, ENT_HEADER_AD_LEN),
             ent_slice(plain, len), &payload);
    e.payload = ent_buf_slice(&payload);
    st = ent_payload_open(&e, &key, &out);
    assert_true(st == ENT_OK || out.len == 0);
    ent_buf_release(&payload);
    ent_buf_release(&out);
    return st;
}

static void
padding_is_checked(void **state)
{
    uint8_t plain[128] = {0};

    (void)state;
    assert_int_equal(open_foreign(plain, 0), ENT_PEER_MALFORMED);
    assert_int_equal(open_foreign(plain, 64), ENT_PEER_MALFORMED);
    plain[10] = 0x80;
    assert_int_equal(open_foreign(plain, 64), ENT_OK);
    assert_int_equal(open_foreign(plain, 63), ENT_PEER_MALFORMED);
    assert_int_equal(open_foreign(plain, 128), ENT_PEER_MALFORMED);
    plain[10] = 0x81;
    assert_int_equal(open_foreign(plain, 64), ENT_PEER_MALFORMED);
}

static void
payload_has_a_limit(void **state)
{
    struct sealed s;
    struct ent_buf big = {0};
    struct ent_buf out = {0};

    (void)state;
    sealed_init(&s, 1);
    assert_non_null(ent_buf_grow(&big, ENT_PAYLOAD_MAX));
    memset(big.p, 1, big.len);
    assert_int_equal(
        ent_payload_seal(&s.e, &s.key, &s.rng, ent_buf_slice(&big), &out),
        ENT_PEER_TOO_BIG);
    assert_int_equal(ent_payload_seal(&s.e, &s.key, &s.rng,
                                      ent_slice(big.p, SIZE_MAX / 2), &out),
                     ENT_PEER_TOO_BIG);
    assert_int_equal(out.len, 0);
    ent_buf_release(&big);
    ent_buf_release(&s.payload);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_the_fixed_layout),
        cmocka_unit_test(every_field_is_in_the_id),
        cmocka_unit_test(an_erased_payload_leaves_the_id),
        cmocka_unit_test(space_of_a_genesis_is_its_id),
        cmocka_unit_test(check_refuses_by_name),
        cmocka_unit_test(signature_is_over_the_id),
        cmocka_unit_test(payload_opens_at_every_length),
        cmocka_unit_test(short_payloads_have_one_length),
        cmocka_unit_test(payload_is_bound_to_its_header),
        cmocka_unit_test(padding_is_checked),
        cmocka_unit_test(payload_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
