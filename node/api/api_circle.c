/* Circle methods: founding, members, motions and votes, invitations. */
#include "api/common.h"
#include "api/tables.h"
#include "store/directory.h"

#include <entente/gov.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- circle.found, show, members ---- */

static void
circle_found(struct api_call *call)
{
    const char *name = api_string(call, "name", true);
    const char *charter = api_string(call, "charter", false);
    struct engine_space_spec spec = {.kind = ENT_SPACE_CIRCLE, .name = name};
    struct ent_id id;
    uint64_t space;
    enum ent_status st;

    if (name == NULL || call->is_refused) {
        return;
    }
    if (name[0] == '\0' || strlen(name) > ENT_NAME_MAX) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "A circle's name has 1 to %u bytes.", ENT_NAME_MAX);
        return;
    }
    if (overview_circle(call->db, true) != 0) {
        api_refuse(call, ENT_EXIT_REFUSED, "circle.already",
                   "`entente circle show` describes it.",
                   "This node is in a circle already, or is joining one.");
        return;
    }
    if (charter != NULL) {
        spec.charter = ent_slice_str(charter);
    }
    st = engine_open_space(call->engine, &spec, &space, &id);
    if (st != ENT_OK) {
        api_refuse_status(call, st, "The circle was not founded");
        return;
    }
    value_set_hex(call->result, "circle", id.b, sizeof(id.b));
    value_set_string(call->result, "name", name);
}

/* Where its card says that it can be reached. */
static struct value *
addresses_value(struct db *db, uint64_t node)
{
    struct value *list = value_array();
    struct ent_buf bytes = {0};
    struct ent_card card;
    size_t i;

    if (overview_card(db, node, &bytes) &&
        ent_card_decode(ent_buf_slice(&bytes), &card) == ENT_OK) {
        for (i = 0; i < card.address_count; i++) {
            value_add(list, value_text(card.addresses[i]));
        }
    }
    ent_buf_release(&bytes);
    return list;
}

static struct value *
members_value(struct api_call *call, uint64_t circle)
{
    struct value *list = value_array();
    size_t count;
    struct overview_node *nodes = overview_members(call->db, circle, &count);
    size_t i;

    for (i = 0; i < count; i++) {
        struct value *v = value_object();

        api_describe_node(v, &nodes[i]);
        value_set_bool(v, "is_founder", nodes[i].is_opener);
        value_set(v, "addresses", addresses_value(call->db, nodes[i].row));
        value_add(list, v);
    }
    free(nodes);
    return list;
}

static void
circle_members(struct api_call *call)
{
    uint64_t circle = api_circle(call);

    if (circle != 0) {
        value_set(call->result, "members", members_value(call, circle));
    }
}

/* ---- motions ---- */

static const char *
motion_state(const struct ent_gov_motion *m)
{
    if (m->is_decided) {
        return "decided";
    }
    if (m->is_open) {
        return "open";
    }
    return m->is_valid ? "stale" : "refused";
}

static void
set_subject(struct api_call *call, struct value *v,
            const struct ent_gov_motion *m)
{
    struct ent_card card;

    value_set_string(v, "subject_name", "");
    if (ent_id_is_zero(&m->subject)) {
        value_set_string(v, "subject", "");
        return;
    }
    value_set_hex(v, "subject", m->subject.b, sizeof(m->subject.b));
    if (m->card.len > 0 && ent_card_decode(m->card, &card) == ENT_OK) {
        value_set_text(v, "subject_name", card.name);
    } else {
        char name[ENT_NAME_MAX + 1];

        api_name(call->db, overview_node_find(call->db, &m->subject), name);
        value_set_string(v, "subject_name", name);
    }
}

