/*
 * The link: preface and handshake, then records.
 *
 * Handshake messages have fixed lengths, so nothing before authentication
 * announces a size, and a half-open link is this struct and nothing else.
 *
 *   callee                              caller
 *   PREFACE ──gate, message 1──┐        ANSWER_2 ──message 2──┐
 *   CALL_3 ──up to token s─────┤        │ (JOIN) ASKING ──────┤
 *   ASKING ──a psk fits────────┤        │ (MEMBER)            │
 *   PROVEN ──ESTABLISHED───────┴──────► OPEN ◄────────────────┘
 *   any of them ──error──► DEAD
 */
#include <entente/limits.h>
#include <entente/link.h>

#include "wire/records.h"

#include <stdlib.h>

#define LINK_VERSION 1u
#define GATE_AT 8u
#define GATE_LEN (ENT_PREFACE_LEN - GATE_AT)
#define KNOCK_LEN (ENT_PREFACE_LEN + ENT_KEY_LEN) /* what the gate covers */

/* Messages of XXpsk3 and XKpsk3; a psk pattern encrypts from message 1 on. */
#define MESSAGE_1_LEN (ENT_KEY_LEN + ENT_TAG_LEN)
#define MESSAGE_2_MEMBER_LEN (ENT_KEY_LEN + ENT_TAG_LEN)
#define MESSAGE_2_JOIN_LEN (2 * ENT_KEY_LEN + 2 * ENT_TAG_LEN)
#define MESSAGE_3_LEN (ENT_KEY_LEN + 2 * ENT_TAG_LEN + ENT_HELLO_LEN)

_Static_assert(ENT_PREFACE_LEN + MESSAGE_1_LEN + MESSAGE_3_LEN <=
                   ENT_PREAUTH_BYTES_MAX,
               "a callee takes no more than the limit before it knows who");

enum link_state {
    LINK_PREFACE,  /* callee: waits for preface and message 1 */
    LINK_CALL_3,   /* callee: waits for message 3 */
    LINK_ANSWER_2, /* caller: waits for message 2 */
    LINK_ASKING,   /* an event was given out; waits for ent_link_answer */
    LINK_PROVEN,   /* ESTABLISHED is to be reported */
    LINK_OPEN,
    LINK_DEAD,
};

struct ent_link {
    enum link_state state;
    enum ent_status why_dead;
    enum ent_link_pattern pattern;
    bool is_caller;
    bool has_passed_gate;
    struct ent_key static_secret, static_public;
    struct ent_key remote; /* caller: expected; callee: once proven */
    struct ent_key psk;    /* caller of a MEMBER link */
    struct ent_rng rng;
    struct noise noise; /* until the handshake is over */
    uint8_t hello[ENT_HELLO_LEN];
    size_t secret_index;
    uint8_t hash[32];
    uint8_t in[MESSAGE_3_LEN]; /* a handshake message as far as it came */
    size_t in_len;
    struct record_writer writer;
    struct record_reader reader;
};

static const char *
pattern_name(enum ent_link_pattern pattern)
{
    switch (pattern) {
    case ENT_LINK_JOIN:
        return "Noise_XXpsk3_25519_ChaChaPoly_SHA256";
    case ENT_LINK_MEMBER:
        return "Noise_XKpsk3_25519_ChaChaPoly_SHA256";
    }
    ent_panic("unknown pattern", __FILE__, __LINE__);
}

/* The link is over: nothing that it knew is kept. */
static enum ent_status
die(struct ent_link *link, enum ent_status st)
{
    ENT_ASSERT(st != ENT_OK);
    record_reader_release(&link->reader);
    ent_wipe(link, sizeof(*link));
    link->state = LINK_DEAD;
    link->why_dead = st;
    return st;
}

/* PROTO §4.1: "The gate is keyed from the callee's transport key: BLAKE2b-128,
 * under the key …, over the first 8 bytes of the preface and the 32 bytes of
 * the ephemeral key that follows." `knock` is these two together. */
static void
make_gate(const struct ent_key *callee, const uint8_t *knock,
          uint8_t ret_gate[GATE_LEN])
{
    uint8_t covered[GATE_AT + ENT_KEY_LEN];
    struct ent_id key;

    ent_hash("entente/gate/1", ENT_SLICE_OF(*callee), &key);
    memcpy(covered, knock, GATE_AT);
    memcpy(covered + GATE_AT, knock + ENT_PREFACE_LEN, ENT_KEY_LEN);
    ent_mac(ENT_SLICE_OF(key), ENT_SLICE_OF(covered), ret_gate, GATE_LEN);
}

/* Starts Noise with the preface as its prologue and the ephemeral key that
 * was drawn for this link. */
