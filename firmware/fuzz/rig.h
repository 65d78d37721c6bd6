/* The core under the watch, fed from the fuzzer's input. */
#ifndef MIEN_FUZZ_RIG_H
#define MIEN_FUZZ_RIG_H

#include <stddef.h>

#include "watch.h"

typedef struct {
    const uint8_t *data;
    size_t left;
} input;

typedef struct {
    mien_core core;
    mien_watch watch;
    uint32_t now;
    uint8_t seq;
    uint8_t line[MIEN_FRAME_MAX]; /* of the frame that the core is sending */
    uint8_t line_size;
    uint16_t config_crc; /* of the last upload */
    bool slept;
} rig;

/* rig.c: numbers from the input; zeros when it is over. */
uint8_t take8(input *in);
uint16_t take16(input *in);
uint16_t between(input *in, uint16_t low, uint16_t high); /* both included */

/* rig.c: calls of the core. Each aborts when a guarantee of mien.h is broken. */
void check(rig *r, bool stepped, bool ticked);
void receive(rig *r, const uint8_t *data, uint16_t size);
void send_frame(rig *r, uint8_t type, const uint8_t *payload, uint8_t size); /* one frame with a right CRC */
void tick(rig *r, uint32_t us);
void drain(rig *r, uint16_t most); /* what it sends must be whole frames with a right CRC, ours */

/* upload.c: a configuration, mostly one that the core must take. */
void upload(rig *r, input *in);

#endif
