/*
 * store-sql FILE.sql: runs a script of the sqlite3 shell's SQL on a temporary
 * encrypted store under the settings of a node, so that the store can be
 * compared with the shell on the same script.
 *
 * Rows go to stdout as in the shell's list mode: columns joined by '|', NULL
 * as nothing. Errors go to stderr as "Error: near line N: ..."; what is left
 * of the failing line is passed over and the script goes on, as in the shell.
 * Lines that begin with '.' are the shell's own commands: .quit and .exit end
 * the script, the others are passed over with a note on stderr. Pragmas that
 * would change the settings of a store are passed over, too.
 *
 * Exit status: 0, or 1 if there was any error. The temporary folder is removed
 * at the end, also on a signal.
 */
#include <entente/base.h>

#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/base/db.h"
#include "store/base/storekey.h"

/* What is in the folder; for the signal handler, which may only call unlink
 * and the like. */
static char folder[PATH_MAX];
static char paths[4][PATH_MAX + 16]; /* the store is the first */

struct script {
    sqlite3 *p;
    struct ent_buf chunk; /* lines that are no complete statement yet */
    int line;
    int chunk_line; /* where the chunk began */
    bool has_error;
    bool has_ended;
};

static void
remove_folder(void)
{
    size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        unlink(paths[i]);
    }
    rmdir(folder);
}

static void
on_signal(int number)
{
    remove_folder();
    signal(number, SIG_DFL);
    raise(number);
}

/* Handlers first: mkdtemp() writes the name before it makes the folder, so
 * there is no moment at which a signal would leave it behind. */
static bool
make_folder(void)
{
    static const int signals[] = {SIGINT,  SIGTERM, SIGHUP,
                                  SIGPIPE, SIGQUIT, SIGABRT};
    const char *parent = getenv("TMPDIR");
    size_t i;

    snprintf(folder, sizeof(folder), "%s/store-sql-XXXXXX",
             parent != NULL && parent[0] == '/' ? parent : "/tmp");
    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction action = {.sa_handler = on_signal};

        sigaction(signals[i], &action, NULL);
    }
    if (mkdtemp(folder) == NULL) {
        return false;
    }
    snprintf(paths[0], sizeof(paths[0]), "%s/store", folder);
    snprintf(paths[1], sizeof(paths[1]), "%s/store-wal", folder);
    snprintf(paths[2], sizeof(paths[2]), "%s/store.new", folder);
    snprintf(paths[3], sizeof(paths[3]), "%s/store.new-wal", folder);
    return true;
}

/* The settings of a store are not the script's to change. Reading them is
 * fine, and so is asking for what they are. */
static int
authorise(void *arg, int action, const char *name, const char *value,
          const char *database, const char *trigger)
{
    static const char *const settings[] = {
        "auto_vacuum", "cache_spill", "journal_mode", "mmap_size",
        "page_size",   "temp_store",  "synchronous"};
    size_t i;

    (void)arg;
    (void)database;
    (void)trigger;
    if (action != SQLITE_PRAGMA || value == NULL ||
        sqlite3_stricmp(value, "wal") == 0) {
        return SQLITE_OK;
    }
    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (sqlite3_stricmp(name, settings[i]) == 0) {
            return SQLITE_IGNORE;
        }
    }
    return SQLITE_OK;
}

static void
print_row(sqlite3_stmt *stmt)
{
    int n = sqlite3_column_count(stmt);
    int i;

    for (i = 0; i < n; i++) {
        const unsigned char *text = sqlite3_column_text(stmt, i);

        printf("%s%s", i > 0 ? "|" : "",
               text != NULL ? (const char *)text : "");
    }
    printf("\n");
}

/* Runs the first statement of `sql` and returns what follows it, or NULL
 * after an error. */
static const char *
run_one(sqlite3 *p, const char *sql)
{
    const char *rest = NULL;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(p, sql, -1, &stmt, &rest);

    if (rc != SQLITE_OK) {
        return NULL;
    }
    if (stmt == NULL) {
        return rest; /* a comment or nothing */
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        print_row(stmt);
    }
    return sqlite3_finalize(stmt) == SQLITE_OK ? rest : NULL;
}

