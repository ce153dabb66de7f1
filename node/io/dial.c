/*
 * Calling peers.
 *
 * Happy path: a peer appears in the directory with an address -> called with
 * the newest secret -> live; when that ends, called again after the shortest
 * wait. A BYE(AGAIN) is followed by a call at once, by whoever had called.
 * Failure modes
 *   - not reachable: the next address; after the last one, back-off.
 *   - the callee closes after our third message: it does not know this
 *     secret; the next older one at once; after the last one, back-off with
 *     the reason no-common-secret.
 *   - refused by version or right: until the directory changes, or
 *     the longest back-off.
 *   - they call us while we wait: the session counts, whoever called.
 */
#include "io/dial.h"

#include "clock.h"
#include "io/exchange.h"

#include <stdio.h>

static void
set_reason(struct peer *peer, const char *reason, const char *detail)
{
    snprintf(peer->facts.reason, sizeof(peer->facts.reason), "%s", reason);
    snprintf(peer->facts.detail, sizeof(peer->facts.detail), "%s", detail);
}

static void
keep_refusal(struct io *io, struct peer *peer)
{
    if (strcmp(peer->state.refusal, peer->facts.reason) == 0) {
        return;
    }
    memcpy(peer->state.refusal, peer->facts.reason,
           sizeof(peer->state.refusal));
    memcpy(peer->state.refusal_detail, peer->facts.detail,
           sizeof(peer->state.refusal_detail));
    peers_keep(io->peers, peer);
}

/* Between half of the wait and all of it. */
static uint64_t
with_jitter(uint64_t wait_ms)
{
    uint32_t r;

    clock_random(&r, sizeof(r));
    return wait_ms / 2 + (wait_ms - wait_ms / 2) * r / UINT32_MAX;
}

static void
wait_for(struct io *io, struct peer *peer, uint64_t wait_ms)
{
    peer->retry_at = clock_mono_ms() + wait_ms;
    peer->facts.retry_at = clock_wall_ms() + wait_ms;
    peers_touch(io->peers, peer);
}

static void
back_off(struct io *io, struct peer *peer)
{
    unsigned min = io->config->backoff_min_ms;
    unsigned max = io->config->backoff_max_ms;

    peer->backoff_ms = peer->backoff_ms == 0 ? min : peer->backoff_ms * 2;
    if (peer->backoff_ms > max) {
        peer->backoff_ms = max;
    }
    peer->facts.link = LIVE_BACKOFF;
    wait_for(io, peer, with_jitter(peer->backoff_ms));
}

static void
refuse(struct io *io, struct peer *peer)
{
    peer->is_refused = true;
    peer->facts.link = LIVE_REFUSED;
    wait_for(io, peer, io->config->backoff_max_ms);
}

/* A session that had been ready is over. */
static void
after_session(struct io *io, struct peer *peer, const struct peer_end *end)
{
    peer->backoff_ms = 0;
    peer->address_index = 0;
    peer->secret_index = 0;
    peer->facts.link = LIVE_IDLE;
    if (end->bye == ENT_BYE_VERSION || end->bye == ENT_BYE_REFUSED) {
        set_reason(peer,
                   end->bye == ENT_BYE_VERSION
                       ? ent_status_name(ENT_PEER_VERSION)
                       : "refused",
                   end->detail);
        keep_refusal(io, peer);
        refuse(io, peer);
        return;
    }
    if (end->st != ENT_OK) {
        set_reason(peer, ent_status_name(end->st), end->detail);
        keep_refusal(io, peer);
        back_off(io, peer);
        return;
    }
    set_reason(peer, end->bye == ENT_BYE_AGAIN ? "" : "offline", "");
    if (end->bye == ENT_BYE_AGAIN && end->is_caller) {
        wait_for(io, peer, 0);
        return;
    }
    wait_for(io, peer, with_jitter(io->config->backoff_min_ms));
}

static void
next_address(struct io *io, struct peer *peer, const struct directory_peer *row)
{
    peer->secret_index = 0;
    peer->address_index++;
    if (peer->address_index >= row->address_count) {
        peer->address_index = 0;
        back_off(io, peer);
    }
}

