/* Sealed answers: nobody can peek before, nor change one afterwards. */
#include "lib/cmocka.h"
#include "lib/golden.h"

#include <entente/record.h>

struct sample {
    struct ent_key key;
    struct ent_rng rng;
    struct ent_buf box;
    struct ent_slice context;
    struct ent_sealed_answer sealed;
};

static void
sample_init(struct sample *s, const char *answers)
{
    memset(s, 0, sizeof(*s));
    memset(s->key.b, 0x2a, sizeof(s->key.b));
    ent_rng_init(&s->rng, &s->key);
    s->context = ent_slice_str("situation 1, structure 2");
    ent_answer_seal(&s->key, &s->rng, s->context, ent_slice_str(answers),
                    &s->box, &s->sealed);
}

static enum ent_status
open_sealed(const struct sample *s, struct ent_buf *out)
{
    return ent_answer_open(&s->sealed, &s->key, s->context, out);
}

static void
answers_come_back(void **state)
{
    struct sample s;
    struct ent_buf out = {0};

    (void)state;
    sample_init(&s, "we would call her");
    test_golden("control/answer-commitment", ENT_SLICE_OF(s.sealed.commitment));
    test_golden("control/answer-key-commitment",
                ENT_SLICE_OF(s.sealed.key_commitment));
    test_golden("control/answer-box", s.sealed.box);
    assert_int_equal(open_sealed(&s, &out), ENT_OK);
    assert_true(
        ent_slice_eq(ent_buf_slice(&out), ent_slice_str("we would call her")));
    ent_buf_release(&out);
    ent_buf_release(&s.box);
}

/* Neither length nor commitment tells whether two answers are alike. */
static void
equal_answers_look_different_and_short_ones_alike(void **state)
{
    struct sample a;
    struct sample b;
    struct sample c;
    struct ent_sealed_answer again;
    size_t len;

    (void)state;
    sample_init(&a, "yes");
    sample_init(&b, "yes");
    sample_init(&c, "no, and for many reasons that take more than a line");
    assert_true(ent_id_eq(&a.sealed.commitment, &b.sealed.commitment));
    len = b.box.len;
    ent_answer_seal(&b.key, &b.rng, b.context, ent_slice_str("yes"), &b.box,
                    &again);
    assert_false(ent_id_eq(&a.sealed.commitment, &again.commitment));
    assert_int_equal(again.box.len, len);
    assert_int_equal(a.sealed.box.len, c.sealed.box.len);
    ent_buf_release(&a.box);
    ent_buf_release(&b.box);
    ent_buf_release(&c.box);
}

static void
another_key_or_answer_is_named(void **state)
{
    struct sample s;
    struct ent_buf out = {0};

    (void)state;
    sample_init(&s, "yes");
    s.key.b[0] ^= 1;
    assert_int_equal(open_sealed(&s, &out), ENT_PEER_COMMITMENT);
    s.key.b[0] ^= 1;
    s.sealed.commitment.b[31] ^= 1;
    assert_int_equal(open_sealed(&s, &out), ENT_PEER_COMMITMENT);
    s.sealed.commitment.b[31] ^= 1;
    s.context.len--;
    assert_int_equal(open_sealed(&s, &out), ENT_PEER_DECRYPT);
    s.context.len++;
    s.box.p[100] ^= 1;
    assert_int_equal(open_sealed(&s, &out), ENT_PEER_DECRYPT);
    s.box.p[100] ^= 1;
    s.sealed.box.len = 10;
    assert_int_equal(open_sealed(&s, &out), ENT_PEER_DECRYPT);
    assert_int_equal(out.len, 0);
    ent_buf_release(&s.box);
}

/* Sealed by other software: no padding of ours, or too short to hold the
 * random part. */
static void
foreign_plaintexts_are_refused(void **state)
{
    static uint8_t plain[1024];
    struct sample s;
    struct ent_buf out = {0};

    (void)state;
    sample_init(&s, "yes");
    ent_buf_clear(&s.box);
    ent_seal(&s.key, &s.rng, s.context, ENT_SLICE_OF(plain), &s.box);
    s.sealed.box = ent_buf_slice(&s.box);
    assert_int_equal(open_sealed(&s, &out), ENT_PEER_COMMITMENT);
    plain[5] = 0x80;
    ent_buf_clear(&s.box);
    ent_seal(&s.key, &s.rng, s.context, ENT_SLICE_OF(plain), &s.box);
    s.sealed.box = ent_buf_slice(&s.box);
    assert_int_equal(open_sealed(&s, &out), ENT_PEER_COMMITMENT);
    ent_buf_release(&s.box);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_back),
        cmocka_unit_test(equal_answers_look_different_and_short_ones_alike),
        cmocka_unit_test(another_key_or_answer_is_named),
        cmocka_unit_test(foreign_plaintexts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
