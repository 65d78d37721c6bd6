/* The PCA9685 boards: outputs off first, verified before they drive, watched while they do.
 *
 * The chip has no reset pin and drives on through a reset of this processor, so the first transfer on the
 * bus is ALL_LED_OFF to all boards. While the core does not drive, every board is set up and read back in turn;
 * a board that comes late or comes back is found that way. While it drives, each step of the core becomes
 * one burst per board, and MODE1 and PRESCALE are read back in turn, because a board that lost its power
 * acknowledges everything and moves nothing.
 *
 * A board that was lost and found while the core drives stays off until the next ARM. When one stays lost
 * for LOST_OFF_MS, /OE turns all of them off: outputs that no longer obey stop driving.
 */
#ifndef MIEN_BOARDS_H
#define MIEN_BOARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "mien.h"

#define LOST_OFF_MS 2000
#define IDLE_CHECK_US 10000U  /* one board is set up or read back this often while nothing is driven */
#define DRIVE_CHECK_US 50000U /* and this often while something is */

void boards_start(void);

/* Right after mien_receive and the stops, before the step: /OE follows mien_drive, upwards at once. FAILSAFE that
 * ends in the step is served 250 us later, in the next turn; nothing is written to the boards until then. */
void boards_gate(const mien_core *core);

/* After a step of the core: its pulses are due on the bus. */
void boards_step(void);

/* Does the next piece of work on the bus, at most one conversion of a board's pulses. */
void boards_poll(mien_core *core, uint32_t now_us);

/* Would boards_poll have something to do now? Callable with interrupts off. */
bool boards_ready(void);

#endif
