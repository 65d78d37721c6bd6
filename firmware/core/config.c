#include "core.h"
#include "crc.h"
#include "messages.h"

#define ADDRESS_FIRST 0x40
#define ADDRESS_LAST 0x7F
#define ADDRESS_ALL_CALL 0x70 /* every PCA9685 answers to it */

static bool within(uint16_t value, uint16_t low, uint16_t high)
{
    return value >= low && value <= high;
}

static bool addresses_good(const uint8_t *address, uint8_t boards)
{
    for (uint8_t b = 0; b < boards; b++) {
        if (!within(address[b], ADDRESS_FIRST, ADDRESS_LAST) || address[b] == ADDRESS_ALL_CALL) {
            return false;
        }
        for (uint8_t other = 0; other < b; other++) {
            if (address[other] == address[b]) {
                return false;
            }
        }
    }
    return true;
}

uint8_t mien_config_begin(mien_core *core, const uint8_t *payload)
{
    struct mien_config_begin m = mien_get_config_begin(payload);
    const uint8_t address[MIEN_BOARDS_MAX] = {m.address_0, m.address_1, m.address_2, m.address_3};

    if (!within(m.channels, 1, MIEN_CHANNELS_MAX) || !within(m.boards, 1, MIEN_BOARDS_MAX)
        || !addresses_good(address, m.boards) || !within(m.pwm_hz, 40, 400)
        || !within(m.timeout_ms, MIEN_TIMEOUT_MIN_MS, MIEN_TIMEOUT_MAX_MS)
        || !within(m.telemetry_ms, 10, 1000) || m.stop_switch > MIEN_SWITCH_NONE
        || m.interlocks > MIEN_INTERLOCKS_MAX) {
        return MIEN_RESULT_RANGE;
    }
    if (!mien_event_apply(core, MIEN_EVENT_BEGIN)) {
        return MIEN_RESULT_STATE;
    }
    core->committed = false;
    core->boards_ok = 0;
    core->received = 0;
    mien_interlock_forget(core);
    core->channels = m.channels;
    core->interlocks = m.interlocks;
    core->hold_s = m.hold_s;
    core->stop_switch = m.stop_switch;
    core->boards = m.boards;
    for (uint8_t b = 0; b < MIEN_BOARDS_MAX; b++) {
        core->address[b] = address[b]; /* bus failures are forgotten when the board is verified */
    }
    core->pwm_hz = m.pwm_hz;
    core->timeout_us = (uint32_t)m.timeout_ms * 1000u;
    core->telemetry_ms = m.telemetry_ms;
    core->upload_crc = mien_crc(MIEN_CRC_INIT, payload, MIEN_CONFIG_BEGIN_SIZE);
    return MIEN_RESULT_OK;
}

/* A tendon's safe pose is taut, and its loose end lies inside the limits. */
static bool tendon_good(const struct mien_config_channel *m)
{
    if (!within(m->floor, m->min, m->max)) {
        return false;
    }
    if ((m->flags & MIEN_FLAG_PULL_DOWN) != 0) {
        return m->safe <= m->floor && m->slack <= m->max - m->floor;
    }
    return m->safe >= m->floor && m->slack <= m->floor - m->min;
}

static bool channel_good(const mien_core *core, const struct mien_config_channel *m)
{
    if (m->board >= core->boards || m->channel >= MIEN_BOARD_CHANNELS || m->slew == 0
        || m->min < MIEN_PULSE_MIN || m->max > MIEN_PULSE_MAX || !within(m->safe, m->min, m->max)) {
        return false;
    }
    switch (m->flags) {
    case 0:
        return m->slack == 0 && m->floor == 0;
    case MIEN_FLAG_TENDON:
    case MIEN_FLAG_TENDON | MIEN_FLAG_PULL_DOWN:
        return tendon_good(m);
    default:
        return false;
    }
}

uint8_t mien_config_channel(mien_core *core, const uint8_t *payload)
{
    struct mien_config_channel m = mien_get_config_channel(payload);

    if (core->state != MIEN_STATE_UNCONFIGURED) {
        return MIEN_RESULT_STATE;
    }
    if (core->received > 0 && m.index == core->received - 1) {
        return MIEN_RESULT_OK; /* sent again because our answer was lost: counted only once */
    }
    if (m.index != core->received || m.index >= core->channels) {
        return MIEN_RESULT_ORDER;
    }
    uint8_t output = (uint8_t)(m.board * MIEN_BOARD_CHANNELS + m.channel);
    if (!channel_good(core, &m)) {
        return MIEN_RESULT_RANGE;
    }
    for (uint8_t k = 0; k < m.index; k++) {
        if (core->channel[k].output == output) {
            return MIEN_RESULT_RANGE;
        }
    }
    mien_channel *c = &core->channel[m.index];
    c->min = m.min;
    c->max = m.max;
    c->safe = m.safe;
    c->slew = m.slew;
    c->slack = m.slack;
    c->floor = m.floor;
    c->output = output;
    c->flags = m.flags;
    c->idle = m.idle;
    c->delay = m.delay;
    core->received++;
    core->upload_crc = mien_crc(core->upload_crc, payload, MIEN_CONFIG_CHANNEL_SIZE);
    return MIEN_RESULT_OK;
}

uint8_t mien_config_commit(mien_core *core, const uint8_t *payload)
{
    struct mien_config_commit m = mien_get_config_commit(payload);

    if (core->committed && m.crc == core->config_crc) {
        return MIEN_RESULT_OK; /* sent again because our answer was lost */
    }
    if (core->state != MIEN_STATE_UNCONFIGURED) {
        return MIEN_RESULT_STATE;
    }
    if (core->channels == 0 || core->received != core->channels
        || core->locked != core->interlocks) {
        return MIEN_RESULT_ORDER;
    }
    if (m.crc != core->upload_crc) {
        return MIEN_RESULT_CRC;
    }
    mien_motion_place(core, core->placed && m.crc == core->config_crc);
    core->config_crc = m.crc;
    core->placed = true;
    core->committed = true;
    core->generation++;
    (void)mien_event_apply(core, MIEN_EVENT_COMMIT);
    return MIEN_RESULT_OK;
}
