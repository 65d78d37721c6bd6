/* The state machine, as a table. */
#ifndef MIEN_STATE_H
#define MIEN_STATE_H

#include <stdint.h>

#include "protocol.h"

#define MIEN_STATES 6
#define MIEN_REFUSED 0xFF /* the event is not allowed here, or means nothing */

enum mien_event {
    MIEN_EVENT_BEGIN,      /* an upload starts */
    MIEN_EVENT_COMMIT,     /* an upload is complete and right */
    MIEN_EVENT_ARM,
    MIEN_EVENT_DISARM,
    MIEN_EVENT_ESTOP,
    MIEN_EVENT_CLEAR,
    MIEN_EVENT_LINK_LOST,
    MIEN_EVENT_BOARD_LOST,
    MIEN_EVENT_RELEASE, /* FAILSAFE has done all it can */
    MIEN_EVENTS
};

/* Next state, or MIEN_REFUSED. A state that is none (a flipped bit) leads to ESTOP. */
uint8_t mien_next(uint8_t state, enum mien_event event);

#endif
