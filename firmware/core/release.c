#include "core.h"

static void enter(mien_core *core, uint8_t phase)
{
    core->phase = phase;
    core->phase_us = core->now_us;
}

void mien_release_begin(mien_core *core)
{
    enter(core, MIEN_PHASE_RAMP);
}

void mien_release_step(mien_core *core, bool moved)
{
    uint32_t spent_us = core->now_us - core->phase_us;
    switch (core->phase) {
    case MIEN_PHASE_RAMP:
        if (!moved || spent_us >= MIEN_RAMP_MAX_MS * 1000UL) {
            enter(core, MIEN_PHASE_HOLD);
        }
        break;
    case MIEN_PHASE_HOLD:
        if (spent_us >= core->hold_s * 1000000UL) {
            enter(core, MIEN_PHASE_SLACKEN);
        }
        break;
    default:
        if (!moved || spent_us >= MIEN_SLACKEN_MS * 1000UL) {
            (void)mien_event_apply(core, MIEN_EVENT_RELEASE);
        }
        break;
    }
}
