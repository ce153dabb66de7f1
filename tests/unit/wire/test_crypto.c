/* The crypto door against published vectors (RFC 7748, 7693, 8032, 8439, 5869,
 * the SipHash reference, draft-irtf-cfrg-xchacha) and against bad input. */
#include "lib/hex.h"

#include <entente/crypto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The bytes of `hex`, which must be `len` of them. */
static void
get_hex(const char *hex, void *ret_p, size_t len)
{
    assert_int_equal(ent_unhex(hex, ret_p, len), ENT_OK);
}

static void
assert_hex(const void *p, size_t len, const char *hex)
{
    char *got = ent_alloc(2 * len + 1);

    assert_string_equal(ent_hex(got, p, len), hex);
    free(got);
}

static void
fill_counting(uint8_t *p, size_t len, uint8_t from)
{
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(from + i);
    }
}

static void
test_rng(void **state)
{
    struct ent_key zero = {{0}};
    struct ent_rng rng;
    uint8_t out[32], a[200], b[200];

    (void)state;
    /* RFC 8439 A.1 #1: block 0 of key 0; its first half is the next key. */
    ent_rng_init(&rng, &zero);
    ent_rng_fill(&rng, out, 32);
    assert_hex(out, 32,
               "da41597c5157488d7724e03fb8d84a37"
               "6a43b8f41518a11cc387b669b2ee6586");
    assert_hex(&rng.key, 32,
               "76b8e0ada0f13d90405d6ae55386bd28"
               "bdd219b8a08ded1aa836efcc8b770dc7");
    ent_rng_init(&rng, &zero);
    ent_rng_fill(&rng, a, sizeof(a));
    assert_memory_equal(a, out, 32);
    /* Block 1 follows without a seam. */
    assert_hex(a + 32, 16, "9f07e7be5551387a98ba977c732d080d");
    ent_rng_fill(&rng, b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(b));
    ent_rng_fill(&rng, a, 0);
    ent_rng_fill(&rng, a, 1);
    assert_memory_not_equal(a, b, sizeof(b));
}

static void
test_blake2b(void **state)
{
    uint8_t key[64], mac[64];
    struct ent_hasher h;
    struct ent_id id, parts;

    (void)state;
    ent_hash("entente/entry/1", ent_slice_str("abc"), &id);
    assert_hex(&id, 32,
               "ab5a389e187769b874f824a0a531fea9"
               "06a1d0ad123e6cdf4d056a95b4f4e066");
    ent_hash("t", ent_slice(NULL, 0), &parts);
    assert_hex(&parts, 32,
               "2c9c768ef1a700bebb37204c23b32b58"
               "a4fe84cb0ae1f8a9d10ba44cbe6dc577");
    ent_hasher_init(&h, "entente/entry/1");
    ent_hasher_add(&h, ent_slice_str("a"));
    ent_hasher_add(&h, ent_slice(NULL, 0));
    ent_hasher_add(&h, ent_slice_str("bc"));
    ent_hasher_end(&h, &parts);
    assert_true(ent_id_eq(&parts, &id));
    /* blake2b reference, keyed, empty input */
    fill_counting(key, sizeof(key), 0);
    ent_mac(ENT_SLICE_OF(key), ent_slice(NULL, 0), mac, sizeof(mac));
    assert_hex(mac, 64,
               "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa"
               "4786b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc1"
               "3fc51568");
}

static void
test_siphash(void **state)
{
    uint8_t key[16], in[1] = {0}, out[16];

    (void)state;
    fill_counting(key, sizeof(key), 0);
    ent_siphash(key, ent_slice(in, 0), out);
    assert_hex(out, 16, "a3817f04ba25a8e66df67214c7550293");
    ent_siphash(key, ent_slice(in, 1), out);
    assert_hex(out, 16, "da87c1d86b99af44347659119b22fc45");
}

