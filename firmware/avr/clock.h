/* The board's time: microseconds since start, modulo 2^32, from timer 1. Its interrupt comes every 250 us
 * to sample the emergency switch, and wakes the sleeping loop. */
#ifndef MIEN_CLOCK_H
#define MIEN_CLOCK_H

#include <stdint.h>

void clock_start(void);
uint32_t clock_us(void);

#endif