static struct value *
motion_value(struct api_call *call, const struct ent_gov_motion *m,
             const struct ent_id *own)
{
    struct value *v = value_object();
    struct value *voters = value_array();
    char name[ENT_NAME_MAX + 1];
    bool you_voted = false;
    size_t i;

    value_set_hex(v, "id", m->id.b, sizeof(m->id.b));
    value_set_string(v, "action", ent_action_name(m->action));
    set_subject(call, v, m);
    value_set_text(v, "text", m->text);
    api_name(call->db, overview_node_find(call->db, &m->author), name);
    value_set_string(v, "author_name", name);
    value_set_string(v, "state", motion_state(m));
    value_set_int(v, "yes", (int64_t)m->ballot_count);
    value_set_int(v, "needed", (int64_t)m->needed);
    for (i = 0; i < m->ballot_count; i++) {
        api_name(call->db, overview_node_find(call->db, &m->voters[i]), name);
        value_add(voters, value_string(name));
        you_voted = you_voted || ent_id_eq(&m->voters[i], own);
    }
    value_set(v, "voters", voters);
    value_set_bool(v, "you_voted", you_voted);
    return v;
}

/* Motions need the control model, which the engine keeps: these methods run
 * on the writer's thread and write nothing. */
static struct value *
motions_value(struct api_call *call, uint64_t circle)
{
    struct ent_gov *gov = engine_gov(call->engine, circle);
    struct value *list = value_array();
    size_t i;

    for (i = 0; i < ent_gov_motion_count(gov); i++) {
        struct ent_gov_motion m;

        ent_gov_motion(gov, i, &m);
        value_add(list,
                  motion_value(call, &m, &engine_keys(call->engine)->node));
    }
    return list;
}

static void
circle_motions(struct api_call *call)
{
    uint64_t circle = api_circle(call);

    if (circle != 0) {
        value_set(call->result, "motions", motions_value(call, circle));
    }
}

static void
set_circle(struct api_call *call, struct value *v, uint64_t circle)
{
    struct overview_space space;
    struct overview_genesis genesis;
    struct ent_gov *gov = engine_gov(call->engine, circle);
    struct ent_id config;

    (void)overview_space(call->db, circle, &space);
    value_set_hex(v, "id", space.sid.b, sizeof(space.sid.b));
    if (overview_genesis(call->db, circle, &genesis)) {
        value_set_string(v, "name", genesis.name);
        value_set_string(v, "charter", genesis.charter);
        value_set_int(v, "founded_at", (int64_t)genesis.at);
        overview_genesis_release(&genesis);
    }
    ent_gov_config(gov, ent_gov_now(gov), &config);
    value_set_hex(v, "config", config.b, sizeof(config.b));
}

static void
circle_show(struct api_call *call)
{
    uint64_t circle = api_circle(call);
    struct value *v;

    if (circle == 0) {
        return;
    }
    v = value_object();
    set_circle(call, v, circle);
    value_set(call->result, "circle", v);
    value_set(call->result, "members", members_value(call, circle));
    value_set(call->result, "motions", motions_value(call, circle));
    value_set_string(call->result, "you",
                     ent_role_name(overview_own_role(call->db, circle)));
}

/* ---- circle.motion, circle.vote ---- */

static unsigned
action_of(const char *name)
{
    unsigned action;

    for (action = ENT_ACTION_ADMIT; action <= ENT_ACTION_REFRESH; action++) {
        if (strcmp(ent_action_name(action), name) == 0) {
            return action;
        }
    }
    return 0;
}

static bool
must_be_member(struct api_call *call, uint64_t circle)
{
    if (overview_own_role(call->db, circle) == ENT_ROLE_MEMBER) {
        return true;
    }
    api_refuse(call, ENT_EXIT_NOT_AUTHORISED, "circle.no-vote",
               "Ask one of the structures to do it.",
               "Only a structure of the circle proposes and votes; the"
               " moderator has no vote.");
    return false;
}

