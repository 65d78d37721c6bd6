#include "twi.h"

#include <avr/interrupt.h>
#include <util/delay.h>
#include <util/twi.h>

#include "hardware.h"

#define TIMEOUT_US 4000U /* the longest transfer, 66 bytes, takes 1.9 ms */
#define GO (_BV(TWINT) | _BV(TWEN) | _BV(TWIE))

static volatile uint8_t result = TWI_OK;
static volatile bool aborting;
static uint8_t slave;
static const uint8_t *out;
static uint8_t *in;
static volatile uint8_t out_left, in_left;
static uint16_t started_us;

void twi_start(void) {
    WIRE_PORT &= (uint8_t)~(_BV(SCL_BIT) | _BV(SDA_BIT));
    WIRE_DDR &= (uint8_t)~(_BV(SCL_BIT) | _BV(SDA_BIT));
    TWBR = TWI_DIVISOR;
    TWSR = 0;
    TWCR = _BV(TWEN);
}

/* A slave that was interrupted in a read holds SDA until it has got its clocks: at most nine. */
static void clear_bus(void) {
    TWCR = 0;
    for (uint8_t pulse = 0; pulse < 9 && (WIRE_PIN & _BV(SDA_BIT)) == 0; pulse++) {
        WIRE_DDR |= _BV(SCL_BIT);
        _delay_us(3);
        WIRE_DDR &= (uint8_t)~_BV(SCL_BIT);
        _delay_us(3);
    }
    WIRE_DDR |= _BV(SDA_BIT); /* STOP: SDA rises while SCL is high */
    _delay_us(3);
    WIRE_DDR &= (uint8_t)~_BV(SDA_BIT);
    _delay_us(3);
    twi_start();
}

void twi_transfer(uint32_t now_us, uint8_t address, const uint8_t *write, uint8_t write_size, uint8_t *read,
                  uint8_t read_size) {
    slave = (uint8_t)(address << 1);
    out = write;
    out_left = write_size;
    in = read;
    in_left = read_size;
    aborting = false;
    started_us = (uint16_t)now_us;
    result = TWI_BUSY;
    for (uint8_t i = 0; i < 30 && (TWCR & _BV(TWSTO)) != 0; i++) {
        /* the STOP of the transfer before this one takes 2.5 us */
    }
    TWCR = GO | _BV(TWSTA);
}

enum twi_result twi_poll(uint32_t now_us) {
    if (result == TWI_BUSY && (uint16_t)((uint16_t)now_us - started_us) > TIMEOUT_US) {
        TWCR = 0; /* from here on the interrupt cannot come */
        result = TWI_STUCK;
    }
    if (result == TWI_STUCK) {
        clear_bus();
    }
    return (enum twi_result)result;
}

bool twi_ended(void) { return result != TWI_BUSY; }

void twi_abort(void) { aborting = true; }

static void end(uint8_t how) {
    TWCR = _BV(TWINT) | _BV(TWEN) | _BV(TWSTO);
    result = how;
}

ISR(TWI_vect) {
    if (aborting) {
        end(TWI_ABORTED);
        return;
    }
    switch (TW_STATUS) {
    case TW_START:
        TWDR = slave;
        TWCR = GO;
        break;
    case TW_REP_START:
        TWDR = slave | TW_READ;
        TWCR = GO;
        break;
    case TW_MT_SLA_ACK:
    case TW_MT_DATA_ACK:
        if (out_left > 0) {
            out_left--;
            TWDR = *out++;
            TWCR = GO;
        } else if (in_left > 0) {
            TWCR = GO | _BV(TWSTA);
        } else {
            end(TWI_OK);
        }
        break;
    case TW_MR_DATA_ACK:
        in_left--;
        *in++ = TWDR;
        /* fall through */
    case TW_MR_SLA_ACK:
        TWCR = in_left > 1 ? GO | _BV(TWEA) : GO;
        break;
    case TW_MR_DATA_NACK:
        *in = TWDR;
        end(TWI_OK);
        break;
    case TW_MT_SLA_NACK:
    case TW_MT_DATA_NACK:
    case TW_MR_SLA_NACK:
        end(TWI_NACK);
        break;
    default: /* arbitration lost or bus error */
        TWCR = 0;
        result = TWI_STUCK;
        break;
    }
}
