/*
 * Noise, object by object: CipherState, SymmetricState, patterns,
 * HandshakeState. Names in quotes are the specification's.
 */
#include "wire/noise.h"

#define NOISE_SUFFIX "_25519_ChaChaPoly_SHA256"

/* ---- CipherState ---- */

bool
noise_cipher_seal(struct noise_cipher *c, struct ent_slice ad,
                  struct ent_slice plain, uint8_t *ret_p)
{
    if (!c->has_key) {
        if (plain.len > 0) {
            memmove(ret_p, plain.p, plain.len);
        }
        return true;
    }
    if (c->n == UINT64_MAX) {
        return false;
    }
    ent_noise_seal(&c->key, c->n, ad, plain, ret_p);
    c->n++;
    return true;
}

bool
noise_cipher_open(struct noise_cipher *c, struct ent_slice ad,
                  struct ent_slice cipher, uint8_t *ret_p)
{
    if (!c->has_key) {
        if (cipher.len > 0) {
            memmove(ret_p, cipher.p, cipher.len);
        }
        return true;
    }
    if (c->n == UINT64_MAX ||
        !ent_noise_open(&c->key, c->n, ad, cipher, ret_p)) {
        return false;
    }
    c->n++;
    return true;
}

void
noise_cipher_rekey(struct noise_cipher *c)
{
    static const uint8_t zeros[ENT_KEY_LEN];
    uint8_t sealed[ENT_KEY_LEN + ENT_TAG_LEN];

    ENT_ASSERT(c->has_key);
    ent_noise_seal(&c->key, UINT64_MAX, ent_slice(NULL, 0),
                   ent_slice(zeros, sizeof(zeros)), sealed);
    memcpy(c->key.b, sealed, sizeof(c->key.b));
    ent_wipe(sealed, sizeof(sealed));
}

static void
cipher_init(struct noise_cipher *c, const uint8_t key[ENT_KEY_LEN])
{
    memcpy(c->key.b, key, sizeof(c->key.b));
    c->n = 0;
    c->has_key = true;
}

/* ---- SymmetricState ---- */

static void
mix_hash(struct noise_symmetric *sy, struct ent_slice data)
{
    ent_sha256(ENT_SLICE_OF(sy->hash), data, sy->hash);
}

/* "InitializeSymmetric": a name that fits is the hash, padded with zeros. */
static void
symmetric_init(struct noise_symmetric *sy, const char *name)
{
    size_t len = strlen(name);

    memset(sy, 0, sizeof(*sy));
    if (len <= sizeof(sy->hash)) {
        memcpy(sy->hash, name, len);
    } else {
        ent_sha256(ent_slice_str(name), ent_slice(NULL, 0), sy->hash);
    }
    memcpy(sy->chaining_key, sy->hash, sizeof(sy->chaining_key));
}

static void
mix_key(struct noise_symmetric *sy, struct ent_slice input)
{
    uint8_t key[32];

    ent_hkdf(sy->chaining_key, input, sy->chaining_key, key, NULL);
    cipher_init(&sy->cipher, key);
    ent_wipe(key, sizeof(key));
}

static void
mix_key_and_hash(struct noise_symmetric *sy, struct ent_slice input)
{
    uint8_t to_hash[32];
    uint8_t key[32];

    ent_hkdf(sy->chaining_key, input, sy->chaining_key, to_hash, key);
    mix_hash(sy, ENT_SLICE_OF(to_hash));
    cipher_init(&sy->cipher, key);
    ent_wipe(to_hash, sizeof(to_hash));
    ent_wipe(key, sizeof(key));
}

/* How many bytes "EncryptAndHash" adds now. */
static size_t
tag_len(const struct noise_symmetric *sy)
{
    return sy->cipher.has_key ? ENT_TAG_LEN : 0;
}

/* "EncryptAndHash" into plain.len + tag_len() bytes at `at`. */
static void
encrypt_and_hash(struct noise_symmetric *sy, struct ent_slice plain,
                 uint8_t *at)
{
    size_t len = plain.len + tag_len(sy);
    bool is_sealed =
        noise_cipher_seal(&sy->cipher, ENT_SLICE_OF(sy->hash), plain, at);

    ENT_ASSERT(is_sealed); /* a handshake never uses up n */
    mix_hash(sy, ent_slice(at, len));
}

