/*
 * Records behind an open link: the fuzzer chooses what is inside, and it is
 * sealed as a peer would. Each record is described by one byte for its bucket
 * and flags, two for how many bytes of its inside follow, and these; the rest
 * of the inside is zero. An odd first byte gives the rest as it came, sealed
 * by nobody. The oracle: cuts change nothing, and a message by our own writer
 * is read as it was written.
 */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include <entente/limits.h>

#include "wire/records.h"

#define RECORDS_MAX 24u

static const size_t buckets[] = {256, 512, 1024, 4096, 16384, ENT_RECORD_MAX};

static const struct noise_cipher both_ends = {.key = {{9}}, .has_key = true};

static void
seal_record(struct bytes *in, struct noise_cipher *cipher, struct ent_buf *out)
{
    size_t bucket = buckets[bytes_u8(in) % 6];
    struct ent_slice inside = bytes_take(in, bytes_u16(in));
    uint8_t *at = ent_buf_grow(out, RECORD_PREFIX_LEN + bucket);
    size_t room = bucket - ENT_TAG_LEN;
    bool is_sealed;

    ENT_ASSERT(at != NULL);
    ent_put_u16(at, (uint16_t)bucket);
    memset(at + RECORD_PREFIX_LEN, 0, room);
    if (inside.len > 0) {
        memcpy(at + RECORD_PREFIX_LEN, inside.p,
               inside.len < room ? inside.len : room);
    }
    is_sealed = noise_cipher_seal(cipher, ent_slice(NULL, 0),
                                  ent_slice(at + RECORD_PREFIX_LEN, room),
                                  at + RECORD_PREFIX_LEN);
    ENT_ASSERT(is_sealed);
}

struct outcome {
    enum ent_status st;
    size_t count;
    struct ent_id messages; /* a hash over all of them, in order */
};

static void
take_message(const struct record_message *m, struct outcome *r)
{
    struct ent_hasher h;

    ENT_ASSERT(m->type <= RECORD_TYPE_MAX && m->body.len <= ENT_MESSAGE_MAX);
    ent_hasher_init(&h, "fuzz");
    ent_hasher_add(&h, ENT_SLICE_OF(r->messages));
    ent_hasher_add(&h, ENT_SLICE_OF(m->type));
    ent_hasher_add(&h, m->body);
    ent_hasher_end(&h, &r->messages);
    r->count++;
}

static struct outcome
read_all(struct ent_slice in, size_t cut)
{
    struct outcome r = {.st = ENT_OK};
    struct record_message m;
    struct record_reader reader;
    size_t done = 0;
    size_t used;

    record_reader_init(&reader);
    reader.cipher = both_ends;
    while (r.st == ENT_OK && done < in.len) {
        size_t part = in.len - done < cut ? in.len - done : cut;

        r.st = record_read(&reader, ent_slice(in.p + done, part), &used, &m);
        if (r.st != ENT_OK) {
            break;
        }
        ENT_ASSERT(used > 0 && used <= part);
        done += used;
        if (m.is_whole) {
            take_message(&m, &r);
        }
    }
    ENT_ASSERT(r.st == ENT_OK || ent_status_is_peer(r.st));
    record_reader_release(&reader);
    return r;
}

/* A message by our own writer is read as it was written. */
static void
check_writer(uint8_t type, struct ent_slice body)
{
    struct record_writer writer = {.cipher = both_ends};
    struct record_message m = {.is_whole = true, .type = type, .body = body};
    struct ent_buf bytes = {0};
    struct outcome want = {.st = ENT_OK};
    struct outcome got;

    ENT_ASSERT(record_write(&writer, type, body, &bytes) == ENT_OK);
    take_message(&m, &want);
    got = read_all(ent_buf_slice(&bytes), SIZE_MAX);
    ENT_ASSERT(got.st == ENT_OK && got.count == 1);
    ENT_ASSERT(ent_id_eq(&got.messages, &want.messages));
    ent_buf_release(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    uint8_t mode = bytes_u8(&in);
    size_t cut = bytes_u16(&in) % 5000 + 1u;
    struct noise_cipher cipher = both_ends;
    struct ent_buf stream = {0};
    struct outcome a, b;
    size_t i;

    check_writer(mode & RECORD_TYPE_MAX, ent_slice(in.p, in.left));
    for (i = 0; (mode & 1) == 0 && in.left > 0 && i < RECORDS_MAX; i++) {
        seal_record(&in, &cipher, &stream);
    }
    ent_buf_put_slice(&stream, bytes_take(&in, SIZE_MAX));
    a = read_all(ent_buf_slice(&stream), SIZE_MAX);
    b = read_all(ent_buf_slice(&stream), cut);
    ENT_ASSERT(a.st == b.st && a.count == b.count);
    ENT_ASSERT(ent_id_eq(&a.messages, &b.messages));
    ent_buf_release(&stream);
    return 0;
}
