/*
 * Messages of local calls: a length, then one msgpack array. The envelope is
 * written through the strict door, params and results through pack.c.
 */
#include "pack.h"

#include <entente/limits.h>
#include <entente/msgpack.h>
#include <entente/rpc.h>

#define LENGTH_BYTES 4u

static void
put_tree(const struct value *v, struct ent_buf *out)
{
    if (v != NULL) {
        value_to_msgpack(v, out);
    } else {
        ent_mp_put_nil(out);
    }
}

void
rpc_encode(const struct rpc_message *msg, struct ent_buf *out)
{
    size_t start = out->len;
    size_t len;

    ent_buf_put_u32(out, 0); /* the length, known below */
    ent_mp_put_array(out, msg->kind == RPC_NOTIFY ? 3 : 4);
    ent_mp_put_uint(out, msg->kind);
    switch (msg->kind) {
    case RPC_REQUEST:
        ent_mp_put_uint(out, msg->id);
        ent_mp_put_cstr(out, msg->method);
        put_tree(msg->params, out);
        break;
    case RPC_RESPONSE:
        ent_mp_put_uint(out, msg->id);
        put_tree(msg->error, out);
        put_tree(msg->result, out);
        break;
    case RPC_NOTIFY:
        ent_mp_put_cstr(out, msg->method);
        put_tree(msg->params, out);
        break;
    }
    if (out->failed) {
        return;
    }
    len = out->len - start - LENGTH_BYTES;
    if (len > ENT_RPC_BYTES_MAX) {
        out->failed = true;
        return;
    }
    ent_put_u32(out->p + start, (uint32_t)len);
}

/* A method is a dotted word: "situation.offer". */
static bool
read_method(const struct value *v, char ret_method[64])
{
    const char *s = value_string_of(v);
    size_t len = s != NULL ? strlen(s) : 0;

    if (len == 0 || len >= 64 ||
        strspn(s, "abcdefghijklmnopqrstuvwxyz.-_") != len) {
        return false;
    }
    memcpy(ret_method, s, len + 1);
    return true;
}

static bool
read_id(const struct value *v, uint64_t *ret_id)
{
    if (!value_is_int(v) || value_int_of(v) < 0) {
        return false;
    }
    *ret_id = (uint64_t)value_int_of(v);
    return true;
}

/* An object, or nil (then NULL). Becomes the caller's. */
static bool
read_object(struct value *v, struct value **ret_v)
{
    if (!value_is_object(v) && !value_is_null(v)) {
        return false;
    }
    *ret_v = value_is_null(v) ? NULL : value_share(v);
    return true;
}

static bool
read_envelope(const struct value *all, struct rpc_message *m)
{
    int64_t kind =
        value_is_int(value_at(all, 0)) ? value_int_of(value_at(all, 0)) : -1;
    size_t count = value_is_array(all) ? value_count(all) : 0;

    if (kind == RPC_NOTIFY && count == 3) {
        m->kind = RPC_NOTIFY;
        return read_method(value_at(all, 1), m->method) &&
               read_object(value_at(all, 2), &m->params);
    }
    if (kind == RPC_REQUEST && count == 4) {
        m->kind = RPC_REQUEST;
        return read_id(value_at(all, 1), &m->id) &&
               read_method(value_at(all, 2), m->method) &&
               read_object(value_at(all, 3), &m->params);
    }
    if (kind == RPC_RESPONSE && count == 4) {
        m->kind = RPC_RESPONSE;
        return read_id(value_at(all, 1), &m->id) &&
               read_object(value_at(all, 2), &m->error) &&
               read_object(value_at(all, 3), &m->result);
    }
    return false;
}

enum ent_status
rpc_decode(struct ent_slice in, struct rpc_message *ret_msg, size_t *ret_used)
{
    struct rpc_message m = {.kind = RPC_REQUEST};
    struct value *all = NULL;
    enum ent_status st;
    uint32_t len;
    bool is_message;

    if (in.len < LENGTH_BYTES) {
        return ENT_WANT_MORE;
    }
    len = ent_get_u32(in.p);
    if (len > ENT_RPC_BYTES_MAX) {
        return ENT_PEER_TOO_BIG;
    }
    if (len > in.len - LENGTH_BYTES) {
        return ENT_WANT_MORE;
    }
    st = pack_read(ent_slice(in.p + LENGTH_BYTES, len), PACK_DEPTH_MAX, &all);
    if (st != ENT_OK) {
        return st;
    }
    is_message = read_envelope(all, &m);
    value_free(all);
    if (!is_message) {
        rpc_message_release(&m);
        return ENT_PEER_MALFORMED;
    }
    *ret_msg = m;
    *ret_used = LENGTH_BYTES + len;
    return ENT_OK;
}

void
rpc_message_release(struct rpc_message *msg)
{
    value_free(msg->params);
    value_free(msg->error);
    value_free(msg->result);
    *msg = (struct rpc_message){.kind = RPC_REQUEST};
}
