/* The joining dialogue's messages, and what the store does for them. */
#include "io/join_state.h"

#include "clock.h"
#include "log.h"

#include <entente/msgpack.h>

#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS 2000u
#define CARD_MAX (16u * 1024u)

/* ---- small parts ---- */

void
join_move(struct join *join, enum join_state state, const char *what)
{
    char id[17];

    join->state = state;
    log_line(LOG_INFO, "join", "join=%s %s: %s",
             ent_hex(id, join->id, sizeof(join->id)),
             join->is_caller ? "newcomer" : "inviter", what);
}

void
join_fail(struct join *join, const char *reason)
{
    if (join->state == JOIN_FAILED || join->state == JOIN_DONE) {
        return;
    }
    snprintf(join->reason, sizeof(join->reason), "%s", reason);
    join_move(join, JOIN_FAILED, reason);
    if (join->conn != NULL) {
        conn_close(join->conn, ENT_OK);
    }
}

bool
join_is_over(const struct join *join)
{
    return join->state == JOIN_DONE || join->state == JOIN_FAILED;
}

void
join_send(struct join *join, enum ent_msg_type type, struct ent_slice a,
          struct ent_slice b)
{
    struct ent_buf body;

    ent_buf_init(&body, 2 * CARD_MAX);
    ent_mp_put_array(&body, (a.p != NULL ? 1u : 0u) + (b.p != NULL ? 1u : 0u));
    if (a.p != NULL) {
        ent_mp_put_bin(&body, a);
    }
    if (b.p != NULL) {
        ent_mp_put_bin(&body, b);
    }
    if (join->conn != NULL) {
        conn_send(join->conn, (uint8_t)type, ent_buf_slice(&body));
        conn_flush(join->conn);
    }
    ent_buf_release(&body);
}

static void
send_bin(struct join *join, enum ent_msg_type type, struct ent_slice a)
{
    join_send(join, type, a, ent_slice(NULL, 0));
}

/* One array of `count` binary fields. */
static enum ent_status
read_array(struct ent_slice body, size_t count, size_t max,
           struct ent_slice *ret_fields)
{
    struct ent_mp *r = ent_mp_begin(body);

    ent_mp_enter(r, count, count);
    for (size_t i = 0; i < count; i++) {
        ret_fields[i] = ent_mp_bin(r, 1, max);
    }
    ent_mp_leave(r);
    return ent_mp_end(r);
}

static bool
read_32(struct ent_slice body, uint8_t ret_p[32])
{
    struct ent_slice field = {0};

    if (read_array(body, 1, 32, &field) != ENT_OK || field.len != 32) {
        return false;
    }
    memcpy(ret_p, field.p, 32);
    return true;
}

static void
bind_hash(struct join *join, const char *tag, struct ent_id *ret_id)
{
    struct ent_hasher h;
    uint8_t link[32];

    conn_hash(join->conn, link);
    ent_hasher_init(&h, tag);
    ent_hasher_add(&h, ENT_SLICE_OF(link));
    ent_hasher_add(&h, ENT_SLICE_OF(join->r1));
    ent_hasher_add(&h, ENT_SLICE_OF(join->r2));
    ent_hasher_end(&h, ret_id);
}

static void
make_code(struct join *join)
{
    struct ent_id id;

    bind_hash(join, "entente/join-digits/1", &id);
    snprintf(join->code, sizeof(join->code), "%06u",
             (unsigned)(ent_get_u64(id.b) % 1000000u));
    bind_hash(join, "entente/pair/1", &id);
    memcpy(join->pair_secret.b, id.b, sizeof(join->pair_secret.b));
    ent_wipe(&id, sizeof(id));
    join->has_code = true;
    join_move(join, JOIN_COMPARE, "both sides compare six digits");
}

/* ---- the store's part ---- */

struct join_job {
    struct write_job write;
    struct join *join;
    bool is_card_only;
    bool is_caller;
    bool was_compared;
    uint8_t invitation[8];
    struct ent_id circle;
    struct ent_key pair_secret;
    struct ent_buf card;     /* theirs */
    struct ent_buf own_card; /* ours */
    enum ent_status st;
};

static void
run_join(struct write_job *write, struct engine *engine)
{
    struct join_job *job = (struct join_job *)write;

    if (!job->is_card_only) {
        struct ent_slice card = ent_buf_slice(&job->card);

        job->st =
            job->is_caller
                ? directory_join_caller(engine, &job->circle, card,
                                        &job->pair_secret, job->was_compared)
                : directory_join_callee(engine, job->invitation, card,
                                        &job->pair_secret, job->was_compared);
    }
    directory_own_card(engine, &job->own_card);
}