static void
test_ed25519(void **state)
{
    struct ent_key seed;
    struct ent_id pk;
    struct ent_sig sig;
    uint8_t layout[32];

    (void)state;
    /* RFC 8032 7.1, test 1 */
    get_hex("9d61b19deffd5a60ba844af492ec2cc4"
            "4449c5697b326919703bac031cae7f60",
            &seed, 32);
    ent_sign_public(&seed, &pk);
    assert_hex(&pk, 32,
               "d75a980182b10ab7d54bfed3c964073a"
               "0ee172f3daa62325af021a68f707511a");
    /* Computed by a second implementation from "entente/seal/1" 00 00..1f. */
    fill_counting(layout, sizeof(layout), 0);
    ent_sign(&seed, "entente/seal/1", ENT_SLICE_OF(layout), &sig);
    assert_hex(&sig, 64,
               "f2ea697eb9dd233ce1ce6db56698742e6a719067871215f4f3b48321b4f8"
               "78c02eec6a0b8b9873df629791c1bbfacdc84b7a48caad57704465cc78a6"
               "d7231403");
    assert_true(ent_verify(&pk, "entente/seal/1", ENT_SLICE_OF(layout), &sig));
    assert_false(ent_verify(&pk, "entente/seal/2", ENT_SLICE_OF(layout), &sig));
    assert_false(
        ent_verify(&pk, "entente/seal/1", ent_slice(layout, 31), &sig));
    for (size_t bit = 0; bit < 512; bit++) {
        sig.b[bit / 8] = (uint8_t)(sig.b[bit / 8] ^ (1u << (bit % 8)));
        assert_false(
            ent_verify(&pk, "entente/seal/1", ENT_SLICE_OF(layout), &sig));
        sig.b[bit / 8] = (uint8_t)(sig.b[bit / 8] ^ (1u << (bit % 8)));
    }
    layout[7] ^= 1;
    assert_false(ent_verify(&pk, "entente/seal/1", ENT_SLICE_OF(layout), &sig));
}

/* Layouts around the size that fits on the stack, and an empty one. */
static void
test_sign_lengths(void **state)
{
    static const size_t lens[] = {0, 1, 505, 506, 507, 508, 512, 5000};
    struct ent_key seed = {{3}};
    uint8_t layout[5000];
    struct ent_sig sig;
    struct ent_id pk;

    (void)state;
    memset(layout, 1, sizeof(layout));
    ent_sign_public(&seed, &pk);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        ent_sign(&seed, "test", ent_slice(layout, lens[i]), &sig);
        assert_true(ent_verify(&pk, "test", ent_slice(layout, lens[i]), &sig));
        if (lens[i] > 0) {
            assert_false(
                ent_verify(&pk, "test", ent_slice(layout, lens[i] - 1), &sig));
        }
    }
}

/* S + L verifies in a lax implementation; a small-order key does too. */
static void
test_bad_signatures(void **state)
{
    static const uint8_t order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
        0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};
    struct ent_key seed = {{5}};
    struct ent_sig sig;
    struct ent_id pk;
    unsigned carry = 0;

    (void)state;
    ent_sign_public(&seed, &pk);
    ent_sign(&seed, "test", ent_slice_str("x"), &sig);
    assert_true(ent_verify(&pk, "test", ent_slice_str("x"), &sig));
    for (size_t i = 0; i < 32; i++) {
        carry += sig.b[32 + i] + (unsigned)order[i];
        sig.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(carry, 0);
    assert_false(ent_verify(&pk, "test", ent_slice_str("x"), &sig));
    /* The neutral element as key and R, S = 0: holds for every message. */
    memset(&pk, 0, sizeof(pk));
    memset(&sig, 0, sizeof(sig));
    pk.b[0] = 1;
    sig.b[0] = 1;
    assert_false(ent_verify(&pk, "test", ent_slice_str("x"), &sig));
}

static void
test_x25519(void **state)
{
    static const struct ent_key zero;
    struct ent_key secret, pk, shared, a, b, ab;

    (void)state;
    /* RFC 7748 5.2 */
    get_hex("a546e36bf0527c9d3b16154b82465edd"
            "62144c0ac1fc5a18506a2244ba449ac4",
            &secret, 32);
    get_hex("e6db6867583030db3594c1a424b15f7c"
            "726624ec26b3353b10a903a6d0ab1c4c",
            &pk, 32);
    assert_true(ent_dh(&secret, &pk, &shared));
    assert_hex(&shared, 32,
               "c3da55379de9c6908e94ea4df28d084f"
               "32eccf03491c71f754b4075577a28552");
    a = (struct ent_key){{8}};
    b = (struct ent_key){{16}};
    ent_dh_public(&b, &pk);
    assert_true(ent_dh(&a, &pk, &ab));
    ent_dh_public(&a, &pk);
    assert_true(ent_dh(&b, &pk, &shared));
    assert_true(ent_secret_eq(&ab, &shared, 32));
    shared = b;
    assert_false(ent_dh(&a, &zero, &shared));
    assert_true(ent_secret_eq(&shared, &b, 32)); /* untouched */
}

