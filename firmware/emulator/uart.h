/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * USART0, asynchronous 8N1, as wired to the USB bridge of an Arduino Mega.
 *
 * A byte takes exactly ten bit times on the line, at the host's rate inwards and at the firmware's rate
 * outwards. The receiver has a buffer of two bytes and a shift register: when all three are full, the next
 * start bit overwrites the third and sets DOR. A rate mismatch above 4.5 % is received as a framing error.
 */
#ifndef MIEN_EMULATOR_UART_H
#define MIEN_EMULATOR_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

struct uart_byte {
    uint64_t cycle; /* inwards: earliest start of the start bit; outwards: end of the stop bit */
    uint8_t value;
};

struct uart_queue {
    struct uart_byte *bytes;
    size_t head, tail, capacity;
};

struct uart {
    struct machine *machine;
    uint32_t host_bit; /* cycles per bit of the host's side, 32 at 500 kbaud */

    struct uart_queue inward; /* not yet on the line */
    bool line_busy;
    uint8_t line_value;
    uint64_t line_end; /* also: the line is free from here */

    uint8_t fifo[2], fifo_flags[2], fifo_count;
    bool shift_full;
    uint8_t shift_value, shift_flags;
    bool overrun;
    uint64_t overruns;

    struct uart_queue outward; /* completely sent */
    bool sending, buffered, complete;
    uint8_t sending_value, buffered_value;
    uint64_t sent_at;
};

void uart_init(struct uart *u, struct machine *machine);
void uart_free(struct uart *u);
void uart_reset(struct uart *u);
uint64_t uart_deadline(const struct uart *u);
void uart_event(struct uart *u);
void uart_entered(struct uart *u, uint8_t vector);

/* Host side. Bytes go onto the line one after the other, none before `at`. */
void uart_send(struct uart *u, const uint8_t *data, size_t size, uint64_t at);
/* Takes up to `capacity` bytes whose stop bit has ended; `cycles` may be NULL. */
size_t uart_take(struct uart *u, uint8_t *data, uint64_t *cycles, size_t capacity);
/* Bytes that are still waiting for the line or on it. */
size_t uart_waiting(const struct uart *u);
/* Forgets what is waiting: the cable was pulled. */
void uart_drop(struct uart *u);

#endif
