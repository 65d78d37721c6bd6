#include "core.h"

#define REST_BAND 8                 /* 2 us: half a count of the PCA9685 at 50 Hz is not motion */
#define IDLE_STEPS (MIEN_IDLE_UNIT_MS * 1000L / MIEN_STEP_US)
#define START_US (MIEN_DELAY_UNIT_MS * 1000UL)
#define SOFT_STEPS (MIEN_SOFT_START_MS * 1000L / MIEN_STEP_US)

static uint16_t distance(uint16_t a, uint16_t b)
{
    return (uint16_t)(a > b ? a - b : b - a);
}

/* Rounded up. slew + 3 would wrap near the end of 16 bits, where int is no wider. */
static uint16_t quarter(uint16_t slew)
{
    return (uint16_t)((slew >> 2) + ((slew & 3u) != 0 ? 1u : 0u));
}

/* Is the tendon still slack at this pulse? */
static bool loose(const mien_channel *c, uint16_t pulse)
{
    if ((c->flags & MIEN_FLAG_TENDON) == 0) {
        return false;
    }
    return (c->flags & MIEN_FLAG_PULL_DOWN) != 0 ? pulse > c->floor : pulse < c->floor;
}

static uint16_t limit(const mien_channel *c, uint16_t goal)
{
    if (goal < c->min) {
        goal = c->min;
    }
    if (goal > c->max) {
        goal = c->max;
    }
    return loose(c, goal) ? c->floor : goal;
}

static uint16_t start(const mien_channel *c)
{
    if ((c->flags & MIEN_FLAG_TENDON) == 0) {
        return c->safe;
    }
    return (uint16_t)((c->flags & MIEN_FLAG_PULL_DOWN) != 0 ? c->floor + c->slack
                                                            : c->floor - c->slack);
}

void mien_motion_place(mien_core *core, bool keep)
{
    for (uint8_t k = 0; k < core->channels; k++) {
        const mien_channel *c = &core->channel[k];
        uint16_t pulse = core->motion[k].pulse;
        if (!keep || pulse < c->min || pulse > c->max) { /* two configurations may share a CRC */
            core->motion[k].pulse = start(c);
        }
    }
}

static void power(mien_core *core, uint8_t index, bool on)
{
    uint8_t bit = mien_bit[index & 7u];
    if (on) {
        core->powered[index >> 3] = (uint8_t)(core->powered[index >> 3] | bit);
    } else {
        core->powered[index >> 3] = (uint8_t)(core->powered[index >> 3] & ~bit);
    }
}

bool mien_motion_powered(const mien_core *core, uint8_t index)
{
    return (core->powered[index >> 3] & mien_bit[index & 7u]) != 0;
}

static void drive(mien_core *core, uint8_t index, bool on)
{
    power(core, index, on);
    core->motion[index].rest = core->motion[index].pulse;
    core->motion[index].idle = 0;
}

void mien_motion_power(mien_core *core, bool on)
{
    for (uint8_t k = 0; k < core->channels; k++) {
        /* ARM in FAILSAFE: what is driven stays driven. */
        drive(core, k, on && (core->channel[k].delay == 0 || mien_motion_powered(core, k)));
    }
    core->soft_steps = SOFT_STEPS;
    core->started = 0;
    core->start_us = core->now_us + START_US;
}

/* Drives the channels whose delay after ARM is over. */
static void start_due(mien_core *core)
{
    if (core->started == UINT8_MAX || (int32_t)(core->now_us - core->start_us) < 0) {
        return;
    }
    core->started++;
    core->start_us += START_US;
    for (uint8_t k = 0; k < core->channels; k++) {
        if (core->channel[k].delay == core->started && !mien_motion_powered(core, k)) {
            drive(core, k, true);
        }
    }
}

static uint16_t approach(uint16_t pulse, uint16_t goal, uint16_t slew)
{
    if (distance(pulse, goal) <= slew) {
        return goal;
    }
    return (uint16_t)(pulse < goal ? pulse + slew : pulse - slew);
}

/* May this channel be driven from now on? One that still waits for its delay, or rests, is not. */
static bool wakes(const mien_core *core, uint8_t index, uint16_t goal)
{
    if (core->started < core->channel[index].delay) {
        return false;
    }
    if (core->state == MIEN_STATE_FAILSAFE && core->phase == MIEN_PHASE_SLACKEN) {
        return false;
    }
    return distance(goal, core->motion[index].rest) > REST_BAND;
}

enum { MOVED = 1, HELD = 2 };

/* One channel one step towards its goal: MOVED if it moved, HELD if an interlock shortened the step. */
static uint8_t move(mien_core *core, uint8_t index, uint16_t goal, bool soft, int32_t *sum)
{
    const mien_channel *c = &core->channel[index];
    mien_motion *m = &core->motion[index];

    if (!mien_motion_powered(core, index)) {
        if (!wakes(core, index, goal)) {
            return 0;
        }
        power(core, index, true);
        m->idle = 0;
    }
    /* Before the move, for a channel is released where it was driven last. Within the band of its
     * goal is near enough: an interlock may hold it a unit away for ever. */
    if (distance(m->pulse, goal) > REST_BAND || distance(goal, m->rest) > REST_BAND) {
        m->rest = goal;
        m->idle = 0;
    } else if (c->idle != 0 && ++m->idle > c->idle * IDLE_STEPS) {
        power(core, index, false);
        return 0;
    }
    uint16_t slew = c->slew;
    if ((soft || loose(c, m->pulse)) && slew > 1) {
        slew = quarter(slew);
    }
    uint16_t before = m->pulse;
    uint16_t next = approach(before, goal, slew);
    m->pulse = mien_interlock_step(core, sum, index, next);
    return (uint8_t)((m->pulse != before ? MOVED : 0) | (m->pulse != next ? HELD : 0));
}

void mien_motion_step(mien_core *core)
{
    bool armed = core->state == MIEN_STATE_ARMED;
    bool follow = armed && !core->homing;
    bool soft = armed && core->soft_steps > 0; /* they pass only when the way home is over */
    bool slacken = !armed && core->phase == MIEN_PHASE_SLACKEN;
    bool waiting = false;
    uint8_t done = 0;
    int32_t sum[MIEN_INTERLOCKS_MAX];

    if (!armed && mien_release_due(core)) {
        return;
    }
    if (armed) {
        start_due(core);
    }
    mien_interlock_sums(core, sum);
    mien_queue_advance(core);
    uint16_t fraction = mien_queue_fraction(core);
    for (uint8_t k = 0; k < core->channels; k++) {
        const mien_channel *c = &core->channel[k];
        uint16_t goal = follow ? mien_queue_pulse(core, k, fraction) : c->safe;
        goal = slacken ? start(c) : limit(c, goal);
        done |= move(core, k, goal, soft, sum);
        waiting = waiting || core->started < c->delay;
    }
    if ((done & HELD) != 0) {
        core->count.locked++;
    }
    bool moved = (done & MOVED) != 0;
    if (!armed) {
        mien_release_step(core, moved);
    } else if (core->homing && !moved && !waiting) { /* channels that an interlock blocks wait for setpoints */
        core->homing = false;
    } else if (soft && !core->homing) {
        core->soft_steps--;
    }
}
