/*
 * Nodes as daemons: entented from this program's own folder, and local calls
 * over its socket. Anything unexpected ends the bench.
 */
#include "bench/nodes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_LEN 256

unsigned
node_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        bench_die("no free port");
    }
    close(fd);
    return ntohs(address.sin_port);
}

/* ---- start and stop ---- */

static void
daemon_path(char ret_path[BENCH_PATH_MAX])
{
    char self[BENCH_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (len <= 0) {
        bench_die("where is this program?");
    }
    self[len] = '\0';
    slash = strrchr(self, '/');
    ENT_ASSERT(slash != NULL);
    *slash = '\0';
    bench_path(self, "entented", ret_path);
}

__attribute__((noreturn)) static void
become_daemon(const struct bench_node *node, const char *program, int out)
{
    char log_path[BENCH_PATH_MAX];
    int log;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bench_path(node->folder, "log", log_path);
    log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execl(program, program, "run", "--folder", node->folder, "--key-file",
          node->key_path, "--backoff-max-ms", "1000", "--inspectable", "yes",
          (char *)NULL);
    _exit(127);
}

static void
read_line(int fd, char ret_line[LINE_LEN])
{
    size_t len = 0;

    while (len + 1 < LINE_LEN) {
        ssize_t got = read(fd, ret_line + len, 1);

        if (got == 1 && ret_line[len] != '\n') {
            len++;
        } else if (got >= 0 || errno != EINTR) {
            break;
        }
    }
    ret_line[len] = '\0';
}

static void
open_socket(struct bench_node *node)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
                       node->folder, RPC_SOCKET_NAME);

    if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
        bench_die("the path of the socket is too long: set TMPDIR");
    }
    node->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(node->socket, (const struct sockaddr *)(const void *)&address,
                sizeof(address)) != 0) {
        bench_die("no answer at %s", address.sun_path);
    }
}

void
node_start(struct bench_node *node)
{
    static const char ready[] = "entented: ready, listening on ";
    char program[BENCH_PATH_MAX];
    char line[LINE_LEN];
    double start;
    int fds[2];

    ENT_ASSERT(node->engine == NULL && node->pid == 0);
    daemon_path(program);
    if (pipe2(fds, O_CLOEXEC) != 0) {
        bench_die("no pipe");
    }
    start = bench_now();
    node->pid = fork();
    if (node->pid == 0) {
        become_daemon(node, program, fds[1]);
    }
    close(fds[1]);
    read_line(fds[0], line);
    node->ready_s = bench_now() - start;
    close(fds[0]);
    if (node->pid < 0 || strncmp(line, ready, strlen(ready)) != 0) {
        bench_die("%s does not start: “%s”", program, line);
    }
    snprintf(node->listen, sizeof(node->listen), "%.63s", line + strlen(ready));
    open_socket(node);
}

void
node_stop(struct bench_node *node)
{
    int status = 0;

    ENT_ASSERT(node->pid > 0);
    close(node->socket);
    node->socket = -1;
    ent_buf_release(&node->in);
    kill(node->pid, SIGTERM);
    while (waitpid(node->pid, &status, 0) < 0 && errno == EINTR) {
    }
    node->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bench_die("the daemon in %s did not end well", node->folder);
    }
}

/* ---- calls ---- */

static void
send_all(int fd, struct ent_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR) {
            bench_die("the daemon went away");
        }
        if (sent > 0) {
            bytes = ent_slice(bytes.p + sent, bytes.len - (size_t)sent);
        }
    }
}

static void
receive(struct bench_node *node, struct rpc_message *ret_msg)
{
    uint8_t chunk[65536];
    size_t used = 0;

    for (;;) {
        enum ent_status st =
            rpc_decode(ent_buf_slice(&node->in), ret_msg, &used);
        ssize_t got;

        if (st == ENT_OK) {
            ent_buf_drop(&node->in, used);
            return;
        }
        got = st == ENT_WANT_MORE ? recv(node->socket, chunk, sizeof(chunk), 0)
                                  : 0;
        if (got > 0) {
            ent_buf_put(&node->in, chunk, (size_t)got);
        } else if (got == 0 || errno != EINTR) {
            bench_die("the daemon in %s went away", node->folder);
        }
    }
}

static void
request(struct bench_node *node, const char *method, struct value *params)
{
    struct rpc_message msg = {.kind = RPC_REQUEST, .id = 1};
    struct ent_buf bytes = {0};

    msg.params = params != NULL ? params : value_object();
    snprintf(msg.method, sizeof(msg.method), "%s", method);
    rpc_encode(&msg, &bytes);
    rpc_message_release(&msg);
    send_all(node->socket, ent_buf_slice(&bytes));
    ent_buf_release(&bytes);
}

struct value *
node_call(struct bench_node *node, const char *method, struct value *params)
{
    struct rpc_message msg;
    struct value *result;

    request(node, method, params);
    receive(node, &msg);
    while (msg.kind != RPC_RESPONSE) {
        rpc_message_release(&msg);
        receive(node, &msg);
    }
    if (msg.error != NULL) {
        bench_die("%s: %s", method, value_get_string(msg.error, "text"));
    }
    result = msg.result != NULL ? value_share(msg.result) : value_object();
    rpc_message_release(&msg);
    return result;
}

uint64_t
node_top(struct bench_node *node)
{
    struct value *info = node_call(node, "node.info", NULL);
    uint64_t top = (uint64_t)value_get_int(info, "top", 0);

    value_free(info);
    return top;
}

uint64_t
node_wire_bytes(struct bench_node *node)
{
    struct value *all = node_call(node, "peers", NULL);
    const struct value *peer = value_at(value_get(all, "peers"), 0);
    uint64_t bytes = (uint64_t)(value_get_int(peer, "bytes_in", 0) +
                                value_get_int(peer, "bytes_out", 0));

    value_free(all);
    return bytes;
}

bool
node_is_proved(struct bench_node *node)
{
    struct value *status = node_call(node, "status", NULL);
    const struct value *peer = value_at(value_get(status, "peers"), 0);
    bool is_proved = value_get_bool(peer, "connected", false) &&
                     value_get_bool(peer, "proved", false);

    value_free(status);
    return is_proved;
}

void
node_wait_proved(struct bench_node *node, double seconds)
{
    double start = bench_now();

    while (!node_is_proved(node)) {
        if (bench_now() - start > seconds) {
            bench_die("no proof of equal stores within %.0f seconds", seconds);
        }
        usleep(2000);
    }
}

double
node_memory_mib(const struct bench_node *node, const char *what)
{
    char path[64];
    char line[LINE_LEN];
    double kib = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)node->pid);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        size_t len = strlen(what);

        if (strncmp(line, what, len) == 0 && line[len] == ':') {
            kib = strtod(line + len + 1, NULL);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return kib / 1024;
}
