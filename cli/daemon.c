/*
 * entented as a child. The passphrase goes through a pipe, never through the
 * command line or the environment, which others could read.
 */
#include "daemon.h"

#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define REMEMBERED_NAME "key-file.path"

static char *
copy(const char *text)
{
    char *s = strdup(text);

    ENT_ASSERT(s != NULL);
    return s;
}

/* entented stands beside entente, built or installed. */
static char *
find_program(void)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 16);
    char *slash;

    if (len <= 0) {
        return copy("entented");
    }
    path[len] = '\0';
    slash = strrchr(path, '/');
    if (slash != NULL) {
        memcpy(slash + 1, "entented", sizeof("entented"));
    }
    return copy(access(path, X_OK) == 0 ? path : "entented");
}

static void
add(struct daemon *d, const char *word)
{
    ENT_ASSERT(d->count < DAEMON_WORDS_MAX);
    d->words[d->count++] = copy(word);
}

void
daemon_init(struct daemon *d, struct cli *cli, const char *command)
{
    *d = (struct daemon){.cli = cli, .secret_fd = -1};
    d->program = find_program();
    add(d, "entented");
    add(d, command);
    daemon_option(d, "--folder", cli->folder);
}

void
daemon_release(struct daemon *d)
{
    while (d->count > 0) {
        free(d->words[--d->count]);
    }
    free(d->program);
    d->program = NULL;
    if (d->secret_fd >= 0) {
        close(d->secret_fd);
        d->secret_fd = -1;
    }
}

void
daemon_option(struct daemon *d, const char *name, const char *value)
{
    if (value != NULL) {
        add(d, name);
        add(d, value);
    }
}

void
daemon_words(struct daemon *d, const struct value *list)
{
    size_t i;

    for (i = 0; i < value_count(list) && d->count < DAEMON_WORDS_MAX; i++) {
        add(d, value_string_of(value_at(list, i)));
    }
}

/* A pipe holds far more than a passphrase, so writing never waits. */
static struct value *
pass_secret(struct daemon *d, const struct ent_buf *secret)
{
    char number[16];
    int ends[2];
    ssize_t n;

    if (pipe(ends) != 0) {
        return cli_error("io", ENT_EXIT_STORE, NULL, "cannot make a pipe: %s",
                         strerror(errno));
    }
    n = write(ends[1], secret->p, secret->len);
    close(ends[1]);
    ENT_ASSERT(n == (ssize_t)secret->len);
    d->secret_fd = ends[0];
    snprintf(number, sizeof(number), "%d", ends[0]);
    daemon_option(d, "--passphrase-fd", number);
    return NULL;
}

static struct value *
read_secret_fd(struct cli *cli, struct ent_buf *secret)
{
    int fd = (int)value_get_int(cli->given, "passphrase-fd", -1);
    ssize_t n = 0;
    uint8_t byte;

    while (secret->len <= ASK_PASSPHRASE_MAX && (n = read(fd, &byte, 1)) == 1 &&
           byte != '\n') {
        ent_buf_put_u8(secret, byte);
    }
    if (n < 0 || secret->len == 0 || secret->len > ASK_PASSPHRASE_MAX) {
        return cli_error("usage", ENT_EXIT_USAGE, NULL,
                         "no passphrase of 1 to %u bytes came on file "
                         "descriptor %d",
                         ASK_PASSPHRASE_MAX, fd);
    }
    return NULL;
}

static char *
remembered_path(const struct cli *cli)
{
    char *path = NULL;
    int len = asprintf(&path, "%s/" REMEMBERED_NAME, cli->folder);

    ENT_ASSERT(len >= 0);
    return path;
}

static char *
recall_key_file(const struct cli *cli)
{
    char *path = remembered_path(cli);
    FILE *f = fopen(path, "re");
    char line[PATH_MAX] = "";

    free(path);
    if (f == NULL) {
        return NULL;
    }
    if (fgets(line, sizeof(line), f) == NULL) {
        line[0] = '\0';
    }
    fclose(f);
    line[strcspn(line, "\n")] = '\0';
    return line[0] != '\0' ? copy(line) : NULL;
}

