"""cffi binding of the C core: declarations and source, in API mode."""

from __future__ import annotations

from pathlib import Path

import cffi

from mien.firmware.tools.header import read_header

C_TYPE = {
    "u8": "uint8_t",
    "u16": "uint16_t",
    "u32": "uint32_t",
    "i16": "int16_t",
    "i32": "int32_t",
}

DECLARATIONS = """
typedef struct { uint16_t pulse; ...; } mien_motion;
typedef struct {
    uint8_t state; uint8_t queued; uint8_t channels; uint16_t faults; uint8_t boards_ok;
    uint16_t config_crc; uint32_t timeout_us; bool homing; bool committed;
    mien_motion motion[...]; uint32_t heartbeat_us;
    ...;
} mien_core;
typedef struct {
    mien_core core; uint8_t present; bool probing; uint32_t broken; uint8_t broken_first;
    ...;
} mien_host;

void mien_host_init(mien_host *host, uint8_t reset);
void mien_host_receive(mien_host *host, uint32_t now_us, const uint8_t *data, uint16_t size);
bool mien_host_tick(mien_host *host, uint32_t now_us);
size_t mien_host_transmit(mien_host *host, uint8_t *out, size_t room);
void mien_host_outputs(const mien_host *host, uint16_t *pulse, uint8_t *powered);
void mien_host_button(mien_host *host);
void mien_host_stop(mien_host *host);
void mien_host_newest(const mien_host *host, uint32_t *t_us, uint16_t *pulse);

void mien_receive(mien_core *core, uint32_t now_us, const uint8_t *data, uint16_t size);
bool mien_drive(const mien_core *core);
uint8_t mien_channels(const mien_core *core);
uint8_t mien_generation(const mien_core *core);
uint8_t mien_stop_switch(const mien_core *core);
uint16_t mien_pulse(const mien_core *core, uint8_t index);
void mien_bus(mien_core *core, uint8_t board, bool ok);
void mien_uart_error(mien_core *core);

uint16_t mien_crc(uint16_t crc, const uint8_t *data, uint8_t size);
uint16_t mien_crc_backwards(uint16_t crc, const uint8_t *data, uint8_t size);
uint8_t mien_cobs_decode(uint8_t *data, uint8_t size);
uint8_t mien_cobs_encode(const uint8_t *data, uint8_t size, uint8_t *ring, uint8_t at);
"""

SOURCE = """
#include "cobs.h"
#include "crc.h"
#include "host.h"
#include "messages.h"
#include "protocol_hash.h"
"""


def write(path: Path) -> None:
    """Write the C source of the extension module ``mien.firmware.host._core`` to ``path``."""
    header = read_header()
    declarations = DECLARATIONS + "#define MIEN_PROTOCOL_HASH ...\n"
    for name, fields in header.messages.items():
        lower = name.lower()
        members = " ".join(f"{C_TYPE[kind]} {field};" for kind, field in fields)
        declarations += f"struct mien_{lower} {{ {members} }};\n"
        declarations += f"struct mien_{lower} mien_get_{lower}(const uint8_t *at);\n"
        declarations += f"void mien_put_{lower}(uint8_t *at, const struct mien_{lower} *m);\n"
    builder = cffi.FFI()
    builder.cdef(declarations)
    builder.set_source("mien.firmware.host._core", SOURCE)
    builder.emit_c_code(str(path))
