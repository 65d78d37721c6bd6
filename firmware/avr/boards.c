#include "boards.h"

#include <util/atomic.h>

#include "burst.h"
#include "hardware.h"
#include "pca9685.h"
#include "switch.h"
#include "twi.h"
#include "uart.h"

enum job { JOB_NONE, JOB_ALL_OFF, JOB_OFF, JOB_BURST, JOB_SETUP, JOB_CHECK };

static enum job job;
static uint8_t job_board;
static uint8_t job_stage;  /* of JOB_SETUP and JOB_CHECK */
static uint8_t configured; /* boards of the configuration that was read, 0 = none */
static uint8_t generation; /* the core's, when the configuration was read */
static uint8_t everyone;   /* one bit for each configured board */
static uint8_t address[MIEN_BOARDS_MAX]; /* and where they are: the core may already have others */
static bool off_due;       /* ALL_LED_OFF to all boards */
static bool off_acknowledged; /* some board acknowledged the last ALL_LED_OFF */
static uint8_t off_boards; /* bit b: then to board b by address, because a common call hides a missing answer */
static bool step_due;
static bool clean;         /* no burst of this refresh failed */
static uint8_t bursts;     /* bit b: board b is still to be written in this refresh */
static bool refreshing;
static bool gate_open;     /* /OE is low */
static uint8_t muted;      /* bit b: set up anew while driving; off until the next ARM */
static bool abandoned;     /* /OE is high because a board stayed lost */
static uint8_t last_state;
static uint8_t check_board;
static uint16_t check_us; /* low half of the time of the last check */
static uint32_t obeyed_us; /* when all boards last answered well */

static void open_gate(void) {
    ATOMIC_BLOCK(ATOMIC_FORCEON) { /* or a stop between the question and the answer would be lost */
        if (!uart_stopped() && !switch_unrest()) {
            OE_PORT &= (uint8_t)~_BV(OE_BIT);
            LED_PORT |= _BV(LED_BIT);
            gate_open = true;
        }
    }
}

static void shut_gate(void) {
    OE_PORT |= _BV(OE_BIT);
    LED_PORT &= (uint8_t)~_BV(LED_BIT);
    gate_open = false;
    clean = false; /* the refresh under way began before that: it does not open the gate again */
}

static void all_off(void) {
    shut_gate();
    twi_abort();
    off_due = true;
    step_due = false;
    refreshing = false;
}

static void begin(enum job what, uint8_t board) {
    job = what;
    job_board = board;
}

void boards_start(void) {
    OE_PORT |= _BV(OE_BIT); /* level first, direction second: never low in between */
    OE_DDR |= _BV(OE_BIT);
    LED_DDR |= _BV(LED_BIT);
    twi_start();
    begin(JOB_ALL_OFF, 0);
    pca9685_off(0, PCA9685_ALL_CALL);
}

/* The core has another configuration than this file: what is under way belongs to the old one. */
static bool outdated(const mien_core *core) {
    return mien_boards(core) != configured || mien_generation(core) != generation;
}

void boards_gate(const mien_core *core) {
    const uint8_t state = core->state;
    const bool drive = mien_drive(core);
    if (!drive) {
        if (gate_open || last_state == MIEN_STATE_ARMED || last_state == MIEN_STATE_FAILSAFE) {
            all_off();
        }
        muted = 0;
        abandoned = false;
    } else if (state == MIEN_STATE_ARMED && last_state != MIEN_STATE_ARMED) {
        muted = 0;
        abandoned = false;
        clean = false;
    }
    if (gate_open && (OE_PORT & _BV(OE_BIT)) != 0) { /* an interrupt has shut it */
        shut_gate();
    }
    last_state = state;
}

void boards_step(void) { step_due = true; }

bool boards_ready(void) { return job != JOB_NONE ? twi_ended() : off_due || step_due || refreshing; }

