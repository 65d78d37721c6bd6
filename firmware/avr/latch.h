/* An emergency stop outlives a reset: two cells of the EEPROM hold "stopped" until CLEAR.
 *
 * Opening its port resets a Mega, and so do the watchdog and a weak supply. Without this every one of them would
 * end an emergency stop. Only one content of the two cells means "running", and an erased pair means a chip from
 * the factory; everything else means stopped, also the result of a power failure during a write. One byte
 * turns running into stopped, so a stop is stored 3.4 ms after the loop has noticed it.
 *
 * A cell bears 100 000 writes. They are written on a change only, and a host that stops and clears without end
 * gets CLEARS_MAX clears at once and then one in CLEAR_EVERY_S: until then the cells still hold "stopped". */
#ifndef MIEN_LATCH_H
#define MIEN_LATCH_H

#include <stdbool.h>
#include <stdint.h>

#define CLEARS_MAX 8
#define CLEAR_EVERY_S 10

/* Was the board stopped when it was reset? Waits 3.4 ms for a byte that the reset fell into. */
bool latch_stopped(void);

/* Lets the cells follow, by at most one byte; never waits. */
void latch_poll(bool stopped, uint32_t now_us);

#endif
