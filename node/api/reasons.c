/* Codes and sentences for how sharing stands. */
#include "api/reasons.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

struct reason_entry {
    const char *code;
    struct kinds_words text;
    struct kinds_words clause;
};

static const struct reason_entry ENTRIES[REASON_COUNT] = {
    [REASON_NONE] = {NULL, {"", ""}, {"{name}", "{name}"}},
    [REASON_OFFLINE] =
        {"offline",
         {"{name} has not been reached since {since}. What is written here is"
          " kept, and goes there as soon as both are connected again. There is"
          " nothing to do.",
          "{name} n’a pas été joint depuis {since}. Ce qui est écrit ici est"
          " gardé et y parviendra dès que le lien sera rétabli. Il n’y a rien"
          " à faire."},
         {"{name} has not been reached since {since}",
          "{name} n’a pas été joint depuis {since}"}},
    [REASON_NEVER] =
        {"offline",
         {"{name} has not been reached from here yet. It is called again and"
          " again; if it stays so, check its address with `entente peers`.",
          "{name} n’a pas encore été joint d’ici. Les appels se répètent"
          " d’eux-mêmes ; si cela dure, vérifiez son adresse avec `entente"
          " peers`."},
         {"{name} has not been reached yet",
          "{name} n’a pas encore été joint"}},
    [REASON_UNRECOGNISED] =
        {"offline",
         {"Something answers at the address of {name}, but not as its node: it"
          " may be stopped, or the address may be another’s now. It is called"
          " again by itself; if it stays so, ask {name} for its address and"
          " add it with `entente peers add`.",
          "Quelque chose répond à l’adresse de {name}, mais pas comme son"
          " nœud : il est peut-être arrêté, ou l’adresse a changé de main. Il"
          " est rappelé de lui-même ; si cela dure, demandez son adresse à"
          " {name} et ajoutez-la avec `entente peers add`."},
         {"{name} has not been reached since {since}",
          "{name} n’a pas été joint depuis {since}"}},
    [REASON_BROKEN_OFF] =
        {"broken-off",
         {"The last exchange with {name} broke off ({detail}). It is called"
          " again by itself; if it stays so, the log of this node says more.",
          "Le dernier échange avec {name} s’est interrompu ({detail}). Il est"
          " rappelé de lui-même ; si cela dure, le journal de ce nœud en dit"
          " plus."},
         {"the exchange with {name} broke off",
          "l’échange avec {name} s’est interrompu"}},
    [REASON_REFUSED] =
        {"refused",
         {"{name} did not accept this node ({detail}). Nothing is lost here."
          " Ask {name} whether this structure is still a member of the circle;"
          " then `entente sync` tries again.",
          "{name} n’a pas accepté ce nœud ({detail}). Rien n’est perdu ici."
          " Demandez à {name} si votre structure est toujours membre du"
          " cercle ; `entente sync` essaie ensuite de nouveau."},
         {"{name} did not accept this node", "{name} n’a pas accepté ce nœud"}},
    [REASON_WRONG_VERSION] =
        {"wrong-version",
         {"This node and {name} have no version of the protocol in common"
          " (needed: {detail}). Update the older of the two programs; until"
          " then both keep what they have.",
          "Ce nœud et {name} n’ont aucune version du protocole en commun (il"
          " faut : {detail}). Mettez à jour le plus ancien des deux"
          " programmes ; d’ici là, chacun garde ce qu’il a."},
         {"{name} runs another version of the program",
          "{name} utilise une autre version du programme"}},
    [REASON_NO_ADDRESS] =
        {"no-address",
         {"No address of {name} is known here. It can call this node; to call"
          " it from here, add its address with `entente peers add`.",
          "Aucune adresse de {name} n’est connue ici. Il peut appeler ce"
          " nœud ; pour l’appeler d’ici, ajoutez son adresse avec `entente"
          " peers add`."},
         {"no address of {name} is known",
          "aucune adresse de {name} n’est connue"}},
    [REASON_NOT_A_MEMBER_YET] =
        {"not-a-member-yet",
         {"Joining with {name} is under way: the votes of the members are"
          " awaited. `entente circle motions` shows them.",
          "L’entrée avec {name} est en cours : les votes des membres sont"
          " attendus. `entente circle motions` les montre."},
         {"joining with {name} is under way",
          "l’entrée avec {name} est en cours"}},
    [REASON_STORE_RESTORED] =
        {"store-restored",
         {"This node was restored from a copy. It takes what colleagues have"
          " before it passes anything on; leave it connected to {name}.",
          "Ce nœud a été restauré à partir d’une copie. Il reprend d’abord ce"
          " que les collègues ont, avant de transmettre quoi que ce soit ;"
          " laissez-le connecté à {name}."},
         {"this node takes back from {name} what a restore lacks",
          "ce nœud reprend chez {name} ce qui manque après restauration"}},
    [REASON_FORK] =
        {"fork",
         {"Two different changes with one number came from one node, as a"
          " copied folder does. Both are kept, and nothing after them is taken"
          " from there. `entente verify` counts them; speak with {name} before"
          " going on.",
          "Deux modifications différentes portant le même numéro viennent d’un"
          " même nœud, comme le fait un dossier copié. Les deux sont gardées,"
          " et rien de ce qui les suit n’est repris. `entente verify` les"
          " compte ; parlez-en avec {name} avant de continuer."},
         {"two histories of one node exist, seen with {name}",
          "deux histoires d’un même nœud existent, vues avec {name}"}},
    [REASON_WAITING_FOR_EARLIER] =
        {"waiting-for-earlier-entry",
         {"Changes by {author} are here, but an earlier one on which they"
          " build is not. They are shown as soon as it arrives, from {name} or"
          " from any other member. There is nothing to do.",
          "Des modifications de {author} sont ici, mais il en manque une plus"
          " ancienne sur laquelle elles s’appuient. Elles apparaîtront dès"
          " qu’elle arrivera, de {name} ou d’un autre membre. Il n’y a rien à"
          " faire."},
         {"changes by {author} wait for an earlier one",
          "des modifications de {author} en attendent une plus ancienne"}},
    [REASON_OLDER_KEY] =
        {"older-key",
         {"{name} is connected with an older key of the circle: only members"
          " and votes are exchanged until both have the newest. That happens"
          " by itself once a member who has it is connected.",
          "{name} est connecté avec une ancienne clé du cercle : seuls les"
          " membres et les votes sont échangés tant que les deux n’ont pas la"
          " plus récente. Cela se fait de soi-même dès qu’un membre qui l’a"
          " est connecté."},
         {"{name} has an older key of the circle",
          "{name} a une ancienne clé du cercle"}},
    [REASON_KEY_NOT_DELIVERED] =
        {"key-not-delivered",
         {"{count} here, shared with {name}, cannot be read yet: the key has"
          " not been delivered. It comes with the next exchange with whoever"
          " wrote them. There is nothing to do.",
          "{count} à lire ici, en partage avec {name} : la clé n’est pas encore"
          " arrivée. Elle viendra avec le prochain échange avec leur auteur. Il"
          " n’y a rien à faire."},
         {"a key shared with {name} has not been delivered",
          "une clé partagée avec {name} n’est pas arrivée"}},
    [REASON_CLOCK_SKEW] =
        {"clock-skew",
         {"The clocks of {name} and of this node differ by {skew}. Sharing"
          " works all the same, but times may mislead: set the clock that is"
          " wrong.",
          "Les horloges de {name} et de ce nœud diffèrent de {skew}. Le"
          " partage fonctionne quand même, mais les heures peuvent tromper :"
          " réglez celle qui est fausse."},
         {"the clocks of {name} and of this node differ by {skew}",
          "les horloges de {name} et de ce nœud diffèrent de {skew}"}},
    [REASON_EXCHANGING] =
        {"exchanging",
         {"Changes are on their way between {name} and this node. There is"
          " nothing to do.",
          "Des modifications circulent entre {name} et ce nœud. Il n’y a rien"
          " à faire."},
         {"the exchange with {name} is under way",
          "l’échange avec {name} est en cours"}},
};

