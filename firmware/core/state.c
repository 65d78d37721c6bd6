#include "state.h"

#define U MIEN_STATE_UNCONFIGURED
#define D MIEN_STATE_DISARMED
#define A MIEN_STATE_ARMED
#define F MIEN_STATE_FAILSAFE
#define E MIEN_STATE_ESTOP
#define R MIEN_STATE_RELEASED
#define X MIEN_REFUSED

static const uint8_t table[MIEN_STATES][MIEN_EVENTS] = {
    /* event:          begin commit arm disarm estop clear link-lost board-lost release */
    /* UNCONFIGURED */ {U, D, X, U, E, U, X, X, X},
    /* DISARMED     */ {U, X, A, D, E, D, X, X, X},
    /* ARMED        */ {X, X, A, D, E, A, F, F, X},
    /* FAILSAFE     */ {X, X, A, D, E, F, F, F, R},
    /* ESTOP        */ {X, X, X, E, E, D, X, X, X},
    /* RELEASED     */ {U, X, A, D, E, D, X, X, X},
};

uint8_t mien_next(uint8_t state, enum mien_event event)
{
    return state < MIEN_STATES ? table[state][event] : MIEN_STATE_ESTOP;
}
