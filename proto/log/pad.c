#include "log/pad.h"

#include <entente/crypto.h>

#define PAD_MARK 0x80u /* as ISO 7816-4 and sodium_pad() have it */

size_t
pad_len(size_t len, size_t min)
{
    size_t padded = ent_padme(len + 1);

    return padded > min ? padded : min;
}

void
pad_put(struct ent_buf *out, struct ent_slice plain, size_t min)
{
    size_t rest = pad_len(plain.len, min) - plain.len;
    uint8_t *at;

    ENT_ASSERT(rest > 0);
    ent_buf_put_slice(out, plain);
    at = ent_buf_grow(out, rest);
    if (at != NULL) {
        memset(at, 0, rest);
        at[0] = PAD_MARK;
    }
}

/* PROTO §3.2: "The reader checks that the padding is exactly that." */
bool
pad_strip(const uint8_t *p, size_t len, size_t min, size_t *ret_len)
{
    size_t end = len;

    while (end > 0 && p[end - 1] == 0) {
        end--;
    }
    if (end == 0 || p[end - 1] != PAD_MARK || pad_len(end - 1, min) != len) {
        return false;
    }
    *ret_len = end - 1;
    return true;
}
