/*
 * What people see: text, tables and colours. Primary output goes to `main`,
 * talk to `talk`. Everything printed is cleaned of control characters first,
 * because names and texts come from other people's machines; colours only add
 * to what the words already say.
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <entente/value.h>
#include <stdio.h>

#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define OUT_TIME_MAX 48

enum out_style { OUT_PLAIN, OUT_BOLD, OUT_DIM, OUT_GOOD, OUT_WARN };

struct out {
    FILE *main; /* stdout; not ours to close */
    FILE *talk; /* stderr */
    bool has_main_color;
    bool has_talk_color;
    bool is_quiet; /* no talk, except errors */
};

/* Colours when the stream is a terminal, NO_COLOR is unset or empty, and TERM
 * is not "dumb". Borrows the streams. */
void out_init(struct out *o, FILE *main_stream, FILE *talk_stream);

/* Prints to `main`. */
void out_text(struct out *o, enum out_style style, const char *format, ...)
    CLI_PRINTF(3, 4);
/* Prints to `talk`, unless quiet. */
void out_talk(struct out *o, const char *format, ...) CLI_PRINTF(2, 3);
/* Prints to `talk`, always. */
void out_error(struct out *o, enum out_style style, const char *format, ...)
    CLI_PRINTF(3, 4);
/* Prints a text of several lines to `main`, each line after `indent`. */
void out_lines(struct out *o, const char *indent, const char *text);

/* The text without control characters and direction overrides; newlines stay
 * if `keeps_lines`, else become spaces. Returns owned (free). */
char *out_clean(const char *text, bool keeps_lines);
/* Columns on a terminal. */
size_t out_width(const char *text);
/* The time as people say it, seen from `now_ms`: "never", "just now",
 * "12 min ago", "2026-02-17 09:30". Returns `ret`. */
char *out_time(int64_t at_ms, int64_t now_ms, char ret[OUT_TIME_MAX]);

#endif
