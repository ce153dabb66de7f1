/* Attacks on the link: every flipped bit and every prefix of both handshakes
 * and of a record each way, flights in another order, forged prefaces, keys of
 * small order, an impostor. */
#include "unit/wire/link_ends.h"

#include <entente/limits.h>

#include <stdlib.h>

/* Gives the receiver a flight; what it must not do is accept it. A length
 * that became another bucket's is refused once that many bytes came. */
static enum ent_status
status_of_flight(struct ent_link *link, struct ent_slice flight,
                 struct ent_buf *out)
{
    static const uint8_t filler[ENT_RECORD_MAX + 2];
    struct ent_link_output o;
    enum ent_status st = feed(link, flight, out, &o);

    if (st == ENT_OK && o.event == ENT_LINK_ASK_SECRET) {
        st = ent_link_answer(link, &right_psk, 1, out);
    } else if (st == ENT_OK && o.event == ENT_LINK_NONE) {
        st = feed(link, ENT_SLICE_OF(filler), out, &o);
    }
    return st;
}

static size_t
flip_every_bit(const struct session *s, size_t n)
{
    const struct ent_buf *flight = &s->flights[n];
    uint8_t *copy = ent_alloc(flight->len);
    struct ent_buf out = {0};
    struct ent_link *link;
    enum ent_status st;

    for (size_t bit = 0; bit < flight->len * 8; bit++) {
        memcpy(copy, flight->p, flight->len);
        copy[bit / 8] = (uint8_t)(copy[bit / 8] ^ (1u << (bit % 8)));
        link = receiver_before(s, n, &out);
        st = status_of_flight(link, ent_slice(copy, flight->len), &out);
        if (!ent_status_is_peer(st)) {
            fail_msg("flight %zu, bit %zu: %s", n, bit, ent_status_name(st));
        }
        /* Wrong gate: closed without a byte. */
        assert_true(n != 0 || bit >= 56 * 8 || st == ENT_PEER_GATE);
        assert_true(st != ENT_PEER_GATE || out.len == 0);
        ent_link_free(link);
        ent_buf_clear(&out);
    }
    free(copy);
    ent_buf_release(&out);
    return flight->len * 8;
}

static void
test_every_flipped_bit(void **state)
{
    size_t count = 0;
    struct session s;

    (void)state;
    for (enum ent_link_pattern p = ENT_LINK_JOIN; p <= ENT_LINK_MEMBER; p++) {
        session_record(&s, p);
        for (size_t n = 0; n < FLIGHTS; n++) {
            count += flip_every_bit(&s, n);
        }
        session_release(&s);
    }
    print_message("%zu flipped bits, all refused\n", count);
    assert_int_equal(
        count, 8 * ((72 + 96 + 320 + 258 + 258) + (72 + 48 + 320 + 258 + 258)));
}

/* A cut flight gives no event and no answer; the rest of it then does. */
static void
test_every_prefix(void **state)
{
    struct ent_buf out = {0};
    struct ent_link_output o;
    struct ent_link *link;
    struct session s;
    size_t count = 0;

    (void)state;
    for (enum ent_link_pattern p = ENT_LINK_JOIN; p <= ENT_LINK_MEMBER; p++) {
        session_record(&s, p);
        for (size_t n = 0; n < FLIGHTS; n++) {
            struct ent_buf *f = &s.flights[n];

            for (size_t len = 0; len < f->len; len++, count++) {
                link = receiver_before(&s, n, &out);
                assert_int_equal(fed(link, ent_slice(f->p, len), &out, &o),
                                 ENT_LINK_NONE);
                assert_int_equal(out.len, 0);
                fed(link, ent_slice(f->p + len, f->len - len), &out, &o);
                assert_true(o.event != ENT_LINK_NONE || out.len > 0);
                ent_link_free(link);
                ent_buf_clear(&out);
            }
        }
        session_release(&s);
    }
    print_message("%zu prefixes, none accepted\n", count);
    ent_buf_release(&out);
}

/* The receiver of flight `n` is given flight `k`. */
static void
expect_not_taken(const struct session *s, size_t n, size_t k)
{
    struct ent_buf out = {0};
    struct ent_link *link = receiver_before(s, n, &out);
    struct ent_link_output o;
    enum ent_status st;
    size_t used;

    st = ent_link_read(link, ent_buf_slice(&s->flights[k]), &used, &out, &o);
    assert_true(st != ENT_OK || o.event == ENT_LINK_NONE);
    ent_link_free(link);
    ent_buf_release(&out);
}

/* One flight in place of another is never accepted either. */
static void
test_flights_out_of_order(void **state)
{
    struct session s;

    (void)state;
    for (enum ent_link_pattern p = ENT_LINK_JOIN; p <= ENT_LINK_MEMBER; p++) {
        session_record(&s, p);
        for (size_t n = 0; n < FLIGHTS; n++) {
            for (size_t k = 1; k < FLIGHTS; k++) {
                expect_not_taken(&s, n, (n + k) % FLIGHTS);
            }
        }
        session_release(&s);
    }
}

/* ---- the gate ---- */

/* The gate as docs/protocol.md 4 defines it, written out a second time. */
static void
forge_gate(uint8_t *knock, const struct ent_key *callee)
{
    struct ent_id key;
    uint8_t covered[40];

    memcpy(covered, knock, 8);
    memcpy(covered + 8, knock + 24, 32);
    ent_hash("entente/gate/1", ENT_SLICE_OF(*callee), &key);
    ent_mac(ENT_SLICE_OF(key), ENT_SLICE_OF(covered), knock + 8, 16);
}