/* "DecryptAndHash" into cipher.len - tag_len() bytes at `at`. */
static bool
decrypt_and_hash(struct noise_symmetric *sy, struct ent_slice cipher,
                 uint8_t *at)
{
    if (!noise_cipher_open(&sy->cipher, ENT_SLICE_OF(sy->hash), cipher, at)) {
        return false;
    }
    mix_hash(sy, cipher);
    return true;
}

/* ---- patterns ---- */

/* §7.5, without the pre-messages. */
static const struct base_pattern {
    char name[3];
    bool is_responder_known;
    bool is_initiator_static;
    uint8_t message_count;
    uint8_t tokens[NOISE_MESSAGES_MAX][NOISE_TOKENS_MAX];
} base_patterns[] = {
    {"NK", true, false, 2, {{NOISE_E, NOISE_ES}, {NOISE_E, NOISE_EE}}},
    {"XK",
     true,
     true,
     3,
     {{NOISE_E, NOISE_ES}, {NOISE_E, NOISE_EE}, {NOISE_S, NOISE_SE}}},
    {"XX",
     false,
     true,
     3,
     {{NOISE_E}, {NOISE_E, NOISE_EE, NOISE_S, NOISE_ES}, {NOISE_S, NOISE_SE}}},
    {"IK",
     true,
     true,
     2,
     {{NOISE_E, NOISE_ES, NOISE_S, NOISE_SS}, {NOISE_E, NOISE_EE, NOISE_SE}}},
};

/* Is `*at` followed by `word`? Moves past it then. */
static bool
skip_word(const char **at, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*at, word, len) != 0) {
        return false;
    }
    *at += len;
    return true;
}

/* psk0 stands before the first message's tokens, pskN after the Nth's. */
static bool
apply_psk(struct noise_pattern *p, size_t place)
{
    uint8_t *tokens;
    size_t len = 0;

    if (place > p->message_count) {
        return false;
    }
    tokens = p->tokens[place > 0 ? place - 1 : 0];
    while (tokens[len] != NOISE_END) {
        len++;
    }
    ENT_ASSERT(len + 1 < NOISE_TOKENS_MAX);
    if (place == 0) {
        memmove(tokens + 1, tokens, len);
        tokens[0] = NOISE_PSK;
    } else {
        tokens[len] = NOISE_PSK;
    }
    p->psk_count++;
    return true;
}

/* "psk0+psk3": each at most once. */
static bool
parse_modifiers(const char **at, struct noise_pattern *p)
{
    bool is_used[NOISE_PSKS_MAX] = {false};

    while (skip_word(at, "psk")) {
        size_t place = (size_t)(unsigned char)**at - '0';

        if (place >= NOISE_PSKS_MAX || is_used[place] || !apply_psk(p, place)) {
            return false;
        }
        is_used[place] = true;
        (*at)++;
        if (!skip_word(at, "+")) {
            return true;
        }
        if (strncmp(*at, "psk", 3) != 0) {
            return false;
        }
    }
    return true;
}

bool
noise_pattern_parse(const char *name, struct noise_pattern *ret_pattern)
{
    const size_t count = sizeof(base_patterns) / sizeof(base_patterns[0]);
    const struct base_pattern *base = NULL;
    struct noise_pattern p = {.message_count = 0};
    const char *at = name;

    if (!skip_word(&at, "Noise_")) {
        return false;
    }
    for (size_t i = 0; i < count && base == NULL; i++) {
        if (skip_word(&at, base_patterns[i].name)) {
            base = &base_patterns[i];
        }
    }
    if (base == NULL) {
        return false;
    }
    p.message_count = base->message_count;
    p.is_responder_known = base->is_responder_known;
    p.is_initiator_static = base->is_initiator_static;
    memcpy(p.tokens, base->tokens, sizeof(p.tokens));
    if (!parse_modifiers(&at, &p) || strcmp(at, NOISE_SUFFIX) != 0) {
        return false;
    }
    *ret_pattern = p;
    return true;
}

/* ---- HandshakeState ---- */