static void
run_chunk(struct script *script)
{
    const char *sql;

    ent_buf_put_u8(&script->chunk, 0);
    ENT_ASSERT(!script->chunk.failed);
    sql = (const char *)script->chunk.p;
    while (sql != NULL && *sql != '\0') {
        sql = run_one(script->p, sql);
    }
    if (sql == NULL) {
        fprintf(stderr, "Error: near line %d: %s\n", script->chunk_line,
                sqlite3_errmsg(script->p));
        script->has_error = true;
    }
    ent_buf_clear(&script->chunk);
}

/* Nothing but white space and a comment to the end of the line? */
static bool
is_blank(const char *line)
{
    line += strspn(line, " \t\r\n\f\v");
    return *line == '\0' || (line[0] == '-' && line[1] == '-');
}

static void
pass_over_command(struct script *script, const char *line)
{
    if (strncmp(line, ".quit", 5) == 0 || strncmp(line, ".exit", 5) == 0) {
        script->has_ended = true;
    } else {
        fprintf(stderr, "note: line %d is the shell's own: %s\n", script->line,
                line);
    }
}

static bool
is_complete(struct ent_buf *chunk)
{
    bool is_so;

    ent_buf_put_u8(chunk, 0);
    ENT_ASSERT(!chunk->failed);
    is_so = sqlite3_complete((const char *)chunk->p) != 0;
    chunk->len--;
    return is_so;
}

static void
take_line(struct script *script, char *line)
{
    size_t len = strcspn(line, "\r\n");
    bool is_first = script->chunk.len == 0;

    line[len] = '\0';
    script->line++;
    if (is_first && is_blank(line)) {
        return;
    }
    if (is_first && (line[0] == '.' || line[0] == '#')) {
        if (line[0] == '.') {
            pass_over_command(script, line);
        }
        return;
    }
    if (is_first) {
        script->chunk_line = script->line;
    }
    ent_buf_put(&script->chunk, line, len);
    ent_buf_put_u8(&script->chunk, '\n');
    /* Asking after each line would take square time on a long statement. */
    if (strchr(line, ';') != NULL && is_complete(&script->chunk)) {
        run_chunk(script);
    }
}

static bool
run_script(struct db *db, FILE *file)
{
    struct script script = {.p = db_handle(db)};
    char *line = NULL;
    size_t cap = 0;

    ent_buf_init(&script.chunk, 1u << 30);
    /* A node trusts no schema that it finds in a file; here the schema is the
     * script's own, and triggers may fill a search index. */
    sqlite3_db_config(script.p, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
    sqlite3_set_authorizer(script.p, authorise, NULL);
    while (!script.has_ended && getline(&line, &cap, file) >= 0) {
        take_line(&script, line);
    }
    if (script.chunk.len > 0) {
        run_chunk(&script);
    }
    free(line);
    ent_buf_release(&script.chunk);
    return !script.has_error;
}

static bool
run_on_new_store(FILE *file)
{
    struct storekey *key = storekey_new();
    struct db_config config = {.path = paths[0], .key = key};
    struct db *db = NULL;
    enum ent_status st = db_create(&config);
    bool is_good = false;

    if (st == ENT_OK) {
        st = db_open_writer(&config, &db);
    }
    if (st == ENT_OK) {
        is_good = run_script(db, file);
    } else {
        fprintf(stderr, "Error: %s\n", ent_status_text(st));
    }
    db_close(db);
    storekey_free(key);
    return is_good;
}

int
main(int argc, char **argv)
{
    bool is_good;
    FILE *file;

    if (argc != 2) {
        fprintf(stderr, "usage: store-sql FILE.sql\n");
        return 1;
    }
    file = fopen(argv[1], "r");
    if (file == NULL || !make_folder()) {
        perror(file == NULL ? argv[1] : folder);
        return 1;
    }
    is_good = run_on_new_store(file);
    fclose(file);
    remove_folder();
    if (fflush(stdout) != 0) {
        perror("stdout");
        is_good = false;
    }
    return is_good ? 0 : 1;
}
