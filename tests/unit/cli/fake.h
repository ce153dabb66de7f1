/*
 * A daemon for tests: answers what it was told to, and remembers what it was
 * asked. Each connection carries any number of calls.
 */
#ifndef TESTS_UNIT_CLI_FAKE_H
#define TESTS_UNIT_CLI_FAKE_H

#include <entente/rpc.h>
#include <lib/tempdir.h>
#include <pthread.h>

#define FAKE_ANSWERS_MAX 64

/* The answer to the n-th call of a method; the last of a method is repeated.
 * Static strings of JSON. */
struct fake_answer {
    const char *method;
    const char *result; /* NULL: an error, then */
    const char *error;
    int progress; /* so many notifications before it */
};

enum fake_manner {
    FAKE_POLITE,
    FAKE_HANGS_UP, /* closes instead of answering */
    FAKE_BABBLES,  /* sends bytes that are no message */
    FAKE_SLOW,     /* one byte at a time */
};

struct fake {
    struct test_dir dir;
    pthread_t thread;
    pthread_mutex_t lock;
    int fd;
    enum fake_manner manner;
    const struct fake_answer *answers; /* ended by a NULL method */
    size_t used[FAKE_ANSWERS_MAX];
    size_t calls;
    char method[64];      /* of the last call */
    struct value *params; /* of the last call; owned */
};

/* Listens in a new folder. Borrows `answers`. */
void fake_start(struct fake *f, const struct fake_answer *answers,
                enum fake_manner manner);
void fake_stop(struct fake *f);

#endif
