/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watchdog.h"

#include <string.h>

#include "machine.h"

#define WDTCSR 0x60u
#define MCUSR 0x54u
enum { WDIF = 0x80, WDIE = 0x40, WDP3 = 0x20, WDCE = 0x10, WDE = 0x08, WDRF = 0x08 };

static uint64_t period(uint8_t control) {
    const unsigned exponent = (control & 7u) | ((control & WDP3) ? 8u : 0u);
    return (uint64_t)(MACHINE_HZ / 128000u) * 2048u << exponent;
}

static void restart(struct watchdog *w) {
    const uint8_t control = w->machine->avr->data[WDTCSR];
    w->deadline = control & WDE ? machine_now(w->machine) + period(control) : NEVER;
    machine_touch(w->machine);
}

void watchdog_kick(struct watchdog *w) {
    const uint64_t now = machine_now(w->machine);
    if (w->deadline != NEVER && now - w->kicked > w->longest) {
        w->longest = now - w->kicked;
    }
    w->kicked = now;
    restart(w);
}

static void control_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct watchdog *w = self;
    const uint8_t old = avr->data[address];
    const uint64_t now = machine_now(w->machine);
    if (value & WDIE) {
        machine_crash(w->machine, "the watchdog's interrupt mode is not modelled");
    }
    if ((value & WDCE) && (value & WDE)) { /* opens the change window; prescaler as it was */
        w->change_until = now + 4;
        avr->data[address] = (uint8_t)(old | WDE);
    } else if (now <= w->change_until) {
        const bool forced = (avr->data[MCUSR] & WDRF) != 0;
        avr->data[address] = (uint8_t)((value & (WDP3 | WDE | 7u)) | (forced ? WDE : 0));
        w->change_until = 0;
    } else {
        avr->data[address] = (uint8_t)(old | (value & WDE)); /* setting WDE alone is always allowed */
    }
    if ((old & WDE) == 0) {
        w->kicked = now;
    }
    restart(w);
}

void watchdog_init(struct watchdog *w, struct machine *machine) {
    memset(w, 0, sizeof *w);
    w->machine = machine;
    machine_hook(machine, WDTCSR, NULL, control_write, w);
}

void watchdog_reset(struct watchdog *w, bool forced) {
    w->machine->avr->data[WDTCSR] = forced ? WDE : 0;
    w->change_until = 0;
    w->kicked = machine_now(w->machine);
    restart(w);
}
