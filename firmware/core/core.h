/* Functions that parts of the core call of each other. Not for the hardware layer. */
#ifndef MIEN_CORE_H
#define MIEN_CORE_H

#include "mien.h"
#include "state.h"

extern const uint8_t mien_bit[8]; /* 1 << k: a shift by a variable is a loop on an AVR */

/* mien.c: runs an event through the table and does what entering the new state requires.
 * False: refused, nothing changed. */
bool mien_event_apply(mien_core *core, enum mien_event event);

/* config.c: payloads of exactly the right length -> enum mien_result. */
uint8_t mien_config_begin(mien_core *core, const uint8_t *payload);
uint8_t mien_config_channel(mien_core *core, const uint8_t *payload);
uint8_t mien_config_commit(mien_core *core, const uint8_t *payload);

/* interlock.c */
void mien_interlock_forget(mien_core *core); /* those of the upload before */
uint8_t mien_config_interlock(mien_core *core, const uint8_t *payload, uint8_t size); /* as for config.c */
void mien_interlock_sums(const mien_core *core, int32_t *sum); /* of MIEN_INTERLOCKS_MAX, at the pulses now */
/* How far channel `index` may go from its pulse towards `next`; `sum` follows it there. */
uint16_t mien_interlock_step(const mien_core *core, int32_t *sum, uint8_t index, uint16_t next);

/* queue.c */
enum mien_queued { MIEN_QUEUED, MIEN_QUEUE_REFUSED, MIEN_QUEUE_BAD };
enum mien_queued mien_queue_put(mien_core *core, const uint8_t *payload, uint8_t size);
void mien_queue_hold_safe(mien_core *core); /* empties the queue; the pose reached is safe */
void mien_queue_advance(mien_core *core);   /* drops what core->now_us has passed */
uint16_t mien_queue_fraction(const mien_core *core); /* way to the next setpoint, of 2^15 */
uint16_t mien_queue_pulse(const mien_core *core, uint8_t index, uint16_t fraction);

/* motion.c */
void mien_motion_place(mien_core *core, bool keep); /* where the first drive starts */
void mien_motion_power(mien_core *core, bool on);
bool mien_motion_powered(const mien_core *core, uint8_t index);
void mien_motion_step(mien_core *core);

/* release.c */
void mien_release_begin(mien_core *core);            /* FAILSAFE was entered */
bool mien_release_due(mien_core *core);              /* before each step of it; true: RELEASED now */
void mien_release_step(mien_core *core, bool moved); /* after it */

/* Around the payload of a frame, before it is stuffed. */
#define MIEN_HEADER_SIZE 2 /* type, number */
#define MIEN_CRC_SIZE 2

/* replies.c: each is queued whole or not at all. */
void mien_send_telemetry(mien_core *core);
void mien_send_hello(mien_core *core, uint8_t seq);
void mien_send_pong(mien_core *core, uint8_t seq, const uint8_t *ping);
void mien_send_outputs(mien_core *core, uint8_t seq);
void mien_send_ack(mien_core *core, uint8_t type, uint8_t seq, uint8_t result, uint8_t detail);

#endif
