/*
 * A link while it is young. The first byte says who reads and from where on:
 *
 *   0  callee, from the first byte        3, 4  callee, message 3 (XK, XX)
 *   1, 2  callee, behind a gate that      5, 6  caller, message 2 (XK, XX)
 *         fits (XK, XX)
 *
 * The second says in which cuts. The oracle: cuts change nothing; a stranger
 * gets no further than what was recorded of a genuine handshake; nothing is
 * answered to a wrong gate; the dead stay dead.
 */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include <entente/limits.h>
#include <entente/link.h>

#define FLIGHTS 3u
#define GATE_AT 8u
#define GATE_LEN 16u
#define KNOCK_LEN 56u

static const struct ent_key caller_secret = {{1}};
static const struct ent_key callee_secret = {{2}};
static const struct ent_key psk = {{3}};

/* What a genuine handshake sends, for each pattern. */
static struct ent_buf genuine[ENT_LINK_MEMBER + 1][FLIGHTS];

static struct ent_link *
new_caller(enum ent_link_pattern pattern, struct ent_buf *out)
{
    struct ent_link_config c = {.is_caller = true,
                                .pattern = pattern,
                                .static_secret = caller_secret,
                                .psk = psk,
                                .seed = {{7}}};

    ent_dh_public(&callee_secret, &c.remote_static);
    return ent_link_new(&c, out);
}

static struct ent_link *
new_callee(void)
{
    static struct ent_key callee_public;
    struct ent_link_config c = {.static_secret = callee_secret, .seed = {{8}}};
    struct ent_buf none = {0};

    if (callee_public.b[31] == 0 && callee_public.b[0] == 0) {
        ent_dh_public(&callee_secret, &callee_public);
    }
    c.static_public = callee_public;
    return ent_link_new(&c, &none);
}

/* What came of feeding bytes to a link. */
struct outcome {
    enum ent_status st;
    bool is_asked;
    bool is_established;
    struct ent_buf out;
};

/* Answers like an honest node: the one secret that there is. */
static void
take_event(struct ent_link *link, const struct ent_link_output *o,
           struct outcome *r)
{
    switch (o->event) {
    case ENT_LINK_ASK_SECRET:
    case ENT_LINK_ASK_CALLER:
        ENT_ASSERT(!r->is_asked);
        r->is_asked = true;
        r->st = ent_link_answer(link, &psk, 1, &r->out);
        break;
    case ENT_LINK_ESTABLISHED:
        ENT_ASSERT(!r->is_established);
        r->is_established = true;
        break;
    case ENT_LINK_NONE:
    case ENT_LINK_MESSAGE:
        break;
    }
}

/* Feeds `in` in pieces of at most `cut` bytes. */
static void
feed(struct ent_link *link, struct ent_slice in, size_t cut, struct outcome *r)
{
    struct ent_link_output o;
    size_t done = 0;
    size_t used;

    do {
        size_t part = in.len - done < cut ? in.len - done : cut;

        r->st = ent_link_read(link, ent_slice(in.p + done, part), &used,
                              &r->out, &o);
        ENT_ASSERT(r->st != ENT_OK || used <= part);
        if (r->st != ENT_OK) {
            return;
        }
        done += used;
        ENT_ASSERT(used > 0 || part == 0 || o.event != ENT_LINK_NONE);
        take_event(link, &o, r);
        ENT_ASSERT(o.event != ENT_LINK_MESSAGE);
    } while (r->st == ENT_OK && !r->is_established &&
             (done < in.len || o.event != ENT_LINK_NONE));
}

static void
must_feed(struct ent_link *link, const struct ent_buf *flight,
          struct outcome *r)
{
    feed(link, ent_buf_slice(flight), SIZE_MAX, r);
    ENT_ASSERT(r->st == ENT_OK);
}

static void
record(enum ent_link_pattern pattern)
{
    struct ent_buf *flights = genuine[pattern];
    struct ent_link *caller = new_caller(pattern, &flights[0]);
    struct ent_link *callee = new_callee();
    struct outcome a = {.st = ENT_OK};
    struct outcome b = {.st = ENT_OK};

