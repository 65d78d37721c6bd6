/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pins.h"

#include <string.h>

#include "machine.h"

#define PIND 0x29u
#define DDRD 0x2au
#define PORTD 0x2bu
#define PINE 0x2cu
#define DDRE 0x2du
#define PORTE 0x2eu
#define TWCR 0xbcu
enum { OE = 0x10, STOP = 0x20, SCL = 0x01, SDA = 0x02, TWEN = 0x04 };

static void update(struct pins *p) {
    const uint8_t *data = p->machine->avr->data;
    const bool oe_high = !(data[DDRE] & OE) || (data[PORTE] & OE);
    if (oe_high != p->oe_high) {
        p->oe_high = oe_high;
        *(oe_high ? &p->oe_rose : &p->oe_fell) = machine_now(p->machine);
        machine_log(p->machine, EVENT_OE, 0, 0, oe_high);
    }
    const bool by_hand = !(data[TWCR] & TWEN);
    const bool scl_low = by_hand && (data[DDRD] & SCL) && !(data[PORTD] & SCL);
    if (p->scl_low && !scl_low && !p->machine->bus.scl_held) {
        bus_clock(&p->machine->bus);
    }
    p->scl_low = scl_low;
}

static void port_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    avr->data[address] = value;
    update(self);
}

static uint8_t port_d_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    (void)address;
    const struct pins *p = self;
    const struct bus *bus = &p->machine->bus;
    const uint8_t driven_low = avr->data[DDRD] & (uint8_t)~avr->data[PORTD];
    uint8_t value = SCL | SDA; /* pulled up */
    if (bus->scl_held || (driven_low & SCL)) {
        value &= (uint8_t)~SCL;
    }
    if (bus_sda_low(bus) || (driven_low & SDA)) {
        value &= (uint8_t)~SDA;
    }
    return value;
}

static uint8_t port_e_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    (void)address;
    const struct pins *p = self;
    const uint8_t own = avr->data[PORTE] & (uint8_t)~STOP;
    const bool pulled_up = (avr->data[PORTE] & STOP) != 0;
    return (uint8_t)(own | (pulled_up && !p->stop_closed ? STOP : 0));
}

void pins_init(struct pins *p, struct machine *machine) {
    memset(p, 0, sizeof *p);
    p->machine = machine;
    p->oe_wired = true;
    p->oe_high = true;
    machine_hook(machine, PIND, port_d_read, NULL, p);
    machine_hook(machine, DDRD, NULL, port_write, p);
    machine_hook(machine, PORTD, NULL, port_write, p);
    machine_hook(machine, PINE, port_e_read, NULL, p);
    machine_hook(machine, DDRE, NULL, port_write, p);
    machine_hook(machine, PORTE, NULL, port_write, p);
}

void pins_reset(struct pins *p) { update(p); }
