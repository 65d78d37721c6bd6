/* What the core says: its answers and its telemetry, framed into the ring that mien_transmit empties. */
#include "cobs.h"
#include "core.h"
#include "crc.h"
#include "messages.h"
#include "protocol_hash.h"

#define STUFFING 2 /* one code and the closing zero */

#define FRAME(size) (MIEN_HEADER_SIZE + (size) + MIEN_CRC_SIZE) /* before stuffing */

/* Completes a frame whose payload of `size` bytes lies at `frame` + MIEN_HEADER_SIZE, and queues it whole
 * or not at all. */
static void send(mien_core *core, uint8_t type, uint8_t seq, uint8_t *frame, uint8_t size)
{
    uint8_t body = (uint8_t)(MIEN_HEADER_SIZE + size);
    uint8_t used = (uint8_t)(core->tx_head - core->tx_tail);

    frame[0] = type;
    frame[1] = seq;
    mien_write_u16(frame + body, mien_crc(MIEN_CRC_INIT, frame, body));
    body = (uint8_t)(body + MIEN_CRC_SIZE);
    if (body + STUFFING > MIEN_TX_RING - 1 - used) {
        core->count.tx_dropped++;
        return;
    }
    /* Only the new head lets mien_transmit see the frame. */
    core->tx_head = mien_cobs_encode(frame, body, core->tx, core->tx_head);
}

bool mien_transmit(mien_core *core, uint8_t *byte)
{
    uint8_t tail = core->tx_tail;
    if (tail == core->tx_head) {
        return false;
    }
    *byte = core->tx[tail];
    core->tx_tail = (uint8_t)(tail + 1);
    return true;
}

void mien_send_telemetry(mien_core *core)
{
    uint8_t frame[FRAME(MIEN_TELEMETRY_SIZE)];
    struct mien_telemetry *m = &core->count;
    m->t_us = core->now_us;
    m->state = core->state;
    m->queued = core->queued;
    m->faults = core->faults;
    m->boards = core->boards_ok;
    m->released = 0;
    for (uint8_t k = 0; k < mien_channels(core); k++) {
        if (mien_pulse(core, k) == 0) {
            m->released++;
        }
    }
    mien_put_telemetry(frame + MIEN_HEADER_SIZE, m);
    m->loop_max_us = 0;
    send(core, MIEN_MSG_TELEMETRY, core->tx_seq++, frame, sizeof frame - FRAME(0));
}

void mien_send_hello(mien_core *core, uint8_t seq)
{
    uint8_t frame[FRAME(MIEN_HELLO_REPLY_SIZE)];
    struct mien_hello_reply m;
    m.protocol_hash = MIEN_PROTOCOL_HASH;
    m.t_us = core->now_us;
    m.channels_max = MIEN_CHANNELS_MAX;
    m.queue_depth = MIEN_QUEUE_DEPTH;
    m.step_us = MIEN_STEP_US;
    m.state = core->state;
    m.channels = mien_channels(core);
    m.config_crc = core->committed ? core->config_crc : 0;
    m.faults = core->faults;
    m.boards = core->boards_ok;
    m.reset = core->reset;
    mien_put_hello_reply(frame + MIEN_HEADER_SIZE, &m);
    send(core, MIEN_MSG_HELLO_REPLY, seq, frame, sizeof frame - FRAME(0));
}

void mien_send_pong(mien_core *core, uint8_t seq, const uint8_t *ping)
{
    uint8_t frame[FRAME(MIEN_PONG_SIZE)];
    struct mien_pong m;
    m.token = mien_get_ping(ping).token;
    m.t_us = core->now_us;
    mien_put_pong(frame + MIEN_HEADER_SIZE, &m);
    send(core, MIEN_MSG_PONG, seq, frame, sizeof frame - FRAME(0));
}

void mien_send_outputs(mien_core *core, uint8_t seq)
{
    uint8_t frame[FRAME(MIEN_OUTPUTS_SIZE + 2 * MIEN_CHANNELS_MAX)];
    struct mien_outputs m;
    m.t_us = core->now_us;
    m.count = mien_channels(core);
    for (uint8_t k = 0; k < m.count; k++) {
        mien_write_u16(frame + MIEN_HEADER_SIZE + MIEN_OUTPUTS_SIZE + 2 * k, core->motion[k].pulse);
    }
    m.powered_0 = core->powered[0]; /* all off unless the state drives */
    m.powered_1 = core->powered[1];
    m.powered_2 = core->powered[2];
    m.powered_3 = core->powered[3];
    m.powered_4 = core->powered[4];
    m.powered_5 = core->powered[5];
    mien_put_outputs(frame + MIEN_HEADER_SIZE, &m);
    send(core, MIEN_MSG_OUTPUTS, seq, frame, (uint8_t)(MIEN_OUTPUTS_SIZE + 2 * m.count));
}

void mien_send_ack(mien_core *core, uint8_t type, uint8_t seq, uint8_t result, uint8_t detail)
{
    uint8_t frame[FRAME(MIEN_ACK_SIZE)];
    struct mien_ack m = {type, result, core->state, detail};
    mien_put_ack(frame + MIEN_HEADER_SIZE, &m);
    send(core, MIEN_MSG_ACK, seq, frame, sizeof frame - FRAME(0));
}
