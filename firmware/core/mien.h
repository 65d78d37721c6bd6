/* The firmware core: bytes and time in, pulses and bytes out.
 *
 * One caller-owned struct holds everything. No heap, no float, no I/O, no recursion, no clock: the
 * hardware layer (firmware/avr, firmware/host) calls these functions from one context and passes the
 * time. Only mien_transmit may be called from an interrupt. The same sources run on every target.
 *
 * The hardware layer's loop:
 *
 *     mien_init(&core, reset_cause);                      outputs are off: drive them off first
 *     for (;;) {
 *         mien_receive(&core, now, bytes, n);             whatever has arrived, also nothing
 *         if (!mien_drive(&core)) raise /OE at once;      before anything else: this is the e-stop
 *         if (mien_tick(&core, now)) write mien_pulse(&core, k) of every channel to its board;
 *         if (mien_transmit(&core, &byte)) send byte;     or from the UART's interrupt
 *         mien_bus(&core, board, ok);                     after each I2C transfer
 *         if (!mien_drive(&core)) probe boards: mien_board_verified(&core, board, ok);
 *     }
 *
 * Guarantees, in every state and for every input:
 *   - mien_pulse is 0 (no drive) or lies in [min, max] of the channel;
 *   - from one step to the next a driven pulse changes by at most the channel's slew;
 *   - a driven tendon, once taut, never goes back behind its floor, but for the release in FAILSAFE;
 *   - no step lets the sum of an interlock cross its limit, or adds to one that is above it;
 *   - FAILSAFE ends in RELEASED, outputs off, at most hold_s + 1 s after its ramp has ended;
 *   - when the host is silent for timeout_ms in ARMED, the next tick is FAILSAFE;
 *   - after an ESTOP frame, mien_stop or mien_button mien_drive is false when the call returns.
 */
#ifndef MIEN_H
#define MIEN_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

#define MIEN_TX_RING 256 /* a power of two that a uint8_t index wraps on */
#define MIEN_SLOTS (MIEN_QUEUE_DEPTH + 1)
#define MIEN_NO_TERM 0xFF

typedef struct { /* one channel as configured; fields as in MIEN_FIELDS_CONFIG_CHANNEL */
    uint16_t min, max, safe, slew, slack, floor;
    uint8_t output; /* board * MIEN_BOARD_CHANNELS + channel */
    uint8_t flags;
    uint8_t idle;
    uint8_t delay;
} mien_channel;

typedef struct { /* one channel's part of an interlock; fields as in MIEN_FIELDS_INTERLOCK_TERM */
    uint16_t neutral;
    int16_t below, above;
    uint8_t channel;
    uint8_t lock; /* index of its interlock */
    uint8_t next; /* term of the same channel in another one, or MIEN_NO_TERM */
} mien_term;

typedef struct { /* sum of `terms` terms from `first` on, at most `limit` */
    int32_t limit;
    uint8_t first, terms;
} mien_interlock;

enum mien_phase { /* of FAILSAFE */
    MIEN_PHASE_RAMP,
    MIEN_PHASE_HOLD,
    MIEN_PHASE_SLACKEN
};

typedef struct { /* one channel as it moves */
    uint16_t pulse; /* last driven, or where the first drive will start */
    uint16_t rest;  /* target at which the idle time began */
    uint16_t idle;  /* steps since then */
} mien_motion;

typedef struct { /* a pose and its time */
    uint32_t t_us;
    uint16_t pulse[MIEN_CHANNELS_MAX];
} mien_slot;

