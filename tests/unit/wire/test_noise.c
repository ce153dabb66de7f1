/* Noise: the published vectors through the tool that people run, names,
 * Rekey, reading in parts, and several secrets on copies of the state. */
#include "lib/hex.h"
#include "wire/noise.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TOOL ENT_TEST_BIN "/noise-vectors"
#define VECTORS ENT_TEST_DATA "/vectors/noise/cacophony.json"

/* ---- the tool ---- */

/* Becomes noise-vectors, with both outputs on `fd`; never returns. */
static void
become_tool(const char *file, int fd)
{
    char program[] = TOOL;
    char argument[PATH_MAX];
    char *words[] = {program, argument, NULL};

    snprintf(argument, sizeof(argument), "%s", file);
    if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
        _exit(126);
    }
    execv(program, words);
    _exit(127);
}

/* Runs noise-vectors; its exit code, and what it says in `out`. */
static int
run_tool(const char *file, struct ent_buf *out)
{
    char chunk[512];
    int ends[2], rc;
    ssize_t len;
    pid_t child;

    if (access(TOOL, X_OK) != 0) {
        fail_msg("%s is not built", TOOL);
    }
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        become_tool(file, ends[1]);
    }
    close(ends[1]);
    while ((len = read(ends[0], chunk, sizeof(chunk))) > 0) {
        ent_buf_put(out, chunk, (size_t)len);
    }
    ent_buf_put_u8(out, 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &rc, 0), child);
    assert_true(WIFEXITED(rc));
    return WEXITSTATUS(rc);
}

static void
assert_says(const struct ent_buf *out, const char *text)
{
    if (strstr((const char *)out->p, text) == NULL) {
        fail_msg("no \"%s\" in: %s", text, (const char *)out->p);
    }
}

/* Writes `text` to a file, runs the tool on it, and checks both answers. */
static void
expect_tool(const char *text, int rc, const char *says)
{
    char path[] = "/tmp/noise-vectors-XXXXXX";
    struct ent_buf out = {0};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    assert_int_equal(run_tool(path, &out), rc);
    unlink(path);
    assert_says(&out, says);
    ent_buf_release(&out);
}

static void
read_vectors(struct ent_buf *out)
{
    FILE *f = fopen(VECTORS, "r");
    char chunk[4096];
    size_t len;

    assert_non_null(f);
    while ((len = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        ent_buf_put(out, chunk, len);
    }
    fclose(f);
    ent_buf_put_u8(out, 0);
}

static void
test_published_vectors(void **state)
{
    struct ent_buf out = {0};

    (void)state;
    assert_int_equal(run_tool(VECTORS, &out), 0);
    assert_says(&out, "passed Noise_XKpsk3_25519_ChaChaPoly_SHA256\n");
    assert_says(&out, "passed Noise_XXpsk3_25519_ChaChaPoly_SHA256\n");
    assert_says(&out, "\n10 passed, 0 failed, 0 skipped\n");
    ent_buf_release(&out);
}

/* One digit changed in each kind of field that is checked or mixed in. */
static void
test_changed_vectors_fail(void **state)
{
    static const char *const fields[] = {
        "\"ciphertext\": \"",     "\"payload\": \"",
        "\"handshake_hash\": \"", "\"init_prologue\": \"",
        "\"resp_prologue\": \"",  "\"init_ephemeral\": \"",
        "\"resp_static\": \"",    "\"init_psks\": [",
    };
    struct ent_buf text = {0};
    char *at;

    (void)state;
    read_vectors(&text);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        at = strstr((char *)text.p, fields[i]);
        if (at == NULL) {
            fail_msg("no field %s", fields[i]);
            return;
        }
        at += strlen(fields[i]);
        while (*at == ' ' || *at == '\n' || *at == '"') {
            at++;
        }
        at += 4;
        *at = *at == '0' ? '1' : '0';
        expect_tool((const char *)text.p, 1, "9 passed, 1 failed, 0 skipped");
        ent_buf_clear(&text);
        read_vectors(&text);
    }
    ent_buf_release(&text);
}

