/*
 * One line about long work, on a terminal only: how far, how fast, how long
 * still. It overwrites itself and leaves nothing behind.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "out.h"

struct progress {
    struct out *out;
    uint64_t started_ns; /* 0: nothing was shown yet */
    bool is_shown;
};

/* "verify 1200 of 5000, 300 a second, 13 s left". `elapsed_ms` since the
 * first. Returns `ret`. */
char *progress_line(const struct value *params, uint64_t elapsed_ms,
                    char ret[160]);
/* Shows {what, done, total}. */
void progress_show(struct progress *p, const struct value *params);
void progress_clear(struct progress *p);

#endif
