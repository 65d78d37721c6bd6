/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The paced face: an emulated board behind a pseudo-terminal, for programs that open a serial port.
 *
 *   mien-emulator IMAGE.bin
 *
 * The first line on stdout is the path of the terminal. Time follows the clock in slices of 100 us; when the
 * process was away for long, the lost time is dropped and not made up. Ends with SIGINT, SIGTERM or end of
 * file on stdin. Lines on stdin inject faults: "reset", "watchdog", "board N on|off", "sda on|off",
 * "switch open|closed", and "pulses" prints what the servos see.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

#define SLICE_NS 100000
#define BEHIND_NS 50000000 /* more than this is dropped */
#define INWARD_MAX 256     /* bytes on the way to the board; the rest waits in the terminal */

static volatile sig_atomic_t ending;
static void end(int signal) {
    (void)signal;
    ending = 1;
}

static int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct machine *load(const char *path) {
    static uint8_t image[262144];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return NULL;
    }
    const size_t size = fread(image, 1, sizeof image, file);
    fclose(file);
    return machine_new(image, size);
}

/* The slave stays open here as well: otherwise reads fail between two clients. */
static int terminal(int *slave) {
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        return -1;
    }
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    struct termios mode;
    if (*slave < 0 || tcgetattr(*slave, &mode) != 0) {
        return -1;
    }
    cfmakeraw(&mode);
    tcsetattr(*slave, TCSANOW, &mode);
    return master;
}

static void print_pulses(const struct machine *m) {
    for (uint8_t board = 0; board < m->bus.board_count; board++) {
        for (uint8_t channel = 0; channel < PCA9685_CHANNELS; channel++) {
            const double us = m->pins.oe_high ? 0.0 : pca9685_pulse_us(&m->bus.boards[board], channel);
            printf("%s%.1f", channel ? " " : "", us);
        }
        printf("\n");
    }
    fflush(stdout);
}

static void command(struct machine *m, const char *line) {
    unsigned board;
    char word[8];
    if (strncmp(line, "reset", 5) == 0) {
        machine_reset(m, 2);
    } else if (strncmp(line, "watchdog", 8) == 0) {
        machine_reset(m, 8);
    } else if (sscanf(line, "board %u %7s", &board, word) == 2 && board < BUS_BOARDS) {
        const bool on = strcmp(word, "on") == 0;
        if (on && !m->bus.boards[board].present) {
            pca9685_power_on(&m->bus.boards[board]);
        }
        m->bus.boards[board].present = on;
    } else if (sscanf(line, "sda %7s", word) == 1) {
        m->bus.sda_held = strcmp(word, "on") == 0;
        twi_lines_changed(&m->twi);
    } else if (sscanf(line, "switch %7s", word) == 1) {
        pins_switch(&m->pins, strcmp(word, "open") != 0);
    } else if (strncmp(line, "pulses", 6) == 0) {
        print_pulses(m);
    } else {
        fprintf(stderr, "unknown command: %s", line);
    }
}

static void exchange(struct machine *m, int master) {
    uint8_t block[INWARD_MAX];
    const size_t waiting = uart_waiting(&m->uart);
    if (waiting < INWARD_MAX) {
        const ssize_t count = read(master, block, INWARD_MAX - waiting);
        if (count > 0) {
            uart_send(&m->uart, block, (size_t)count, 0);
        }
    }
    const size_t count = uart_take(&m->uart, block, NULL, sizeof block);
    if (count > 0 && write(master, block, count) < 0 && errno != EAGAIN) {
        ending = 1; /* a full terminal loses bytes, as a USB bridge without a reader does */
    }
}

static void stdin_line(struct machine *m) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&input, 1, 0) <= 0) {
        return;
    }
    static char line[128];
    static size_t size;
    const ssize_t count = read(STDIN_FILENO, line + size, sizeof line - 1 - size);
    if (count <= 0) {
        ending = 1;
        return;
    }
    size += (size_t)count;
    line[size] = 0;
    for (char *at; (at = strchr(line, '\n')) != NULL || size == sizeof line - 1;) {
        const size_t used = at != NULL ? (size_t)(at - line) + 1 : size;
        char one[sizeof line];
        memcpy(one, line, used);
        one[used] = 0;
        command(m, one);
        memmove(line, line + used, size - used + 1);
        size -= used;
    }
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: mien-emulator IMAGE.bin\n");
        return 2;
    }
    struct machine *m = load(arguments[1]);
    int slave = -1;
    const int master = m == NULL ? -1 : terminal(&slave);
    if (master < 0) {
        fprintf(stderr, "no machine or no terminal\n");
        return 1;
    }
    signal(SIGINT, end);
    signal(SIGTERM, end);
    printf("%s\n", ptsname(master));
    fflush(stdout);

    int64_t due = clock_ns();
    uint64_t cycle = machine_now(m);
    while (!ending) {
        due += SLICE_NS;
        cycle += (uint64_t)SLICE_NS * (MACHINE_HZ / 1000000u) / 1000u;
        stdin_line(m);
        exchange(m, master);
        if (!machine_run(m, cycle)) {
            fprintf(stderr, "%s\n", m->message);
            return 1;
        }
        const int64_t behind = clock_ns() - due;
        if (behind > BEHIND_NS) {
            due += behind;
        } else if (behind < 0) {
            const struct timespec pause = {.tv_nsec = -behind};
            nanosleep(&pause, NULL);
        }
    }
    close(slave);
    close(master);
    machine_free(m);
    return 0;
}
