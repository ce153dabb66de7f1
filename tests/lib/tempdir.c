#include "lib/tempdir.h"

#include <entente/base.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OPEN_FOLDERS_MAX 16

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void
test_dir_init(struct test_dir *dir)
{
    const char *base = getenv("TMPDIR");
    int len;

    if (base == NULL || base[0] == '\0') {
        base = "/tmp";
    }
    len =
        snprintf(dir->path, sizeof(dir->path), "%s/entente-test-XXXXXX", base);
    ENT_ASSERT(len > 0 && (size_t)len < sizeof(dir->path));
    ENT_ASSERT(mkdtemp(dir->path) != NULL);
}

void
test_dir_release(struct test_dir *dir)
{
    if (dir->path[0] == '\0') {
        return;
    }
    ENT_ASSERT(nftw(dir->path, remove_one, OPEN_FOLDERS_MAX,
                    FTW_DEPTH | FTW_PHYS) == 0);
    dir->path[0] = '\0';
}

char *
test_dir_path(const struct test_dir *dir, const char *name, char *out)
{
    int len = snprintf(out, TEST_PATH_MAX, "%s/%s", dir->path, name);

    ENT_ASSERT(len > 0 && len < TEST_PATH_MAX);
    return out;
}
