/*
 * An io with a real store in a folder of the test's own, and nothing on the
 * network but what a test makes.
 */
#ifndef TESTS_UNIT_IO_WORLD_H
#define TESTS_UNIT_IO_WORLD_H

#include "clock.h"
#include "io/dial.h"
#include "io/exchange.h"
#include "io/io.h"
#include "io/join.h"
#include "io/peers.h"
#include "lib/cmocka.h"
#include "lib/tempdir.h"
#include "store/engine.h"

#include <stdio.h>
#include <stdlib.h>

struct io_world {
    struct test_dir dir;
    char folder[TEST_PATH_MAX];
    char key_path[TEST_PATH_MAX];
    uv_loop_t own_loop; /* unless it was given one */
    uv_loop_t *loop;
    struct config config;
    struct engine *engine;
    struct io io;
    unsigned outcome_count;
    unsigned directory_count;
    struct engine_outcome outcome; /* the last */
};

static inline void
io_world_on_outcome(void *arg, const struct engine_outcome *outcome)
{
    struct io_world *w = arg;

    w->outcome_count++;
    w->outcome = *outcome;
}

static inline void
io_world_on_directory(void *arg, struct directory *directory)
{
    struct io_world *w = arg;

    w->directory_count++;
    directory_free(directory);
}

static inline void
io_world_hurry(struct io *io)
{
    (void)io; /* the test drives the beats */
}

static inline void
io_world_open_engine(struct io_world *w)
{
    struct keyfile_way way = {.type = KEYFILE_RAW, .raw_path = w->key_path};
    struct engine_profile profile = {.structure = "Cabinet Martin",
                                     .sector = ENT_SECTOR_PRIVATE,
                                     .languages = "fr",
                                     .listen = "127.0.0.1:0",
                                     .advertise = ""};
    struct engine_report report;
    struct ent_key seed;

    log_set_level(LOG_ERROR);
    test_dir_init(&w->dir);
    test_dir_path(&w->dir, "node", w->folder);
    test_dir_path(&w->dir, "key", w->key_path);
    clock_seed(&seed);
    assert_int_equal(keyfile_make_raw(w->key_path), ENT_OK);
    assert_int_equal(
        engine_init(w->folder, &way, &profile, &seed, clock_wall_ms()), ENT_OK);
    clock_seed(&seed);
    assert_int_equal(engine_open(w->folder, &way, &seed, clock_wall_ms(),
                                 &w->engine, &report),
                     ENT_OK);
}

/* `loop` may be NULL: then it has its own. */
static inline void
io_world_open_on(struct io_world *w, uv_loop_t *loop)
{
    struct db *db;

    memset(w, 0, sizeof(*w));
    io_world_open_engine(w);
    w->loop = loop;
    if (loop == NULL) {
        assert_int_equal(uv_loop_init(&w->own_loop), 0);
        w->loop = &w->own_loop;
    }
    w->config.folder = w->folder;
    w->config.backoff_min_ms = 1000;
    w->config.backoff_max_ms = 300000;
    w->config.protocol_min = 1;
    w->config.protocol_max = 1;
    w->io.loop = w->loop;
    w->io.config = &w->config;
    w->io.keys = engine_keys(w->engine);
    w->io.hurry = io_world_hurry;
    w->io.live = live_new();
    w->io.conns = conn_set_new(w->loop);
    w->io.peers = peers_new(&w->io);
    w->io.joins = joins_new(&w->io);
    w->io.directory = ent_alloc_zero(1, sizeof(*w->io.directory));
    assert_int_equal(engine_reader(w->engine, &db), ENT_OK);
    w->io.session_reader = reader_new(w->loop, db);
    w->io.writer = writer_new(w->loop, w->engine, io_world_on_outcome,
                              io_world_on_directory, w);
}

static inline void
io_world_open(struct io_world *w)
{
    io_world_open_on(w, NULL);
}

static inline void
io_world_close(struct io_world *w)
{
    w->io.is_stopping = true;
    conn_set_close_all(w->io.conns);
    while (conn_set_count(w->io.conns) > 0) {
        uv_run(w->loop, UV_RUN_ONCE);
    }
    reader_stop(w->io.session_reader);
    writer_stop(w->io.writer);
    conn_set_free(w->io.conns);
    if (w->loop == &w->own_loop) {
        uv_run(w->loop, UV_RUN_DEFAULT);
    }
    joins_free(w->io.joins);
    peers_free(w->io.peers);
    directory_free(w->io.directory);
    live_free(w->io.live);
    engine_close(w->engine);
    if (w->loop == &w->own_loop) {
        assert_int_equal(uv_loop_close(w->loop), 0);
    }
    test_dir_release(&w->dir);
}

#endif
