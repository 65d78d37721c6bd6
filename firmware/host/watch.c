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

/* Only the release lets a tendon go, and it comes after the hold. */
static bool may_slacken(const mien_watch *watch, const mien_core *core)
{
    return core->state == MIEN_STATE_FAILSAFE
        && core->now_us - watch->failsafe_us >= core->hold_s * 1000000u;
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
    if (watch->driven[k]) {
        uint16_t before = watch->pulse[k];
        int change = (int)pulse - (int)before;
        if (change != 0 && !stepped) {
            return MIEN_BROKEN_STILL;
        }
        if (change > (int)c->slew || change < -(int)c->slew) {
            return MIEN_BROKEN_SLEW;
        }
        if (behind_floor(c, pulse) && !behind_floor(c, before) && !may_slacken(watch, core)) {
            return MIEN_BROKEN_FLOOR;
        }
    }
    watch->driven[k] = true;
    watch->pulse[k] = pulse;
    return MIEN_BROKEN_NONE;
}

static enum mien_broken check_channels(mien_watch *watch, const mien_core *core, bool stepped,
                                       bool *moved)
{
    for (uint8_t k = 0; k < mien_channels(core); k++) {
        uint16_t before = watch->driven[k] ? watch->pulse[k] : 0;
        enum mien_broken broken = check_channel(watch, core, k, stepped);
        if (broken != MIEN_BROKEN_NONE) {
            return broken;
        }
        *moved = *moved || (watch->driven[k] && watch->pulse[k] != before);
    }
    return MIEN_BROKEN_NONE;
}

/* Sums of all interlocks, of what is driven and of where the rest was driven last. In 64 bits and from
 * the limits' own terms, so that nothing of the core's arithmetic is believed. */
static enum mien_broken check_locks(mien_watch *watch, const mien_core *core)
{
    enum mien_broken broken = MIEN_BROKEN_NONE;
    for (uint8_t i = 0; i < core->interlocks; i++) {
        int64_t sum = 0;
        for (uint8_t j = 0; j < core->interlock[i].terms; j++) {
            const mien_term *t = &core->term[core->interlock[i].first + j];
            int64_t way = (int64_t)core->motion[t->channel].pulse - t->neutral;
            sum += way * (way < 0 ? t->below : t->above);
        }
        if (watch->sums_known && sum > core->interlock[i].limit && sum > watch->sum[i]) {
            broken = MIEN_BROKEN_LOCK;
        }
        watch->sum[i] = sum;
    }
    watch->sums_known = true;
    return broken;
}

static enum mien_broken check_release(mien_watch *watch, const mien_core *core, bool stepped,
                                      bool moved)
{
    if (core->state != MIEN_STATE_FAILSAFE) {
        watch->failsafe_us = core->now_us;
        watch->still_steps = 0;
        return MIEN_BROKEN_NONE;
    }
    watch->still_steps = moved ? 0 : watch->still_steps + (stepped ? 1 : 0);
    uint32_t most = (core->hold_s + 1u) * 1000000u / MIEN_STEP_US;
    return watch->still_steps > most ? MIEN_BROKEN_RELEASE : MIEN_BROKEN_NONE;
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

/* Time alone makes two transitions only. Received frames may make any, and many at once. */
static bool transition_bad(uint8_t before, uint8_t after, bool ticked)
{
    if (!ticked || before == after) {
        return false;
    }
    return !(before == MIEN_STATE_ARMED && after == MIEN_STATE_FAILSAFE)
        && !(before == MIEN_STATE_FAILSAFE && after == MIEN_STATE_RELEASED);
}

enum mien_broken mien_watch_check(mien_watch *watch, const mien_core *core, bool stepped,
                                  bool ticked)
{
    bool drive = core->state == MIEN_STATE_ARMED || core->state == MIEN_STATE_FAILSAFE;
    uint8_t before = watch->state;
    watch->state = core->state;
    if (core->state > MIEN_STATE_RELEASED || transition_bad(before, core->state, ticked)) {
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
        && core->now_us - core->heartbeat_us > core->timeout_us) {
        return MIEN_BROKEN_SILENCE;
    }
    for (uint8_t k = 0; k < MIEN_CHANNELS_MAX; k++) {
        if (!drive && mien_pulse(core, k) != 0) {
            return MIEN_BROKEN_DRIVE;
        }
    }
    bool moved = false;
    enum mien_broken broken = check_channels(watch, core, stepped, &moved);
    if (broken == MIEN_BROKEN_NONE && core->committed) {
        broken = check_locks(watch, core);
    }
    if (broken == MIEN_BROKEN_NONE) {
        broken = check_release(watch, core, stepped, moved);
    }
    return broken == MIEN_BROKEN_NONE ? check_queue(core) : broken;
}
