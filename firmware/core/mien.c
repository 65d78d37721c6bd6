#include "core.h"

const uint8_t mien_bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};

#define TELEMETRY_DEFAULT_MS 100 /* until a configuration sets it */

void mien_init(mien_core *core, uint8_t reset)
{
    /* Everything starts at zero, and zero is UNCONFIGURED, not committed, not powered, empty. */
    uint8_t *byte = (uint8_t *)core;
    for (uint16_t i = 0; i < sizeof *core; i++) {
        byte[i] = 0;
    }
    core->telemetry_ms = TELEMETRY_DEFAULT_MS;
    core->reset = reset;
    if (reset == MIEN_RESET_WATCHDOG) {
        core->faults |= MIEN_FAULT_WATCHDOG;
    }
    if (reset == MIEN_RESET_BROWNOUT) {
        core->faults |= MIEN_FAULT_BROWNOUT;
    }
}

bool mien_drive(const mien_core *core)
{
    return core->state == MIEN_STATE_ARMED || core->state == MIEN_STATE_FAILSAFE;
}

bool mien_event_apply(mien_core *core, enum mien_event event)
{
    uint8_t next = mien_next(core->state, event);
    if (next == MIEN_REFUSED) {
        return false;
    }
    if (next == MIEN_STATE_DISARMED && event != MIEN_EVENT_COMMIT && !core->committed) {
        next = MIEN_STATE_UNCONFIGURED; /* CLEAR of an e-stop that came before the upload */
    }
    if (next == core->state) {
        return true;
    }
    bool was_driven = mien_drive(core);
    core->state = next;
    if (next == MIEN_STATE_FAILSAFE) {
        core->homing = false;
        mien_release_begin(core);
    } else if (next == MIEN_STATE_ARMED) {
        core->homing = true;
        core->heartbeat_us = core->now_us;
        mien_queue_hold_safe(core);
        mien_motion_power(core, true);
    } else if (was_driven && !mien_drive(core)) {
        mien_motion_power(core, false);
    }
    return true;
}

bool mien_tick(mien_core *core, uint32_t now_us)
{
    core->now_us = now_us;
    if (!core->ticking) {
        core->ticking = true;
        core->tick_us = now_us;
        core->step_us = now_us;
        core->telemetry_us = now_us;
    }
    uint32_t loop_us = now_us - core->tick_us;
    core->tick_us = now_us;
    if (loop_us > core->count.loop_max_us) {
        core->count.loop_max_us = (uint16_t)(loop_us < 0xFFFFu ? loop_us : 0xFFFFu);
    }

    /* Before the step, so that a silent host never moves anything once more. */
    if (core->state == MIEN_STATE_ARMED && now_us - core->heartbeat_us > core->timeout_us) {
        core->faults |= MIEN_FAULT_LINK;
        (void)mien_event_apply(core, MIEN_EVENT_LINK_LOST);
    }

    bool due = (int32_t)(now_us - core->step_us) >= 0;
    if (due) {
        uint32_t missed = (now_us - core->step_us) / MIEN_STEP_US;
        if (missed > 0) {
            core->count.overruns = (uint16_t)(core->count.overruns + missed);
            core->faults |= MIEN_FAULT_OVERRUN;
        }
        core->step_us += (missed + 1) * MIEN_STEP_US;
        if (mien_drive(core)) {
            mien_motion_step(core);
        }
    }
    if (core->any_frame && now_us - core->telemetry_us >= core->telemetry_ms * 1000UL) {
        core->telemetry_us = now_us;
        mien_send_telemetry(core);
    }
    return due;
}

uint16_t mien_pulse(const mien_core *core, uint8_t index)
{
    if (!mien_drive(core) || index >= core->channels || !mien_motion_powered(core, index)) {
        return 0;
    }
    return core->motion[index].pulse;
}

uint8_t mien_channels(const mien_core *core)
{
    return core->committed ? core->channels : 0;
}

uint8_t mien_boards(const mien_core *core)
{
    return core->committed ? core->boards : 0;
}

uint8_t mien_generation(const mien_core *core)
{
    return core->generation;
}

uint8_t mien_stop_switch(const mien_core *core)
{
    return core->committed ? core->stop_switch : MIEN_SWITCH_NONE;
}

uint8_t mien_output(const mien_core *core, uint8_t index)
{
    return core->channel[index].output;
}

uint8_t mien_address(const mien_core *core, uint8_t board)
{
    return core->address[board];
}

static void lose_board(mien_core *core, uint8_t board)
{
    core->boards_ok = (uint8_t)(core->boards_ok & ~(1u << board));
    if (mien_drive(core)) {
        core->faults |= MIEN_FAULT_BOARD;
        (void)mien_event_apply(core, MIEN_EVENT_BOARD_LOST);
    }
}

void mien_board_verified(mien_core *core, uint8_t board, bool ok)
{
    if (board >= mien_boards(core)) {
        return;
    }
    if (ok) {
        core->boards_ok = (uint8_t)(core->boards_ok | 1u << board);
        core->bus_failures[board] = 0;
    } else {
        lose_board(core, board);
    }
}

void mien_bus(mien_core *core, uint8_t board, bool ok)
{
    if (board >= mien_boards(core)) {
        return;
    }
    if (ok) {
        core->bus_failures[board] = 0;
        return;
    }
    core->count.bus_errors++;
    core->faults |= MIEN_FAULT_BUS;
    if (core->bus_failures[board] < MIEN_BUS_FAILURES_MAX) {
        core->bus_failures[board]++;
    }
    if (core->bus_failures[board] == MIEN_BUS_FAILURES_MAX) {
        lose_board(core, board);
    }
}

void mien_button(mien_core *core)
{
    core->faults |= MIEN_FAULT_BUTTON;
    (void)mien_event_apply(core, MIEN_EVENT_ESTOP);
}

void mien_stop(mien_core *core)
{
    (void)mien_event_apply(core, MIEN_EVENT_ESTOP);
}

void mien_uart_error(mien_core *core)
{
    core->faults |= MIEN_FAULT_UART;
    core->count.rx_bad++;
}
