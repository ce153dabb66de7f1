/*
 * Engines that never meet: what one has reaches the other in files alone, and
 * both then know it.
 */
#include "nodes.h"
#include "store/bundle.h"

#define ONE_STEP (16u * 1024u) /* so that most files take several */

static enum ent_status
keep_bytes(void *arg, struct ent_slice bytes)
{
    ent_buf_put_slice(arg, bytes);
    return ENT_OK;
}

/* A file from `from` for the nodes of `to` (bits). */
static struct bundle_made
make(struct nodes *w, struct node *from, unsigned to, struct ent_buf *out)
{
    struct bundle_target targets[NODES_MAX];
    struct ent_key seed;
    struct bundle_made made;
    struct bundle_order order = {
        .keys = engine_keys(from->engine),
        .seed = &seed,
        .now_ms = w->now_ms,
        .targets = targets,
        .write = keep_bytes,
        .arg = out,
    };
    size_t i;

    nodes_key(w, &seed);
    ent_buf_clear(out);
    for (i = 0; i < w->count; i++) {
        if ((to >> i & 1) != 0) {
            assert_true(bundle_target_of(node_db(from),
                                         node_row(from, &w->n[i].id),
                                         &targets[order.target_count++]));
        }
    }
    assert_int_equal(bundle_make(node_db(from), &order, &made), ENT_OK);
    assert_false(out->failed);
    return made;
}

struct cursor {
    size_t at;
    bool is_told; /* the end was said */
};

static void
feed(struct bundle_import *import, struct ent_slice file, struct cursor *c)
{
    size_t len = file.len - c->at < 5000 ? file.len - c->at : 5000;

    if (len == 0) {
        assert_false(c->is_told);
        bundle_import_feed_end(import);
        c->is_told = true;
        return;
    }
    bundle_import_feed(import, ent_slice(file.p + c->at, len));
    c->at += len;
}

static unsigned pauses;

static struct bundle_tally
take(struct nodes *w, struct node *to, struct ent_slice file)
{
    struct bundle_import *import = bundle_import_new(engine_keys(to->engine));
    enum bundle_step step = BUNDLE_FEED;
    struct bundle_tally tally;
    struct cursor c = {0};

    node_begin(w, to);
    while (step != BUNDLE_OVER) {
        step = bundle_import_step(import, to->engine, ONE_STEP);
        assert_true(engine_batch_bytes(to->engine) <=
                    ONE_STEP + ENT_RUN_BYTES_MAX);
        if (step == BUNDLE_FEED) {
            feed(import, file, &c);
        } else if (step == BUNDLE_AGAIN) {
            c = (struct cursor){0};
        } else if (step == BUNDLE_PAUSE) {
            pauses++;
            node_commit(w, to);
            node_begin(w, to);
        }
    }
    node_commit(w, to);
    tally = *bundle_tally_of(import);
    bundle_import_free(import);
    return tally;
}

/* Makes at `from`, reads at `to`. */
static struct bundle_tally
carry(struct nodes *w, size_t from, size_t to)
{
    struct ent_buf file = {0};
    struct bundle_tally tally;

    make(w, &w->n[from], 1u << to, &file);
    tally = take(w, &w->n[to], ent_buf_slice(&file));
    ent_buf_release(&file);
    return tally;
}

static struct sync_state
state_at(const struct node *n, const struct node *of)
{
    struct sync_state state;

    sync_state_read(node_db(n), &of->id, &state);
    return state;
}

static uint64_t
waiting(const struct node *n, const struct node *for_node)
{
    uint64_t count;
    uint64_t oldest;

    sync_waiting(node_db(n), &for_node->id, state_at(n, for_node).acked, &count,
                 &oldest);
    return count;
}

/* Two in a circle that was made over a network they have no more. */
static void
two_nodes(struct nodes *w, uint64_t seed, struct ent_id *ret_space)
{
    nodes_init(w, 2, seed);
    nodes_circle(w, UINT32_MAX);
    node_open_space(w, &w->n[0], ENT_SPACE_CARE, 3, ret_space);
}

