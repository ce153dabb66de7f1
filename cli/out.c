/*
 * Text for a terminal, cleaned. Widths need a UTF-8 locale for characters
 * only; the person's own locale stays untouched for everything else.
 */
#include "out.h"

#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define MINUTE_MS 60000
#define HOUR_MS (60 * MINUTE_MS)

static bool
may_color(FILE *f)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    int fd = fileno(f);

    if (no != NULL && no[0] != '\0') {
        return false;
    }
    if (term == NULL || strcmp(term, "dumb") == 0) {
        return false;
    }
    return fd >= 0 && isatty(fd) == 1;
}

void
out_init(struct out *o, FILE *main_stream, FILE *talk_stream)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    *o = (struct out){.main = main_stream, .talk = talk_stream};
    o->has_main_color = may_color(main_stream);
    o->has_talk_color = may_color(talk_stream);
}

/* How many bytes of `s` (not empty) make up one character, and whether it may
 * be printed: no controls, and nothing that turns the direction of writing. */
static size_t
next_character(const char *s, bool *ret_is_safe)
{
    const unsigned char *u = (const unsigned char *)s;
    bool is_safe = true;
    size_t len = 1;

    if (u[0] < 0x20 || u[0] == 0x7f) {
        is_safe = false;
    } else if (u[0] == 0xc2 && u[1] >= 0x80 && u[1] <= 0x9f) {
        is_safe = false;
        len = 2;
    } else if (u[0] == 0xe2 && u[1] == 0x80 &&
               (u[2] == 0x8e || u[2] == 0x8f ||
                (u[2] >= 0xa8 && u[2] <= 0xae))) {
        is_safe = false;
        len = 3;
    } else if (u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9) {
        is_safe = false;
        len = 3;
    }
    *ret_is_safe = is_safe;
    return len;
}

char *
out_clean(const char *text, bool keeps_lines)
{
    char *clean = ent_alloc(strlen(text) + 1);
    size_t len = 0;

    while (*text != '\0') {
        bool is_safe;
        size_t n = next_character(text, &is_safe);

        if (is_safe || (*text == '\n' && keeps_lines)) {
            memcpy(clean + len, text, n);
            len += n;
        } else {
            clean[len++] = *text == '\n' || *text == '\t' ? ' ' : '?';
        }
        text += n;
    }
    clean[len] = '\0';
    return clean;
}

size_t
out_width(const char *text)
{
    mbstate_t state = {0};
    size_t left = strlen(text);
    size_t columns = 0;

    while (left > 0) {
        wchar_t wide;
        size_t n = mbrtowc(&wide, text, left, &state);
        int width;

        if (n == 0 || n > left) { /* also the two errors */
            memset(&state, 0, sizeof(state));
            n = 1;
            width = 1;
        } else {
            width = wcwidth(wide);
        }
        columns += width > 0 ? (size_t)width : 0;
        text += n;
        left -= n;
    }
    return columns;
}

static const char *
style_code(enum out_style style)
{
    switch (style) {
    case OUT_PLAIN:
        break;
    case OUT_BOLD:
        return "\033[1m";
    case OUT_DIM:
        return "\033[2m";
    case OUT_GOOD:
        return "\033[32m";
    case OUT_WARN:
        return "\033[33m";
    }
    return "";
}

__attribute__((format(printf, 3, 0))) static void
print(FILE *f, enum out_style style, const char *format, va_list args)
{
    char *text = NULL;
    char *clean;
    int len = vasprintf(&text, format, args);

    ENT_ASSERT(len >= 0);
    clean = out_clean(text, true);
    fprintf(f, "%s%s%s", style_code(style), clean,
            style != OUT_PLAIN ? "\033[0m" : "");
    free(clean);
    free(text);
}

void
out_text(struct out *o, enum out_style style, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print(o->main, o->has_main_color ? style : OUT_PLAIN, format, args);
    va_end(args);
}

void
out_talk(struct out *o, const char *format, ...)
{
    va_list args;

    if (o->is_quiet) {
        return;
    }
    fflush(o->main); /* on one screen, in the order it was said */
    va_start(args, format);
    print(o->talk, OUT_PLAIN, format, args);
    va_end(args);
}

void
out_error(struct out *o, enum out_style style, const char *format, ...)
{
    va_list args;

    fflush(o->main);
    va_start(args, format);
    print(o->talk, o->has_talk_color ? style : OUT_PLAIN, format, args);
    va_end(args);
}

void
out_lines(struct out *o, const char *indent, const char *text)
{
    while (*text != '\0') {
        const char *end = strchrnul(text, '\n');

        out_text(o, OUT_PLAIN, "%s%.*s\n", indent, (int)(end - text), text);
        text = *end == '\n' ? end + 1 : end;
    }
}

char *
out_time(int64_t at_ms, int64_t now_ms, char ret[OUT_TIME_MAX])
{
    int64_t ago = now_ms - at_ms;
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;

    if (at_ms <= 0) {
        snprintf(ret, OUT_TIME_MAX, "never");
    } else if (now_ms > 0 && ago >= 0 && ago < MINUTE_MS) {
        snprintf(ret, OUT_TIME_MAX, "just now");
    } else if (now_ms > 0 && ago >= 0 && ago < HOUR_MS) {
        snprintf(ret, OUT_TIME_MAX, "%d min ago", (int)(ago / MINUTE_MS));
    } else if (localtime_r(&seconds, &tm) == NULL ||
               strftime(ret, OUT_TIME_MAX, "%Y-%m-%d %H:%M", &tm) == 0) {
        snprintf(ret, OUT_TIME_MAX, "?");
    }
    return ret;
}