/* What the end of a transfer means. Setup and check go on stage by stage. */
static void finish(mien_core *core, enum twi_result result, uint32_t now_us) {
    const bool ok = result == TWI_OK;
    const enum job done = job;
    const uint8_t bit = (uint8_t)(1U << job_board);
    job = JOB_NONE;
    if (result == TWI_ABORTED) {
        return;
    }
    if (outdated(core)) { /* the core would take it for the same board of the new configuration */
        if (done == JOB_ALL_OFF) {
            off_due = false;
            off_boards = everyone;
        } else if (done == JOB_OFF) {
            off_boards &= (uint8_t)~bit;
        }
        return;
    }
    switch (done) {
    case JOB_ALL_OFF:
        off_due = false;
        off_acknowledged = ok;
        off_boards = core->boards_ok;
        break;
    case JOB_OFF: /* until it obeys or is lost; setting it up turns it off first */
        mien_bus(core, job_board, ok);
        if (ok || (core->boards_ok & bit) == 0) {
            off_boards &= (uint8_t)~bit;
        }
        break;
    case JOB_BURST:
        mien_bus(core, job_board, ok);
        clean = clean && ok;
        break;
    case JOB_SETUP:
    case JOB_CHECK:
        if (!ok && done == JOB_CHECK) {
            mien_bus(core, job_board, false);
        } else if (!ok || !pca9685_accept(job_stage)) {
            mien_board_verified(core, job_board, false);
        } else if (job_stage == PCA9685_LAST_STAGE) {
            if (done == JOB_SETUP && mien_drive(core)) {
                muted |= bit;
            }
            mien_board_verified(core, job_board, true);
        } else {
            job = done;
            job_stage++;
            pca9685_stage(now_us, address[job_board], job_stage);
        }
        break;
    case JOB_NONE:
        break;
    }
}

static bool begin_burst(mien_core *core, uint32_t now_us) {
    if (step_due && !refreshing) {
        step_due = false;
        refreshing = true;
        clean = true;
        bursts = core->boards_ok & (uint8_t)~muted;
        burst_take(core);
    }
    if (!refreshing) {
        return false;
    }
    for (uint8_t board = 0; board < configured; board++) {
        const uint8_t bit = (uint8_t)(1U << board);
        if ((bursts & bit) != 0) {
            bursts &= (uint8_t)~bit;
            if (burst_start(now_us, address[board], board)) {
                begin(JOB_BURST, board);
                return true;
            }
        }
    }
    refreshing = false;
    if (clean && !abandoned && !gate_open && core->boards_ok == everyone && muted == 0) {
        open_gate();
    }
    return false;
}

/* The next board in turn: read back if it is well, set up anew if it is not. */
static void begin_check(mien_core *core, uint32_t now_us) {
    check_board = (uint8_t)(check_board + 1U < configured ? check_board + 1U : 0U);
    const bool well = (core->boards_ok & (1U << check_board)) != 0;
    begin(well ? JOB_CHECK : JOB_SETUP, check_board);
    job_stage = well ? PCA9685_FIRST_CHECK : 0;
    pca9685_stage(now_us, address[check_board], job_stage);
}

/* The configuration came, went, or is another one. The boards of the old one were turned off before. */
static void learn(const mien_core *core) {
    configured = mien_boards(core);
    generation = mien_generation(core);
    everyone = (uint8_t)((1U << configured) - 1U);
    check_board = 0;
    step_due = false;
    refreshing = false;
    for (uint8_t board = 0; board < configured; board++) {
        address[board] = mien_address(core, board);
    }
    if (configured != 0) {
        pca9685_rate(core->pwm_hz);
        burst_layout(core);
    }
}

static void watch_lost(const mien_core *core, uint32_t now_us) {
    if (!mien_drive(core) || core->boards_ok == everyone) {
        obeyed_us = now_us;
    } else if (now_us - obeyed_us > LOST_OFF_MS * 1000UL && !abandoned) {
        abandoned = true;
        all_off();
    }
}

void boards_poll(mien_core *core, uint32_t now_us) {
    if (job != JOB_NONE) {
        const enum twi_result result = twi_poll(now_us);
        if (result == TWI_BUSY) {
            return;
        }
        finish(core, result, now_us);
        if (job != JOB_NONE) {
            return;
        }
    }
    watch_lost(core, now_us);
    if (off_due) {
        begin(JOB_ALL_OFF, 0);
        pca9685_off(now_us, PCA9685_ALL_CALL);
        return;
    }
    for (uint8_t board = 0; board < configured; board++) {
        if ((off_boards & (1U << board)) != 0) {
            begin(JOB_OFF, board);
            pca9685_off(now_us, address[board]);
            return;
        }
    }
    if (outdated(core)) {
        learn(core);
    }
    const bool drive = mien_drive(core) && !abandoned;
    if (!drive) {
        step_due = false;
        refreshing = false;
    } else if (begin_burst(core, now_us)) {
        return;
    }
    if ((uint16_t)((uint16_t)now_us - check_us) > (drive ? DRIVE_CHECK_US : IDLE_CHECK_US)) {
        check_us = (uint16_t)now_us;
        if (configured != 0) {
            begin_check(core, now_us);
        } else {
            off_due = !off_acknowledged; /* no configuration names the boards yet, but they may be driving */
        }
    }
}
