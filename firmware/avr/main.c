/* The loop. Everything in it is bounded, nothing waits: 32 received bytes, one step of the core, one piece of
 * bus work, one cell of the EEPROM, then sleep until an interrupt. The watchdog resets the processor if it ever
 * takes 120 ms. */
#include <avr/interrupt.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "boards.h"
#include "clock.h"
#include "hardware.h"
#include "latch.h"
#include "mien.h"
#include "switch.h"
#include "uart.h"

#define CHUNK 32

static mien_core core;
static uint8_t reset_flags __attribute__((section(".noinit")));

/* Before main: a watchdog reset leaves the watchdog running at 16 ms, too short for the start-up. */
void early(void) __attribute__((naked, used, section(".init3")));
void early(void) {
    reset_flags = MCUSR;
    MCUSR = 0;
    wdt_disable();
}

static uint8_t reset_cause(void) {
    if ((reset_flags & _BV(WDRF)) != 0) {
        return MIEN_RESET_WATCHDOG;
    }
    if ((reset_flags & _BV(PORF)) != 0) { /* power-on sets the brown-out flag, too */
        return MIEN_RESET_POWER;
    }
    if ((reset_flags & _BV(BORF)) != 0) {
        return MIEN_RESET_BROWNOUT;
    }
    return (reset_flags & _BV(EXTRF)) != 0 ? MIEN_RESET_EXTERNAL : MIEN_RESET_UNKNOWN;
}

/* Right after mien_receive, so that a CLEAR and an ARM that it took do not outlast it. */
static void stop(void) {
    if (uart_stopped()) {
        mien_stop(&core);
        uart_stop_served();
    }
    switch_wire(mien_stop_switch(&core));
    if (switch_pressed()) {
        mien_button(&core);
    }
}

/* Interrupts are off between the question and the sleep; SEI lets one more instruction pass. */
static void rest(void) {
    cli();
    if (!uart_waiting() && !boards_ready()) {
        sleep_enable();
        sei();
        sleep_cpu();
        sleep_disable();
    }
    sei();
}

int main(void) {
    boards_start(); /* outputs off, before the core clears its two kilobytes */
    sei();
    switch_start();
    SMCR = 0; /* sleep means idle: every interrupt wakes */
    mien_init(&core, reset_cause());
    clock_start();
    uart_start(&core);
    wdt_enable(WDTO_120MS);
    if (latch_stopped()) {
        mien_stop(&core);
    }
    for (;;) {
        uint8_t chunk[CHUNK];
        const uint8_t size = uart_read(chunk, CHUNK);
        const uint32_t now_us = clock_us();
        mien_receive(&core, now_us, chunk, size);
        stop();
        boards_gate(&core);
        if (uart_lost()) {
            mien_uart_error(&core);
        }
        if (mien_tick(&core, now_us)) {
            boards_step();
        }
        boards_poll(&core, clock_us());
        latch_poll(core.state == MIEN_STATE_ESTOP, now_us);
        uart_send();
        wdt_reset();
        rest();
    }
}
