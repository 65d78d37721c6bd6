/* The serial line, by interrupts both ways. Received bytes wait in a ring of 256; bytes to send come
 * straight out of the core's ring, so that nothing ever waits for the line.
 *
 * A step of the core takes up to 3 ms, too long for an emergency stop. The receive interrupt therefore recognises
 * one frame by itself: a whole ESTOP with a good CRC and no payload, as hosts send it, raises /OE before the core
 * gets it. The core may never get it, when the ring is full and its bytes are lost. So the loop calls mien_stop,
 * until everything that came before the stop was handled: a CLEAR among it must not end the stop. */
#ifndef MIEN_UART_H
#define MIEN_UART_H

#include <stdbool.h>
#include <stdint.h>

#include "mien.h"

/* `core` must outlive the line: its mien_transmit is called from the interrupt. */
void uart_start(mien_core *core);

/* Copies up to `size` received bytes, none of them from after a stop that is not served; returns how many. */
uint8_t uart_read(uint8_t *data, uint8_t size);
bool uart_waiting(void);

/* True once after bytes were lost to an overrun, a framing error or a full ring. */
bool uart_lost(void);

/* An ESTOP frame came: outputs must stay off. */
bool uart_stopped(void);

/* mien_stop was called. Ends uart_stopped once everything from before the stop was read. */
void uart_stop_served(void);

/* The core may have bytes to send. */
void uart_send(void);

#endif
