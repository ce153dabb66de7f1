/*
 * What the loop's modules share: who we are, the threads behind, the newest
 * directory, and the sets of things that are open. node.c makes it; modules
 * take from it what they use and know nothing else of each other.
 */
#ifndef NODE_IO_IO_H
#define NODE_IO_IO_H

#include "api/live.h"
#include "config.h"
#include "io/conn.h"
#include "io/reader.h"
#include "io/writer.h"
#include "store/directory.h"

struct joins;
struct listener;
struct peers;
struct request;
struct sockets;

struct io {
    uv_loop_t *loop;
    const struct config *config;
    const struct node_keys *keys;
    struct live *live;
    struct writer *writer;
    struct reader *session_reader;
    struct reader *api_reader;
    struct directory *directory; /* replaced as a whole */
    struct conn_set *conns;
    struct peers *peers;
    struct joins *joins;
    struct listener *listener;
    struct sockets *sockets;
    struct request *waiting;      /* calls that are answered later */
    uint64_t top;                 /* our highest change number, as last heard */
    bool is_stopping;             /* nothing new is begun */
    void (*hurry)(struct io *io); /* beat soon: something waits */
    void (*stop)(struct io *io);  /* begin the orderly stop */
    void *node;
};

#endif