static void
test_tool_forms(void **state)
{
    struct ent_buf out = {0};

    (void)state;
    expect_tool("{\"vectors\":[]}", 0, "0 passed, 0 failed, 0 skipped");
    expect_tool(
        "{\"vectors\":[{\"name\":\"NoisePSK_XX_25519_ChaChaPoly_SHA256\","
        "\"pattern\":\"XX\",\"dh\":\"25519\"},"
        "{\"pattern\":\"XX\",\"dh\":\"25519\",\"cipher\":\"ChaChaPoly\","
        "\"hash\":\"SHA256\",\"init_psk\":\"00\"},"
        "{\"name\":\"Noise_XXfallback_25519_ChaChaPoly_SHA256\"},"
        "{\"protocol_name\":\"Noise_XX_448_ChaChaPoly_SHA256\"},"
        "{\"protocol_name\":\"Noise_KK_25519_ChaChaPoly_SHA256\"},{}]}",
        0, "0 passed, 0 failed, 6 skipped");
    /* Supported, but nothing in it. */
    expect_tool("{\"vectors\":[{\"pattern\":\"NK\",\"dh\":\"25519\","
                "\"cipher\":\"ChaChaPoly\",\"hash\":\"SHA256\"}]}",
                1, "failed Noise_NK_25519_ChaChaPoly_SHA256");
    expect_tool("{\"vectors\":", 2, "line 1");
    expect_tool("{\"vectors\":{}}", 2, "no array");
    assert_int_equal(run_tool("/nowhere/at/all", &out), 2);
    assert_says(&out, "/nowhere/at/all");
    ent_buf_release(&out);
}

/* ---- names ---- */

static void
test_names(void **state)
{
    static const char *const good[] = {
        "NK",          "XK",
        "XX",          "IK",
        "NKpsk0",      "NKpsk2",
        "XKpsk0",      "XKpsk3",
        "XXpsk0+psk3", "XXpsk0+psk1+psk2+psk3",
        "IKpsk1",      "IKpsk0+psk2",
    };
    static const char *const bad[] = {
        "NN",      "X",      "KK",      "",           "XXfallback",
        "XXpsk4",  "XXpsk",  "XXpsk0+", "XXpsk0psk3", "XXpsk3+psk3",
        "XX+psk0", "NKpsk3", "IKpsk3",  "XXpsk33",    "XXpsk0+fallback",
        "XK1",
    };
    struct noise_pattern p;
    char name[128];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(name, sizeof(name), "Noise_%s_25519_ChaChaPoly_SHA256",
                 good[i]);
        assert_true(noise_pattern_parse(name, &p));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(name, sizeof(name), "Noise_%s_25519_ChaChaPoly_SHA256",
                 bad[i]);
        if (noise_pattern_parse(name, &p)) {
            fail_msg("%s was accepted", name);
        }
    }
    assert_false(noise_pattern_parse("Noise_XX_25519_ChaChaPoly_SHA512", &p));
    assert_false(noise_pattern_parse("Noise_XX_25519_AESGCM_SHA256", &p));
    assert_false(noise_pattern_parse("Noise_XX_448_ChaChaPoly_SHA256", &p));
    assert_false(noise_pattern_parse("Noise_XX_25519_ChaChaPoly_SHA256:S", &p));
    assert_false(
        noise_pattern_parse("NoisePSK_XX_25519_ChaChaPoly_SHA256", &p));
}

/* ---- states ---- */

static void
make_side(struct noise *ns, const char *name, bool is_initiator)
{
    static const struct ent_key s[2] = {{{8}}, {{16}}};
    static const struct ent_key e[2] = {{{24}}, {{32}}};
    struct noise_config config = {.name = name,
                                  .is_initiator = is_initiator,
                                  .s_secret = s[is_initiator],
                                  .e_secret = e[is_initiator]};

    ent_dh_public(&s[0], &config.rs);
    noise_init(ns, &config);
}