const char *
reason_code(enum reason reason)
{
    ENT_ASSERT(reason < REASON_COUNT);
    return ENTRIES[reason].code;
}

/* ---- templates ---- */

/* Takes back the last character when only its first bytes fitted. */
static void
cut_between_characters(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && !ent_utf8_is_valid(ent_slice(text, len))) {
        len--;
    }
    text[len] = '\0';
}

static void
append(char *ret, size_t size, const char *text, size_t len)
{
    size_t used = strlen(ret);

    if (len > size - 1 - used) {
        len = size - 1 - used;
    }
    memcpy(ret + used, text, len);
    ret[used + len] = '\0';
}

static const struct reason_word *
find_word(const char *at, const struct reason_word *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(words[i].key);

        if (strncmp(at + 1, words[i].key, len) == 0 && at[1 + len] == '}') {
            return &words[i];
        }
    }
    return NULL;
}

void
reason_fill(const char *template, const struct reason_word *words, size_t count,
            char *ret, size_t size)
{
    ENT_ASSERT(size > 0);
    ret[0] = '\0';
    while (*template != '\0') {
        const struct reason_word *word =
            *template == '{' ? find_word(template, words, count) : NULL;

        if (word == NULL) {
            append(ret, size, template, 1);
            template ++;
            continue;
        }
        append(ret, size, word->text, strlen(word->text));
        template += strlen(word->key) + 2;
    }
    cut_between_characters(ret);
}

