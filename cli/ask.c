/* Reading from people and pipes. */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#define ATTEMPTS 3

char *
ask_line(struct cli *cli, const char *question)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    out_error(&cli->out, OUT_BOLD, "%s ", question);
    fflush(cli->out.talk);
    len = getline(&line, &cap, cli->in);
    if (len < 0) {
        free(line);
        out_error(&cli->out, OUT_PLAIN, "\n");
        return NULL;
    }
    if (len > 0 && line[len - 1] == '\n') {
        line[len - 1] = '\0';
    }
    return line;
}

/* 1 yes, 0 no, -1 neither. French answers are understood, too. */
static int
read_yes_no(const char *line)
{
    static const char *const yes[] = {"y", "yes", "o", "oui"};
    static const char *const no[] = {"n", "no", "non"};
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(line, yes[i]) == 0) {
            return 1;
        }
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (strcasecmp(line, no[i]) == 0) {
            return 0;
        }
    }
    return -1;
}

bool
ask_yes_no(struct cli *cli, const char *question)
{
    int answer = -1;

    while (answer < 0) {
        char *line = ask_line(cli, question);

        answer = line != NULL ? read_yes_no(line) : 0;
        free(line);
        if (answer < 0) {
            out_error(&cli->out, OUT_PLAIN, "Please type yes or no.\n");
        }
    }
    return answer == 1;
}

struct value *
ask_all(FILE *f, const char *name, struct ent_buf *out)
{
    uint8_t chunk[4096];
    size_t start = out->len;
    size_t n;

    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        ent_buf_put(out, chunk, n);
        if (out->len - start > ASK_TEXT_MAX) {
            return cli_error("usage", ENT_EXIT_USAGE,
                             "Put the long part elsewhere, and say here where "
                             "it is.",
                             "%s is longer than a megabyte", name);
        }
    }
    if (ferror(f)) {
        return cli_error("usage", ENT_EXIT_USAGE, NULL, "cannot read %s: %s",
                         name, strerror(errno));
    }
    if (out->len > start && out->p[out->len - 1] == '\n') {
        out->len--;
    }
    if (!ent_utf8_is_valid(ent_slice(out->len > start ? out->p + start : NULL,
                                     out->len - start))) {
        return cli_error("usage", ENT_EXIT_USAGE,
                         "Save it as UTF-8 text, then try again.",
                         "%s is not UTF-8 text", name);
    }
    return NULL;
}

/* Reads up to a line end, byte by byte: no copy stays in a stdio buffer. */
static bool
read_secret_line(int fd, struct ent_buf *out)
{
    size_t start = out->len;
    uint8_t byte;

    while (read(fd, &byte, 1) == 1) {
        if (byte == '\n') {
            return out->len > start;
        }
        if (out->len - start == ASK_PASSPHRASE_MAX) {
            return false;
        }
        ent_buf_put_u8(out, byte);
    }
    return out->len > start;
}

static bool
read_unseen(int tty, const char *prompt, struct ent_buf *out)
{
    struct termios before;
    struct termios quiet;
    bool is_read;

    if (tcgetattr(tty, &before) != 0) {
        return false;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(tty, TCSAFLUSH, &quiet);
    dprintf(tty, "%s ", prompt);
    is_read = read_secret_line(tty, out);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    return is_read;
}

static bool
ask_twice(int tty, const char *prompt, struct ent_buf *out)
{
    struct ent_buf again = {.max = ASK_PASSPHRASE_MAX, .is_secret = true};
    bool is_same;

    ent_buf_clear(out);
    is_same = read_unseen(tty, prompt, out) &&
              read_unseen(tty, "The same again:", &again) &&
              ent_slice_eq(ent_buf_slice(out), ent_buf_slice(&again));
    ent_buf_release(&again);
    return is_same;
}

bool
ask_passphrase(struct cli *cli, const char *prompt, int times,
               struct ent_buf *out)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    bool is_read = false;
    int i;

    ENT_ASSERT(out->is_secret);
    if (tty < 0) {
        return false;
    }
    if (times == 1) {
        is_read = read_unseen(tty, prompt, out);
    }
    for (i = 0; i < ATTEMPTS && times > 1 && !is_read; i++) {
        is_read = ask_twice(tty, prompt, out);
        if (!is_read) {
            out_error(&cli->out, OUT_PLAIN,
                      "The two were not the same, or empty.\n");
        }
    }
    close(tty);
    return is_read;
}
