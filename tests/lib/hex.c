#include "lib/hex.h"
#include "lib/cmocka.h"

#include <stdlib.h>

void
test_unhex(struct ent_buf *out, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *at = ent_buf_grow(out, len);

    ENT_ASSERT(len == 0 || at != NULL);
    ENT_ASSERT(len == 0 || ent_unhex(hex, at, len) == ENT_OK);
}

void
test_assert_hex(struct ent_slice got, const char *hex)
{
    char *text = ent_alloc(2 * got.len + 1);

    ent_hex(text, got.p, got.len);
    assert_string_equal(text, hex);
    free(text);
}
