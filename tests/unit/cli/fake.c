/* The fake daemon: one thread, one connection after another. */
#include "fake.h"

#include <lib/cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct value *
parse(const char *json)
{
    char error[160];
    struct value *v;

    if (json == NULL) {
        return NULL;
    }
    v = value_from_json(json, strlen(json), error);
    ENT_ASSERT(v != NULL);
    return v;
}

static const struct fake_answer *
find_answer(struct fake *f, const char *method)
{
    const struct fake_answer *last = NULL;
    size_t i;

    for (i = 0; f->answers[i].method != NULL; i++) {
        ENT_ASSERT(i < FAKE_ANSWERS_MAX);
        if (strcmp(f->answers[i].method, method) != 0) {
            continue;
        }
        last = &f->answers[i];
        if (f->used[i] == 0) {
            f->used[i]++;
            return last;
        }
    }
    return last;
}

static void
put_progress(const struct fake_answer *a, struct ent_buf *out)
{
    struct rpc_message msg = {.kind = RPC_NOTIFY, .method = "progress"};
    int i;

    for (i = 1; i <= a->progress; i++) {
        msg.params = value_object();
        value_set_string(msg.params, "what", "verify");
        value_set_int(msg.params, "done", i);
        value_set_int(msg.params, "total", a->progress);
        rpc_encode(&msg, out);
        value_free(msg.params);
    }
}

static void
answer(struct fake *f, const struct rpc_message *asked, struct ent_buf *out)
{
    struct rpc_message msg = {.kind = RPC_RESPONSE, .id = asked->id};
    const struct fake_answer *a;

    pthread_mutex_lock(&f->lock);
    f->calls++;
    memcpy(f->method, asked->method, sizeof(f->method));
    value_free(f->params);
    f->params = value_share(asked->params);
    pthread_mutex_unlock(&f->lock);
    a = find_answer(f, asked->method);
    if (a == NULL) {
        msg.error = parse("{\"code\":\"no-such-method\",\"exit\":2,"
                          "\"text\":\"not told how to answer\"}");
    } else {
        put_progress(a, out);
        msg.result = parse(a->result);
        msg.error = parse(a->error);
    }
    rpc_encode(&msg, out);
    rpc_message_release(&msg);
}

static void
send_out(const struct fake *f, int fd, struct ent_slice bytes)
{
    size_t step = f->manner == FAKE_SLOW ? 1 : bytes.len;
    size_t at;

    for (at = 0; at < bytes.len; at += step) {
        if (send(fd, bytes.p + at, step, MSG_NOSIGNAL) < 0) {
            return;
        }
    }
}

static void
serve(struct fake *f, int fd)
{
    struct ent_buf in = {0};
    struct ent_buf out = {0};
    struct rpc_message msg;
    uint8_t chunk[4096];
    size_t used;
    ssize_t n;

    while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0) {
        ent_buf_put(&in, chunk, (size_t)n);
        while (rpc_decode(ent_buf_slice(&in), &msg, &used) == ENT_OK) {
            ent_buf_drop(&in, used);
            ent_buf_clear(&out);
            answer(f, &msg, &out);
            rpc_message_release(&msg);
            if (f->manner == FAKE_HANGS_UP) {
                goto out;
            }
            if (f->manner == FAKE_BABBLES) {
                ent_buf_clear(&out);
                ent_buf_put(&out, "\0\0\0\5\xdd\xff\xff\xff\xff", 9);
            }
            send_out(f, fd, ent_buf_slice(&out));
        }
    }
out:
    ent_buf_release(&in);
    ent_buf_release(&out);
}

static void *
run_fake(void *arg)
{
    struct fake *f = arg;
    int fd;

    while ((fd = accept(f->fd, NULL, NULL)) >= 0) {
        serve(f, fd);
        close(fd);
    }
    return NULL;
}

void
fake_start(struct fake *f, const struct fake_answer *answers,
           enum fake_manner manner)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *f = (struct fake){.answers = answers, .manner = manner};
    test_dir_init(&f->dir);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/%s",
             f->dir.path, RPC_SOCKET_NAME);
    f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->fd >= 0);
    assert_int_equal(
        bind(f->fd, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
    assert_int_equal(listen(f->fd, 8), 0);
    pthread_mutex_init(&f->lock, NULL);
    assert_int_equal(pthread_create(&f->thread, NULL, run_fake, f), 0);
}

void
fake_stop(struct fake *f)
{
    shutdown(f->fd, SHUT_RDWR); /* accept ends */
    pthread_join(f->thread, NULL);
    close(f->fd);
    value_free(f->params);
    pthread_mutex_destroy(&f->lock);
    test_dir_release(&f->dir);
}
