/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lock-step face: plain functions over an opaque machine, for ctypes. See machine.py.
 */
#include <string.h>

#include "machine.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT struct machine *emulator_new(const uint8_t *image, size_t size) { return machine_new(image, size); }
EXPORT void emulator_free(struct machine *m) { machine_free(m); }
EXPORT uint64_t emulator_now(const struct machine *m) { return machine_now(m); }
EXPORT int emulator_run(struct machine *m, uint64_t until) { return machine_run(m, until); }
EXPORT const char *emulator_message(const struct machine *m) { return m->message; }
EXPORT void emulator_reset(struct machine *m, uint8_t cause) { machine_reset(m, cause); }
EXPORT size_t emulator_ram(const struct machine *m, uint8_t *to, uint16_t from, size_t size) {
    const size_t limit = m->avr->ramend + 1u;
    const size_t count = from >= limit ? 0 : size < limit - from ? size : limit - from;
    memcpy(to, m->avr->data + from, count);
    return count;
}

EXPORT void emulator_poke(struct machine *m, uint16_t at, const uint8_t *from, size_t size) {
    for (size_t i = 0; i < size && at + i <= m->avr->ramend; i++) {
        const unsigned address = at + (unsigned)i;
        const avr_io_write_t hook = address < 0x20 || address >= 0x200 ? NULL : m->avr->io[address - 0x20].w.c;
        if (hook != NULL) {
            hook(m->avr, (avr_io_addr_t)address, from[i], m->avr->io[address - 0x20].w.param);
        } else {
            m->avr->data[address] = from[i];
        }
    }
}
EXPORT void emulator_eeprom(const struct machine *m, uint8_t *to) { memcpy(to, m->eeprom.cells, EEPROM_BYTES); }
EXPORT void emulator_eeprom_load(struct machine *m, const uint8_t *from) {
    memcpy(m->eeprom.cells, from, EEPROM_BYTES);
}
EXPORT uint32_t emulator_pc(const struct machine *m) { return m->avr->pc; }

EXPORT void emulator_send(struct machine *m, const uint8_t *data, size_t size, uint64_t at) {
    uart_send(&m->uart, data, size, at);
}
EXPORT size_t emulator_take(struct machine *m, uint8_t *data, uint64_t *cycles, size_t capacity) {
    return uart_take(&m->uart, data, cycles, capacity);
}
EXPORT size_t emulator_waiting(const struct machine *m) { return uart_waiting(&m->uart); }
EXPORT void emulator_unplug(struct machine *m) { uart_drop(&m->uart); }
EXPORT uint64_t emulator_overruns(const struct machine *m) { return m->uart.overruns; }
EXPORT void emulator_host_baud(struct machine *m, uint32_t baud) { m->uart.host_bit = MACHINE_HZ / baud; }

/* Pulse widths in us of all outputs, 16 for each board: what the servos see, /OE included. */
EXPORT void emulator_outputs(const struct machine *m, double *pulses) {
    const bool enabled = !m->pins.oe_high || !m->pins.oe_wired;
    for (uint8_t i = 0; i < m->bus.board_count; i++) {
        for (uint8_t channel = 0; channel < PCA9685_CHANNELS; channel++) {
            *pulses++ = enabled ? pca9685_pulse_us(&m->bus.boards[i], channel) : 0.0;
        }
    }
}
EXPORT int emulator_oe_high(const struct machine *m) { return m->pins.oe_high; }
EXPORT void emulator_oe_wired(struct machine *m, int wired) { m->pins.oe_wired = wired != 0; }
EXPORT void emulator_stop_switch(struct machine *m, int closed) { pins_switch(&m->pins, closed != 0); }

EXPORT uint8_t emulator_board_count(const struct machine *m) { return m->bus.board_count; }
EXPORT void emulator_boards(struct machine *m, const uint8_t *addresses, uint8_t count) {
    m->bus.board_count = count < BUS_BOARDS ? count : BUS_BOARDS;
    for (uint8_t i = 0; i < m->bus.board_count; i++) {
        m->bus.boards[i].own_address = addresses[i];
    }
}
/* Power of one board; when it comes, its registers are at their reset values. */
EXPORT void emulator_board_power(struct machine *m, uint8_t board, int on) {
    struct pca9685 *p = &m->bus.boards[board % BUS_BOARDS];
    if (on && !p->present) {
        pca9685_power_on(p);
    }
    p->present = on != 0;
}
EXPORT void emulator_board_refuse(struct machine *m, uint8_t board, int refuse) {
    m->bus.boards[board % BUS_BOARDS].refuse = refuse != 0;
}
EXPORT void emulator_board_refuse_after(struct machine *m, uint8_t board, uint16_t bytes) {
    m->bus.boards[board % BUS_BOARDS].refuse_after = bytes;
}
EXPORT void emulator_board_oscillator(struct machine *m, uint8_t board, double hz) {
    m->bus.boards[board % BUS_BOARDS].oscillator_hz = hz;
}
EXPORT uint8_t emulator_board_register(const struct machine *m, uint8_t board, uint8_t reg) {
    return pca9685_peek(&m->bus.boards[board % BUS_BOARDS], reg);
}

/* Upsets MODE1 (0), MODE2 (1) or PRE_SCALE (0xfe), as a disturbance on the supply may. */
EXPORT void emulator_board_upset(struct machine *m, uint8_t board, uint8_t reg, uint8_t value) {
    struct pca9685 *p = &m->bus.boards[board % BUS_BOARDS];
    *(reg == 0 ? &p->mode1 : reg == 1 ? &p->mode2 : &p->prescale) = value;
}

/* clocks: released after that many pulses of SCL, 0 = only by another call. */
EXPORT void emulator_hold_sda(struct machine *m, int held, uint16_t clocks) {
    m->bus.sda_held = held && clocks == 0;
    m->bus.sda_clocks = held ? clocks : 0;
    twi_lines_changed(&m->twi);
}
EXPORT void emulator_hold_scl(struct machine *m, int held) {
    m->bus.scl_held = held != 0;
    twi_lines_changed(&m->twi);
}
EXPORT uint64_t emulator_transfers(const struct machine *m) { return m->bus.transfers; }
EXPORT uint64_t emulator_not_acknowledged(const struct machine *m) { return m->bus.not_acknowledged; }
EXPORT uint64_t emulator_watchdog_longest(const struct machine *m) { return m->watchdog.longest; }

EXPORT void emulator_event_mask(struct machine *m, uint32_t mask) { m->event_mask = mask; }
EXPORT size_t emulator_events(struct machine *m, struct event *to, size_t capacity) {
    size_t count = 0;
    while (count < capacity && m->event_tail < m->event_head) {
        to[count++] = m->events[m->event_tail++ % EVENT_CAPACITY];
    }
    return count;
}
