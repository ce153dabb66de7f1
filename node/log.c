/* One line an event, in one write. */
#include "log.h"

#include "clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024u
#define THROTTLE_MS 1000u

static _Atomic int log_max = LOG_INFO;

static const char *const LEVEL_NAMES[] = {"error", "warn", "info", "debug"};

void
log_set_level(enum log_level level)
{
    atomic_store(&log_max, (int)level);
}

bool
log_level_find(const char *name, enum log_level *ret_level)
{
    for (int i = 0; i <= LOG_DEBUG; i++) {
        if (strcmp(name, LEVEL_NAMES[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Bytes over 0x7f pass: names are UTF-8. */
static void
make_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
}

static void
write_all(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t done = write(STDERR_FILENO, line, len);

        if (done <= 0) {
            return; /* there is nowhere left to say so */
        }
        line += done;
        len -= (size_t)done;
    }
}

void
log_line(enum log_level level, const char *module, const char *format, ...)
{
    char time[CLOCK_TEXT_LEN + 1];
    char text[LINE_MAX_LEN];
    char line[LINE_MAX_LEN + 80];
    va_list args;
    int len;

    if ((int)level > atomic_load(&log_max)) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    make_printable(text);
    clock_text(clock_wall_ms(), time);
    len = snprintf(line, sizeof(line), "%s %s %s %s\n", time,
                   LEVEL_NAMES[level], module, text);
    ENT_ASSERT(len > 0);
    write_all(line,
              (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

const char *
log_node(const struct ent_id *node, char ret_text[9])
{
    return ent_hex(ret_text, node->b, 4);
}

bool
log_throttle(struct log_throttle *throttle, uint64_t now_ms,
             uint64_t *ret_skipped)
{
    if (throttle->has_told && now_ms - throttle->told_ms < THROTTLE_MS) {
        throttle->skipped++;
        return false;
    }
    *ret_skipped = throttle->skipped;
    throttle->has_told = true;
    throttle->told_ms = now_ms;
    throttle->skipped = 0;
    return true;
}
