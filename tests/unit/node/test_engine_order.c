/* Whatever the order in which runs arrive, cut at any signature, twice, before
 * what they follow or before their keys: all nodes come to hold the same, and
 * views folded anew are the views that grew. */
#include "unit/node/nodes.h"

#define STEPS 220u
#define SEEDS 6u

struct orders {
    struct nodes w;
    struct ent_id care;   /* of nodes 0 to 2 */
    struct ent_id review; /* of all */
    unsigned late;        /* runs that came before what they follow */
    unsigned again;       /* runs that brought nothing new */
};

/* ---- writing ---- */

static void
write_something(struct orders *o)
{
    struct node *n = &o->w.n[nodes_random(&o->w, (uint32_t)o->w.count)];
    const struct ent_id *sid = &o->w.circle;
    uint16_t kind = KIND_MEETING;
    uint32_t where = nodes_random(&o->w, 3);
    unsigned count = 1 + nodes_random(&o->w, 3);
    char text[32];
    unsigned i;

    if (where == 1 && node_space(n, &o->care) != 0) {
        sid = &o->care;
        kind = KIND_CARE_CASE;
    } else if (where == 2 && node_space(n, &o->review) != 0) {
        sid = &o->review;
        kind = nodes_random(&o->w, 2) == 0 ? KIND_CONCLUSION : KIND_SITUATION;
    }
    node_begin(&o->w, n);
    for (i = 0; i < count; i++) {
        enum ent_status st;

        snprintf(text, sizeof(text), "%u",
                 (unsigned)nodes_random(&o->w, 1000000));
        st = node_put(n, sid, kind, (uint8_t)nodes_random(&o->w, 5),
                      (uint16_t)(1 + nodes_random(&o->w, 2)), text);
        /* One that was named, but whose keys are still on their way. */
        assert_true(st == ENT_OK || st == ENT_PEER_NOT_ENTITLED);
    }
    node_commit(&o->w, n);
}

/* ---- carrying ---- */

static uint64_t
head_of(const struct node *n, const struct ent_logkey *log)
{
    struct log_row row;
    uint64_t space = node_space(n, &log->space);
    uint64_t node = node_row(n, &log->node);

    return space != 0 && node != 0 &&
                   row_log_find(node_db(n), space, node, log->inc, &row) &&
                   !row.is_empty
               ? row.head_seq
               : UINT64_MAX;
}

/* Some part of some log, often with a beginning that is known already, ending
 * at some signature. */
static void
carry_something(struct orders *o)
{
    size_t count = o->w.count;
    size_t a = nodes_random(&o->w, (uint32_t)count);
    size_t b = (a + 1 + nodes_random(&o->w, (uint32_t)count - 1)) % count;
    struct node *to = &o->w.n[a];
    struct node *from = &o->w.n[b];
    struct sync_peer peer = {.node = to->id};
    struct sync_changes c;
    struct ent_need need;
    struct ent_buf run;
    uint64_t head;
    enum ent_status st;

    sync_read_changes(node_db(from), &peer, 0, 4096, &c);
    if (c.count == 0) {
        free(c.heads);
        return;
    }
    need.log = c.heads[nodes_random(&o->w, (uint32_t)c.count)].log;
    free(c.heads);
    head = head_of(to, &need.log) + 1;
    need.from_seq = head;
    if (nodes_random(&o->w, 3) == 0) { /* begins with what is known */
        need.from_seq = head - nodes_random(&o->w, (uint32_t)head + 1);
    } else if (nodes_random(&o->w, 8) == 0) {
        need.from_seq = head + 1; /* past our head: a gap */
    }
    need.to_seq = need.from_seq + nodes_random(&o->w, 4);
    if (node_read_run(from, to, &need, 1 + nodes_random(&o->w, 4000), &run)) {
        uint64_t after = UINT64_MAX;

        st = node_take(&o->w, to, ent_buf_slice(&run), &from->id, &after);
        assert_true(st == ENT_OK || st == ENT_AGAIN ||
                    st == ENT_PEER_UNKNOWN_SPACE ||
                    st == ENT_PEER_UNKNOWN_AUTHOR);
        o->late += st != ENT_OK;
        o->again += st == ENT_OK && after + 1 == head;
    }
    ent_buf_release(&run);
}

/* ---- one world ---- */

static void
start(struct orders *o, size_t count, uint64_t seed)
{
    *o = (struct orders){0};
    nodes_init(&o->w, count, seed);
    nodes_circle(&o->w, count - 1);
    node_open_space(&o->w, &o->w.n[0], ENT_SPACE_CARE, 0x7, &o->care);
    node_open_space(&o->w, &o->w.n[1], ENT_SPACE_REVIEW, 0xff, &o->review);
}

static void
check_end(struct orders *o)
{
    size_t i;

    nodes_settle(&o->w);
    nodes_assert_converged(&o->w, &o->w.circle);
    nodes_assert_converged(&o->w, &o->review);
    nodes_assert_same(&o->w.n[0], &o->w.n[1], &o->care);
    nodes_assert_same(&o->w.n[0], &o->w.n[2], &o->care);
    for (i = 0; i < o->w.count; i++) {
        struct node *n = &o->w.n[i];

        assert_int_equal(node_number(n, "SELECT count(*) FROM waiting"), 0);
        assert_int_equal(node_number(n, "SELECT count(*) FROM unread"), 0);
        assert_int_equal(node_number(n, "SELECT count(*) FROM fork"), 0);
        node_assert_verifies(n);
        node_assert_rebuilds(&o->w, n);
        node_assert_rebuilds(&o->w, n);
    }
    nodes_assert_converged(&o->w, &o->review);
}

static void
test_random_orders(void **state)
{
    uint64_t seed;
    unsigned late = 0;
    unsigned again = 0;

    (void)state;
    for (seed = 1; seed <= SEEDS; seed++) {
        struct orders o;
        unsigned i;

        start(&o, 4 + seed % 2, seed);
        for (i = 0; i < STEPS; i++) {
            if (nodes_random(&o.w, 3) == 0) {
                write_something(&o);
            } else {
                carry_something(&o);
            }
        }
        check_end(&o);
        late += o.late;
        again += o.again;
        nodes_release(&o.w);
    }
    assert_true(late > 0 && again > 0); /* else it tested little */
}

/* A view that grew while entries waited and keys were missing folds anew into
 * the same, with the same still waiting. */
static void
test_rebuild_in_the_middle(void **state)
{
    struct orders o;
    unsigned waited = 0;
    unsigned i;

    (void)state;
    start(&o, 4, 77);
    for (i = 0; i < STEPS; i++) {
        if (nodes_random(&o.w, 3) == 0) {
            write_something(&o);
        } else {
            carry_something(&o);
        }
        if (i % 8 == 0) {
            struct node *n = &o.w.n[nodes_random(&o.w, 4)];

            waited += node_number(n, "SELECT count(*) FROM waiting") > 0;
            node_assert_rebuilds(&o.w, n);
        }
        if (i % 50 == 0) { /* models are loaded again from their steps */
            struct node *n = &o.w.n[nodes_random(&o.w, 4)];

            node_close(n);
            node_open(&o.w, n);
            assert_false(n->report.is_restored);
        }
    }
    assert_true(waited > 0);
    check_end(&o);
    nodes_release(&o.w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_orders),
        cmocka_unit_test(test_rebuild_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
