/*
 * Encoding and decoding of every session message. One function a direction
 * and message, in the order of their type numbers.
 */
#include "sync/messages.h"

#include <entente/msgpack.h>

#include <stdlib.h>

/* Room for the fields of later versions in HELLO, which is read before a
 * version is agreed. */
#define HELLO_FIELDS 11u
#define HELLO_FIELDS_MAX 32u

const char *
ent_msg_name(unsigned type)
{
    switch ((enum ent_msg_type)type) {
    case ENT_MSG_HELLO:
        return "HELLO";
    case ENT_MSG_CHANGES:
        return "CHANGES";
    case ENT_MSG_WANT:
        return "WANT";
    case ENT_MSG_RUN:
        return "RUN";
    case ENT_MSG_ACK:
        return "ACK";
    case ENT_MSG_PROOF:
        return "PROOF";
    case ENT_MSG_HEADS:
        return "HEADS";
    case ENT_MSG_GRANT:
        return "GRANT";
    case ENT_MSG_PING:
        return "PING";
    case ENT_MSG_PONG:
        return "PONG";
    case ENT_MSG_BYE:
        return "BYE";
    case ENT_MSG_JOIN_COMMIT:
        return "JOIN_COMMIT";
    case ENT_MSG_JOIN_CALLER:
        return "JOIN_CALLER";
    case ENT_MSG_JOIN_CALLEE:
        return "JOIN_CALLEE";
    case ENT_MSG_JOIN_CONFIRM:
        return "JOIN_CONFIRM";
    case ENT_MSG_JOIN_CARD:
        return "JOIN_CARD";
    case ENT_MSG_JOIN_CIRCLE:
        return "JOIN_CIRCLE";
    }
    return "unknown";
}

static bool
is_zero16(const uint8_t p[16])
{
    static const uint8_t zero[16];

    return memcmp(p, zero, 16) == 0;
}

static void
put_optional16(struct ent_buf *out, bool is_there, const uint8_t p[16])
{
    if (is_there) {
        ent_mp_put_bin(out, ent_slice(p, 16));
    } else {
        ent_mp_put_nil(out);
    }
}

/* Copies a str into a C string of `size` bytes with its NUL. */
static void
get_text(struct ent_mp *r, char *ret_text, size_t size)
{
    struct ent_slice s = ent_mp_str(r, size - 1);

    ENT_ASSERT(s.len < size);
    memset(ret_text, 0, size);
    if (s.len > 0) {
        memcpy(ret_text, s.p, s.len);
    }
}

void
msg_hello_encode(const struct msg_hello *m, struct ent_buf *out)
{
    ent_mp_put_array(out, HELLO_FIELDS);
    ent_mp_put_uint(out, m->protocol_min);
    ent_mp_put_uint(out, m->protocol_max);
    ent_mp_put_uint(out, m->features);
    ent_mp_put_cstr(out, m->software);
    ent_mp_put_bin(out, ENT_SLICE_OF(m->store_id));
    ent_mp_put_uint(out, m->top);
    put_optional16(out, m->knows_store, m->known_store_id);
    ent_mp_put_uint(out, m->consumed);
    put_optional16(out, !is_zero16(m->consumed_id), m->consumed_id);
    ent_mp_put_uint(out, m->wall_ms);
    ent_mp_put_uint(out, m->free_mib);
}

enum ent_status
msg_hello_decode(struct ent_slice body, struct msg_hello *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_hello m = {0};
    enum ent_status st;

    ent_mp_enter(r, HELLO_FIELDS, HELLO_FIELDS_MAX);
    m.protocol_min = (uint32_t)ent_mp_uint(r, UINT32_MAX);
    m.protocol_max = (uint32_t)ent_mp_uint(r, UINT32_MAX);
    m.features = ent_mp_uint(r, UINT64_MAX);
    get_text(r, m.software, sizeof(m.software));
    ent_mp_fixed(r, m.store_id, sizeof(m.store_id));
    m.top = ent_mp_uint(r, UINT64_MAX);
    if (!ent_mp_nil(r)) {
        m.knows_store = true;
        ent_mp_fixed(r, m.known_store_id, sizeof(m.known_store_id));
    }
    m.consumed = ent_mp_uint(r, UINT64_MAX);
    if (!ent_mp_nil(r)) {
        ent_mp_fixed(r, m.consumed_id, sizeof(m.consumed_id));
    }
    m.wall_ms = ent_mp_uint(r, INT64_MAX);
    m.free_mib = ent_mp_uint(r, UINT64_MAX);
    ent_mp_skip_rest(r);
    ent_mp_leave(r);
    if (m.protocol_min > m.protocol_max) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
    st = ent_mp_end(r);
    if (st == ENT_OK) {
        *ret = m;
    }
    return st;
}

