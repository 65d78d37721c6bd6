/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The EEPROM: 4096 bytes, the four-cycle window between EEMPE and EEPE, and the time that a byte takes: 3.4 ms
 * for erase and write, 1.8 ms for either alone. It survives every reset. A write under way ends by itself when
 * the reset pin or the watchdog resets the chip; when the supply goes it stays half done: some bits of the cell
 * are already erased or already written, others not. The ready interrupt is not modelled.
 */
#ifndef MIEN_EMULATOR_EEPROM_H
#define MIEN_EMULATOR_EEPROM_H

#include <stdbool.h>
#include <stdint.h>

#define EEPROM_BYTES 4096u

struct machine;

struct eeprom {
    struct machine *machine;
    uint8_t cells[EEPROM_BYTES];
    uint64_t armed_until; /* end of the four cycles after EEMPE */
    uint64_t started, deadline; /* of the write under way; NEVER when there is none */
    uint16_t address;     /* of the write under way */
    uint8_t mode, value;
    uint32_t tear;        /* state of the random bits of a half done write */
};

void eeprom_init(struct eeprom *e, struct machine *machine);
void eeprom_reset(struct eeprom *e, bool supply_lost);
void eeprom_event(struct eeprom *e);

#endif
