/*
 * noise-vectors FILE: runs published Noise vectors against wire/noise.
 *
 * Two forms of JSON are read: cacophony's (protocol_name, init_psks …) and
 * the older one (name, or pattern/dh/cipher/hash; init_psk …). The full name
 * decides what a vector is; what this project does not speak is skipped. For
 * every message the sender must produce the published bytes and the receiver
 * must read the published payload out of them. A vector with "fail": true
 * passes when some message of it is refused.
 *
 * Last line: "N passed, N failed, N skipped". Exit 0, 1 when a vector failed,
 * 2 when the file cannot be read as vectors.
 */
#include "wire/noise.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_LEN 256u

enum outcome {
    PASSED,
    FAILED,
    SKIPPED,
    OUTCOME_COUNT,
};

struct side {
    struct noise handshake;
    struct noise_cipher send, receive;
};

struct run {
    const json_t *vector;
    char name[NAME_LEN];
    struct noise_pattern pattern;
    struct side sides[2]; /* initiator, responder */
    bool must_fail;       /* the vector says so */
    bool was_refused;     /* a reader refused a message */
    char why[160];        /* the first thing that was wrong */
};

static bool
wrong(struct run *run, const char *what, const char *where)
{
    snprintf(run->why, sizeof(run->why), "%s: %s", where, what);
    return false;
}

/* Appends the bytes of a hex string. */
static bool
unhex(struct run *run, const json_t *value, const char *where,
      struct ent_buf *out)
{
    const char *hex = json_string_value(value);
    size_t len = hex != NULL ? strlen(hex) : 0;
    uint8_t *at;

    if (hex == NULL) {
        return wrong(run, "missing or not a string", where);
    }
    if (len == 0) {
        return true;
    }
    at = ent_buf_grow(out, len / 2);
    if (at == NULL || ent_unhex(hex, at, len / 2) != ENT_OK) {
        return wrong(run, "not hex", where);
    }
    return true;
}

static bool
get_key(struct run *run, const json_t *value, const char *where,
        struct ent_key *ret_key)
{
    struct ent_buf b = {0};
    bool is_good = unhex(run, value, where, &b);

    if (is_good && b.len != sizeof(ret_key->b)) {
        is_good = wrong(run, "not 32 bytes", where);
    }
    if (is_good) {
        memcpy(ret_key->b, b.p, sizeof(ret_key->b));
    }
    ent_buf_release(&b);
    return is_good;
}

/* A field of one side: "init_" or "resp_" and `what`. */
static const json_t *
side_field(const struct run *run, size_t side, const char *what)
{
    char name[64];

    snprintf(name, sizeof(name), "%s_%s", side == 0 ? "init" : "resp", what);
    return json_object_get(run->vector, name);
}

static bool
get_side_key(struct run *run, size_t side, const char *what,
             struct ent_key *ret_key)
{
    return get_key(run, side_field(run, side, what), what, ret_key);
}

/* Pre-shared key number `index`: init_psks[index], or a single init_psk. */
static bool
set_psk(struct run *run, size_t side, size_t index)
{
    const json_t *value = json_array_get(side_field(run, side, "psks"), index);
    struct ent_key psk;

    if (value == NULL && index == 0) {
        value = side_field(run, side, "psk");
    }
    if (value == NULL) {
        value = json_array_get(json_object_get(run->vector, "psks"), index);
    }
    if (!get_key(run, value, "psks", &psk)) {
        return false;
    }
    noise_set_psk(&run->sides[side].handshake, index, &psk);
    return true;
}

/* The responder's public key that the initiator starts from. */
static bool
get_remote_static(struct run *run, struct ent_key *ret_key)
{
    struct ent_key secret;

    if (side_field(run, 0, "remote_static") != NULL) {
        return get_side_key(run, 0, "remote_static", ret_key);
    }
    if (!get_side_key(run, 1, "static", &secret)) {
        return false;
    }
    ent_dh_public(&secret, ret_key);
    return true;
}

