/*
 * A sync session with one peer: `step(event) -> effects`.
 *
 * Pure: it never waits, logs or asks for the time. The node carries out the
 * effects and reports back with events. One session runs over one established
 * link; what must survive it (cursors, proofs) is given at the start and
 * handed out as effects. Normative text: docs/protocol.md 5.
 *
 * A store counts *change numbers*: a log's `moved` is the number of the last
 * change in it (an entry stored, or somebody's right to it grown). A peer has
 * consumed our numbers up to some cursor, so what it needs is every log it
 * may see that moved since. What the peer itself named is not told back to
 * it, and what it may not see is passed over; once proved equal, the cursor
 * moves over these numbers too (CONSUMED after PROVED), so that a reconnect
 * does not look at them again.
 *
 *   out:  READ_CHANGES -> CHANGES message [-> peer's WANT] -> READ_RUN -> RUN
 *         ... -> peer's ACK(number) -> ACKED effect
 *   in:   CHANGES message -> CHECK effect -> NEEDS event -> WANT message
 *         RUN message -> STORE_RUN effect -> STORED event -> credit, and when
 *         all of a CHANGES is committed: CONSUMED effect, ACK message
 *   quiet both ways: READ_PROOF -> PROOF message; equal: PROVED effect;
 *         different with equal numbers: READ_HEADS -> HEADS message -> CHECK
 *
 * A message of an unknown type is skipped below ENT_MSG_CRITICAL, so that a
 * later release may add one, and refused from there on. Bytes of RUN and
 * HEADS messages are granted by the receiver; all others are small and answer
 * something.
 */
#ifndef ENTENTE_SESSION_H
#define ENTENTE_SESSION_H

#include <entente/entry.h>
#include <entente/limits.h>

#define ENT_PROTOCOL_MIN 1u
#define ENT_PROTOCOL_MAX 1u
#define ENT_STORE_ID_LEN 16u

/* HELLO's feature bits. */
#define ENT_FEATURE_RECOVERING 0x01u /* takes first, serves later */
#define ENT_FEATURE_LIMITED 0x02u    /* tells of circles only, for now */

/* What one session keeps at most, whatever the peer does. */
#define ENT_CHANGES_OPEN_MAX 4u /* CHANGES with something still to come */
#define ENT_READS_OPEN_MAX 4u   /* READ_RUN without its answer */
#define ENT_ASKED_MAX 8192u     /* logs wanted from the peer at a time */
#define ENT_WANTS_MAX 16384u    /* logs the peer wants from us */
#define ENT_DEFERRED_MAX 8192u  /* heads that wait; more are left to repair */
#define ENT_ITEMS_MAX 65536u    /* heads not yet settled, in all */
#define ENT_KNOWN_MAX 4096u     /* heads that the peer said it has */

/* Milliseconds. */
#define ENT_PROOF_MS 60000u       /* a proof at least this often */
#define ENT_PROOF_GAP_MS 200u     /* … and no two closer than this */
#define ENT_REPAIR_MS 2000u       /* after a repair; doubles … */
#define ENT_REPAIR_MAX_MS 300000u /* … up to this while nothing helps */
#define ENT_RETRY_MS 2000u        /* deferred heads are asked again; doubles */
#define ENT_RETRY_MAX_MS 60000u

enum ent_msg_type {
    ENT_MSG_HELLO = 1,
    ENT_MSG_CHANGES = 2,
    ENT_MSG_WANT = 3,
    ENT_MSG_RUN = 4, /* a run; or a log's name alone: not to be had */
    ENT_MSG_ACK = 5,
    ENT_MSG_PROOF = 6,
    ENT_MSG_HEADS = 7,
    ENT_MSG_GRANT = 8,
    ENT_MSG_PING = 9,
    ENT_MSG_PONG = 10,
    ENT_MSG_BYE = 11,
    /* Joining (JOIN links only; node/io speaks these): */
    ENT_MSG_JOIN_COMMIT = 16,  /* callee: H(tag, r1) */
    ENT_MSG_JOIN_CALLER = 17,  /* caller: r2 */
    ENT_MSG_JOIN_CALLEE = 18,  /* callee: r1 */
    ENT_MSG_JOIN_CONFIRM = 19, /* both people saw the same digits */
    ENT_MSG_JOIN_CARD = 20,    /* caller: its card */
    ENT_MSG_JOIN_CIRCLE = 21,  /* callee: circle id and its own card */
};
#define ENT_MSG_CRITICAL 0x40u

/* The message's name for logs and traces; "unknown" when there is none. */
const char *ent_msg_name(unsigned type);

/* Why a session ended, as BYE says it. */
enum ent_bye {
    ENT_BYE_STOP = 1,    /* orderly stop of the node */
    ENT_BYE_VERSION = 2, /* no version in common; detail: the one needed */
    ENT_BYE_REFUSED = 3, /* detail: a status name */
    ENT_BYE_OTHER = 4,   /* another session with this peer stays */
    ENT_BYE_AGAIN = 5,   /* shake hands again (newer secret, rekey) */
};

