/*
 * Every message: its bytes as published in tests/vectors/session, back again,
 * and each way in which it can be wrong.
 */
#include <entente/msgpack.h>

#include "lib/cmocka.h"
#include "lib/golden.h"
#include "sync/messages.h"

#include <stdio.h>
#include <stdlib.h>

static void
fill(void *p, uint8_t first, size_t len)
{
    uint8_t *b = p;
    size_t i;

    for (i = 0; i < len; i++) {
        b[i] = (uint8_t)(first + i);
    }
}

static struct ent_logkey
sample_log(void)
{
    struct ent_logkey log = {.inc = 0x01020304};

    fill(log.space.b, 0x10, 32);
    fill(log.node.b, 0x40, 32);
    return log;
}

static struct msg_hello
sample_hello(void)
{
    struct msg_hello m = {.protocol_min = 1,
                          .protocol_max = 2,
                          .features = ENT_FEATURE_RECOVERING,
                          .software = "entente 0.1.0",
                          .top = 300,
                          .knows_store = true,
                          .consumed = 70000,
                          .wall_ms = 1700000000000ull,
                          .free_mib = 0};

    fill(m.store_id, 1, 16);
    fill(m.known_store_id, 0x21, 16);
    fill(m.consumed_id, 0x31, 16);
    return m;
}

static struct msg_heads
sample_heads(struct ent_head *head)
{
    struct msg_heads m = {.after = 7, .upto = 9, .count = 1, .heads = head};

    *head = (struct ent_head){
        .log = sample_log(), .seq = 5, .from_seq = 3, .is_coming = true};
    fill(head->id.b, 0x60, 32);
    fill(m.upto_id, 0x51, 16);
    return m;
}

static struct msg_proof
sample_proof(void)
{
    struct msg_proof m = {.top = 12, .told = 9, .consumed = 8, .head_count = 3};

    fill(m.top_id, 0x71, 16);
    fill(m.spaces, 0x81, 16);
    fill(m.mac, 0x91, 16);
    return m;
}

static void
put_hello(struct ent_buf *out)
{
    struct msg_hello m = sample_hello();

    msg_hello_encode(&m, out);
}

static void
put_hello_new(struct ent_buf *out)
{
    struct msg_hello m = sample_hello();

    m.knows_store = false;
    m.consumed = 0;
    memset(m.consumed_id, 0, sizeof(m.consumed_id));
    msg_hello_encode(&m, out);
}

static void
put_changes(struct ent_buf *out)
{
    struct ent_head head;
    struct msg_heads m = sample_heads(&head);

    msg_changes_encode(&m, out);
}

static void
put_heads(struct ent_buf *out)
{
    struct ent_head head;
    struct msg_heads m = sample_heads(&head);

    m.is_last = true;
    msg_heads_encode(&m, out);
}

static void
put_want(struct ent_buf *out)
{
    struct ent_need need = {sample_log(), 2, 300};

    msg_want_encode(&(struct msg_want){1, &need}, out);
}

static void
put_run(struct ent_buf *out)
{
    struct msg_run m = {.run = ent_slice_str("a run")};

    msg_run_encode(&m, out);
}

static void
put_denial(struct ent_buf *out)
{
    struct msg_run m = {.log = sample_log()};

    msg_run_encode(&m, out);
}

static void
put_ack(struct ent_buf *out)
{
    msg_ack_encode(&(struct msg_ack){9, 300}, out);
}

static void
put_proof(struct ent_buf *out)
{
    struct msg_proof m = sample_proof();

    msg_proof_encode(&m, out);
}

static void
put_grant(struct ent_buf *out)
{
    msg_grant_encode(262144, out);
}

static void
put_bye(struct ent_buf *out)
{
    struct msg_bye m = {ENT_BYE_VERSION, "protocol 2"};

    msg_bye_encode(&m, out);
}

/* Decodes and encodes again; the status is the decoder's. */
#define AGAIN(name, type, message)                                             \
    static enum ent_status name(struct ent_slice body, struct ent_buf *out)    \
    {                                                                          \
        type m = {0};                                                          \
        enum ent_status st = message##_decode(body, &m);                       \
                                                                               \
        if (st == ENT_OK) {                                                    \
            message##_encode(&m, out);                                         \
        }                                                                      \
        return st;                                                             \
    }
AGAIN(again_hello, struct msg_hello, msg_hello)
AGAIN(again_run, struct msg_run, msg_run)
AGAIN(again_ack, struct msg_ack, msg_ack)
AGAIN(again_proof, struct msg_proof, msg_proof)
AGAIN(again_bye, struct msg_bye, msg_bye)

static enum ent_status
again_changes(struct ent_slice body, struct ent_buf *out)
{
    struct msg_heads m = {0};
    enum ent_status st = msg_changes_decode(body, &m);

    if (st == ENT_OK) {
        msg_changes_encode(&m, out);
        free(m.heads);
    }
    return st;
}

static enum ent_status
again_heads(struct ent_slice body, struct ent_buf *out)
{
    struct msg_heads m = {0};
    enum ent_status st = msg_heads_decode(body, &m);

    if (st == ENT_OK) {
        msg_heads_encode(&m, out);
        free(m.heads);
    }
    return st;
}

