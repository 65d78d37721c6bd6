#include "cobs.h"
#include "core.h"
#include "crc.h"
#include "messages.h"
#include "protocol_hash.h"

#define HEADER_SIZE 2
#define CRC_SIZE 2
#define STUFFING 2 /* one code and the closing zero */
#define ANY_SIZE 0xFF

#define FRAME(size) (HEADER_SIZE + (size) + CRC_SIZE) /* before stuffing */

/* Completes a frame whose payload of `size` bytes lies at `frame` + HEADER_SIZE, and queues it whole
 * or not at all. */
static void send(mien_core *core, uint8_t type, uint8_t seq, uint8_t *frame, uint8_t size)
{
    uint8_t body = (uint8_t)(HEADER_SIZE + size);
    uint8_t used = (uint8_t)(core->tx_head - core->tx_tail);

    frame[0] = type;
    frame[1] = seq;
    mien_write_u16(frame + body, mien_crc(MIEN_CRC_INIT, frame, body));
    body = (uint8_t)(body + CRC_SIZE);
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
    mien_put_telemetry(frame + HEADER_SIZE, m);
    m->loop_max_us = 0;
    send(core, MIEN_MSG_TELEMETRY, core->tx_seq++, frame, sizeof frame - FRAME(0));
}

static void send_hello(mien_core *core, uint8_t seq)
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
    mien_put_hello_reply(frame + HEADER_SIZE, &m);
    send(core, MIEN_MSG_HELLO_REPLY, seq, frame, sizeof frame - FRAME(0));
}

static void send_pong(mien_core *core, uint8_t seq, const uint8_t *ping)
{
    uint8_t frame[FRAME(MIEN_PONG_SIZE)];
    struct mien_pong m;
    m.token = mien_get_ping(ping).token;
    m.t_us = core->now_us;
    mien_put_pong(frame + HEADER_SIZE, &m);
    send(core, MIEN_MSG_PONG, seq, frame, sizeof frame - FRAME(0));
}

static void send_outputs(mien_core *core, uint8_t seq)
{
    uint8_t frame[FRAME(MIEN_OUTPUTS_SIZE + 2 * MIEN_CHANNELS_MAX)];
    struct mien_outputs m;
    m.t_us = core->now_us;
    m.count = mien_channels(core);
    for (uint8_t k = 0; k < m.count; k++) {
        mien_write_u16(frame + HEADER_SIZE + MIEN_OUTPUTS_SIZE + 2 * k, core->motion[k].pulse);
    }
    m.powered_0 = core->powered[0]; /* all off unless the state drives */
    m.powered_1 = core->powered[1];
    m.powered_2 = core->powered[2];
    m.powered_3 = core->powered[3];
    m.powered_4 = core->powered[4];
    m.powered_5 = core->powered[5];
    mien_put_outputs(frame + HEADER_SIZE, &m);
    send(core, MIEN_MSG_OUTPUTS, seq, frame, (uint8_t)(MIEN_OUTPUTS_SIZE + 2 * m.count));
}

static void send_ack(mien_core *core, uint8_t type, uint8_t seq, uint8_t result, uint8_t detail)
{
    uint8_t frame[FRAME(MIEN_ACK_SIZE)];
    struct mien_ack m = {type, result, core->state, detail};
    mien_put_ack(frame + HEADER_SIZE, &m);
    send(core, MIEN_MSG_ACK, seq, frame, sizeof frame - FRAME(0));
}

static uint8_t run_arm(mien_core *core, const uint8_t *payload, bool fresh)
{
    struct mien_arm m = mien_get_arm(payload);
    uint8_t all_boards = (uint8_t)((1u << core->boards) - 1u);
    if (!fresh) {
        return MIEN_RESULT_ORDER; /* an echo of an old ARM must not start a face that was stopped */
    }
    if (!core->committed || core->state == MIEN_STATE_ESTOP) {
        return MIEN_RESULT_STATE;
    }
    if (m.crc != core->config_crc) {
        return MIEN_RESULT_CRC;
    }
    if (core->boards_ok != all_boards) {
        return MIEN_RESULT_BOARD;
    }
    return mien_event_apply(core, MIEN_EVENT_ARM) ? MIEN_RESULT_OK : MIEN_RESULT_STATE;
}

static uint8_t run_clear(mien_core *core, bool fresh)
{
    if (!fresh) {
        return MIEN_RESULT_ORDER;
    }
    core->faults = 0;
    return mien_event_apply(core, MIEN_EVENT_CLEAR) ? MIEN_RESULT_OK : MIEN_RESULT_STATE;
}

/* Payload of `type` that begins with these `size` bytes. */
static uint8_t size_of(uint8_t type, const uint8_t *payload, uint8_t size)
{
    switch (type) {
    case MIEN_MSG_PING:
        return MIEN_PING_SIZE;
    case MIEN_MSG_CONFIG_BEGIN:
        return MIEN_CONFIG_BEGIN_SIZE;
    case MIEN_MSG_CONFIG_CHANNEL:
        return MIEN_CONFIG_CHANNEL_SIZE;
    case MIEN_MSG_CONFIG_INTERLOCK: { /* its length depends on its number of terms */
        uint8_t terms = size < MIEN_CONFIG_INTERLOCK_SIZE ? 0 : mien_get_config_interlock(payload).terms;
        return (uint8_t)(MIEN_CONFIG_INTERLOCK_SIZE
                         + (terms <= MIEN_INTERLOCK_TERMS ? terms : 0) * MIEN_INTERLOCK_TERM_SIZE);
    }
    case MIEN_MSG_CONFIG_COMMIT:
        return MIEN_CONFIG_COMMIT_SIZE;
    case MIEN_MSG_ARM:
        return MIEN_ARM_SIZE;
    case MIEN_MSG_SETPOINT: /* checks it itself */
    case MIEN_MSG_ESTOP:    /* stops whatever else the frame may hold */
        return ANY_SIZE;
    default:
        return 0;
    }
}

