/* Consistent Overhead Byte Stuffing: frames without a zero byte, so that zero ends a frame and the
 * receiver is in step again after the next one. */
#ifndef MIEN_COBS_H
#define MIEN_COBS_H

#include <stdint.h>

/* Decodes `size` bytes (without the closing zero) in place. Returns the decoded size, always smaller
 * than `size`; 0 for an empty, truncated or zero-holding input, whose bytes are then undefined. */
uint8_t mien_cobs_decode(uint8_t *data, uint8_t size);

/* Encodes `size` <= 253 bytes into a ring of 256 from index `at` on: size + 2 bytes, closing zero
 * included. Returns the index after them. From 0 the ring is a plain buffer. */
uint8_t mien_cobs_encode(const uint8_t *data, uint8_t size, uint8_t *ring, uint8_t at);

#endif