static bool
set_up_side(struct run *run, size_t side)
{
    struct noise_config config = {.name = run->name, .is_initiator = side == 0};
    bool has_static = side == 1 || run->pattern.is_initiator_static;
    const json_t *prologue = side_field(run, side, "prologue");
    struct ent_buf b = {0};
    bool is_good = true;

    if (prologue != NULL) {
        is_good = unhex(run, prologue, "prologue", &b);
    }
    config.prologue = ent_buf_slice(&b);
    if (is_good && has_static) {
        is_good = get_side_key(run, side, "static", &config.s_secret);
    }
    if (is_good) {
        is_good = get_side_key(run, side, "ephemeral", &config.e_secret);
    }
    if (is_good && side == 0 && run->pattern.is_responder_known) {
        is_good = get_remote_static(run, &config.rs);
    }
    if (is_good) {
        noise_init(&run->sides[side].handshake, &config);
    }
    ent_buf_release(&b);
    for (size_t i = 0; is_good && i < run->pattern.psk_count; i++) {
        is_good = set_psk(run, side, i);
    }
    return is_good;
}

/* One handshake or transport message, as the sender makes it. */
static enum ent_status
encode(struct side *side, struct ent_slice payload, struct ent_buf *out)
{
    uint8_t *at;

    if (!noise_is_done(&side->handshake)) {
        return noise_write(&side->handshake, payload, out);
    }
    at = ent_buf_grow(out, payload.len + ENT_TAG_LEN);
    if (at == NULL ||
        !noise_cipher_seal(&side->send, ent_slice(NULL, 0), payload, at)) {
        return ENT_PEER_TOO_BIG;
    }
    return ENT_OK;
}

static enum ent_status
decode(struct side *side, struct ent_slice message, struct ent_buf *out)
{
    uint8_t *at;

    if (!noise_is_done(&side->handshake)) {
        return noise_read(&side->handshake, message, out);
    }
    at = ent_buf_grow(out, message.len);
    if (at == NULL || message.len < ENT_TAG_LEN ||
        !noise_cipher_open(&side->receive, ent_slice(NULL, 0), message, at)) {
        return ENT_PEER_DECRYPT;
    }
    out->len -= ENT_TAG_LEN;
    return ENT_OK;
}

static bool
handshake_hash_fits(struct run *run)
{
    const json_t *value = json_object_get(run->vector, "handshake_hash");
    struct ent_key hash;

    if (value == NULL) {
        return true;
    }
    if (!get_key(run, value, "handshake_hash", &hash)) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        if (memcmp(hash.b, run->sides[i].handshake.symmetric.hash,
                   sizeof(hash.b)) != 0) {
            return wrong(run, "differs", "handshake_hash");
        }
    }
    return true;
}

/* Sends message number `index`; both sides must agree with the file. */
static bool
exchange(struct run *run, size_t index, struct ent_slice payload,
         struct ent_slice cipher)
{
    struct side *from = &run->sides[index % 2];
    struct side *to = &run->sides[1 - index % 2];
    bool was_done = noise_is_done(&from->handshake);
    struct ent_buf made = {0};
    struct ent_buf read = {0};
    bool is_good = true;
    char where[32];

    snprintf(where, sizeof(where), "message %zu", index);
    if (encode(from, payload, &made) != ENT_OK) {
        is_good = wrong(run, "cannot be written", where);
    } else if (!run->must_fail && !ent_slice_eq(ent_buf_slice(&made), cipher)) {
        is_good = wrong(run, "ciphertext differs", where);
    } else if (decode(to, cipher, &read) != ENT_OK) {
        run->was_refused = true;
        is_good = wrong(run, "refused by its reader", where);
    } else if (!ent_slice_eq(ent_buf_slice(&read), payload)) {
        is_good = wrong(run, "payload differs", where);
    }
    ent_buf_release(&made);
    ent_buf_release(&read);
    if (is_good && !was_done && noise_is_done(&from->handshake)) {
        noise_split(&from->handshake, &from->send, &from->receive);
        noise_split(&to->handshake, &to->send, &to->receive);
        is_good = handshake_hash_fits(run);
    }
    return is_good;
}

