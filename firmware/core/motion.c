#include "core.h"

#define REST_BAND 8                 /* 2 us: half a count of the PCA9685 at 50 Hz is not motion */
#define IDLE_STEPS (MIEN_IDLE_UNIT_MS * 1000L / MIEN_STEP_US)
#define SOFT_STEPS (MIEN_SOFT_START_MS * 1000L / MIEN_STEP_US)

static uint16_t distance(uint16_t a, uint16_t b)
{
    return (uint16_t)(a > b ? a - b : b - a);
}

/* Is the string still loose at this pulse? */
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
    uint8_t bit = (uint8_t)(1u << (index & 7u));
    if (on) {
        core->powered[index >> 3] = (uint8_t)(core->powered[index >> 3] | bit);
    } else {
        core->powered[index >> 3] = (uint8_t)(core->powered[index >> 3] & ~bit);
    }
}

bool mien_motion_powered(const mien_core *core, uint8_t index)
{
    return (core->powered[index >> 3] & (uint8_t)(1u << (index & 7u))) != 0;
}

void mien_motion_power(mien_core *core, bool on)
{
    for (uint8_t k = 0; k < core->channels; k++) {
        power(core, k, on);
        core->motion[k].rest = core->motion[k].pulse;
        core->motion[k].idle = 0;
    }
    core->soft_steps = SOFT_STEPS;
}

static uint16_t approach(uint16_t pulse, uint16_t goal, uint16_t slew)
{
    if (distance(pulse, goal) <= slew) {
        return goal;
    }
    return (uint16_t)(pulse < goal ? pulse + slew : pulse - slew);
}

/* One channel one step towards its goal. True while it is not there. */
static bool move(mien_core *core, uint8_t index, uint16_t goal, bool soft)
{
    const mien_channel *c = &core->channel[index];
    mien_motion *m = &core->motion[index];

    if (!mien_motion_powered(core, index)) {
        if (distance(goal, m->rest) <= REST_BAND) {
            return false;
        }
        power(core, index, true);
        m->idle = 0;
    }
    uint16_t slew = c->slew;
    if ((soft || loose(c, m->pulse)) && slew > 1) {
        slew = (uint16_t)((slew + 3u) >> 2);
    }
    m->pulse = approach(m->pulse, goal, slew);
    if (m->pulse != goal || distance(goal, m->rest) > REST_BAND) {
        m->rest = goal;
        m->idle = 0;
    } else if (c->idle != 0) {
        m->idle++;
        if (m->idle >= c->idle * IDLE_STEPS) {
            power(core, index, false);
        }
    }
    return m->pulse != goal;
}

void mien_motion_step(mien_core *core)
{
    bool armed = core->state == MIEN_STATE_ARMED;
    bool follow = armed && !core->homing;
    bool soft = armed && (core->homing || core->soft_steps > 0);
    bool moving = false;

    mien_queue_advance(core);
    uint16_t fraction = mien_queue_fraction(core);
    for (uint8_t k = 0; k < core->channels; k++) {
        const mien_channel *c = &core->channel[k];
        uint16_t goal = follow ? mien_queue_pulse(core, k, fraction) : c->safe;
        if (move(core, k, limit(c, goal), soft)) {
            moving = true;
        }
    }
    if (core->homing && !moving) {
        core->homing = false;
    } else if (soft && !core->homing) {
        core->soft_steps--;
    }
}