static enum ent_status
again_want(struct ent_slice body, struct ent_buf *out)
{
    struct msg_want m = {0};
    enum ent_status st = msg_want_decode(body, &m);

    if (st == ENT_OK) {
        msg_want_encode(&m, out);
        free(m.needs);
    }
    return st;
}

static enum ent_status
again_grant(struct ent_slice body, struct ent_buf *out)
{
    uint64_t bytes = 0;
    enum ent_status st = msg_grant_decode(body, &bytes);

    if (st == ENT_OK) {
        msg_grant_encode(bytes, out);
    }
    return st;
}

static enum ent_status
again_empty(struct ent_slice body, struct ent_buf *out)
{
    enum ent_status st = msg_empty_decode(body);

    if (st == ENT_OK) {
        msg_empty_encode(out);
    }
    return st;
}

static const struct {
    const char *name;
    void (*put)(struct ent_buf *out);
    enum ent_status (*again)(struct ent_slice body, struct ent_buf *out);
} samples[] = {
    {"hello", put_hello, again_hello},
    {"hello-new", put_hello_new, again_hello},
    {"changes", put_changes, again_changes},
    {"want", put_want, again_want},
    {"run", put_run, again_run},
    {"run-denied", put_denial, again_run},
    {"ack", put_ack, again_ack},
    {"proof", put_proof, again_proof},
    {"heads", put_heads, again_heads},
    {"grant", put_grant, again_grant},
    {"ping", msg_empty_encode, again_empty},
    {"bye", put_bye, again_bye},
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* The published bytes are kept for ever: this build writes just these. */
static void
test_vectors(void **state)
{
    char name[64];
    size_t i;

    (void)state;
    for (i = 0; i < SAMPLES; i++) {
        struct ent_buf body = {0};

        samples[i].put(&body);
        assert_false(body.failed);
        snprintf(name, sizeof(name), "session/%s", samples[i].name);
        test_golden(name, ent_buf_slice(&body));
        ent_buf_release(&body);
    }
}

static void
test_each_comes_back(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < SAMPLES; i++) {
        struct ent_buf body = {0};
        struct ent_buf out = {0};

        samples[i].put(&body);
        assert_int_equal(samples[i].again(ent_buf_slice(&body), &out), ENT_OK);
        assert_true(ent_slice_eq(ent_buf_slice(&body), ent_buf_slice(&out)));
        ent_buf_release(&body);
        ent_buf_release(&out);
    }
}

/* Cut anywhere, or with a byte too many, no message is taken. */
static void
test_cut_or_long_is_refused(void **state)
{
    size_t i;
    size_t len;

    (void)state;
    for (i = 0; i < SAMPLES; i++) {
        struct ent_buf body = {0};

        samples[i].put(&body);
        ent_buf_put_u8(&body, 0);
        for (len = 0; len <= body.len; len++) {
            struct ent_buf out = {0};
            /* Exactly sized, so that reading past the end is seen. */
            uint8_t *exact = ent_alloc(len);
            enum ent_status st;

            memcpy(exact, body.p, len);
            st = samples[i].again(ent_slice(exact, len), &out);
            assert_true(len + 1 == body.len ? st == ENT_OK
                                            : ent_status_is_peer(st));
            free(exact);
            ent_buf_release(&out);
        }
        ent_buf_release(&body);
    }
}

/* Any flipped bit gives either a refusal or another value that encodes to
 * just these bytes: there are no two encodings of one thing. */
static void
test_flipped_bits_are_canonical(void **state)
{
    size_t i;
    size_t bit;

    (void)state;
    for (i = 0; i < SAMPLES; i++) {
        struct ent_buf body = {0};

        samples[i].put(&body);
        for (bit = 0; bit < 8 * body.len; bit++) {
            struct ent_buf out = {0};

            body.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (samples[i].again(ent_buf_slice(&body), &out) == ENT_OK &&
                strncmp(samples[i].name, "hello", 5) != 0 &&
                strcmp(samples[i].name, "bye") != 0) {
                assert_true(
                    ent_slice_eq(ent_buf_slice(&body), ent_buf_slice(&out)));
            }
            body.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ent_buf_release(&out);
        }
        ent_buf_release(&body);
    }
}

