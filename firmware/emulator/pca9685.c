/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pca9685.h"

#include <string.h>

#include "machine.h"

enum { RESTART = 0x80, EXTCLK = 0x40, AI = 0x20, SLEEP = 0x10, ALLCALL = 0x01 };
enum {
    MODE1 = 0x00,
    MODE2 = 0x01,
    SUBADR1 = 0x02,
    ALLCALLADR = 0x05,
    LED_FIRST = 0x06,
    LED_LAST = 0x45,
    ALL_LED_FIRST = 0xfa,
    ALL_LED_LAST = 0xfd,
    PRE_SCALE = 0xfe
};
enum { FULL = 0x10, NO_LIMIT = 0xffff, SWRST = 0x06 };

void pca9685_power_on(struct pca9685 *p) {
    p->mode1 = SLEEP | ALLCALL;
    p->mode2 = 0x04;
    p->sub[0] = 0xe2;
    p->sub[1] = 0xe4;
    p->sub[2] = 0xe8;
    p->all_call = 0xe0;
    p->prescale = 0x1e;
    for (unsigned i = 0; i < sizeof p->led; i++) {
        p->led[i] = i % 4 == 3 ? FULL : 0;
    }
    memcpy(p->live, p->led, sizeof p->led);
    p->touched = p->running = 0;
    p->all_off = p->selected = p->general = false;
    p->pointer = 0;
}

void pca9685_init(struct pca9685 *p, struct machine *machine, uint8_t index, uint8_t address) {
    memset(p, 0, sizeof *p);
    p->machine = machine;
    p->index = index;
    p->own_address = address;
    p->present = true;
    p->refuse_after = NO_LIMIT;
    p->oscillator_hz = 25e6;
    pca9685_power_on(p);
}

static bool answers(struct pca9685 *p) {
    if (!p->present || p->refuse || p->refuse_after == 0) {
        return false;
    }
    if (p->refuse_after != NO_LIMIT) {
        p->refuse_after--;
    }
    return true;
}

void pca9685_start(struct pca9685 *p) { p->selected = p->general = false; }

bool pca9685_address(struct pca9685 *p, uint8_t address) {
    const uint8_t write = address & 0xfe;
    bool mine = write == (uint8_t)(p->own_address << 1);
    mine |= (p->mode1 & ALLCALL) && write == p->all_call;
    for (unsigned i = 0; i < 3; i++) {
        mine |= (p->mode1 & (8u >> i)) && write == p->sub[i];
    }
    p->general = address == 0;
    if (!(mine || p->general) || !answers(p)) {
        p->selected = false;
        return false;
    }
    p->selected = true;
    p->reading = (address & 1u) != 0;
    p->pointer_next = !p->reading && !p->general;
    return true;
}

static void advance(struct pca9685 *p) {
    if (p->mode1 & AI) {
        p->pointer = p->pointer == LED_LAST || p->pointer == PRE_SCALE ? 0 : (uint8_t)(p->pointer + 1u);
    }
}

static void write_mode1(struct pca9685 *p, uint8_t value) {
    const bool slept = (p->mode1 & SLEEP) != 0;
    uint8_t restart = p->mode1 & RESTART;
    if (!slept && (value & SLEEP)) {
        restart = p->running != 0 ? RESTART : 0;
        p->running = 0;
    }
    if ((value & RESTART) && !(value & SLEEP) && restart) {
        p->running = 0xffff;
        restart = 0;
    }
    /* EXTCLK is sticky and settable in SLEEP only; the firmware has no use for it. */
    p->mode1 = (uint8_t)((value & ~(RESTART | EXTCLK)) | restart);
}

