/* labels: quick */
/*
 * Power cuts under the store: 2,000 of them, each from a seed. A writer works
 * on a disk that notes everything (simdisk.h); then the power goes at a random
 * moment of it, and what is left must open, add up, and hold every commit that
 * had been acknowledged.
 *
 * ENT_POWER_CUTS=100000 runs more of them.
 */
#include "store/lab.h"

#define CUTS_DEFAULT 2000u
#define CUTS_A_RUN 50u
#define COMMITS_A_RUN 40u
#define SMALL_CACHE_KIB 64u

struct powercut {
    struct lab writer;
    struct lab survivor; /* where the images are opened */
    struct sim_image durable[SIM_FILES];
    struct sim_image image[SIM_FILES];
    size_t applied; /* operations before this one were looked at */
    bool is_relaxed;
    uint64_t acknowledged;
    uint64_t first; /* the commit that the run began with */
    uint64_t cut_count;
    uint64_t in_doubt_count; /* commits that survived unacknowledged */
};

static enum ent_status
work_once(struct db *db, uint64_t *random)
{
    switch (sim_below(random, 8)) {
    case 0:
        return db_checkpoint(db, DB_CHECKPOINT_PASSIVE);
    case 1:
        return db_checkpoint(db, DB_CHECKPOINT_TRUNCATE);
    case 2: { /* a transaction that is given up */
        enum ent_status st = db_begin(db);

        if (st == ENT_OK) {
            st = lab_change(db, random);
        }
        db_rollback(db);
        return st;
    }
    default:
        return ENT_OK;
    }
}

/* One run of the writer, noted. */
static void
run_writer(struct powercut *pc, uint64_t *random)
{
    struct db *db;
    uint64_t n = 0;
    unsigned int i;

    sim_forget();
    sim.is_noting = true;
    assert_int_equal(db_open_writer(&pc->writer.config, &db), ENT_OK);
    assert_int_equal(lab_read(db, &n), ENT_OK);
    pc->first = n;
    if (pc->is_relaxed) {
        assert_int_equal(db_set_durability(db, DB_RELAXED), ENT_OK);
    }
    for (i = 0; i < COMMITS_A_RUN; i++) {
        assert_int_equal(work_once(db, random), ENT_OK);
        assert_int_equal(lab_commit(db, ++n, random), ENT_OK);
        sim_note(SIM_ACK, 0, n, ent_slice(NULL, 0));
    }
    sim.is_noting = false;
    db_close(db);
}

/* Makes what was synced on `file` before operation `end` durable. */
static void
make_durable(struct powercut *pc, unsigned int file, size_t begin, size_t end)
{
    size_t i;

    for (i = begin; i < end; i++) {
        if (sim.ops[i].file == file) {
            sim_apply(&pc->durable[file], &sim.ops[i]);
        }
    }
}

/* The last sync of `file` before operation `cut`, or 0. */
static size_t
last_sync(unsigned int file, size_t cut)
{
    size_t i;

    for (i = cut; i > 0; i--) {
        if (sim.ops[i - 1].kind == SIM_SYNC && sim.ops[i - 1].file == file) {
            return i;
        }
    }
    return 0;
}

/* What the disk may hold if the power goes before operation `cut`. */
static void
make_image(struct powercut *pc, const struct sim_image *start, size_t cut,
           uint64_t *random)
{
    unsigned int file;
    size_t i;

    for (file = 0; file < SIM_FILES; file++) {
        size_t synced = last_sync(file, cut);

        sim_image_copy(&pc->durable[file], &start[file]);
        make_durable(pc, file, 0, synced);
        sim_image_copy(&pc->image[file], &pc->durable[file]);
        for (i = synced; i < cut; i++) {
            if (sim.ops[i].file == file) {
                sim_apply_by_chance(&pc->image[file], &sim.ops[i], random);
            }
        }
    }
    pc->acknowledged = pc->first;
    for (i = 0; i < cut; i++) {
        if (sim.ops[i].kind == SIM_ACK) {
            pc->acknowledged = sim.ops[i].at;
        }
    }
}

