/*
 * Methods of the loop: what is about connections, not about the store.
 * Parameters and results: docs/guide.md; the table is at the end.
 */
#include "api/tables.h"
#include "clock.h"
#include "io/dial.h"
#include "io/exchange.h"
#include "io/join.h"
#include "io/request.h"

#include <strings.h>

#define SYNC_WAIT_MS 10000
#define SYNC_WAIT_MAX_MS 600000
#define ID_PREFIX_MIN 6u

/* ---- sync ---- */

static bool
is_named(const struct directory_peer *row, const char *who)
{
    char hex[65];

    if (strcasecmp(row->name, who) == 0) {
        return true;
    }
    ent_hex(hex, row->node.b, sizeof(row->node.b));
    return strlen(who) >= ID_PREFIX_MIN &&
           strncasecmp(hex, who, strlen(who)) == 0;
}

/* Whom a call of sync is about: one peer, or all that share a circle. */
static bool
is_meant(const struct io *io, const struct directory_peer *row, const char *who)
{
    if (ent_id_eq(&row->node, &io->keys->node)) {
        return false;
    }
    return who == NULL ? row->role != ENT_ROLE_NONE : is_named(row, who);
}

static void
describe_sync(struct io *io, struct api_call *call, const char *who)
{
    struct value *list = value_array();

    for (size_t i = 0; i < io->directory->peer_count; i++) {
        const struct directory_peer *row = &io->directory->peers[i];
        struct peer *peer = peers_find(io->peers, &row->node);
        struct value *v;

        if (peer == NULL || !is_meant(io, row, who)) {
            continue;
        }
        v = value_object();
        value_set_hex(v, "node", row->node.b, sizeof(row->node.b));
        value_set_string(v, "name", row->name);
        value_set_bool(v, "proved", exchange_is_proved(peer));
        value_set_string(v, "reason", peer->facts.reason);
        value_add(list, v);
    }
    value_set(call->result, "peers", list);
}

static bool
sync_is_done(struct api_call *call, bool is_late)
{
    struct io *io = request_io(call);
    const char *who = value_get_string(call->params, "peer");
    bool is_done = true;

    for (size_t i = 0; i < io->directory->peer_count; i++) {
        const struct directory_peer *row = &io->directory->peers[i];
        struct peer *peer = peers_find(io->peers, &row->node);

        if (peer != NULL && is_meant(io, row, who)) {
            is_done &= exchange_is_proved(peer);
        }
    }
    if (!is_done && !is_late) {
        return false;
    }
    /* Whoever asks for the status next sees what was true here. */
    peers_beat(io->peers, clock_mono_ms(), true);
    describe_sync(io, call, who);
    return true;
}

static void
method_sync(struct api_call *call)
{
    struct io *io = request_io(call);
    const char *who = api_string(call, "peer", false);
    int64_t wait_ms = value_get_int(call->params, "wait_ms", SYNC_WAIT_MS);
    size_t count = 0;

    if (call->is_refused) {
        return;
    }
    if (wait_ms < 0 || wait_ms > SYNC_WAIT_MAX_MS) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "“wait_ms” must be 0 to %d", SYNC_WAIT_MAX_MS);
        return;
    }
    for (size_t i = 0; i < io->directory->peer_count; i++) {
        const struct directory_peer *row = &io->directory->peers[i];
        struct peer *peer = peers_find(io->peers, &row->node);

        if (peer != NULL && is_meant(io, row, who)) {
            dial_now(io, peer);
            count++;
        }
    }
    if (who != NULL && count == 0) {
        api_refuse(call, ENT_EXIT_NOT_FOUND, "not-found",
                   "See “entente peers” for those this node knows.",
                   "no peer is called “%.80s”", who);
        return;
    }
    request_defer(call, sync_is_done, clock_mono_ms() + (uint64_t)wait_ms);
}

/* ---- joining ---- */

static void
put_join(struct api_call *call, const struct join *join)
{
    struct value *v = join_value(join);
    static const char *const keys[] = {"join", "circle_name", "inviter",
                                       "state", "code"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *s = value_get_string(v, keys[i]);

        if (s != NULL) {
            value_set_string(call->result, keys[i], s);
        }
    }
    value_free(v);
}