/* What a node knows of itself and of this peer when the session starts. */
struct ent_session_config {
    bool is_caller;
    struct ent_id node;    /* ours */
    struct ent_id peer;    /* theirs */
    uint8_t link_hash[32]; /* ent_link_hash: binds proofs */
    char software[32];     /* version, for people */
    uint32_t protocol_min; /* normally ENT_PROTOCOL_MIN … */
    uint32_t protocol_max;
    uint8_t store_id[ENT_STORE_ID_LEN]; /* ours */
    uint64_t top;                       /* our highest change number */
    bool knows_peer_store;
    uint8_t peer_store_id[ENT_STORE_ID_LEN]; /* of the numbers consumed */
    uint64_t consumed;       /* how far we consumed the peer's */
    uint8_t consumed_id[16]; /* the entry id at that number, as the peer
                                      told it in CHANGES; zero if none */
    bool is_limited;         /* old secret: the peer is told of circles only,
                                and no number is kept */
    bool is_recovering;      /* restored: take first, serve later */
    size_t credit_max;       /* granted to this peer at most, between
                                      ENT_RUN_BYTES_MAX and ENT_CREDIT_MAX;
                                      0 is ENT_CREDIT_MAX */
};

/* One log's head as CHANGES and HEADS carry it. */
struct ent_head {
    struct ent_logkey log;
    uint64_t seq;
    struct ent_id id;
    uint64_t from_seq; /* CHANGES: first seq that moved since; the sender
                          pushes from here when is_coming */
    bool is_coming;    /* runs follow without a WANT */
};

/* What to fetch of one log. */
struct ent_need {
    struct ent_logkey log;
    uint64_t from_seq;
    uint64_t to_seq;
};

enum ent_session_event_type {
    ENT_EV_START,   /* the link is established */
    ENT_EV_MESSAGE, /* one whole message came */
    ENT_EV_TICK,    /* time passed (at least every second) */
    ENT_EV_MOVED,   /* our store's top rose, or rights grew */
    ENT_EV_CHANGES, /* answers READ_CHANGES */
    ENT_EV_RUN,     /* answers READ_RUN */
    ENT_EV_NEEDS,   /* answers CHECK */
    ENT_EV_STORED,  /* answers STORE_RUN */
    ENT_EV_PROOF,   /* answers READ_PROOF */
    ENT_EV_HEADS,   /* answers READ_HEADS */
    ENT_EV_RETRY,   /* members changed: what was deferred may fit now */
    ENT_EV_STOP,    /* close in order: BYE(bye) */
};

struct ent_session_event {
    enum ent_session_event_type type;
    uint64_t now_ms; /* monotonic */
    union {
        struct {
            struct ent_slice hello; /* callee: message 3's payload; caller:
                                       empty, HELLO comes as a message */
            uint64_t wall_ms;
            uint64_t free_mib;
        } start;
        struct {
            uint8_t type;
            struct ent_slice body;
        } message;
        struct {
            uint64_t top;
        } moved;
        struct {
            uint64_t after;      /* as asked */
            uint64_t upto;       /* everything in (after, upto] is in `heads` */
            uint8_t upto_id[16]; /* id of the entry at or before `upto`,
                                    also when there are no heads */
            size_t count;
            const struct ent_head *heads;
            size_t push_bytes; /* about what pushing them would send */
        } changes;
        struct {
            struct ent_logkey log;
            uint64_t from_seq;
            uint64_t to_seq;      /* asked */
            uint64_t last_seq;    /* of the run; from_seq - 1 when empty */
            struct ent_slice run; /* encoded; empty: not (or no longer) to be
                                     sent to this peer, unless … */
            size_t need_bytes;    /* … above 0: it may, but the shortest run
                                     that ends at a signature is this long,
                                     over the `max_bytes` asked for */
        } run;
        struct {
            uint32_t token; /* as in CHECK */
            size_t count;
            const struct ent_need *needs; /* logs not listed are not needed */
        } needs;
        struct {
            struct ent_logkey log;
            uint64_t head_seq;  /* of our log now; UINT64_MAX when empty */
            size_t run_len;     /* bytes of the run, for credit */
            enum ent_status st; /* ENT_OK (also when nothing was new),
                                   ENT_PEER_UNKNOWN_AUTHOR, _UNKNOWN_SPACE
                                   and ENT_AGAIN (its first seq is past our
                                   head: an earlier run was deferred or
                                   overtaken): deferred,
                                   ENT_PEER_NOT_ENTITLED and
                                   ENT_PEER_FORK (dropped, noted), others:
                                   malformed */
        } stored;
        struct {
            uint8_t sum[16];
            uint64_t head_count;
            uint8_t spaces[16]; /* keyed hash of the ids held in common */
            uint64_t top;       /* our change number at that read */
        } proof;
        struct {
            size_t count; /* at most `max` of READ_HEADS */
            const struct ent_head *heads;
            uint64_t upto; /* where to go on: the next `after` */
            bool is_last;
        } heads;
        struct {
            enum ent_bye bye;
        } stop;
    } u;
};

