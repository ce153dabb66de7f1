/* One situation on paper: everything this node may see of it. */
#ifndef CLI_SITUATION_VIEW_H
#define CLI_SITUATION_VIEW_H

#include "cli.h"

/* Prints the result of situation.show. */
void situation_view(struct cli *cli, const struct value *result);
/* Prints the result of care.list. */
void situation_view_cares(struct cli *cli, const struct value *result);

#endif
