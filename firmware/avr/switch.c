#include "switch.h"

#include <avr/interrupt.h>
#include <util/atomic.h>

#include "hardware.h"
#include "protocol.h"

#define LOOKS(ms) ((ms) * 2000U / TICK_COUNTS)
#define PRESSED_LOOKS LOOKS(2)
#define REST_LOOKS LOOKS(5)
#define CHATTER_LOOKS LOOKS(20)

static uint8_t wired = MIEN_SWITCH_NONE;
static uint8_t stop_level;      /* of the input bit */
static volatile uint8_t unrest; /* samples until it is at rest */
static volatile bool pressed;
static uint8_t at_stop; /* samples in a row */
static uint8_t age;     /* samples since it was last at rest */

void switch_start(void) {
    STOP_PORT |= _BV(STOP_BIT); /* the pull-up: an open switch, or a cut wire, reads 1 */
    EICRB = _BV(ISC50);         /* any edge */
}

void switch_wire(uint8_t wiring) {
    if (wiring == wired) {
        return;
    }
    ATOMIC_BLOCK(ATOMIC_FORCEON) {
        wired = wiring;
        stop_level = wiring == MIEN_SWITCH_NC ? _BV(STOP_BIT) : 0;
        pressed = false;
        at_stop = 0;
        age = 0;
        EIMSK = 0;
        unrest = 0;
        if (wiring != MIEN_SWITCH_NONE) {
            unrest = REST_LOOKS; /* as if it had just moved */
            EIFR = _BV(INTF5);
            EIMSK = _BV(INT5);
        }
    }
}

void switch_sample(void) {
    if (wired == MIEN_SWITCH_NONE) {
        return;
    }
    if ((STOP_PIN & _BV(STOP_BIT)) == stop_level) {
        OE_PORT |= _BV(OE_BIT); /* also when no edge was seen */
        unrest = REST_LOOKS;
        at_stop++;
    } else {
        at_stop = 0;
        if (unrest != 0) {
            unrest--;
        }
    }
    if (unrest == 0) {
        age = 0;
        pressed = false;
    } else if (at_stop == PRESSED_LOOKS || ++age == CHATTER_LOOKS) {
        pressed = true;
        at_stop = 0; /* counts again, so that neither runs over */
        age = 0;
    }
}

bool switch_unrest(void) { return unrest != 0; }

bool switch_pressed(void) { return pressed; }

ISR(INT5_vect) {
    OE_PORT |= _BV(OE_BIT);
    unrest = REST_LOOKS;
}