enum ent_session_effect_type {
    ENT_FX_SEND,         /* a message for the link */
    ENT_FX_READ_CHANGES, /* logs the peer may see that moved after `after`,
                            in order of moved, at most `max` */
    ENT_FX_READ_RUN,     /* one run of a log, at most `max_bytes` */
    ENT_FX_CHECK,        /* which of these heads go past ours? */
    ENT_FX_STORE_RUN,    /* verify and store */
    ENT_FX_READ_PROOF,   /* sum over the heads of all common spaces */
    ENT_FX_READ_HEADS,   /* heads of all common spaces, a part at a time */
    ENT_FX_CONSUMED,     /* keep: we consumed the peer's numbers up to here */
    ENT_FX_ACKED,        /* keep: the peer consumed ours up to here */
    ENT_FX_PROVED,       /* keep: proved equal, now */
    ENT_FX_ROLLED_BACK,  /* the peer consumed more of ours than we have */
    ENT_FX_NOTE,         /* something to show: reason, about which log */
    ENT_FX_READY,        /* HELLO was good: peer's facts are in `hello` */
    ENT_FX_CLOSE,        /* send what is queued, then close */
};

struct ent_session_effect {
    enum ent_session_effect_type type;
    union {
        struct {
            uint8_t type;
            struct ent_slice body; /* borrowed until the next step */
        } send;
        struct {
            uint64_t after;
            uint32_t max;
        } read_changes;
        struct {
            struct ent_logkey log;
            uint64_t from_seq;
            uint64_t to_seq;
            size_t max_bytes;
        } read_run;
        struct {
            uint64_t after; /* 0 first, then what EV_HEADS said; the store's
                               own order (a row number), nothing to us */
            uint32_t max;
        } read_heads;
        struct {
            uint32_t token;
            size_t count;
            const struct ent_head *heads; /* borrowed until the next step */
        } check;
        struct {
            struct ent_slice run; /* borrowed until the next step */
        } store_run;
        struct {
            uint8_t store_id[ENT_STORE_ID_LEN]; /* the peer's */
            uint64_t number;
            uint8_t id[16];
        } consumed; /* also acked: number only */
        struct {
            enum ent_status st;
            struct ent_logkey log;
        } note;
        struct {
            char software[32];
            uint32_t version; /* spoken from now on */
            uint8_t store_id[ENT_STORE_ID_LEN];
            bool is_store_new; /* not the one whose numbers we consumed */
            uint64_t top;
            uint64_t consumed_ours;
            uint8_t consumed_ours_id[16]; /* the entry id it has there; zero
                                             if none: compare with ours */
            int64_t skew_ms;              /* their clock less ours */
        } ready;
        struct {
            enum ent_status st; /* ENT_OK: BYE was said or heard */
            uint8_t bye;        /* enum ent_bye, 0 when interrupted */
            bool is_theirs;     /* the peer said it */
            char detail[48];    /* "protocol 2", a status name */
        } close;
    } u;
};

/* How sharing with this peer stands, for status and watch. */
struct ent_session_view {
    bool is_ready;
    bool is_quiet;         /* nothing moves either way */
    bool is_proved;        /* … and the last proof was equal */
    uint64_t told;         /* our numbers described to the peer */
    uint64_t acked;        /* … and acknowledged */
    uint64_t consumed;     /* the peer's numbers we committed */
    uint64_t peer_top;     /* the peer's highest number heard of */
    size_t deferred_count; /* runs that wait for an earlier entry */
    size_t wanted_count;   /* logs still to come from the peer */
    uint64_t repairs;      /* times the proof failed */
};

struct ent_session;

/* Returns owned; free with ent_session_free. */
struct ent_session *ent_session_new(const struct ent_session_config *config);
void ent_session_free(struct ent_session *session);

/* The caller's HELLO for message 3: exactly ENT_HELLO_LEN (256) bytes, as
 * u16 length || HELLO || zeros. */
void ent_session_hello(const struct ent_session_config *config,
                       uint64_t wall_ms, uint64_t free_mib,
                       uint8_t ret_hello[256]);

/*
 * Takes one event; the effects are then read by ent_session_next until it
 * returns false, before the next step. A peer's broken message is a CLOSE
 * effect with its status, never a return value: after it every event is
 * ignored.
 */
void ent_session_step(struct ent_session *session,
                      const struct ent_session_event *event);
bool ent_session_next(struct ent_session *session,
                      struct ent_session_effect *ret_effect);
void ent_session_view(const struct ent_session *session,
                      struct ent_session_view *ret_view);

#endif