void
noise_init(struct noise *ns, const struct noise_config *config)
{
    bool is_known;

    memset(ns, 0, sizeof(*ns));
    is_known = noise_pattern_parse(config->name, &ns->pattern);
    ENT_ASSERT(is_known);
    ns->is_initiator = config->is_initiator;
    if (!config->is_initiator || ns->pattern.is_initiator_static) {
        ns->s_secret = config->s_secret;
        ent_dh_public(&ns->s_secret, &ns->s_public);
    }
    ns->e_secret = config->e_secret;
    ent_dh_public(&ns->e_secret, &ns->e_public);
    symmetric_init(&ns->symmetric, config->name);
    mix_hash(&ns->symmetric, config->prologue);
    if (ns->pattern.is_responder_known) {
        if (ns->is_initiator) {
            ns->rs = config->rs;
        }
        mix_hash(&ns->symmetric, ns->is_initiator ? ENT_SLICE_OF(ns->rs)
                                                  : ENT_SLICE_OF(ns->s_public));
    }
}

void
noise_wipe(struct noise *ns)
{
    ent_wipe(ns, sizeof(*ns));
}

void
noise_set_psk(struct noise *ns, size_t index, const struct ent_key *psk)
{
    ENT_ASSERT(index < ns->pattern.psk_count);
    ns->psks[index] = *psk;
}

bool
noise_is_done(const struct noise *ns)
{
    return ns->message == ns->pattern.message_count;
}

bool
noise_is_writer(const struct noise *ns)
{
    return !noise_is_done(ns) && (ns->message % 2 == 0) == ns->is_initiator;
}

static enum noise_token
next_token(const struct noise *ns)
{
    ENT_ASSERT(!noise_is_done(ns) && ns->token < NOISE_TOKENS_MAX);
    return (enum noise_token)ns->pattern.tokens[ns->message][ns->token];
}

static void
end_message(struct noise *ns)
{
    ENT_ASSERT(next_token(ns) == NOISE_END);
    ns->message++;
    ns->token = 0;
}

/* The tokens that only mix: the same for writer and reader. `es` is always
 * the initiator's e with the responder's s. */
static enum ent_status
mix_token(struct noise *ns, enum noise_token token)
{
    bool is_mine_e =
        token == NOISE_EE || token == (ns->is_initiator ? NOISE_ES : NOISE_SE);
    bool is_theirs_e =
        token == NOISE_EE || token == (ns->is_initiator ? NOISE_SE : NOISE_ES);
    struct ent_key shared;

    if (token == NOISE_PSK) {
        ENT_ASSERT(ns->psk_used < ns->pattern.psk_count);
        mix_key_and_hash(&ns->symmetric, ENT_SLICE_OF(ns->psks[ns->psk_used]));
        ns->psk_used++;
        return ENT_OK;
    }
    if (!ent_dh(is_mine_e ? &ns->e_secret : &ns->s_secret,
                is_theirs_e ? &ns->re : &ns->rs, &shared)) {
        return ENT_PEER_HANDSHAKE;
    }
    mix_key(&ns->symmetric, ENT_SLICE_OF(shared));
    ent_wipe(&shared, sizeof(shared));
    return ENT_OK;
}

/* Token `e`; with a psk in the pattern the ephemeral is also mixed into the
 * key (§9.2). */
static void
mix_ephemeral(struct noise *ns, const struct ent_key *e)
{
    mix_hash(&ns->symmetric, ENT_SLICE_OF(*e));
    if (ns->pattern.psk_count > 0) {
        mix_key(&ns->symmetric, ENT_SLICE_OF(*e));
    }
}

static enum ent_status
write_token(struct noise *ns, enum noise_token token, struct ent_buf *out)
{
    uint8_t sealed[ENT_KEY_LEN + ENT_TAG_LEN];
    size_t len;

    switch (token) {
    case NOISE_E:
        ent_buf_put(out, ns->e_public.b, sizeof(ns->e_public.b));
        mix_ephemeral(ns, &ns->e_public);
        return ENT_OK;
    case NOISE_S:
        len = ENT_KEY_LEN + tag_len(&ns->symmetric);
        encrypt_and_hash(&ns->symmetric, ENT_SLICE_OF(ns->s_public), sealed);
        ent_buf_put(out, sealed, len);
        return ENT_OK;
    case NOISE_EE:
    case NOISE_ES:
    case NOISE_SE:
    case NOISE_SS:
    case NOISE_PSK:
        return mix_token(ns, token);
    case NOISE_END:
        break;
    }
    ent_panic("a token past the end", __FILE__, __LINE__);
}

