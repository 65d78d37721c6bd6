/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "timer1.h"

#include <string.h>

#include "machine.h"

#define TIFR1 0x36u
#define TIMSK1 0x6fu
#define TCCR1A 0x80u
#define TCCR1B 0x81u
#define TCNT1L 0x84u
#define OCR1AL 0x88u
#define OCR1BL 0x8au

enum { TOV = 1, OCFA = 2, OCFB = 4, CTC = 8 };
enum { VECTOR_COMPA = 17, VECTOR_COMPB = 18, VECTOR_OVF = 20 };

static uint8_t mode_b(const struct timer1 *t) { return t->machine->avr->data[TCCR1B]; }

/* Counts in one turn of the counter. */
static uint64_t turn(const struct timer1 *t) {
    return (mode_b(t) & CTC) ? (uint64_t)t->compare[0] + 1u : UINT64_C(65536);
}

static uint16_t count(const struct timer1 *t) {
    if (t->prescaler == 0) {
        return t->stopped_at;
    }
    return (uint16_t)((machine_now(t->machine) - t->zero) / t->prescaler % turn(t));
}

static void update(struct timer1 *t) {
    const uint8_t due = t->flags & t->mask;
    machine_request(t->machine, VECTOR_COMPA, due & OCFA);
    machine_request(t->machine, VECTOR_COMPB, due & OCFB);
    machine_request(t->machine, VECTOR_OVF, due & TOV);
}

/* First cycle after `after` at which the counter arrives at `value`; a compare match flags one count later. */
static uint64_t next_at(const struct timer1 *t, uint64_t after, uint64_t value) {
    if (t->prescaler == 0) {
        return NEVER;
    }
    const uint64_t length = turn(t) * t->prescaler;
    const uint64_t first = t->zero + value * t->prescaler;
    if (first > after) {
        return first;
    }
    return first + ((after - first) / length + 1) * length;
}

static uint64_t due_at(const struct timer1 *t, uint8_t flag) {
    if (flag == TOV) {
        return (mode_b(t) & CTC) ? NEVER : next_at(t, t->checked, 65536u);
    }
    const uint64_t value = (uint64_t)t->compare[flag == OCFA ? 0 : 1] + 1u;
    return value > turn(t) ? NEVER : next_at(t, t->checked, value);
}

/* Sets the flags for everything that happened up to now. */
static void advance(struct timer1 *t) {
    const uint64_t now = machine_now(t->machine);
    uint8_t raised = 0;
    for (uint8_t flag = TOV; flag <= OCFB; flag = (uint8_t)(flag << 1)) {
        if (due_at(t, flag) <= now) {
            raised |= flag;
        }
    }
    t->flags |= raised;
    t->checked = now;
}

uint64_t timer1_deadline(const struct timer1 *t) {
    uint64_t next = NEVER;
    for (uint8_t flag = TOV; flag <= OCFB; flag = (uint8_t)(flag << 1)) {
        if ((t->mask & flag) && !(t->flags & flag)) {
            const uint64_t at = due_at(t, flag);
            next = at < next ? at : next;
        }
    }
    return next;
}

void timer1_event(struct timer1 *t) {
    advance(t);
    update(t);
}

void timer1_entered(struct timer1 *t, uint8_t vector) {
    const uint8_t flag = vector == VECTOR_COMPA ? OCFA : vector == VECTOR_COMPB ? OCFB : vector == VECTOR_OVF ? TOV : 0;
    if (flag != 0) {
        advance(t);
        t->flags &= (uint8_t)~flag;
        update(t);
    }
}

static void set_count(struct timer1 *t, uint16_t value) {
    t->stopped_at = value;
    t->zero = machine_now(t->machine) - (uint64_t)value * t->prescaler;
}

static void control_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    static const uint32_t prescalers[8] = {0, 1, 8, 64, 256, 1024, 0, 0};
    struct timer1 *t = self;
    advance(t);
    const uint16_t now = count(t);
    avr->data[address] = value;
    if ((avr->data[TCCR1A] & 3u) != 0 || (avr->data[TCCR1B] & 0x10u) != 0 || (avr->data[TCCR1B] & 7u) > 5) {
        machine_crash(t->machine, "this mode of timer 1 is not modelled");
    }
    t->prescaler = prescalers[avr->data[TCCR1B] & 7u];
    set_count(t, now);
    update(t);
}

static uint8_t count_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    (void)avr;
    struct timer1 *t = self;
    if (address != TCNT1L) {
        return t->temp;
    }
    const uint16_t now = count(t);
    t->temp = (uint8_t)(now >> 8);
    return (uint8_t)now;
}

static void wide_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct timer1 *t = self;
    avr->data[address] = value;
    if (address & 1u) { /* the high byte waits for the low one */
        t->temp = value;
        return;
    }
    const uint16_t word = (uint16_t)(t->temp << 8 | value);
    advance(t);
    if (address == TCNT1L) {
        set_count(t, word);
    } else {
        const uint16_t now = count(t);
        t->compare[address == OCR1AL ? 0 : 1] = word;
        set_count(t, now);
    }
    update(t);
}

static uint8_t flags_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    (void)avr;
    (void)address;
    struct timer1 *t = self;
    advance(t);
    return t->flags;
}

static void flags_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    (void)avr;
    (void)address;
    struct timer1 *t = self;
    advance(t);
    t->flags &= (uint8_t)~value;
    update(t);
}

static void mask_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct timer1 *t = self;
    advance(t);
    avr->data[address] = value;
    t->mask = value & (TOV | OCFA | OCFB);
    update(t);
}

void timer1_init(struct timer1 *t, struct machine *machine) {
    memset(t, 0, sizeof *t);
    t->machine = machine;
    machine_hook(machine, TCCR1A, NULL, control_write, t);
    machine_hook(machine, TCCR1B, NULL, control_write, t);
    machine_hook(machine, TIFR1, flags_read, flags_write, t);
    machine_hook(machine, TIMSK1, NULL, mask_write, t);
    machine_hook(machine, TCNT1L, count_read, wide_write, t);
    machine_hook(machine, TCNT1L + 1u, count_read, wide_write, t);
    for (uint16_t address = OCR1AL; address < OCR1BL + 2u; address++) {
        machine_hook(machine, address, NULL, wide_write, t);
    }
}

void timer1_reset(struct timer1 *t) {
    t->prescaler = 0;
    t->compare[0] = t->compare[1] = 0;
    t->flags = t->mask = t->temp = 0;
    t->checked = machine_now(t->machine);
    set_count(t, 0);
    update(t);
}
