#include "crc.h"

uint16_t mien_crc_byte(uint16_t crc, uint8_t byte)
{
    /* The eight shift-and-xor rounds of one byte folded into four terms: no table (RAM on an AVR). */
    uint8_t x = (uint8_t)((crc >> 8) ^ byte);
    x = (uint8_t)(x ^ (x >> 4));
    uint16_t wide = x;
    return (uint16_t)((uint16_t)(crc << 8) ^ (uint16_t)(wide << 12) ^ (uint16_t)(wide << 5) ^ wide);
}

uint16_t mien_crc(uint16_t crc, const uint8_t *data, uint8_t size)
{
    for (uint8_t i = 0; i < size; i++) {
        crc = mien_crc_byte(crc, data[i]);
    }
    return crc;
}

uint16_t mien_crc_backwards(uint16_t crc, const uint8_t *data, uint8_t size)
{
    while (size > 0) {
        size--;
        crc = mien_crc_byte(crc, data[size]);
    }
    return crc;
}
