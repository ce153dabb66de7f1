/* The link: what both handshakes prove, many secrets, cuts, long messages,
 * rekeying, and what a half-open link costs. */
#include "unit/wire/link_ends.h"

#include <entente/limits.h>

#include <malloc.h>
#include <stdlib.h>

struct ends {
    struct ent_link *caller, *callee;
    struct ent_buf to_callee, to_caller;
};

static void
ends_open(struct ends *e, enum ent_link_pattern pattern)
{
    struct ent_link_output o;
    struct ent_slice none = {NULL, 0};

    memset(e, 0, sizeof(*e));
    e->callee = new_callee();
    e->caller = new_caller(pattern, &e->to_callee);
    assert_int_equal(
        fed(e->callee, ent_buf_slice(&e->to_callee), &e->to_caller, &o),
        ENT_LINK_NONE);
    ent_buf_clear(&e->to_callee);
    if (pattern == ENT_LINK_JOIN) {
        assert_int_equal(
            fed(e->caller, ent_buf_slice(&e->to_caller), &e->to_callee, &o),
            ENT_LINK_ASK_CALLER);
        assert_int_equal(e->to_callee.len, 0);
        answer_well(e->caller, &e->to_callee);
        assert_int_equal(fed(e->caller, none, &e->to_callee, &o),
                         ENT_LINK_ESTABLISHED);
    } else {
        assert_int_equal(
            fed(e->caller, ent_buf_slice(&e->to_caller), &e->to_callee, &o),
            ENT_LINK_ESTABLISHED);
    }
    ent_buf_clear(&e->to_caller);
    assert_int_equal(
        fed(e->callee, ent_buf_slice(&e->to_callee), &e->to_caller, &o),
        ENT_LINK_ASK_SECRET);
    answer_well(e->callee, &e->to_caller);
    assert_int_equal(fed(e->callee, none, &e->to_caller, &o),
                     ENT_LINK_ESTABLISHED);
    assert_int_equal(e->to_caller.len, 0);
    ent_buf_clear(&e->to_callee);
}

static void
ends_close(struct ends *e)
{
    ent_link_free(e->caller);
    ent_link_free(e->callee);
    ent_buf_release(&e->to_callee);
    ent_buf_release(&e->to_caller);
}

static void
test_what_is_proven(void **state)
{
    struct ent_key caller_public, callee_public;
    uint8_t hello[ENT_HELLO_LEN] = "bonjour";
    uint8_t hash_a[32], hash_b[32];
    struct ent_link_output o;
    struct ends e;
    size_t used;

    (void)state;
    ent_dh_public(&caller_secret, &caller_public);
    ent_dh_public(&callee_secret, &callee_public);
    for (enum ent_link_pattern p = ENT_LINK_JOIN; p <= ENT_LINK_MEMBER; p++) {
        ends_open(&e, p);
        ent_link_hash(e.caller, hash_a);
        ent_link_hash(e.callee, hash_b);
        assert_memory_equal(hash_a, hash_b, 32);
        ends_close(&e);
        /* Once more, with the callee's last two events in hand. */
        memset(&e, 0, sizeof(e));
        e.callee = new_callee();
        e.caller = new_caller(p, &e.to_callee);
        assert_int_equal(e.to_callee.len, ENT_PREFACE_LEN + 48);
        fed(e.callee, ent_buf_slice(&e.to_callee), &e.to_caller, &o);
        ent_buf_clear(&e.to_callee);
        fed(e.caller, ent_buf_slice(&e.to_caller), &e.to_callee, &o);
        assert_memory_equal(&o.remote, &callee_public, sizeof(o.remote));
        if (p == ENT_LINK_JOIN) {
            answer_well(e.caller, &e.to_callee);
        }
        fed(e.callee, ent_buf_slice(&e.to_callee), &e.to_caller, &o);
        assert_int_equal(o.event, ENT_LINK_ASK_SECRET);
        assert_int_equal(o.pattern, p);
        assert_memory_equal(&o.remote, &caller_public, sizeof(o.remote));
        answer_well(e.callee, &e.to_caller);
        assert_int_equal(ent_link_read(e.callee, ent_slice(NULL, 0), &used,
                                       &e.to_caller, &o),
                         ENT_OK);
        assert_int_equal(o.event, ENT_LINK_ESTABLISHED);
        assert_memory_equal(&o.remote, &caller_public, sizeof(o.remote));
        assert_int_equal(o.hello.len, ENT_HELLO_LEN);
        if (p == ENT_LINK_JOIN) {
            memset(hello, 0, sizeof(hello));
        } else {
            memcpy(hello, "bonjour", 7);
        }
        assert_memory_equal(o.hello.p, hello, sizeof(hello));
        ends_close(&e);
    }
}

