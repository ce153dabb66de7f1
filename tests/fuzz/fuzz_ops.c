/* Payloads: control operations and puts. What all versions must judge alike
 * has one encoding: written again it is the input. */
#include "fuzz/fuzz.h"

#include <entente/record.h>

/* A put that was read is the same after it was written and read again. */
static void
check_put(const struct ent_op *op)
{
    static struct ent_put put, again; /* large; fuzzing has one thread */
    struct ent_buf bytes = {0};
    struct ent_op written = {.type = ENT_OP_PUT, .is_known = true};

    if (ent_put_decode(op, &put) != ENT_OK) {
        return;
    }
    ENT_ASSERT(put.field_count <= ENT_FIELDS_MAX);
    ent_put_encode(&put, &bytes);
    ENT_ASSERT(!bytes.failed);
    written.raw = ent_buf_slice(&bytes);
    ENT_ASSERT(ent_put_decode(&written, &again) == ENT_OK);
    ENT_ASSERT(again.field_count == put.field_count && again.kind == put.kind);
    ENT_ASSERT(op->is_critical || ent_slice_eq(written.raw, op->raw));
    ent_buf_release(&bytes);
}

/* Writes the payload again; false when it holds what we cannot write. */
static bool
write_again(const struct ent_ops *ops, struct ent_buf *out)
{
    bool is_ours = ops->types_version == ENT_TYPES_VERSION;
    size_t i;

    ent_ops_begin(out, ops->person, ops->count);
    for (i = 0; i < ops->count; i++) {
        const struct ent_op *op = &ops->ops[i];

        if (op->is_known && op->type != ENT_OP_PUT) {
            ent_op_put(out, op);
        } else {
            ent_buf_put_slice(out, op->raw);
        }
    }
    return is_ours;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ent_slice in = ent_slice(data, size);
    struct ent_buf again = {0};
    struct ent_ops ops;
    enum ent_status st = ent_ops_decode(in, &ops);
    size_t i;

    ENT_ASSERT(st == ENT_OK || ent_status_is_peer(st));
    if (st != ENT_OK) {
        return 0;
    }
    ENT_ASSERT(ops.count <= ENT_OPS_MAX && ops.person.len <= ENT_PERSON_MAX);
    for (i = 0; i < ops.count; i++) {
        if (ops.ops[i].type == ENT_OP_PUT) {
            check_put(&ops.ops[i]);
        }
    }
    if (write_again(&ops, &again)) {
        ENT_ASSERT(!again.failed);
        ENT_ASSERT(ent_slice_eq(ent_buf_slice(&again), in));
    }
    ent_ops_release(&ops);
    ent_buf_release(&again);
    return 0;
}
