/* The core in a process: a hardware layer without hardware. Boards answer unless they are unplugged. */
#ifndef MIEN_HOST_H
#define MIEN_HOST_H

#include <stddef.h>

#include "mien.h"
#include "watch.h"

typedef struct {
    mien_core core;
    uint8_t present; /* bit b: board b answers on the bus */
    bool probing;    /* boards are probed while nothing is driven */
    mien_watch watch;
    uint32_t broken;      /* calls after which a guarantee of mien.h did not hold: 0, or a bug */
    uint8_t broken_first; /* enum mien_broken of the first */
} mien_host;

void mien_host_init(mien_host *host, uint8_t reset);

/* mien_receive, then the probes that a commit requires, so that ARM may follow it at once. */
void mien_host_receive(mien_host *host, uint32_t now_us, const uint8_t *data, uint16_t size);

/* mien_tick, then the results of the bus: a transfer to every board after a driven step, a
 * probe of every board while nothing is driven. */
bool mien_host_tick(mien_host *host, uint32_t now_us);

/* Up to `room` bytes for the line. Returns how many. */
size_t mien_host_transmit(mien_host *host, uint8_t *out, size_t room);

/* Last pulses, and which channels are driven, of mien_channels() channels. */
void mien_host_outputs(const mien_host *host, uint16_t *pulse, uint8_t *powered);

/* mien_button, mien_stop. */
void mien_host_button(mien_host *host);
void mien_host_stop(mien_host *host);

/* The newest accepted setpoint, for tests. */
void mien_host_newest(const mien_host *host, uint32_t *t_us, uint16_t *pulse);

#endif
