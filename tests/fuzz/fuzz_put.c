/* One put alone, without a payload around it: its reader is given whatever
 * was stored as an operation of its type. */
#include "fuzz/fuzz.h"

#include <entente/record.h>

static void
check_fields(const struct ent_put *put)
{
    size_t i;

    ENT_ASSERT(put->field_count <= ENT_FIELDS_MAX);
    for (i = 0; i < put->field_count; i++) {
        ENT_ASSERT(put->fields[i].value.len > 0);
        ENT_ASSERT(put->fields[i].value.len <= ENT_TEXT_MAX + 5);
        ENT_ASSERT(put->fields[i].supersedes_count <= ENT_SUPERSEDES_MAX);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ent_put put;
    struct ent_op op = {
        .type = ENT_OP_PUT, .is_known = true, .raw = ent_slice(data, size)};
    struct ent_buf again = {0};
    struct ent_buf third = {0};
    enum ent_status st = ent_put_decode(&op, &put);

    ENT_ASSERT(st == ENT_OK || ent_status_is_peer(st));
    if (st == ENT_OK) {
        check_fields(&put);
        ent_put_encode(&put, &again);
        op.raw = ent_buf_slice(&again);
        ENT_ASSERT(ent_put_decode(&op, &put) == ENT_OK);
        ent_put_encode(&put, &third);
        ENT_ASSERT(ent_slice_eq(ent_buf_slice(&again), ent_buf_slice(&third)));
    }
    ent_buf_release(&again);
    ent_buf_release(&third);
    return 0;
}
