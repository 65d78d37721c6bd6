/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Timer 1 in normal mode (WGM 0) and CTC mode (WGM 4): prescalers 1 to 1024, compare A and B, overflow, and
 * the shared TEMP byte of 16-bit accesses. Any other mode ends the run with a message.
 */
#ifndef MIEN_EMULATOR_TIMER1_H
#define MIEN_EMULATOR_TIMER1_H

#include <stdint.h>

struct machine;

struct timer1 {
    struct machine *machine;
    uint32_t prescaler; /* cycles per count, 0 = stopped */
    uint64_t zero;      /* cycle at which the counter was or would have been 0 */
    uint16_t stopped_at;
    uint16_t compare[2];
    uint8_t flags, mask, temp;
    uint64_t checked; /* flags are complete up to this cycle */
};

void timer1_init(struct timer1 *t, struct machine *machine);
void timer1_reset(struct timer1 *t);
uint64_t timer1_deadline(const struct timer1 *t);
void timer1_event(struct timer1 *t);
void timer1_entered(struct timer1 *t, uint8_t vector);

#endif
