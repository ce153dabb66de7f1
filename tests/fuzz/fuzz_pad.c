/* Padding: what strips is exactly what would be put, so padding carries
 * nothing. The first byte chooses between the two smallest sizes. */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include "log/pad.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    size_t min = (bytes_u8(&in) & 1) != 0 ? 1024 : 64;
    struct ent_slice padded = bytes_take(&in, SIZE_MAX);
    struct ent_buf again = {0};
    size_t len = SIZE_MAX;

    if (pad_strip(padded.p, padded.len, min, &len)) {
        ENT_ASSERT(len < padded.len);
        pad_put(&again, ent_slice(padded.p, len), min);
        ENT_ASSERT(ent_slice_eq(ent_buf_slice(&again), padded));
    }
    ent_buf_clear(&again);
    pad_put(&again, padded, min);
    ENT_ASSERT(pad_strip(again.p, again.len, min, &len) && len == padded.len);
    ent_buf_release(&again);
    return 0;
}
