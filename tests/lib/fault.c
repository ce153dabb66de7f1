#include "lib/fault.h"

#include <entente/base.h>

void
test_fault_init(struct test_fault *f, uint32_t countdown, uint32_t repeat)
{
    *f = (struct test_fault){.countdown = countdown, .repeat = repeat};
}

bool
test_fault_tick(struct test_fault *f)
{
    if (f->is_paused || f->repeat == 0) {
        return false;
    }
    if (f->countdown > 0) {
        f->countdown--;
        return false;
    }
    if (f->repeat != TEST_FAULT_FOR_EVER) {
        f->repeat--;
    }
    f->struck++;
    ENT_ASSERT(f->struck > 0);
    return true;
}
