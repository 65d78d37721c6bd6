#include "clock.h"

#include <avr/interrupt.h>
#include <util/atomic.h>

#include "hardware.h"
#include "switch.h"

#define TURN_US (TICK_COUNTS / 2)

static volatile uint32_t turn_us; /* time at the last return of the counter to zero */

void clock_start(void) {
    OCR1A = TICK_COUNTS - 1;
    TIMSK1 = _BV(OCIE1A);
    TCCR1B = _BV(WGM12) | _BV(CS11); /* 16 MHz / 8, zero after OCR1A */
}

uint32_t clock_us(void) {
    uint32_t us;
    uint16_t counts;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        us = turn_us;
        counts = TCNT1;
        if ((TIFR1 & _BV(OCF1A)) != 0) { /* a return to zero that was not served yet */
            counts = TCNT1;
            us += TURN_US;
        }
    }
    return us + (counts >> 1);
}

ISR(TIMER1_COMPA_vect) {
    turn_us += TURN_US;
    switch_sample();
}
