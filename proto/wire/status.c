/* Names and sentences of the status codes. */
#include <entente/status.h>

const char *
ent_status_name(enum ent_status st)
{
    switch (st) {
#define X(symbol, name, text)                                                  \
    case symbol:                                                               \
        return name;
        ENT_STATUS_LIST(X)
#undef X
    }
    return "unknown";
}

const char *
ent_status_text(enum ent_status st)
{
    switch (st) {
#define X(symbol, name, text)                                                  \
    case symbol:                                                               \
        return text;
        ENT_STATUS_LIST(X)
#undef X
    }
    return "unknown";
}