static void
set_tally(struct api_call *call, uint64_t circle, const struct ent_id *id)
{
    struct ent_gov *gov = engine_gov(call->engine, circle);
    size_t i;

    value_set_hex(call->result, "motion", id->b, sizeof(id->b));
    for (i = 0; i < ent_gov_motion_count(gov); i++) {
        struct ent_gov_motion m;

        ent_gov_motion(gov, i, &m);
        if (ent_id_eq(&m.id, id)) {
            value_set_int(call->result, "yes", (int64_t)m.ballot_count);
            value_set_int(call->result, "needed", (int64_t)m.needed);
            value_set_bool(call->result, "decided",
                           m.is_decided || m.ballot_count >= m.needed);
        }
    }
}

/* Newcomers come in by an invitation, which makes the motion; a motion typed
 * by hand names somebody who is here. */
static bool
fill_subject(struct api_call *call, uint64_t circle, unsigned action,
             struct ent_op_motion *motion)
{
    const char *subject = api_string(call, "subject", false);
    struct overview_node node;
    uint64_t row;

    if (action == ENT_ACTION_ADMIT || action == ENT_ACTION_APPOINT) {
        api_refuse(call, ENT_EXIT_REFUSED, "motion.by-invitation",
                   "`entente invite` (or `entente invite --moderator`): the"
                   " motion is made when the newcomer has joined and the"
                   " digits were compared.",
                   "A structure or a moderator comes in by an invitation.");
        return false;
    }
    if (action != ENT_ACTION_REMOVE && action != ENT_ACTION_RELIEVE) {
        return !call->is_refused;
    }
    if (subject == NULL) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "Say who the motion is about (--subject).");
        return false;
    }
    row = api_structure(call, circle, subject);
    if (row == 0) {
        return false;
    }
    (void)overview_node(call->db, row, circle, &node);
    motion->subject = node.key;
    return true;
}

static void
circle_motion(struct api_call *call)
{
    uint64_t circle = api_circle(call);
    const char *name = api_string(call, "action", true);
    const char *text = api_string(call, "text", false);
    struct ent_op_motion motion = {0};
    struct ent_id id;
    enum ent_status st;
    unsigned action;

    if (call->is_refused || !must_be_member(call, circle)) {
        return;
    }
    action = action_of(name);
    if (action == 0) {
        api_refuse(call, ENT_EXIT_USAGE, "usage",
                   "remove, relieve, charter, rule, refresh",
                   "“%s” is not an action of a motion.", name);
        return;
    }
    motion.action = (uint8_t)action;
    motion.text = ent_slice_str(text != NULL ? text : "");
    if (!fill_subject(call, circle, action, &motion)) {
        return;
    }
    st = engine_motion(call->engine, circle, &motion, &id);
    if (st != ENT_OK) {
        api_refuse_status(call, st, "The motion was not made");
        return;
    }
    set_tally(call, circle, &id);
}

/* The motion whose id begins with these digits. */
static bool
find_motion(struct api_call *call, uint64_t circle, struct ent_id *ret_id)
{
    const char *prefix = api_string(call, "motion", true);
    struct ent_gov *gov = engine_gov(call->engine, circle);
    size_t found = 0;
    size_t i;

    if (prefix == NULL) {
        return false;
    }
    for (i = 0; i < ent_gov_motion_count(gov); i++) {
        struct ent_gov_motion m;
        char hex[65];

        ent_gov_motion(gov, i, &m);
        ent_hex(hex, m.id.b, 32);
        if (strlen(prefix) >= 4 && strncmp(hex, prefix, strlen(prefix)) == 0) {
            *ret_id = m.id;
            found++;
        }
    }
    if (found != 1) {
        api_refuse(call, ENT_EXIT_NOT_FOUND, "motion.not-found",
                   "`entente circle motions` lists them; give at least four"
                   " digits.",
                   "%s motion begins with “%s”.",
                   found == 0 ? "No" : "More than one", prefix);
    }
    return found == 1;
}

