/* libFuzzer target. The input is a program for the core: a configuration, then calls. After each
 * call the watch checks every guarantee of mien.h, and all that the core sends must be whole frames.
 *
 * Most frames are built here with a right CRC, so that the fuzzer gets past the framing; others are
 * the input's own bytes. Without -fsanitize=fuzzer, main() in random.c drives the same function. */
#include <string.h>

#include "crc.h"
#include "messages.h"
#include "rig.h"

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
    send_frame(r, MIEN_MSG_SETPOINT, payload, (uint8_t)(at + 2));
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
    send_frame(r, type, payload, size);
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
    send_frame(r, MIEN_MSG_ARM, payload, MIEN_ARM_SIZE);
}

static void ping(rig *r)
{
    static const uint8_t token[MIEN_PING_SIZE] = {1, 2, 3, 4};
    send_frame(r, MIEN_MSG_PING, token, MIEN_PING_SIZE);
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
        tick(r, take16(in)); /* any time apart */
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
        send_frame(r, empty[take8(in) % sizeof empty], (const uint8_t *)"", 0);
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
    while (in.left > 0) {
        call(&r, &in);
    }
    drain(&r, MIEN_TX_RING);
    return 0;
}
