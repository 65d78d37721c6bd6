#include "core.h"

static void enter(mien_core *core, uint8_t phase)
{
    core->phase = phase;
    core->phase_us = core->now_us;
}

static bool spent(const mien_core *core, uint32_t us)
{
    return core->now_us - core->phase_us >= us;
}

void mien_release_begin(mien_core *core)
{
    enter(core, MIEN_PHASE_RAMP);
}

bool mien_release_due(mien_core *core)
{
    return core->phase == MIEN_PHASE_SLACKEN && spent(core, MIEN_SLACKEN_MS * 1000UL)
        && mien_event_apply(core, MIEN_EVENT_RELEASE);
}

void mien_release_step(mien_core *core, bool moved)
{
    switch (core->phase) {
    case MIEN_PHASE_RAMP:
        if (!moved || spent(core, MIEN_RAMP_MAX_MS * 1000UL)) {
            enter(core, MIEN_PHASE_HOLD);
        }
        break;
    case MIEN_PHASE_HOLD:
        if (spent(core, core->hold_s * 1000000UL)) {
            enter(core, MIEN_PHASE_SLACKEN);
        }
        break;
    default:
        if (!moved) {
            (void)mien_event_apply(core, MIEN_EVENT_RELEASE);
        }
        break;
    }
}