struct value *
daemon_remember_key_file(struct cli *cli)
{
    const char *key_file = cli_word(cli, "key-file");
    char *path = remembered_path(cli);
    char whole[PATH_MAX];
    bool is_written = false;
    FILE *f;

    if (key_file != NULL && realpath(key_file, whole) != NULL) {
        f = fopen(path, "we");
        is_written = f != NULL && fprintf(f, "%s\n", whole) > 0;
        is_written = f != NULL && fclose(f) == 0 && is_written;
    }
    free(path);
    if (key_file != NULL && !is_written) {
        return cli_error("io", ENT_EXIT_STORE,
                         "The node is fine. Name the key file at each start: "
                         "entente up --key-file PATH",
                         "could not note where the key file is");
    }
    return NULL;
}

static struct value *
no_way_in(void)
{
    return cli_error("no-passphrase", ENT_EXIT_NOT_AUTHORISED,
                     "Type it on a terminal, or give --key-file PATH, "
                     "--passphrase-fd N or ENTENTE_PASSPHRASE.",
                     "the store is encrypted, and nothing was given to "
                     "open it");
}

/* From the terminal or the descriptor. */
static struct value *
find_passphrase(struct daemon *d, bool is_new)
{
    struct ent_buf secret = {.max = ASK_PASSPHRASE_MAX + 8, .is_secret = true};
    struct value *error = NULL;

    if (value_has(d->cli->given, "passphrase-fd")) {
        error = read_secret_fd(d->cli, &secret);
    } else if (d->cli->is_json ||
               !ask_passphrase(d->cli,
                               is_new ? "A passphrase for this node (a short "
                                        "sentence that only you know):"
                                      : "Passphrase of this node:",
                               is_new ? 2 : 1, &secret)) {
        error = no_way_in();
    }
    if (error == NULL) {
        error = pass_secret(d, &secret);
    }
    ent_buf_release(&secret);
    return error;
}

struct value *
daemon_way_in(struct daemon *d, bool is_new)
{
    const char *environment = getenv("ENTENTE_PASSPHRASE");
    const char *key_file = cli_word(d->cli, "key-file");
    char *recalled;

    if (key_file != NULL) {
        daemon_option(d, "--key-file", key_file);
        return NULL;
    }
    if (value_has(d->cli->given, "passphrase-fd")) {
        return find_passphrase(d, is_new);
    }
    if (environment != NULL && environment[0] != '\0') {
        return NULL; /* the daemon takes it from there */
    }
    recalled = is_new ? NULL : recall_key_file(d->cli);
    if (recalled != NULL) {
        daemon_option(d, "--key-file", recalled);
        free(recalled);
        return NULL;
    }
    return find_passphrase(d, is_new);
}

static struct value *
not_found(const struct daemon *d)
{
    return cli_error("no-entented", ENT_EXIT_NO_DAEMON,
                     "Install it beside entente, or put it on PATH.",
                     "cannot start %s: %s", d->program, strerror(errno));
}

struct value *
daemon_become(struct daemon *d)
{
    execvp(d->program, d->words);
    return not_found(d);
}

/* In the child: only what may follow a fork. */
static void
become_child(struct daemon *d)
{
    execvp(d->program, d->words);
    dprintf(STDERR_FILENO, "cannot start %s: %s\n", d->program,
            strerror(errno));
    _exit(ENT_EXIT_NO_DAEMON);
}

int
daemon_run(struct daemon *d)
{
    pid_t pid;
    int status = 0;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(null_fd, STDOUT_FILENO);
        become_child(d);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : ENT_EXIT_STORE;
}

pid_t
daemon_detach(struct daemon *d, const char *log_path)
{
    int log_fd =
        open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pid_t pid = -1;

    if (log_fd >= 0 && null_fd >= 0) {
        fflush(NULL);
        pid = fork();
    }
    if (pid == 0) {
        setsid();
        dup2(null_fd, STDIN_FILENO);
        dup2(log_fd, STDOUT_FILENO);
        dup2(log_fd, STDERR_FILENO);
        become_child(d);
    }
    if (log_fd >= 0) {
        close(log_fd);
    }
    if (null_fd >= 0) {
        close(null_fd);
    }
    return pid;
}
