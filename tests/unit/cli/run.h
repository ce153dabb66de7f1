/*
 * Runs the command line inside the test: words in, both streams and the exit
 * code out.
 */
#ifndef TESTS_UNIT_CLI_RUN_H
#define TESTS_UNIT_CLI_RUN_H

#include <cli.h>
#include <lib/cmocka.h>
#include <stdlib.h>

#define RUN_WORDS_MAX 24

struct run {
    int exit;
    char *main; /* standard output; owned */
    char *talk; /* standard error; owned */
};

static inline void
run_release(struct run *r)
{
    free(r->main);
    free(r->talk);
    *r = (struct run){.exit = 0};
}

/* `words` is ended by NULL; `in` is standard input's text, or NULL: none. */
static inline struct run
run_words(const char *const *words, const char *in)
{
    struct run r = {.exit = -1};
    char *argv[RUN_WORDS_MAX + 1] = {NULL};
    size_t main_len = 0;
    size_t talk_len = 0;
    FILE *main_stream = open_memstream(&r.main, &main_len);
    FILE *talk_stream = open_memstream(&r.talk, &talk_len);
    FILE *in_stream = tmpfile();
    int argc = 0;

    assert_true(main_stream != NULL && talk_stream != NULL);
    assert_non_null(in_stream);
    fputs(in != NULL ? in : "", in_stream);
    rewind(in_stream);
    argv[argc++] = strdup("entente");
    for (; *words != NULL && argc < RUN_WORDS_MAX; words++) {
        argv[argc++] = strdup(*words);
    }
    r.exit = cli_main(argc, argv, in_stream, main_stream, talk_stream);
    fclose(main_stream);
    fclose(talk_stream);
    fclose(in_stream);
    while (argc > 0) {
        free(argv[--argc]);
    }
    return r;
}

#define RUN(...) run_words((const char *const[]){__VA_ARGS__, NULL}, NULL)

/* Fails the test, printing both, unless `text` holds `part`. */
static inline void
assert_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

#endif
