/* One I2C transfer at a time, run by the interrupt: write bytes, then read some after a repeated start.
 * Nothing here waits for the bus. A transfer that does not end in time is ended by twi_poll, which also
 * clocks a slave free that holds SDA. */
#ifndef MIEN_TWI_H
#define MIEN_TWI_H

#include <stdbool.h>
#include <stdint.h>

enum twi_result {
    TWI_OK,
    TWI_NACK,    /* no device answered, or a byte was refused */
    TWI_ABORTED, /* by twi_abort */
    TWI_STUCK,   /* arbitration lost, bus error or no end in time; the bus was cleared as far as it can be */
    TWI_BUSY
};

void twi_start(void);

/* Begins a transfer; only while none runs. Both buffers must live until it ends; read_size may be 0. */
void twi_transfer(uint32_t now_us, uint8_t address, const uint8_t *write, uint8_t write_size, uint8_t *read,
                  uint8_t read_size);

/* TWI_BUSY while the transfer runs, then its result. */
enum twi_result twi_poll(uint32_t now_us);

/* Did the transfer end? For the decision to sleep; callable with interrupts off. */
bool twi_ended(void);

/* Ends the running transfer with a STOP after the byte that is on the bus. */
void twi_abort(void);

#endif