static void
finish_join(struct join *join, const struct join_job *job)
{
    if (job->st != ENT_OK) {
        join_fail(join, ent_status_name(job->st));
        return;
    }
    if (job->is_card_only) {
        send_bin(join, ENT_MSG_JOIN_CARD, ent_buf_slice(&job->own_card));
        return;
    }
    if (!join->is_caller) {
        join_send(join, ENT_MSG_JOIN_CIRCLE, ENT_SLICE_OF(join->circle),
                  ent_buf_slice(&job->own_card));
    }
    join_move(join, JOIN_DONE,
              join->is_caller ? "stored; the circle votes"
                              : "stored, and proposed to the circle");
    if (join->conn != NULL) {
        conn_finish(join->conn);
    }
}

static void
done_join(struct job *base)
{
    struct join_job *job = (struct join_job *)base;
    struct join *join = job->join;

    ENT_ASSERT(join->magic == JOIN_MAGIC && join->job_count > 0);
    join->job_count--;
    if (!join_is_over(join)) {
        finish_join(join, job);
    }
    ent_buf_release(&job->card);
    ent_buf_release(&job->own_card);
    ent_wipe(&job->pair_secret, sizeof(job->pair_secret));
    free(job);
}

static void
post(struct join *join, bool is_card_only, struct ent_slice card)
{
    struct join_job *job = ent_alloc_zero(1, sizeof(*job));

    job->join = join;
    job->is_card_only = is_card_only;
    job->is_caller = join->is_caller;
    job->was_compared = join->was_compared;
    memcpy(job->invitation, join->invitation, sizeof(job->invitation));
    job->circle = join->circle;
    job->pair_secret = join->pair_secret;
    ent_buf_init(&job->card, CARD_MAX);
    ent_buf_put_slice(&job->card, card);
    ent_buf_init(&job->own_card, CARD_MAX);
    job->write.run = run_join;
    job->write.job.done = done_join;
    join->job_count++;
    join->is_storing = !is_card_only;
    writer_post(join->io->writer, &job->write);
}

/* Both people confirmed: the cards may go. */
void
join_confirmed(struct join *join)
{
    if (!join->is_confirmed_here || !join->is_confirmed_there) {
        join_move(join, join->is_confirmed_here ? JOIN_HERE : JOIN_THERE,
                  join->is_confirmed_here ? "confirmed here"
                                          : "confirmed there");
        return;
    }
    join_move(join, JOIN_WRITING, "confirmed by both");
    if (join->is_caller) {
        post(join, true, ent_slice(NULL, 0));
    }
}

/* ---- messages ---- */

/* The card must be of the node at the other end of this link, and at the
 * caller's the one that the invitation names. */
static bool
take_card(struct join *join, struct ent_slice bytes)
{
    struct ent_card card;
    size_t len;

    if (ent_card_decode(bytes, &card) != ENT_OK ||
        memcmp(card.transport.b, join->remote.b, sizeof(card.transport.b)) !=
            0 ||
        (join->is_caller && !ent_id_eq(&card.node, &join->ticket.inviter))) {
        return false;
    }
    join->node = card.node;
    len = card.name.len < ENT_NAME_MAX ? card.name.len : ENT_NAME_MAX;
    memcpy(join->name, card.name.p, len);
    join->name[len] = '\0';
    return true;
}

static bool
on_commit(struct join *join, struct ent_slice body)
{
    if (!join->is_caller || join->has_commit ||
        !read_32(body, join->commit.b)) {
        return false;
    }
    conn_trust(join->conn);
    join->has_commit = true;
    clock_random(join->r2, sizeof(join->r2));
    join->has_r2 = true;
    send_bin(join, ENT_MSG_JOIN_CALLER, ENT_SLICE_OF(join->r2));
    return true;
}

static bool
on_caller(struct join *join, struct ent_slice body)
{
    if (join->is_caller || join->has_r2 || !read_32(body, join->r2)) {
        return false;
    }
    join->has_r2 = true;
    send_bin(join, ENT_MSG_JOIN_CALLEE, ENT_SLICE_OF(join->r1));
    make_code(join);
    return true;
}

