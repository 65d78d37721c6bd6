#include "crc.h"
#include "messages.h"
#include "rig.h"

static struct mien_config_channel channel_from(input *in, uint8_t index, uint8_t boards)
{
    struct mien_config_channel m = {0};
    uint8_t kind = take8(in);
    m.index = index;
    m.board = (uint8_t)(index / MIEN_BOARD_CHANNELS % boards);
    m.channel = index % MIEN_BOARD_CHANNELS;
    m.idle = (uint8_t)(kind >> 6);
    m.delay = (uint8_t)(kind % 5 == 0 ? take8(in) % 4 : 0);
    m.min = between(in, MIEN_PULSE_MIN, MIEN_PULSE_MAX);
    m.max = between(in, m.min, MIEN_PULSE_MAX);
    m.safe = between(in, m.min, m.max);
    m.slew = (uint16_t)(1 + take8(in) * (kind & 1 ? 1 : 40));
    if ((kind & 6) == 2) {
        m.flags = MIEN_FLAG_TENDON;
        m.floor = between(in, m.min, m.safe);
        m.slack = between(in, 0, (uint16_t)(m.floor - m.min));
    } else if ((kind & 6) == 4) {
        m.flags = MIEN_FLAG_TENDON | MIEN_FLAG_PULL_DOWN;
        m.floor = between(in, m.safe, m.max);
        m.slack = between(in, 0, (uint16_t)(m.max - m.floor));
    } else if ((kind & 0x38) == 0x38) { /* now and then one that must be refused */
        m.flags = take8(in);
        m.floor = take16(in);
        m.slack = take16(in);
    }
    return m;
}

/* One interlock over these channels, mostly one that the core must take. Returns its size. */
static uint8_t interlock(input *in, uint8_t *payload, uint8_t index,
                         const struct mien_config_channel *channels, uint8_t count)
{
    struct mien_config_interlock m = {index, 0, 0};
    uint8_t form = take8(in);
    uint8_t at = MIEN_CONFIG_INTERLOCK_SIZE;
    int64_t safe = 0;
    for (uint8_t k = 0; k < count && m.terms < MIEN_INTERLOCK_TERMS; k++) {
        const struct mien_config_channel *c = &channels[k];
        struct mien_interlock_term t = {k, 0, 0, 0};
        uint8_t slope = take8(in);
        if ((slope & 3) == 0) {
            continue;
        }
        t.neutral = between(in, c->min, c->max >= c->min ? c->max : c->min);
        t.below = (int16_t)(slope * (form & 1 ? 20 : 1));
        t.above = (int16_t)(take8(in) * (form & 1 ? 20 : 1));
        if (slope & 4) {
            t.below = (int16_t)-t.below;
            t.above = (int16_t)-t.above;
        }
        int32_t way = (int32_t)c->safe - t.neutral;
        safe += (int64_t)way * (way < 0 ? t.below : t.above);
        mien_put_interlock_term(payload + at, &t);
        at = (uint8_t)(at + MIEN_INTERLOCK_TERM_SIZE);
        m.terms++;
    }
    m.limit = (int32_t)(safe + take16(in) * (form & 2 ? 16 : 0));
    if (form > 250) {
        m.limit = (int32_t)((uint32_t)take16(in) << 16);
    }
    mien_put_config_interlock(payload, &m);
    return at;
}

void upload(rig *r, input *in)
{
    static struct mien_config_channel channels[MIEN_CHANNELS_MAX];
    uint8_t payload[MIEN_PAYLOAD_MAX];
    struct mien_config_begin begin = {0};
    begin.channels = (uint8_t)between(in, 1, 12);
    if (take8(in) > 240) {
        begin.channels = MIEN_CHANNELS_MAX;
    }
    begin.boards = (uint8_t)(begin.channels > 16 ? 3 : between(in, 1, 2));
    begin.address_0 = 0x40;
    begin.address_1 = 0x41;
    begin.address_2 = 0x42;
    begin.pwm_hz = 50;
    begin.timeout_ms = between(in, MIEN_TIMEOUT_MIN_MS, 400);
    begin.telemetry_ms = between(in, 10, 200);
    begin.hold_s = take8(in) % 3;
    begin.stop_switch = take8(in) % 3;
    begin.interlocks = begin.channels <= 12 ? take8(in) % 4 : 0;
    mien_put_config_begin(payload, &begin);
    uint16_t crc = mien_crc(MIEN_CRC_INIT, payload, MIEN_CONFIG_BEGIN_SIZE);
    send_frame(r, MIEN_MSG_CONFIG_BEGIN, payload, MIEN_CONFIG_BEGIN_SIZE);
    for (uint8_t k = 0; k < begin.channels; k++) {
        channels[k] = channel_from(in, k, begin.boards);
        mien_put_config_channel(payload, &channels[k]);
        crc = mien_crc(crc, payload, MIEN_CONFIG_CHANNEL_SIZE);
        send_frame(r, MIEN_MSG_CONFIG_CHANNEL, payload, MIEN_CONFIG_CHANNEL_SIZE);
    }
    for (uint8_t i = 0; i < begin.interlocks; i++) {
        uint8_t size = interlock(in, payload, i, channels, begin.channels);
        crc = mien_crc(crc, payload, size);
        send_frame(r, MIEN_MSG_CONFIG_INTERLOCK, payload, size);
    }
    r->config_crc = crc;
    mien_write_u16(payload, crc);
    send_frame(r, MIEN_MSG_CONFIG_COMMIT, payload, MIEN_CONFIG_COMMIT_SIZE);
}