static void
start_noise(struct ent_link *link, const uint8_t *preface,
            const struct ent_key *ephemeral)
{
    struct noise_config config = {
        .name = pattern_name(link->pattern),
        .is_initiator = link->is_caller,
        .prologue = ent_slice(preface, ENT_PREFACE_LEN),
        .s_secret = link->static_secret,
        .e_secret = *ephemeral,
        .rs = link->remote,
    };

    noise_init(&link->noise, &config);
    ent_wipe(&config, sizeof(config));
}

/* Preface and message 1. */
static void
call(struct ent_link *link, struct ent_buf *out)
{
    uint8_t knock[KNOCK_LEN] = {'E', 'N',          'T',
                                '1', LINK_VERSION, (uint8_t)link->pattern};
    struct ent_key ephemeral, ephemeral_pk;
    enum ent_status st;

    ent_rng_fill(&link->rng, &ephemeral, sizeof(ephemeral));
    ent_dh_public(&ephemeral, &ephemeral_pk);
    memcpy(knock + ENT_PREFACE_LEN, ephemeral_pk.b, ENT_KEY_LEN);
    make_gate(&link->remote, knock, knock + GATE_AT);
    start_noise(link, knock, &ephemeral);
    ent_wipe(&ephemeral, sizeof(ephemeral));
    ent_buf_put(out, knock, ENT_PREFACE_LEN);
    st = noise_write(&link->noise, ent_slice(NULL, 0), out);
    if (st != ENT_OK) {
        (void)die(link, st);
    }
}

struct ent_link *
ent_link_new(const struct ent_link_config *config, struct ent_buf *out)
{
    static const struct ent_key zero;
    struct ent_link *link = ent_alloc_zero(1, sizeof(*link));

    link->is_caller = config->is_caller;
    link->static_secret = config->static_secret;
    link->static_public = config->static_public;
    if (!config->is_caller &&
        ent_secret_eq(&zero, &config->static_public, sizeof(zero))) {
        ent_dh_public(&link->static_secret, &link->static_public);
    }
    ent_rng_init(&link->rng, &config->seed);
    record_reader_init(&link->reader);
    link->state = LINK_PREFACE;
    if (config->is_caller) {
        link->state = LINK_ANSWER_2;
        link->pattern = config->pattern;
        link->remote = config->remote_static;
        link->psk = config->psk;
        if (config->pattern == ENT_LINK_MEMBER) {
            memcpy(link->hello, config->hello, sizeof(link->hello));
        }
        call(link, out);
    }
    return link;
}

void
ent_link_free(struct ent_link *link)
{
    if (link != NULL) {
        record_reader_release(&link->reader);
        ent_wipe(link, sizeof(*link));
        free(link);
    }
}

/* Takes bytes until `want` are there; true once they are. */
static bool
fill(struct ent_link *link, struct ent_slice *in, size_t want)
{
    size_t part;

    ENT_ASSERT(want <= sizeof(link->in) && link->in_len <= want);
    part = want - link->in_len;
    part = part < in->len ? part : in->len;
    if (part > 0) {
        memcpy(link->in + link->in_len, in->p, part);
        link->in_len += part;
        *in = ent_slice(in->p + part, in->len - part);
    }
    return link->in_len == want;
}

/* One hash decides whether this caller is worth a Diffie-Hellman. */
static enum ent_status
check_gate(struct ent_link *link)
{
    uint8_t gate[GATE_LEN];

    if (memcmp(link->in, "ENT1", 4) != 0) {
        return ENT_PEER_GATE;
    }
    make_gate(&link->static_public, link->in, gate);
    if (!ent_secret_eq(gate, link->in + GATE_AT, sizeof(gate))) {
        return ENT_PEER_GATE;
    }
    if (link->in[4] != LINK_VERSION) {
        return ENT_PEER_VERSION;
    }
    if ((link->in[5] != ENT_LINK_JOIN && link->in[5] != ENT_LINK_MEMBER) ||
        link->in[6] != 0 || link->in[7] != 0) {
        return ENT_PEER_MALFORMED;
    }
    link->pattern = (enum ent_link_pattern)link->in[5];
    link->has_passed_gate = true;
    return ENT_OK;
}

/* Reads a handshake message without a payload. */
static enum ent_status
read_empty(struct ent_link *link, const uint8_t *p, size_t len)
{
    struct ent_buf none = {.max = 1};
    enum ent_status st = noise_read(&link->noise, ent_slice(p, len), &none);

    ENT_ASSERT(st != ENT_OK || none.len == 0);
    ent_buf_release(&none);
    return st;
}

