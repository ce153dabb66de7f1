/* Operations as bytes: kept for ever, exact, and refused by name. */
#include "lib/cmocka.h"
#include "lib/golden.h"

#include <entente/control.h>
#include <entente/msgpack.h>

#include <stdlib.h>

static struct ent_id
id_of(uint8_t n)
{
    struct ent_id id;

    memset(id.b, n, sizeof(id.b));
    return id;
}

#define SAMPLES 14u

/* One of each operation, some twice with a field absent. */
static void
make_samples(struct ent_op ops[SAMPLES])
{
    static struct ent_id ballots[2];
    static struct ent_box_ref boxes[2];
    size_t i;

    for (i = 0; i < 2; i++) {
        ballots[i] = id_of((uint8_t)(0x60 + i));
        boxes[i].node = id_of((uint8_t)(0x70 + i));
        boxes[i].box = ent_slice_str(i == 0 ? "box one" : "box two");
    }
    memset(ops, 0, SAMPLES * sizeof(*ops));
    ops[0].type = ENT_OP_GENESIS;
    ops[0].is_critical = true;
    ops[0].u.genesis = (struct ent_op_genesis){
        .kind = ENT_SPACE_CIRCLE,
        .name = ent_slice_str("Cercle de la Thur"),
        .charter = ent_slice_str("Nobody owns it."),
        .card = ent_slice_str("a card"),
    };
    ops[1].type = ENT_OP_GENESIS;
    ops[1].u.genesis.kind = ENT_SPACE_CARE;
    ops[1].u.genesis.circle = id_of(1);
    ops[2].type = ENT_OP_MOTION;
    ops[2].is_critical = true;
    ops[2].u.motion = (struct ent_op_motion){
        .base = id_of(2),
        .action = ENT_ACTION_ADMIT,
        .subject = id_of(3),
        .card = ent_slice_str("their card"),
        .text = ent_slice_str("they ask"),
    };
    ops[3].type = ENT_OP_MOTION;
    ops[3].u.motion.base = id_of(2);
    ops[3].u.motion.action = ENT_ACTION_REFRESH;
    ops[4].type = ENT_OP_BALLOT;
    ops[4].u.ballot.motion = id_of(4);
    ops[5].type = ENT_OP_BALLOT;
    ops[5].u.ballot = (struct ent_op_ballot){
        .motion = id_of(4),
        .has_head = true,
        .head_seq = 300,
        .head_id = id_of(5),
    };
    ops[6].type = ENT_OP_DECISION;
    ops[6].u.decision.motion = id_of(4);
    ops[6].u.decision.ballots = ballots;
    ops[6].u.decision.ballot_count = 2;
    ops[7].type = ENT_OP_EPOCH;
    ops[7].u.epoch.commitment = id_of(6);
    ops[7].u.epoch.config = id_of(7);
    ops[7].u.epoch.boxes = boxes;
    ops[7].u.epoch.box_count = 2;
    ops[8].type = ENT_OP_SHARE;
    ops[8].u.share.epoch = id_of(8);
    ops[8].u.share.node = id_of(9);
    ops[8].u.share.box = ent_slice_str("a box");
    ops[9].type = ENT_OP_GRANT;
    ops[9].u.grant.node = id_of(10);
    ops[9].u.grant.level = ENT_LEVEL_READER;
    ops[9].u.grant.basis = ENT_BASIS_CONSENT;
    ops[10].type = ENT_OP_WITHDRAW;
    ops[10].u.grant.node = id_of(10);
    ops[10].u.grant.decision = id_of(11);
    ops[11].type = ENT_OP_LEAVE;
    ops[12].type = ENT_OP_CARD;
    ops[12].u.card = ent_slice_str("a newer card");
    ops[13].type = ENT_OP_SEEN;
}

static void
encode(const struct ent_op *ops, size_t count, struct ent_buf *out)
{
    size_t i;

    ent_ops_begin(out, ent_slice_str("anne"), count);
    for (i = 0; i < count; i++) {
        ent_op_put(out, &ops[i]);
    }
    assert_false(out->failed);
}

static enum ent_status
decode(struct ent_slice payload)
{
    struct ent_ops ops;
    enum ent_status st = ent_ops_decode(payload, &ops);

    if (st == ENT_OK) {
        ent_ops_release(&ops);
    }
    return st;
}

