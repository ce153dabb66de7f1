/* Key epochs: their id commits to everything, their boxes to their id. */
#include "lib/cmocka.h"
#include "lib/golden.h"

#include <entente/control.h>

static struct ent_id
id_of(uint8_t n)
{
    struct ent_id id;

    memset(id.b, n, sizeof(id.b));
    return id;
}

struct sample {
    struct ent_logkey log;
    struct ent_op_epoch op;
    struct ent_box_ref boxes[2];
    struct ent_key key;
    struct ent_id id;
};

static void
sample_init(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    memset(s->key.b, 0x6b, sizeof(s->key.b));
    s->log = (struct ent_logkey){id_of(1), id_of(2), 3};
    s->boxes[0].node = id_of(2);
    s->boxes[1].node = id_of(9);
    s->op.config = id_of(4);
    s->op.boxes = s->boxes;
    s->op.box_count = 2;
    ent_epoch_commit(&s->key, &s->op.commitment);
    ent_epoch_id(&s->log, &s->op, &s->id);
}

static void
ids_are_kept(void **state)
{
    struct sample s;
    struct ent_key psk;

    (void)state;
    sample_init(&s);
    test_golden("control/epoch-commitment", ENT_SLICE_OF(s.op.commitment));
    test_golden("control/epoch-id", ENT_SLICE_OF(s.id));
    ent_epoch_psk(&s.key, &psk);
    test_golden("control/epoch-psk", ENT_SLICE_OF(psk));
}

static void
everything_is_in_the_id(void **state)
{
    struct sample s;
    struct ent_id first;

    (void)state;
    sample_init(&s);
    first = s.id;
#define DIFFERS(change)                                                        \
    do {                                                                       \
        sample_init(&s);                                                       \
        change;                                                                \
        ent_epoch_id(&s.log, &s.op, &s.id);                                    \
        assert_false(ent_id_eq(&first, &s.id));                                \
    } while (0)
    DIFFERS(s.log.space.b[0] ^= 1);
    DIFFERS(s.log.node.b[0] ^= 1);
    DIFFERS(s.log.inc ^= 1);
    DIFFERS(s.op.commitment.b[0] ^= 1);
    DIFFERS(s.op.config.b[0] ^= 1);
    DIFFERS(s.boxes[1].node.b[31] ^= 1);
    DIFFERS(s.op.box_count = 1);
#undef DIFFERS
}

static void
boxes_open_for_their_node_and_epoch_only(void **state)
{
    struct sample s;
    struct ent_key secret = {{7}};
    struct ent_key other = {{8}};
    struct ent_key pk;
    struct ent_key got = {{0}};
    struct ent_rng rng;
    struct ent_buf box = {0};
    struct ent_id wrong = id_of(0x99);

    (void)state;
    sample_init(&s);
    ent_rng_init(&rng, &secret);
    ent_dh_public(&secret, &pk);
    ent_epoch_box(&pk, &rng, &s.key, &s.id, &box);
    assert_int_equal(box.len, 64 + ENT_BOX_OVERHEAD);
    assert_int_equal(ent_epoch_unbox(&secret, ent_buf_slice(&box), &s.id,
                                     &s.op.commitment, &got),
                     ENT_OK);
    assert_memory_equal(&got, &s.key, ENT_KEY_LEN);
    assert_int_equal(
        ent_epoch_unbox(&secret, ent_buf_slice(&box), &s.id, NULL, &got),
        ENT_OK);
    assert_int_equal(ent_epoch_unbox(&other, ent_buf_slice(&box), &s.id,
                                     &s.op.commitment, &got),
                     ENT_PEER_DECRYPT);
    assert_int_equal(ent_epoch_unbox(&secret, ent_buf_slice(&box), &wrong,
                                     &s.op.commitment, &got),
                     ENT_PEER_COMMITMENT);
    assert_int_equal(
        ent_epoch_unbox(&secret, ent_buf_slice(&box), &s.id, &wrong, &got),
        ENT_PEER_COMMITMENT);
    box.p[70] ^= 1;
    assert_int_equal(ent_epoch_unbox(&secret, ent_buf_slice(&box), &s.id,
                                     &s.op.commitment, &got),
                     ENT_PEER_DECRYPT);
    ent_buf_release(&box);
}

/* A box with a key and nothing else. */
static void
short_boxes_are_refused(void **state)
{
    struct sample s;
    struct ent_key secret = {{7}};
    struct ent_key pk;
    struct ent_key got;
    struct ent_rng rng;
    struct ent_buf box = {0};

    (void)state;
    sample_init(&s);
    ent_rng_init(&rng, &secret);
    ent_dh_public(&secret, &pk);
    ent_box(&pk, &rng, ent_slice_str("entente/epoch-box/1"),
            ENT_SLICE_OF(s.key), &box);
    assert_int_equal(
        ent_epoch_unbox(&secret, ent_buf_slice(&box), &s.id, NULL, &got),
        ENT_PEER_COMMITMENT);
    ent_buf_release(&box);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_kept),
        cmocka_unit_test(everything_is_in_the_id),
        cmocka_unit_test(boxes_open_for_their_node_and_epoch_only),
        cmocka_unit_test(short_boxes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
