/*
 * The words for numbers that people and other programs read. They are part
 * of the local interface: a word never changes its meaning.
 */
#include <entente/gov.h>

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static const char *const sectors[] = {
    [ENT_SECTOR_PRIVATE] = "private",     [ENT_SECTOR_HOSPITAL] = "hospital",
    [ENT_SECTOR_COMMUNITY] = "community", [ENT_SECTOR_SOCIAL] = "social",
    [ENT_SECTOR_PEER] = "peer",           [ENT_SECTOR_JUSTICE] = "justice",
    [ENT_SECTOR_OTHER] = "other",
};

static const char *const actions[] = {
    [ENT_ACTION_ADMIT] = "admit",     [ENT_ACTION_REMOVE] = "remove",
    [ENT_ACTION_APPOINT] = "appoint", [ENT_ACTION_RELIEVE] = "relieve",
    [ENT_ACTION_CHARTER] = "charter", [ENT_ACTION_RULE] = "rule",
    [ENT_ACTION_REFRESH] = "refresh",
};

static const char *const bases[] = {
    [ENT_BASIS_SAME_TEAM] = "same-team",
    [ENT_BASIS_CONSENT] = "consent-outside-team",
    [ENT_BASIS_IDENTIFIED_PROS] = "exchange-identified-pros",
    [ENT_BASIS_EMERGENCY] = "emergency-informed-later",
    [ENT_BASIS_REVIEW] = "de-identified-review",
    [ENT_BASIS_MODERATOR] = "moderator",
};

static const char *const roles[] = {
    [ENT_ROLE_NONE] = "none",           [ENT_ROLE_CARRIER] = "carrier",
    [ENT_ROLE_READER] = "reader",       [ENT_ROLE_MEMBER] = "member",
    [ENT_ROLE_MODERATOR] = "moderator",
};

static const char *const verdicts[] = {
    [ENT_VERDICT_OK] = "ok",
    [ENT_VERDICT_NOT_MEMBER] = "not-member",
    [ENT_VERDICT_STALE_BASE] = "stale-base",
    [ENT_VERDICT_UNKNOWN] = "unknown",
    [ENT_VERDICT_SUBJECT] = "own-subject",
    [ENT_VERDICT_TWICE] = "twice",
    [ENT_VERDICT_TOO_FEW] = "too-few",
    [ENT_VERDICT_NOT_ALLOWED] = "not-allowed",
    [ENT_VERDICT_NOT_IN_PLACE] = "not-in-place",
    [ENT_VERDICT_TOO_YOUNG] = "too-young",
};

static const char *
name_of(const char *const *names, size_t count, unsigned number)
{
    return number < count ? names[number] : NULL;
}

static unsigned
find_name(const char *const *names, size_t count, const char *name)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (names[i] != NULL && strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return 0;
}

const char *
ent_sector_name(unsigned sector)
{
    return name_of(sectors, COUNT_OF(sectors), sector);
}

unsigned
ent_sector_find(const char *name)
{
    return find_name(sectors, COUNT_OF(sectors), name);
}

const char *
ent_action_name(unsigned action)
{
    return name_of(actions, COUNT_OF(actions), action);
}

const char *
ent_basis_name(unsigned basis)
{
    return name_of(bases, COUNT_OF(bases), basis);
}

unsigned
ent_basis_find(const char *name)
{
    return find_name(bases, COUNT_OF(bases), name);
}

const char *
ent_role_name(unsigned role)
{
    return name_of(roles, COUNT_OF(roles), role);
}

const char *
ent_verdict_name(unsigned verdict)
{
    return name_of(verdicts, COUNT_OF(verdicts), verdict);
}
