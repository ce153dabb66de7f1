/*
 * Sharing without a network: a file for a stick or a mail, and reading one.
 *
 * Making is one read snapshot, written beside its place and renamed when it is
 * whole. Reading is done in parts, each in a transaction of its own.
 */
#include "api/common.h"
#include "api/tables.h"
#include "clock.h"
#include "store/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_BYTES (256u * 1024u) /* of runs, in one transaction */
#define TARGETS_MAX ENT_STRUCTURES_MAX

/* The parameter "file": a whole path, since the node has its own folder. */
static const char *
file_of(struct api_call *call)
{
    const char *file = api_string(call, "file", true);

    if (file != NULL && (file[0] != '/' || strlen(file) >= PATH_MAX - 32)) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "“file” is a path that begins with “/”.");
        return NULL;
    }
    return file;
}

static void
refuse_file(struct api_call *call, const char *what, const char *file)
{
    api_refuse(call, ENT_EXIT_REFUSED, "bundle.file",
               "Is the stick there, with room on it, and may this user use "
               "it?",
               "%s “%.200s”: %s.", what, file, strerror(errno));
}

/* ---- for whom ---- */

struct targets {
    size_t count;
    struct bundle_target *all;
    struct value *names;
};

static void
add_target(struct api_call *call, struct targets *t, uint64_t node)
{
    struct bundle_target target;
    char name[ENT_NAME_MAX + 1];
    size_t i;

    api_name(call->db, node, name);
    if (!bundle_target_of(call->db, node, &target)) {
        api_refuse(call, ENT_EXIT_REFUSED, "bundle.no-card",
                   "Its card comes with the circle's entries.",
                   "The keys of %s are not known here yet.", name);
        return;
    }
    if (ent_id_eq(&target.node, &call->keys->node)) {
        api_refuse(call, ENT_EXIT_USAGE, "bundle.to-ourselves", NULL,
                   "This node needs no bundle from itself.");
        return;
    }
    for (i = 0; i < t->count; i++) {
        if (ent_id_eq(&t->all[i].node, &target.node)) {
            return;
        }
    }
    if (t->count < TARGETS_MAX) {
        t->all[t->count++] = target;
        value_add(t->names, value_string(name));
    }
}

static void
add_everybody(struct api_call *call, struct targets *t, uint64_t circle)
{
    size_t count;
    struct overview_node *nodes = overview_members(call->db, circle, &count);
    size_t i;

    for (i = 0; i < count && !call->is_refused; i++) {
        if (!nodes[i].is_us) {
            add_target(call, t, nodes[i].row);
        }
    }
    free(nodes);
    if (t->count == 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "bundle.nobody",
                   "Invite somebody with `entente invite`.",
                   "There is nobody else in the circle.");
    }
}

static void
read_targets(struct api_call *call, struct targets *t)
{
    const struct value *to = value_get(call->params, "to");
    bool is_all = value_get_bool(call->params, "all", false);
    uint64_t circle = api_circle(call);
    size_t i;

    if (!call->is_refused && is_all == (value_count(to) > 0)) {
        api_refuse(call, ENT_EXIT_USAGE, "usage",
                   "--to STRUCTURE, or --all of the circle.",
                   "For whom is the bundle?");
    }
    if (call->is_refused) {
        return;
    }
    if (is_all) {
        add_everybody(call, t, circle);
        return;
    }
    for (i = 0; i < value_count(to) && !call->is_refused; i++) {
        const char *name = value_string_of(value_at(to, i));
        uint64_t node = api_structure(call, circle, name != NULL ? name : "");

        if (node != 0) {
            add_target(call, t, node);
        }
    }
}

/* ---- make ---- */

struct output {
    struct api_call *call;
    int fd;
    int error; /* errno of the write that failed */
};

