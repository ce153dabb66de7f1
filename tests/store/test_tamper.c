/* labels: quick */
/*
 * Somebody, or the disk's age, changes the files of a closed store: opening
 * and reading everything ends in an error, in what was there, or (for the log
 * alone) in a complete earlier commit. Never in anything else.
 *
 * What no page layer can see is not asked for here: a whole older store put
 * back, the end of the log cut off, a page replaced by its own older version.
 * The anchor and the signed chains are for those.
 */
#include "store/lab.h"

#define PAGE 4096u
#define WAL_HEADER 72u
#define FRAME 4168u
#define COMMITS_BEFORE 30u /* in the main file */
#define COMMITS_AFTER 12u  /* in the log alone */

/* What is allowed besides an error. */
enum allowed {
    ONLY_ERROR,
    OR_SAME,    /* the damaged page also stands in the log */
    OR_EARLIER, /* at the end of the log: looks like a torn tail */
};

struct tally {
    unsigned int errors;
    unsigned int same;
    unsigned int earlier;
};

struct tamper {
    struct lab store;
    struct lab victim;
    struct sim_image good[SIM_FILES];
    struct sim_image bad[SIM_FILES];
    struct sim_image old_log[1]; /* of before the last checkpoint */
    uint64_t last;               /* commit */
    uint64_t last_frames_at;     /* where the last commit begins in the log */
    struct tally tally;
};

static void
begin_case(struct tamper *t)
{
    sim_image_copy(&t->bad[0], &t->good[0]);
    sim_image_copy(&t->bad[1], &t->good[1]);
}

static void
end_case(struct tamper *t, enum allowed allowed, const char *what, size_t at)
{
    uint64_t n = 0;
    enum ent_status st;

    lab_store_store(&t->victim, t->bad);
    st = lab_open_and_read(&t->victim, &n);
    if (st == ENT_PEER_MALFORMED) {
        fail_msg("%s %zu: silently wrong", what, at);
    }
    if (st != ENT_OK) {
        assert_true(ent_status_is_self(st));
        t->tally.errors++;
        return;
    }
    if (n == t->last) {
        t->tally.same++;
    } else {
        t->tally.earlier++;
    }
    if (n > t->last || (n < t->last && allowed != OR_EARLIER) ||
        allowed == ONLY_ERROR) {
        fail_msg("%s %zu: opened at commit %llu of %llu", what, at,
                 (unsigned long long)n, (unsigned long long)t->last);
    }
}

static void
show_tally(struct tamper *t, const char *what)
{
    printf("%-28s %4u errors %4u the same %4u earlier\n", what, t->tally.errors,
           t->tally.same, t->tally.earlier);
    t->tally = (struct tally){0};
}

/* A store with pages in the main file and commits in the log. */
static int
setup(void **state)
{
    struct tamper *t = ent_alloc_zero(1, sizeof(*t));
    uint64_t random = 3;
    struct db *db;

    lab_init(&t->store);
    lab_init(&t->victim);
    storekey_free(t->victim.key);
    t->victim.key = NULL;
    t->victim.config.key = t->store.key;
    lab_create(&t->store);
    assert_int_equal(db_open_writer(&t->store.config, &db), ENT_OK);
    while (t->last < COMMITS_BEFORE) {
        assert_int_equal(lab_commit(db, ++t->last, &random), ENT_OK);
    }
    lab_load(t->store.log_path, &t->old_log[0]);
    assert_int_equal(db_checkpoint(db, DB_CHECKPOINT_TRUNCATE), ENT_OK);
    while (t->last < COMMITS_BEFORE + COMMITS_AFTER) {
        lab_load(t->store.log_path, &t->good[1]);
        t->last_frames_at = t->good[1].len;
        assert_int_equal(lab_commit(db, ++t->last, &random), ENT_OK);
    }
    lab_load_store(&t->store, t->good);
    db_close(db);
    assert_true(t->good[0].len >= 30 * PAGE);
    assert_true(t->good[1].len >= 20 * FRAME);
    assert_int_equal((t->good[1].len - WAL_HEADER) % FRAME, 0);
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    struct tamper *t = *state;

    sim_image_release(&t->good[0]);
    sim_image_release(&t->good[1]);
    sim_image_release(&t->bad[0]);
    sim_image_release(&t->bad[1]);
    sim_image_release(&t->old_log[0]);
    lab_release(&t->victim);
    lab_release(&t->store);
    free(t);
    return 0;
}

static void
test_untouched(void **state)
{
    struct tamper *t = *state;

    begin_case(t);
    end_case(t, OR_SAME, "untouched", 0);
    assert_int_equal(t->tally.same, 1);
    show_tally(t, "untouched");
}

static void
test_flipped_bits_in_pages(void **state)
{
    static const size_t places[] = {0,    17,   100,  2000, 4055,
                                    4056, 4079, 4080, 4095};
    struct tamper *t = *state;
    size_t page;
    size_t i;

    for (page = 0; page < t->good[0].len; page += PAGE) {
        for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            begin_case(t);
            t->bad[0].p[page + places[i]] ^= (uint8_t)(1u << (i % 8));
            end_case(t, OR_SAME, "flipped bit of page", page / PAGE);
        }
    }
    assert_true(t->tally.errors > 0);
    show_tally(t, "flipped bits in pages");
}

static void
test_zeroed_and_swapped_pages(void **state)
{
    struct tamper *t = *state;
    uint8_t page[PAGE];
    size_t at;

    for (at = 0; at + 2 * PAGE <= t->good[0].len; at += PAGE) {
        begin_case(t);
        memset(t->bad[0].p + at, 0, PAGE);
        end_case(t, OR_SAME, "zeroed page", at / PAGE);
        begin_case(t);
        memcpy(page, t->bad[0].p + at, PAGE);
        memcpy(t->bad[0].p + at, t->bad[0].p + at + PAGE, PAGE);
        memcpy(t->bad[0].p + at + PAGE, page, PAGE);
        end_case(t, OR_SAME, "swapped page", at / PAGE);
    }
    show_tally(t, "zeroed and swapped pages");
}