/* ---- secrets ---- */

static enum ent_status
answer_with(const struct session *s, const struct ent_key *psks, size_t count,
            size_t *ret_index)
{
    struct ent_buf out = {0};
    struct ent_link_output o;
    struct ent_link *link = receiver_before(s, 2, &out);
    enum ent_status st;

    assert_int_equal(fed(link, ent_buf_slice(&s->flights[2]), &out, &o),
                     ENT_LINK_ASK_SECRET);
    st = ent_link_answer(link, psks, count, &out);
    if (st == ENT_OK) {
        assert_int_equal(fed(link, ent_slice(NULL, 0), &out, &o),
                         ENT_LINK_ESTABLISHED);
        *ret_index = o.secret_index;
        assert_int_equal(fed(link, ent_buf_slice(&s->flights[3]), &out, &o),
                         ENT_LINK_MESSAGE);
    } else {
        assert_int_equal(feed(link, ent_slice(NULL, 0), &out, &o), st);
    }
    assert_int_equal(out.len, 0);
    ent_link_free(link);
    ent_buf_release(&out);
    return st;
}

static void
test_secrets(void **state)
{
    struct ent_key psks[ENT_INVITATIONS_MAX];
    struct session s;
    size_t index = 0;

    (void)state;
    for (size_t i = 0; i < ENT_INVITATIONS_MAX; i++) {
        psks[i] = (struct ent_key){{0, (uint8_t)i, 1}};
    }
    for (enum ent_link_pattern p = ENT_LINK_JOIN; p <= ENT_LINK_MEMBER; p++) {
        session_record(&s, p);
        psks[ENT_INVITATIONS_MAX - 1] = (struct ent_key){{0}};
        assert_int_equal(answer_with(&s, psks, ENT_INVITATIONS_MAX, &index),
                         ENT_PEER_NO_SECRET);
        assert_int_equal(answer_with(&s, psks, 1, &index), ENT_PEER_NO_SECRET);
        assert_int_equal(answer_with(&s, NULL, 0, &index), ENT_PEER_NO_SECRET);
        psks[ENT_INVITATIONS_MAX - 1] = right_psk;
        assert_int_equal(answer_with(&s, psks, ENT_INVITATIONS_MAX, &index),
                         ENT_OK);
        assert_int_equal(index, ENT_INVITATIONS_MAX - 1);
        assert_int_equal(answer_with(&s, &right_psk, 1, &index), ENT_OK);
        assert_int_equal(index, 0);
        session_release(&s);
    }
}

/* Nobody is let in, and nothing is taken, before the answer. */
static void
test_before_authentication(void **state)
{
    static uint8_t flood[100000];
    struct ent_buf out = {0};
    struct ent_link_output o;
    struct ent_link *link;
    struct session s;
    size_t used = 1;
    size_t total;

    (void)state;
    session_record(&s, ENT_LINK_MEMBER);
    link = receiver_before(&s, 2, &out);
    memcpy(flood, s.flights[2].p, s.flights[2].len);
    assert_int_equal(ent_link_read(link, ENT_SLICE_OF(flood), &used, &out, &o),
                     ENT_OK);
    assert_int_equal(o.event, ENT_LINK_ASK_SECRET);
    total = s.flights[0].len + used;
    assert_true(total <= ENT_PREAUTH_BYTES_MAX);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            ent_link_read(link, ENT_SLICE_OF(flood), &used, &out, &o), ENT_OK);
        assert_int_equal(o.event, ENT_LINK_NONE);
        assert_int_equal(used, 0);
    }
    assert_int_equal(out.len, 0);
    ent_link_free(link);
    session_release(&s);
    ent_buf_release(&out);
}

