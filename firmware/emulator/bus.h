/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The I2C wires with up to four PCA9685 on them, and the ways in which they fail.
 */
#ifndef MIEN_EMULATOR_BUS_H
#define MIEN_EMULATOR_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "pca9685.h"

#define BUS_BOARDS 4u

struct machine;

struct bus {
    struct machine *machine;
    struct pca9685 boards[BUS_BOARDS];
    uint8_t board_count;

    bool scl_held;        /* a short circuit: SCL stays low */
    bool sda_held;        /* SDA stays low until released by the test */
    uint16_t sda_clocks;  /* SDA stays low until this many clock pulses were given */
    uint64_t transfers, not_acknowledged;
};

void bus_init(struct bus *b, struct machine *machine);

/* From the TWI. bus_abandon: the master let go without a STOP. */
void bus_start(struct bus *b, bool repeated);
bool bus_address(struct bus *b, uint8_t address);
bool bus_write(struct bus *b, uint8_t value);
uint8_t bus_read(struct bus *b, bool acknowledge);
void bus_stop(struct bus *b);
void bus_abandon(struct bus *b);

/* From the pins, when the firmware drives the wires by hand: one SCL pulse. */
void bus_clock(struct bus *b);
bool bus_sda_low(const struct bus *b);

#endif
