/* Generated from protocol.h by `python -m firmware.host.wire`; tests compare. */
#ifndef MIEN_PROTOCOL_HASH_H
#define MIEN_PROTOCOL_HASH_H

#define MIEN_PROTOCOL_HASH 0x7A78F78AUL

#endif
