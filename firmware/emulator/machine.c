/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <avr_watchdog.h>
#include <sim_core.h>

#define MCUSR 0x54u
#define VECTOR_BYTES 4u
#define INTERRUPT_ENTRY 5u /* cycles; a 3-byte program counter is pushed */
#define WAKE_UP 4u         /* cycles more when the CPU slept */

static void quiet(struct avr_t *avr, const int level, const char *format, va_list arguments) {
    (void)avr;
    if (level <= LOG_ERROR) {
        vfprintf(stderr, format, arguments);
    }
}

uint64_t machine_now(const struct machine *m) { return m->base + m->avr->cycle; }

void machine_request(struct machine *m, uint8_t vector, bool level) {
    const uint64_t bit = UINT64_C(1) << vector;
    if (level) {
        m->pending |= bit;
    } else {
        m->pending &= ~bit;
    }
    machine_touch(m);
}

void machine_touch(struct machine *m) { m->avr->run_cycle_count = 0; }

void machine_log(struct machine *m, enum event_kind kind, uint8_t board, uint8_t reg, uint8_t value) {
    if ((m->event_mask & EVENT_MASK(kind)) == 0) {
        return;
    }
    struct event *e = &m->events[m->event_head % EVENT_CAPACITY];
    *e = (struct event){.cycle = machine_now(m), .kind = (uint8_t)kind, .board = board, .reg = reg, .value = value};
    m->event_head++;
    if (m->event_head - m->event_tail > EVENT_CAPACITY) {
        m->event_tail = m->event_head - EVENT_CAPACITY;
    }
}

void machine_crash(struct machine *m, const char *why) {
    if (!m->crashed) {
        m->crashed = true;
        snprintf(m->message, sizeof m->message, "%s at pc 0x%05x, cycle %llu", why, (unsigned)m->avr->pc,
                 (unsigned long long)machine_now(m));
        machine_log(m, EVENT_CRASH, 0, 0, 0);
        machine_touch(m);
    }
}

void machine_hook(struct machine *m, uint16_t address, avr_io_read_t read, avr_io_write_t write, void *self) {
    const unsigned io = AVR_DATA_TO_IO(address);
    m->avr->io[io].r.c = read;
    m->avr->io[io].r.param = self;
    m->avr->io[io].w.c = write;
    m->avr->io[io].w.param = self;
}

/* The WDR instruction reaches peripherals as an ioctl; ours is first in the list and ends the search. */
struct watchdog_tap {
    avr_io_t io;
    struct machine *machine;
};

static int tap_ioctl(struct avr_io_t *io, uint32_t request, void *parameter) {
    (void)parameter;
    if (request != AVR_IOCTL_WATCHDOG_RESET) {
        return -1;
    }
    watchdog_kick(&((struct watchdog_tap *)io)->machine->watchdog);
    return 0;
}

/* libsimavr's structures are not versioned. A program of four instructions shows whether the fields that we
 * use lie where the headers say: a store reaches our hook with the right value and costs two cycles. */
static uint8_t probe_value;
static void probe_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    (void)avr;
    (void)address;
    (void)self;
    probe_value = value;
}

static bool probe(struct machine *m) {
    static const uint8_t program[] = {
        0x0a, 0xea,             /* ldi r16, 0xaa   */
        0x00, 0x93, 0x2a, 0x01, /* sts 0x012a, r16 */
        0x00, 0x00,             /* nop             */
    };
    uint8_t saved[sizeof program];
    memcpy(saved, m->avr->flash, sizeof saved);
    memcpy(m->avr->flash, program, sizeof program);
    machine_hook(m, 0x12a, NULL, probe_write, m);
    m->avr->pc = 0;
    m->avr->state = cpu_Running;
    for (int i = 0; i < 3; i++) {
        m->avr->run_cycle_count = 0;
        m->avr->pc = avr_run_one(m->avr);
    }
    const bool good = probe_value == 0xaa && m->avr->cycle == 4 && m->avr->pc == 8 && m->avr->ramend == 0x21ff &&
                      m->avr->flashend == 0x3ffff;
    machine_hook(m, 0x12a, NULL, NULL, NULL);
    memcpy(m->avr->flash, saved, sizeof saved);
    return good;
}

#define GPIOR0 0x3eu
static void mark_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    avr->data[address] = value;
    machine_log(self, EVENT_MARK, 0, 0, value);
}

static struct watchdog_tap *tap_new(struct machine *m) {
    struct watchdog_tap *tap = calloc(1, sizeof *tap);
    if (tap != NULL) {
        tap->io.kind = "watchdog tap";
        tap->io.ioctl = tap_ioctl;
        tap->machine = m;
        avr_register_io(m->avr, &tap->io);
    }
    return tap;
}

