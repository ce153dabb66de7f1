#include "lib/golden.h"
#include "lib/cmocka.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_LEN_MAX 1024
#define BYTES_PER_LINE 32u

/* The file's hex digits without white space. Returns owned, or NULL. */
static char *
read_digits(const char *path)
{
    FILE *f = fopen(path, "r");
    struct ent_buf digits = {0};
    int c;

    if (f == NULL) {
        return NULL;
    }
    while ((c = getc(f)) != EOF) {
        if (!isspace(c)) {
            ent_buf_put_u8(&digits, (uint8_t)c);
        }
    }
    fclose(f);
    ent_buf_put_u8(&digits, 0);
    ENT_ASSERT(!digits.failed);
    return (char *)digits.p;
}

static void
write_digits(const char *path, struct ent_slice got)
{
    FILE *f = fopen(path, "w");
    size_t i;

    ENT_ASSERT(f != NULL);
    for (i = 0; i < got.len; i++) {
        bool ends = (i + 1) % BYTES_PER_LINE == 0 || i + 1 == got.len;

        fprintf(f, "%02x%s", got.p[i], ends ? "\n" : "");
    }
    ENT_ASSERT(fclose(f) == 0);
}

static void
compare(const char *name, const char *want, const char *got)
{
    size_t i = 0;

    while (want[i] != '\0' && want[i] == got[i]) {
        i++;
    }
    if (want[i] != got[i]) {
        fail_msg("%s: byte %zu differs (%zu bytes kept, %zu made)", name, i / 2,
                 strlen(want) / 2, strlen(got) / 2);
    }
}

void
test_golden(const char *name, struct ent_slice got)
{
    const char *write = getenv("ENT_GOLDEN_WRITE");
    char path[PATH_LEN_MAX];
    char *want;
    char *text;
    int len =
        snprintf(path, sizeof(path), "%s/vectors/%s.hex", ENT_TEST_DATA, name);

    ENT_ASSERT(len > 0 && (size_t)len < sizeof(path));
    want = read_digits(path);
    if (want == NULL && write != NULL && strcmp(write, "1") == 0) {
        write_digits(path, got);
        return;
    }
    if (want == NULL) {
        fail_msg("%s is missing", path);
        return;
    }
    text = ent_hex(ent_alloc(2 * got.len + 1), got.p, got.len);
    compare(name, want, text);
    free(text);
    free(want);
}
