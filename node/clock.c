/* The clocks and the kernel's randomness. */
#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

static uint64_t
read_clock(clockid_t id)
{
    struct timespec now;

    ENT_ASSERT(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t
clock_wall_ms(void)
{
    return read_clock(CLOCK_REALTIME);
}

uint64_t
clock_mono_ms(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void
clock_text(uint64_t wall_ms, char ret_text[CLOCK_TEXT_LEN + 1])
{
    time_t seconds = (time_t)(wall_ms / 1000u);
    char day[32];
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL ||
        strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) != 19) {
        memcpy(ret_text, "0000-00-00T00:00:00.000Z", CLOCK_TEXT_LEN + 1);
        return;
    }
    snprintf(ret_text, CLOCK_TEXT_LEN + 1, "%.19s.%03uZ", day,
             (unsigned)(wall_ms % 1000u));
}

void
clock_random(void *ret_p, size_t len)
{
    uint8_t *p = ret_p;

    while (len > 0) {
        ssize_t got = getrandom(p, len, 0);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        ENT_ASSERT(got > 0);
        p += got;
        len -= (size_t)got;
    }
}

void
clock_seed(struct ent_key *ret_seed)
{
    clock_random(ret_seed->b, sizeof(ret_seed->b));
}
