/* Runs: one signature for many entries, and nothing of it can change. */
#include "lib/cmocka.h"
#include "lib/golden.h"
#include "unit/log/chain.h"

#include <entente/msgpack.h>

static void
encode(const struct chain *c, size_t from, size_t to, struct ent_buf *out)
{
    struct ent_sig sig;

    ent_entry_sign(&c->secret, &c->entries[to - 1].id, &sig);
    assert_int_equal(ent_run_encode(c->entries + from, to - from, &sig, out),
                     ENT_OK);
}

static enum ent_status
verify(const uint8_t *p, size_t len)
{
    enum ent_status st = ENT_OK;
    struct ent_run *run = ent_run_verify(ent_slice(p, len), &st);

    assert_true((run != NULL) == (st == ENT_OK));
    ent_run_free(run);
    return st;
}

static void
assert_same(const struct ent_entry *a, const struct ent_entry *b)
{
    assert_true(ent_id_eq(&a->id, &b->id));
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->hlc, b->hlc);
    assert_int_equal(a->has_payload, b->has_payload);
    assert_true(ent_slice_eq(a->payload, b->payload));
    assert_int_equal(a->payload_len, b->payload_len);
    assert_true(ent_id_eq(ent_entry_space_id(a), ent_entry_space_id(b)));
}

static void
what_is_encoded_comes_back(void **state)
{
    static const size_t bounds[][2] = {{0, 1}, {0, 40}, {3, 4}, {17, 40}};
    struct chain c;
    size_t i;

    (void)state;
    chain_init(&c, 40);
    for (i = 0; i < 4; i++) {
        struct ent_buf out = {0};
        enum ent_status st;
        struct ent_run *run;
        size_t from = bounds[i][0];
        size_t k;

        encode(&c, from, bounds[i][1], &out);
        run = ent_run_verify(ent_buf_slice(&out), &st);
        assert_non_null(run);
        assert_int_equal(st, ENT_OK);
        assert_int_equal(run->count, bounds[i][1] - from);
        assert_int_equal(run->encoded_len, out.len);
        assert_true(ent_id_eq(&run->log.space, &c.space));
        assert_true(ent_id_eq(&run->log.node, &c.node));
        assert_int_equal(run->log.inc, c.entries[0].inc);
        for (k = 0; k < run->count; k++) {
            assert_same(&run->entries[k], &c.entries[from + k]);
        }
        ent_run_free(run);
        ent_buf_release(&out);
    }
    chain_release(&c);
}

static void
bytes_are_kept(void **state)
{
    struct chain c;
    struct ent_buf out = {0};

    (void)state;
    chain_init(&c, 8);
    encode(&c, 0, 8, &out);
    test_golden("run/genesis-8", ent_buf_slice(&out));
    ent_buf_clear(&out);
    c.entries[5].has_payload = false;
    encode(&c, 2, 7, &out);
    test_golden("run/middle-erased", ent_buf_slice(&out));
    ent_buf_release(&out);
    chain_release(&c);
}