typedef struct {
    /* configuration */
    mien_channel channel[MIEN_CHANNELS_MAX];
    uint8_t address[MIEN_BOARDS_MAX];
    uint8_t channels; /* announced by CONFIG_BEGIN */
    uint8_t received; /* CONFIG_CHANNEL frames so far */
    uint8_t boards;
    mien_interlock interlock[MIEN_INTERLOCKS_MAX];
    mien_term term[MIEN_TERMS_MAX];
    uint8_t interlocks; /* announced by CONFIG_BEGIN */
    uint8_t locked;     /* CONFIG_INTERLOCK frames so far */
    uint8_t terms;      /* of these interlocks */
    uint8_t first_term[MIEN_CHANNELS_MAX]; /* of each channel, or MIEN_NO_TERM */
    uint8_t hold_s;
    uint8_t stop_switch; /* enum mien_switch */
    uint16_t pwm_hz;
    uint16_t telemetry_ms;
    uint32_t timeout_us;
    uint16_t upload_crc;  /* running CRC of the upload */
    uint16_t config_crc;  /* of the committed configuration */
    bool committed;
    bool placed;          /* config_crc was committed since reset: the same again keeps the pulses */
    uint8_t generation;   /* of commits, modulo 256 */

    /* motion */
    uint8_t state;
    bool homing;          /* after ARM, until every channel has started and reached safe */
    uint8_t soft_steps;   /* remaining steps at a quarter of the slew */
    mien_motion motion[MIEN_CHANNELS_MAX];
    uint8_t powered[(MIEN_CHANNELS_MAX + 7) / 8];
    uint8_t started;      /* channels with a delay of this many MIEN_DELAY_UNIT_MS may be driven */
    uint32_t start_us;    /* when `started` rises next */
    uint8_t phase;        /* enum mien_phase, in FAILSAFE */
    uint32_t phase_us;    /* when it began */

    /* setpoints: a ring; the slot `from` was reached last, the `queued` ones after it wait */
    mien_slot slot[MIEN_SLOTS];
    uint8_t from;
    uint8_t queued;
    bool starving;
    bool newest_known;
    uint32_t newest_us; /* time of the last setpoint accepted */

    /* time */
    bool ticking;
    uint32_t now_us;       /* of the last call */
    uint32_t tick_us;      /* of the last tick */
    uint32_t step_us;      /* when the next step is due */
    uint32_t heartbeat_us; /* last heartbeat */
    uint32_t telemetry_us; /* last telemetry */

    /* link */
    bool any_frame;        /* any good frame since reset */
    bool rx_skip;          /* the frame is too long: wait for its end */
    bool rx_seq_known;
    uint8_t rx_seq;        /* expected next */
    uint8_t tx_seq;
    uint8_t rx_size;
    uint8_t rx[MIEN_FRAME_MAX];
    volatile uint8_t tx_head; /* written by the core only */
    volatile uint8_t tx_tail; /* written by mien_transmit only */
    uint8_t tx[MIEN_TX_RING];

    /* health */
    uint8_t reset;
    uint16_t faults;
    uint8_t boards_ok;
    uint8_t bus_failures[MIEN_BOARDS_MAX];
    struct mien_telemetry count; /* counters, kept where they are sent from */
} mien_core;

/* Clears everything: UNCONFIGURED, outputs off. `reset` is an enum mien_reset. */
void mien_init(mien_core *core, uint8_t reset);

/* Takes `size` bytes from the line, any split, also none. Bad frames are counted and dropped.
 * At most one answer per frame; an answer that finds no room is dropped whole (tx_dropped). */
void mien_receive(mien_core *core, uint32_t now_us, const uint8_t *data, uint16_t size);

/* Watchdog, step, telemetry. Call at least every MIEN_STEP_US, as often as you like. Runs at most one
 * step, late ones are skipped and counted. True: a step ran, and pulses may have changed. */
bool mien_tick(mien_core *core, uint32_t now_us);

/* Next byte for the line. False: none. Safe against the other functions from one interrupt. */
bool mien_transmit(mien_core *core, uint8_t *byte);

/* May the outputs be driven at all (/OE low)? True in ARMED and FAILSAFE. */
bool mien_drive(const mien_core *core);

/* Pulse of channel `index` in 0.25 us, 0 = no drive (also for an index out of range). */
uint16_t mien_pulse(const mien_core *core, uint8_t index);

/* Number of channels and boards of the committed configuration; 0 while there is none. */
uint8_t mien_channels(const mien_core *core);
uint8_t mien_boards(const mien_core *core);

/* Changes with every commit, also of the same configuration. Keep the one that the layout of channels,
 * outputs and addresses was read under, and read all of it anew when it is another: a whole upload may
 * lie between two calls, and the number of boards may be the same before and after it. */
uint8_t mien_generation(const mien_core *core);

/* enum mien_switch of the committed configuration. MIEN_SWITCH_NONE while there is none: nothing is
 * driven, and the meaning of an open input is unknown. Read it again after every commit. */
uint8_t mien_stop_switch(const mien_core *core);

/* Where channel `index` < mien_channels goes: board * MIEN_BOARD_CHANNELS + output of the board. */
uint8_t mien_output(const mien_core *core, uint8_t index);

/* I2C address of board `board` < mien_boards. core->pwm_hz is its frame rate. */
uint8_t mien_address(const mien_core *core, uint8_t board);

/* Fault inputs of the hardware layer. */

/* The probe of a board ended: it answers and holds its mode and prescale (ok), or not. ARM needs all
 * boards verified. Probe again after every commit (mien_boards goes from 0 to n). */
void mien_board_verified(mien_core *core, uint8_t board, bool ok);

/* An I2C transfer to a board ended. MIEN_BUS_FAILURES_MAX failures in a row lose the board: FAILSAFE
 * if armed, and it must be verified anew. RELEASED keeps what was verified. */
void mien_bus(mien_core *core, uint8_t board, bool ok);

/* The board's emergency input is at stop (mien_stop_switch: which level that is). Same as an ESTOP
 * frame; latched. Call it as long as the input is at stop: then CLEAR does not outlast the next call. */
void mien_button(mien_core *core);

/* ESTOP without a frame: the receive interrupt found one whose bytes mien_receive may never get, or the
 * stop was latched before a reset. Latched like ESTOP; CLEAR ends it, and then the state is no longer
 * MIEN_STATE_ESTOP, which is when the hardware layer forgets what it kept for the next reset. Bytes
 * that came before that frame may still wait, a CLEAR among them: call it again after they were taken. */
void mien_stop(mien_core *core);

/* Bytes were lost before mien_receive got them (UART overrun, full ring). */
void mien_uart_error(mien_core *core);

#endif