/* 64 half-open links, each given all but the last byte of message 3. */
static void
test_half_open_memory(void **state)
{
    struct ent_link *links[ENT_HALF_OPEN_MAX];
    struct ent_buf out = {0};
    struct ent_link_output o;
    struct session s;
    size_t before, after;

    (void)state;
    session_record(&s, ENT_LINK_MEMBER);
    ent_link_free(receiver_before(&s, 2, &out));
    before = mallinfo2().uordblks;
    for (size_t i = 0; i < ENT_HALF_OPEN_MAX; i++) {
        links[i] = receiver_before(&s, 2, &out);
        fed(links[i], ent_slice(s.flights[2].p, s.flights[2].len - 1), &out,
            &o);
    }
    after = mallinfo2().uordblks;
    print_message("%zu bytes a half-open link\n",
                  (after - before) / ENT_HALF_OPEN_MAX);
    assert_true(after - before <= ENT_HALF_OPEN_MAX * 4096u);
    for (size_t i = 0; i < ENT_HALF_OPEN_MAX; i++) {
        ent_link_free(links[i]);
    }
    session_release(&s);
    ent_buf_release(&out);
}

/* ---- messages ---- */

/* Feeds in cuts of `step`, answers what is asked, and writes down every
 * event with what came with it. */
static void
transcript(struct ent_link *link, struct ent_slice in, size_t step,
           struct ent_buf *log)
{
    struct ent_buf out = {0};
    struct ent_link_output o;
    size_t at = 0;
    size_t used, part;

    do {
        part = in.len - at < step ? in.len - at : step;
        assert_int_equal(
            ent_link_read(link, ent_slice(in.p + at, part), &used, &out, &o),
            ENT_OK);
        at += used;
        if (o.event == ENT_LINK_NONE) {
            assert_int_equal(used, part);
            continue;
        }
        ent_buf_put_u8(log, (uint8_t)o.event);
        ent_buf_put(log, &o.remote, sizeof(o.remote));
        ent_buf_put_slice(log, o.hello);
        ent_buf_put_u8(log, o.type);
        ent_buf_put_slice(log, o.body);
        if (o.event == ENT_LINK_ASK_SECRET) {
            answer_well(link, &out);
        }
    } while (at < in.len);
    ent_buf_put_slice(log, ent_buf_slice(&out));
    ent_buf_release(&out);
}

static void
test_cuts_give_the_same_events(void **state)
{
    static const size_t steps[] = {1, 2, 7, 255, 5000, SIZE_MAX};
    static uint8_t big[70000];
    struct ent_buf stream = {0};
    struct ent_buf first = {0};
    struct ent_buf log = {0};
    struct ent_link_output o;
    struct ent_link *caller, *callee;
    struct session s;

    (void)state;
    session_record(&s, ENT_LINK_MEMBER);
    /* All that a caller may send before it hears anything again. */
    caller = new_caller(ENT_LINK_MEMBER, &stream);
    fed(caller, ent_buf_slice(&s.flights[1]), &stream, &o);
    memset(big, 3, sizeof(big));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ent_link_send(caller, (uint8_t)i,
                                       ent_slice(big, i * i * 4000), &stream),
                         ENT_OK);
    }
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        callee = new_callee();
        ent_buf_clear(&log);
        transcript(callee, ent_buf_slice(&stream), steps[i], &log);
        ent_link_free(callee);
        if (i == 0) {
            ent_buf_put_slice(&first, ent_buf_slice(&log));
        }
        assert_true(log.len > 120000);
        assert_true(ent_slice_eq(ent_buf_slice(&log), ent_buf_slice(&first)));
    }
    ent_link_free(caller);
    session_release(&s);
    ent_buf_release(&stream);
    ent_buf_release(&first);
    ent_buf_release(&log);
}

