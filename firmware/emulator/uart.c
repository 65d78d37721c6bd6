/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "uart.h"

#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define UCSR0A 0xc0u
#define UCSR0B 0xc1u
#define UBRR0L 0xc4u
#define UBRR0H 0xc5u
#define UDR0 0xc6u

enum { RXC = 0x80, TXC = 0x40, UDRE = 0x20, FE = 0x10, DOR = 0x08, U2X = 0x02, MPCM = 0x01 };
enum { RXCIE = 0x80, TXCIE = 0x40, UDRIE = 0x20, RXEN = 0x10, TXEN = 0x08 };
enum { VECTOR_RX = 25, VECTOR_UDRE = 26, VECTOR_TX = 27 };
enum { FRAME_BITS = 10 };

static void queue_put(struct uart_queue *q, struct uart_byte byte) {
    if (q->tail == q->capacity) {
        /* Move to the front when half is used up, else grow. */
        if (q->head * 2 > q->capacity) {
            memmove(q->bytes, q->bytes + q->head, (q->tail - q->head) * sizeof *q->bytes);
            q->tail -= q->head;
            q->head = 0;
        } else {
            q->capacity = q->capacity == 0 ? 4096 : q->capacity * 2;
            struct uart_byte *grown = realloc(q->bytes, q->capacity * sizeof *q->bytes);
            if (grown == NULL) {
                abort();
            }
            q->bytes = grown;
        }
    }
    q->bytes[q->tail++] = byte;
}

static uint8_t control(const struct uart *u) { return u->machine->avr->data[UCSR0B]; }

static uint32_t own_bit(const struct uart *u) {
    const uint8_t *data = u->machine->avr->data;
    const uint32_t divisor = (((uint32_t)data[UBRR0H] & 15u) << 8 | data[UBRR0L]) + 1u;
    return divisor * ((data[UCSR0A] & U2X) ? 8u : 16u);
}

static bool rate_matches(const struct uart *u) {
    const uint32_t own = own_bit(u), host = u->host_bit;
    const uint32_t difference = own > host ? own - host : host - own;
    return difference * 1000u <= host * 45u;
}

static void update(struct uart *u) {
    const uint8_t enabled = control(u);
    machine_request(u->machine, VECTOR_RX, (enabled & RXCIE) && u->fifo_count > 0);
    machine_request(u->machine, VECTOR_UDRE, (enabled & UDRIE) && (enabled & TXEN) && !u->buffered);
    machine_request(u->machine, VECTOR_TX, (enabled & TXCIE) && u->complete);
}

static void fifo_fill(struct uart *u) {
    if (u->shift_full && u->fifo_count < 2) {
        u->fifo[u->fifo_count] = u->shift_value;
        u->fifo_flags[u->fifo_count] = (uint8_t)(u->shift_flags | (u->overrun ? DOR : 0));
        u->fifo_count++;
        u->shift_full = false;
        u->overrun = false;
    }
}

static void line_start(struct uart *u) {
    if (u->line_busy || u->inward.head == u->inward.tail) {
        return;
    }
    const struct uart_byte next = u->inward.bytes[u->inward.head];
    if (next.cycle > machine_now(u->machine)) {
        return;
    }
    const uint64_t start = next.cycle > u->line_end ? next.cycle : u->line_end;
    u->inward.head++;
    u->line_busy = true;
    u->line_value = next.value;
    u->line_end = start + (uint64_t)FRAME_BITS * u->host_bit;
    if (u->shift_full) { /* a new start bit, and nowhere to keep the last byte */
        machine_log(u->machine, EVENT_OVERRUN, 0, 0, u->shift_value);
        u->overruns++;
        u->overrun = true;
        u->shift_full = false;
    }
}

static void line_finish(struct uart *u) {
    u->line_busy = false;
    if (control(u) & RXEN) {
        const bool good = rate_matches(u);
        u->shift_value = good ? u->line_value : (uint8_t)(u->line_value ^ 0xa5u);
        u->shift_flags = good ? 0 : FE;
        u->shift_full = true;
        fifo_fill(u);
    }
}

static void send_start(struct uart *u, uint8_t value, uint64_t at) {
    u->sending = true;
    u->sending_value = value;
    u->sent_at = at + (uint64_t)FRAME_BITS * own_bit(u);
}

uint64_t uart_deadline(const struct uart *u) {
    uint64_t next = NEVER;
    if (u->line_busy) {
        next = u->line_end;
    } else if (u->inward.head < u->inward.tail) {
        next = u->inward.bytes[u->inward.head].cycle;
    }
    return u->sending && u->sent_at < next ? u->sent_at : next;
}