static void
test_seal(void **state)
{
    static const char *const published = /* draft-irtf-cfrg-xchacha A.3.1 */
        "404142434445464748494a4b4c4d4e4f5051525354555657"
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52e"
        "c0875924c1c7987947deafd8780acf49";
    static const char *const sunscreen =
        "Ladies and Gentlemen of the class of '99: If I could offer you only "
        "one tip for the future, sunscreen would be it.";
    struct ent_buf sealed = {0};
    struct ent_buf plain = {0};
    struct ent_key key;
    struct ent_rng rng = {{{1}}};
    struct ent_slice ad;
    uint8_t ad_bytes[12];

    (void)state;
    fill_counting(key.b, 32, 0x80);
    get_hex("50515253c0c1c2c3c4c5c6c7", ad_bytes, 12);
    ad = ENT_SLICE_OF(ad_bytes);
    test_unhex(&sealed, published);
    assert_int_equal(ent_open(&key, ad, ent_buf_slice(&sealed), &plain),
                     ENT_OK);
    assert_true(ent_slice_eq(ent_buf_slice(&plain), ent_slice_str(sunscreen)));
    /* Ours: appended, and no nonce twice. */
    ent_buf_clear(&sealed);
    ent_seal(&key, &rng, ad, ent_slice_str("one"), &sealed);
    ent_seal(&key, &rng, ad, ent_slice(NULL, 0), &sealed);
    assert_int_equal(sealed.len, 2 * ENT_SEAL_OVERHEAD + 3);
    assert_memory_not_equal(sealed.p, sealed.p + ENT_SEAL_OVERHEAD + 3, 24);
    ent_buf_clear(&plain);
    assert_int_equal(
        ent_open(&key, ad, ent_slice(sealed.p, ENT_SEAL_OVERHEAD + 3), &plain),
        ENT_OK);
    assert_int_equal(
        ent_open(&key, ad,
                 ent_slice(sealed.p + ENT_SEAL_OVERHEAD + 3, ENT_SEAL_OVERHEAD),
                 &plain),
        ENT_OK);
    assert_true(ent_slice_eq(ent_buf_slice(&plain), ent_slice_str("one")));
    ent_buf_release(&sealed);
    ent_buf_release(&plain);
}

/* Each flipped bit, each prefix, another ad and another key are refused, and
 * what was in the buffer stays. */
static void
test_seal_refusals(void **state)
{
    struct ent_key key = {{1}};
    struct ent_key other = {{2}};
    struct ent_rng rng = {{{1}}};
    struct ent_buf sealed = {0};
    struct ent_buf plain = {0};
    struct ent_slice ad = ent_slice_str("ad");

    (void)state;
    ent_buf_put(&plain, "kept", 4);
    ent_seal(&key, &rng, ad, ent_slice_str("content"), &sealed);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.p[bit / 8] = (uint8_t)(sealed.p[bit / 8] ^ (1u << (bit % 8)));
        assert_int_equal(ent_open(&key, ad, ent_buf_slice(&sealed), &plain),
                         ENT_PEER_DECRYPT);
        sealed.p[bit / 8] = (uint8_t)(sealed.p[bit / 8] ^ (1u << (bit % 8)));
    }
    for (size_t len = 0; len < sealed.len; len++) {
        assert_int_equal(ent_open(&key, ad, ent_slice(sealed.p, len), &plain),
                         ENT_PEER_DECRYPT);
    }
    assert_int_equal(
        ent_open(&key, ent_slice(NULL, 0), ent_buf_slice(&sealed), &plain),
        ENT_PEER_DECRYPT);
    assert_int_equal(ent_open(&other, ad, ent_buf_slice(&sealed), &plain),
                     ENT_PEER_DECRYPT);
    assert_true(ent_slice_eq(ent_buf_slice(&plain), ent_slice_str("kept")));
    plain.max = 8;
    assert_int_equal(ent_open(&key, ad, ent_buf_slice(&sealed), &plain),
                     ENT_PEER_TOO_BIG);
    ent_buf_release(&sealed);
    ent_buf_release(&plain);
}

