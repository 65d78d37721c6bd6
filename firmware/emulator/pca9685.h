/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * NXP PCA9685 (rev. 4): 16 outputs of 12 bits, decoded into pulse widths.
 *
 * Outputs change on STOP (MODE2.OCH is 0). SLEEP stops the oscillator and the outputs; waking restarts an
 * output when it is written or when RESTART is written to 1. PRE_SCALE is writable in SLEEP only. With
 * MODE1.AI the pointer runs from LED15_OFF_H (0x45) and from PRE_SCALE (0xfe) to 0. A reset of the
 * microcontroller does not reach this chip: it has no reset pin.
 */
#ifndef MIEN_EMULATOR_PCA9685_H
#define MIEN_EMULATOR_PCA9685_H

#include <stdbool.h>
#include <stdint.h>

#define PCA9685_CHANNELS 16u

struct machine;

struct pca9685 {
    struct machine *machine;
    uint8_t index, own_address;
    bool present;
    bool refuse;              /* does not acknowledge although it is powered */
    uint16_t refuse_after;    /* acknowledges this many more bytes, then refuses; 0xffff: off */
    double oscillator_hz;     /* 25 MHz nominal; real parts are off by several percent */

    uint8_t mode1, mode2, sub[3], all_call, prescale;
    uint8_t led[4 * PCA9685_CHANNELS];   /* as written */
    uint8_t live[4 * PCA9685_CHANNELS];  /* as driven, since the last STOP */
    uint16_t touched;                    /* outputs written since the last STOP */
    uint16_t running;                    /* outputs that were started since the last SLEEP */
    bool all_off;

    bool selected, reading, pointer_next, general;
    uint8_t pointer;
    uint64_t writes;
};

void pca9685_init(struct pca9685 *p, struct machine *machine, uint8_t index, uint8_t address);
/* Power comes: every register at its reset value. */
void pca9685_power_on(struct pca9685 *p);

void pca9685_start(struct pca9685 *p);
bool pca9685_address(struct pca9685 *p, uint8_t address);
bool pca9685_write(struct pca9685 *p, uint8_t value);
uint8_t pca9685_read(struct pca9685 *p, bool more);
void pca9685_stop(struct pca9685 *p);

/* What a read of the register gives. */
uint8_t pca9685_peek(const struct pca9685 *p, uint8_t reg);

/* Width of the pulse in us, 0 when the output is off, the period when it is fully on. Ignores /OE. */
double pca9685_pulse_us(const struct pca9685 *p, uint8_t channel);
double pca9685_period_us(const struct pca9685 *p);

#endif