static void
two_converge_by_a_stick(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct bundle_tally t;

    (void)state;
    two_nodes(&w, 1, &space);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 1, "there");
    t = carry(&w, 0, 1);
    assert_int_equal(t.fault, ENT_BUNDLE_SOUND);
    assert_int_equal(t.waiting + t.refused, 0);
    assert_true(t.entries > 0);
    node_assert_text(&w.n[1], &space, KIND_CARE_CASE, 1, "there");
    assert_true(waiting(&w.n[0], &w.n[1]) > 0);
    assert_int_equal(state_at(&w.n[1], &w.n[0]).consumed, w.n[0].engine->top);

    node_write(&w, &w.n[1], &space, KIND_CARE_CASE, 2, "and back");
    t = carry(&w, 1, 0);
    node_assert_text(&w.n[0], &space, KIND_CARE_CASE, 2, "and back");
    assert_true(t.is_proved);
    assert_int_equal(waiting(&w.n[0], &w.n[1]), 0);
    assert_true(state_at(&w.n[0], &w.n[1]).proved_at > 0);

    t = carry(&w, 0, 1);
    assert_true(t.is_proved);
    assert_int_equal(waiting(&w.n[1], &w.n[0]), 0);
    assert_int_equal(state_at(&w.n[1], &w.n[0]).acked, w.n[1].engine->top);
    nodes_assert_converged(&w, &space);
    node_assert_rebuilds(&w, &w.n[1]);
    node_assert_verifies(&w.n[1]);
    nodes_release(&w);
}

static void
what_was_acknowledged_is_not_sent_again(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct ent_buf file = {0};
    struct bundle_made made;
    unsigned i;

    (void)state;
    two_nodes(&w, 2, &space);
    for (i = 0; i < 100; i++) {
        node_write(&w, &w.n[0], &space, KIND_CARE_CASE, (uint8_t)i, "much");
    }
    carry(&w, 0, 1);
    carry(&w, 1, 0);
    made = make(&w, &w.n[0], 2, &file);
    assert_int_equal(made.runs, 0);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 200, "one more");
    made = make(&w, &w.n[0], 2, &file);
    assert_int_equal(made.entries, 1);
    take(&w, &w.n[1], ent_buf_slice(&file));
    node_assert_text(&w.n[1], &space, KIND_CARE_CASE, 200, "one more");
    ent_buf_release(&file);
    nodes_release(&w);
}

static void
repeated_and_in_any_order(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct ent_buf files[3] = {0};
    struct bundle_tally t;
    struct sync_state before;
    unsigned i;

    (void)state;
    two_nodes(&w, 3, &space);
    for (i = 0; i < 3; i++) {
        node_write(&w, &w.n[0], &space, KIND_CARE_CASE, (uint8_t)(i + 1),
                   "text");
        make(&w, &w.n[0], 2, &files[i]);
    }
    assert_false(take(&w, &w.n[1], ent_buf_slice(&files[2])).is_repeated);
    before = state_at(&w.n[1], &w.n[0]);
    for (i = 0; i < 3; i++) {
        t = take(&w, &w.n[1], ent_buf_slice(&files[i]));
        assert_true(t.is_repeated);
        assert_int_equal(t.entries, 0);
        assert_int_equal(state_at(&w.n[1], &w.n[0]).consumed, before.consumed);
        ent_buf_release(&files[i]);
    }
    node_assert_text(&w.n[1], &space, KIND_CARE_CASE, 3, "text");
    nodes_release(&w);
}

/* The second file begins where the first ends: alone it moves no cursor. */
static void
a_gap_moves_no_cursor(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct ent_buf first = {0};
    struct ent_buf second = {0};
    struct sync_state of_peer;
    struct bundle_tally t;

    (void)state;
    two_nodes(&w, 4, &space);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 1, "one");
    make(&w, &w.n[0], 2, &first);
    /* As if the first had been acknowledged. */
    of_peer = state_at(&w.n[0], &w.n[1]);
    of_peer.acked = w.n[0].engine->top;
    node_begin(&w, &w.n[0]);
    sync_state_write(node_db(&w.n[0]), &w.n[1].id, &of_peer);
    node_commit(&w, &w.n[0]);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 2, "two");
    make(&w, &w.n[0], 2, &second);

    t = take(&w, &w.n[1], ent_buf_slice(&second));
    assert_true(t.has_gap);
    assert_true(t.waiting > 0);
    assert_int_equal(state_at(&w.n[1], &w.n[0]).consumed, 0);
    t = take(&w, &w.n[1], ent_buf_slice(&first));
    assert_false(t.has_gap);
    t = take(&w, &w.n[1], ent_buf_slice(&second));
    assert_int_equal(t.waiting, 0);
    assert_int_equal(state_at(&w.n[1], &w.n[0]).consumed, w.n[0].engine->top);
    node_assert_text(&w.n[1], &space, KIND_CARE_CASE, 2, "two");
    ent_buf_release(&first);
    ent_buf_release(&second);
    nodes_release(&w);
}