void uart_event(struct uart *u) {
    const uint64_t now = machine_now(u->machine);
    if (u->line_busy && u->line_end <= now) {
        line_finish(u);
    }
    line_start(u);
    if (u->sending && u->sent_at <= now) {
        queue_put(&u->outward, (struct uart_byte){.cycle = u->sent_at, .value = u->sending_value});
        u->sending = false;
        if (u->buffered) {
            u->buffered = false;
            send_start(u, u->buffered_value, u->sent_at);
        } else {
            u->complete = true;
        }
    }
    update(u);
}

void uart_entered(struct uart *u, uint8_t vector) {
    if (vector == VECTOR_TX) {
        u->complete = false;
        update(u);
    }
}

static uint8_t data_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    (void)avr;
    (void)address;
    struct uart *u = self;
    const uint8_t value = u->fifo[0];
    if (u->fifo_count > 0) {
        u->fifo[0] = u->fifo[1];
        u->fifo_flags[0] = u->fifo_flags[1];
        u->fifo_count--;
        fifo_fill(u);
        update(u);
    }
    return value;
}

static void data_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    (void)avr;
    (void)address;
    struct uart *u = self;
    if (!(control(u) & TXEN) || u->buffered) {
        return; /* the datasheet: a write while UDRE is clear is ignored */
    }
    if (u->sending) {
        u->buffered = true;
        u->buffered_value = value;
    } else {
        send_start(u, value, machine_now(u->machine));
    }
    update(u);
}

static uint8_t status_read(struct avr_t *avr, avr_io_addr_t address, void *self) {
    const struct uart *u = self;
    uint8_t value = avr->data[address] & (U2X | MPCM);
    if (u->fifo_count > 0) {
        value |= (uint8_t)(RXC | u->fifo_flags[0]);
    }
    value |= u->complete ? TXC : 0;
    value |= u->buffered ? 0 : UDRE;
    return value;
}

static void status_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct uart *u = self;
    avr->data[address] = value & (U2X | MPCM);
    if (value & TXC) {
        u->complete = false;
    }
    update(u);
}

static void control_write(struct avr_t *avr, avr_io_addr_t address, uint8_t value, void *self) {
    struct uart *u = self;
    avr->data[address] = value;
    if (!(value & RXEN)) { /* disabling the receiver flushes it */
        u->fifo_count = 0;
        u->shift_full = false;
    }
    update(u);
}

void uart_init(struct uart *u, struct machine *machine) {
    memset(u, 0, sizeof *u);
    u->machine = machine;
    u->host_bit = MACHINE_HZ / 500000u;
    machine_hook(machine, UDR0, data_read, data_write, u);
    machine_hook(machine, UCSR0A, status_read, status_write, u);
    machine_hook(machine, UCSR0B, NULL, control_write, u);
    machine_hook(machine, UBRR0L, NULL, NULL, u);
    machine_hook(machine, UBRR0H, NULL, NULL, u);
}

void uart_free(struct uart *u) {
    free(u->inward.bytes);
    free(u->outward.bytes);
}

void uart_reset(struct uart *u) {
    u->fifo_count = 0;
    u->shift_full = u->overrun = false;
    u->sending = u->buffered = u->complete = false; /* the line simply goes idle: a torn byte is not delivered */
    update(u);
}

void uart_send(struct uart *u, const uint8_t *data, size_t size, uint64_t at) {
    const uint64_t now = machine_now(u->machine);
    for (size_t i = 0; i < size; i++) {
        queue_put(&u->inward, (struct uart_byte){.cycle = at > now ? at : now, .value = data[i]});
    }
    machine_touch(u->machine);
}

size_t uart_take(struct uart *u, uint8_t *data, uint64_t *cycles, size_t capacity) {
    size_t count = 0;
    while (count < capacity && u->outward.head < u->outward.tail) {
        const struct uart_byte byte = u->outward.bytes[u->outward.head++];
        data[count] = byte.value;
        if (cycles != NULL) {
            cycles[count] = byte.cycle;
        }
        count++;
    }
    return count;
}

size_t uart_waiting(const struct uart *u) { return u->inward.tail - u->inward.head + (u->line_busy ? 1u : 0u); }

void uart_drop(struct uart *u) {
    u->inward.head = u->inward.tail = 0;
    u->line_busy = false;
}
