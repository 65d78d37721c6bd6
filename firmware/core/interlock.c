#include "core.h"
#include "crc.h"
#include "messages.h"

/* A channel's part of the sum. Two 16-bit numbers make one of 32: a few microseconds on an AVR. */
static int32_t part(const mien_term *t, uint16_t pulse)
{
    int16_t way = (int16_t)(pulse - t->neutral); /* both lie within MIEN_PULSE_MIN..MAX */
    return (int32_t)way * (way < 0 ? t->below : t->above);
}

static uint16_t size_of(int16_t slope)
{
    return (uint16_t)(slope < 0 ? -(int32_t)slope : slope);
}

static bool term_good(const mien_core *core, const struct mien_interlock_term *m)
{
    if (m->channel >= core->channels || (m->below < 0 && m->above > 0)
        || (m->below > 0 && m->above < 0)) {
        return false;
    }
    const mien_channel *c = &core->channel[m->channel];
    return m->neutral >= c->min && m->neutral <= c->max;
}

/* What the term can reach, either sign. At most 2^15 x MIEN_PULSE_MAX. */
static uint32_t reach(const mien_core *core, const struct mien_interlock_term *m)
{
    const mien_channel *c = &core->channel[m->channel];
    uint32_t under = (uint32_t)(uint16_t)(m->neutral - c->min) * size_of(m->below);
    uint32_t over = (uint32_t)(uint16_t)(c->max - m->neutral) * size_of(m->above);
    return under > over ? under : over;
}

/* Takes the terms over as long as they are good. False: one is not, or their sum may be too large. */
static bool take_terms(mien_core *core, mien_interlock *lock, const uint8_t *at)
{
    uint32_t total = 0;
    int32_t safe = 0;
    for (uint8_t i = 0; i < lock->terms; i++) {
        struct mien_interlock_term m = mien_get_interlock_term(at + i * MIEN_INTERLOCK_TERM_SIZE);
        mien_term *t = &core->term[lock->first + i];
        if (!term_good(core, &m) || (i > 0 && m.channel <= (t - 1)->channel)) {
            return false;
        }
        t->channel = m.channel;
        t->neutral = m.neutral;
        t->below = m.below;
        t->above = m.above;
        total += reach(core, &m);
        if (total > MIEN_INTERLOCK_SUM) {
            return false;
        }
        safe += part(t, core->channel[m.channel].safe);
    }
    return safe <= lock->limit;
}

void mien_interlock_forget(mien_core *core)
{
    core->locked = 0;
    core->terms = 0;
    for (uint8_t k = 0; k < MIEN_CHANNELS_MAX; k++) {
        core->first_term[k] = MIEN_NO_TERM;
    }
}

uint8_t mien_config_interlock(mien_core *core, const uint8_t *payload, uint8_t size)
{
    struct mien_config_interlock m = mien_get_config_interlock(payload);

    if (core->state != MIEN_STATE_UNCONFIGURED) {
        return MIEN_RESULT_STATE;
    }
    if (core->locked > 0 && m.index == core->locked - 1) {
        return MIEN_RESULT_OK; /* sent again because our answer was lost: counted only once */
    }
    if (core->channels == 0 || core->received != core->channels || m.index != core->locked
        || m.index >= core->interlocks) {
        return MIEN_RESULT_ORDER;
    }
    mien_interlock *lock = &core->interlock[m.index];
    lock->limit = m.limit;
    lock->first = core->terms;
    lock->terms = m.terms;
    if (m.terms == 0 || m.terms > MIEN_INTERLOCK_TERMS || m.terms > MIEN_TERMS_MAX - core->terms
        || !take_terms(core, lock, payload + MIEN_CONFIG_INTERLOCK_SIZE)) {
        return MIEN_RESULT_RANGE;
    }
    for (uint8_t i = 0; i < m.terms; i++, core->terms++) {
        mien_term *t = &core->term[core->terms];
        t->lock = m.index;
        t->next = core->first_term[t->channel];
        core->first_term[t->channel] = core->terms;
    }
    core->locked++;
    core->upload_crc = mien_crc(core->upload_crc, payload, size);
    return MIEN_RESULT_OK;
}

void mien_interlock_sums(const mien_core *core, int32_t *sum)
{
    for (uint8_t i = 0; i < core->interlocks; i++) {
        sum[i] = 0;
    }
    for (const mien_term *t = core->term; t < core->term + core->terms; t++) {
        sum[t->lock] += part(t, core->motion[t->channel].pulse);
    }
}

/* From `pulse` towards `next`, which adds more than `room`: the last pulse that does not. Across the
 * kink the steeper side counts for both: it may stop a little early, never late. */
static uint16_t shorten(const mien_term *t, uint16_t pulse, uint16_t next, int32_t room)
{
    bool up = next > pulse;
    uint16_t below = (up ? pulse : next) < t->neutral ? size_of(t->below) : 0;
    uint16_t above = (up ? next : pulse) > t->neutral ? size_of(t->above) : 0;
    uint16_t slope = below > above ? below : above;
    if (room < slope) {
        return pulse; /* the rule where a sum stands at its limit, and a division takes 40 us */
    }
    /* Not by zero, and shorter than to `next`: that way adds more than `room`. */
    uint16_t way = (uint16_t)((uint32_t)room / slope);
    return (uint16_t)(up ? pulse + way : pulse - way);
}

uint16_t mien_interlock_step(const mien_core *core, int32_t *sum, uint8_t index, uint16_t next)
{
    uint16_t pulse = core->motion[index].pulse;
    if (pulse == next) {
        return next;
    }
    for (uint8_t i = core->first_term[index]; i != MIEN_NO_TERM; i = core->term[i].next) {
        const mien_term *t = &core->term[i];
        int32_t change = part(t, next) - part(t, pulse);
        int32_t room = core->interlock[t->lock].limit - sum[t->lock];
        if (change > 0 && change > room) {
            next = room > 0 ? shorten(t, pulse, next, room) : pulse;
            if (next == pulse) {
                return pulse;
            }
        }
    }
    for (uint8_t i = core->first_term[index]; i != MIEN_NO_TERM; i = core->term[i].next) {
        const mien_term *t = &core->term[i];
        sum[t->lock] += part(t, next) - part(t, pulse);
    }
    return next;
}