static void
every_flipped_bit_is_refused(void **state)
{
    struct chain c;
    struct ent_buf out = {0};
    size_t bit;

    (void)state;
    chain_init(&c, 6);
    c.entries[5].has_payload = false;
    encode(&c, 0, 6, &out);
    assert_int_equal(verify(out.p, out.len), ENT_OK);
    for (bit = 0; bit < 8 * out.len; bit++) {
        out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(verify(out.p, out.len), ENT_OK);
        out.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(verify(out.p, out.len), ENT_OK);
    ent_buf_release(&out);
    chain_release(&c);
}

static void
every_prefix_and_a_tail_are_refused(void **state)
{
    struct chain c;
    struct ent_buf out = {0};
    size_t len;

    (void)state;
    chain_init(&c, 5);
    encode(&c, 1, 5, &out);
    for (len = 0; len < out.len; len++) {
        uint8_t *copy = ent_alloc(len); /* of that size, for the sanitizer */

        memcpy(copy, out.p, len);
        assert_int_not_equal(verify(copy, len), ENT_OK);
        free(copy);
    }
    ent_buf_put_u8(&out, 0);
    assert_int_not_equal(verify(out.p, out.len), ENT_OK);
    ent_buf_release(&out);
    chain_release(&c);
}

static void
erased_payloads_leave_the_ids(void **state)
{
    struct chain c;
    struct ent_buf out = {0};
    enum ent_status st;
    struct ent_run *run;

    (void)state;
    chain_init(&c, 8);
    c.entries[5].has_payload = false;
    c.entries[6].has_payload = false;
    encode(&c, 0, 8, &out);
    run = ent_run_verify(ent_buf_slice(&out), &st);
    assert_non_null(run);
    assert_false(run->entries[5].has_payload);
    assert_int_equal(run->entries[5].payload.len, 0);
    assert_int_equal(run->entries[5].payload_len, c.entries[5].payload_len);
    assert_true(ent_id_eq(&run->entries[7].id, &c.entries[7].id));
    ent_run_free(run);
    ent_buf_release(&out);
    chain_release(&c);
}

static void
control_is_never_erased(void **state)
{
    struct chain c;
    struct ent_buf out = {0};

    (void)state;
    chain_init(&c, 6);
    c.entries[4].has_payload = false; /* open control */
    encode(&c, 3, 6, &out);
    assert_int_equal(verify(out.p, out.len), ENT_PEER_MALFORMED);
    ent_buf_release(&out);
    chain_release(&c);
}

/* Runs written by hand, to be wrong in one place. */
struct hand {
    const struct ent_id *space;
    const struct ent_id *genesis;
    const struct ent_id *prev;
    uint64_t seq;
    size_t epochs; /* in the table, each once more than needed */
    const struct ent_entry *entries;
    size_t count;
    const size_t *order;
    const size_t *places; /* of each entry's epoch; NULL: 1, 0 for control */
};

static void
hand_entry(struct ent_buf *b, const struct ent_entry *e, uint64_t delta,
           size_t place)
{
    ent_mp_put_array(b, 4);
    ent_mp_put_uint(b, (uint64_t)e->flags << 2 | e->class);
    ent_mp_put_uint(b, delta);
    ent_mp_put_uint(b, place);
    ent_mp_put_bin(b, e->payload);
}

static enum ent_status
hand_verify(const struct chain *c, const struct hand *h)
{
    struct ent_buf b = {0};
    uint64_t hlc = h->entries[h->order[0]].hlc;
    enum ent_status st;
    size_t i;

    ent_mp_put_array(&b, 10);
    ent_mp_put_bin(&b, ENT_SLICE_OF(*h->space));
    ent_mp_put_bin(&b, ENT_SLICE_OF(c->node));
    ent_mp_put_uint(&b, c->entries[0].inc);
    ent_mp_put_uint(&b, h->seq);
    if (h->prev != NULL) {
        ent_mp_put_bin(&b, ENT_SLICE_OF(*h->prev));
    } else {
        ent_mp_put_nil(&b);
    }
    if (h->genesis != NULL) {
        ent_mp_put_bin(&b, ENT_SLICE_OF(*h->genesis));
    } else {
        ent_mp_put_nil(&b);
    }
    ent_mp_put_array(&b, h->epochs);
    for (i = 0; i < h->epochs; i++) {
        ent_mp_put_bin(&b, ENT_SLICE_OF(h->entries[h->order[0]].epoch));
    }
    ent_mp_put_uint(&b, hlc);
    ent_mp_put_array(&b, h->count);
    for (i = 0; i < h->count; i++) {
        const struct ent_entry *e = &h->entries[h->order[i]];
        int64_t delta = (int64_t)(e->hlc - hlc);
        size_t place = e->class == ENT_CLASS_CONTROL ? 0 : 1;

        hand_entry(&b, e, (uint64_t)(delta * 2) ^ (uint64_t)(delta >> 63),
                   h->places != NULL ? h->places[i] : place);
        hlc = e->hlc;
    }
    ent_mp_put_bin(&b, ENT_SLICE_OF(c->sig));
    st = verify(b.p, b.len);
    ent_buf_release(&b);
    return st;
}

static void
wrong_in_one_place(void **state)
{
    static const size_t order[] = {0, 1, 1, 0};
    struct chain c;
    struct ent_id other = chain_id(0x55);
    struct hand ok;
    struct hand h;

    (void)state;
    chain_init(&c, 3);
    ok = (struct hand){.space = &c.space,
                       .prev = &c.entries[0].id,
                       .seq = 1,
                       .epochs = 1,
                       .entries = c.entries + 1,
                       .count = 2,
                       .order = order};
    /* Both entries under one epoch, as hand_entry() writes it. */
    c.entries[2].epoch = c.entries[1].epoch;
    ent_entry_finish(&c.entries[2]);
    ent_entry_sign(&c.secret, &c.entries[2].id, &c.sig);
    assert_int_equal(hand_verify(&c, &ok), ENT_OK);
    h = ok;
    h.order = order + 2; /* the wrong way round */
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_SIG);
    h = ok;
    h.epochs = 2; /* one that nothing uses */
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    h = ok;
    h.epochs = 0;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    h = ok;
    h.prev = &other;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_SIG);
    h = ok;
    h.prev = NULL;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    h = ok;
    h.seq = 0;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    h = ok;
    h.seq = 2; /* a gap */
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_SIG);
    h = ok;
    h.space = &other;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_SIG);
    h = ok;
    h.genesis = &other;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    h = ok;
    h.count = 1;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_SIG);
    h = ok;
    h.seq = UINT64_MAX; /* the second would be 0 again */
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_CHAIN);
    chain_release(&c);
}