static void store(struct pca9685 *p, uint8_t reg, uint8_t value) {
    if (reg >= LED_FIRST && reg <= LED_LAST) {
        p->led[reg - LED_FIRST] = value;
        p->touched |= (uint16_t)(1u << (reg - LED_FIRST) / 4u);
    } else if (reg >= ALL_LED_FIRST && reg <= ALL_LED_LAST) {
        for (unsigned i = reg - ALL_LED_FIRST; i < sizeof p->led; i += 4) {
            p->led[i] = value;
        }
        p->touched = 0xffff;
        p->all_off |= reg == ALL_LED_LAST && (value & FULL);
    } else if (reg == PRE_SCALE) {
        if (p->mode1 & SLEEP) {
            p->prescale = value < 3 ? 3 : value;
        }
    } else if (reg == MODE1) {
        write_mode1(p, value);
    } else if (reg == MODE2) {
        p->mode2 = value & 0x1f;
    } else if (reg >= SUBADR1 && reg < ALLCALLADR) {
        p->sub[reg - SUBADR1] = value & 0xfe;
    } else if (reg == ALLCALLADR) {
        p->all_call = value & 0xfe;
    }
}

bool pca9685_write(struct pca9685 *p, uint8_t value) {
    if (!p->selected || p->reading || !answers(p)) {
        p->selected = false;
        return false;
    }
    if (p->general) {
        if (value == SWRST) {
            pca9685_power_on(p);
        }
        p->selected = false;
        return value == SWRST;
    }
    if (p->pointer_next) {
        p->pointer = value;
        p->pointer_next = false;
        return true;
    }
    machine_log(p->machine, EVENT_REGISTER, p->index, p->pointer, value);
    p->writes++;
    store(p, p->pointer, value);
    advance(p);
    return true;
}

uint8_t pca9685_peek(const struct pca9685 *p, uint8_t reg) {
    if (reg >= LED_FIRST && reg <= LED_LAST) {
        return p->led[reg - LED_FIRST];
    }
    if (reg >= SUBADR1 && reg < ALLCALLADR) {
        return p->sub[reg - SUBADR1];
    }
    switch (reg) {
    case MODE1:
        return p->mode1;
    case MODE2:
        return p->mode2;
    case ALLCALLADR:
        return p->all_call;
    case PRE_SCALE:
        return p->prescale;
    default:
        return 0; /* ALL_LED registers read as zero */
    }
}

uint8_t pca9685_read(struct pca9685 *p, bool more) {
    if (!p->selected || !p->reading || !p->present || p->refuse) {
        return 0xff;
    }
    const uint8_t value = pca9685_peek(p, p->pointer);
    advance(p);
    p->selected = more;
    return value;
}

void pca9685_stop(struct pca9685 *p) {
    p->selected = p->general = false;
    if (!p->present) {
        return;
    }
    for (unsigned i = 0; i < PCA9685_CHANNELS; i++) {
        if (p->touched & (1u << i)) {
            memcpy(p->live + 4 * i, p->led + 4 * i, 4);
        }
    }
    if (!(p->mode1 & SLEEP)) {
        p->running |= p->touched;
        if (p->touched != 0) {
            p->mode1 &= (uint8_t)~RESTART; /* a write to the outputs settles a pending restart */
        }
    }
    p->touched = 0;
    if (p->all_off) {
        p->all_off = false;
        machine_log(p->machine, EVENT_ALL_OFF, p->index, 0, 0);
    }
}

double pca9685_period_us(const struct pca9685 *p) { return 4096.0 * (p->prescale + 1.0) * 1e6 / p->oscillator_hz; }

double pca9685_pulse_us(const struct pca9685 *p, uint8_t channel) {
    const uint8_t *led = p->live + 4u * channel;
    if (!p->present || (p->mode1 & SLEEP) || !(p->running & (1u << channel)) || (led[3] & FULL)) {
        return 0.0;
    }
    if (led[1] & FULL) {
        return pca9685_period_us(p);
    }
    const unsigned on = led[0] | (led[1] & 15u) << 8, off = led[2] | (led[3] & 15u) << 8;
    return ((off - on) & 4095u) * (p->prescale + 1.0) * 1e6 / p->oscillator_hz;
}
