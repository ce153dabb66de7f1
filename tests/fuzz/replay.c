/*
 * Runs a fuzz target without libFuzzer, so that ctest replays its corpus in
 * every build: each file as it is, cut short, and with single bits flipped.
 * Nothing here is random: a failure comes back with the same arguments.
 *
 * Usage: replay-<name> [FILE or FOLDER]...
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (1024u * 1024u)
#define CUTS_MAX 256u
#define FLIPS_MAX 512u

static unsigned long run_count;

static void
fail(const char *what, const char *path)
{
    fprintf(stderr, "replay: %s: %s\n", what, path);
    exit(1);
}

static void
run(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(1, size > 0 ? size : 1);

    if (copy == NULL) {
        fail("out of memory", "");
        return;
    }
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    run_count++;
}

/* At most `max` values spread over 0..size, so that big files stay quick. */
static size_t
stride(size_t size, size_t max)
{
    return size / max + 1;
}

static void
run_with_damage(uint8_t *data, size_t size)
{
    size_t i;

    run(data, size);
    for (i = 0; i < size; i += stride(size, CUTS_MAX)) {
        run(data, i);
    }
    for (i = 0; i < size; i += stride(size, FLIPS_MAX)) {
        uint8_t bit = (uint8_t)(1u << (i % 8));

        data[i] ^= bit;
        run(data, size);
        data[i] ^= bit;
    }
}

static void
run_file(const char *path)
{
    uint8_t *data = malloc(FILE_MAX);
    FILE *f = fopen(path, "rb");
    size_t size;

    if (f == NULL || data == NULL) {
        fail("cannot read", path);
        return;
    }
    size = fread(data, 1, FILE_MAX, f);
    fclose(f);
    run_with_damage(data, size);
    free(data);
}

static void
run_folder(const char *path)
{
    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort);
    int i;

    if (count < 0) {
        fail("cannot list", path);
    }
    for (i = 0; i < count; i++) {
        char file[4096];
        int len = snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);

        if (names[i]->d_name[0] != '.' && len > 0 &&
            (size_t)len < sizeof(file)) {
            run_file(file);
        }
        free(names[i]);
    }
    free(names);
}

int
main(int argc, char **argv)
{
    uint8_t byte;
    int i;

    run((const uint8_t *)"", 0);
    for (i = 0; i < 256; i++) {
        byte = (uint8_t)i;
        run(&byte, 1);
    }
    for (i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) != 0) {
            fail("cannot find", argv[i]);
        }
        if (S_ISDIR(st.st_mode)) {
            run_folder(argv[i]);
        } else {
            run_file(argv[i]);
        }
    }
    printf("%lu inputs\n", run_count);
    return 0;
}
