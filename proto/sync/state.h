/*
 * The inside of a session: its state, and what its files call of each other.
 *
 *   session.c    HELLO, dispatch of events, silence, view
 *   outgoing.c   our changes to the peer: CHANGES, RUN, what ACK means
 *   incoming.c   the peer's changes to us: items, batches, cursor
 *   flow.c       credit that we grant; asking (WANT) within it
 *   items.c      one head of the peer's and its states
 *   known.c      heads that the peer has anyway
 *   proof.c      PROOF, and HEADS when it fails
 *   effects.c    the queue of effects, closing
 *
 * Every event ends in session_settle(), which lets each part do what has
 * become possible; so no handler needs to know what waits for it.
 */
#ifndef ENTENTE_PROTO_SYNC_STATE_H
#define ENTENTE_PROTO_SYNC_STATE_H

#include "sync/messages.h"
#include "sync/table.h"

enum session_state {
    SESSION_NEW,      /* waits for EV_START */
    SESSION_GREETING, /* caller: waits for the callee's HELLO */
    SESSION_LIVE,
    SESSION_CLOSED,
};

/* Something the peer wants from us: part of one log. */
struct want {
    struct log_link link; /* first: the table's view of it */
    struct want *next;    /* in the queue */
    uint64_t from_seq;
    uint64_t to_seq;
    size_t need_bytes; /* the next run is this long; 0 when not known */
    size_t reserved;   /* credit held for the read in flight */
    bool is_reading;
    bool is_reset; /* asked again from `reset_seq` while being read */
    uint64_t reset_seq;
};

struct outgoing {
    uint64_t top;     /* our store's highest change number */
    uint64_t scanned; /* read up to here */
    uint8_t scanned_id[16];
    uint64_t told;                       /* described to the peer up to here */
    uint64_t acked;                      /* committed by the peer up to here */
    uint64_t open[ENT_CHANGES_OPEN_MAX]; /* CHANGES not yet settled there */
    size_t open_count;
    bool is_held;    /* recovering: take first */
    bool is_reading; /* READ_CHANGES in flight */
    bool is_stalled; /* the store found nothing up to `top`: ask at a TICK */
    struct log_table wants;
    struct want *first;
    struct want *last;
    size_t reads; /* READ_RUN in flight */
    size_t credit;
    size_t reserved; /* … of it, for reads in flight */
};

enum item_state {
    ITEM_CHECKING, /* CHECK in flight */
    ITEM_NEEDED,   /* to be asked for */
    ITEM_ASKED,    /* WANT sent, or announced as coming */
    ITEM_DEFERRED, /* stored nowhere yet: waits for something else */
    ITEM_DONE,     /* out of the table; freed when nobody holds it */
};
#define ITEM_STATES 5

/* A head of the peer's that is not yet settled here. */
struct item {
    struct log_link link; /* first: the table's view of it */
    struct item *next;    /* in the queue of what to ask for */
    uint64_t seq;
    struct ent_id id;
    uint64_t upto;      /* the CHANGES it came in; 0: HEADS */
    uint64_t from_seq;  /* pushed from here, when is_coming */
    uint64_t need_from; /* first seq to ask for */
    uint64_t have;      /* STORED said that we have the log below this */
    uint32_t token;     /* of the CHECK in flight */
    uint8_t state;      /* enum item_state */
    uint8_t holds;      /* lists that still point here */
    bool is_coming;
    bool is_listed;       /* NEEDS named it */
    enum ent_status late; /* why it was deferred while being checked */
    bool is_wanted;       /* WANT sent, not only coming */
    bool is_noted;        /* its waiting was told */
};

/* One CHANGES that is not yet committed. */
struct batch {
    uint64_t upto;
    uint8_t upto_id[16];
    size_t remaining; /* items */
    size_t active;    /* … of them not deferred */
};
#define BATCHES_MAX (ENT_CHANGES_OPEN_MAX + 1u) /* one is settled: deferred */

