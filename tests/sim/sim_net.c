/* The network: see sim_net.h.
 *
 * Calling, as the real handshake goes: the caller stands after its third
 * message; the callee looks for the secret and either answers with a session
 * or closes without a word.
 */
#include "sim/sim_net.h"

#include <stdlib.h>

#include "sim/sim_node.h"
#include "sim/sim_talk.h"

#define DELAY_MIN_MS 1u
#define DELAY_SPREAD_MS 40u
#define RESET_MS 200u

static uint64_t
delay(struct sim_world *world)
{
    return DELAY_MIN_MS + sim_world_below(world, DELAY_SPREAD_MS);
}

struct sim_conn *
sim_net_find(struct sim_world *world, uint64_t id)
{
    struct sim_conn *conn;

    for (conn = world->conns; conn != NULL && conn->id != id;
         conn = conn->next) {
    }
    return conn;
}

/* Gone from both ends: forgotten. */
static void
drop_if_unused(struct sim_world *world, struct sim_conn *conn)
{
    struct sim_conn **link;

    if (conn->talk[0] != 0 || conn->talk[1] != 0) {
        return;
    }
    for (link = &world->conns; *link != conn; link = &(*link)->next) {
        ENT_ASSERT(*link != NULL);
    }
    *link = conn->next;
    free(conn);
}

bool
sim_net_is_open(const struct sim_world *world, unsigned a, unsigned b)
{
    return (world->side >> a & 1) == (world->side >> b & 1);
}

/* ---- messages ---- */

struct mail {
    uint64_t conn;
    unsigned end; /* to whom */
    uint8_t type;
    struct ent_id truth;
    struct ent_buf body;
};

static void
deliver(struct sim_world *world, void *arg)
{
    struct mail *mail = arg;
    struct sim_conn *conn = sim_net_find(world, mail->conn);

    if (conn != NULL && !conn->is_cut && !conn->is_deaf[mail->end] &&
        conn->talk[mail->end] != 0) {
        sim_talk_message(world, conn->talk[mail->end], mail->type,
                         ent_buf_slice(&mail->body), &mail->truth);
    }
    ent_buf_release(&mail->body);
    free(mail);
}

static uint64_t
due(struct sim_world *world, struct sim_conn *conn, unsigned to)
{
    uint64_t at = world->now_ms + delay(world);

    if (at < conn->due_ms[to]) {
        at = conn->due_ms[to];
    }
    conn->due_ms[to] = at;
    return at - world->now_ms;
}

void
sim_net_send(struct sim_world *world, struct sim_conn *conn, unsigned end,
             const struct ent_session_effect *fx, const struct ent_id *truth)
{
    struct mail *mail;

    world->count.messages++;
    world->count.bytes += fx->u.send.body.len;
    sim_trace("n%u -> n%u %s %zu %08x", conn->node[end], conn->node[1 - end],
              ent_msg_name(fx->u.send.type), fx->u.send.body.len,
              (unsigned)sim_trace_short(fx->u.send.body));
    if (conn->is_cut) {
        return;
    }
    mail = ent_alloc_zero(1, sizeof(*mail));
    mail->conn = conn->id;
    mail->end = 1 - end;
    mail->type = fx->u.send.type;
    mail->truth = *truth;
    ent_buf_init(&mail->body, ENT_MESSAGE_MAX);
    ent_buf_put_slice(&mail->body, fx->u.send.body);
    if (mail->body.failed) {
        sim_finding("a message of %zu bytes", fx->u.send.body.len);
    }
    sim_world_later(world, due(world, conn, mail->end), deliver, mail);
}

/* ---- ends ---- */

struct hangup {
    uint64_t conn;
    unsigned end;
};

static void
on_hangup(struct sim_world *world, void *arg)
{
    struct hangup *h = arg;
    struct sim_conn *conn = sim_net_find(world, h->conn);

    if (conn != NULL && conn->talk[h->end] != 0) {
        uint64_t talk = conn->talk[h->end];

        conn->talk[h->end] = 0;
        sim_talk_closed(world, talk);
        drop_if_unused(world, conn);
    }
    free(h);
}

static void
hang_up(struct sim_world *world, const struct sim_conn *conn, unsigned end,
        uint64_t in_ms)
{
    struct hangup *h = ent_alloc_zero(1, sizeof(*h));

    h->conn = conn->id;
    h->end = end;
    sim_world_later(world, in_ms, on_hangup, h);
}

void
sim_net_finish(struct sim_world *world, struct sim_conn *conn, unsigned end)
{
    hang_up(world, conn, end, 0);
    if (!conn->is_deaf[1 - end]) {
        hang_up(world, conn, 1 - end, due(world, conn, 1 - end));
    }
}

void
sim_net_cut(struct sim_world *world, struct sim_conn *conn)
{
    if (conn->is_cut) {
        return;
    }
    world->count.cuts++;
    sim_trace("cut n%u n%u", conn->node[0], conn->node[1]);
    conn->is_cut = true;
    hang_up(world, conn, 0, sim_world_below(world, RESET_MS));
    hang_up(world, conn, 1, sim_world_below(world, RESET_MS));
}