/* Signatures do not cover the table of epochs: a second way to write a run
 * could be made by anybody who carries it. */
static void
the_table_of_epochs_has_one_form(void **state)
{
    static const size_t order[] = {0, 1};
    static const size_t each_its_own[] = {1, 2};
    static const size_t one[] = {1};
    struct chain c;
    struct hand h;

    (void)state;
    chain_init(&c, 3);
    c.entries[2].epoch = c.entries[1].epoch;
    ent_entry_finish(&c.entries[2]);
    ent_entry_sign(&c.secret, &c.entries[2].id, &c.sig);
    h = (struct hand){.space = &c.space,
                      .prev = &c.entries[0].id,
                      .seq = 1,
                      .epochs = 2,
                      .entries = c.entries + 1,
                      .count = 2,
                      .order = order,
                      .places = each_its_own};
    /* The same epoch twice, both used. */
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    chain_release(&c);

    /* None, written as an epoch of zeros. */
    chain_init(&c, 1);
    h = (struct hand){.space = &c.space,
                      .genesis = &c.entries[0].space,
                      .entries = c.entries,
                      .count = 1,
                      .order = order};
    assert_int_equal(hand_verify(&c, &h), ENT_OK);
    h.epochs = 1;
    h.places = one;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    chain_release(&c);
}

static void
a_space_cannot_be_claimed(void **state)
{
    static const size_t order[] = {0};
    struct chain c;
    struct ent_id other = chain_id(0x55);
    struct hand h;

    (void)state;
    chain_init(&c, 1);
    h = (struct hand){.space = &c.space,
                      .genesis = &c.entries[0].space,
                      .entries = c.entries,
                      .count = 1,
                      .order = order};
    assert_int_equal(hand_verify(&c, &h), ENT_OK);
    h.space = &other;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_CHAIN);
    h.space = &c.space;
    h.genesis = &other;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_BAD_CHAIN);
    h.genesis = NULL;
    assert_int_equal(hand_verify(&c, &h), ENT_PEER_MALFORMED);
    chain_release(&c);
}

static void
another_signer_is_refused(void **state)
{
    struct chain c;
    struct ent_buf out = {0};
    struct ent_sig sig;
    struct ent_key other = {{3}};

    (void)state;
    chain_init(&c, 3);
    ent_entry_sign(&other, &c.entries[2].id, &sig);
    assert_int_equal(ent_run_encode(c.entries, 3, &sig, &out), ENT_OK);
    assert_int_equal(verify(out.p, out.len), ENT_PEER_BAD_SIG);
    ent_buf_release(&out);
    chain_release(&c);
}

static void
runs_have_limits(void **state)
{
    struct chain c;
    struct ent_buf out = {0};
    struct ent_buf small = {.max = 100};
    uint8_t *big = ent_alloc_zero(1, ENT_RUN_BYTES_MAX + 1);
    enum ent_status st;
    struct ent_run *run;

    (void)state;
    chain_init(&c, ENT_RUN_ENTRIES_MAX + 1);
    assert_int_equal(
        ent_run_encode(c.entries, ENT_RUN_ENTRIES_MAX + 1, &c.sig, &out),
        ENT_PEER_TOO_BIG);
    assert_int_equal(out.len, 0);
    assert_int_equal(ent_run_encode(c.entries, 3, &c.sig, &small),
                     ENT_PEER_TOO_BIG);
    encode(&c, 1, ENT_RUN_ENTRIES_MAX + 1, &out);
    run = ent_run_verify(ent_buf_slice(&out), &st);
    assert_non_null(run);
    assert_int_equal(run->count, ENT_RUN_ENTRIES_MAX);
    ent_run_free(run);
    assert_int_equal(verify(big, ENT_RUN_BYTES_MAX + 1), ENT_PEER_TOO_BIG);
    free(big);
    ent_buf_release(&out);
    ent_buf_release(&small);
    chain_release(&c);
}