static void
assert_fields(const struct ent_op *a, const struct ent_op *b)
{
    assert_true(ent_slice_eq(a[0].u.genesis.name, b[0].u.genesis.name));
    assert_true(ent_slice_eq(a[0].u.genesis.charter, b[0].u.genesis.charter));
    assert_true(ent_slice_eq(a[0].u.genesis.card, b[0].u.genesis.card));
    assert_true(ent_id_eq(&a[1].u.genesis.circle, &b[1].u.genesis.circle));
    assert_true(ent_id_eq(&a[2].u.motion.base, &b[2].u.motion.base));
    assert_int_equal(a[2].u.motion.action, b[2].u.motion.action);
    assert_true(ent_id_eq(&a[2].u.motion.subject, &b[2].u.motion.subject));
    assert_true(ent_slice_eq(a[2].u.motion.card, b[2].u.motion.card));
    assert_true(ent_slice_eq(a[2].u.motion.text, b[2].u.motion.text));
    assert_true(ent_id_is_zero(&b[3].u.motion.subject));
    assert_false(b[4].u.ballot.has_head);
    assert_true(b[5].u.ballot.has_head);
    assert_int_equal(b[5].u.ballot.head_seq, 300);
    assert_int_equal(b[6].u.decision.ballot_count, 2);
    assert_true(
        ent_id_eq(&a[6].u.decision.ballots[1], &b[6].u.decision.ballots[1]));
    assert_int_equal(b[7].u.epoch.box_count, 2);
    assert_true(
        ent_slice_eq(a[7].u.epoch.boxes[1].box, b[7].u.epoch.boxes[1].box));
    assert_true(ent_slice_eq(a[8].u.share.box, b[8].u.share.box));
    assert_int_equal(a[9].u.grant.basis, b[9].u.grant.basis);
    assert_int_equal(b[10].u.grant.level, ENT_LEVEL_NONE);
    assert_true(ent_id_eq(&a[10].u.grant.decision, &b[10].u.grant.decision));
    assert_true(ent_slice_eq(a[12].u.card, b[12].u.card));
}

static void
what_is_encoded_comes_back(void **state)
{
    struct ent_op in[SAMPLES];
    struct ent_buf out = {0};
    struct ent_ops ops;
    size_t i;

    (void)state;
    make_samples(in);
    encode(in, SAMPLES, &out);
    test_golden("control/all-operations", ent_buf_slice(&out));
    assert_int_equal(ent_ops_decode(ent_buf_slice(&out), &ops), ENT_OK);
    assert_int_equal(ops.types_version, ENT_TYPES_VERSION);
    assert_true(ent_slice_eq(ops.person, ent_slice_str("anne")));
    assert_int_equal(ops.count, SAMPLES);
    for (i = 0; i < SAMPLES; i++) {
        assert_int_equal(ops.ops[i].type, in[i].type);
        assert_int_equal(ops.ops[i].is_critical, in[i].is_critical);
        assert_true(ops.ops[i].is_known);
    }
    assert_fields(in, ops.ops);
    ent_ops_release(&ops);
    ent_ops_release(&ops); /* an empty list may be released */
    ent_buf_release(&out);
}

/* Decoding what was decoded gives the same bytes: one form only. */
static void
raw_is_the_operation_as_it_stands(void **state)
{
    struct ent_op in[SAMPLES];
    struct ent_buf out = {0};
    struct ent_ops ops;
    size_t i;

    (void)state;
    make_samples(in);
    encode(in, SAMPLES, &out);
    assert_int_equal(ent_ops_decode(ent_buf_slice(&out), &ops), ENT_OK);
    for (i = 0; i < ops.count; i++) {
        struct ent_buf one = {0};

        ent_op_put(&one, &ops.ops[i]);
        assert_true(ent_slice_eq(ent_buf_slice(&one), ops.ops[i].raw));
        ent_buf_release(&one);
    }
    ent_ops_release(&ops);
    ent_buf_release(&out);
}

static void
every_prefix_is_refused(void **state)
{
    struct ent_op in[SAMPLES];
    struct ent_buf out = {0};
    size_t len;

    (void)state;
    make_samples(in);
    encode(in, SAMPLES, &out);
    for (len = 0; len < out.len; len++) {
        uint8_t *copy = ent_alloc(len);

        memcpy(copy, out.p, len);
        assert_int_not_equal(decode(ent_slice(copy, len)), ENT_OK);
        free(copy);
    }
    ent_buf_put_u8(&out, 0xc0);
    assert_int_not_equal(decode(ent_buf_slice(&out)), ENT_OK);
    ent_buf_release(&out);
}