void
msg_hello_pad(const struct msg_hello *m, uint8_t ret_p[ENT_HELLO_LEN])
{
    struct ent_buf b = {0};

    ent_buf_init(&b, ENT_HELLO_LEN - 2);
    msg_hello_encode(m, &b);
    ENT_ASSERT(!b.failed);
    memset(ret_p, 0, ENT_HELLO_LEN);
    ent_put_u16(ret_p, (uint16_t)b.len);
    memcpy(ret_p + 2, b.p, b.len);
    ent_buf_release(&b);
}

enum ent_status
msg_hello_unpad(struct ent_slice padded, struct msg_hello *ret)
{
    size_t len;
    size_t i;

    if (padded.len != ENT_HELLO_LEN) {
        return ENT_PEER_MALFORMED;
    }
    len = ent_get_u16(padded.p);
    if (len > ENT_HELLO_LEN - 2) {
        return ENT_PEER_MALFORMED;
    }
    for (i = 2 + len; i < ENT_HELLO_LEN; i++) {
        if (padded.p[i] != 0) {
            return ENT_PEER_MALFORMED;
        }
    }
    return msg_hello_decode(ent_slice(padded.p + 2, len), ret);
}

static void
put_log(struct ent_buf *out, const struct ent_logkey *log)
{
    ent_mp_put_bin(out, ENT_SLICE_OF(log->space));
    ent_mp_put_bin(out, ENT_SLICE_OF(log->node));
    ent_mp_put_uint(out, log->inc);
}

static void
get_log(struct ent_mp *r, struct ent_logkey *ret_log)
{
    ent_mp_id(r, &ret_log->space);
    ent_mp_id(r, &ret_log->node);
    ret_log->inc = (uint32_t)ent_mp_uint(r, UINT32_MAX);
}

/* A seq is never UINT64_MAX: that says "no entry" inside the session. */
static uint64_t
get_seq(struct ent_mp *r)
{
    return ent_mp_uint(r, UINT64_MAX - 1);
}

static void
put_head(struct ent_buf *out, const struct ent_head *h, bool is_change)
{
    ent_mp_put_array(out, is_change ? 7 : 5);
    put_log(out, &h->log);
    ent_mp_put_uint(out, h->seq);
    ent_mp_put_bin(out, ENT_SLICE_OF(h->id));
    if (is_change) {
        ent_mp_put_uint(out, h->from_seq);
        ent_mp_put_uint(out, h->is_coming ? 1 : 0);
    }
}

static void
get_head(struct ent_mp *r, struct ent_head *ret, bool is_change)
{
    size_t fields = is_change ? 7 : 5;

    *ret = (struct ent_head){0};
    ent_mp_enter(r, fields, fields);
    get_log(r, &ret->log);
    ret->seq = get_seq(r);
    ent_mp_id(r, &ret->id);
    if (is_change) {
        ret->from_seq = get_seq(r);
        ret->is_coming = ent_mp_uint(r, 1) == 1;
        if (ret->from_seq > ret->seq) {
            ent_mp_fail(r, ENT_PEER_MALFORMED);
        }
    }
    ent_mp_leave(r);
}

static void
put_head_list(struct ent_buf *out, const struct msg_heads *m, bool is_change)
{
    size_t i;

    ENT_ASSERT(m->count <= ENT_HEADS_PER_MESSAGE_MAX);
    ent_mp_put_array(out, m->count);
    for (i = 0; i < m->count; i++) {
        put_head(out, &m->heads[i], is_change);
    }
}

/* The checked pass of the door has seen `count` elements of the input before
 * anything is reserved for them. */
static void
get_head_list(struct ent_mp *r, struct msg_heads *m, bool is_change)
{
    size_t i;

    m->count = ent_mp_enter(r, 0, ENT_HEADS_PER_MESSAGE_MAX);
    m->heads = ent_alloc_zero(m->count, sizeof(*m->heads));
    for (i = 0; i < m->count && !ent_mp_has_failed(r); i++) {
        get_head(r, &m->heads[i], is_change);
    }
    ent_mp_leave(r);
}

