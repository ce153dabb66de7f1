/*
 * The simulated world: a clock, a queue of events ordered by time and then by
 * number, chance from one seed, and what all its nodes, connections and
 * sessions are. One thread; nothing waits; no real clock is asked.
 *
 *   sim_node  a store that may crash, its writer, its peers   (the daemon)
 *   sim_net   connections: delay, cut, half-open, partition   (the network)
 *   sim_talk  a session over a connection, its effects        (node/io)
 *   sim_work  what people do      sim_fault  what goes wrong
 *   sim_check what must hold
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <entente/link.h>
#include <entente/record.h>
#include <entente/session.h>

#include "sim/sim_disk.h"
#include "sim/sim_random.h"
#include "sim/sim_trace.h"
#include "store/directory.h"
#include "store/engine.h"
#include "store/sync.h"

#define SIM_NODES_MAX 16u
#define SIM_SPACES_MAX 512u
#define SIM_START_MS 1700000000000u /* the wall clock when the world begins */
#define SIM_BACKUPS 2u

struct sim_world;

/* ---- events ---- */

struct sim_event {
    uint64_t at_ms;
    uint64_t number; /* of two at one time the earlier made comes first */
    void (*run)(struct sim_world *world, void *arg); /* takes `arg` */
    void *arg;
};

/* ---- network ---- */

/* Two ends: 0 called, 1 was called. */
struct sim_conn {
    struct sim_conn *next;
    uint64_t id;
    unsigned node[2];
    uint64_t talk[2];   /* sessions; 0: none yet, or gone */
    uint64_t due_ms[2]; /* no message *to* that end comes earlier */
    bool is_cut;
    bool is_deaf[2]; /* half-open: nothing reaches that end any more */
};

/* ---- sessions ---- */

struct sim_talk {
    struct sim_talk *next;
    uint64_t id;
    uint64_t conn;
    unsigned node;
    unsigned peer;
    unsigned end; /* of the connection */
    bool is_ready;
    bool is_over;
    bool owes_moved; /* became ready: is to hear our present top */
    uint8_t bye_due;
    uint64_t born_ms;
    uint64_t ready_ms;
    uint64_t proof_top;
    struct ent_id truth;      /* of our common heads at the last READ_PROOF */
    struct ent_id peer_truth; /* of theirs, with their last PROOF */
    struct ent_key secret;
    struct ent_key newest;
    struct ent_key proof_key;
    struct sync_peer who;
    struct ent_session_config config;
    struct ent_session *session;
    bool is_caller;
};

/* ---- nodes ---- */

struct sim_end { /* how the last session with a peer ended */
    bool is_set;
    bool is_caller;
    bool was_connected;
    bool was_established;
    bool was_ready;
    enum ent_status st;
    uint8_t bye;
};

struct sim_peer {
    struct sync_state state;
    bool is_loaded;
    bool is_dirty;
    bool is_listed;
    bool is_calling;
    uint64_t live; /* session */
    struct sim_end end;
    size_t secret_index;
    uint64_t backoff_ms;
    uint64_t retry_at;
    struct ent_id fingerprint;
};

struct sim_run {                          /* what is on its way to the writer */
    void (*write)(struct engine *engine); /* NULL: a run */
    uint64_t talk;
    unsigned peer;
    struct ent_buf bytes; /* the run's payloads borrow from it */
    struct ent_run *run;
    struct ent_session_event event;
};

struct sim_node {
    unsigned index;
    uint64_t life; /* counts starts; what an earlier one left is dropped */
    char folder[256];
    char key_path[256];
    struct sim_disk *disk;
    struct engine *engine; /* NULL: it is down */
    struct ent_id id;
    struct directory *directory;
    struct sim_peer peers[SIM_NODES_MAX];
    struct sim_run **queue; /* verified, not yet stored */
    size_t queue_count;
    size_t queue_cap;
    bool writer_is_due;
    uint64_t reader_due_ms; /* the reader is busy until then */
    uint64_t give_due_ms;   /* … and its answers are given until then */
    uint64_t tick_ms;
    uint64_t kept_ms;
    int64_t clock_off_ms; /* its wall clock is wrong by this */
    bool is_member;
    uint32_t unheard;   /* put back exactly, which nobody here can see: writes
                         when these (bits) were heard, or one has told it */
    bool owes_check;    /* after a crash: count what survived */
    uint64_t committed; /* entries whose commit returned */
    uint64_t ledgered;  /* own entries up to this arrival are in the ledger */
    struct sim_backup *backups[SIM_BACKUPS];
    uint64_t backup_secrets[SIM_BACKUPS]; /* secrets of the circle then */
};

/* A space somebody opened, and who may hold it. */
struct sim_space {
    struct ent_id sid;
    uint8_t kind;
    unsigned opener;
    uint32_t readers; /* bits */
    bool is_revealed;
    struct ent_record_id rid; /* of its situation */
};

/* An entry whose commit its author was told of. */
struct sim_ledger {
    struct ent_id id;
    unsigned author;
    bool is_lost; /* with a restored disk, before anybody else had it */
};

enum sim_faults { SIM_NET = 1, SIM_CRASH = 2, SIM_RESTORE = 4, SIM_CLOCK = 8 };

struct sim_counters {
    uint64_t events;
    uint64_t messages;
    uint64_t bytes;
    uint64_t commits;
    uint64_t writes;
    uint64_t refused;
    uint64_t sessions;
    uint64_t proved;
    uint64_t repairs;
    uint64_t cuts;
    uint64_t crashes;
    uint64_t crashes_in_commit;
    uint64_t unsynced;
    uint64_t restores;
    uint64_t rollbacks;
    uint64_t rebuilds;
};

struct sim_world {
    uint64_t seed;
    uint64_t random;
    uint64_t now_ms; /* monotonic, for all nodes */
    unsigned faults; /* of enum sim_faults */
    bool is_ending;  /* nothing starts any more */
    uint64_t next_id;
    uint64_t next_event;
    struct sim_event *events; /* a heap */
    size_t event_count;
    size_t event_cap;
    size_t node_count;
    struct sim_node nodes[SIM_NODES_MAX];
    uint32_t side; /* partition: nodes of a set bit reach each other only */
    struct sim_conn *conns;
    struct sim_talk *talks;
    struct ent_id circle;
    bool has_circle;
    size_t space_count;
    struct sim_space spaces[SIM_SPACES_MAX];
    size_t ledger_count;
    size_t ledger_cap;
    struct sim_ledger *ledger;
    struct sim_counters count;
    char folder[200];
};

/* A world of `node_count` new nodes, none of them in a circle. Its folder is
 * made in memory where there is such a disk. Returns owned: sim_world_free. */
struct sim_world *sim_world_new(uint64_t seed, size_t node_count,
                                unsigned faults);
void sim_world_free(struct sim_world *world);

/* Runs `run` in `delay_ms`; it takes `arg`. */
void sim_world_later(struct sim_world *world, uint64_t delay_ms,
                     void (*run)(struct sim_world *world, void *arg),
                     void *arg);
/* Lets time pass, and everything happen that is due. */
void sim_world_advance(struct sim_world *world, uint64_t ms);

uint64_t sim_world_below(struct sim_world *world, uint64_t limit);
bool sim_world_chance(struct sim_world *world, uint64_t n); /* once in n */
void sim_world_key(struct sim_world *world, struct ent_key *ret_key);
/* The node's own wall clock. */
uint64_t sim_world_wall_ms(const struct sim_world *world, unsigned node);
/* Whose id is it? SIM_NODES_MAX when nobody's. */
unsigned sim_world_who(const struct sim_world *world, const struct ent_id *id);

#endif