void
reason_time(uint64_t at, uint64_t now_ms, char *ret, size_t size)
{
    time_t then = (time_t)(at / 1000);
    time_t now = (time_t)(now_ms / 1000);
    struct tm a = {0};
    struct tm b = {0};
    bool is_today;

    localtime_r(&then, &a);
    localtime_r(&now, &b);
    is_today = a.tm_year == b.tm_year && a.tm_yday == b.tm_yday;
    if (is_today) {
        strftime(ret, size, "%H:%M", &a);
    } else {
        strftime(ret, size, "%Y-%m-%d %H:%M", &a);
    }
}

/* ---- sentences ---- */

static void
skew_text(int64_t skew_ms, char *ret, size_t size)
{
    uint64_t s = (uint64_t)(skew_ms < 0 ? -skew_ms : skew_ms) / 1000;

    if (s < 7200) {
        snprintf(ret, size, "%" PRIu64 " min", s / 60);
    } else if (s < 2 * 86400) {
        snprintf(ret, size, "%" PRIu64 " h", s / 3600);
    } else {
        snprintf(ret, size, "%" PRIu64 " × 24 h", s / 86400);
    }
}

static void
count_text(uint64_t count, enum kinds_lang lang, char *ret, size_t size)
{
    const char *one = lang == KINDS_FR ? "modification" : "change";

    snprintf(ret, size, "%" PRIu64 " %s%s", count, one, count == 1 ? "" : "s");
}

static const char *
or_unknown(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "?";
}

static void
fill(const char *template, const struct reason_facts *facts,
     enum kinds_lang lang, char *ret, size_t size)
{
    char since[32];
    char skew[32];
    char count[64];
    const struct reason_word words[] = {
        {"name", or_unknown(facts->name)},
        {"author", or_unknown(facts->author)},
        {"detail", or_unknown(facts->detail)},
        {"since", since},
        {"skew", skew},
        {"count", count},
    };

    reason_time(facts->since_at, facts->now_ms, since, sizeof(since));
    skew_text(facts->skew_ms, skew, sizeof(skew));
    count_text(facts->count, lang, count, sizeof(count));
    reason_fill(template, words, sizeof(words) / sizeof(words[0]), ret, size);
}

void
reason_text(enum reason reason, const struct reason_facts *facts,
            enum kinds_lang lang, char *ret, size_t size)
{
    ENT_ASSERT(reason < REASON_COUNT);
    fill(kinds_word(&ENTRIES[reason].text, lang), facts, lang, ret, size);
}

void
reason_clause(enum reason reason, const struct reason_facts *facts,
              enum kinds_lang lang, char *ret, size_t size)
{
    char tail[96];
    char count[64];

    ENT_ASSERT(reason < REASON_COUNT);
    if (reason == REASON_UNRECOGNISED && facts->since_at == 0) {
        reason = REASON_NEVER;
    }
    fill(kinds_word(&ENTRIES[reason].clause, lang), facts, lang, ret, size);
    if (facts->count == 0) {
        return;
    }
    count_text(facts->count, lang, count, sizeof(count));
    if (lang == KINDS_FR) {
        snprintf(tail, sizeof(tail), " : %s en attente", count);
    } else {
        snprintf(tail, sizeof(tail), ": %s %s", count,
                 facts->count == 1 ? "waits" : "wait");
    }
    append(ret, size, tail, strlen(tail));
    cut_between_characters(ret);
}
