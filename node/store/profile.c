/* Reading what `init` fixed. */
#include "store/profile.h"

#include "store/internal.h"

void
profile_listen(struct engine *engine, char ret_listen[ENT_ADDRESS_MAX + 1])
{
    meta_get_text(engine->db, "listen", ret_listen, ENT_ADDRESS_MAX + 1);
}