/* A flipped bit is refused, or means something else; it never crashes. */
static void
flipped_bits_are_survived(void **state)
{
    struct ent_op in[SAMPLES];
    struct ent_buf out = {0};
    size_t bit;

    (void)state;
    make_samples(in);
    encode(in, SAMPLES, &out);
    for (bit = 0; bit < 8 * out.len; bit++) {
        out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)decode(ent_buf_slice(&out));
        out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(decode(ent_buf_slice(&out)), ENT_OK);
    ent_buf_release(&out);
}

static void
unknown_operations_are_kept(void **state)
{
    struct ent_buf out = {0};
    struct ent_ops ops;

    (void)state;
    ent_ops_begin(&out, ent_slice(NULL, 0), 3);
    ent_mp_put_array(&out, 3); /* neither known nor critical */
    ent_mp_put_uint(&out, 500u << 1);
    ent_mp_put_array(&out, 0);
    ent_mp_put_cstr(&out, "later");
    ent_mp_put_array(&out, 1); /* critical */
    ent_mp_put_uint(&out, 501u << 1 | 1);
    ent_mp_put_array(&out, 2); /* content, read by record.h */
    ent_mp_put_uint(&out, ENT_OP_PUT << 1);
    ent_mp_put_nil(&out);
    assert_int_equal(ent_ops_decode(ent_buf_slice(&out), &ops), ENT_OK);
    assert_int_equal(ops.person.len, 0);
    assert_int_equal(ops.ops[0].type, 500);
    assert_false(ops.ops[0].is_known || ops.ops[0].is_critical);
    assert_int_equal(ops.ops[0].raw.len, 1 + 3 + 1 + 6);
    assert_true(!ops.ops[1].is_known && ops.ops[1].is_critical);
    assert_int_equal(ops.ops[2].type, ENT_OP_PUT);
    assert_true(ops.ops[2].is_known);
    ent_ops_release(&ops);
    ent_buf_release(&out);
}

/* A payload with one operation whose fields `put` appends. */
static enum ent_status
decode_one(uint64_t head, size_t elements, void (*put)(struct ent_buf *))
{
    struct ent_buf out = {0};
    enum ent_status st;

    ent_ops_begin(&out, ent_slice(NULL, 0), 1);
    ent_mp_put_array(&out, elements);
    if (elements > 0) {
        ent_mp_put_uint(&out, head);
    }
    if (put != NULL) {
        put(&out);
    }
    st = decode(ent_buf_slice(&out));
    ent_buf_release(&out);
    return st;
}

static void
put_nil(struct ent_buf *b)
{
    ent_mp_put_nil(b);
}

static void
put_descending_boxes(struct ent_buf *b)
{
    uint8_t n;

    ent_mp_put_bin(b, ENT_SLICE_OF((struct ent_id){{0}}));
    ent_mp_put_bin(b, ENT_SLICE_OF((struct ent_id){{0}}));
    ent_mp_put_array(b, 2);
    for (n = 2; n > 0; n--) {
        struct ent_id node = id_of(n);

        ent_mp_put_array(b, 2);
        ent_mp_put_bin(b, ENT_SLICE_OF(node));
        ent_mp_put_bin(b, ent_slice_str("x"));
    }
}

static void
put_too_many_ballots(struct ent_buf *b)
{
    size_t i;

    ent_mp_put_bin(b, ENT_SLICE_OF((struct ent_id){{0}}));
    ent_mp_put_array(b, ENT_STRUCTURES_MAX + 1);
    for (i = 0; i <= ENT_STRUCTURES_MAX; i++) {
        ent_mp_put_nil(b);
    }
}

static void
put_zero_decision(struct ent_buf *b)
{
    struct ent_id node = id_of(1);

    ent_mp_put_bin(b, ENT_SLICE_OF(node));
    ent_mp_put_bin(b, ENT_SLICE_OF((struct ent_id){{0}}));
}

static void
put_long_name(struct ent_buf *b)
{
    char name[ENT_NAME_MAX + 1];

    memset(name, 'a', sizeof(name));
    ent_mp_put_uint(b, ENT_SPACE_CIRCLE);
    ent_mp_put_nil(b);
    ent_mp_put_str(b, ent_slice(name, sizeof(name)));
    ent_mp_put_cstr(b, "");
    ent_mp_put_nil(b);
}

