/*
 * The joining dialogue, both sides.
 *
 * Happy path: as drawn in join.h.
 * Failure modes
 *   - the inviter cannot be reached: tried again every two seconds, at each of
 *     its addresses, for fifteen minutes.
 *   - it closes after our proof: the invitation is used, expired or unknown
 *     there (only its own log says which): failed.
 *   - digits that differ, told three times; a person who refuses; r1 that is
 *     not the one committed to; a card that is not the link's: closed, failed.
 *   - nobody confirms within fifteen minutes: closed, failed.
 *   - the connection is lost before the end: failed; the invitation is not
 *     used up unless the inviter stored the newcomer.
 */
#include "io/join_state.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- beginning ---- */

static void
join_free(struct join *join)
{
    ent_wipe(join, sizeof(*join));
    free(join);
}

/* Makes room by forgetting the oldest that is over. */
static void
forget_one(struct joins *joins)
{
    struct join **oldest = NULL;
    struct join *join;

    for (struct join **p = &joins->first; *p != NULL; p = &(*p)->next) {
        if (join_is_over(*p) && (*p)->conn == NULL && (*p)->job_count == 0) {
            oldest = p; /* the list has the newest first */
        }
    }
    if (oldest != NULL) {
        join = *oldest;
        *oldest = join->next;
        joins->count--;
        join_free(join);
    }
}

static struct join *
join_new(struct joins *joins, bool is_caller)
{
    struct join *join;

    if (joins->count == JOINS_MAX) {
        forget_one(joins);
    }
    if (joins->count == JOINS_MAX) {
        return NULL;
    }
    join = ent_alloc_zero(1, sizeof(*join));
    join->magic = JOIN_MAGIC;
    join->io = joins->io;
    join->is_caller = is_caller;
    join->begun_ms = clock_mono_ms();
    join->begun_at = clock_wall_ms();
    clock_random(join->id, sizeof(join->id));
    join->next = joins->first;
    joins->first = join;
    joins->count++;
    return join;
}

static void
call_now(struct join *join)
{
    struct ent_link_config config = {
        .is_caller = true,
        .pattern = ENT_LINK_JOIN,
        .static_secret = join->io->keys->transport_secret,
        .remote_static = join->ticket.transport,
    };
    const struct directory_ticket *ticket = &join->ticket;

    if (ticket->address_count == 0) {
        join_fail(join, "no-address");
        return;
    }
    clock_seed(&config.seed);
    join->conn = conn_call(
        join->io->conns,
        ticket->addresses[join->address_index % ticket->address_count], &config,
        &JOIN_EVENTS, join);
    ent_wipe(&config, sizeof(config));
    join->io->hurry(join->io);
}

struct join *
join_call(struct io *io, const struct directory_ticket *ticket)
{
    struct join *join = join_new(io->joins, true);

    if (join == NULL) {
        return NULL;
    }
    join->ticket = *ticket;
    join->circle = ticket->circle;
    join_move(join, JOIN_DIALLING, "calling the inviter");
    call_now(join);
    return join;
}

bool
join_answer(struct io *io, const struct directory_invitation *row,
            const struct ent_key *remote, struct conn *conn)
{
    struct join *join;
    struct ent_id commit;

    for (join = io->joins->first; join != NULL; join = join->next) {
        if (!join->is_caller && join->state != JOIN_FAILED &&
            memcmp(join->invitation, row->id, sizeof(row->id)) == 0) {
            return false;
        }
    }
    join = join_new(io->joins, false);
    if (join == NULL) {
        return false;
    }
    memcpy(join->invitation, row->id, sizeof(join->invitation));
    join->circle = row->circle;
    join->remote = *remote;
    join->conn = conn;
    conn_own(conn, &JOIN_EVENTS, join);
    conn_trust(conn);
    join_move(join, JOIN_DIALLING, "an invited caller is here");
    clock_random(join->r1, sizeof(join->r1));
    ent_hash("entente/join-code/1", ENT_SLICE_OF(join->r1), &commit);
    join_send(join, ENT_MSG_JOIN_COMMIT, ENT_SLICE_OF(commit),
              ent_slice(NULL, 0));
    return true;
}

/* ---- what people do ---- */

static bool
waits_for_us(const struct join *join, bool is_caller)
{
    return join->is_caller == is_caller && join->has_code &&
           !join->is_confirmed_here && !join_is_over(join);
}

static enum join_answer
count_wrong(struct joins *joins, bool is_caller)
{
    enum join_answer answer = JOIN_NONE;

    for (struct join *join = joins->first; join != NULL; join = join->next) {
        if (!waits_for_us(join, is_caller)) {
            continue;
        }
        answer = answer == JOIN_DROPPED ? JOIN_DROPPED : JOIN_DIFFERS;
        join->wrong_count++;
        if (join->wrong_count >= JOIN_WRONG_MAX) {
            join_fail(join, "join.code-differs");
            answer = JOIN_DROPPED;
        }
    }
    return answer;
}

