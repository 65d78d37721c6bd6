/* libFuzzer target. The input is a program for the core: a configuration, then calls. After each
 * call the watch checks every guarantee of mien.h, and all that the core sends must be whole frames.
 *
 * Most frames are built here with a right CRC, so that the fuzzer gets past the framing; others are
 * the input's own bytes. Without -fsanitize=fuzzer, main() in random.c drives the same function. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cobs.h"
#include "crc.h"
#include "messages.h"
#include "watch.h"

typedef struct {
    const uint8_t *data;
    size_t remaining;
} input;

typedef struct {
    mien_core core;
    mien_watch watch;
    uint32_t now;
    uint8_t seq;
    uint8_t line[MIEN_FRAME_MAX]; /* of the frame that the core is sending */
    uint8_t line_size;
    uint16_t config_crc; /* of the last upload */
    bool slept;
} rig;

static uint8_t take8(input *in)
{
    if (in->remaining == 0) {
        return 0;
    }
    in->remaining--;
    return *in->data++;
}

static uint16_t take16(input *in)
{
    uint16_t low = take8(in);
    return (uint16_t)(low | ((uint16_t)take8(in) << 8));
}

static void fail(const char *what, int code)
{
    fprintf(stderr, "broken: %s (%d)\n", what, code);
    abort();
}

static void check(rig *r, bool stepped, bool ticked)
{
    enum mien_broken broken = mien_watch_check(&r->watch, &r->core, stepped, ticked);
    if (broken != MIEN_BROKEN_NONE) {
        fail("guarantee, see enum mien_broken", (int)broken);
    }
}

static void receive(rig *r, const uint8_t *data, uint16_t size)
{
    mien_receive(&r->core, r->now, data, size);
    check(r, false, false);
}

static void send(rig *r, uint8_t type, const uint8_t *payload, uint8_t size)
{
    uint8_t plain[MIEN_PAYLOAD_MAX + 4];
    uint8_t frame[256];
    plain[0] = type;
    plain[1] = r->seq++;
    memcpy(plain + 2, payload, size);
    mien_write_u16(plain + 2 + size, mien_crc(MIEN_CRC_INIT, plain, (uint8_t)(size + 2)));
    receive(r, (const uint8_t *)"", 1); /* a zero: ends an incomplete frame of noise */
    receive(r, frame, mien_cobs_encode(plain, (uint8_t)(size + 4), frame, 0));
    if (type == MIEN_MSG_ESTOP && mien_drive(&r->core)) {
        fail("driven after ESTOP", 0);
    }
}

static uint16_t between(input *in, uint16_t low, uint16_t high)
{
    return (uint16_t)(low + take16(in) % (uint32_t)(high - low + 1));
}

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

static void upload(rig *r, input *in)
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
    send(r, MIEN_MSG_CONFIG_BEGIN, payload, MIEN_CONFIG_BEGIN_SIZE);
    for (uint8_t k = 0; k < begin.channels; k++) {
        channels[k] = channel_from(in, k, begin.boards);
        mien_put_config_channel(payload, &channels[k]);
        crc = mien_crc(crc, payload, MIEN_CONFIG_CHANNEL_SIZE);
        send(r, MIEN_MSG_CONFIG_CHANNEL, payload, MIEN_CONFIG_CHANNEL_SIZE);
    }
    for (uint8_t i = 0; i < begin.interlocks; i++) {
        uint8_t size = interlock(in, payload, i, channels, begin.channels);
        crc = mien_crc(crc, payload, size);
        send(r, MIEN_MSG_CONFIG_INTERLOCK, payload, size);
    }
    r->config_crc = crc;
    mien_write_u16(payload, crc);
    send(r, MIEN_MSG_CONFIG_COMMIT, payload, MIEN_CONFIG_COMMIT_SIZE);
}

static void setpoint(rig *r, input *in)
{
    uint8_t payload[MIEN_PAYLOAD_MAX];
    uint8_t form = take8(in);
    struct mien_setpoint m;
    m.t_us = r->now + (uint32_t)take16(in) * 4u - (form & 1 ? 100000u : 0u);
    if (form == 0xFE) {
        m.t_us = (uint32_t)take16(in) << 16;
    }
    m.first = form & 2 ? take8(in) % MIEN_CHANNELS_MAX : 0;
    m.count = form & 4 ? (uint8_t)(1 + take8(in) % 8) : mien_channels(&r->core);
    if (m.count == 0) {
        m.count = 1;
    }
    mien_put_setpoint(payload, &m);
    uint8_t at = MIEN_SETPOINT_SIZE;
    for (uint8_t k = 0; k < m.count; k++) {
        mien_write_u16(payload + at, take16(in));
        at = (uint8_t)(at + 2);
    }
    mien_write_u16(payload + at, mien_crc_backwards(MIEN_CRC_INIT, payload, at));
    send(r, MIEN_MSG_SETPOINT, payload, (uint8_t)(at + 2));
}

