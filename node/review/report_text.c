/*
 * The report as a page of text. Every proportion stands beside its
 * denominator and its interval; nothing here orders structures.
 */
#include "review/report.h"

#include <stdarg.h>
#include <stdio.h>

struct page {
    const struct report *r;
    const struct kinds *kinds;
    enum kinds_lang lang;
    struct ent_buf *out;
};

/* Both texts of a pair take the same arguments; the compiler checks each. */
__attribute__((format_arg(2), format_arg(3))) static const char *
word(const struct page *page, const char *en, const char *fr)
{
    return page->lang == KINDS_FR ? fr : en;
}

__attribute__((format(printf, 2, 3))) static void
put(const struct page *page, const char *format, ...)
{
    char line[512];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    ENT_ASSERT(len >= 0);
    if ((size_t)len >= sizeof(line)) {
        len = sizeof(line) - 1;
    }
    ent_buf_put(page->out, line, (size_t)len);
}

/* Columns: characters, not bytes, since labels have accents. */
static size_t
width(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        n += ((unsigned char)*text & 0xc0u) != 0x80u;
    }
    return n;
}

static void
put_padded(const struct page *page, const char *text, size_t columns)
{
    put(page, "  %s", text);
    for (size_t i = width(text); i < columns; i++) {
        put(page, " ");
    }
}

#define LABEL_COLUMNS 40u
#define CODE_COLUMNS 18u

static unsigned
percent(double share)
{
    return (unsigned)(share * 100.0 + 0.5);
}

static void
put_interval(const struct page *page, const struct stats_interval *interval)
{
    if (!interval->has_value) {
        put(page, "%s", word(page, "  (no interval)", "  (pas d'intervalle)"));
        return;
    }
    put(page,
        word(page, "  95%% interval %u–%u %%", "  intervalle à 95 %% %u–%u %%"),
        percent(interval->low), percent(interval->high));
}

struct line {
    const char *label;
    uint32_t count;
    uint32_t total;
    const char *of; /* what the denominator is */
    const struct stats_interval *interval;
};

static void
put_line(const struct page *page, const struct line *line)
{
    put_padded(page, line->label, LABEL_COLUMNS);
    put(page, word(page, "%4u of %u %s", "%4u sur %u %s"), line->count,
        line->total, line->of);
    if (line->interval != NULL) {
        put_interval(page, line->interval);
    }
    put(page, "\n");
}

static void
put_results(const struct page *page)
{
    const struct report *r = page->r;
    const char *situations = word(page, "situations", "situations");
    const struct line lines[] = {
        {word(page, "Malfunctions of cooperation",
              "Dysfonctionnements de la coopération"),
         r->malfunctions, r->situations, situations, &r->malfunction_interval},
        {word(page, "  of these, patient harmed", "  parmi eux, patient lésé"),
         r->patient_harmed_of_malfunctions, r->malfunctions,
         word(page, "malfunctions", "dysfonctionnements"), &r->harmed_interval},
        {word(page, "Patient harmed, all situations",
              "Patient lésé, toutes situations"),
         r->patient_harmed, r->situations, situations, NULL},
        {word(page, "Carer put in difficulty", "Soignant mis en difficulté"),
         r->carer_in_difficulty, r->situations, situations, &r->carer_interval},
        {word(page, "Modes of follow-up differ", "Modes de suivi divergents"),
         r->mode_disagreement, r->situations, situations, NULL},
        {word(page, "Perspectives received", "Regards reçus"),
         r->perspectives_received, r->perspectives_expected,
         word(page, "expected", "attendus"), NULL},
    };

    put_padded(page,
               word(page, "Situations presented", "Situations présentées"),
               LABEL_COLUMNS);
    put(page, "%4u\n", r->situations);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        put_line(page, &lines[i]);
    }
}

