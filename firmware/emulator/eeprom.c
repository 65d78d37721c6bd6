/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "eeprom.h"

#include <string.h>

#include "machine.h"

#define EECR 0x3fu
#define EEDR 0x40u
#define EEARL 0x41u
#define EEARH 0x42u

enum { EERE = 0x01, EEPE = 0x02, EEMPE = 0x04, EERIE = 0x08, EEPM = 0x30 };
enum { BOTH = 0x00, ERASE = 0x10, WRITE = 0x20 };

#define PART (MACHINE_HZ / 10000u * 18u) /* 1.8 ms: erase alone, or write alone */
#define WHOLE (MACHINE_HZ / 10000u * 34u) /* 3.4 ms */

static bool busy(const struct eeprom *e) { return e->deadline != NEVER; }

static uint8_t written(const struct eeprom *e, uint8_t old) {
    return e->mode == ERASE ? 0xff : e->mode == WRITE ? old & e->value : e->value;
}

static void start(struct eeprom *e) {
    const uint8_t *data = e->machine->avr->data;
    e->address = (uint16_t)((data[EEARH] & 15u) << 8 | data[EEARL]);
    e->value = data[EEDR];
    e->mode = data[EECR] & EEPM;
    if (e->mode == EEPM) {
        machine_crash(e->machine, "EEPM 3 is reserved");
    }
    e->started = machine_now(e->machine);
    e->deadline = e->started + (e->mode == BOTH ? WHOLE : PART);
    e->machine->avr->cycle += 2; /* the processor halts for two cycles */
    machine_touch(e->machine);
}

static void control_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct eeprom *e = self;
    const uint64_t now = machine_now(e->machine);
    const bool armed = now <= e->armed_until;
    if (value & EERIE) {
        machine_crash(e->machine, "the EEPROM's interrupt is not modelled");
    }
    if (!busy(e)) {
        avr->data[address] = value & EEPM;
    }
    if ((value & EEPE) && armed && !busy(e)) {
        e->armed_until = 0;
        start(e);
    } else if ((value & EEMPE) && !(value & EEPE)) {
        e->armed_until = now + 4u + 2u; /* from the end of this instruction */
    }
    if ((value & EERE) && !busy(e)) {
        avr->data[EEDR] = e->cells[(avr->data[EEARH] & 15u) << 8 | avr->data[EEARL]];
        avr->cycle += 4; /* the processor halts for four cycles */
    }
}

static uint8_t control_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    const struct eeprom *e = self;
    const bool armed = machine_now(e->machine) <= e->armed_until;
    return (uint8_t)((avr->data[address] & EEPM) | (armed ? EEMPE : 0) | (busy(e) ? EEPE : 0));
}

/* The address cannot be changed while a byte is being written. */
static void address_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    if (!busy(self)) {
        avr->data[address] = value;
    }
}

void eeprom_init(struct eeprom *e, struct machine *machine) {
    memset(e, 0, sizeof *e);
    memset(e->cells, 0xff, sizeof e->cells);
    e->machine = machine;
    e->deadline = NEVER;
    e->tear = 2463534242u;
    machine_hook(machine, EECR, control_read, control_write, e);
    machine_hook(machine, EEDR, NULL, NULL, e);
    machine_hook(machine, EEARL, NULL, address_write, e);
    machine_hook(machine, EEARH, NULL, address_write, e);
}

void eeprom_event(struct eeprom *e) {
    e->cells[e->address] = written(e, e->cells[e->address]);
    e->deadline = NEVER;
    machine_log(e->machine, EVENT_EEPROM, (uint8_t)(e->address >> 8), (uint8_t)e->address, e->cells[e->address]);
}

static uint8_t random_bits(struct eeprom *e) {
    e->tear ^= e->tear << 13;
    e->tear ^= e->tear >> 17;
    e->tear ^= e->tear << 5;
    return (uint8_t)(e->tear >> 11);
}

/* First the bits become 1, some sooner than others, and then some of them 0. */
static void torn(struct eeprom *e) {
    uint8_t *cell = &e->cells[e->address];
    const uint64_t elapsed = machine_now(e->machine) - e->started;
    if (e->mode == ERASE || (e->mode == BOTH && elapsed < WHOLE / 2u)) {
        *cell |= random_bits(e);
    } else {
        const uint8_t from = e->mode == BOTH ? 0xff : *cell;
        *cell = from & (e->value | random_bits(e));
    }
}

void eeprom_reset(struct eeprom *e, bool supply_lost) {
    e->armed_until = 0;
    if (busy(e) && supply_lost) {
        torn(e);
        e->deadline = NEVER;
    }
}
