/* An independent check: after every call into the core it compares the guarantees of mien.h with
 * the configured limits and with the previous outputs. Tests, benches and the fuzzer
 * use it; it never runs on a board. */
#ifndef MIEN_WATCH_H
#define MIEN_WATCH_H

#include "mien.h"

enum mien_broken {
    MIEN_BROKEN_NONE = 0,
    MIEN_BROKEN_LIMIT = 1,   /* a driven pulse outside [min, max] */
    MIEN_BROKEN_SLEW = 2,    /* a pulse moved by more than its slew in one step */
    MIEN_BROKEN_STILL = 3,   /* a pulse moved without a step */
    MIEN_BROKEN_FLOOR = 4,   /* a taut tendon went back behind its floor */
    MIEN_BROKEN_DRIVE = 5,   /* driven in a state that forbids it, or with a board missing at ARM */
    MIEN_BROKEN_QUEUE = 6,   /* too many setpoints, or not in the order of their times */
    MIEN_BROKEN_SILENCE = 7, /* still ARMED after the host was silent for the timeout */
    MIEN_BROKEN_STATE = 8,   /* a state, or a step between two states, that does not exist in the design */
    MIEN_BROKEN_LOCK = 9,    /* the sum of an interlock crossed its limit, or rose above it */
    MIEN_BROKEN_RELEASE = 10 /* FAILSAFE stood still for longer than hold_s + 1 s */
};

typedef struct {
    bool driven[MIEN_CHANNELS_MAX]; /* was driven under this configuration */
    uint16_t pulse[MIEN_CHANNELS_MAX];
    uint16_t config_crc;
    uint8_t state;
    bool sums_known;
    int64_t sum[MIEN_INTERLOCKS_MAX];
    uint32_t failsafe_us; /* when it began */
    uint32_t still_steps; /* of FAILSAFE in a row in which nothing moved */
} mien_watch;

void mien_watch_init(mien_watch *watch);

/* After mien_receive, mien_button, ... (stepped = ticked = false) or mien_tick (its result, true). */
enum mien_broken mien_watch_check(mien_watch *watch, const mien_core *core, bool stepped,
                                  bool ticked);

#endif