/* A CHECK in flight. */
struct check {
    struct check *next;
    uint32_t token;
    size_t count;
    struct item **items; /* each held once */
    size_t credit;       /* returned with the answer (HEADS) */
};

/* A head that the peer said it has. */
struct known {
    struct log_link link; /* first: the table's view of it */
    struct known *next;   /* newer */
    uint64_t seq;
    struct ent_id id;
};

struct incoming {
    uint8_t store_id[ENT_STORE_ID_LEN]; /* the peer's */
    uint64_t peer_top;
    uint64_t upto;     /* described to us up to here */
    uint64_t settled;  /* … of it settled: nothing on its way */
    uint64_t consumed; /* … of it committed */
    uint64_t acked;    /* the last ACK's numbers */
    uint64_t acked_settled;
    struct batch batches[BATCHES_MAX];
    size_t batch_count;
    struct log_table items;
    struct log_table known; /* at most ENT_KNOWN_MAX, the oldest leave */
    struct known *known_first;
    struct known *known_last;
    size_t counts[ITEM_STATES];
    size_t wanted_count; /* ASKED by WANT */
    struct item *needed_first;
    struct item *needed_last;
    struct check *checks;
    uint32_t last_token;
    size_t in_store; /* STORE_RUN in flight */
    size_t refused;
    size_t excuses; /* runs that may come although no item waits */
    size_t window;  /* granted + what is here unreturned */
    size_t granted; /* bytes that the peer may still send */
    size_t to_return;
    bool is_heads_open; /* more HEADS are to come */
    uint64_t retry_ms;
    uint64_t retry_delay_ms;
    size_t retry_chain; /* where the last retry stopped */
};

struct proof {
    bool is_dirty;   /* something changed since our last proof */
    bool is_forced;  /* send it even when it says the same */
    bool is_reading; /* READ_PROOF in flight */
    bool is_void;    /* … and something moved meanwhile */
    bool has_own;
    struct msg_proof own;
    uint8_t sum[16];
    bool has_peer;
    struct msg_proof peer;
    bool is_compared; /* this pair of proofs was looked at … */
    bool is_equal;    /* … and was equal */
    uint64_t next_ms;
    uint64_t sent_ms;
    uint64_t repair_ms; /* no repair before */
    uint64_t repair_delay_ms;
    uint64_t repairs;
    bool is_repairing; /* our HEADS are on their way */
    bool is_reading_heads;
    uint64_t heads_after;
    size_t heads_reserved;
};

struct ent_session {
    struct ent_session_config config;
    enum session_state state;
    uint64_t now_ms;
    uint64_t start_ms;
    uint64_t wall_ms; /* at the start */
    uint64_t free_mib;
    uint64_t heard_ms;
    uint64_t pinged_ms;
    bool is_limited; /* on either side: numbers pass over what was not told */
    struct outgoing out;
    struct incoming in;
    struct proof proof;
    struct ent_session_effect *effects;
    size_t effect_count;
    size_t effect_cap;
    size_t effect_next;
    void **lent; /* memory that effects point to, freed by the next step */
    size_t lent_count;
    size_t lent_cap;
};

/* effects.c */
/* Appends an effect, zeroed but for its type; borrowed until the next one. */
struct ent_session_effect *session_emit(struct ent_session *s,
                                        enum ent_session_effect_type type);
/* Takes memory that an effect points to. */
void session_lend(struct ent_session *s, void *memory);
/* Frees the last step's effects and what they pointed to. */
void session_clear_effects(struct ent_session *s);
/* SEND of what was encoded; takes the buffer's memory. */
void session_send(struct ent_session *s, enum ent_msg_type type,
                  struct ent_buf *body);
void session_note(struct ent_session *s, enum ent_status st,
                  const struct ent_logkey *log);
/* The peer broke a rule: BYE(REFUSED, name of `st`), then CLOSE. */
void session_refuse(struct ent_session *s, enum ent_status st);
/* Says `bye` and closes with `st`. */
void session_bye(struct ent_session *s, enum ent_status st,
                 const struct msg_bye *bye);
/* The peer said BYE. */
void session_bye_heard(struct ent_session *s, const struct msg_bye *bye);