/* Cut anywhere: no harm, no cursor; the whole file later is enough. */
static void
cut_and_then_whole(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct ent_buf file = {0};
    struct bundle_tally t;
    size_t len;
    unsigned i;

    (void)state;
    two_nodes(&w, 5, &space);
    for (i = 0; i < 60; i++) {
        char text[2048];

        memset(text, 'a' + (int)(i % 26), sizeof(text));
        text[sizeof(text) - 1] = '\0';
        node_write(&w, &w.n[0], &space, KIND_CARE_CASE, (uint8_t)i, text);
    }
    make(&w, &w.n[0], 2, &file);
    for (len = 1; len < file.len; len += 20011) {
        t = take(&w, &w.n[1], ent_slice(file.p, len));
        assert_int_equal(t.fault, ENT_BUNDLE_CUT);
        assert_int_equal(state_at(&w.n[1], &w.n[0]).consumed, 0);
    }
    pauses = 0;
    t = take(&w, &w.n[1], ent_buf_slice(&file));
    assert_true(pauses > 0);
    assert_int_equal(t.fault, ENT_BUNDLE_SOUND);
    assert_int_equal(state_at(&w.n[1], &w.n[0]).consumed, w.n[0].engine->top);
    nodes_assert_same(&w.n[0], &w.n[1], &space);
    ent_buf_release(&file);
    nodes_release(&w);
}

/* One file for three; a space of two of them stays between these two. */
static void
each_receiver_finds_only_its_own(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct ent_buf file = {0};
    struct bundle_made made;
    size_t i;

    (void)state;
    nodes_init(&w, 4, 6);
    nodes_circle(&w, UINT32_MAX);
    made = make(&w, &w.n[0], 14, &file);
    assert_int_equal(made.bundles, 1);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 3, &space);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 1, "for one");
    made = make(&w, &w.n[0], 14, &file);
    assert_int_equal(made.bundles, 2);
    for (i = 1; i < 4; i++) {
        struct bundle_tally t = take(&w, &w.n[i], ent_buf_slice(&file));

        assert_int_equal(t.fault, ENT_BUNDLE_SOUND);
        assert_int_equal(t.refused, 0);
        assert_int_equal(node_space(&w.n[i], &space) != 0, i == 1);
    }
    node_assert_text(&w.n[1], &space, KIND_CARE_CASE, 1, "for one");
    ent_buf_release(&file);
    nodes_release(&w);
}

/* A right that grew after a bundle was acknowledged: old entries come too. */
static void
a_right_that_grew(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct engine_grant grant = {.level = ENT_LEVEL_READER,
                                 .basis = ENT_BASIS_SAME_TEAM};

    (void)state;
    nodes_init(&w, 3, 7);
    nodes_circle(&w, UINT32_MAX);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 3, &space);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 1, "old");
    carry(&w, 0, 2);
    carry(&w, 2, 0);
    assert_int_equal(node_space(&w.n[2], &space), 0);
    grant.node = w.n[2].id;
    node_begin(&w, &w.n[0]);
    assert_int_equal(
        engine_grant(w.n[0].engine, node_space(&w.n[0], &space), &grant, true),
        ENT_OK);
    node_commit(&w, &w.n[0]);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 2, "new");
    assert_int_equal(carry(&w, 0, 2).waiting, 0);
    node_assert_text(&w.n[2], &space, KIND_CARE_CASE, 1, "old");
    node_assert_text(&w.n[2], &space, KIND_CARE_CASE, 2, "new");
    assert_true(carry(&w, 2, 0).is_proved);
    nodes_release(&w);
}

static void
strangers_and_the_wrong_reader(void **state)
{
    struct nodes w;
    struct nodes others;
    struct ent_id space;
    struct ent_id other_space;
    struct ent_buf file = {0};
    struct bundle_target target;
    struct bundle_tally t;
    struct ent_key seed = {{9}};
    struct bundle_made made;
    struct bundle_order order = {
        .seed = &seed, .target_count = 1, .targets = &target};

    (void)state;
    two_nodes(&w, 8, &space);
    two_nodes(&others, 9, &other_space);
    make(&others, &others.n[0], 2, &file);
    t = take(&w, &w.n[0], ent_buf_slice(&file));
    assert_int_equal(t.fault, ENT_BUNDLE_NOT_OURS);
    /* Somebody of another circle has our card. */
    assert_true(bundle_target_of(node_db(&w.n[0]),
                                 node_row(&w.n[0], &w.n[1].id), &target));
    order.keys = engine_keys(others.n[0].engine);
    order.write = keep_bytes;
    order.arg = &file;
    ent_buf_clear(&file);
    assert_int_equal(bundle_make(node_db(&others.n[0]), &order, &made), ENT_OK);
    assert_int_equal(made.runs, 0);
    t = take(&w, &w.n[1], ent_buf_slice(&file));
    assert_true(t.is_stranger);
    assert_int_equal(t.entries, 0);
    ent_buf_release(&file);
    nodes_release(&others);
    nodes_release(&w);
}