/* Callee: preface and message 1 in, message 2 out. */
static enum ent_status
on_preface(struct ent_link *link, struct ent_slice *in, struct ent_buf *out)
{
    struct ent_key ephemeral;
    enum ent_status st;

    if (!link->has_passed_gate) {
        if (!fill(link, in, KNOCK_LEN)) {
            return ENT_OK;
        }
        st = check_gate(link);
        if (st != ENT_OK) {
            return st;
        }
    }
    if (!fill(link, in, ENT_PREFACE_LEN + MESSAGE_1_LEN)) {
        return ENT_OK;
    }
    ent_rng_fill(&link->rng, &ephemeral, sizeof(ephemeral));
    start_noise(link, link->in, &ephemeral);
    ent_wipe(&ephemeral, sizeof(ephemeral));
    st = read_empty(link, link->in + ENT_PREFACE_LEN, MESSAGE_1_LEN);
    if (st == ENT_OK) {
        st = noise_write(&link->noise, ent_slice(NULL, 0), out);
    }
    link->in_len = 0;
    link->state = LINK_CALL_3;
    return st;
}

/* Callee: message 3 up to token s, then asks who that is. */
static enum ent_status
on_call_3(struct ent_link *link, struct ent_slice *in,
          struct ent_link_output *output)
{
    struct ent_slice message = ent_slice(link->in, MESSAGE_3_LEN);
    enum ent_status st;

    if (!fill(link, in, MESSAGE_3_LEN)) {
        return ENT_OK;
    }
    st = noise_read_until(&link->noise, &message, NOISE_SE);
    if (st != ENT_OK) {
        return st;
    }
    link->remote = link->noise.rs;
    link->state = LINK_ASKING;
    output->event = ENT_LINK_ASK_SECRET;
    return ENT_OK;
}

/* The handshake is over: keys for the records, and nothing else is kept. */
static void
finish(struct ent_link *link)
{
    noise_split(&link->noise, &link->writer.cipher, &link->reader.cipher);
    memcpy(link->hash, link->noise.symmetric.hash, sizeof(link->hash));
    noise_wipe(&link->noise);
    ent_wipe(&link->static_secret, sizeof(link->static_secret));
    ent_wipe(&link->psk, sizeof(link->psk));
    ent_wipe(&link->rng, sizeof(link->rng));
    ent_wipe(link->in, sizeof(link->in));
    link->in_len = 0;
    link->state = LINK_PROVEN;
}

/* Caller: message 3 out. */
static enum ent_status
write_call_3(struct ent_link *link, const struct ent_key *psk,
             struct ent_buf *out)
{
    enum ent_status st;

    noise_set_psk(&link->noise, 0, psk);
    st = noise_write(&link->noise, ENT_SLICE_OF(link->hello), out);
    if (st == ENT_OK) {
        finish(link);
    }
    return st;
}

/* PROTO §4.1: "A joining caller looks at the callee's key in message 2, which
 * must be the one in the invitation, before it sends message 3." Caller: a
 * member answers at once, who joins asks first. */
static enum ent_status
on_answer_2(struct ent_link *link, struct ent_slice *in, struct ent_buf *out,
            struct ent_link_output *output)
{
    bool is_join = link->pattern == ENT_LINK_JOIN;
    size_t len = is_join ? MESSAGE_2_JOIN_LEN : MESSAGE_2_MEMBER_LEN;
    enum ent_status st;

    if (!fill(link, in, len)) {
        return ENT_OK;
    }
    st = read_empty(link, link->in, len);
    if (st != ENT_OK) {
        return st;
    }
    link->in_len = 0;
    if (!is_join) {
        return write_call_3(link, &link->psk, out);
    }
    /* The gate was made for this key; nobody else may answer it. */
    if (!ent_secret_eq(&link->remote, &link->noise.rs, sizeof(link->remote))) {
        return ENT_PEER_HANDSHAKE;
    }
    link->state = LINK_ASKING;
    output->event = ENT_LINK_ASK_CALLER;
    return ENT_OK;
}

static enum ent_status
on_open(struct ent_link *link, struct ent_slice *in,
        struct ent_link_output *output)
{
    struct record_message message;
    size_t used = 0;
    enum ent_status st = record_read(&link->reader, *in, &used, &message);

    if (st != ENT_OK) {
        return st;
    }
    *in = ent_slice(in->len > 0 ? in->p + used : in->p, in->len - used);
    if (message.is_whole) {
        output->event = ENT_LINK_MESSAGE;
        output->type = message.type;
        output->body = message.body;
    }
    return ENT_OK;
}

static void
report_established(struct ent_link *link, struct ent_link_output *output)
{
    link->state = LINK_OPEN;
    output->event = ENT_LINK_ESTABLISHED;
    output->secret_index = link->secret_index;
    if (!link->is_caller) {
        output->hello = ENT_SLICE_OF(link->hello);
    }
}

