#include "pca9685.h"

#include "twi.h"

#define MODE1 0x00
#define MODE2 0x01
#define ALL_LED_OFF_H 0xFD
#define PRE_SCALE 0xFE

#define SLEEP 0x10
#define ALLCALL 0x01
#define AUTO_INCREMENT 0x20
#define RESTART 0x80 /* reads as 1 after a sleep with outputs on; not a setting */
#define TOTEM_POLE 0x04

#define AWAKE (AUTO_INCREMENT | ALLCALL)
#define OSCILLATOR_HZ 25000000UL

static uint8_t prescale;
static uint32_t scale; /* counts per 0.25 us, times 2^19 */
static uint8_t message[2];
static uint8_t answer[2];

void pca9685_rate(uint16_t hz) {
    const uint32_t frame = (uint32_t)PCA9685_COUNTS * hz;
    const uint32_t divisor = (OSCILLATOR_HZ + frame / 2) / frame;
    prescale = (uint8_t)(divisor < 4 ? 3 : divisor > 256 ? 255 : divisor - 1);
    /* 25 MHz / divisor / 4 MHz * 2^19, rounded. At the largest pulse, 10400, and the fastest rate that fits
     * one into a frame, the product below stays under 2^32. */
    scale = (25UL * (1UL << 17) + (prescale + 1UL) / 2) / (prescale + 1UL);
}

uint16_t pca9685_counts(uint16_t pulse) {
    const uint32_t counts = (pulse * scale + (1UL << 18)) >> 19;
    return (uint16_t)(counts < PCA9685_COUNTS ? counts : PCA9685_COUNTS - 1);
}

static void put(uint32_t now_us, uint8_t address, uint8_t reg, uint8_t value) {
    message[0] = reg;
    message[1] = value;
    twi_transfer(now_us, address, message, 2, answer, 0);
}

static void get(uint32_t now_us, uint8_t address, uint8_t reg, uint8_t size) {
    message[0] = reg;
    twi_transfer(now_us, address, message, 1, answer, size);
}

void pca9685_off(uint32_t now_us, uint8_t address) { put(now_us, address, ALL_LED_OFF_H, PCA9685_FULL_OFF); }

void pca9685_stage(uint32_t now_us, uint8_t address, uint8_t stage) {
    switch (stage) {
    case 0:
        pca9685_off(now_us, address);
        break;
    case 1: /* the prescaler can be written in sleep only */
        put(now_us, address, MODE1, AWAKE | SLEEP);
        break;
    case 2:
        put(now_us, address, PRE_SCALE, prescale);
        break;
    case 3:
        put(now_us, address, MODE2, TOTEM_POLE);
        break;
    case 4:
        put(now_us, address, MODE1, AWAKE);
        break;
    case PCA9685_FIRST_CHECK:
        get(now_us, address, MODE1, 2);
        break;
    default:
        get(now_us, address, PRE_SCALE, 1);
        break;
    }
}

bool pca9685_accept(uint8_t stage) {
    if (stage == PCA9685_FIRST_CHECK) {
        return (answer[0] & (uint8_t)~RESTART) == AWAKE && answer[1] == TOTEM_POLE;
    }
    return stage != PCA9685_LAST_STAGE || answer[0] == prescale;
}