static void
circle_vote(struct api_call *call)
{
    uint64_t circle = api_circle(call);
    struct ent_id id;
    enum ent_status st;

    if (circle == 0 || !must_be_member(call, circle) ||
        !find_motion(call, circle, &id)) {
        return;
    }
    st = engine_vote(call->engine, circle, &id);
    if (st != ENT_OK) {
        api_refuse(call, ENT_EXIT_REFUSED, "motion.closed",
                   "`entente circle motions` shows how each one stands.",
                   "This motion cannot be voted on: it is decided, was"
                   " overtaken by another decision, or is about you.");
        return;
    }
    set_tally(call, circle, &id);
}

/* ---- invitations ---- */

/* 12 groups of 5 digits over the inviter's node id (docs/trust.md 1). */
static void
safety_number(const struct ent_id *node, char ret[73])
{
    struct ent_id h[2];
    size_t i;

    ent_hash("entente/safety/1", ENT_SLICE_OF(*node), &h[0]);
    ent_hash("entente/safety/2", ENT_SLICE_OF(*node), &h[1]);
    for (i = 0; i < 12; i++) {
        const uint8_t *p = h[i / 6].b + 5 * (i % 6);
        uint64_t v = (uint64_t)p[0] << 32 | ent_get_u32(p + 1);

        snprintf(ret + 6 * i, 7, "%05u ", (unsigned)(v % 100000));
    }
    ret[71] = '\0';
}

static void
fill_ticket(struct api_call *call, uint64_t circle,
            const struct overview_invitation *inv, struct directory_ticket *t)
{
    const struct node_keys *keys = engine_keys(call->engine);
    struct overview_space space;
    struct overview_genesis genesis;
    struct ent_buf bytes = {0};
    struct ent_card card;
    size_t i;

    memcpy(t->id, inv->id, sizeof(t->id));
    (void)overview_space(call->db, circle, &space);
    t->circle = space.sid;
    t->inviter = keys->node;
    t->transport = keys->transport;
    t->role = inv->role;
    t->expires_ms = inv->expires_at;
    if (overview_genesis(call->db, circle, &genesis)) {
        snprintf(t->circle_name, sizeof(t->circle_name), "%s", genesis.name);
        overview_genesis_release(&genesis);
    }
    directory_own_card(call->engine, &bytes);
    if (ent_card_decode(ent_buf_slice(&bytes), &card) == ENT_OK) {
        snprintf(t->inviter_name, sizeof(t->inviter_name), "%.*s",
                 (int)card.name.len, (const char *)card.name.p);
        t->address_count = card.address_count;
        for (i = 0; i < card.address_count; i++) {
            snprintf(t->addresses[i], sizeof(t->addresses[i]), "%.*s",
                     (int)card.addresses[i].len,
                     (const char *)card.addresses[i].p);
        }
    }
    ent_buf_release(&bytes);
}

static bool
fill_invitation(struct api_call *call, struct overview_invitation *inv)
{
    const char *role = api_string(call, "role", false);
    int64_t valid =
        value_get_int(call->params, "valid_ms", (int64_t)ENT_INVITATION_MS);

    if (role != NULL && strcmp(role, "member") != 0 &&
        strcmp(role, "moderator") != 0) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", "member or moderator",
                   "“%s” is not a role to invite for.", role);
        return false;
    }
    if (valid <= 0 || valid > (int64_t)ENT_INVITATION_MS) {
        api_refuse(call, ENT_EXIT_USAGE, "usage", NULL,
                   "An invitation is valid for at most 7 days.");
        return false;
    }
    ent_rng_fill(engine_rng(call->engine), inv->id, sizeof(inv->id));
    inv->role = role != NULL && strcmp(role, "moderator") == 0
                    ? ENT_ROLE_MODERATOR
                    : ENT_ROLE_MEMBER;
    inv->created_at = call->now_ms;
    inv->expires_at = call->now_ms + (uint64_t)valid;
    return true;
}