static void
check_image(struct powercut *pc, uint64_t seed, size_t cut)
{
    uint64_t n = 0;
    enum ent_status st;

    lab_store_store(&pc->survivor, pc->image);
    st = lab_open_and_read(&pc->survivor, &n);
    if (st != ENT_OK) {
        fail_msg("seed %llu, cut %zu: %s", (unsigned long long)seed, cut,
                 ent_status_name(st));
    }
    if (!pc->is_relaxed && n < pc->acknowledged) {
        fail_msg("seed %llu, cut %zu: commit %llu of %llu is lost",
                 (unsigned long long)seed, cut, (unsigned long long)n,
                 (unsigned long long)pc->acknowledged);
    }
    assert_true(n <= pc->acknowledged + 1);
    pc->cut_count++;
    pc->in_doubt_count += n > pc->acknowledged;
}

/* The next run goes on from the last cut's image, as a machine would. */
static void
run_seed(struct powercut *pc, struct sim_image *start, uint64_t seed)
{
    uint64_t random = seed;
    unsigned int i;

    pc->is_relaxed = seed % 8 == 7;
    lab_store_store(&pc->writer, start);
    run_writer(pc, &random);
    assert_true(sim.op_count > COMMITS_A_RUN);
    for (i = 0; i < CUTS_A_RUN; i++) {
        size_t cut = (size_t)sim_below(&random, sim.op_count + 1);

        make_image(pc, start, cut, &random);
        check_image(pc, seed, cut);
    }
    for (i = 0; i < SIM_FILES; i++) {
        sim_image_copy(&start[i], &pc->image[i]);
    }
}

static void
test_power_cuts(void **state)
{
    const char *wish = getenv("ENT_POWER_CUTS");
    uint64_t cuts = wish != NULL ? strtoull(wish, NULL, 10) : CUTS_DEFAULT;
    struct sim_image start[SIM_FILES] = {{0}};
    struct powercut pc = {0};
    uint64_t seed;
    unsigned int i;

    (void)state;
    lab_register_sim();
    lab_init(&pc.writer);
    lab_init(&pc.survivor);
    storekey_free(pc.survivor.key); /* the same store in another place */
    pc.survivor.key = pc.writer.key;
    pc.survivor.config.key = pc.writer.key;
    lab_create(&pc.writer);
    pc.writer.config.vfs = LAB_SIM_VFS;
    pc.writer.config.cache_kib = SMALL_CACHE_KIB;
    lab_load_store(&pc.writer, start);
    for (seed = 0; pc.cut_count < cuts; seed++) {
        run_seed(&pc, start, seed);
        if (seed % 16 == 15) { /* or it would grow for ever */
            test_dir_release(&pc.writer.dir);
            test_dir_init(&pc.writer.dir);
            test_dir_path(&pc.writer.dir, "store", pc.writer.path);
            test_dir_path(&pc.writer.dir, "store-wal", pc.writer.log_path);
            pc.writer.config.vfs = NULL;
            lab_create(&pc.writer);
            pc.writer.config.vfs = LAB_SIM_VFS;
            lab_load_store(&pc.writer, start);
        }
    }
    printf("%llu power cuts: all open, no acknowledged commit lost; %llu"
           " commits survived unacknowledged\n",
           (unsigned long long)pc.cut_count,
           (unsigned long long)pc.in_doubt_count);
    sim_forget();
    for (i = 0; i < SIM_FILES; i++) {
        sim_image_release(&start[i]);
        sim_image_release(&pc.durable[i]);
        sim_image_release(&pc.image[i]);
    }
    pc.survivor.key = NULL;
    lab_release(&pc.survivor);
    lab_release(&pc.writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cuts),
    };

    lab_use_fast_disk();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