struct machine *machine_new(const uint8_t *image, size_t size) {
    avr_global_logger_set(quiet);
    struct machine *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->events = calloc(EVENT_CAPACITY, sizeof *m->events);
    m->avr = avr_make_mcu_by_name("atmega2560");
    if (m->events == NULL || m->avr == NULL || avr_init(m->avr) != 0) {
        fprintf(stderr, "libsimavr knows no atmega2560\n");
        free(m->events);
        free(m);
        return NULL;
    }
    m->avr->frequency = MACHINE_HZ;
    m->avr->log = LOG_ERROR;
    m->avr->gdb_port = 0;
    if (size > m->avr->flashend + 1u || !probe(m) || tap_new(m) == NULL) {
        fprintf(stderr, "libsimavr differs from the 1.6 that these models need; install libsimavr-dev 1.6\n");
        machine_free(m);
        return NULL;
    }
    memset(m->avr->flash, 0xff, m->avr->flashend + 1u);
    memcpy(m->avr->flash, image, size);
    m->avr->codeend = (uint32_t)size;
    /* A pattern in the RAM shows later how much of it was ever used. */
    memset(m->avr->data + 0x200, STACK_PAINT, m->avr->ramend + 1u - 0x200u);
    m->event_mask = EVENT_MASK(EVENT_RESET) | EVENT_MASK(EVENT_CRASH) | EVENT_MASK(EVENT_OVERRUN);
    bus_init(&m->bus, m);
    uart_init(&m->uart, m);
    twi_init(&m->twi, m);
    timer1_init(&m->timer1, m);
    watchdog_init(&m->watchdog, m);
    pins_init(&m->pins, m);
    eeprom_init(&m->eeprom, m);
    machine_hook(m, GPIOR0, NULL, mark_write, m);
    m->avr->cycle = 0;
    machine_reset(m, 1);
    return m;
}

void machine_free(struct machine *m) {
    if (m != NULL) {
        uart_free(&m->uart);
        avr_terminate(m->avr);
        free(m->events);
        free(m);
    }
}

void machine_reset(struct machine *m, uint8_t cause) {
    const uint8_t flags = cause == 1 ? 0 : m->avr->data[MCUSR];
    eeprom_reset(&m->eeprom, cause == 1 || cause == 4);
    m->base = machine_now(m);
    m->avr->cycle = 0;
    avr_reset(m->avr);
    m->avr->cycle = 0;
    m->avr->state = cpu_Running;
    m->avr->interrupt_state = 0;
    m->avr->data[MCUSR] = (uint8_t)(flags | cause);
    m->pending = 0;
    m->reset_wanted = false;
    m->crashed = false;
    uart_reset(&m->uart);
    twi_reset(&m->twi);
    timer1_reset(&m->timer1);
    watchdog_reset(&m->watchdog, (flags | cause) & 8u);
    pins_reset(&m->pins);
    machine_log(m, EVENT_RESET, 0, 0, cause);
}

static uint64_t earliest(const struct machine *m) {
    uint64_t next = uart_deadline(&m->uart);
    const uint64_t others[] = {twi_deadline(&m->twi), timer1_deadline(&m->timer1), m->watchdog.deadline,
                               m->eeprom.deadline};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i] < next) {
            next = others[i];
        }
    }
    return next;
}

static void peripherals(struct machine *m, uint64_t now) {
    if (uart_deadline(&m->uart) <= now) {
        uart_event(&m->uart);
    }
    if (twi_deadline(&m->twi) <= now) {
        twi_event(&m->twi);
    }
    if (timer1_deadline(&m->timer1) <= now) {
        timer1_event(&m->timer1);
    }
    if (m->eeprom.deadline <= now) {
        eeprom_event(&m->eeprom);
    }
    if (m->watchdog.deadline <= now) {
        m->reset_wanted = true;
        m->reset_cause = 8;
    }
}

/* The lowest vector wins. Flags that the hardware clears on entry are cleared by the owner. */
static void interrupt(struct machine *m) {
    avr_t *avr = m->avr;
    const uint8_t vector = (uint8_t)__builtin_ctzll(m->pending);
    avr->cycle += INTERRUPT_ENTRY + (avr->state == cpu_Sleeping ? WAKE_UP : 0);
    avr->state = cpu_Running;
    _avr_push_addr(avr, avr->pc);
    avr_sreg_set(avr, S_I, 0);
    avr->pc = vector * VECTOR_BYTES;
    uart_entered(&m->uart, vector);
    timer1_entered(&m->timer1, vector);
    pins_entered(&m->pins, vector);
}

static void step(struct machine *m, uint64_t next) {
    avr_t *avr = m->avr;
    /* After SEI or RETI one more instruction runs before an interrupt: simavr sets -2 to say so. */
    const bool delayed = avr->interrupt_state == -2;
    avr->interrupt_state = 0;
    if (!delayed && m->pending != 0 && avr->sreg[S_I]) {
        interrupt(m);
        return;
    }
    if (avr->state == cpu_Sleeping) {
        if (!avr->sreg[S_I]) {
            machine_crash(m, "sleep with interrupts off");
        } else {
            avr->cycle = next - m->base;
        }
        return;
    }
    avr->run_cycle_count = delayed ? 0 : next - machine_now(m);
    const avr_flashaddr_t pc = avr_run_one(avr);
    avr->pc = pc;
    if (avr->state != cpu_Running && avr->state != cpu_Sleeping) {
        machine_crash(m, "invalid instruction");
    } else if (pc >= avr->codeend) {
        machine_crash(m, "program counter outside of the image");
    }
}

bool machine_run(struct machine *m, uint64_t until) {
    while (!m->crashed) {
        const uint64_t now = machine_now(m);
        const uint64_t next = earliest(m);
        if (next <= now) {
            peripherals(m, now);
            if (m->reset_wanted) {
                machine_reset(m, m->reset_cause);
            }
        } else if (now >= until) {
            return true;
        } else {
            step(m, next < until ? next : until);
        }
    }
    return false;
}