enum join_answer
join_confirm(struct joins *joins, bool is_caller, const char *code,
             bool was_compared, struct join **ret_join)
{
    for (struct join *join = joins->first; join != NULL; join = join->next) {
        if (waits_for_us(join, is_caller) && strcmp(join->code, code) == 0) {
            join->is_confirmed_here = true;
            join->was_compared = was_compared;
            join_send(join, ENT_MSG_JOIN_CONFIRM, ent_slice(NULL, 0),
                      ent_slice(NULL, 0));
            join_confirmed(join);
            *ret_join = join;
            return JOIN_OK;
        }
    }
    return count_wrong(joins, is_caller);
}

enum join_answer
join_refuse(struct joins *joins, const char *code)
{
    for (struct join *join = joins->first; join != NULL; join = join->next) {
        if (!join_is_over(join) && join->has_code &&
            join->state != JOIN_WRITING && strcmp(join->code, code) == 0) {
            join_fail(join, "refused-here");
            return JOIN_OK;
        }
    }
    return JOIN_NONE;
}

/* ---- showing ---- */

static const char *
state_at_inviter(const struct join *join)
{
    switch (join->state) {
    case JOIN_DIALLING:
    case JOIN_COMPARE:
        return "compare";
    case JOIN_HERE:
        return "confirmed-here";
    case JOIN_THERE:
        return "confirmed-there";
    case JOIN_WRITING:
        return "confirmed";
    case JOIN_DONE:
        return "done";
    case JOIN_FAILED:
        return "failed";
    }
    return "unknown";
}

static const char *
state_at_newcomer(const struct join *join)
{
    switch (join->state) {
    case JOIN_DIALLING:
        return "dialling";
    case JOIN_COMPARE:
    case JOIN_THERE:
        return "compare";
    case JOIN_HERE:
    case JOIN_WRITING:
        return "waiting-for-them";
    case JOIN_DONE:
        return join->is_member ? "member" : "waiting-for-vote";
    case JOIN_FAILED:
        return "failed";
    }
    return "unknown";
}

struct value *
join_value(const struct join *join)
{
    struct value *v = value_object();

    value_set_hex(v, "join", join->id, sizeof(join->id));
    value_set_string(v, "code", join->code);
    value_set_int(v, "at", (int64_t)join->begun_at);
    if (join->is_caller) {
        value_set_string(v, "circle_name", join->ticket.circle_name);
        value_set_string(v, "inviter", join->ticket.inviter_name);
        value_set_string(v, "state", state_at_newcomer(join));
    } else {
        value_set_hex(v, "invitation", join->invitation,
                      sizeof(join->invitation));
        value_set_string(v, "name", join->name);
        value_set_string(v, "state", state_at_inviter(join));
    }
    if (!ent_id_is_zero(&join->node)) {
        value_set_hex(v, "node", join->node.b, sizeof(join->node.b));
    }
    value_set_string(v, "reason", join->reason);
    return v;
}

struct value *
joins_value(const struct joins *joins, bool is_caller)
{
    struct value *list = value_array();

    for (struct join *join = joins->first; join != NULL; join = join->next) {
        if (join->is_caller == is_caller) {
            value_add(list, join_value(join));
        }
    }
    return list;
}

/* ---- all of them ---- */

struct joins *
joins_new(struct io *io)
{
    struct joins *joins = ent_alloc_zero(1, sizeof(*joins));

    joins->io = io;
    return joins;
}

void
joins_free(struct joins *joins)
{
    if (joins == NULL) {
        return;
    }
    while (joins->first != NULL) {
        struct join *join = joins->first;

        ENT_ASSERT(join->conn == NULL && join->job_count == 0);
        joins->first = join->next;
        join_free(join);
    }
    free(joins);
}

/* A key that exactly today's members hold, and we with them: the circle took
 * us in. Before that its inviter is known to us, but we are not in it. */
void
joins_directory_changed(struct joins *joins)
{
    const struct directory_peer *row;

    for (struct join *join = joins->first; join != NULL; join = join->next) {
        if (!join->is_caller || ent_id_is_zero(&join->node)) {
            continue;
        }
        row = directory_find(join->io->directory, &join->node);
        if (row != NULL && row->role != ENT_ROLE_NONE && row->full_count > 0) {
            join->is_member = true;
        }
    }
}

void
joins_beat(struct joins *joins, uint64_t now_ms)
{
    for (struct join *join = joins->first; join != NULL; join = join->next) {
        if (join_is_over(join)) {
            continue;
        }
        if (now_ms - join->begun_ms > JOIN_PENDING_MS) {
            join_fail(join, ent_status_name(ENT_PEER_TIMEOUT));
        } else if (join->is_caller && join->conn == NULL &&
                   join->state == JOIN_DIALLING && now_ms >= join->retry_at) {
            call_now(join);
        }
    }
}

bool
joins_is_waiting(const struct joins *joins)
{
    for (struct join *join = joins->first; join != NULL; join = join->next) {
        if (!join_is_over(join)) {
            return true;
        }
    }
    return false;
}

void
joins_stop(struct joins *joins)
{
    for (struct join *join = joins->first; join != NULL; join = join->next) {
        join_fail(join, "stopped");
        if (join->conn != NULL) {
            conn_close(join->conn, ENT_OK);
        }
    }
}
