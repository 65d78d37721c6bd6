#include "core.h"
#include "crc.h"
#include "messages.h"

#define GUARD_SIZE 2

static uint8_t slot_after(const mien_core *core, uint8_t ahead)
{
    uint8_t at = (uint8_t)(core->from + ahead);
    return (uint8_t)(at < MIEN_SLOTS ? at : at - MIEN_SLOTS);
}

/* Signed distance b - a of two times modulo 2^32. */
static int32_t after(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a);
}

void mien_queue_hold_safe(mien_core *core)
{
    core->from = 0;
    core->queued = 0;
    core->starving = true;
    core->newest_known = false;
    core->slot[0].t_us = core->now_us;
    for (uint8_t k = 0; k < core->channels; k++) {
        core->slot[0].pulse[k] = core->channel[k].safe;
    }
}

/* Copies the frame's pulses; true if one lies outside its channel's limits. */
static bool take_pulses(const mien_core *core, mien_slot *slot, const uint8_t *at, uint8_t first,
                        uint8_t count)
{
    bool outside = false;
    for (uint8_t k = first; k < first + count; k++) {
        uint16_t pulse = mien_read_u16(at);
        at += 2;
        slot->pulse[k] = pulse;
        if (pulse < core->channel[k].min || pulse > core->channel[k].max) {
            outside = true;
        }
    }
    return outside;
}

enum mien_queued mien_queue_put(mien_core *core, const uint8_t *payload, uint8_t size)
{
    if (size < MIEN_SETPOINT_SIZE + GUARD_SIZE) {
        return MIEN_QUEUE_BAD;
    }
    struct mien_setpoint m = mien_get_setpoint(payload);
    uint8_t body = (uint8_t)(size - GUARD_SIZE);
    if (m.count == 0 || m.count > MIEN_CHANNELS_MAX || body != MIEN_SETPOINT_SIZE + 2 * m.count
        || mien_crc_backwards(MIEN_CRC_INIT, payload, body) != mien_read_u16(payload + body)) {
        return MIEN_QUEUE_BAD;
    }
    if (core->state != MIEN_STATE_ARMED || m.first + m.count > core->channels) {
        return MIEN_QUEUE_REFUSED;
    }
    int32_t lead = after(core->now_us, m.t_us);
    if (lead > MIEN_LEAD_MAX_US || lead < -MIEN_LATE_MAX_US) {
        return MIEN_QUEUE_REFUSED;
    }

    uint8_t newest = slot_after(core, core->queued);
    if (!core->newest_known || after(core->newest_us, m.t_us) > 0) {
        if (core->queued == MIEN_QUEUE_DEPTH) {
            return MIEN_QUEUE_REFUSED;
        }
        uint8_t previous = newest;
        newest = slot_after(core, (uint8_t)(core->queued + 1));
        for (uint8_t k = 0; k < core->channels; k++) {
            core->slot[newest].pulse[k] = core->slot[previous].pulse[k];
        }
        core->slot[newest].t_us = m.t_us;
        core->queued++;
        core->newest_us = m.t_us;
        core->newest_known = true;
    } else if (m.t_us != core->newest_us) {
        return MIEN_QUEUE_REFUSED; /* overtaken by a later one */
    }
    /* The same time again is the same pose again, or another part of it. */
    if (take_pulses(core, &core->slot[newest], payload + MIEN_SETPOINT_SIZE, m.first, m.count)) {
        core->count.clamped++;
    }
    core->count.setpoints++;
    if (lead < 0) {
        core->count.late++;
    }
    return MIEN_QUEUED;
}

void mien_queue_advance(mien_core *core)
{
    uint32_t now = core->now_us;
    while (core->queued > 0 && after(now, core->slot[slot_after(core, 1)].t_us) <= 0) {
        core->from = slot_after(core, 1);
        core->queued--;
    }
    if (core->queued > 0) {
        core->starving = false;
        return;
    }
    if (!core->starving) {
        core->starving = true;
        core->count.starved++;
    }
    /* Hold: whatever comes next starts from here and now. */
    core->slot[core->from].t_us = now;
    if (core->newest_known && after(core->newest_us, now) > MIEN_LATE_MAX_US) {
        core->newest_known = false; /* or it would seem to lie ahead again in 36 minutes */
    }
}

uint16_t mien_queue_fraction(const mien_core *core)
{
    if (core->queued == 0) {
        return 0;
    }
    uint32_t start = core->slot[core->from].t_us;
    uint32_t span = core->slot[slot_after(core, 1)].t_us - start;
    uint32_t elapsed = core->now_us - start;
    while (span > 0xFFFFu) { /* keeps elapsed * 2^15 within 32 bits; costs 1 in 2^15 at most */
        span >>= 1;
        elapsed >>= 1;
    }
    return (uint16_t)((elapsed << 15) / span);
}

uint16_t mien_queue_pulse(const mien_core *core, uint8_t index, uint16_t fraction)
{
    uint16_t a = core->slot[core->from].pulse[index];
    if (core->queued == 0) {
        return a;
    }
    uint16_t b = core->slot[slot_after(core, 1)].pulse[index];
    /* Unsigned and a shift: a signed division costs an AVR 45 us a channel.
     * Rounded to the nearest, so that a rising and a falling ramp are mirror images. */
    uint32_t sum = (uint32_t)a * (uint16_t)(0x8000u - fraction) + (uint32_t)b * fraction;
    return (uint16_t)((sum + 0x4000u) >> 15);
}