/* A newcomer without a network: its whole first exchange is files. */
static void
joining_by_files(void **state)
{
    struct nodes w;
    unsigned round;

    (void)state;
    nodes_init(&w, 2, 10);
    nodes_found(&w);
    nodes_invite(&w, &w.n[0], &w.n[1], ENT_ROLE_MEMBER);
    for (round = 0; round < 3; round++) {
        node_vote_all(&w, &w.n[0]);
        carry(&w, 0, 1);
        if (node_space(&w.n[1], &w.circle) != 0) {
            carry(&w, 1, 0);
        }
    }
    assert_int_equal(node_role(&w.n[1], &w.circle, &w.n[1].id),
                     ENT_ROLE_MEMBER);
    nodes_assert_converged(&w, NULL);
    nodes_release(&w);
}

/* The sender remembers more of us than we have: we were put back. We take
 * first and serve later, and both know where they are again. */
static void
a_store_that_was_put_back(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct ent_buf file = {0};
    struct sync_state of_peer;
    struct bundle_tally t;
    uint32_t changes;

    (void)state;
    two_nodes(&w, 11, &space);
    carry(&w, 0, 1);
    carry(&w, 1, 0);
    of_peer = state_at(&w.n[0], &w.n[1]);
    assert_true(of_peer.knows_peer_store);
    of_peer.consumed = w.n[1].engine->top + 5;
    node_begin(&w, &w.n[0]);
    sync_state_write(node_db(&w.n[0]), &w.n[1].id, &of_peer);
    node_commit(&w, &w.n[0]);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 1, "meanwhile");
    changes = w.n[1].store_changes;
    t = carry(&w, 0, 1);
    assert_true(t.is_put_back);
    assert_int_equal(w.n[1].store_changes, changes + 1);

    node_write(&w, &w.n[1], &space, KIND_CARE_CASE, 2, "in a new log");
    node_begin(&w, &w.n[1]);
    meta_put_u64(node_db(&w.n[1]), "recovering", 1);
    node_commit(&w, &w.n[1]);
    assert_int_equal(make(&w, &w.n[1], 1, &file).runs, 0);
    t = take(&w, &w.n[0], ent_buf_slice(&file));
    assert_false(t.is_put_back);
    assert_memory_equal(state_at(&w.n[0], &w.n[1]).peer_store_id,
                        w.n[1].engine->store_id, 16);
    assert_int_equal(state_at(&w.n[0], &w.n[1]).consumed, 0);
    carry(&w, 0, 1);
    assert_int_equal(meta_get_u64(node_db(&w.n[1]), "recovering"), 0);
    assert_true(carry(&w, 1, 0).is_proved);
    node_assert_text(&w.n[0], &space, KIND_CARE_CASE, 2, "in a new log");
    assert_int_equal(waiting(&w.n[0], &w.n[1]), 0);
    ent_buf_release(&file);
    nodes_release(&w);
}

/* What a third wrote goes on by whoever carries it. */
static void
one_carries_for_others(void **state)
{
    struct nodes w;
    struct ent_id space;
    struct bundle_tally t;

    (void)state;
    nodes_init(&w, 3, 12);
    nodes_circle(&w, UINT32_MAX);
    node_open_space(&w, &w.n[0], ENT_SPACE_CARE, 7, &space);
    node_write(&w, &w.n[0], &space, KIND_CARE_CASE, 1, "from the first");
    carry(&w, 0, 1);
    t = carry(&w, 1, 2);
    assert_int_equal(t.waiting + t.refused, 0);
    node_assert_text(&w.n[2], &space, KIND_CARE_CASE, 1, "from the first");
    node_write(&w, &w.n[2], &space, KIND_CARE_CASE, 2, "from the last");
    carry(&w, 2, 1);
    carry(&w, 1, 0);
    node_assert_text(&w.n[0], &space, KIND_CARE_CASE, 2, "from the last");
    nodes_assert_converged(&w, &space);
    nodes_release(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_converge_by_a_stick),
        cmocka_unit_test(what_was_acknowledged_is_not_sent_again),
        cmocka_unit_test(repeated_and_in_any_order),
        cmocka_unit_test(a_gap_moves_no_cursor),
        cmocka_unit_test(cut_and_then_whole),
        cmocka_unit_test(each_receiver_finds_only_its_own),
        cmocka_unit_test(a_right_that_grew),
        cmocka_unit_test(strangers_and_the_wrong_reader),
        cmocka_unit_test(joining_by_files),
        cmocka_unit_test(a_store_that_was_put_back),
        cmocka_unit_test(one_carries_for_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
