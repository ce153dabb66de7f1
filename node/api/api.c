/* Finding a method, reading its parameters, and refusing with a reason. */
#include "api/api.h"

#include "api/tables.h"

#include <entente/limits.h>

#include <stdarg.h>
#include <stdio.h>

static const struct api_method *const TABLES[] = {
    api_node_methods,   api_circle_methods, api_situation_methods,
    api_answer_methods, api_show_methods,   api_meeting_methods,
    api_report_methods, api_record_methods, api_bundle_methods,
    api_loop_methods,
};

const struct api_method *
api_find(const char *name)
{
    for (size_t i = 0; i < sizeof(TABLES) / sizeof(TABLES[0]); i++) {
        for (const struct api_method *m = TABLES[i]; m->name != NULL; m++) {
            if (strcmp(m->name, name) == 0) {
                return m;
            }
        }
    }
    return NULL;
}

void
api_refuse(struct api_call *call, enum ent_exit exit, const char *code,
           const char *hint, const char *text_format, ...)
{
    va_list args;

    if (call->is_refused) {
        return; /* the first reason is the one to tell */
    }
    call->is_refused = true;
    call->exit_code = (int)exit;
    snprintf(call->code, sizeof(call->code), "%s", code);
    snprintf(call->hint, sizeof(call->hint), "%s", hint == NULL ? "" : hint);
    va_start(args, text_format);
    vsnprintf(call->text, sizeof(call->text), text_format, args);
    va_end(args);
}

static enum ent_exit
exit_of(enum ent_status st)
{
    if (st == ENT_RULE_USAGE) {
        return ENT_EXIT_USAGE;
    }
    if (st == ENT_RULE_AUTH || st == ENT_PEER_NOT_ENTITLED) {
        return ENT_EXIT_NOT_AUTHORISED;
    }
    if (st == ENT_RULE_NOT_FOUND) {
        return ENT_EXIT_NOT_FOUND;
    }
    return ent_status_is_self(st) ? ENT_EXIT_STORE : ENT_EXIT_REFUSED;
}

void
api_refuse_status(struct api_call *call, enum ent_status st, const char *what)
{
    ENT_ASSERT(st != ENT_OK);
    api_refuse(call, exit_of(st), ent_status_name(st), NULL, "%s: %s", what,
               ent_status_text(st));
}

const char *
api_string(struct api_call *call, const char *key, bool is_required)
{
    const char *s;

    if (!value_has(call->params, key)) {
        if (is_required) {
            api_refuse(call, ENT_EXIT_USAGE, "usage", NULL, "“%s” is missing",
                       key);
        }
        return NULL;
    }
    s = value_get_string(call->params, key);
    if (s == NULL) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL, "“%s” must be a text",
                   key);
        return NULL;
    }
    if (strlen(s) > ENT_TEXT_MAX) {
        api_refuse(call, ENT_EXIT_USAGE, "usage",
                   "Shorten it, or split it into several notes.",
                   "“%s” is longer than %u bytes", key, ENT_TEXT_MAX);
        return NULL;
    }
    return s;
}