static enum ent_status
step(struct ent_link *link, struct ent_slice *in, struct ent_buf *out,
     struct ent_link_output *output)
{
    switch (link->state) {
    case LINK_PREFACE:
        return on_preface(link, in, out);
    case LINK_CALL_3:
        return on_call_3(link, in, output);
    case LINK_ANSWER_2:
        return on_answer_2(link, in, out, output);
    case LINK_PROVEN:
        report_established(link, output);
        return ENT_OK;
    case LINK_OPEN:
        return on_open(link, in, output);
    case LINK_ASKING:
        return ENT_OK;
    case LINK_DEAD:
        return link->why_dead;
    }
    ent_panic("unknown state", __FILE__, __LINE__);
}

/*~ 2/14 Bytes in, events out: a link knows no socket, so a test may cut its
 * bytes wherever it likes. A young link shakes hands here; ours is open, so our
 * bytes are records. Once something is wrong, the link is dead and forgets its
 * keys: there is no second chance to probe it. On to record_read. */
enum ent_status
ent_link_read(struct ent_link *link, struct ent_slice in, size_t *ret_used,
              struct ent_buf *out, struct ent_link_output *ret_output)
{
    struct ent_slice rest = in;
    enum link_state before;
    enum ent_status st;

    *ret_output = (struct ent_link_output){.event = ENT_LINK_NONE};
    *ret_used = 0;
    do {
        before = link->state;
        st = step(link, &rest, out, ret_output);
        if (st != ENT_OK) {
            *ret_output = (struct ent_link_output){.event = ENT_LINK_NONE};
            return link->state == LINK_DEAD ? st : die(link, st);
        }
    } while (ret_output->event == ENT_LINK_NONE && link->state != before);
    *ret_used = in.len - rest.len;
    ret_output->pattern = link->pattern;
    ret_output->remote = link->remote;
    return ENT_OK;
}

/* PROTO §4.1: "tries each pre-shared key it has for it; these trials are not
 * failed decryptions." Callee: the rest of message 3 with each secret, on a
 * copy of the state. */
static enum ent_status
try_secrets(struct ent_link *link, const struct ent_key *psks, size_t psk_count)
{
    struct ent_slice rest = ent_slice(link->in, MESSAGE_3_LEN);
    struct ent_buf hello = {.max = ENT_HELLO_LEN, .is_secret = true};
    struct noise trial;
    enum ent_status st;
    bool fits = false;

    /* What token s took is behind us; then `se`, once for all trials. */
    rest = ent_slice(rest.p + ENT_KEY_LEN + ENT_TAG_LEN,
                     rest.len - ENT_KEY_LEN - ENT_TAG_LEN);
    st = noise_read_until(&link->noise, &rest, NOISE_PSK);
    for (size_t i = 0; st == ENT_OK && i < psk_count && !fits; i++) {
        trial = link->noise;
        noise_set_psk(&trial, 0, &psks[i]);
        fits = noise_read(&trial, rest, &hello) == ENT_OK;
        link->secret_index = i;
    }
    if (fits) {
        ENT_ASSERT(hello.len == ENT_HELLO_LEN);
        memcpy(link->hello, hello.p, ENT_HELLO_LEN);
        link->noise = trial;
        finish(link);
    }
    ent_wipe(&trial, sizeof(trial));
    ent_buf_release(&hello);
    return st == ENT_OK && !fits ? ENT_PEER_NO_SECRET : st;
}

enum ent_status
ent_link_answer(struct ent_link *link, const struct ent_key *psks,
                size_t psk_count, struct ent_buf *out)
{
    enum ent_status st;

    if (link->state == LINK_DEAD) {
        return link->why_dead;
    }
    ENT_ASSERT(link->state == LINK_ASKING);
    ENT_ASSERT(psk_count <= ENT_INVITATIONS_MAX);
    if (psk_count == 0) {
        st = ENT_PEER_NO_SECRET;
    } else if (link->is_caller) {
        st = write_call_3(link, &psks[0], out);
    } else {
        st = try_secrets(link, psks, psk_count);
    }
    return st == ENT_OK ? ENT_OK : die(link, st);
}

enum ent_status
ent_link_send(struct ent_link *link, uint8_t type, struct ent_slice body,
              struct ent_buf *out)
{
    enum ent_status st;

    if (link->state == LINK_DEAD) {
        return link->why_dead;
    }
    ENT_ASSERT(link->state == LINK_OPEN);
    ENT_ASSERT(type <= RECORD_TYPE_MAX);
    if (body.len > ENT_MESSAGE_MAX) {
        return ENT_RULE_USAGE;
    }
    st = record_write(&link->writer, type, body, out);
    return st == ENT_OK ? ENT_OK : die(link, st);
}

void
ent_link_hash(const struct ent_link *link, uint8_t ret_hash[32])
{
    ENT_ASSERT(link->state == LINK_OPEN || link->state == LINK_PROVEN);
    memcpy(ret_hash, link->hash, sizeof(link->hash));
}
