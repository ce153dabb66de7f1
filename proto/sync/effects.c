/*
 * The queue of effects. What effects point to is lent until the next step;
 * a closed session emits nothing more.
 */
#include "sync/state.h"

#include <stdio.h>
#include <stdlib.h>

struct ent_session_effect *
session_emit(struct ent_session *s, enum ent_session_effect_type type)
{
    struct ent_session_effect *fx;

    ENT_ASSERT(s->state != SESSION_CLOSED);
    if (s->effect_count == s->effect_cap) {
        s->effect_cap = s->effect_cap > 0 ? 2 * s->effect_cap : 16;
        s->effects =
            ent_realloc(s->effects, s->effect_cap * sizeof(*s->effects));
    }
    fx = &s->effects[s->effect_count++];
    memset(fx, 0, sizeof(*fx));
    fx->type = type;
    return fx;
}

void
session_lend(struct ent_session *s, void *memory)
{
    if (s->lent_count == s->lent_cap) {
        s->lent_cap = s->lent_cap > 0 ? 2 * s->lent_cap : 16;
        s->lent = ent_realloc(s->lent, s->lent_cap * sizeof(*s->lent));
    }
    s->lent[s->lent_count++] = memory;
}

void
session_clear_effects(struct ent_session *s)
{
    while (s->lent_count > 0) {
        free(s->lent[--s->lent_count]);
    }
    s->effect_count = 0;
    s->effect_next = 0;
}

void
session_send(struct ent_session *s, enum ent_msg_type type,
             struct ent_buf *body)
{
    struct ent_session_effect *fx = session_emit(s, ENT_FX_SEND);

    ENT_ASSERT(!body->failed && body->len <= ENT_MESSAGE_MAX);
    fx->u.send.type = (uint8_t)type;
    fx->u.send.body = ent_buf_slice(body);
    session_lend(s, body->p);
    *body = (struct ent_buf){0};
}

void
session_note(struct ent_session *s, enum ent_status st,
             const struct ent_logkey *log)
{
    struct ent_session_effect *fx = session_emit(s, ENT_FX_NOTE);

    fx->u.note.st = st;
    fx->u.note.log = *log;
}

static void
close_now(struct ent_session *s, enum ent_status st, bool is_theirs,
          const struct msg_bye *bye)
{
    struct ent_session_effect *fx = session_emit(s, ENT_FX_CLOSE);

    fx->u.close.st = st;
    fx->u.close.bye = bye->reason;
    fx->u.close.is_theirs = is_theirs;
    snprintf(fx->u.close.detail, sizeof(fx->u.close.detail), "%s", bye->detail);
    s->state = SESSION_CLOSED;
}

void
session_bye(struct ent_session *s, enum ent_status st,
            const struct msg_bye *bye)
{
    struct ent_buf body = {0};

    msg_bye_encode(bye, &body);
    session_send(s, ENT_MSG_BYE, &body);
    close_now(s, st, false, bye);
}

void
session_refuse(struct ent_session *s, enum ent_status st)
{
    struct msg_bye bye = {.reason = ENT_BYE_REFUSED};

    ENT_ASSERT(ent_status_is_peer(st));
    snprintf(bye.detail, sizeof(bye.detail), "%s", ent_status_name(st));
    session_bye(s, st, &bye);
}

void
session_bye_heard(struct ent_session *s, const struct msg_bye *bye)
{
    enum ent_status st =
        bye->reason == ENT_BYE_VERSION ? ENT_PEER_VERSION : ENT_OK;

    close_now(s, st, true, bye);
}
