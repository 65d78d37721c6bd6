/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bus.h"

#include <string.h>

#include "machine.h"

void bus_init(struct bus *b, struct machine *machine) {
    memset(b, 0, sizeof *b);
    b->machine = machine;
    b->board_count = 3;
    for (uint8_t i = 0; i < BUS_BOARDS; i++) {
        pca9685_init(&b->boards[i], machine, i, (uint8_t)(0x40 + i));
    }
}

void bus_start(struct bus *b, bool repeated) {
    machine_log(b->machine, EVENT_START, 0, 0, repeated);
    b->transfers++;
    for (uint8_t i = 0; i < b->board_count; i++) {
        pca9685_start(&b->boards[i]);
    }
}

bool bus_address(struct bus *b, uint8_t address) {
    bool acknowledged = false;
    for (uint8_t i = 0; i < b->board_count; i++) {
        acknowledged |= pca9685_address(&b->boards[i], address);
    }
    b->not_acknowledged += !acknowledged;
    machine_log(b->machine, EVENT_ADDRESS, 0, address, acknowledged);
    return acknowledged;
}

bool bus_write(struct bus *b, uint8_t value) {
    bool acknowledged = false;
    for (uint8_t i = 0; i < b->board_count; i++) {
        acknowledged |= pca9685_write(&b->boards[i], value);
    }
    b->not_acknowledged += !acknowledged;
    return acknowledged;
}

uint8_t bus_read(struct bus *b, bool acknowledge) {
    uint8_t value = 0xff; /* open drain: the zeros win */
    for (uint8_t i = 0; i < b->board_count; i++) {
        value &= pca9685_read(&b->boards[i], acknowledge);
    }
    return bus_sda_low(b) ? 0 : value;
}

void bus_stop(struct bus *b) {
    machine_log(b->machine, EVENT_STOP, 0, 0, 0);
    for (uint8_t i = 0; i < b->board_count; i++) {
        pca9685_stop(&b->boards[i]);
    }
}

void bus_abandon(struct bus *b) {
    /* Nothing reaches the boards: they wait for the next START or STOP. */
    (void)b;
}

void bus_clock(struct bus *b) {
    if (b->sda_clocks > 0) {
        b->sda_clocks--;
    }
}

bool bus_sda_low(const struct bus *b) { return b->sda_held || b->sda_clocks > 0; }
