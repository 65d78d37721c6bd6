#include "cobs.h"

uint8_t mien_cobs_decode(uint8_t *data, uint8_t size)
{
    uint8_t in = 0;
    uint8_t out = 0;
    while (in < size) {
        uint8_t code = data[in];
        if (code == 0 || code > size - in) {
            return 0;
        }
        in++;
        for (uint8_t k = 1; k < code; k++) {
            if (data[in] == 0) {
                return 0;
            }
            data[out++] = data[in++];
        }
        /* A block of 254 stands for itself; every other one ends in a zero, but for the last. */
        if (code != 0xFF && in < size) {
            data[out++] = 0;
        }
    }
    return out;
}

uint8_t mien_cobs_encode(const uint8_t *data, uint8_t size, uint8_t *ring, uint8_t at)
{
    uint8_t code_at = at++;
    for (uint8_t i = 0; i < size; i++) {
        if (data[i] == 0) {
            ring[code_at] = (uint8_t)(at - code_at);
            code_at = at++;
        } else {
            ring[at++] = data[i];
        }
    }
    ring[code_at] = (uint8_t)(at - code_at);
    ring[at++] = 0;
    return at;
}
