/* Field writes as bytes. */
#include "lib/cmocka.h"
#include "lib/golden.h"

#include <entente/record.h>

#include <stdlib.h>

/* "text", 5, nil, [1, "a"] */
static const uint8_t values[][5] = {
    {0xa4, 't', 'e', 'x', 't'}, {0x05}, {0xc0}, {0x92, 0x01, 0xa1, 'a'}};
static const size_t value_lens[] = {5, 1, 1, 4};

static void
make_put(struct ent_put *put)
{
    size_t i;

    memset(put, 0, sizeof(*put));
    put->kind = 300;
    memset(put->record.b, 0x11, sizeof(put->record.b));
    put->field_count = 4;
    for (i = 0; i < 4; i++) {
        put->fields[i].field = (uint16_t)(i + 1);
        put->fields[i].value = ent_slice(values[i], value_lens[i]);
    }
    put->fields[2].supersedes_count = 2;
    memset(put->fields[2].supersedes[0].entry, 0x22, 16);
    put->fields[2].supersedes[0].index = 513;
    memset(put->fields[2].supersedes[1].entry, 0x33, 16);
}

static enum ent_status
decode(struct ent_slice raw, struct ent_put *put)
{
    struct ent_op op = {.type = ENT_OP_PUT, .raw = raw};

    return ent_put_decode(&op, put);
}

static void
what_is_encoded_comes_back(void **state)
{
    struct ent_put *in = ent_alloc(sizeof(*in));
    struct ent_put *out = ent_alloc_zero(1, sizeof(*out));
    struct ent_buf payload = {0};
    struct ent_ops ops;
    size_t i;

    (void)state;
    make_put(in);
    ent_ops_begin(&payload, ent_slice(NULL, 0), 1);
    ent_put_encode(in, &payload);
    test_golden("control/put", ent_buf_slice(&payload));
    assert_int_equal(ent_ops_decode(ent_buf_slice(&payload), &ops), ENT_OK);
    assert_int_equal(ops.ops[0].type, ENT_OP_PUT);
    assert_true(ops.ops[0].is_known);
    assert_int_equal(ent_put_decode(&ops.ops[0], out), ENT_OK);
    assert_int_equal(out->kind, in->kind);
    assert_memory_equal(&out->record, &in->record, ENT_RECORD_ID_LEN);
    assert_int_equal(out->field_count, 4);
    for (i = 0; i < 4; i++) {
        assert_int_equal(out->fields[i].field, in->fields[i].field);
        assert_true(ent_slice_eq(out->fields[i].value, in->fields[i].value));
        assert_int_equal(out->fields[i].supersedes_count,
                         in->fields[i].supersedes_count);
    }
    assert_int_equal(out->fields[2].supersedes[0].index, 513);
    assert_memory_equal(out->fields[2].supersedes[1].entry,
                        in->fields[2].supersedes[1].entry, 16);
    ent_ops_release(&ops);
    ent_buf_release(&payload);
    free(in);
    free(out);
}

static void
prefixes_and_bits_are_survived(void **state)
{
    struct ent_put *put = ent_alloc(sizeof(*put));
    struct ent_buf raw = {0};
    size_t i;

    (void)state;
    make_put(put);
    ent_put_encode(put, &raw);
    for (i = 0; i < raw.len; i++) {
        uint8_t *copy = ent_alloc(i);

        memcpy(copy, raw.p, i);
        assert_int_not_equal(decode(ent_slice(copy, i), put), ENT_OK);
        free(copy);
    }
    for (i = 0; i < 8 * raw.len; i++) {
        raw.p[i / 8] ^= (uint8_t)(1u << i % 8);
        (void)decode(ent_buf_slice(&raw), put);
        raw.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(decode(ent_buf_slice(&raw), put), ENT_OK);
    ent_buf_release(&raw);
    free(put);
}

/* The head of a put with `count` writes to follow. */
static void
put_head(struct ent_buf *b, size_t count)
{
    uint8_t record[ENT_RECORD_ID_LEN] = {0};

    ent_buf_clear(b);
    ent_mp_put_array(b, 4);
    ent_mp_put_uint(b, ENT_OP_PUT << 1);
    ent_mp_put_uint(b, 1);
    ent_mp_put_bin(b, ENT_SLICE_OF(record));
    ent_mp_put_array(b, count);
}

static void
refused_by_name(void **state)
{
    struct ent_put *put = ent_alloc(sizeof(*put));
    struct ent_buf b = {0};
    uint8_t ref[18] = {0};
    uint8_t *big = ent_alloc_zero(1, ENT_TEXT_MAX + 3);
    size_t i;

    (void)state;
    put_head(&b, ENT_FIELDS_MAX + 1);
    for (i = 0; i <= ENT_FIELDS_MAX; i++) {
        ent_mp_put_nil(&b);
    }
    assert_int_equal(decode(ent_buf_slice(&b), put), ENT_PEER_TOO_BIG);

    put_head(&b, 1); /* too many superseded */
    ent_mp_put_array(&b, 3);
    ent_mp_put_uint(&b, 1);
    ent_mp_put_nil(&b);
    ent_mp_put_array(&b, ENT_SUPERSEDES_MAX + 1);
    for (i = 0; i <= ENT_SUPERSEDES_MAX; i++) {
        ent_mp_put_bin(&b, ENT_SLICE_OF(ref));
    }
    assert_int_equal(decode(ent_buf_slice(&b), put), ENT_PEER_TOO_BIG);

    put_head(&b, 1); /* an empty list has no form */
    ent_mp_put_array(&b, 3);
    ent_mp_put_uint(&b, 1);
    ent_mp_put_nil(&b);
    ent_mp_put_array(&b, 0);
    assert_int_equal(decode(ent_buf_slice(&b), put), ENT_PEER_MALFORMED);

    put_head(&b, 1); /* an array in an array */
    ent_mp_put_array(&b, 2);
    ent_mp_put_uint(&b, 1);
    ent_mp_put_array(&b, 1);
    ent_mp_put_array(&b, 0);
    assert_int_equal(decode(ent_buf_slice(&b), put), ENT_PEER_MALFORMED);

    put_head(&b, 1); /* one byte more than a text may have */
    ent_mp_put_array(&b, 2);
    ent_mp_put_uint(&b, 1);
    ent_mp_put_bin(&b, ent_slice(big, ENT_TEXT_MAX));
    assert_int_equal(decode(ent_buf_slice(&b), put), ENT_OK);
    put_head(&b, 1);
    ent_mp_put_array(&b, 2);
    ent_mp_put_uint(&b, 1);
    ent_mp_put_bin(&b, ent_slice(big, ENT_TEXT_MAX + 3));
    assert_int_equal(decode(ent_buf_slice(&b), put), ENT_PEER_TOO_BIG);

    put_head(&b, 1); /* a field number of 17 bits */
    ent_mp_put_array(&b, 2);
    ent_mp_put_uint(&b, 65536);
    ent_mp_put_nil(&b);
    assert_int_equal(decode(ent_buf_slice(&b), put), ENT_PEER_MALFORMED);
    ent_buf_release(&b);
    free(big);
    free(put);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_comes_back),
        cmocka_unit_test(prefixes_and_bits_are_survived),
        cmocka_unit_test(refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