static void
method_join(struct api_call *call)
{
    struct io *io = request_io(call);
    const char *text = api_string(call, "invitation", true);
    struct directory_ticket ticket;
    struct join *join;

    if (call->is_refused) {
        return;
    }
    if (directory_ticket_decode(text, &ticket) != ENT_OK) {
        api_refuse(call, ENT_EXIT_USAGE, "join.not-an-invitation",
                   "Copy it whole: it begins with “entente1-”.",
                   "this is not a whole, undamaged invitation");
        return;
    }
    if (call->now_ms >= ticket.expires_ms) {
        api_refuse(call, ENT_EXIT_REFUSED,
                   ent_status_name(ENT_PEER_INVITE_EXPIRED),
                   "Ask for a new one.", "this invitation has expired");
    } else if (ent_id_eq(&ticket.inviter, &io->keys->node)) {
        api_refuse(call, ENT_EXIT_REFUSED, "join.own-invitation",
                   "Give it to the structure you invite.",
                   "this invitation was made here");
    } else if ((join = join_call(io, &ticket)) == NULL) {
        api_refuse(call, ENT_EXIT_REFUSED, "join.too-many",
                   "Finish those under way first.",
                   "too many joins are under way");
    } else {
        put_join(call, join);
    }
    ent_wipe(&ticket, sizeof(ticket));
}

/* People type "123 456" too. */
static bool
read_code(struct api_call *call, char ret_code[JOIN_CODE_LEN + 1])
{
    const char *text = api_string(call, "code", true);
    size_t len = 0;

    for (const char *p = text; p != NULL && *p != '\0'; p++) {
        if (*p >= '0' && *p <= '9' && len < JOIN_CODE_LEN) {
            ret_code[len++] = *p;
        } else if (*p != ' ' && *p != '-') {
            len = JOIN_CODE_LEN + 1;
            break;
        }
    }
    if (len == JOIN_CODE_LEN) {
        ret_code[len] = '\0';
        return true;
    }
    api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
               "the code is six digits, as both sides show them");
    return false;
}

static void
refuse_join(struct api_call *call, enum join_answer answer)
{
    switch (answer) {
    case JOIN_OK:
        break;
    case JOIN_NONE:
        api_refuse(call, ENT_EXIT_NOT_FOUND, "join.none",
                   "See “entente invite list” or “entente join --status”.",
                   "no join waits for a code");
        break;
    case JOIN_DIFFERS:
        api_refuse(call, ENT_EXIT_REFUSED, "join.code-differs",
                   "Read the six digits to each other once more. If they "
                   "really differ, somebody stands between you: refuse.",
                   "these are not the digits shown here");
        break;
    case JOIN_DROPPED:
        api_refuse(call, ENT_EXIT_REFUSED, "join.code-differs",
                   "It was dropped. Begin again with a new invitation, handed "
                   "over another way.",
                   "these are not the digits shown here, for the third time");
        break;
    }
}

static void
confirm(struct api_call *call, bool is_caller)
{
    bool was_compared = value_get_bool(call->params, "compared", true);
    char code[JOIN_CODE_LEN + 1];
    struct join *join = NULL;
    enum join_answer answer;

    if (!read_code(call, code)) {
        return;
    }
    answer = join_confirm(request_io(call)->joins, is_caller, code,
                          was_compared, &join);
    if (answer == JOIN_OK) {
        put_join(call, join);
    } else {
        refuse_join(call, answer);
    }
}

static void
method_join_confirm(struct api_call *call)
{
    confirm(call, true);
}

static void
method_invite_confirm(struct api_call *call)
{
    confirm(call, false);
}

static void
method_invite_refuse(struct api_call *call)
{
    char code[JOIN_CODE_LEN + 1];

    if (read_code(call, code)) {
        refuse_join(call, join_refuse(request_io(call)->joins, code));
    }
}

static void
method_join_status(struct api_call *call)
{
    value_set(call->result, "joins",
              joins_value(request_io(call)->joins, true));
}

static void
method_invite_joins(struct api_call *call)
{
    value_set(call->result, "joins",
              joins_value(request_io(call)->joins, false));
}

/* ---- the node ---- */

static void
method_stop(struct api_call *call)
{
    struct io *io = request_io(call);

    io->stop(io);
}

const struct api_method api_loop_methods[] = {
    {"node.stop", API_LOOP, method_stop},
    {"sync", API_LOOP, method_sync},
    {"join", API_LOOP, method_join},
    {"join.status", API_LOOP, method_join_status},
    {"join.confirm", API_LOOP, method_join_confirm},
    {"invite.confirm", API_LOOP, method_invite_confirm},
    {"invite.refuse", API_LOOP, method_invite_refuse},
    {"invite.joins", API_LOOP, method_invite_joins},
    {NULL, API_LOOP, NULL},
};
