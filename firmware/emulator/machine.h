/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An ATmega2560 whose CPU is simavr's and whose peripherals are ours.
 *
 * simavr 1.6 executes instructions with the right cycle counts, but its UART counts 11 bits and never
 * overruns, its TWI ignores the bit rate, its watchdog reset forgets every timer and its interrupt queue can
 * lose a vector. So only avr_run_one() is used. The run loop, the interrupt arbitration and every peripheral
 * that the firmware touches are in this folder, written from the datasheet (Atmel-2549Q).
 *
 * Time is the CPU cycle (1/16 MHz = 62.5 ns). It starts at 0 when the machine is made and never goes back,
 * resets included.
 */
#ifndef MIEN_EMULATOR_MACHINE_H
#define MIEN_EMULATOR_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sim_avr.h>

#include "bus.h"
#include "eeprom.h"
#include "pins.h"
#include "timer1.h"
#include "twi.h"
#include "uart.h"
#include "watchdog.h"

#define MACHINE_HZ 16000000u
#define NEVER UINT64_MAX
#define STACK_PAINT 0xc5

/* What happened, for tests: every entry is stamped with the cycle. */
enum event_kind {
    EVENT_RESET = 1,       /* value: MCUSR cause bits */
    EVENT_OE = 2,          /* value: level of the /OE line, 1 = outputs off */
    EVENT_START = 3,       /* value: 1 when repeated */
    EVENT_ADDRESS = 4,     /* reg: SLA+R/W byte, value: 1 when acknowledged */
    EVENT_REGISTER = 5,    /* board, reg, value: a PCA9685 register was written */
    EVENT_STOP = 6,
    EVENT_ALL_OFF = 7,     /* board: ALL_LED full-off took effect */
    EVENT_OVERRUN = 8,     /* value: the received byte that was lost */
    EVENT_MARK = 10,       /* value: the program wrote it to GPIOR0, to show where it is */
    EVENT_EEPROM = 11,     /* board, reg: address high, low; value: what the cell now holds */
    EVENT_CRASH = 9        /* invalid opcode, program counter out of the image, sleep with interrupts off */
};
#define EVENT_MASK(kind) (1u << (kind))

struct event {
    uint64_t cycle;
    uint8_t kind, board, reg, value;
    uint8_t unused[4];
};

#define EVENT_CAPACITY 65536u

struct machine {
    avr_t *avr;
    uint64_t base;    /* cycles before the last reset: now = base + avr->cycle */
    uint64_t pending; /* bit n: interrupt vector n is flagged and enabled */
    bool reset_wanted;
    uint8_t reset_cause;
    bool crashed;
    char message[160];

    struct uart uart;
    struct twi twi;
    struct bus bus;
    struct eeprom eeprom;
    struct timer1 timer1;
    struct watchdog watchdog;
    struct pins pins;

    uint32_t event_mask;
    struct event *events; /* ring of EVENT_CAPACITY, oldest overwritten */
    uint64_t event_head, event_tail;
};

/* NULL with a message on stderr when libsimavr is not the version these models were written for. */
struct machine *machine_new(const uint8_t *image, size_t size);
void machine_free(struct machine *m);

uint64_t machine_now(const struct machine *m);
/* Runs to the first instruction boundary at or after `until`. False once the program has crashed. */
bool machine_run(struct machine *m, uint64_t until);
/* Power-on (cause PORF = 1), reset pin (EXTRF = 2), brown-out (BORF = 4) or watchdog (WDRF = 8). RAM and EEPROM are
 * kept, as in the chip; 1 and 4 tear a byte that is being written to the EEPROM. */
void machine_reset(struct machine *m, uint8_t cause);

/* For the peripherals: level of an interrupt request, "read my deadline again", the log, the end. */
void machine_request(struct machine *m, uint8_t vector, bool level);
void machine_touch(struct machine *m);
void machine_log(struct machine *m, enum event_kind kind, uint8_t board, uint8_t reg, uint8_t value);
void machine_crash(struct machine *m, const char *why);

/* Puts our hooks in place of simavr's own for one data-space address. */
void machine_hook(struct machine *m, uint16_t address, avr_io_read_t read, avr_io_write_t write, void *self);

#endif