static void
test_truncated_main_file(void **state)
{
    struct tamper *t = *state;
    size_t len;

    for (len = PAGE / 2; len < t->good[0].len; len += PAGE / 2) {
        begin_case(t);
        t->bad[0].len = len;
        end_case(t, OR_SAME, "main file cut at", len);
    }
    assert_true(t->tally.errors > 0);
    show_tally(t, "main file cut");
}

/* SQLite would take an empty file for a new database and delete the log. */
static void
test_empty_main_file(void **state)
{
    struct tamper *t = *state;
    struct db *db = NULL;
    FILE *file;

    lab_store_store(&t->victim, t->good);
    file = fopen(t->victim.path, "wb");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(db_open_writer(&t->victim.config, &db), ENT_SELF_CORRUPT);
    lab_load(t->victim.log_path, &t->bad[1]);
    assert_int_equal(t->bad[1].len, t->good[1].len);
}

static void
test_flipped_bits_in_log_header(void **state)
{
    struct tamper *t = *state;
    size_t i;

    for (i = 0; i < WAL_HEADER; i++) {
        begin_case(t);
        t->bad[1].p[i] ^= (uint8_t)(1u << (i % 8));
        end_case(t, ONLY_ERROR, "flipped bit of the log's header", i);
    }
    show_tally(t, "flipped bits in log header");
}

static void
test_flipped_bits_in_frames(void **state)
{
    static const size_t places[] = {0,  23, 24,   39,   40,
                                    47, 64, 2000, 4159, 4167};
    struct tamper *t = *state;
    size_t frame;
    size_t i;

    for (frame = WAL_HEADER; frame < t->good[1].len; frame += FRAME) {
        bool is_last = frame >= t->last_frames_at;

        for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            begin_case(t);
            t->bad[1].p[frame + places[i]] ^= (uint8_t)(1u << (i % 8));
            end_case(t, is_last ? OR_EARLIER : ONLY_ERROR,
                     "flipped bit of frame", frame / FRAME);
        }
    }
    assert_true(t->tally.same == 0);
    show_tally(t, "flipped bits in frames");
}

static void
test_swapped_frames(void **state)
{
    struct tamper *t = *state;
    uint8_t frame[FRAME];
    size_t at;

    for (at = WAL_HEADER; at + 2 * FRAME <= t->good[1].len; at += FRAME) {
        begin_case(t);
        memcpy(frame, t->bad[1].p + at, FRAME);
        memcpy(t->bad[1].p + at, t->bad[1].p + at + FRAME, FRAME);
        memcpy(t->bad[1].p + at + FRAME, frame, FRAME);
        end_case(t, at + FRAME >= t->last_frames_at ? OR_EARLIER : ONLY_ERROR,
                 "swapped frame", at / FRAME);
    }
    show_tally(t, "swapped frames");
}

static void
test_frames_of_an_older_log(void **state)
{
    struct tamper *t = *state;
    size_t at;

    for (at = WAL_HEADER;
         at + FRAME <= t->good[1].len && at + FRAME <= t->old_log[0].len;
         at += FRAME) {
        begin_case(t);
        memcpy(t->bad[1].p + at, t->old_log[0].p + at, FRAME);
        end_case(t, at >= t->last_frames_at ? OR_EARLIER : ONLY_ERROR,
                 "old frame", at / FRAME);
    }
    assert_true(t->tally.errors > 0);
    show_tally(t, "frames of an older log");
}

static void
test_truncated_log(void **state)
{
    struct tamper *t = *state;
    size_t len;

    for (len = 0; len < t->good[1].len; len += FRAME / 4) {
        begin_case(t);
        t->bad[1].len = len;
        end_case(t, OR_EARLIER, "log cut at", len);
    }
    assert_int_equal(t->tally.errors, 0);
    assert_true(t->tally.earlier > 0);
    show_tally(t, "log cut (a known limit)");
}

/* A rollback journal would bring any plaintext into the store. */
static void
test_planted_journal(void **state)
{
    struct tamper *t = *state;
    struct sim_image journal = {0};
    char path[TEST_PATH_MAX];

    sim_image_resize(&journal, 2 * PAGE);
    memcpy(journal.p, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
    ent_put_u32(journal.p + 8, UINT32_MAX);
    ent_put_u32(journal.p + 20, 512);
    ent_put_u32(journal.p + 24, PAGE);
    lab_store(test_dir_path(&t->victim.dir, "store-journal", path), &journal);
    begin_case(t);
    end_case(t, OR_SAME, "planted journal", 0);
    assert_int_equal(t->tally.same, 1);
    show_tally(t, "planted journal");
    assert_int_equal(unlink(path), 0);
    sim_image_release(&journal);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untouched),
        cmocka_unit_test(test_flipped_bits_in_pages),
        cmocka_unit_test(test_zeroed_and_swapped_pages),
        cmocka_unit_test(test_truncated_main_file),
        cmocka_unit_test(test_empty_main_file),
        cmocka_unit_test(test_flipped_bits_in_log_header),
        cmocka_unit_test(test_flipped_bits_in_frames),
        cmocka_unit_test(test_swapped_frames),
        cmocka_unit_test(test_frames_of_an_older_log),
        cmocka_unit_test(test_truncated_log),
        cmocka_unit_test(test_planted_journal),
    };

    lab_use_fast_disk();
    return cmocka_run_group_tests(tests, setup, teardown);
}
