/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The watchdog in system reset mode: 128 kHz, 2048 << WDP ticks, the timed change sequence, and WDRF forcing
 * WDE, so that after a watchdog reset it runs on at its shortest timeout until the firmware changes that.
 */
#ifndef MIEN_EMULATOR_WATCHDOG_H
#define MIEN_EMULATOR_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

struct watchdog {
    struct machine *machine;
    uint64_t deadline;      /* NEVER while disabled */
    uint64_t change_until;  /* end of the four cycles after WDCE */
    uint64_t kicked;        /* cycle of the last WDR */
    uint64_t longest;       /* longest distance between two, cycles */
};

void watchdog_init(struct watchdog *w, struct machine *machine);
void watchdog_reset(struct watchdog *w, bool forced);
void watchdog_kick(struct watchdog *w);

#endif
