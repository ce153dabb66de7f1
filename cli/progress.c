/* Progress of long calls. */
#include "progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* A rate over less than this says nothing. */
#define RATE_AFTER_MS 500u

char *
progress_line(const struct value *params, uint64_t elapsed_ms, char ret[160])
{
    const char *what = value_get_string(params, "what");
    int64_t done = value_get_int(params, "done", 0);
    int64_t total = value_get_int(params, "total", 0);
    char *clean = out_clean(what != NULL ? what : "working", false);
    int64_t rate;
    int at;

    at = snprintf(ret, 160, "%.60s %" PRId64, clean, done);
    free(clean);
    if (total > 0) {
        at += snprintf(ret + at, 160 - (size_t)at, " of %" PRId64, total);
    }
    if (elapsed_ms < RATE_AFTER_MS || done <= 0 || done > INT64_MAX / 1000) {
        return ret;
    }
    rate = done * 1000 / (int64_t)elapsed_ms;
    at += snprintf(ret + at, 160 - (size_t)at, ", %" PRId64 " a second", rate);
    if (rate > 0 && total >= done) {
        snprintf(ret + at, 160 - (size_t)at, ", %" PRId64 " s left",
                 (total - done) / rate);
    }
    return ret;
}

void
progress_show(struct progress *p, const struct value *params)
{
    uint64_t now_ns = uv_hrtime();
    char line[160];

    if (p->out->is_quiet || isatty(fileno(p->out->talk)) != 1) {
        return;
    }
    if (p->started_ns == 0) {
        p->started_ns = now_ns;
    }
    progress_line(params, (now_ns - p->started_ns) / 1000000u, line);
    fprintf(p->out->talk, "\r\033[K%s", line);
    fflush(p->out->talk);
    p->is_shown = true;
}

void
progress_clear(struct progress *p)
{
    if (p->is_shown) {
        fprintf(p->out->talk, "\r\033[K");
        fflush(p->out->talk);
        p->is_shown = false;
    }
}
