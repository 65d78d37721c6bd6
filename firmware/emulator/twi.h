/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two-wire interface as a bus master. One bit takes 16 + 2 * TWBR * 4^TWPS cycles, a byte nine of them.
 * Status codes are those of the datasheet's tables, arbitration lost included: that is what a stuck SDA
 * looks like to the master. START waits as long as the bus is not free; a held SCL stops everything.
 */
#ifndef MIEN_EMULATOR_TWI_H
#define MIEN_EMULATOR_TWI_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

enum twi_action { TWI_IDLE, TWI_WAITING, TWI_STARTING, TWI_ADDRESSING, TWI_SENDING, TWI_RECEIVING, TWI_STOPPING };

struct twi {
    struct machine *machine;
    enum twi_action action;
    uint64_t deadline;
    bool flag;          /* TWINT */
    bool owner;         /* between our START and STOP */
    bool start_after_stop;
    uint8_t status, data;
    bool address_next, reading;
};

void twi_init(struct twi *t, struct machine *machine);
void twi_reset(struct twi *t);
uint64_t twi_deadline(const struct twi *t);
void twi_event(struct twi *t);
/* The lines changed from outside: a waiting START may go, or a transfer hangs. */
void twi_lines_changed(struct twi *t);

#endif
