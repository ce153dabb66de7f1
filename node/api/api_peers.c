/* Links with other nodes, and the addresses that people give them. */
#include "api/common.h"
#include "api/node_methods.h"
#include "api/peer_look.h"

static struct value *
peer_value(struct api_call *call, const struct directory_peer *row)
{
    struct value *v = value_object();
    const char *sector = ent_sector_name(row->sector);
    struct live_peer live = {0};

    if (call->live != NULL) {
        (void)live_find(call->live, &row->node, &live);
    }
    value_set_hex(v, "node", row->node.b, sizeof(row->node.b));
    value_set_string(v, "name", row->name);
    value_set_string(v, "sector", sector != NULL ? sector : "other");
    value_set_string(v, "role", peer_role_name(row->role));
    value_set(v, "addresses", peer_addresses_value(row));
    value_set_bool(v, "connected", live.link == LIVE_CONNECTED);
    value_set_string(v, "direction",
                     live.link != LIVE_CONNECTED ? ""
                     : live.is_caller            ? "we called"
                                                 : "they called");
    value_set_string(v, "state", peer_link_name(live.link));
    value_set_int(v, "retry_at", (int64_t)live.retry_at);
    if (live.rtt_ms > 0) {
        value_set_int(v, "rtt_ms", (int64_t)live.rtt_ms);
    }
    value_set_int(v, "bytes_in", (int64_t)live.bytes_in);
    value_set_int(v, "bytes_out", (int64_t)live.bytes_out);
    return v;
}

void
api_peers(struct api_call *call)
{
    struct directory *directory = directory_read(call->db);
    struct value *list = value_array();

    for (size_t i = 0; i < directory->peer_count; i++) {
        value_add(list, peer_value(call, &directory->peers[i]));
    }
    directory_free(directory);
    value_set(call->result, "peers", list);
}

/* The peer that the call names: a member, and not we. 0 when refused. */
static uint64_t
other_structure(struct api_call *call, const char *text)
{
    uint64_t circle = api_circle(call);
    uint64_t node = circle != 0 ? api_structure(call, circle, text) : 0;

    if (node != 0 && node == overview_own_node(call->db)) {
        api_refuse(call, ENT_EXIT_USAGE, "peers.own",
                   "Where this node listens is set when it is made.",
                   "“%s” is this node itself.", text);
        return 0;
    }
    return node;
}

void
api_peers_add(struct api_call *call)
{
    const char *structure = api_string(call, "structure", true);
    const char *address = api_string(call, "address", true);
    uint64_t node;
    enum ent_status st;

    if (call->is_refused) {
        return;
    }
    node = other_structure(call, structure);
    if (node == 0) {
        return;
    }
    st = engine_add_address(call->engine, node, address);
    if (st == ENT_RULE_USAGE) {
        api_refuse(call, ENT_EXIT_USAGE, "peers.address",
                   "Write it as host:port, for example 192.0.2.7:7447 or"
                   " [2001:db8::7]:7447.",
                   "“%s” is not an address.", address);
    } else if (st == ENT_RULE) {
        api_refuse(call, ENT_EXIT_REFUSED, "peers.too-many",
                   "`entente peers remove` forgets one that is not used.",
                   "At most %u addresses of a structure are kept.",
                   ENT_ADDRESSES_MAX);
    } else if (st != ENT_OK) {
        api_refuse_status(call, st, "The address was not kept");
    }
}

void
api_peers_remove(struct api_call *call)
{
    const char *structure = api_string(call, "structure", true);
    const char *address = api_string(call, "address", true);
    uint64_t node;
    enum ent_status st;

    if (call->is_refused) {
        return;
    }
    node = other_structure(call, structure);
    if (node == 0) {
        return;
    }
    st = engine_remove_address(call->engine, node, address);
    if (st != ENT_OK) {
        api_refuse(call, ENT_EXIT_NOT_FOUND, "peers.address-not-found",
                   "`entente peers` lists the addresses; those that a"
                   " structure tells of itself cannot be removed here.",
                   "No address “%s” was added by hand.", address);
    }
}
