/* What is kept and what is live of a peer, put together. */
#include "api/peer_look.h"

#include "api/common.h"
#include "store/history.h"

#include <entente/gov.h>

#include <stdio.h>
#include <stdlib.h>

/* A new link is proved within this; after it, an equal session without a
 * proof kept is one on an old secret. */
#define PROOF_IS_LATE_MS 5000u

const char *
peer_link_name(enum live_link link)
{
    switch (link) {
    case LIVE_IDLE:
        return "idle";
    case LIVE_DIALLING:
        return "dialling";
    case LIVE_CONNECTED:
        return "connected";
    case LIVE_BACKOFF:
        return "backoff";
    case LIVE_REFUSED:
        return "refused";
    }
    return "idle";
}

const char *
peer_role_name(uint8_t role)
{
    return role == ENT_ROLE_NONE ? "joining" : ent_role_name(role);
}

struct value *
peer_addresses_value(const struct directory_peer *row)
{
    struct value *list = value_array();

    for (size_t i = 0; i < row->address_count; i++) {
        value_add(list, value_string(row->addresses[i]));
    }
    return list;
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Up to a number at which both were proved equal nothing waits, even if no
 * acknowledgement says so. */
static void
look_at_numbers(struct peer_look *look, struct api_call *call)
{
    const struct ent_session_view *view = &look->live.view;
    const struct ent_id *node = &look->row->node;

    look->acked = look->state.acked;
    if (look->state.proved_at != 0) {
        look->acked = larger(look->acked, look->state.proved_top);
    }
    look->last_at = look->state.last_exchange_at;
    if (look->is_connected) {
        look->last_at = larger(look->last_at, look->live.connected_at);
        if (view->is_ready) {
            look->acked = larger(look->acked, view->acked);
        }
        look->waiting_in = view->wanted_count + view->deferred_count;
    }
    sync_waiting(call->db, node, look->acked, &look->waiting_out,
                 &look->oldest_at);
    look->waiting_here = sync_waiting_for_earlier(call->db, node);
    look->waiting_in += look->waiting_here;
}

static bool
is_proved_now(const struct peer_look *look)
{
    const struct ent_session_view *view = &look->live.view;

    return look->is_connected && view->is_ready && view->is_quiet &&
           view->is_proved && look->waiting_out == 0 && look->waiting_in == 0 &&
           look->state.proved_at != 0 &&
           look->state.proved_at >= look->live.connected_at;
}

/* ---- why not ---- */

static bool
is_one_of(const char *word, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(word, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static enum reason
why_away(struct peer_look *look)
{
    static const char *const refusals[] = {
        "refused",        "no-common-secret",   "stranger",
        "not-entitled",   "invitation-used",    "invitation-expired",
        "not-authorised", "invitation-unknown", NULL,
    };
    static const char *const unrecognised[] = {"handshake-failed", "wrong-gate",
                                               NULL};
    static const char *const silent[] = {"",        "offline", "again",
                                         "timeout", "ok",      NULL};
    bool is_live = look->live.reason[0] != '\0';
    const char *why = is_live ? look->live.reason : look->state.refusal;
    const char *detail =
        is_live ? look->live.detail : look->state.refusal_detail;
    bool is_version = strcmp(why, ent_status_name(ENT_PEER_VERSION)) == 0;

    if (is_version || strcmp(why, "refused") == 0) {
        snprintf(look->detail, sizeof(look->detail), "%s",
                 detail[0] != '\0' ? detail : why);
    } else {
        snprintf(look->detail, sizeof(look->detail), "%s", why);
    }
    if (is_version) {
        return REASON_WRONG_VERSION;
    }
    if (is_one_of(why, refusals)) {
        return REASON_REFUSED;
    }
    if (look->row->role == ENT_ROLE_NONE) {
        return REASON_NOT_A_MEMBER_YET;
    }
    if (look->row->address_count == 0) {
        return REASON_NO_ADDRESS;
    }
    if (is_one_of(why, unrecognised)) {
        return REASON_UNRECOGNISED;
    }
    if (!is_one_of(why, silent)) {
        return REASON_BROKEN_OFF;
    }
    return look->last_at > 0 ? REASON_OFFLINE : REASON_NEVER;
}

static void
find_author(struct peer_look *look, struct db *db)
{
    uint64_t author = history_waiting_author(db, &look->row->node);

    if (author != 0) {
        api_name(db, author, look->author);
    } else {
        snprintf(look->author, sizeof(look->author), "%s", look->row->name);
    }
}

static bool
has_large_skew(int64_t skew_ms)
{
    return skew_ms > (int64_t)ENT_SKEW_MS || skew_ms < -(int64_t)ENT_SKEW_MS;
}

static enum reason
why_unequal(struct peer_look *look, struct api_call *call)
{
    const struct ent_session_view *view = &look->live.view;
    const struct ent_id *node = &look->row->node;
    struct history_node own;

    history_node(call->db, &own);
    if (own.is_recovering) {
        return REASON_STORE_RESTORED;
    }
    if (history_forked(call->db, node) > 0) {
        return REASON_FORK;
    }
    if (look->waiting_here > 0 || view->deferred_count > 0) {
        find_author(look, call->db);
        return REASON_WAITING_FOR_EARLIER;
    }
    if (look->row->role == ENT_ROLE_NONE) {
        return REASON_NOT_A_MEMBER_YET;
    }
    if (!view->is_ready || !view->is_quiet) {
        return REASON_EXCHANGING;
    }
    if (view->is_proved && look->state.proved_at < look->live.connected_at &&
        call->now_ms > look->live.connected_at + PROOF_IS_LATE_MS) {
        return REASON_OLDER_KEY;
    }
    if (history_unread(call->db, node) > 0) {
        return REASON_KEY_NOT_DELIVERED;
    }
    return has_large_skew(look->live.skew_ms) ? REASON_CLOCK_SKEW
                                              : REASON_EXCHANGING;
}

static void
fill_facts(struct peer_look *look, struct api_call *call)
{
    look->facts = (struct reason_facts){
        .name = look->row->name,
        .author = look->author,
        .detail = look->detail,
        .since_at = look->last_at,
        .now_ms = call->now_ms,
        .count = look->waiting_out,
        .skew_ms =
            look->is_connected ? look->live.skew_ms : look->state.skew_ms,
    };
    if (look->reason == REASON_KEY_NOT_DELIVERED) {
        look->facts.count = history_unread(call->db, &look->row->node);
    }
}

void
peer_look_at(struct peer_look *look, struct api_call *call,
             const struct directory_peer *row)
{
    *look = (struct peer_look){.row = row};
    sync_state_read(call->db, &row->node, &look->state);
    if (call->live != NULL) {
        (void)live_find(call->live, &row->node, &look->live);
    }
    look->is_connected = look->live.link == LIVE_CONNECTED;
    look_at_numbers(look, call);
    look->is_proved = is_proved_now(look);
    if (!look->is_proved) {
        look->reason =
            look->is_connected ? why_unequal(look, call) : why_away(look);
    }
    fill_facts(look, call);
}
