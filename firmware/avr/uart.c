#include "uart.h"

#include <avr/interrupt.h>
#include <util/atomic.h>

#include "cobs.h"
#include "crc.h"
#include "hardware.h"
#include "messages.h"

#define STOP_SIZE 5 /* encoded ESTOP without its end: COBS code, type, seq, CRC */

static mien_core *source;
static uint8_t ring[256]; /* 8-bit indices wrap by themselves */
static volatile uint8_t head, tail;
static volatile bool lost;
static uint8_t frame[STOP_SIZE]; /* the first bytes since the last zero */
static uint8_t frame_size;
static volatile bool stopped;
static volatile uint8_t stopped_at; /* what came before the stop ends here in the ring */

void uart_start(mien_core *core) {
    source = core;
    UBRR0 = UART_DIVISOR;
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
}

uint8_t uart_read(uint8_t *data, uint8_t size) {
    uint8_t count = 0;
    while (count < size && tail != head && !(stopped && tail == stopped_at)) {
        data[count++] = ring[tail];
        tail = (uint8_t)(tail + 1);
    }
    return count;
}

bool uart_waiting(void) { return tail != head; }

bool uart_lost(void) {
    const bool was = lost;
    if (was) {
        lost = false;
    }
    return was;
}

bool uart_stopped(void) { return stopped; }

void uart_stop_served(void) {
    ATOMIC_BLOCK(ATOMIC_FORCEON) { /* or a stop that comes now would be forgotten */
        if (tail == stopped_at) {
            stopped = false;
        }
    }
}

void uart_send(void) {
    if (source->tx_head != source->tx_tail) {
        UCSR0B |= _BV(UDRIE0);
    }
}

/* True at the end of an ESTOP. The second encoded byte is the type, because no type is zero. */
static bool ends_stop(uint8_t value) {
    if (value != 0) {
        if (frame_size < STOP_SIZE) {
            frame[frame_size] = value;
        }
        if (frame_size <= STOP_SIZE) {
            frame_size++;
        }
        return false;
    }
    const uint8_t size = frame_size;
    frame_size = 0;
    return size == STOP_SIZE && frame[1] == MIEN_MSG_ESTOP && mien_cobs_decode(frame, STOP_SIZE) == STOP_SIZE - 1 &&
           mien_crc(MIEN_CRC_INIT, frame, 2) == mien_read_u16(frame + 2);
}

ISR(USART0_RX_vect) {
    const uint8_t status = UCSR0A;
    const uint8_t value = UDR0;
    if ((status & (_BV(DOR0) | _BV(FE0))) != 0) {
        lost = true;
    }
    const bool stop = ends_stop(value);
    if (stop) {
        OE_PORT |= _BV(OE_BIT);
    }
    const uint8_t next = (uint8_t)(head + 1);
    if (next == tail) {
        lost = true;
    } else {
        ring[head] = value;
        head = next;
    }
    if (stop) {
        stopped_at = head;
        stopped = true;
    }
}

ISR(USART0_UDRE_vect) {
    uint8_t value;
    if (mien_transmit(source, &value)) {
        UDR0 = value;
    } else {
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
    }
}