/* Passes the next message over; both must agree. */
static void
pass(struct noise *a, struct noise *b, const char *payload)
{
    struct noise *from = noise_is_writer(a) ? a : b;
    struct noise *to = noise_is_writer(a) ? b : a;
    struct ent_buf message = {0};
    struct ent_buf read = {0};

    assert_true(noise_is_writer(from) && !noise_is_writer(to));
    assert_int_equal(noise_write(from, ent_slice_str(payload), &message),
                     ENT_OK);
    assert_int_equal(noise_read(to, ent_buf_slice(&message), &read), ENT_OK);
    assert_true(ent_slice_eq(ent_buf_slice(&read), ent_slice_str(payload)));
    ent_buf_release(&message);
    ent_buf_release(&read);
}

/* Noise_<base> with the modifiers psk0, psk1 … whose bits are in `set`. */
static void
name_with_modifiers(const char *base, unsigned set, char *ret_name, size_t size)
{
    int len = snprintf(ret_name, size, "Noise_%s", base);
    bool is_first = true;

    for (unsigned k = 0; set >> k != 0; k++) {
        if ((set >> k & 1u) != 0) {
            len += snprintf(ret_name + len, size - (size_t)len, "%spsk%u",
                            is_first ? "" : "+", k);
            is_first = false;
        }
    }
    snprintf(ret_name + len, size - (size_t)len, "_25519_ChaChaPoly_SHA256");
}

static void
shake_hands(const char *name)
{
    struct noise_cipher send_a, receive_a, send_b, receive_b;
    struct noise a, b;

    make_side(&a, name, true);
    make_side(&b, name, false);
    for (size_t k = 0; k < a.pattern.psk_count; k++) {
        noise_set_psk(&a, k, &(struct ent_key){{(uint8_t)k}});
        noise_set_psk(&b, k, &(struct ent_key){{(uint8_t)k}});
    }
    while (!noise_is_done(&a)) {
        pass(&a, &b, "payload");
    }
    assert_true(noise_is_done(&b));
    assert_memory_equal(a.symmetric.hash, b.symmetric.hash, 32);
    noise_split(&a, &send_a, &receive_a);
    noise_split(&b, &send_b, &receive_b);
    assert_memory_equal(&send_a.key, &receive_b.key, 32);
    assert_memory_equal(&send_b.key, &receive_a.key, 32);
    assert_memory_not_equal(&send_a.key, &send_b.key, 32);
}

/* Every pattern with every set of modifiers that it allows: 48 handshakes,
 * most of which no published vector covers. */
static void
test_all_modifiers(void **state)
{
    static const struct {
        const char *name;
        size_t messages;
    } bases[] = {{"NK", 2}, {"XK", 3}, {"XX", 3}, {"IK", 2}};
    char name[128];
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (unsigned set = 0; set < 2u << bases[i].messages; set++) {
            name_with_modifiers(bases[i].name, set, name, sizeof(name));
            shake_hands(name);
            count++;
        }
    }
    assert_int_equal(count, 8 + 16 + 16 + 8);
}

/* The callee of XKpsk3 stops after token s, then tries secrets on copies. */
static void
test_reading_in_parts(void **state)
{
    const char *name = "Noise_XKpsk3_25519_ChaChaPoly_SHA256";
    struct ent_key right = {{1}};
    struct ent_key wrong = {{2}};
    struct noise a, b, trial;
    struct ent_buf message = {0};
    struct ent_buf read = {0};
    struct ent_slice rest;

    (void)state;
    make_side(&a, name, true);
    make_side(&b, name, false);
    noise_set_psk(&a, 0, &right);
    pass(&a, &b, "");
    pass(&a, &b, "");
    assert_int_equal(noise_write(&a, ent_slice_str("hello"), &message), ENT_OK);
    rest = ent_buf_slice(&message);
    assert_int_equal(noise_read_until(&b, &rest, NOISE_SE), ENT_OK);
    assert_int_equal(rest.len, message.len - 48);
    assert_memory_equal(&b.rs, &a.s_public, sizeof(b.rs));
    assert_int_equal(noise_read_until(&b, &rest, NOISE_PSK), ENT_OK);
    assert_int_equal(rest.len, message.len - 48);
    trial = b;
    noise_set_psk(&trial, 0, &wrong);
    assert_int_equal(noise_read(&trial, rest, &read), ENT_PEER_HANDSHAKE);
    assert_int_equal(read.len, 0);
    trial = b;
    noise_set_psk(&trial, 0, &right);
    assert_int_equal(noise_read(&trial, rest, &read), ENT_OK);
    assert_true(ent_slice_eq(ent_buf_slice(&read), ent_slice_str("hello")));
    assert_true(noise_is_done(&trial) && !noise_is_done(&b));
    assert_memory_equal(trial.symmetric.hash, a.symmetric.hash, 32);
    ent_buf_release(&message);
    ent_buf_release(&read);
}

