/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "twi.h"

#include <string.h>

#include "machine.h"

#define TWBR 0xb8u
#define TWSR 0xb9u
#define TWDR 0xbbu
#define TWCR 0xbcu

enum { TWINT = 0x80, TWEA = 0x40, TWSTA = 0x20, TWSTO = 0x10, TWWC = 0x08, TWEN = 0x04, TWIE = 0x01 };
enum { VECTOR_TWI = 39 };
enum {
    START = 0x08,
    REPEATED_START = 0x10,
    SLA_W_ACK = 0x18,
    SLA_W_NACK = 0x20,
    DATA_W_ACK = 0x28,
    DATA_W_NACK = 0x30,
    LOST = 0x38,
    SLA_R_ACK = 0x40,
    SLA_R_NACK = 0x48,
    DATA_R_ACK = 0x50,
    DATA_R_NACK = 0x58,
    NO_STATE = 0xf8
};

static uint64_t bits(const struct twi *t, unsigned count) {
    const uint8_t *data = t->machine->avr->data;
    const uint64_t bit = 16u + 2u * (uint64_t)data[TWBR] * (UINT64_C(1) << 2u * (data[TWSR] & 3u));
    return bit * count;
}

static void update(struct twi *t) {
    const uint8_t control = t->machine->avr->data[TWCR];
    machine_request(t->machine, VECTOR_TWI, t->flag && (control & TWIE) && (control & TWEN));
}

static void begin(struct twi *t, enum twi_action action, uint64_t duration) {
    t->action = action;
    t->deadline = t->machine->bus.scl_held ? NEVER : machine_now(t->machine) + duration;
    machine_touch(t->machine);
}

static void finish(struct twi *t, uint8_t status) {
    t->action = TWI_IDLE;
    t->deadline = NEVER;
    t->status = status;
    t->flag = true;
    update(t);
}

static void begin_start(struct twi *t) {
    const struct bus *bus = &t->machine->bus;
    if (bus_sda_low(bus) || bus->scl_held) {
        t->action = TWI_WAITING; /* the bus never appears free */
        t->deadline = NEVER;
    } else {
        begin(t, TWI_STARTING, bits(t, 1));
    }
}

/* One byte outwards with SDA held low: the first 1 bit reads back as 0 and the master has lost. */
static bool lost(struct twi *t, uint8_t value) {
    if (!bus_sda_low(&t->machine->bus) || value == 0) {
        return false;
    }
    t->owner = false;
    bus_abandon(&t->machine->bus);
    finish(t, LOST);
    return true;
}

static void addressed(struct twi *t) {
    if (lost(t, t->data)) {
        return;
    }
    t->reading = (t->data & 1u) != 0;
    t->address_next = false;
    const bool acknowledged = bus_address(&t->machine->bus, t->data);
    if (t->reading) {
        finish(t, acknowledged ? SLA_R_ACK : SLA_R_NACK);
    } else {
        finish(t, acknowledged ? SLA_W_ACK : SLA_W_NACK);
    }
}

static void sent(struct twi *t) {
    if (!lost(t, t->data)) {
        finish(t, bus_write(&t->machine->bus, t->data) ? DATA_W_ACK : DATA_W_NACK);
    }
}

static void stopped(struct twi *t) {
    t->machine->avr->data[TWCR] &= (uint8_t)~TWSTO;
    t->action = TWI_IDLE;
    t->deadline = NEVER;
    t->owner = false;
    bus_stop(&t->machine->bus);
    if (t->start_after_stop) {
        t->start_after_stop = false;
        begin_start(t);
    }
}

uint64_t twi_deadline(const struct twi *t) { return t->deadline; }

void twi_event(struct twi *t) {
    switch (t->action) {
    case TWI_STARTING:
        t->address_next = true;
        bus_start(&t->machine->bus, t->owner);
        finish(t, t->owner ? REPEATED_START : START);
        t->owner = true;
        break;
    case TWI_ADDRESSING:
        addressed(t);
        break;
    case TWI_SENDING:
        sent(t);
        break;
    case TWI_RECEIVING: {
        const bool more = (t->machine->avr->data[TWCR] & TWEA) != 0;
        t->data = bus_read(&t->machine->bus, more);
        finish(t, more ? DATA_R_ACK : DATA_R_NACK);
        break;
    }
    case TWI_STOPPING:
        stopped(t);
        break;
    case TWI_IDLE:
    case TWI_WAITING:
        t->deadline = NEVER;
        break;
    }
}

void twi_lines_changed(struct twi *t) {
    if (t->action == TWI_WAITING) {
        begin_start(t);
    } else if (t->action != TWI_IDLE) {
        begin(t, t->action, bits(t, 9)); /* the byte under way ends a byte's time after SCL is let go */
    }
}

/* Writing 1 to TWINT clears it and starts what the other bits say. */
static void control_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct twi *t = self;
    avr->data[address] = value & (TWEA | TWSTA | TWSTO | TWEN | TWIE);
    if (!(value & TWEN)) {
        t->action = TWI_IDLE;
        t->deadline = NEVER;
        t->flag = t->owner = t->start_after_stop = false;
        t->status = NO_STATE;
        bus_abandon(&t->machine->bus);
    } else if ((value & TWINT) && t->action == TWI_IDLE) {
        t->flag = false;
        if (value & TWSTO) {
            t->start_after_stop = (value & TWSTA) != 0;
            begin(t, TWI_STOPPING, bits(t, 1));
        } else if (value & TWSTA) {
            begin_start(t);
        } else if (!t->owner) {
            t->status = NO_STATE; /* released after a lost arbitration */
        } else if (t->address_next) {
            begin(t, TWI_ADDRESSING, bits(t, 9));
        } else {
            begin(t, t->reading ? TWI_RECEIVING : TWI_SENDING, bits(t, 9));
        }
    }
    update(t);
}

static uint8_t control_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    const struct twi *t = self;
    return (uint8_t)((avr->data[address] & ~(TWINT | TWWC)) | (t->flag ? TWINT : 0));
}

static uint8_t status_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    const struct twi *t = self;
    return (uint8_t)((t->flag ? t->status : NO_STATE) | (avr->data[address] & 3u));
}

static void status_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    (void)self;
    avr->data[address] = value & 3u;
}

static uint8_t data_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    (void)avr;
    (void)address;
    return ((const struct twi *)self)->data;
}

static void data_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    (void)avr;
    (void)address;
    struct twi *t = self;
    if (t->flag) { /* otherwise a write collision: the value is lost */
        t->data = value;
    }
}

void twi_init(struct twi *t, struct machine *machine) {
    memset(t, 0, sizeof *t);
    t->machine = machine;
    t->deadline = NEVER;
    machine_hook(machine, TWBR, NULL, NULL, t);
    machine_hook(machine, TWSR, status_read, status_write, t);
    machine_hook(machine, TWDR, data_read, data_write, t);
    machine_hook(machine, TWCR, control_read, control_write, t);
}

void twi_reset(struct twi *t) {
    t->action = TWI_IDLE;
    t->deadline = NEVER;
    t->flag = t->owner = t->start_after_stop = t->address_next = t->reading = false;
    t->status = NO_STATE;
    bus_abandon(&t->machine->bus);
    update(t);
}