static void
put_avoidable(const struct page *page)
{
    const uint32_t *n = page->r->avoidable;

    put_padded(page, word(page, "Avoidable", "Évitable"), LABEL_COLUMNS);
    put(page,
        word(page, "   yes %u, partly %u, no %u, unknown %u (of %u)\n",
             "   oui %u, en partie %u, non %u, inconnu %u (sur %u)\n"),
        n[REPORT_AVOIDABLE_YES], n[REPORT_AVOIDABLE_PARTLY],
        n[REPORT_AVOIDABLE_NO], n[REPORT_AVOIDABLE_UNKNOWN],
        page->r->situations);
}

static void
put_presenters(const struct page *page)
{
    const struct report_counts *by = &page->r->presented_by;

    put_padded(page, word(page, "Presented by", "Présentées par"),
               LABEL_COLUMNS);
    put(page, "  ");
    for (size_t i = 0; i < by->count; i++) {
        put(page, "%s%s %u", i == 0 ? " " : ", ", by->items[i].key,
            by->items[i].count);
    }
    put(page, "\n");
}

static void
put_question(const struct page *page, const char *label, size_t question)
{
    const struct stats_alpha *alpha = &page->r->alpha[question];
    char text[32] = "–";

    put_padded(page, label, LABEL_COLUMNS);
    if (alpha->has_value) {
        snprintf(text, sizeof(text), "%.3f", stats_round4(alpha->value));
    }
    for (char *p = text; page->lang == KINDS_FR && *p != '\0'; p++) {
        *p = (char)(*p == '.' ? ',' : *p);
    }
    put(page,
        word(page, "   alpha %s, a yes and a no in %u of %u\n",
             "   alpha %s, un oui et un non dans %u sur %u\n"),
        text, page->r->diverging[question], page->r->situations);
}

static void
put_agreement(const struct page *page)
{
    put(page, "\n%s\n",
        word(page, "Did the structures see the same? (Krippendorff's alpha)",
             "Les structures ont-elles vu la même chose ? (alpha de "
             "Krippendorff)"));
    put_question(page,
                 word(page, "Q2 harm to the patient", "Q2 dommage au patient"),
                 REPORT_Q2);
    put_question(
        page, word(page, "Q3 harm to the carer", "Q3 difficulté du soignant"),
        REPORT_Q3);
    put_question(page, word(page, "Q4 avoidable", "Q4 évitable"), REPORT_Q4);
}

static void
put_codes(const struct page *page)
{
    const struct report_counts *by = &page->r->by_code;
    const struct kinds_list *list = kinds_find_list(page->kinds, "malfunction");

    put(page, "\n%s\n",
        word(page, "Main malfunction, as agreed in the meeting",
             "Dysfonctionnement principal, retenu en séance"));
    for (size_t i = 0; i < by->count; i++) {
        const struct report_count *item = &by->items[i];

        put_padded(page, item->key, CODE_COLUMNS);
        put(page, "%4u  %s\n", item->count,
            kinds_code_label(list, item->key, page->lang));
    }
    if (by->count == 0) {
        put(page, "  %s\n", word(page, "none", "aucun"));
    }
}

static void
put_caution(const struct page *page)
{
    put(page, "\n%s\n",
        word(page,
             "The intervals are wide because the situations are few. They "
             "say nothing\nabout one structure against another: never rank "
             "structures by them.",
             "Les intervalles sont larges car les situations sont peu "
             "nombreuses. Ils ne\ndisent rien d'une structure face à une "
             "autre : ne jamais classer les structures."));
    if (page->r->open_count > 0) {
        put(page,
            word(page, "Not counted: %u not concluded yet.\n",
                 "Non comptées : %u pas encore conclues.\n"),
            page->r->open_count);
    }
}

void
report_print(const struct report *r, const struct kinds *kinds,
             enum kinds_lang lang, struct ent_buf *out)
{
    struct page page = {r, kinds, lang, out};

    put(&page, "%s\n",
        word(&page, "Review of cooperation malfunctions",
             "Revue des dysfonctionnements de la coopération"));
    put_results(&page);
    put_avoidable(&page);
    put_presenters(&page);
    put_agreement(&page);
    put_codes(&page);
    put_caution(&page);
}