static enum ent_status
write_out(void *arg, struct ent_slice bytes)
{
    struct output *output = arg;
    size_t done = 0;

    while (done < bytes.len) {
        ssize_t n = write(output->fd, bytes.p + done, bytes.len - done);

        if (n < 0 && errno != EINTR) {
            output->error = errno;
            return errno == ENOSPC ? ENT_SELF_FULL : ENT_SELF_IO;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return ENT_OK;
}

static void
on_made(void *arg, uint64_t done, uint64_t total)
{
    struct api_call *call = ((struct output *)arg)->call;

    if (call->progress != NULL) {
        call->progress(call->progress_arg, "logs written", done, total);
    }
}

static bool
write_bundle(struct output *output, const struct targets *t,
             struct bundle_made *ret_made)
{
    struct api_call *call = output->call;
    struct ent_key seed;
    struct bundle_order order = {
        .keys = call->keys,
        .seed = &seed,
        .now_ms = call->now_ms,
        .target_count = t->count,
        .targets = t->all,
        .write = write_out,
        .progress = on_made,
        .arg = output,
    };
    enum ent_status st;

    clock_seed(&seed);
    st = bundle_make(call->db, &order, ret_made);
    ent_wipe(&seed, sizeof(seed));
    if (st == ENT_OK && fsync(output->fd) != 0) {
        output->error = errno;
        st = ENT_SELF_IO;
    }
    return st == ENT_OK;
}

/* Writes beside `file`, then puts it there. */
static void
make_file(struct api_call *call, const struct targets *t, const char *file)
{
    struct output output = {.call = call};
    struct bundle_made made = {0};
    char beside[PATH_MAX];
    uint32_t chance;
    bool is_good;

    clock_random(&chance, sizeof(chance));
    snprintf(beside, sizeof(beside), "%s.%08x.part", file, chance);
    output.fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (output.fd < 0) {
        refuse_file(call, "It could not be made:", file);
        return;
    }
    is_good = write_bundle(&output, t, &made);
    if (close(output.fd) != 0 && is_good) {
        output.error = errno;
        is_good = false;
    }
    if (is_good && rename(beside, file) != 0) {
        output.error = errno;
        is_good = false;
    }
    if (!is_good) {
        (void)unlink(beside);
        errno = output.error;
        refuse_file(call, "It could not be written:", file);
        return;
    }
    value_set_string(call->result, "file", file);
    value_set_int(call->result, "bundles", (int64_t)made.bundles);
    value_set_int(call->result, "runs", (int64_t)made.runs);
    value_set_int(call->result, "entries", (int64_t)made.entries);
    value_set_int(call->result, "bytes", (int64_t)made.bytes);
    value_set(call->result, "to", value_share(t->names));
}

static void
api_bundle_make(struct api_call *call)
{
    const char *file = file_of(call);
    struct targets t = {.names = value_array()};

    t.all = ent_alloc_zero(TARGETS_MAX, sizeof(*t.all));
    if (file != NULL) {
        read_targets(call, &t);
    }
    if (!call->is_refused) {
        make_file(call, &t, file);
    }
    free(t.all);
    value_free(t.names);
}

/* ---- read ---- */

struct reading {
    struct bundle_import *import;
    int fd;
    uint64_t size;
    uint64_t done;
    bool has_failed;
    int error;
};

static void
reading_free(struct reading *r)
{
    bundle_import_free(r->import);
    (void)close(r->fd);
    free(r);
}

static struct reading *
reading_new(struct api_call *call)
{
    const char *file = file_of(call);
    struct reading *r;
    struct stat about;
    int fd;

    if (file == NULL) {
        return NULL;
    }
    fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        errno = fd < 0 ? errno : EINVAL;
        refuse_file(call, "It could not be opened:", file);
        if (fd >= 0) {
            (void)close(fd);
        }
        return NULL;
    }
    r = ent_alloc_zero(1, sizeof(*r));
    r->fd = fd;
    r->size = (uint64_t)about.st_size;
    r->import = bundle_import_new(call->keys);
    return r;
}

static void
feed(struct reading *r)
{
    uint8_t bytes[16 * 1024];
    ssize_t n;

    do {
        n = read(r->fd, bytes, sizeof(bytes));
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        r->has_failed = true;
        r->error = errno;
    } else if (n == 0) {
        bundle_import_feed_end(r->import);
    } else {
        r->done += (uint64_t)n;
        bundle_import_feed(r->import, ent_slice(bytes, (size_t)n));
    }
}

static void
rewind_file(struct reading *r)
{
    r->done = 0;
    if (lseek(r->fd, 0, SEEK_SET) != 0) {
        r->has_failed = true;
        r->error = errno;
    }
}

/* One transaction's worth; true when there is more. */
static bool
go_on(struct api_call *call, struct reading *r)
{
    while (!r->has_failed) {
        switch (bundle_import_step(r->import, call->engine, STEP_BYTES)) {
        case BUNDLE_FEED:
            feed(r);
            break;
        case BUNDLE_AGAIN:
            rewind_file(r);
            break;
        case BUNDLE_PAUSE:
            return true;
        case BUNDLE_OVER:
            return false;
        }
    }
    return false;
}

/* A fault's refusal: the sentence, and what to do. */
struct fault_words {
    const char *text;
    const char *hint;
};

static const struct fault_words FAULTS[] = {
    [ENT_BUNDLE_NOT_ONE] = {"This file is no bundle, or its beginning is "
                            "lost.",
                            "Is it the file that `entente bundle make` "
                            "wrote?"},
    [ENT_BUNDLE_VERSION] = {"This bundle was made by a newer version.",
                            "Update this program, then read it again."},
    [ENT_BUNDLE_NOT_OURS] = {"This bundle is not for this node: nothing in it "
                             "can be opened here.",
                             "Ask its sender for one made --to this "
                             "structure."},
    [ENT_BUNDLE_HEADER] = {"The header of this bundle was altered.",
                           "Copy the file once more, or ask for a new one."},
    [ENT_BUNDLE_DAMAGED] = {"This bundle is damaged.",
                            "Copy the file once more, or ask for a new one; "
                            "what is here already is not told twice."},
    [ENT_BUNDLE_FORGED] = {"This bundle was not signed by its sender as it "
                           "stands.",
                           "Ask the sender for a new one, and tell the circle "
                           "if it happens again."},
    [ENT_BUNDLE_BROKEN] = {"The sender's program made this bundle wrongly.",
                           "Tell the sender; nothing here is harmed."},
    [ENT_BUNDLE_CUT] = {"This bundle is cut before anything in it can be "
                        "read.",
                        "Copy the file once more, or ask for a new one."},
};

static void
refuse_fault(struct api_call *call, enum ent_bundle_fault fault,
             const struct bundle_tally *tally)
{
    char code[48];
    char where[200] = "";

    snprintf(code, sizeof(code), "bundle.%s", ent_bundle_fault_name(fault));
    if (fault == ENT_BUNDLE_DAMAGED || fault == ENT_BUNDLE_BROKEN ||
        fault == ENT_BUNDLE_FORGED) {
        snprintf(where, sizeof(where),
                 " Chunk %" PRIu64 ", at byte %" PRIu64 ". The %" PRIu64
                 " runs before it were taken, %" PRIu64 " entries of them new.",
                 tally->chunk, tally->offset, tally->runs, tally->entries);
    }
    api_refuse(call, ENT_EXIT_REFUSED, code, FAULTS[fault].hint, "%s%s",
               FAULTS[fault].text, where);
}

static bool
refuse_reading(struct api_call *call, const struct bundle_tally *tally)
{
    bool has_sender = !ent_id_is_zero(&tally->sender);

    if (tally->is_stranger) {
        api_refuse(call, ENT_EXIT_REFUSED, "bundle.stranger",
                   "Only members of your circle can send you bundles: is its "
                   "sender one, and does this node know it already?",
                   "The sender of this bundle is nobody that this node "
                   "knows.");
    } else if (tally->is_bad_run) {
        refuse_fault(call, ENT_BUNDLE_BROKEN, tally);
    } else if (tally->fault != ENT_BUNDLE_SOUND &&
               !(tally->fault == ENT_BUNDLE_CUT && has_sender)) {
        refuse_fault(call, tally->fault, tally);
    }
    return call->is_refused;
}

static const char *
state_of(const struct bundle_tally *tally)
{
    return tally->fault == ENT_BUNDLE_CUT ? "cut"
           : tally->is_repeated           ? "repeated"
           : tally->has_gap               ? "gap"
           : tally->waiting > 0           ? "waiting"
                                          : "complete";
}

static void
tell(struct api_call *call, const struct bundle_tally *tally)
{
    struct value *v = call->result;
    char name[ENT_NAME_MAX + 1];

    api_name(call->db, overview_node_find(call->db, &tally->sender), name);
    value_set_string(v, "state", state_of(tally));
    value_set_hex(v, "sender", tally->sender.b, sizeof(tally->sender.b));
    value_set_string(v, "sender_name", name);
    value_set_int(v, "made_at", (int64_t)tally->made_at);
    value_set_int(v, "bundles", (int64_t)tally->bundles);
    value_set_int(v, "runs", (int64_t)tally->runs);
    value_set_int(v, "entries", (int64_t)tally->entries);
    value_set_int(v, "waiting", (int64_t)tally->waiting);
    value_set_int(v, "refused", (int64_t)tally->refused);
    value_set_int(v, "acked", (int64_t)tally->acked);
    value_set_bool(v, "proved", tally->is_proved);
    value_set_bool(v, "put_back", tally->is_put_back);
}

static void
end_reading(struct api_call *call, struct reading *r)
{
    const struct bundle_tally *tally = bundle_tally_of(r->import);

    if (r->has_failed) {
        errno = r->error;
        refuse_file(call, "It could not be read on:",
                    value_get_string(call->params, "file"));
    } else if (!refuse_reading(call, tally)) {
        tell(call, tally);
    }
    call->peers_changed = true;
    reading_free(r);
}

static void
api_bundle_read(struct api_call *call)
{
    struct reading *r = call->kept;

    if (call->is_stopping) {
        reading_free(r);
        api_refuse(call, ENT_EXIT_NO_DAEMON, "stopping",
                   "Read it again: nothing is taken twice.",
                   "the node is stopping");
        return;
    }
    if (r == NULL) {
        r = reading_new(call);
        call->kept = r;
    }
    if (r == NULL) {
        return;
    }
    if (go_on(call, r)) {
        call->is_unfinished = true;
        if (call->progress != NULL) {
            call->progress(call->progress_arg, "bytes read", r->done, r->size);
        }
        return;
    }
    end_reading(call, r);
}

const struct api_method api_bundle_methods[] = {
    {"bundle.make", API_READ, api_bundle_make},
    {"bundle.read", API_WRITE, api_bundle_read},
    {NULL, API_READ, NULL},
};