/* A call of ours ended before the peer's HELLO. */
static void
after_call(struct io *io, struct peer *peer, const struct peer_end *end,
           const struct directory_peer *row)
{
    if (end->st == ENT_PEER_VERSION || end->bye == ENT_BYE_VERSION) {
        set_reason(peer, ent_status_name(ENT_PEER_VERSION), end->detail);
        keep_refusal(io, peer);
        refuse(io, peer);
        return;
    }
    if (end->conn.was_established) {
        peer->secret_index++;
        if (peer->secret_index < row->secret_count) {
            wait_for(io, peer, 0);
            return;
        }
        set_reason(peer, ent_status_name(ENT_PEER_NO_SECRET), "");
        keep_refusal(io, peer);
    } else if (!end->conn.was_connected) {
        set_reason(peer, "offline", "");
    } else if (end->conn.st == ENT_AGAIN) {
        set_reason(peer, ent_status_name(ENT_PEER_HANDSHAKE), "");
    } else {
        set_reason(peer, ent_status_name(end->conn.st), "");
    }
    next_address(io, peer, row);
}

static void
look_at_end(struct io *io, struct peer *peer, const struct directory_peer *row)
{
    struct peer_end end = peer->end;

    peer->has_end = false;
    if (peer->live != NULL || row == NULL) {
        return;
    }
    if (end.was_ready) {
        after_session(io, peer, &end);
    } else if (end.is_caller) {
        after_call(io, peer, &end, row);
    }
    peers_touch(io->peers, peer);
}

static bool
may_call(const struct peer *peer, const struct directory_peer *row)
{
    return row != NULL && row->address_count > 0 && row->secret_count > 0 &&
           peer->live == NULL && peer->calling == NULL;
}

static void
call(struct io *io, struct peer *peer, const struct directory_peer *row)
{
    if (peer->address_index >= row->address_count) {
        peer->address_index = 0;
    }
    if (peer->secret_index >= row->secret_count) {
        peer->secret_index = 0;
    }
    peer->is_refused = false;
    peer->facts.link = LIVE_DIALLING;
    peers_touch(io->peers, peer);
    exchange_call(io, peer, row);
}

void
dial_beat(struct io *io, uint64_t now_ms)
{
    if (io->is_stopping) {
        return;
    }
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        struct peer *peer = peers_at(io->peers, i);
        const struct directory_peer *row =
            directory_find(io->directory, &peer->node);

        if (peer->has_end) {
            look_at_end(io, peer, row);
        }
        if (may_call(peer, row) && now_ms >= peer->retry_at) {
            call(io, peer, row);
        }
    }
}

uint64_t
dial_next_ms(struct io *io)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < peers_count(io->peers); i++) {
        struct peer *peer = peers_at(io->peers, i);

        if (peer->has_end) {
            return 0;
        }
        if (peer->retry_at < next &&
            may_call(peer, directory_find(io->directory, &peer->node))) {
            next = peer->retry_at;
        }
    }
    return next;
}

static void
reset(struct io *io, struct peer *peer)
{
    peer->is_refused = false;
    peer->backoff_ms = 0;
    peer->address_index = 0;
    peer->secret_index = 0;
    peer->retry_at = 0;
    peer->facts.retry_at = 0;
    peers_touch(io->peers, peer);
}

void
dial_now(struct io *io, struct peer *peer)
{
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        if (peer == NULL || peer == peers_at(io->peers, i)) {
            reset(io, peers_at(io->peers, i));
        }
    }
    io->hurry(io);
}

/* What calling depends on: addresses and secrets. */
static void
fingerprint(const struct directory_peer *row, struct ent_id *ret_id)
{
    struct ent_hasher h;

    ent_hasher_init(&h, "entente/directory-row/1");
    ent_hasher_add(&h, ENT_SLICE_OF(row->transport));
    for (size_t i = 0; i < row->address_count; i++) {
        ent_hasher_add(&h, ent_slice_str(row->addresses[i]));
        ent_hasher_add(&h, ent_slice("", 1));
    }
    ent_hasher_add(&h, ent_slice(row->secrets,
                                 row->secret_count * sizeof(row->secrets[0])));
    ent_hasher_end(&h, ret_id);
}

void
dial_directory_changed(struct io *io)
{
    for (size_t i = 0; i < peers_count(io->peers); i++) {
        peers_at(io->peers, i)->is_listed = false;
    }
    for (size_t i = 0; i < io->directory->peer_count; i++) {
        const struct directory_peer *row = &io->directory->peers[i];
        struct ent_id print;
        struct peer *peer;

        if (ent_id_eq(&row->node, &io->keys->node)) {
            continue;
        }
        peer = peers_get(io->peers, &row->node);
        if (peer == NULL) {
            break; /* ENT_PEERS_MAX */
        }
        peer->is_listed = true;
        fingerprint(row, &print);
        if (!ent_id_eq(&print, &peer->fingerprint)) {
            peer->fingerprint = print;
            reset(io, peer);
        }
    }
    io->hurry(io);
}
