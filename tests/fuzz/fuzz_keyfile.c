/*
 * Key files. An even first byte: the rest is the file as it came. An odd one:
 * the rest is given its checksum, so that the slots are reached. Only the way
 * by a raw key file is tried: a passphrase costs what the slot asks for.
 */
#include "fuzz/fuzz.h"

#include "store/base/keyfile.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SUMMED_LEN (88u + KEYFILE_SLOTS * 128u)
#define PATH_LEN 32u

/* A file in memory that others open by its name. */
static int
make_file(struct ent_slice bytes, char ret_path[PATH_LEN])
{
    int fd = memfd_create("fuzz-keyfile", MFD_CLOEXEC);

    ENT_ASSERT(fd >= 0);
    ENT_ASSERT(write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len);
    snprintf(ret_path, PATH_LEN, "/proc/self/fd/%d", fd);
    return fd;
}

static void
check_info(const struct keyfile_info *info)
{
    size_t i;

    for (i = 0; i < KEYFILE_SLOTS; i++) {
        const struct keyfile_slot *slot = &info->slots[i];

        ENT_ASSERT(slot->type <= KEYFILE_RECOVERY);
        ENT_ASSERT(slot->passes <= KEYFILE_PASSES_MAX);
        ENT_ASSERT(slot->memory_kib <= KEYFILE_MEMORY_KIB_MAX);
    }
}

static void
check(const char *path)
{
    static const uint8_t raw[KEYFILE_RAW_LEN] = {0x42};
    char raw_path[PATH_LEN];
    int raw_fd = make_file(ENT_SLICE_OF(raw), raw_path);
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = raw_path};
    struct storekey *key = NULL;
    struct keyfile_info info;
    enum ent_status st = keyfile_info(path, &info);

    ENT_ASSERT(st == ENT_OK || st == ENT_SELF_CORRUPT);
    if (st == ENT_OK) {
        check_info(&info);
        st = keyfile_open(path, &way, &key);
        ENT_ASSERT(st == ENT_OK || st == ENT_RULE_AUTH ||
                   st == ENT_SELF_CORRUPT);
        ENT_ASSERT((st == ENT_OK) == (key != NULL));
    } else {
        ENT_ASSERT(keyfile_open(path, &way, &key) == st);
    }
    if (key != NULL) {
        ENT_ASSERT(ent_id_eq(storekey_id(key), &info.store_id));
    }
    storekey_free(key);
    close(raw_fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ent_buf file = {0};
    struct ent_id sum;
    char path[PATH_LEN];
    int fd;

    if (size == 0) {
        return 0;
    }
    ent_buf_put(&file, data + 1, size - 1);
    if ((data[0] & 1) != 0 && file.len >= SUMMED_LEN) {
        file.len = SUMMED_LEN;
        ent_hash("entente/keyfile/sum/1", ent_buf_slice(&file), &sum);
        ent_buf_put(&file, sum.b, sizeof(sum.b));
    }
    fd = make_file(ent_buf_slice(&file), path);
    check(path);
    close(fd);
    ent_buf_release(&file);
    return 0;
}
