#include "lib/hex.h"

void
test_unhex(struct ent_buf *out, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *at = ent_buf_grow(out, len);

    ENT_ASSERT(len == 0 || at != NULL);
    ENT_ASSERT(len == 0 || ent_unhex(hex, at, len) == ENT_OK);
}