/* outgoing.c */
void outgoing_init(struct ent_session *s);
void outgoing_release(struct ent_session *s);
void outgoing_hello(struct ent_session *s, const struct msg_hello *hello);
void outgoing_on_changes(struct ent_session *s,
                         const struct ent_session_event *event);
void outgoing_on_run(struct ent_session *s,
                     const struct ent_session_event *event);
void outgoing_on_want(struct ent_session *s, struct ent_slice body);
void outgoing_on_ack(struct ent_session *s, struct ent_slice body);
void outgoing_on_grant(struct ent_session *s, struct ent_slice body);
void outgoing_settle(struct ent_session *s);
/* Credit that no read has reserved. */
size_t outgoing_credit(const struct ent_session *s);
bool outgoing_is_quiet(const struct ent_session *s);

/* incoming.c */
void incoming_init(struct ent_session *s);
void incoming_release(struct ent_session *s);
void incoming_hello(struct ent_session *s, const struct msg_hello *hello);
void incoming_on_message_changes(struct ent_session *s, struct ent_slice body);
void incoming_on_message_heads(struct ent_session *s, struct ent_slice body);
void incoming_on_message_run(struct ent_session *s, struct ent_slice body);
void incoming_on_needs(struct ent_session *s,
                       const struct ent_session_event *event);
void incoming_on_stored(struct ent_session *s,
                        const struct ent_session_event *event);
/* Checks deferred items again, a message's worth at a time. */
void incoming_retry(struct ent_session *s);
void incoming_on_tick(struct ent_session *s);
void incoming_settle(struct ent_session *s);
bool incoming_is_quiet(const struct ent_session *s);

/* items.c */
struct item *item_new(struct ent_session *s, const struct ent_head *head,
                      uint64_t upto);
/* Moves the item and keeps the counts; to ITEM_DONE it leaves the table. */
void item_move(struct ent_session *s, struct item *item, enum item_state state);
/* A list lets go of the item: freed when done and held no more. */
void item_drop_hold(struct item *item);
/* The first seq from `from` on that no asked item of the log covers. */
uint64_t item_first_unasked(const struct ent_session *s,
                            const struct ent_logkey *log, uint64_t from);
/* Into the queue of what to ask for. */
void item_need(struct ent_session *s, struct item *item, uint64_t from_seq);
/* Puts the item aside until a retry; past ENT_DEFERRED_MAX it is given up
 * and left to the repair. */
void item_defer(struct ent_session *s, struct item *item, enum ent_status st);

/* known.c */
/* The peer named this head: it need not be told of it. */
void known_put(struct ent_session *s, const struct ent_head *head);
/* Does the peer have this head, or one further on in the log? */
bool known_has(const struct ent_session *s, const struct ent_head *head);
void known_release(struct ent_session *s);

/* flow.c */
void flow_init(struct ent_session *s);
/* The peer sent `len` bytes that count: false (and closed) when they are
 * more than was granted. */
bool flow_take(struct ent_session *s, size_t len);
/* `len` bytes are settled here: granted again sooner or later. */
void flow_return(struct ent_session *s, size_t len);
/* Sends WANT for what is needed, and GRANT when it is due. */
void flow_settle(struct ent_session *s);
/* GRANT of everything owed, when something is still to come. */
void flow_on_tick(struct ent_session *s);

/* proof.c */
void proof_init(struct ent_session *s);
/* Numbers or heads changed: the last proof says nothing about now. */
void proof_changed(struct ent_session *s);
/* HEADS went or came: see ENT_REPAIR_MS. */
void proof_on_repair(struct ent_session *s);
void proof_on_message(struct ent_session *s, struct ent_slice body);
void proof_on_proof(struct ent_session *s,
                    const struct ent_session_event *event);
void proof_on_heads(struct ent_session *s,
                    const struct ent_session_event *event);
void proof_settle(struct ent_session *s);
bool proof_is_proved(const struct ent_session *s);

/* session.c */
bool session_is_quiet(const struct ent_session *s);

#endif