    must_feed(callee, &flights[0], &b);
    flights[1] = b.out;
    b.out = (struct ent_buf){0};
    must_feed(caller, &flights[1], &a);
    flights[2] = a.out;
    must_feed(callee, &flights[2], &b);
    ENT_ASSERT(a.is_established && b.is_established && b.out.len == 0);
    ent_link_free(caller);
    ent_link_free(callee);
}

/* Makes the gate fit, as somebody can who knows the callee's public key. */
static void
fit_gate(uint8_t *knock, enum ent_link_pattern pattern)
{
    uint8_t covered[GATE_AT + ENT_KEY_LEN];
    struct ent_key callee;
    struct ent_id key;

    ent_dh_public(&callee_secret, &callee);
    memcpy(knock, genuine[pattern][0].p, GATE_AT);
    memcpy(covered, knock, GATE_AT);
    memcpy(covered + GATE_AT, knock + ENT_PREFACE_LEN, ENT_KEY_LEN);
    ent_hash("entente/gate/1", ENT_SLICE_OF(callee), &key);
    ent_mac(ENT_SLICE_OF(key), ENT_SLICE_OF(covered), knock + GATE_AT,
            GATE_LEN);
}

/* The reader of flight `n`, having seen what came before. */
static struct ent_link *
reader_of(enum ent_link_pattern pattern, size_t n)
{
    struct outcome before = {.st = ENT_OK};
    struct ent_link *link =
        n == 1 ? new_caller(pattern, &before.out) : new_callee();

    if (n == 2) {
        must_feed(link, &genuine[pattern][0], &before);
    }
    ent_buf_release(&before.out);
    return link;
}

static bool
begins_with(struct ent_slice in, const struct ent_buf *flight)
{
    return in.len >= flight->len && memcmp(in.p, flight->p, flight->len) == 0;
}

static void
check(enum ent_link_pattern pattern, size_t n, struct ent_slice in, size_t cut)
{
    const struct ent_buf *flight = &genuine[pattern][n];
    struct ent_link *whole = reader_of(pattern, n);
    struct ent_link *parts = reader_of(pattern, n);
    struct outcome a = {.st = ENT_OK};
    struct outcome b = {.st = ENT_OK};
    struct ent_link_output o;
    size_t used;

    feed(whole, in, SIZE_MAX, &a);
    feed(parts, in, cut, &b);
    ENT_ASSERT(a.st == b.st && a.is_established == b.is_established);
    ENT_ASSERT(a.is_asked == b.is_asked);
    ENT_ASSERT(ent_slice_eq(ent_buf_slice(&a.out), ent_buf_slice(&b.out)));
    ENT_ASSERT(n == 0 || !a.is_established || begins_with(in, flight));
    ENT_ASSERT(n == 0 || a.out.len == 0 || begins_with(in, flight));
    ENT_ASSERT(a.st == ENT_OK || ent_status_is_peer(a.st));
    ENT_ASSERT(a.st != ENT_PEER_GATE || a.out.len == 0);
    if (a.st != ENT_OK) {
        ENT_ASSERT(ent_link_read(whole, ent_slice(NULL, 0), &used, &a.out,
                                 &o) == a.st);
    }
    ent_link_free(whole);
    ent_link_free(parts);
    ent_buf_release(&a.out);
    ent_buf_release(&b.out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    uint8_t mode = bytes_u8(&in) % 7;
    size_t cut = bytes_u8(&in) % 64 + 1u;
    struct ent_slice rest = bytes_take(&in, ENT_PREAUTH_BYTES_MAX);
    enum ent_link_pattern pattern =
        mode % 2 == 1 ? ENT_LINK_MEMBER : ENT_LINK_JOIN;
    uint8_t copy[ENT_PREAUTH_BYTES_MAX];

    if (genuine[ENT_LINK_MEMBER][0].p == NULL) {
        record(ENT_LINK_JOIN);
        record(ENT_LINK_MEMBER);
    }
    if (rest.len > 0) {
        memcpy(copy, rest.p, rest.len);
    }
    if ((mode == 1 || mode == 2) && rest.len >= KNOCK_LEN) {
        fit_gate(copy, pattern);
    }
    check(pattern,
          mode < 3   ? 0
          : mode < 5 ? 2
                     : 1,
          ent_slice(copy, rest.len), cut);
    return 0;
}