static bool
run_messages(struct run *run)
{
    const json_t *messages = json_object_get(run->vector, "messages");
    struct ent_buf payload = {0};
    struct ent_buf cipher = {0};
    bool is_good = true;
    const json_t *message;

    if (json_array_size(messages) == 0) {
        return wrong(run, "missing or empty", "messages");
    }
    for (size_t i = 0; is_good && i < json_array_size(messages); i++) {
        message = json_array_get(messages, i);
        ent_buf_clear(&payload);
        ent_buf_clear(&cipher);
        is_good =
            unhex(run, json_object_get(message, "payload"), "payload",
                  &payload) &&
            unhex(run, json_object_get(message, "ciphertext"), "ciphertext",
                  &cipher) &&
            exchange(run, i, ent_buf_slice(&payload), ent_buf_slice(&cipher));
    }
    ent_buf_release(&payload);
    ent_buf_release(&cipher);
    if (is_good && !noise_is_done(&run->sides[0].handshake) &&
        json_object_get(run->vector, "handshake_hash") != NULL) {
        return wrong(run, "the handshake was not finished", "handshake_hash");
    }
    return is_good;
}

static const char *
field(const json_t *vector, const char *name)
{
    const char *value = json_string_value(json_object_get(vector, name));

    return value != NULL ? value : "";
}

/* The full name; put together when only its parts are there. A psk beside a
 * pattern without one is the NoisePSK_ of older revisions. */
static void
read_name(struct run *run)
{
    const char *name = field(run->vector, "protocol_name");
    const char *pattern = field(run->vector, "pattern");
    bool is_old_psk;

    if (*name == '\0') {
        name = field(run->vector, "name");
    }
    if (*name != '\0') {
        snprintf(run->name, sizeof(run->name), "%s", name);
        return;
    }
    is_old_psk =
        side_field(run, 0, "psk") != NULL && strstr(pattern, "psk") == NULL;
    snprintf(run->name, sizeof(run->name), "%s_%s_%s_%s_%s",
             is_old_psk ? "NoisePSK" : "Noise", pattern,
             field(run->vector, "dh"), field(run->vector, "cipher"),
             field(run->vector, "hash"));
}

static enum outcome
run_vector(struct run *run)
{
    bool is_good;

    read_name(run);
    run->must_fail = json_is_true(json_object_get(run->vector, "fail"));
    if (!noise_pattern_parse(run->name, &run->pattern) ||
        json_is_true(json_object_get(run->vector, "fallback"))) {
        return SKIPPED;
    }
    if (!set_up_side(run, 0) || !set_up_side(run, 1)) {
        return FAILED;
    }
    is_good = run_messages(run);
    if (run->must_fail && is_good) {
        wrong(run, "nothing was refused", "fail");
    }
    return (run->must_fail ? run->was_refused : is_good) ? PASSED : FAILED;
}

static int
run_file(const json_t *vectors)
{
    static const char *const words[] = {"passed", "failed", "skipped"};
    size_t counts[OUTCOME_COUNT] = {0};
    struct run run;
    enum outcome outcome;

    for (size_t i = 0; i < json_array_size(vectors); i++) {
        memset(&run, 0, sizeof(run));
        run.vector = json_array_get(vectors, i);
        outcome = run_vector(&run);
        counts[outcome]++;
        printf("%s %s%s%s\n", words[outcome], run.name,
               outcome == FAILED ? " · " : "",
               outcome == FAILED ? run.why : "");
    }
    printf("%zu passed, %zu failed, %zu skipped\n", counts[PASSED],
           counts[FAILED], counts[SKIPPED]);
    return counts[FAILED] > 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
    json_error_t error;
    json_t *root;
    const json_t *vectors;
    int rc = 2;

    if (argc != 2) {
        fprintf(stderr, "usage: noise-vectors FILE\n");
        return 2;
    }
    ent_crypto_start();
    root = json_load_file(argv[1], 0, &error);
    if (root == NULL) {
        fprintf(stderr, "noise-vectors: %s: %s (line %d)\n", argv[1],
                error.text, error.line);
        return 2;
    }
    vectors = json_is_array(root) ? root : json_object_get(root, "vectors");
    if (json_is_array(vectors)) {
        rc = run_file(vectors);
    } else {
        fprintf(stderr, "noise-vectors: %s: no array \"vectors\"\n", argv[1]);
    }
    json_decref(root);
    return rc;
}