static void
test_box(void **state)
{
    static const struct ent_key zero;
    struct ent_key secret = {{8}}; /* X25519 ignores the lowest three bits */
    struct ent_key other = {{16}};
    struct ent_rng rng = {{{1}}};
    struct ent_buf box = {0};
    struct ent_buf plain = {0};
    struct ent_slice ad = ent_slice_str("ad");
    struct ent_key pk;

    (void)state;
    ent_dh_public(&secret, &pk);
    ent_box(&pk, &rng, ad, ent_slice_str("key"), &box);
    assert_int_equal(box.len, 3 + ENT_BOX_OVERHEAD);
    assert_int_equal(ent_unbox(&secret, ad, ent_buf_slice(&box), &plain),
                     ENT_OK);
    assert_true(ent_slice_eq(ent_buf_slice(&plain), ent_slice_str("key")));
    assert_int_equal(ent_unbox(&other, ad, ent_buf_slice(&box), &plain),
                     ENT_PEER_DECRYPT);
    for (size_t bit = 0; bit < box.len * 8; bit++) {
        box.p[bit / 8] = (uint8_t)(box.p[bit / 8] ^ (1u << (bit % 8)));
        assert_int_equal(ent_unbox(&secret, ad, ent_buf_slice(&box), &plain),
                         ENT_PEER_DECRYPT);
        box.p[bit / 8] = (uint8_t)(box.p[bit / 8] ^ (1u << (bit % 8)));
    }
    for (size_t len = 0; len < box.len; len++) {
        assert_int_equal(ent_unbox(&secret, ad, ent_slice(box.p, len), &plain),
                         ENT_PEER_DECRYPT);
    }
    memset(box.p, 0, 32); /* an ephemeral key of small order */
    assert_int_equal(ent_unbox(&secret, ad, ent_buf_slice(&box), &plain),
                     ENT_PEER_DECRYPT);
    /* To a key of small order: nobody can open it, nothing crashes. */
    ent_buf_clear(&box);
    ent_box(&zero, &rng, ad, ent_slice_str("key"), &box);
    assert_int_equal(box.len, 3 + ENT_BOX_OVERHEAD);
    assert_int_equal(ent_unbox(&secret, ad, ent_buf_slice(&box), &plain),
                     ENT_PEER_DECRYPT);
    assert_int_equal(plain.len, 3);
    ent_buf_release(&box);
    ent_buf_release(&plain);
}

static void
test_stream(void **state)
{
    struct ent_key key = {{1}};
    uint8_t header[ENT_STREAM_HEADER_LEN] = {2};
    struct ent_slice ad = ent_slice_str("ad");
    struct ent_buf out = {0};
    struct ent_stream s;
    uint8_t a[5 + ENT_STREAM_OVERHEAD];
    uint8_t b[3 + ENT_STREAM_OVERHEAD];
    bool is_last = true;

    (void)state;
    ent_stream_begin(&s, &key, header);
    ent_stream_seal(&s, ad, ent_slice_str("first"), false, a);
    ent_stream_seal(&s, ad, ent_slice_str("end"), true, b);
    ent_stream_begin(&s, &key, header);
    /* Not the next one, other associated data, too short: nothing moves. */
    assert_int_equal(ent_stream_open(&s, ad, ENT_SLICE_OF(b), &out, &is_last),
                     ENT_PEER_DECRYPT);
    assert_int_equal(ent_stream_open(&s, ent_slice_str("da"), ENT_SLICE_OF(a),
                                     &out, &is_last),
                     ENT_PEER_DECRYPT);
    assert_int_equal(ent_stream_open(&s, ad, ent_slice(a, ENT_STREAM_OVERHEAD),
                                     &out, &is_last),
                     ENT_PEER_DECRYPT);
    assert_int_equal(out.len, 0);
    assert_int_equal(ent_stream_open(&s, ad, ENT_SLICE_OF(a), &out, &is_last),
                     ENT_OK);
    assert_false(is_last);
    assert_int_equal(ent_stream_open(&s, ad, ENT_SLICE_OF(a), &out, &is_last),
                     ENT_PEER_DECRYPT);
    assert_int_equal(ent_stream_open(&s, ad, ENT_SLICE_OF(b), &out, &is_last),
                     ENT_OK);
    assert_true(is_last);
    assert_true(ent_slice_eq(ent_buf_slice(&out), ent_slice_str("firstend")));
    ent_buf_release(&out);
}

