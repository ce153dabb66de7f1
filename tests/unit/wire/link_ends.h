/*
 * Two ends of a link with fixed keys and seeds, and whole sessions recorded
 * flight by flight, so that an end can be brought to any point again.
 */
#ifndef TESTS_UNIT_WIRE_LINK_ENDS_H
#define TESTS_UNIT_WIRE_LINK_ENDS_H

#include <entente/link.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FLIGHTS 5u /* knock, message 2, message 3, a record each way */

static const struct ent_key caller_secret = {{1, 2, 3}};
static const struct ent_key callee_secret = {{4, 5, 6}};
static const struct ent_key right_psk = {{42}};

static inline struct ent_link *
new_caller(enum ent_link_pattern pattern, struct ent_buf *out)
{
    struct ent_link_config c = {.is_caller = true,
                                .pattern = pattern,
                                .static_secret = caller_secret,
                                .psk = right_psk,
                                .seed = {{7}},
                                .hello = "bonjour"};

    ent_dh_public(&callee_secret, &c.remote_static);
    return ent_link_new(&c, out);
}

static inline struct ent_link *
new_callee(void)
{
    struct ent_link_config c = {.static_secret = callee_secret, .seed = {{8}}};
    struct ent_buf none = {0};
    struct ent_link *link;

    ent_dh_public(&callee_secret, &c.static_public);
    link = ent_link_new(&c, &none);
    assert_int_equal(none.len, 0);
    return link;
}

/* Reads all of `in`, which must not give more than one event at its end. */
static inline enum ent_status
feed(struct ent_link *link, struct ent_slice in, struct ent_buf *out,
     struct ent_link_output *o)
{
    size_t used = 0;
    enum ent_status st = ent_link_read(link, in, &used, out, o);

    assert_true(st != ENT_OK || used == in.len);
    return st;
}

static inline enum ent_link_event
fed(struct ent_link *link, struct ent_slice in, struct ent_buf *out,
    struct ent_link_output *o)
{
    assert_int_equal(feed(link, in, out, o), ENT_OK);
    return o->event;
}

static inline void
answer_well(struct ent_link *link, struct ent_buf *out)
{
    assert_int_equal(ent_link_answer(link, &right_psk, 1, out), ENT_OK);
}

/* ---- recorded flights ---- */

struct session {
    enum ent_link_pattern pattern;
    struct ent_buf flights[FLIGHTS];
};

/* Runs a whole session and keeps each flight. Seeds are fixed, so an end can
 * be brought to any point again by feeding it what it was sent. */
static inline void
session_record(struct session *s, enum ent_link_pattern pattern)
{
    struct ent_buf none = {0};
    struct ent_link_output o;
    struct ent_link *caller, *callee;

    memset(s, 0, sizeof(*s));
    s->pattern = pattern;
    callee = new_callee();
    caller = new_caller(pattern, &s->flights[0]);
    fed(callee, ent_buf_slice(&s->flights[0]), &s->flights[1], &o);
    fed(caller, ent_buf_slice(&s->flights[1]), &s->flights[2], &o);
    if (pattern == ENT_LINK_JOIN) {
        answer_well(caller, &s->flights[2]);
        fed(caller, ent_slice(NULL, 0), &none, &o);
    }
    fed(callee, ent_buf_slice(&s->flights[2]), &none, &o);
    answer_well(callee, &none);
    fed(callee, ent_slice(NULL, 0), &none, &o);
    assert_int_equal(ent_link_send(caller, 5, ent_slice_str("to the callee"),
                                   &s->flights[3]),
                     ENT_OK);
    assert_int_equal(ent_link_send(callee, 6, ent_slice_str("to the caller"),
                                   &s->flights[4]),
                     ENT_OK);
    assert_int_equal(none.len, 0);
    ent_link_free(caller);
    ent_link_free(callee);
}

static inline void
session_release(struct session *s)
{
    for (size_t i = 0; i < FLIGHTS; i++) {
        ent_buf_release(&s->flights[i]);
    }
}

/* The receiver of flight `n`, having seen everything before it. */
static inline struct ent_link *
receiver_before(const struct session *s, size_t n, struct ent_buf *out)
{
    struct ent_link_output o;
    bool is_caller = n == 1 || n == 4;
    struct ent_link *link =
        is_caller ? new_caller(s->pattern, out) : new_callee();

    if (is_caller && n > 1) {
        fed(link, ent_buf_slice(&s->flights[1]), out, &o);
        if (s->pattern == ENT_LINK_JOIN) {
            answer_well(link, out);
            fed(link, ent_slice(NULL, 0), out, &o);
        }
    }
    if (!is_caller && n > 0) {
        fed(link, ent_buf_slice(&s->flights[0]), out, &o);
    }
    if (!is_caller && n > 2) {
        fed(link, ent_buf_slice(&s->flights[2]), out, &o);
        answer_well(link, out);
        fed(link, ent_slice(NULL, 0), out, &o);
    }
    ent_buf_clear(out);
    return link;
}

#endif