static void tick(rig *r, uint32_t us)
{
    r->now += us;
    bool stepped = mien_tick(&r->core, r->now);
    check(r, stepped, true);
}

/* What the core sends must be whole frames with a right CRC and a type of ours. */
static void drain(rig *r, uint16_t most)
{
    uint8_t byte;
    while (most-- > 0 && mien_transmit(&r->core, &byte)) {
        if (byte != 0) {
            if (r->line_size == sizeof r->line) {
                fail("a frame too long", r->line_size);
            }
            r->line[r->line_size++] = byte;
            continue;
        }
        uint8_t size = mien_cobs_decode(r->line, r->line_size);
        if (size < 4
            || mien_crc(MIEN_CRC_INIT, r->line, (uint8_t)(size - 2))
                   != mien_read_u16(r->line + size - 2)
            || r->line[0] < 0x80) {
            fail("a bad frame sent", size);
        }
        r->line_size = 0;
    }
}

static void bytes(rig *r, input *in)
{
    uint8_t raw[64];
    uint8_t size = (uint8_t)(take8(in) % sizeof raw);
    for (uint8_t i = 0; i < size; i++) {
        raw[i] = take8(in);
    }
    receive(r, raw, size);
}

static void any_frame(rig *r, input *in)
{
    uint8_t payload[32];
    uint8_t type = take8(in);
    uint8_t size = (uint8_t)(take8(in) % sizeof payload);
    for (uint8_t i = 0; i < size; i++) {
        payload[i] = take8(in);
    }
    send(r, type, payload, size);
}

static void arm(rig *r, input *in)
{
    uint8_t payload[MIEN_ARM_SIZE];
    uint8_t form = take8(in);
    for (uint8_t b = 0; b < mien_boards(&r->core) && form < 224; b++) {
        mien_board_verified(&r->core, b, true);
    }
    if (form % 16 == 15) {
        r->seq = (uint8_t)(r->seq - 1 - form / 16); /* an echo */
    }
    mien_write_u16(payload, r->config_crc);
    send(r, MIEN_MSG_ARM, payload, MIEN_ARM_SIZE);
}

static void ping(rig *r)
{
    static const uint8_t token[MIEN_PING_SIZE] = {1, 2, 3, 4};
    send(r, MIEN_MSG_PING, token, MIEN_PING_SIZE);
}

static void ticks(rig *r, uint8_t form)
{
    uint8_t count = form % 16;
    if (form == 0xFF && !r->slept) {
        count = 210; /* longer than the shortest idle time; once, for it takes as long as all else */
        r->slept = true;
    }
    while (count-- > 0) {
        tick(r, MIEN_STEP_US);
        if (form > 200 && count % 4 == 0) {
            ping(r);
        }
    }
}

static void call(rig *r, input *in)
{
    static const uint8_t empty[] = {MIEN_MSG_DISARM, MIEN_MSG_ESTOP, MIEN_MSG_CLEAR, MIEN_MSG_HELLO,
                                    MIEN_MSG_READ_OUTPUTS};
    uint8_t op = take8(in);
    uint8_t board = (uint8_t)(op >> 6);
    switch (op % 16) {
    case 0:
    case 1:
    case 2:
        ticks(r, take8(in));
        break;
    case 3:
        tick(r, take16(in)); /* any interval */
        break;
    case 4:
    case 5:
    case 6:
        setpoint(r, in);
        break;
    case 7:
        arm(r, in);
        break;
    case 8:
        send(r, empty[take8(in) % sizeof empty], (const uint8_t *)"", 0);
        break;
    case 9:
        any_frame(r, in);
        break;
    case 10:
        bytes(r, in);
        break;
    case 11:
        mien_bus(&r->core, board, (take8(in) & 3) == 0);
        check(r, false, false);
        break;
    case 12:
        mien_board_verified(&r->core, board, (take8(in) & 3) != 0);
        check(r, false, false);
        break;
    case 13:
        drain(r, take8(in));
        break;
    case 14:
        switch (take8(in) % 16) {
        case 0:
            mien_button(&r->core);
            break;
        case 1:
            mien_stop(&r->core);
            break;
        default:
            ping(r);
            break;
        }
        check(r, false, false);
        break;
    default:
        if (take8(in) < 64) {
            upload(r, in);
        } else {
            mien_uart_error(&r->core);
            tick(r, (uint32_t)take8(in) << 20); /* up to four minutes asleep */
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rig r; /* static: its size is that of the board's memory, not of a stack */
    input in = {data, size};
    memset(&r, 0, sizeof r);
    r.now = (uint32_t)take16(&in) << 16;
    mien_init(&r.core, take8(&in) % 5);
    mien_watch_init(&r.watch);
    tick(&r, 0);
    upload(&r, &in);
    while (in.remaining > 0) {
        call(&r, &in);
    }
    drain(&r, MIEN_TX_RING);
    return 0;
}
