/* Generated from protocol.h: python -m mien.firmware.tools.wire. A test compares. */
#ifndef MIEN_PROTOCOL_HASH_H
#define MIEN_PROTOCOL_HASH_H

#define MIEN_PROTOCOL_HASH 0xF1487CA4UL

#endif