static enum ent_status
end_heads(struct ent_mp *r, struct msg_heads *m, struct msg_heads *ret)
{
    enum ent_status st = ent_mp_end(r);

    if (st == ENT_OK) {
        *ret = *m;
    } else {
        free(m->heads);
    }
    return st;
}

void
msg_changes_encode(const struct msg_heads *m, struct ent_buf *out)
{
    ent_mp_put_array(out, 4);
    ent_mp_put_uint(out, m->after);
    ent_mp_put_uint(out, m->upto);
    ent_mp_put_bin(out, ENT_SLICE_OF(m->upto_id));
    put_head_list(out, m, true);
}

enum ent_status
msg_changes_decode(struct ent_slice body, struct msg_heads *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_heads m = {.is_last = true};

    ent_mp_enter(r, 4, 4);
    m.after = ent_mp_uint(r, UINT64_MAX);
    m.upto = ent_mp_uint(r, UINT64_MAX);
    ent_mp_fixed(r, m.upto_id, sizeof(m.upto_id));
    get_head_list(r, &m, true);
    ent_mp_leave(r);
    if (m.upto <= m.after) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
    return end_heads(r, &m, ret);
}

void
msg_heads_encode(const struct msg_heads *m, struct ent_buf *out)
{
    ent_mp_put_array(out, 2);
    ent_mp_put_uint(out, m->is_last ? 1 : 0);
    put_head_list(out, m, false);
}

enum ent_status
msg_heads_decode(struct ent_slice body, struct msg_heads *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_heads m = {0};

    ent_mp_enter(r, 2, 2);
    m.is_last = ent_mp_uint(r, 1) == 1;
    get_head_list(r, &m, false);
    ent_mp_leave(r);
    return end_heads(r, &m, ret);
}

void
msg_want_encode(const struct msg_want *m, struct ent_buf *out)
{
    size_t i;

    ENT_ASSERT(m->count >= 1 && m->count <= ENT_HEADS_PER_MESSAGE_MAX);
    ent_mp_put_array(out, m->count);
    for (i = 0; i < m->count; i++) {
        ENT_ASSERT(m->needs[i].from_seq <= m->needs[i].to_seq);
        ent_mp_put_array(out, 5);
        put_log(out, &m->needs[i].log);
        ent_mp_put_uint(out, m->needs[i].from_seq);
        ent_mp_put_uint(out, m->needs[i].to_seq);
    }
}

enum ent_status
msg_want_decode(struct ent_slice body, struct msg_want *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_want m = {0};
    enum ent_status st;
    size_t i;

    m.count = ent_mp_enter(r, 1, ENT_HEADS_PER_MESSAGE_MAX);
    m.needs = ent_alloc_zero(m.count, sizeof(*m.needs));
    for (i = 0; i < m.count && !ent_mp_has_failed(r); i++) {
        ent_mp_enter(r, 5, 5);
        get_log(r, &m.needs[i].log);
        m.needs[i].from_seq = get_seq(r);
        m.needs[i].to_seq = get_seq(r);
        if (m.needs[i].from_seq > m.needs[i].to_seq) {
            ent_mp_fail(r, ENT_PEER_MALFORMED);
        }
        ent_mp_leave(r);
    }
    ent_mp_leave(r);
    st = ent_mp_end(r);
    if (st == ENT_OK) {
        *ret = m;
    } else {
        free(m.needs);
    }
    return st;
}

void
msg_run_encode(const struct msg_run *m, struct ent_buf *out)
{
    if (m->run.len > 0) {
        ENT_ASSERT(m->run.len <= ENT_RUN_BYTES_MAX);
        ent_mp_put_array(out, 1);
        ent_mp_put_bin(out, m->run);
    } else {
        ent_mp_put_array(out, 3);
        put_log(out, &m->log);
    }
}

enum ent_status
msg_run_decode(struct ent_slice body, struct msg_run *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_run m = {0};
    enum ent_status st;

    if (ent_mp_enter(r, 1, 3) == 1) {
        m.run = ent_mp_bin(r, 1, ENT_RUN_BYTES_MAX);
    } else {
        get_log(r, &m.log);
    }
    ent_mp_leave(r);
    st = ent_mp_end(r);
    if (st == ENT_OK) {
        *ret = m;
    }
    return st;
}