static void
test_wrong_values_are_refused(void **state)
{
    struct ent_buf b = {0};
    struct ent_head head;
    struct msg_heads heads = sample_heads(&head);
    struct msg_heads ret;
    struct msg_hello hello = sample_hello();
    struct msg_hello ret_hello;
    struct msg_ack ack;
    uint64_t bytes;

    (void)state;
    head.from_seq = head.seq + 1;
    msg_changes_encode(&heads, &b);
    assert_int_equal(msg_changes_decode(ent_buf_slice(&b), &ret),
                     ENT_PEER_MALFORMED);
    ent_buf_clear(&b);
    head.from_seq = 0;
    heads.upto = heads.after;
    msg_changes_encode(&heads, &b);
    assert_int_equal(msg_changes_decode(ent_buf_slice(&b), &ret),
                     ENT_PEER_MALFORMED);
    ent_buf_clear(&b);
    hello.protocol_min = 3;
    msg_hello_encode(&hello, &b);
    assert_int_equal(msg_hello_decode(ent_buf_slice(&b), &ret_hello),
                     ENT_PEER_MALFORMED);
    ent_buf_clear(&b);
    ent_mp_put_array(&b, 2);
    ent_mp_put_uint(&b, 9);
    ent_mp_put_uint(&b, 8);
    assert_int_equal(msg_ack_decode(ent_buf_slice(&b), &ack),
                     ENT_PEER_MALFORMED);
    ent_buf_clear(&b);
    msg_grant_encode((uint64_t)ENT_CREDIT_MAX + 1, &b);
    assert_true(
        ent_status_is_peer(msg_grant_decode(ent_buf_slice(&b), &bytes)));
    ent_buf_release(&b);
}

/* A later version may add fields to HELLO, which comes before any version is
 * agreed, and to nothing else. */
static void
test_hello_has_room_for_later_fields(void **state)
{
    struct msg_hello hello = sample_hello();
    struct msg_hello ret;
    struct ent_buf b = {0};

    (void)state;
    msg_hello_encode(&hello, &b);
    assert_int_equal(b.p[0], 0x90 | 11);
    b.p[0] = 0x90 | 13;
    ent_mp_put_cstr(&b, "new");
    ent_mp_put_array(&b, 0);
    assert_int_equal(msg_hello_decode(ent_buf_slice(&b), &ret), ENT_OK);
    assert_string_equal(ret.software, "entente 0.1.0");
    ent_buf_release(&b);
}

static void
test_hello_in_message_three(void **state)
{
    struct msg_hello hello = sample_hello();
    struct msg_hello ret;
    uint8_t padded[ENT_HELLO_LEN];

    (void)state;
    /* The longest that there can be fits. */
    memset(hello.software, 'x', sizeof(hello.software) - 1);
    hello.top = UINT64_MAX;
    hello.consumed = UINT64_MAX;
    hello.features = UINT64_MAX;
    hello.free_mib = UINT64_MAX;
    hello.wall_ms = INT64_MAX;
    hello.protocol_max = UINT32_MAX;
    msg_hello_pad(&hello, padded);
    assert_int_equal(msg_hello_unpad(ENT_SLICE_OF(padded), &ret), ENT_OK);
    assert_int_equal(ret.free_mib, UINT64_MAX);
    padded[ENT_HELLO_LEN - 1] = 1;
    assert_int_equal(msg_hello_unpad(ENT_SLICE_OF(padded), &ret),
                     ENT_PEER_MALFORMED);
    padded[ENT_HELLO_LEN - 1] = 0;
    padded[1]++;
    assert_int_equal(msg_hello_unpad(ENT_SLICE_OF(padded), &ret),
                     ENT_PEER_MALFORMED);
    padded[1] = 255;
    assert_int_equal(msg_hello_unpad(ENT_SLICE_OF(padded), &ret),
                     ENT_PEER_MALFORMED);
    assert_int_equal(msg_hello_unpad(ent_slice(padded, 255), &ret),
                     ENT_PEER_MALFORMED);
}

static void
test_more_heads_than_allowed(void **state)
{
    struct ent_buf b = {0};
    struct msg_heads ret;
    struct msg_want want;

    (void)state;
    ent_mp_put_array(&b, 2);
    ent_mp_put_uint(&b, 1);
    ent_mp_put_array(&b, ENT_HEADS_PER_MESSAGE_MAX + 1);
    while (b.len < 2 + 3 + 1 + ENT_HEADS_PER_MESSAGE_MAX) {
        ent_mp_put_array(&b, 0);
    }
    assert_true(ent_status_is_peer(msg_heads_decode(ent_buf_slice(&b), &ret)));
    ent_buf_clear(&b);
    /* Five bytes that announce four billion. */
    ent_buf_put(&b, "\xdd\xff\xff\xff\xff", 5);
    assert_true(ent_status_is_peer(msg_want_decode(ent_buf_slice(&b), &want)));
    ent_buf_release(&b);
}

static void
test_names(void **state)
{
    unsigned type;

    (void)state;
    for (type = ENT_MSG_HELLO; type <= ENT_MSG_BYE; type++) {
        assert_string_not_equal(ent_msg_name(type), "unknown");
    }
    for (type = ENT_MSG_JOIN_COMMIT; type <= ENT_MSG_JOIN_CIRCLE; type++) {
        assert_string_not_equal(ent_msg_name(type), "unknown");
    }
    assert_string_equal(ent_msg_name(0), "unknown");
    assert_string_equal(ent_msg_name(77), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_each_comes_back),
        cmocka_unit_test(test_cut_or_long_is_refused),
        cmocka_unit_test(test_flipped_bits_are_canonical),
        cmocka_unit_test(test_wrong_values_are_refused),
        cmocka_unit_test(test_hello_has_room_for_later_fields),
        cmocka_unit_test(test_hello_in_message_three),
        cmocka_unit_test(test_more_heads_than_allowed),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
