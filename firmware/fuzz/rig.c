#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cobs.h"
#include "crc.h"
#include "messages.h"

uint8_t take8(input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->data++;
}

uint16_t take16(input *in)
{
    uint16_t low = take8(in);
    return (uint16_t)(low | ((uint16_t)take8(in) << 8));
}

uint16_t between(input *in, uint16_t low, uint16_t high)
{
    return (uint16_t)(low + take16(in) % (uint32_t)(high - low + 1));
}

static void fail(const char *what, int code)
{
    fprintf(stderr, "broken: %s (%d)\n", what, code);
    abort();
}

void check(rig *r, bool stepped, bool ticked)
{
    enum mien_broken broken = mien_watch_check(&r->watch, &r->core, stepped, ticked);
    if (broken != MIEN_BROKEN_NONE) {
        fail("guarantee, see enum mien_broken", (int)broken);
    }
}

void receive(rig *r, const uint8_t *data, uint16_t size)
{
    mien_receive(&r->core, r->now, data, size);
    check(r, false, false);
}

void send_frame(rig *r, uint8_t type, const uint8_t *payload, uint8_t size)
{
    uint8_t plain[MIEN_PAYLOAD_MAX + 4];
    uint8_t frame[256];
    plain[0] = type;
    plain[1] = r->seq++;
    memcpy(plain + 2, payload, size);
    mien_write_u16(plain + 2 + size, mien_crc(MIEN_CRC_INIT, plain, (uint8_t)(size + 2)));
    receive(r, (const uint8_t *)"", 1); /* a zero: ends whatever noise left behind */
    receive(r, frame, mien_cobs_encode(plain, (uint8_t)(size + 4), frame, 0));
    if (type == MIEN_MSG_ESTOP && mien_drive(&r->core)) {
        fail("driven after ESTOP", 0);
    }
}

void tick(rig *r, uint32_t us)
{
    r->now += us;
    bool stepped = mien_tick(&r->core, r->now);
    check(r, stepped, true);
}

void drain(rig *r, uint16_t most)
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