/* The knock with one byte set and the gate made again, as somebody can who
 * knows the callee's key. */
static enum ent_status
status_of_forged(size_t at, uint8_t value)
{
    struct ent_buf out = {0};
    struct ent_key callee;
    struct ent_link *link;
    struct ent_link_output o;
    struct session s;
    enum ent_status st;

    ent_dh_public(&callee_secret, &callee);
    session_record(&s, ENT_LINK_MEMBER);
    s.flights[0].p[at] = value;
    forge_gate(s.flights[0].p, &callee);
    link = new_callee();
    st = feed(link, ent_buf_slice(&s.flights[0]), &out, &o);
    assert_true(st == ENT_OK || out.len == 0);
    assert_true(st != ENT_OK || o.event == ENT_LINK_NONE);
    ent_link_free(link);
    ent_buf_release(&out);
    session_release(&s);
    return st;
}

static void
test_gate(void **state)
{
    struct ent_link_config other = {.static_secret = {{99}}};
    struct ent_buf out = {0};
    struct ent_link_output o;
    struct ent_link *link;
    struct session s;
    size_t used;

    (void)state;
    assert_int_equal(status_of_forged(5, 2), ENT_OK); /* nothing changed */
    assert_int_equal(status_of_forged(0, 'X'), ENT_PEER_GATE);
    assert_int_equal(status_of_forged(4, 2), ENT_PEER_VERSION);
    assert_int_equal(status_of_forged(4, 0), ENT_PEER_VERSION);
    assert_int_equal(status_of_forged(5, 0), ENT_PEER_MALFORMED);
    assert_int_equal(status_of_forged(5, 3), ENT_PEER_MALFORMED);
    assert_int_equal(status_of_forged(6, 1), ENT_PEER_MALFORMED);
    assert_int_equal(status_of_forged(7, 1), ENT_PEER_MALFORMED);
    /* From MEMBER to JOIN: the prologue and the name do not fit. */
    assert_int_equal(status_of_forged(5, 1), ENT_PEER_HANDSHAKE);
    /* Another ephemeral key. */
    assert_int_equal(status_of_forged(24, 1), ENT_PEER_HANDSHAKE);

    /* A knock for somebody else: closed at byte 56, without a byte. */
    session_record(&s, ENT_LINK_MEMBER);
    link = ent_link_new(&other, &out);
    assert_int_equal(fed(link, ent_slice(s.flights[0].p, 55), &out, &o),
                     ENT_LINK_NONE);
    assert_int_equal(feed(link, ent_slice(s.flights[0].p + 55, 1), &out, &o),
                     ENT_PEER_GATE);
    assert_int_equal(out.len, 0);
    /* Dead: the same answer to everything. */
    assert_int_equal(feed(link, ent_buf_slice(&s.flights[0]), &out, &o),
                     ENT_PEER_GATE);
    assert_int_equal(ent_link_read(link, ent_slice(NULL, 0), &used, &out, &o),
                     ENT_PEER_GATE);
    assert_int_equal(ent_link_answer(link, &right_psk, 1, &out), ENT_PEER_GATE);
    assert_int_equal(ent_link_send(link, 1, ent_slice("x", 1), &out),
                     ENT_PEER_GATE);
    assert_int_equal(out.len, 0);
    ent_link_free(link);
    session_release(&s);
    ent_buf_release(&out);
}

/* An ephemeral key of small order makes a shared secret of zero. */
static void
test_small_order_ephemeral(void **state)
{
    struct ent_buf out = {0};
    struct ent_link_output o;
    struct ent_link *link;
    struct ent_key callee;
    struct session s;

    (void)state;
    ent_dh_public(&callee_secret, &callee);
    session_record(&s, ENT_LINK_MEMBER);
    memset(s.flights[0].p + 24, 0, 32);
    forge_gate(s.flights[0].p, &callee);
    link = new_callee();
    assert_int_equal(feed(link, ent_buf_slice(&s.flights[0]), &out, &o),
                     ENT_PEER_HANDSHAKE);
    assert_int_equal(out.len, 0);
    ent_link_free(link);
    session_release(&s);
    ent_buf_release(&out);
}

/* Somebody who knows the callee's public key, and so passes as a gate, but
 * has another key: the caller of a JOIN refuses before it says who it is. */
static void
test_impostor(void **state)
{
    struct ent_link_config c = {.static_secret = {{66}}};
    struct ent_buf to_callee = {0};
    struct ent_buf to_caller = {0};
    struct ent_link_output o;
    struct ent_link *caller, *impostor;

    (void)state;
    ent_dh_public(&callee_secret, &c.static_public);
    impostor = ent_link_new(&c, &to_caller);
    caller = new_caller(ENT_LINK_JOIN, &to_callee);
    fed(impostor, ent_buf_slice(&to_callee), &to_caller, &o);
    ent_buf_clear(&to_callee);
    assert_int_equal(feed(caller, ent_buf_slice(&to_caller), &to_callee, &o),
                     ENT_PEER_HANDSHAKE);
    assert_int_equal(to_callee.len, 0);
    ent_link_free(caller);
    ent_link_free(impostor);
    ent_buf_release(&to_callee);
    ent_buf_release(&to_caller);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_flipped_bit),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_flights_out_of_order),
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_small_order_ephemeral),
        cmocka_unit_test(test_impostor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
