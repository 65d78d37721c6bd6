/* Generated from protocol.h by `python -m mien.firmware.tools.wire`; a test compares. */
#ifndef MIEN_PROTOCOL_HASH_H
#define MIEN_PROTOCOL_HASH_H

#define MIEN_PROTOCOL_HASH 0x4F297F0BUL

#endif
