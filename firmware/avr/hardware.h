/* What is wired where on an Arduino Mega 2560 (ATmega2560, 16 MHz), and the rates.
 *
 *   D0/D1   PE0/PE1  USB serial, 500 000 baud (exact: 16 MHz / 8 / 4)
 *   D2      PE4      /OE of every PCA9685, with a 10 kOhm resistor to their VCC: off unless driven low
 *   D3      PE5      emergency stop, INT5: a switch to ground, internal pull-up; open = stop unless the face
 *                    file changes it
 *   D13     PB7      LED, on while servos are driven
 *   D20/D21 PD1/PD0  SDA and SCL, pulled up on the PCA9685 boards
 */
#ifndef MIEN_HARDWARE_H
#define MIEN_HARDWARE_H

#include <avr/io.h>

#ifndef F_CPU
#define F_CPU 16000000UL
#endif
#if F_CPU != 16000000UL
#error "the divisors in this folder are for 16 MHz"
#endif

#define OE_DDR DDRE
#define OE_PORT PORTE
#define OE_BIT PE4

#define STOP_PORT PORTE
#define STOP_PIN PINE
#define STOP_BIT PE5

#define LED_DDR DDRB
#define LED_PORT PORTB
#define LED_BIT PB7

#define WIRE_DDR DDRD
#define WIRE_PORT PORTD
#define WIRE_PIN PIND
#define SCL_BIT PD0
#define SDA_BIT PD1

#define UART_DIVISOR 3  /* UBRR with U2X: 16 MHz / 8 / (3 + 1) = 500 000 */
#define TWI_DIVISOR 12  /* TWBR: 16 MHz / (16 + 2 * 12) = 400 kHz */
#define TICK_COUNTS 500 /* timer 1 counts of 0.5 us: the loop wakes at least every 250 us */

#endif
