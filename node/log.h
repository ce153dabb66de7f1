/*
 * The node's log: one line an event, to stderr, for people and for tests.
 *
 *   2026-11-23T00:00:00.000Z info session peer=ab12cd34 hello -> sync (…)
 *
 * Never a secret and never a text that somebody typed. A line goes out in one
 * write, so lines of several threads do not mix. Bytes that are not printable
 * are shown as '?': a peer must not be able to write a line of its own.
 */
#ifndef NODE_LOG_H
#define NODE_LOG_H

#include <entente/base.h>

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
};

/* Lines above `level` are dropped from now on. Any thread. */
void log_set_level(enum log_level level);

/* LOG_INFO and so on by name; false when there is no such level. */
bool log_level_find(const char *name, enum log_level *ret_level);

void log_line(enum log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "ab12cd34": how a node is called in the log. Returns `ret_text`. */
const char *log_node(const struct ent_id *node, char ret_text[9]);

/*
 * Says whether a thing that somebody outside can cause at will is to be told
 * now: at most once a second for each kind. `*ret_skipped` is how many were
 * not told since the last time.
 */
struct log_throttle {
    uint64_t told_ms;
    uint64_t skipped;
    bool has_told;
};
bool log_throttle(struct log_throttle *throttle, uint64_t now_ms,
                  uint64_t *ret_skipped);

#endif