static void
wrong_operations_are_refused_by_name(void **state)
{
    (void)state;
    assert_int_equal(decode_one(0, 0, NULL), ENT_PEER_MALFORMED);
    assert_int_equal(decode_one(0x20000, 1, NULL), ENT_PEER_MALFORMED);
    assert_int_equal(decode_one(ENT_OP_LEAVE << 1, 1, NULL), ENT_OK);
    assert_int_equal(decode_one(ENT_OP_LEAVE << 1, 2, put_nil),
                     ENT_PEER_MALFORMED);
    assert_int_equal(decode_one(ENT_OP_CARD << 1, 2, put_nil),
                     ENT_PEER_MALFORMED);
    assert_int_equal(decode_one(ENT_OP_EPOCH << 1, 4, put_descending_boxes),
                     ENT_PEER_MALFORMED);
    assert_int_equal(decode_one(ENT_OP_DECISION << 1, 3, put_too_many_ballots),
                     ENT_PEER_TOO_BIG);
    assert_int_equal(decode_one(ENT_OP_WITHDRAW << 1, 3, put_zero_decision),
                     ENT_PEER_MALFORMED);
    assert_int_equal(decode_one(ENT_OP_GENESIS << 1, 6, put_long_name),
                     ENT_PEER_TOO_BIG);
}

static void
payloads_have_limits(void **state)
{
    struct ent_buf out = {0};
    size_t i;

    (void)state;
    ent_mp_put_array(&out, 3);
    ent_mp_put_uint(&out, 1);
    ent_mp_put_nil(&out);
    ent_mp_put_array(&out, ENT_OPS_MAX + 1);
    for (i = 0; i <= ENT_OPS_MAX; i++) {
        ent_mp_put_array(&out, 1);
        ent_mp_put_uint(&out, ENT_OP_SEEN << 1);
    }
    assert_int_equal(decode(ent_buf_slice(&out)), ENT_PEER_TOO_BIG);
    ent_buf_clear(&out);
    assert_non_null(ent_buf_grow(&out, ENT_PAYLOAD_MAX + 1));
    memset(out.p, 0xc0, out.len);
    assert_int_equal(decode(ent_buf_slice(&out)), ENT_PEER_TOO_BIG);
    ent_buf_release(&out);
}

static void
what_a_reader_would_refuse_is_not_written(void **state)
{
    struct ent_op op = {.type = ENT_OP_MOTION};
    struct ent_buf out = {0};
    char *text = ent_alloc(ENT_TEXT_MAX + 1);

    (void)state;
    memset(text, 'x', ENT_TEXT_MAX + 1);
    op.u.motion.text = ent_slice(text, ENT_TEXT_MAX + 1);
    ent_op_put(&out, &op);
    assert_true(out.failed);
    ent_buf_clear(&out);
    op.u.motion.text = ent_slice_str("\xff");
    ent_op_put(&out, &op);
    assert_true(out.failed);
    ent_buf_clear(&out);
    op.u.motion.text = ent_slice(text, ENT_TEXT_MAX);
    ent_op_put(&out, &op);
    assert_false(out.failed);
    free(text);
    ent_buf_release(&out);
}

static void
names_go_both_ways(void **state)
{
    unsigned i;

    (void)state;
    for (i = ENT_SECTOR_PRIVATE; i <= ENT_SECTOR_OTHER; i++) {
        assert_int_equal(ent_sector_find(ent_sector_name(i)), i);
    }
    for (i = ENT_BASIS_SAME_TEAM; i <= ENT_BASIS_MODERATOR; i++) {
        assert_int_equal(ent_basis_find(ent_basis_name(i)), i);
    }
    assert_string_equal(ent_action_name(ENT_ACTION_REMOVE), "remove");
    assert_null(ent_action_name(0));
    assert_null(ent_action_name(99));
    assert_null(ent_sector_name(0));
    assert_null(ent_basis_name(ENT_BASIS_NONE));
    assert_int_equal(ent_sector_find("harbour"), 0);
    assert_int_equal(ent_basis_find(""), ENT_BASIS_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_comes_back),
        cmocka_unit_test(raw_is_the_operation_as_it_stands),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(flipped_bits_are_survived),
        cmocka_unit_test(unknown_operations_are_kept),
        cmocka_unit_test(wrong_operations_are_refused_by_name),
        cmocka_unit_test(payloads_have_limits),
        cmocka_unit_test(what_a_reader_would_refuse_is_not_written),
        cmocka_unit_test(names_go_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
