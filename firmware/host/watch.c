#include "watch.h"

#include <string.h>

void mien_watch_init(mien_watch *watch)
{
    memset(watch, 0, sizeof *watch);
}

static bool behind_floor(const mien_channel *c, uint16_t pulse)
{
    if (c->flags == MIEN_FLAG_TENDON) {
        return pulse < c->floor;
    }
    return c->flags == (MIEN_FLAG_TENDON | MIEN_FLAG_PULL_DOWN) && pulse > c->floor;
}

static enum mien_broken check_channel(mien_watch *watch, const mien_core *core, uint8_t k,
                                      bool stepped)
{
    const mien_channel *c = &core->channel[k];
    uint16_t pulse = mien_pulse(core, k);
    if (pulse == 0) {
        return MIEN_BROKEN_NONE;
    }
    if (pulse < c->min || pulse > c->max) {
        return MIEN_BROKEN_LIMIT;
    }
    if (watch->known[k]) {
        uint16_t before = watch->pulse[k];
        int change = (int)pulse - (int)before;
        if (change != 0 && !stepped) {
            return MIEN_BROKEN_STILL;
        }
        if (change > (int)c->slew || change < -(int)c->slew) {
            return MIEN_BROKEN_SLEW;
        }
        if (behind_floor(c, pulse) && !behind_floor(c, before)) {
            return MIEN_BROKEN_FLOOR;
        }
    }
    watch->known[k] = true;
    watch->pulse[k] = pulse;
    return MIEN_BROKEN_NONE;
}

static enum mien_broken check_queue(const mien_core *core)
{
    if (core->queued > MIEN_QUEUE_DEPTH || core->from >= MIEN_SLOTS) {
        return MIEN_BROKEN_QUEUE;
    }
    for (uint8_t i = 1; i < core->queued; i++) {
        uint32_t earlier = core->slot[(core->from + i) % MIEN_SLOTS].t_us;
        uint32_t later = core->slot[(core->from + i + 1) % MIEN_SLOTS].t_us;
        if ((int32_t)(later - earlier) <= 0) {
            return MIEN_BROKEN_QUEUE;
        }
    }
    return MIEN_BROKEN_NONE;
}

/* Time alone makes one transition only. Received frames may make any, and many at once. */
static bool transition_bad(uint8_t before, uint8_t after, bool ticked)
{
    if (!ticked || before == after) {
        return false;
    }
    return !(before == MIEN_STATE_ARMED && after == MIEN_STATE_FAILSAFE);
}

enum mien_broken mien_watch_check(mien_watch *watch, const mien_core *core, bool stepped,
                                  bool ticked)
{
    bool drive = core->state == MIEN_STATE_ARMED || core->state == MIEN_STATE_FAILSAFE;
    uint8_t before = watch->state;
    watch->state = core->state;
    if (core->state > MIEN_STATE_ESTOP || transition_bad(before, core->state, ticked)) {
        return MIEN_BROKEN_STATE;
    }
    if (mien_drive(core) != drive || (drive && !core->committed)) {
        return MIEN_BROKEN_DRIVE;
    }
    if (core->config_crc != watch->config_crc || !core->committed) {
        mien_watch_init(watch);
        watch->config_crc = core->config_crc;
        watch->state = core->state;
    }
    if (ticked && core->state == MIEN_STATE_ARMED
        && core->now_us - core->heard_us > core->timeout_us) {
        return MIEN_BROKEN_SILENCE;
    }
    for (uint8_t k = 0; k < MIEN_CHANNELS_MAX; k++) {
        if (!drive && mien_pulse(core, k) != 0) {
            return MIEN_BROKEN_DRIVE;
        }
    }
    for (uint8_t k = 0; k < mien_channels(core); k++) {
        enum mien_broken broken = check_channel(watch, core, k, stepped);
        if (broken != MIEN_BROKEN_NONE) {
            return broken;
        }
    }
    return check_queue(core);
}
