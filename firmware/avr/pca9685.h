/* Talking to one PCA9685: setting it up in stages, one transfer each, and reading it back.
 * NXP datasheet rev. 4; the registers are in its table 4. */
#ifndef MIEN_PCA9685_H
#define MIEN_PCA9685_H

#include <stdbool.h>
#include <stdint.h>

#define PCA9685_ALL_CALL 0x70 /* every board answers to it, also before it was set up */
#define PCA9685_LED0 0x06     /* four registers per output: on low, on high, off low, off high */
#define PCA9685_FULL_OFF 0x10 /* in the high off register */
#define PCA9685_COUNTS 4096

#define PCA9685_FIRST_CHECK 5 /* stages before it write, from it on they only read */
#define PCA9685_LAST_STAGE 6

/* Sets the prescaler for a servo frame rate in Hz. */
void pca9685_rate(uint16_t hz);

/* Pulse in 0.25 us to counts of the 4096 in a frame, rounded. */
uint16_t pca9685_counts(uint16_t pulse);

/* Begins the transfer of one stage. After its end pca9685_accept returns whether the values read are right. */
void pca9685_stage(uint32_t now_us, uint8_t address, uint8_t stage);
bool pca9685_accept(uint8_t stage);

/* Begins ALL_LED_OFF. */
void pca9685_off(uint32_t now_us, uint8_t address);

#endif
