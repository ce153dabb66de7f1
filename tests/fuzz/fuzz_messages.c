/* The session's messages: the first byte is the type (0: HELLO as message 3
 * of the handshake carries it), the rest the body. Read, written and read
 * again it is the same; where a message has one form, so are the bytes. */
#include "fuzz/fuzz.h"

#include "sync/messages.h"

#include <stdlib.h>

#define HEADS_SIZE(m) ((m).count * ENT_HEAD_WIRE_MAX + 64)

static bool
check_hello(struct ent_slice body, bool is_padded)
{
    struct ent_buf once = {0};
    struct ent_buf twice = {0};
    uint8_t padded[ENT_HELLO_LEN];
    struct msg_hello m;
    enum ent_status st =
        is_padded ? msg_hello_unpad(body, &m) : msg_hello_decode(body, &m);

    if (st != ENT_OK) {
        return false;
    }
    /* Fields of later versions are skipped, so only ours come back. */
    msg_hello_encode(&m, &once);
    ENT_ASSERT(msg_hello_decode(ent_buf_slice(&once), &m) == ENT_OK);
    msg_hello_pad(&m, padded);
    ENT_ASSERT(msg_hello_unpad(ENT_SLICE_OF(padded), &m) == ENT_OK);
    msg_hello_encode(&m, &twice);
    ENT_ASSERT(ent_slice_eq(ent_buf_slice(&once), ent_buf_slice(&twice)));
    ent_buf_release(&once);
    ent_buf_release(&twice);
    return false;
}

static bool
write_heads(unsigned type, struct ent_slice body, struct ent_buf *out)
{
    bool is_changes = type == ENT_MSG_CHANGES;
    struct msg_heads m;
    enum ent_status st =
        is_changes ? msg_changes_decode(body, &m) : msg_heads_decode(body, &m);

    if (st != ENT_OK) {
        return false;
    }
    if (is_changes) {
        msg_changes_encode(&m, out);
    } else {
        msg_heads_encode(&m, out);
    }
    ENT_ASSERT(out->len <= HEADS_SIZE(m));
    free(m.heads);
    return true;
}

static bool
write_want(struct ent_slice body, struct ent_buf *out)
{
    struct msg_want m;

    if (msg_want_decode(body, &m) != ENT_OK) {
        return false;
    }
    msg_want_encode(&m, out);
    free(m.needs);
    return true;
}

/* Decodes as `M` and encodes again. */
#define AGAIN(M)                                                               \
    do {                                                                       \
        struct msg_##M m;                                                      \
        if (msg_##M##_decode(body, &m) != ENT_OK) {                            \
            return false;                                                      \
        }                                                                      \
        msg_##M##_encode(&m, out);                                             \
        return true;                                                           \
    } while (0)

static bool
write_run(struct ent_slice body, struct ent_buf *out)
{
    AGAIN(run);
}

static bool
write_ack(struct ent_slice body, struct ent_buf *out)
{
    AGAIN(ack);
}

static bool
write_proof(struct ent_slice body, struct ent_buf *out)
{
    AGAIN(proof);
}

static bool
write_bye(struct ent_slice body, struct ent_buf *out)
{
    AGAIN(bye);
}

static bool
write_grant(struct ent_slice body, struct ent_buf *out)
{
    uint64_t bytes;

    if (msg_grant_decode(body, &bytes) != ENT_OK) {
        return false;
    }
    msg_grant_encode(bytes, out);
    return true;
}

/* False when the body was refused, or may have more than one form. */
static bool
write_again(unsigned type, struct ent_slice body, struct ent_buf *out)
{
    switch (type) {
    case 0:
    case ENT_MSG_HELLO:
        return check_hello(body, type == 0);
    case ENT_MSG_CHANGES:
    case ENT_MSG_HEADS:
        return write_heads(type, body, out);
    case ENT_MSG_WANT:
        return write_want(body, out);
    case ENT_MSG_RUN:
        return write_run(body, out);
    case ENT_MSG_ACK:
        return write_ack(body, out);
    case ENT_MSG_PROOF:
        return write_proof(body, out);
    case ENT_MSG_GRANT:
        return write_grant(body, out);
    case ENT_MSG_BYE:
        return write_bye(body, out);
    default:
        if (msg_empty_decode(body) != ENT_OK) {
            return false;
        }
        msg_empty_encode(out);
        return true;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ent_slice body;
    struct ent_buf again = {0};

    if (size == 0) {
        return 0;
    }
    body = ent_slice(data + 1, size - 1);
    if (write_again(data[0] % 12, body, &again)) {
        ENT_ASSERT(ent_slice_eq(ent_buf_slice(&again), body));
    }
    ent_buf_release(&again);
    return 0;
}
