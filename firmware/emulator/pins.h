/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pins that matter: PE4 (Arduino D2) drives /OE of all boards, which a resistor pulls high; PD0 and PD1
 * are SCL and SDA, driven by hand while the TWI is off; PE5 is the emergency switch to ground, closed unless it is
 * opened, and INT5 sees its edges (any edge; the other modes of INT5 end the run with a message).
 */
#ifndef MIEN_EMULATOR_PINS_H
#define MIEN_EMULATOR_PINS_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

struct pins {
    struct machine *machine;
    bool oe_high;
    bool oe_wired;   /* false: somebody tied /OE to ground, only the registers turn outputs off */
    bool stop_closed;
    bool stop_high;  /* level of PE5 */
    bool edge;       /* INTF5 */
    bool scl_low;    /* driven low by hand */
    uint64_t oe_rose, oe_fell; /* cycles of the last edges */
};

void pins_init(struct pins *p, struct machine *machine);
void pins_reset(struct pins *p);
void pins_entered(struct pins *p, uint8_t vector);

/* The emergency switch is closed or opened. */
void pins_switch(struct pins *p, bool closed);

#endif
