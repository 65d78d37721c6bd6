#include "cobs.h"
#include "core.h"
#include "crc.h"
#include "messages.h"

#define ANY_SIZE 0xFF

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
    case MIEN_MSG_CONFIG_INTERLOCK: { /* its list is as long as it says */
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
    uint8_t wanted = size_of(type, payload, size);

    if (wanted != ANY_SIZE && size != wanted) {
        core->count.rx_bad++;
        mien_send_ack(core, type, seq, MIEN_RESULT_LENGTH, size);
        return;
    }
    switch (type) {
    case MIEN_MSG_HELLO:
        mien_send_hello(core, seq);
        return;
    case MIEN_MSG_PING:
        core->heartbeat_us = core->now_us;
        mien_send_pong(core, seq, payload);
        return;
    case MIEN_MSG_SETPOINT:
        run_setpoint(core, payload, size);
        return;
    case MIEN_MSG_READ_OUTPUTS:
        mien_send_outputs(core, seq);
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
    mien_send_ack(core, type, seq, result, detail);
}

/* Counts gaps in the host's numbering. True unless the number is one of the last 128 again. */
static bool take_seq(mien_core *core, uint8_t type, uint8_t seq)
{
    int8_t gap = (int8_t)(seq - core->rx_seq);
    if (type == MIEN_MSG_HELLO || !core->rx_seq_known) {
        gap = 0; /* a host that says hello may start its count anywhere */
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
    if (size < MIEN_HEADER_SIZE + MIEN_CRC_SIZE
        || mien_crc(MIEN_CRC_INIT, core->rx, (uint8_t)(size - MIEN_CRC_SIZE))
               != mien_read_u16(core->rx + size - MIEN_CRC_SIZE)) {
        core->count.rx_bad++;
        return;
    }
    uint8_t type = core->rx[0];
    uint8_t seq = core->rx[1];
    core->count.rx_frames++;
    core->any_frame = true;
    bool fresh = take_seq(core, type, seq);
    run(core, type, seq, fresh, core->rx + MIEN_HEADER_SIZE, (uint8_t)(size - MIEN_HEADER_SIZE - MIEN_CRC_SIZE));
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
