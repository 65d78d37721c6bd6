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
#define EIFR 0x3cu
#define EIMSK 0x3du
#define EICRB 0x6au
#define TWCR 0xbcu
enum { INT5 = 0x20, ISC5 = 0x0c, ANY_EDGE = 0x04, VECTOR_INT5 = 6 };
enum { OE = 0x10, STOP = 0x20, SCL = 0x01, SDA = 0x02, TWEN = 0x04 };

static void request(struct pins *p) {
    machine_request(p->machine, VECTOR_INT5, p->edge && (p->machine->avr->data[EIMSK] & INT5));
}

static void update(struct pins *p) {
    const uint8_t *data = p->machine->avr->data;
    const bool stop_high = (data[PORTE] & STOP) && !p->stop_closed;
    if (stop_high != p->stop_high) {
        p->stop_high = stop_high;
        p->edge |= (data[EICRB] & ISC5) == ANY_EDGE;
        request(p);
    }
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
    return (uint8_t)(own | (p->stop_high ? STOP : 0));
}

static void mask_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct pins *p = self;
    avr->data[address] = value;
    if ((value & INT5) && (avr->data[EICRB] & ISC5) != ANY_EDGE) {
        machine_crash(p->machine, "this mode of INT5 is not modelled");
    }
    request(p);
}

static uint8_t flags_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    (void)avr;
    (void)address;
    return ((const struct pins *)self)->edge ? INT5 : 0;
}

static void flags_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    (void)avr;
    (void)address;
    struct pins *p = self;
    p->edge &= (value & INT5) == 0;
    request(p);
}

void pins_init(struct pins *p, struct machine *machine) {
    memset(p, 0, sizeof *p);
    p->machine = machine;
    p->oe_wired = true;
    p->oe_high = true;
    p->stop_closed = true;
    machine_hook(machine, PIND, port_d_read, NULL, p);
    machine_hook(machine, DDRD, NULL, port_write, p);
    machine_hook(machine, PORTD, NULL, port_write, p);
    machine_hook(machine, PINE, port_e_read, NULL, p);
    machine_hook(machine, DDRE, NULL, port_write, p);
    machine_hook(machine, PORTE, NULL, port_write, p);
    machine_hook(machine, EIFR, flags_read, flags_write, p);
    machine_hook(machine, EIMSK, NULL, mask_write, p);
    machine_hook(machine, EICRB, NULL, NULL, p);
}

void pins_reset(struct pins *p) {
    update(p);
    p->edge = false;
    request(p);
}

void pins_entered(struct pins *p, uint8_t vector) {
    if (vector == VECTOR_INT5) {
        p->edge = false;
        request(p);
    }
}

void pins_switch(struct pins *p, bool closed) {
    p->stop_closed = closed;
    update(p);
}