void
msg_proof_encode(const struct msg_proof *m, struct ent_buf *out)
{
    ENT_ASSERT(m->told <= m->top);
    ent_mp_put_array(out, 7);
    ent_mp_put_uint(out, m->top);
    ent_mp_put_bin(out, ENT_SLICE_OF(m->top_id));
    ent_mp_put_uint(out, m->told);
    ent_mp_put_uint(out, m->consumed);
    ent_mp_put_uint(out, m->head_count);
    ent_mp_put_bin(out, ENT_SLICE_OF(m->spaces));
    ent_mp_put_bin(out, ENT_SLICE_OF(m->mac));
}

enum ent_status
msg_proof_decode(struct ent_slice body, struct msg_proof *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_proof m = {0};
    enum ent_status st;

    ent_mp_enter(r, 7, 7);
    m.top = ent_mp_uint(r, UINT64_MAX);
    ent_mp_fixed(r, m.top_id, sizeof(m.top_id));
    m.told = ent_mp_uint(r, m.top);
    m.consumed = ent_mp_uint(r, UINT64_MAX);
    m.head_count = ent_mp_uint(r, UINT64_MAX);
    ent_mp_fixed(r, m.spaces, sizeof(m.spaces));
    ent_mp_fixed(r, m.mac, sizeof(m.mac));
    ent_mp_leave(r);
    st = ent_mp_end(r);
    if (st == ENT_OK) {
        *ret = m;
    }
    return st;
}

void
msg_ack_encode(const struct msg_ack *m, struct ent_buf *out)
{
    ENT_ASSERT(m->consumed <= m->settled);
    ent_mp_put_array(out, 2);
    ent_mp_put_uint(out, m->consumed);
    ent_mp_put_uint(out, m->settled);
}

enum ent_status
msg_ack_decode(struct ent_slice body, struct msg_ack *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_ack m = {0};
    enum ent_status st;

    ent_mp_enter(r, 2, 2);
    m.consumed = ent_mp_uint(r, UINT64_MAX);
    m.settled = ent_mp_uint(r, UINT64_MAX);
    ent_mp_leave(r);
    if (m.consumed > m.settled) {
        ent_mp_fail(r, ENT_PEER_MALFORMED);
    }
    st = ent_mp_end(r);
    if (st == ENT_OK) {
        *ret = m;
    }
    return st;
}

void
msg_grant_encode(uint64_t bytes, struct ent_buf *out)
{
    ent_mp_put_array(out, 1);
    ent_mp_put_uint(out, bytes);
}

enum ent_status
msg_grant_decode(struct ent_slice body, uint64_t *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    enum ent_status st;
    uint64_t bytes;

    ent_mp_enter(r, 1, 1);
    bytes = ent_mp_uint(r, ENT_CREDIT_MAX);
    ent_mp_leave(r);
    st = ent_mp_end(r);
    if (st == ENT_OK) {
        *ret = bytes;
    }
    return st;
}

void
msg_empty_encode(struct ent_buf *out)
{
    ent_mp_put_array(out, 0);
}

enum ent_status
msg_empty_decode(struct ent_slice body)
{
    struct ent_mp *r = ent_mp_begin(body);

    ent_mp_enter(r, 0, 0);
    ent_mp_leave(r);
    return ent_mp_end(r);
}

void
msg_bye_encode(const struct msg_bye *m, struct ent_buf *out)
{
    ent_mp_put_array(out, 2);
    ent_mp_put_uint(out, m->reason);
    ent_mp_put_cstr(out, m->detail);
}

enum ent_status
msg_bye_decode(struct ent_slice body, struct msg_bye *ret)
{
    struct ent_mp *r = ent_mp_begin(body);
    struct msg_bye m = {0};
    enum ent_status st;

    ent_mp_enter(r, 2, 2);
    m.reason = (uint8_t)ent_mp_uint(r, UINT8_MAX);
    get_text(r, m.detail, sizeof(m.detail));
    ent_mp_leave(r);
    st = ent_mp_end(r);
    if (st == ENT_OK) {
        *ret = m;
    }
    return st;
}