void
sim_net_forget_node(struct sim_world *world, unsigned node)
{
    struct sim_conn *conn;
    struct sim_conn *next;

    for (conn = world->conns; conn != NULL; conn = next) {
        unsigned end = conn->node[0] == node ? 0 : 1;

        next = conn->next;
        if (conn->node[end] != node) {
            continue;
        }
        conn->talk[end] = 0;
        conn->is_cut = true;
        if (conn->talk[1 - end] != 0) {
            hang_up(world, conn, 1 - end, sim_world_below(world, RESET_MS));
        }
        drop_if_unused(world, conn);
    }
}

void
sim_net_partition(struct sim_world *world, uint32_t side)
{
    struct sim_conn *conn;

    world->side = side;
    sim_trace("partition %x", (unsigned)side);
    for (conn = world->conns; conn != NULL; conn = conn->next) {
        if (!sim_net_is_open(world, conn->node[0], conn->node[1])) {
            sim_net_cut(world, conn);
        }
    }
}

void
sim_net_free(struct sim_world *world)
{
    while (world->conns != NULL) {
        struct sim_conn *next = world->conns->next;

        free(world->conns);
        world->conns = next;
    }
}

/* ---- calling ---- */

struct call {
    unsigned node;
    unsigned peer;
    uint64_t life; /* of the caller */
    uint64_t conn;
    struct sim_talk *talk; /* the caller's, until it stands */
    struct ent_key secret;
    uint8_t hash[32];
    uint8_t hello[ENT_HELLO_LEN];
};

static struct sim_conn *
conn_new(struct sim_world *world, unsigned node, unsigned peer)
{
    struct sim_conn *conn = ent_alloc_zero(1, sizeof(*conn));

    conn->id = ++world->next_id;
    conn->node[0] = node;
    conn->node[1] = peer;
    conn->next = world->conns;
    world->conns = conn;
    return conn;
}

/* Where the callee finds the caller's secret; SIZE_MAX: not. */
static size_t
find_secret(const struct directory_peer *row, const struct ent_key *secret)
{
    size_t i;

    for (i = 0; row != NULL && i < row->secret_count; i++) {
        if (memcmp(row->secrets[i].b, secret->b, sizeof(secret->b)) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void
on_third_message(struct sim_world *world, void *arg)
{
    struct call *call = arg;
    struct sim_conn *conn = sim_net_find(world, call->conn);
    struct sim_node *callee = &world->nodes[call->peer];

    if (conn != NULL && !conn->is_cut && callee->engine != NULL) {
        const struct directory_peer *row =
            directory_find(callee->directory, &world->nodes[call->node].id);
        size_t at = find_secret(row, &call->secret);

        if (at == SIZE_MAX) {
            sim_trace("n%u does not know n%u's secret", call->peer, call->node);
            hang_up(world, conn, 0, delay(world));
        } else {
            struct sim_talk *talk =
                sim_talk_new(world, call->peer, call->node, row, at);

            talk->end = 1;
            sim_talk_start(world, talk, conn, call->hash,
                           ENT_SLICE_OF(call->hello));
        }
    } else if (conn != NULL) {
        hang_up(world, conn, 0, delay(world));
    }
    ent_wipe(call, sizeof(*call));
    free(call);
}

/* The caller's handshake is done: its session begins. */
static void
on_connected(struct sim_world *world, void *arg)
{
    struct call *call = arg;
    struct sim_node *n = &world->nodes[call->node];
    struct sim_peer *peer = &n->peers[call->peer];
    struct sim_conn *conn;

    if (n->life != call->life || n->engine == NULL) {
        sim_talk_free(call->talk);
        free(call);
        return;
    }
    if (world->nodes[call->peer].engine == NULL ||
        !sim_net_is_open(world, call->node, call->peer)) {
        sim_trace("n%u does not reach n%u", call->node, call->peer);
        peer->is_calling = false;
        peer->end = (struct sim_end){.is_set = true, .is_caller = true};
        sim_talk_free(call->talk);
        free(call);
        return;
    }
    conn = conn_new(world, call->node, call->peer);
    call->conn = conn->id;
    ent_put_u64(call->hash, sim_random(&world->random));
    sim_talk_start(world, call->talk, conn, call->hash, ent_slice(NULL, 0));
    call->talk = NULL;
    sim_world_later(world, due(world, conn, 1), on_third_message, call);
}

void
sim_net_call(struct sim_world *world, unsigned node, unsigned peer)
{
    struct sim_node *n = &world->nodes[node];
    const struct directory_peer *row =
        directory_find(n->directory, &world->nodes[peer].id);
    struct call *call = ent_alloc_zero(1, sizeof(*call));

    ENT_ASSERT(row != NULL && !n->peers[peer].is_calling);
    n->peers[peer].is_calling = true;
    call->node = node;
    call->peer = peer;
    call->life = n->life;
    call->talk =
        sim_talk_new(world, node, peer, row, n->peers[peer].secret_index);
    call->talk->is_caller = true;
    call->talk->config.is_caller = true;
    call->secret = call->talk->secret;
    ent_session_hello(&call->talk->config, sim_world_wall_ms(world, node), 1000,
                      call->hello);
    sim_world_later(world, 2 * delay(world), on_connected, call);
}