static void
test_sizes(void **state)
{
    const char *name = "Noise_XX_25519_ChaChaPoly_SHA256";
    struct ent_buf out = {0};
    struct noise a;
    uint8_t *big = ent_alloc_zero(1, 70000);

    (void)state;
    make_side(&a, name, true);
    assert_int_equal(noise_write(&a, ent_slice(big, 65535), &out),
                     ENT_PEER_TOO_BIG);
    assert_int_equal(out.len, 0);
    out.max = 20;
    assert_int_equal(noise_write(&a, ent_slice(NULL, 0), &out),
                     ENT_PEER_TOO_BIG);
    make_side(&a, name, false);
    out.max = 0;
    out.failed = false;
    assert_int_equal(noise_read(&a, ent_slice(big, 65536), &out),
                     ENT_PEER_HANDSHAKE);
    assert_int_equal(noise_read(&a, ent_slice(big, 31), &out),
                     ENT_PEER_HANDSHAKE);
    free(big);
    ent_buf_release(&out);
}

/* ---- ciphers ---- */

static void
test_rekey(void **state)
{
    struct noise_cipher c = {.n = 5, .has_key = true};
    uint8_t expected[32];

    (void)state;
    for (size_t i = 0; i < 32; i++) {
        c.key.b[i] = (uint8_t)i;
    }
    /* ENCRYPT(k, 2^64-1, "", 32 zeros), by another implementation */
    assert_int_equal(ent_unhex("50835543a205b22c9323f2022bc4f67d"
                               "838f90e61d5ccf33c4513e01f85b5042",
                               expected, 32),
                     ENT_OK);
    noise_cipher_rekey(&c);
    assert_memory_equal(c.key.b, expected, 32);
    assert_true(c.n == 5);
}

/* n moves on success only; its last value is never used. */
static void
test_counter(void **state)
{
    struct noise_cipher c = {.key = {{1}}, .has_key = true};
    struct noise_cipher none = {.has_key = false};
    struct ent_slice ad = {NULL, 0};
    uint8_t sealed[17], plain[1] = {'x'};

    (void)state;
    assert_true(noise_cipher_seal(&c, ad, ENT_SLICE_OF(plain), sealed));
    assert_true(c.n == 1);
    assert_false(noise_cipher_open(&c, ad, ENT_SLICE_OF(sealed), plain));
    assert_true(c.n == 1);
    c.n = 0;
    assert_true(noise_cipher_open(&c, ad, ENT_SLICE_OF(sealed), plain));
    assert_true(c.n == 1 && plain[0] == 'x');
    c.n = UINT64_MAX - 1;
    assert_true(noise_cipher_seal(&c, ad, ENT_SLICE_OF(plain), sealed));
    assert_true(c.n == UINT64_MAX);
    assert_false(noise_cipher_seal(&c, ad, ENT_SLICE_OF(plain), sealed));
    assert_false(noise_cipher_open(&c, ad, ENT_SLICE_OF(sealed), plain));
    assert_true(noise_cipher_seal(&none, ad, ENT_SLICE_OF(plain), sealed));
    assert_int_equal(sealed[0], 'x');
    assert_true(none.n == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_changed_vectors_fail),
        cmocka_unit_test(test_tool_forms),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_all_modifiers),
        cmocka_unit_test(test_reading_in_parts),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_rekey),
        cmocka_unit_test(test_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