static void run_setpoint(mien_core *core, const uint8_t *payload, uint8_t size)
{
    switch (mien_queue_put(core, payload, size)) {
    case MIEN_QUEUED:
        core->heartbeat_us = core->now_us;
        break;
    case MIEN_QUEUE_REFUSED: /* no heartbeat: a host with a wrong clock is no host */
        core->count.refused++;
        break;
    default:
        core->count.rx_bad++;
        break;
    }
}

static void run(mien_core *core, uint8_t type, uint8_t seq, bool fresh, const uint8_t *payload,
                uint8_t size)
{
    uint8_t result = MIEN_RESULT_OK;
    uint8_t detail = 0;
    uint8_t expected = size_of(type, payload, size);

    if (expected != ANY_SIZE && size != expected) {
        core->count.rx_bad++;
        send_ack(core, type, seq, MIEN_RESULT_LENGTH, size);
        return;
    }
    switch (type) {
    case MIEN_MSG_HELLO:
        send_hello(core, seq);
        return;
    case MIEN_MSG_PING:
        core->heartbeat_us = core->now_us;
        send_pong(core, seq, payload);
        return;
    case MIEN_MSG_SETPOINT:
        run_setpoint(core, payload, size);
        return;
    case MIEN_MSG_READ_OUTPUTS:
        send_outputs(core, seq);
        return;
    case MIEN_MSG_CONFIG_BEGIN:
        result = mien_config_begin(core, payload);
        break;
    case MIEN_MSG_CONFIG_CHANNEL:
        result = mien_config_channel(core, payload);
        detail = payload[0];
        break;
    case MIEN_MSG_CONFIG_INTERLOCK:
        result = mien_config_interlock(core, payload, size);
        detail = payload[0];
        break;
    case MIEN_MSG_CONFIG_COMMIT:
        result = mien_config_commit(core, payload);
        detail = core->received;
        break;
    case MIEN_MSG_ARM:
        result = run_arm(core, payload, fresh);
        detail = core->boards_ok;
        if (mien_stop_switch(core) == MIEN_SWITCH_NONE) {
            detail |= MIEN_ARM_NO_SWITCH;
        }
        break;
    case MIEN_MSG_DISARM:
        (void)mien_event_apply(core, MIEN_EVENT_DISARM);
        break;
    case MIEN_MSG_ESTOP:
        (void)mien_event_apply(core, MIEN_EVENT_ESTOP);
        break;
    case MIEN_MSG_CLEAR:
        result = run_clear(core, fresh);
        break;
    default:
        result = MIEN_RESULT_UNKNOWN;
        break;
    }
    send_ack(core, type, seq, result, detail);
}

/* Counts gaps in the host's numbering. True unless the number is one of the last 128 again. */
static bool take_seq(mien_core *core, uint8_t type, uint8_t seq)
{
    int8_t gap = (int8_t)(seq - core->rx_seq);
    if (type == MIEN_MSG_HELLO || !core->rx_seq_known) {
        gap = 0; /* after HELLO a host may start its count anywhere */
    }
    if (gap < 0) {
        return false;
    }
    core->count.rx_lost = (uint16_t)(core->count.rx_lost + (uint8_t)gap);
    core->rx_seq = (uint8_t)(seq + 1);
    core->rx_seq_known = true;
    return true;
}

static void take_frame(mien_core *core)
{
    uint8_t size = mien_cobs_decode(core->rx, core->rx_size);
    if (size < HEADER_SIZE + CRC_SIZE
        || mien_crc(MIEN_CRC_INIT, core->rx, (uint8_t)(size - CRC_SIZE))
               != mien_read_u16(core->rx + size - CRC_SIZE)) {
        core->count.rx_bad++;
        return;
    }
    uint8_t type = core->rx[0];
    uint8_t seq = core->rx[1];
    core->count.rx_frames++;
    core->any_frame = true;
    bool fresh = take_seq(core, type, seq);
    run(core, type, seq, fresh, core->rx + HEADER_SIZE, (uint8_t)(size - HEADER_SIZE - CRC_SIZE));
}

void mien_receive(mien_core *core, uint32_t now_us, const uint8_t *data, uint16_t size)
{
    core->now_us = now_us;
    for (uint16_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            if (core->rx_size < MIEN_FRAME_MAX - 1) {
                core->rx[core->rx_size++] = data[i];
            } else {
                core->rx_skip = true;
            }
            continue;
        }
        if (core->rx_skip) {
            core->count.rx_bad++;
        } else if (core->rx_size > 0) {
            take_frame(core);
        }
        core->rx_skip = false;
        core->rx_size = 0;
    }
}