static void
test_longest_message(void **state)
{
    uint8_t *body = ent_alloc_zero(1, ENT_MESSAGE_MAX + 1);
    struct ent_link_output o;
    struct ends e;

    (void)state;
    ends_open(&e, ENT_LINK_MEMBER);
    body[ENT_MESSAGE_MAX - 1] = 9;
    assert_int_equal(ent_link_send(e.caller, 1,
                                   ent_slice(body, ENT_MESSAGE_MAX + 1),
                                   &e.to_callee),
                     ENT_RULE_USAGE);
    assert_int_equal(e.to_callee.len, 0);
    assert_int_equal(ent_link_send(e.caller, 1,
                                   ent_slice(body, ENT_MESSAGE_MAX),
                                   &e.to_callee),
                     ENT_OK);
    assert_int_equal(
        fed(e.callee, ent_buf_slice(&e.to_callee), &e.to_caller, &o),
        ENT_LINK_MESSAGE);
    assert_true(ent_slice_eq(o.body, ent_slice(body, ENT_MESSAGE_MAX)));
    /* A peer that does not read fills its buffer: the link is over. */
    ent_buf_clear(&e.to_callee);
    e.to_callee.max = 100000;
    assert_int_equal(ent_link_send(e.caller, 1,
                                   ent_slice(body, ENT_MESSAGE_MAX),
                                   &e.to_callee),
                     ENT_PEER_FLOOD);
    assert_int_equal(
        ent_link_send(e.caller, 1, ent_slice(body, 1), &e.to_callee),
        ENT_PEER_FLOOD);
    free(body);
    ends_close(&e);
}

static void
send_and_check(struct ent_link *from, struct ent_link *to, struct ent_buf *wire,
               uint32_t number)
{
    struct ent_link_output o;
    struct ent_buf out = {0};

    assert_int_equal(ent_link_send(from, 2, ENT_SLICE_OF(number), wire), 0);
    assert_int_equal(fed(to, ent_buf_slice(wire), &out, &o), ENT_LINK_MESSAGE);
    assert_true(ent_slice_eq(o.body, ENT_SLICE_OF(number)));
    assert_int_equal(out.len, 0);
    ent_buf_clear(wire);
}

/* Both directions cross the change of keys, at different moments. */
static void
test_rekey_both_ways(void **state)
{
    struct ends e;

    (void)state;
    for (enum ent_link_pattern p = ENT_LINK_JOIN; p <= ENT_LINK_MEMBER; p++) {
        ends_open(&e, p);
        for (uint32_t i = 0; i < 2 * ENT_REKEY_RECORDS + 10; i++) {
            send_and_check(e.caller, e.callee, &e.to_callee, i);
            if (i % 2 == 0) {
                send_and_check(e.callee, e.caller, &e.to_caller, i);
            }
        }
        ends_close(&e);
    }
}

/* A record twice, or one left out, ends the link. */
static void
test_replay_and_gap(void **state)
{
    struct ent_link_output o;
    struct ent_buf second = {0};
    struct ends e;

    (void)state;
    ends_open(&e, ENT_LINK_MEMBER);
    assert_int_equal(
        ent_link_send(e.caller, 1, ent_slice("a", 1), &e.to_callee), 0);
    fed(e.callee, ent_buf_slice(&e.to_callee), &e.to_caller, &o);
    assert_int_equal(
        feed(e.callee, ent_buf_slice(&e.to_callee), &e.to_caller, &o),
        ENT_PEER_DECRYPT);
    assert_int_equal(o.event, ENT_LINK_NONE);
    ends_close(&e);

    ends_open(&e, ENT_LINK_MEMBER);
    assert_int_equal(
        ent_link_send(e.caller, 1, ent_slice("a", 1), &e.to_callee), 0);
    assert_int_equal(ent_link_send(e.caller, 1, ent_slice("b", 1), &second), 0);
    assert_int_equal(feed(e.callee, ent_buf_slice(&second), &e.to_caller, &o),
                     ENT_PEER_DECRYPT);
    assert_int_equal(
        feed(e.callee, ent_buf_slice(&e.to_callee), &e.to_caller, &o),
        ENT_PEER_DECRYPT);
    ent_buf_release(&second);
    ends_close(&e);
    ent_link_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_proven),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_before_authentication),
        cmocka_unit_test(test_half_open_memory),
        cmocka_unit_test(test_cuts_give_the_same_events),
        cmocka_unit_test(test_longest_message),
        cmocka_unit_test(test_rekey_both_ways),
        cmocka_unit_test(test_replay_and_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