static bool
on_callee(struct join *join, struct ent_slice body)
{
    struct ent_id commit;

    if (!join->is_caller || !join->has_r2 || join->has_code ||
        !read_32(body, join->r1)) {
        return false;
    }
    ent_hash("entente/join-code/1", ENT_SLICE_OF(join->r1), &commit);
    if (!ent_id_eq(&commit, &join->commit)) {
        return false;
    }
    make_code(join);
    return true;
}

static bool
on_confirm(struct join *join, struct ent_slice body)
{
    if (!join->has_code || join->is_confirmed_there ||
        read_array(body, 0, 0, NULL) != ENT_OK) {
        return false;
    }
    join->is_confirmed_there = true;
    join_confirmed(join);
    return true;
}

static bool
on_card(struct join *join, struct ent_slice body)
{
    struct ent_slice card = {0};

    if (join->is_caller || join->state != JOIN_WRITING || join->job_count > 0 ||
        read_array(body, 1, CARD_MAX, &card) != ENT_OK ||
        !take_card(join, card)) {
        return false;
    }
    post(join, false, card);
    return true;
}

static bool
on_circle(struct join *join, struct ent_slice body)
{
    struct ent_slice fields[2] = {{0}, {0}};

    if (!join->is_caller || join->state != JOIN_WRITING ||
        join->job_count > 0 ||
        read_array(body, 2, CARD_MAX, fields) != ENT_OK ||
        fields[0].len != sizeof(join->circle.b) ||
        memcmp(fields[0].p, join->ticket.circle.b, fields[0].len) != 0 ||
        !take_card(join, fields[1])) {
        return false;
    }
    post(join, false, fields[1]);
    return true;
}

static bool
take_message(struct join *join, uint8_t type, struct ent_slice body)
{
    switch (type) {
    case ENT_MSG_JOIN_COMMIT:
        return on_commit(join, body);
    case ENT_MSG_JOIN_CALLER:
        return on_caller(join, body);
    case ENT_MSG_JOIN_CALLEE:
        return on_callee(join, body);
    case ENT_MSG_JOIN_CONFIRM:
        return on_confirm(join, body);
    case ENT_MSG_JOIN_CARD:
        return on_card(join, body);
    case ENT_MSG_JOIN_CIRCLE:
        return on_circle(join, body);
    default:
        return false;
    }
}

/* ---- the connection's events ---- */

static void
on_ask(void *owner, struct conn *conn, const struct ent_link_output *output)
{
    struct join *join = owner;
    struct ent_key psk;

    ENT_ASSERT(join->magic == JOIN_MAGIC && join->is_caller);
    if (memcmp(output->remote.b, join->ticket.transport.b,
               sizeof(output->remote.b)) != 0) {
        join_fail(join, ent_status_name(ENT_PEER_HANDSHAKE));
        return;
    }
    join->remote = output->remote;
    directory_ticket_psk(&join->ticket.secret, &psk);
    conn_answer(conn, &psk, 1);
    ent_wipe(&psk, sizeof(psk));
}

static void
on_established(void *owner, struct conn *conn,
               const struct ent_link_output *output)
{
    (void)owner;
    (void)conn;
    (void)output; /* the callee speaks first */
}

static void
on_message(void *owner, struct conn *conn, uint8_t type, struct ent_slice body)
{
    struct join *join = owner;

    (void)conn;
    ENT_ASSERT(join->magic == JOIN_MAGIC);
    if (!join_is_over(join) && !take_message(join, type, body)) {
        join_fail(join, ent_status_name(ENT_PEER_MALFORMED));
    }
}

static void
on_closed(void *owner, struct conn *conn, const struct conn_end *end)
{
    struct join *join = owner;

    (void)conn;
    ENT_ASSERT(join->magic == JOIN_MAGIC);
    join->conn = NULL;
    if (join_is_over(join) || join->is_storing) {
        return;
    }
    if (join->is_caller && !end->was_established && !join->io->is_stopping) {
        join->address_index++;
        join->retry_at = clock_mono_ms() + RETRY_MS;
        join->io->hurry(join->io);
        return;
    }
    if (join->is_caller && join->state == JOIN_DIALLING) {
        join_fail(join, "invitation-refused");
        return;
    }
    join_fail(join,
              end->st == ENT_AGAIN ? "interrupted" : ent_status_name(end->st));
}

const struct conn_events JOIN_EVENTS = {
    .on_ask = on_ask,
    .on_established = on_established,
    .on_message = on_message,
    .on_closed = on_closed,
};