/* Without an address the newcomer could not call. */
static bool
must_be_reachable(struct api_call *call)
{
    char address[ENT_ADDRESS_MAX + 1];

    overview_address(call->db, address, sizeof(address));
    if (address[0] != '\0') {
        return true;
    }
    api_refuse(call, ENT_EXIT_REFUSED, "invite.no-address",
               "`entente address HOST:PORT`: the name or number under which"
               " the others reach this machine.",
               "This node has not been told its address, so an invitation"
               " would lead nowhere.");
    return false;
}

static void
node_address(struct api_call *call)
{
    const char *address = api_string(call, "address", false);
    char now[ENT_ADDRESS_MAX + 1];
    const char *colon;

    if (call->is_refused) {
        return;
    }
    if (address != NULL) {
        colon = strrchr(address, ':');
        if (colon == NULL || colon == address ||
            strlen(address) > ENT_ADDRESS_MAX ||
            strtol(colon + 1, NULL, 10) < 1 ||
            strtol(colon + 1, NULL, 10) > 65535) {
            api_refuse(call, ENT_EXIT_USAGE, "usage", "practice.example:7447",
                       "“%s” is not HOST:PORT.", address);
            return;
        }
        directory_set_address(call->engine, address);
    }
    overview_address(call->db, now, sizeof(now));
    value_set_string(call->result, "address", now);
}

static void
invite(struct api_call *call)
{
    uint64_t circle = api_circle(call);
    struct overview_invitation inv = {0};
    struct directory_ticket ticket = {0};
    struct ent_buf text = {.is_secret = true};
    char number[73];

    if (circle == 0 || !must_be_member(call, circle) ||
        !must_be_reachable(call) || !fill_invitation(call, &inv)) {
        return;
    }
    ent_rng_fill(engine_rng(call->engine), ticket.secret.b,
                 sizeof(ticket.secret.b));
    overview_put_invitation(call->db, circle, &inv, ticket.secret.b);
    engine_members_changed(call->engine);
    fill_ticket(call, circle, &inv, &ticket);
    directory_ticket_encode(&ticket, &text);
    safety_number(&ticket.inviter, number);
    value_set_text(call->result, "invitation", ent_buf_slice(&text));
    value_set_int(call->result, "expires_at", (int64_t)inv.expires_at);
    value_set_string(call->result, "safety_number", number);
    ent_buf_release(&text);
    ent_wipe(&ticket, sizeof(ticket));
}

static void
invite_list(struct api_call *call)
{
    struct value *list = value_array();
    size_t count;
    struct overview_invitation *invs = overview_invitations(call->db, &count);
    size_t i;

    for (i = 0; i < count; i++) {
        struct value *v = value_object();
        const char *state = "open";
        char name[ENT_NAME_MAX + 1] = "";

        if (invs[i].used_by != 0) {
            state = "used";
            api_name(call->db, invs[i].used_by, name);
        } else if (invs[i].expires_at < call->now_ms) {
            state = "expired";
        }
        value_set_hex(v, "id", invs[i].id, sizeof(invs[i].id));
        value_set_string(v, "role", ent_role_name(invs[i].role));
        value_set_string(v, "state", state);
        value_set_string(v, "used_by", name);
        value_set_int(v, "expires_at", (int64_t)invs[i].expires_at);
        value_add(list, v);
    }
    free(invs);
    value_set(call->result, "invitations", list);
}

const struct api_method api_circle_methods[] = {
    {"circle.found", API_WRITE, circle_found},
    {"circle.show", API_WRITE, circle_show},
    {"circle.members", API_READ, circle_members},
    {"circle.motions", API_WRITE, circle_motions},
    {"circle.motion", API_WRITE, circle_motion},
    {"circle.vote", API_WRITE, circle_vote},
    {"node.address", API_WRITE, node_address},
    {"invite", API_WRITE, invite},
    {"invite.list", API_READ, invite_list},
    {NULL, API_READ, NULL},
};
