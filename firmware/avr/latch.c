#include "latch.h"

#include <util/atomic.h>

#include "hardware.h"

/* Not cell 0, which the address register points to in every reset. Erasing a cell sets bits and writing it
 * clears them, in any order: no half way between two of these values may look like a third one. STOPPED and
 * RUNNING each have a bit that the other lacks, so neither is passed on the way to the other. */
#define FIRST_CELL 0x10
#define SECOND_CELL 0x11
#define RUNNING 0x69 /* in the first cell, with its complement in the second */
#define STOPPED 0x96 /* in the first cell, whatever the second holds */
#define SECOND 0x96
#define ERASED 0xFF

static uint8_t clears = CLEARS_MAX; /* allowed now */
static uint32_t allowed_us;         /* when the last one was added */

static bool busy(void) { return (EECR & _BV(EEPE)) != 0; }

static uint8_t get(uint8_t cell) {
    EEAR = cell;
    EECR |= _BV(EERE);
    return EEDR;
}

static void put(uint8_t cell, uint8_t value) {
    EEAR = cell;
    EEDR = value;
    EECR = 0;                        /* erase and write */
    ATOMIC_BLOCK(ATOMIC_FORCEON) { /* four cycles from one to the other */
        EECR |= _BV(EEMPE);
        EECR |= _BV(EEPE);
    }
}

static bool kept_as_stopped(void) {
    const uint8_t first = get(FIRST_CELL), second = get(SECOND_CELL);
    return !(first == RUNNING && second == SECOND) && !(first == ERASED && second == ERASED);
}

bool latch_stopped(void) {
    while (busy()) {
        /* the watchdog ends it if it should never end */
    }
    return kept_as_stopped();
}

static void allow(uint32_t now_us) {
    if (now_us - allowed_us >= CLEAR_EVERY_S * 1000000UL) {
        allowed_us = now_us;
        if (clears < CLEARS_MAX) {
            clears++;
        }
    }
}

void latch_poll(bool stopped, uint32_t now_us) {
    allow(now_us);
    if (busy() || kept_as_stopped() == stopped) {
        return;
    }
    if (stopped) {
        put(FIRST_CELL, STOPPED);
    } else if (clears == 0) {
        return;
    } else if (get(SECOND_CELL) != SECOND) {
        put(SECOND_CELL, SECOND); /* the first one last: until it is whole, all this means stopped */
    } else {
        put(FIRST_CELL, RUNNING);
        clears--;
    }
}