static void
too_many_entries_are_too_big(void **state)
{
    struct ent_buf b = {0};
    struct ent_id id = {{0}};
    size_t i;

    (void)state;
    ent_mp_put_array(&b, 10);
    ent_mp_put_bin(&b, ENT_SLICE_OF(id));
    ent_mp_put_bin(&b, ENT_SLICE_OF(id));
    for (i = 0; i < 2; i++) {
        ent_mp_put_uint(&b, 0);
    }
    ent_mp_put_nil(&b);
    ent_mp_put_nil(&b);
    ent_mp_put_array(&b, 0);
    ent_mp_put_uint(&b, 0);
    ent_mp_put_array(&b, ENT_RUN_ENTRIES_MAX + 1);
    for (i = 0; i <= ENT_RUN_ENTRIES_MAX; i++) {
        ent_mp_put_nil(&b);
    }
    ent_mp_put_nil(&b);
    assert_int_equal(verify(b.p, b.len), ENT_PEER_TOO_BIG);
    ent_buf_release(&b);
}

/* docs/protocol.md 3.3: at most 15 bytes an entry beside its payload, even
 * when the clock jumped and the payload is of the longest kind. */
static void
an_entry_costs_at_most_15_bytes(void **state)
{
    struct chain c;
    struct ent_buf one = {0};
    struct ent_buf two = {0};
    uint8_t *payload = ent_alloc_zero(1, ENT_PAYLOAD_MAX);

    (void)state;
    chain_init(&c, 3);
    c.entries[2].payload = ent_slice(payload, ENT_PAYLOAD_MAX);
    c.entries[2].hlc = UINT64_MAX / 2;
    c.entries[2].epoch = c.entries[1].epoch;
    ent_entry_finish(&c.entries[2]);
    encode(&c, 1, 2, &one);
    encode(&c, 1, 3, &two);
    assert_in_range(two.len - one.len - ENT_PAYLOAD_MAX, 1, 15);
    assert_int_equal(verify(two.p, two.len), ENT_OK);
    ent_buf_release(&one);
    ent_buf_release(&two);
    free(payload);
    chain_release(&c);
}

/* Noise in the bytes is refused or verified, and never read past its end. */
static void
noise_is_survived(void **state)
{
    struct chain c;
    struct ent_buf out = {0};
    struct ent_rng rng;
    struct ent_key seed = {{7}};
    size_t round;

    (void)state;
    chain_init(&c, 6);
    encode(&c, 0, 6, &out);
    ent_rng_init(&rng, &seed);
    for (round = 0; round < 3000; round++) {
        uint8_t *copy = ent_alloc(out.len);
        uint8_t at[12];
        size_t i;

        memcpy(copy, out.p, out.len);
        ent_rng_fill(&rng, at, sizeof(at));
        for (i = 0; i < sizeof(at); i += 3) {
            copy[ent_get_u16(at + i) % out.len] ^= at[i + 2] | 1;
        }
        (void)verify(copy, out.len);
        free(copy);
    }
    ent_buf_release(&out);
    chain_release(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_comes_back),
        cmocka_unit_test(bytes_are_kept),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_prefix_and_a_tail_are_refused),
        cmocka_unit_test(erased_payloads_leave_the_ids),
        cmocka_unit_test(control_is_never_erased),
        cmocka_unit_test(wrong_in_one_place),
        cmocka_unit_test(the_table_of_epochs_has_one_form),
        cmocka_unit_test(a_space_cannot_be_claimed),
        cmocka_unit_test(another_signer_is_refused),
        cmocka_unit_test(runs_have_limits),
        cmocka_unit_test(too_many_entries_are_too_big),
        cmocka_unit_test(an_entry_costs_at_most_15_bytes),
        cmocka_unit_test(noise_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
