/* What this node is, and the table of methods about it and its peers. */
#include "api/common.h"
#include "api/live.h"
#include "api/node_methods.h"
#include "api/tables.h"
#include "store/history.h"
#include "store/sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Resident memory as the kernel counts it; 0 where it does not tell. */
static uint64_t
rss_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    uint64_t size = 0;
    uint64_t resident = 0;
    long page = sysconf(_SC_PAGESIZE);

    if (f == NULL) {
        return 0;
    }
    if (fscanf(f, "%" SCNu64 " %" SCNu64, &size, &resident) != 2) {
        resident = 0;
    }
    fclose(f);
    return page > 0 ? resident * ((uint64_t)page / 1024) : 0;
}

static void
set_live_facts(struct value *v, struct api_call *call,
               const struct history_node *own)
{
    struct value *listen = value_array();
    struct live_node live = {0};
    const char *note = own->note;

    if (call->live != NULL) {
        live_node_get(call->live, &live);
    }
    if (live.listen[0] != '\0') {
        value_add(listen, value_string(live.listen));
    }
    value_set(v, "listen", listen);
    value_set_string(v, "folder", live.folder);
    value_set_int(v, "started_at", (int64_t)live.started_at);
    if (live.note[0] != '\0') {
        note = live.note;
    }
    if (note[0] != '\0') {
        value_set_string(v, "incarnation_note", note);
    }
}

struct value *
api_node_value(struct api_call *call)
{
    struct value *v = value_object();
    uint8_t store_id[ENT_STORE_ID_LEN];
    struct history_node own;
    struct ent_id node;
    const char *sector;
    bool is_recovering;
    size_t circles;
    uint64_t top;

    history_node(call->db, &own);
    sector = ent_sector_name(own.sector);
    sync_store_node(call->db, &node);
    sync_store(call->db, store_id, &top, &is_recovering);
    free(overview_spaces(call->db, ENT_SPACE_CIRCLE, &circles));
    value_set_hex(v, "node", node.b, sizeof(node.b));
    value_set_string(v, "structure", own.structure);
    value_set_string(v, "sector", sector != NULL ? sector : "other");
    value_set_string(v, "version", ENT_VERSION);
    value_set_hex(v, "store_id", store_id, sizeof(store_id));
    value_set_string(v, "state", "running");
    set_live_facts(v, call, &own);
    value_set_int(v, "clock_at", (int64_t)call->now_ms);
    value_set_int(v, "top", (int64_t)top);
    value_set_int(v, "circles", (int64_t)circles);
    value_set_int(v, "rss_kib", (int64_t)rss_kib());
    return v;
}

void
api_node_info(struct api_call *call)
{
    struct value *node = api_node_value(call);

    for (void *at = value_first(node); at != NULL; at = value_next(node, at)) {
        value_set(call->result, value_key_of(at),
                  value_share(value_member_of(at)));
    }
    value_free(node);
}

const struct api_method api_node_methods[] = {
    {"node.info", API_READ, api_node_info},
    {"status", API_READ, api_status},
    {"peers", API_READ, api_peers},
    {"peers.add", API_WRITE, api_peers_add},
    {"peers.remove", API_WRITE, api_peers_remove},
    {NULL, API_READ, NULL},
};
