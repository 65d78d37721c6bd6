/* One pose on the bus: for each board one write with auto-increment over the outputs in use. The whole burst
 * takes effect at its STOP, so no servo ever gets half a value. */
#ifndef MIEN_BURST_H
#define MIEN_BURST_H

#include <stdbool.h>
#include <stdint.h>

#include "mien.h"

/* Reads from the core which outputs of which board are in use. */
void burst_layout(const mien_core *core);

/* Keeps the core's pulses of this moment for the bursts that follow. */
void burst_take(const mien_core *core);

/* Begins the burst of one board. False: no output of it is in use. */
bool burst_start(uint32_t now_us, uint8_t address, uint8_t board);

#endif