static void
test_noise_cipher(void **state)
{
    static const char *const published = /* RFC 8439 A.5 */
        "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
        "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
        "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
        "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
        "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
        "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
        "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
        "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
        "a6ad5cb4022b02709b"
        "eead9d67890cbb22392336fea1851f38";
    struct ent_buf b = {0};
    struct ent_key key;
    uint8_t ad[12], again[300];
    uint64_t n = 0x0807060504030201u; /* nonce 00000000 0102030405060708 */

    (void)state;
    get_hex("1c9240a5eb55d38af333888604f6b5f0"
            "473917c1402b80099dca5cbc207075c0",
            &key, 32);
    get_hex("f33388860000000000004e91", ad, 12);
    test_unhex(&b, published);
    memcpy(again, b.p, b.len);
    assert_false(ent_noise_open(&key, n + 1, ENT_SLICE_OF(ad),
                                ent_buf_slice(&b), again));
    assert_false(
        ent_noise_open(&key, n, ENT_SLICE_OF(ad), ent_slice(b.p, 15), again));
    /* In the same memory, as records do it. */
    assert_true(
        ent_noise_open(&key, n, ENT_SLICE_OF(ad), ent_buf_slice(&b), b.p));
    assert_memory_equal(b.p, "Internet-Drafts are draft documents", 35);
    ent_noise_seal(&key, n, ENT_SLICE_OF(ad), ent_slice(b.p, b.len - 16), b.p);
    assert_hex(b.p, b.len, published);
    ent_buf_release(&b);
}

static void
test_sha256_and_hkdf(void **state)
{
    uint8_t out[32], o1[32], o2[32], o3[32], zero[32] = {0}, ikm[22];

    (void)state;
    ent_sha256(ent_slice_str("a"), ent_slice_str("bc"), out);
    assert_hex(out, 32,
               "ba7816bf8f01cfea414140de5dae2223"
               "b00361a396177a9cb410ff61f20015ad");
    ent_sha256(ent_slice(NULL, 0), ent_slice(NULL, 0), out);
    assert_hex(out, 32,
               "e3b0c44298fc1c149afbf4c8996fb924"
               "27ae41e4649b934ca495991b7852b855");
    /* RFC 5869 A.3: no salt is a salt of zeros, no info; 42 bytes of it. */
    memset(ikm, 0x0b, sizeof(ikm));
    ent_hkdf(zero, ENT_SLICE_OF(ikm), o1, o2, o3);
    assert_hex(o1, 32,
               "8da4e775a563c18f715f802a063c5a31"
               "b8a11f5c5ee1879ec3454e5f3c738d2d");
    assert_hex(o2, 10, "9d201395faa4b61a96c8");
    /* The chaining key may be where its successor goes. */
    memcpy(out, zero, 32);
    ent_hkdf(out, ENT_SLICE_OF(ikm), out, o2, NULL);
    assert_memory_equal(out, o1, 32);
    assert_memory_not_equal(o3, o2, 32);
}

static void
test_padme(void **state)
{
    size_t padded;

    (void)state;
    assert_int_equal(ent_padme(0), 0);
    assert_int_equal(ent_padme(1), 1);
    assert_int_equal(ent_padme(8), 8);
    assert_int_equal(ent_padme(9), 10);
    assert_int_equal(ent_padme(65), 72);
    assert_int_equal(ent_padme(1000), 1024);
    assert_int_equal(ent_padme(1u << 20), 1u << 20);
    for (size_t len = 2; len < 70000; len++) {
        padded = ent_padme(len);
        assert_true(padded >= len && (padded - len) * 100 <= len * 12);
        assert_int_equal(ent_padme(padded), padded);
    }
}

static void
test_wipe_and_compare(void **state)
{
    uint8_t a[4] = {1, 2, 3, 4};
    uint8_t b[4] = {1, 2, 3, 5};

    (void)state;
    assert_true(ent_secret_eq(a, b, 3));
    assert_false(ent_secret_eq(a, b, 4));
    ent_wipe(a, 3);
    assert_memory_equal(a, "\0\0\0\4", 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rng),
        cmocka_unit_test(test_blake2b),
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_ed25519),
        cmocka_unit_test(test_sign_lengths),
        cmocka_unit_test(test_bad_signatures),
        cmocka_unit_test(test_x25519),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_seal_refusals),
        cmocka_unit_test(test_box),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_noise_cipher),
        cmocka_unit_test(test_sha256_and_hkdf),
        cmocka_unit_test(test_padme),
        cmocka_unit_test(test_wipe_and_compare),
    };

    int failed = cmocka_run_group_tests_name("libsodium's portable code", tests,
                                             NULL, NULL);

    /* The same results afterwards, and a second time is nothing. */
    ent_crypto_start();
    ent_crypto_start();
    failed +=
        cmocka_run_group_tests_name("this processor's code", tests, NULL, NULL);
    return failed;
}
