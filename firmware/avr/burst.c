#include "burst.h"

#include "pca9685.h"
#include "twi.h"

/* Outputs begin one after the other, so that not all servos draw their current at once. The last one ends
 * inside the frame: 15 * 96 counts + 533 (2600 us at 50 Hz); up to 330 Hz it is one frame all the same. */
#define STAGGER 96

static uint8_t first[MIEN_BOARDS_MAX], end[MIEN_BOARDS_MAX]; /* outputs first..end-1, end 0 = none */
static uint16_t pulses[MIEN_BOARDS_MAX * MIEN_BOARD_CHANNELS];
static uint8_t bytes[1 + 4 * MIEN_BOARD_CHANNELS];

void burst_layout(const mien_core *core) {
    for (uint8_t board = 0; board < MIEN_BOARDS_MAX; board++) {
        first[board] = MIEN_BOARD_CHANNELS;
        end[board] = 0;
    }
    for (uint8_t output = 0; output < MIEN_BOARDS_MAX * MIEN_BOARD_CHANNELS; output++) {
        pulses[output] = 0;
    }
    for (uint8_t k = 0; k < mien_channels(core); k++) {
        const uint8_t output = mien_output(core, k);
        const uint8_t board = output / MIEN_BOARD_CHANNELS;
        const uint8_t channel = output % MIEN_BOARD_CHANNELS;
        if (channel < first[board]) {
            first[board] = channel;
        }
        if (channel >= end[board]) {
            end[board] = (uint8_t)(channel + 1U);
        }
    }
}

void burst_take(const mien_core *core) {
    for (uint8_t k = 0; k < mien_channels(core); k++) {
        pulses[mien_output(core, k)] = mien_pulse(core, k);
    }
}

bool burst_start(uint32_t now_us, uint8_t address, uint8_t board) {
    if (end[board] == 0) {
        return false;
    }
    uint8_t *to = bytes;
    *to++ = (uint8_t)(PCA9685_LED0 + 4U * first[board]);
    for (uint8_t channel = first[board]; channel < end[board]; channel++) {
        const uint16_t pulse = pulses[board * MIEN_BOARD_CHANNELS + channel];
        const uint16_t on = (uint16_t)(channel * STAGGER);
        const uint16_t off = (uint16_t)(on + pca9685_counts(pulse)) % PCA9685_COUNTS;
        *to++ = (uint8_t)on;
        *to++ = (uint8_t)(on >> 8);
        *to++ = (uint8_t)off;
        *to++ = (uint8_t)(pulse == 0 ? PCA9685_FULL_OFF : off >> 8);
    }
    twi_transfer(now_us, address, bytes, (uint8_t)(to - bytes), bytes, 0);
    return true;
}
