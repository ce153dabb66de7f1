/* JSON as people and scripts give it. What was read is printed, read again
 * and printed the same; and it travels as msgpack without a change. */
#include "fuzz/fuzz.h"

#include <entente/value.h>

#include <stdlib.h>

/* By way of msgpack; NULL when that form refuses it. */
static struct value *
travel(const struct value *v)
{
    struct ent_buf bytes = {0};
    struct value *there = NULL;
    enum ent_status st = ENT_OK;

    value_to_msgpack(v, &bytes);
    if (!bytes.failed) {
        st = value_from_msgpack(ent_buf_slice(&bytes), &there);
        ENT_ASSERT(st == ENT_OK);
    }
    ent_buf_release(&bytes);
    return there;
}

static void
check(const struct value *v)
{
    char error[160];
    char *text = value_to_json(v, false, false);
    struct value *again = value_from_json(text, strlen(text), error);
    struct value *there = travel(v);
    char *text_again;

    ENT_ASSERT(again != NULL);
    text_again = value_to_json(again, false, false);
    ENT_ASSERT(strcmp(text, text_again) == 0);
    free(text_again);
    if (there != NULL) {
        text_again = value_to_json(there, false, false);
        ENT_ASSERT(strcmp(text, text_again) == 0);
        free(text_again);
    }
    value_free(there);
    value_free(again);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[160] = "";
    struct value *v = value_from_json((const char *)data, size, error);

    if (v != NULL) {
        check(v);
    } else {
        ENT_ASSERT(error[0] != '\0' && strlen(error) < sizeof(error));
    }
    value_free(v);
    return 0;
}