enum ent_status
noise_write(struct noise *ns, struct ent_slice payload, struct ent_buf *out)
{
    /* e, s and two tags are the most that a message adds. */
    const size_t overhead = 2 * ENT_KEY_LEN + 2 * ENT_TAG_LEN;
    size_t start = out->len;
    enum ent_status st;
    uint8_t *at;

    ENT_ASSERT(noise_is_writer(ns) && ns->token == 0);
    if (payload.len > NOISE_MESSAGE_MAX - overhead ||
        ent_buf_grow(out, overhead + payload.len) == NULL) {
        return ENT_PEER_TOO_BIG;
    }
    out->len = start; /* there is room now, so nothing below fails for it */
    while (next_token(ns) != NOISE_END) {
        st = write_token(ns, next_token(ns), out);
        if (st != ENT_OK) {
            out->len = start;
            return st;
        }
        ns->token++;
    }
    if (payload.len + tag_len(&ns->symmetric) > 0) {
        at = ent_buf_grow(out, payload.len + tag_len(&ns->symmetric));
        ENT_ASSERT(at != NULL);
        encrypt_and_hash(&ns->symmetric, payload, at);
    } else {
        mix_hash(&ns->symmetric, payload);
    }
    end_message(ns);
    return ENT_OK;
}

/* The first `len` bytes of `*message`, taken off it; false if it is cut. */
static bool
take(struct ent_slice *message, size_t len, struct ent_slice *ret_part)
{
    if (message->len < len) {
        return false;
    }
    *ret_part = ent_slice(message->p, len);
    *message = ent_slice(message->p + len, message->len - len);
    return true;
}

static enum ent_status
read_token(struct noise *ns, enum noise_token token, struct ent_slice *message)
{
    struct ent_slice part;

    switch (token) {
    case NOISE_E:
        if (!take(message, ENT_KEY_LEN, &part)) {
            return ENT_PEER_HANDSHAKE;
        }
        memcpy(ns->re.b, part.p, ENT_KEY_LEN);
        mix_ephemeral(ns, &ns->re);
        return ENT_OK;
    case NOISE_S:
        if (!take(message, ENT_KEY_LEN + tag_len(&ns->symmetric), &part) ||
            !decrypt_and_hash(&ns->symmetric, part, ns->rs.b)) {
            return ENT_PEER_HANDSHAKE;
        }
        return ENT_OK;
    case NOISE_EE:
    case NOISE_ES:
    case NOISE_SE:
    case NOISE_SS:
    case NOISE_PSK:
        return mix_token(ns, token);
    case NOISE_END:
        break;
    }
    ent_panic("a token past the end", __FILE__, __LINE__);
}

enum ent_status
noise_read_until(struct noise *ns, struct ent_slice *message,
                 enum noise_token stop)
{
    enum ent_status st;

    ENT_ASSERT(!noise_is_done(ns) && !noise_is_writer(ns));
    while (next_token(ns) != NOISE_END && next_token(ns) != stop) {
        st = read_token(ns, next_token(ns), message);
        if (st != ENT_OK) {
            return st;
        }
        ns->token++;
    }
    return ENT_OK;
}

enum ent_status
noise_read(struct noise *ns, struct ent_slice message, struct ent_buf *out)
{
    size_t start = out->len;
    uint8_t nothing[1];
    uint8_t *at = nothing;
    enum ent_status st;

    if (message.len > NOISE_MESSAGE_MAX) {
        return ENT_PEER_HANDSHAKE;
    }
    st = noise_read_until(ns, &message, NOISE_END);
    if (st != ENT_OK || message.len < tag_len(&ns->symmetric)) {
        return ENT_PEER_HANDSHAKE;
    }
    if (message.len > tag_len(&ns->symmetric)) {
        at = ent_buf_grow(out, message.len - tag_len(&ns->symmetric));
    }
    if (at == NULL || !decrypt_and_hash(&ns->symmetric, message, at)) {
        out->len = start;
        return ENT_PEER_HANDSHAKE;
    }
    end_message(ns);
    return ENT_OK;
}

void
noise_split(const struct noise *ns, struct noise_cipher *ret_send,
            struct noise_cipher *ret_receive)
{
    uint8_t key_1[32];
    uint8_t key_2[32];

    ENT_ASSERT(noise_is_done(ns));
    ent_hkdf(ns->symmetric.chaining_key, ent_slice(NULL, 0), key_1, key_2,
             NULL);
    cipher_init(ns->is_initiator ? ret_send : ret_receive, key_1);
    cipher_init(ns->is_initiator ? ret_receive : ret_send, key_2);
    ent_wipe(key_1, sizeof(key_1));
    ent_wipe(key_2, sizeof(key_2));
}
