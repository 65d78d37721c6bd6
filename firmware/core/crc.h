/* CRC-16/CCITT-FALSE: polynomial 0x1021, no reflection, no final xor. Start with MIEN_CRC_INIT.
 * crc of "123456789" is 0x29B1. Python: binascii.crc_hqx(data, 0xFFFF). */
#ifndef MIEN_CRC_H
#define MIEN_CRC_H

#include <stdint.h>

#define MIEN_CRC_INIT 0xFFFFu

/* One more byte. */
uint16_t mien_crc_byte(uint16_t crc, uint8_t byte);

/* All bytes, first to last. */
uint16_t mien_crc(uint16_t crc, const uint8_t *data, uint8_t size);

/* All bytes, last to first: the guard of a setpoint. */
uint16_t mien_crc_backwards(uint16_t crc, const uint8_t *data, uint8_t size);

#endif
