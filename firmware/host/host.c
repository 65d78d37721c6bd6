#include "host.h"

void mien_host_init(mien_host *host, uint8_t reset)
{
    mien_init(&host->core, reset);
    mien_watch_init(&host->watch);
    host->broken = 0;
    host->broken_first = MIEN_BROKEN_NONE;
    host->present = 0xFF;
    host->probing = true;
}

static void check(mien_host *host, bool stepped, bool ticked)
{
    enum mien_broken broken = mien_watch_check(&host->watch, &host->core, stepped, ticked);
    if (broken == MIEN_BROKEN_NONE) {
        return;
    }
    if (host->broken == 0) {
        host->broken_first = (uint8_t)broken;
    }
    host->broken++;
}

static bool answers(const mien_host *host, uint8_t board)
{
    return ((host->present >> board) & 1) != 0;
}

static void probe(mien_host *host)
{
    mien_core *core = &host->core;
    for (uint8_t b = 0; host->probing && b < mien_boards(core) && !mien_drive(core); b++) {
        mien_board_verified(core, b, answers(host, b));
    }
}

void mien_host_receive(mien_host *host, uint32_t now_us, const uint8_t *data, uint16_t size)
{
    mien_receive(&host->core, now_us, data, size);
    probe(host);
    check(host, false, false);
}

bool mien_host_tick(mien_host *host, uint32_t now_us)
{
    mien_core *core = &host->core;
    bool stepped = mien_tick(core, now_us);
    check(host, stepped, true);
    for (uint8_t b = 0; stepped && b < mien_boards(core) && mien_drive(core); b++) {
        mien_bus(core, b, answers(host, b));
    }
    probe(host);
    check(host, false, false);
    return stepped;
}

void mien_host_button(mien_host *host)
{
    mien_button(&host->core);
    check(host, false, false);
}

void mien_host_stop(mien_host *host)
{
    mien_stop(&host->core);
    check(host, false, false);
}

size_t mien_host_transmit(mien_host *host, uint8_t *out, size_t room)
{
    size_t n = 0;
    while (n < room && mien_transmit(&host->core, &out[n])) {
        n++;
    }
    return n;
}

void mien_host_outputs(const mien_host *host, uint16_t *pulse, uint8_t *powered)
{
    for (uint8_t k = 0; k < mien_channels(&host->core); k++) {
        pulse[k] = host->core.motion[k].pulse;
        powered[k] = mien_pulse(&host->core, k) != 0;
    }
}

void mien_host_newest(const mien_host *host, uint32_t *t_us, uint16_t *pulse)
{
    const mien_core *core = &host->core;
    const mien_slot *slot = &core->slot[(core->from + core->queued) % MIEN_SLOTS];
    *t_us = core->newest_us;
    for (uint8_t k = 0; k < mien_channels(core); k++) {
        pulse[k] = slot->pulse[k];
    }
}
