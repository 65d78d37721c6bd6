/* Structs, sizes, pack and unpack of every payload, expanded from the field lists of protocol.h.
 *
 * For each message X: struct mien_x, MIEN_X_SIZE (bytes on the wire),
 *   struct mien_x mien_get_x(const uint8_t *at)             reads MIEN_X_SIZE bytes
 *   void mien_put_x(uint8_t *at, const struct mien_x *m)    writes them
 * The caller has checked the length. Little endian on every machine.
 */
#ifndef MIEN_MESSAGES_H
#define MIEN_MESSAGES_H

#include <stdint.h>

#include "protocol.h"

#define MIEN_WIDTH_u8 1
#define MIEN_WIDTH_u16 2
#define MIEN_WIDTH_u32 4
#define MIEN_WIDTH_i16 2
#define MIEN_WIDTH_i32 4

#define MIEN_TYPE_u8 uint8_t
#define MIEN_TYPE_u16 uint16_t
#define MIEN_TYPE_u32 uint32_t
#define MIEN_TYPE_i16 int16_t
#define MIEN_TYPE_i32 int32_t

static inline uint8_t mien_read_u8(const uint8_t *at)
{
    return at[0];
}

static inline uint16_t mien_read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | ((uint16_t)at[1] << 8));
}

static inline uint32_t mien_read_u32(const uint8_t *at)
{
    return (uint32_t)mien_read_u16(at) | ((uint32_t)mien_read_u16(at + 2) << 16);
}

static inline int16_t mien_read_i16(const uint8_t *at)
{
    return (int16_t)mien_read_u16(at);
}

static inline int32_t mien_read_i32(const uint8_t *at)
{
    return (int32_t)mien_read_u32(at);
}

static inline void mien_write_u8(uint8_t *at, uint8_t value)
{
    at[0] = value;
}

static inline void mien_write_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static inline void mien_write_u32(uint8_t *at, uint32_t value)
{
    mien_write_u16(at, (uint16_t)value);
    mien_write_u16(at + 2, (uint16_t)(value >> 16));
}

static inline void mien_write_i16(uint8_t *at, int16_t value)
{
    mien_write_u16(at, (uint16_t)value);
}

static inline void mien_write_i32(uint8_t *at, int32_t value)
{
    mien_write_u32(at, (uint32_t)value);
}

#define MIEN_MEMBER(type, name) MIEN_TYPE_##type name;
#define MIEN_WIDTH(type, name) +MIEN_WIDTH_##type
#define MIEN_GET(type, name)        \
    m.name = mien_read_##type(at);  \
    at += MIEN_WIDTH_##type;
#define MIEN_PUT(type, name)          \
    mien_write_##type(at, m->name);   \
    at += MIEN_WIDTH_##type;

#define MIEN_MESSAGE(lower, UPPER)                                                    \
    struct mien_##lower {                                                             \
        MIEN_FIELDS_##UPPER(MIEN_MEMBER)                                              \
    };                                                                                \
    enum { MIEN_##UPPER##_SIZE = 0 MIEN_FIELDS_##UPPER(MIEN_WIDTH) };                 \
    static inline struct mien_##lower mien_get_##lower(const uint8_t *at)             \
    {                                                                                 \
        struct mien_##lower m;                                                        \
        MIEN_FIELDS_##UPPER(MIEN_GET)(void) at;                                       \
        return m;                                                                     \
    }                                                                                 \
    static inline void mien_put_##lower(uint8_t *at, const struct mien_##lower *m)    \
    {                                                                                 \
        MIEN_FIELDS_##UPPER(MIEN_PUT)(void) at;                                       \
    }

MIEN_MESSAGE(ping, PING)
MIEN_MESSAGE(config_begin, CONFIG_BEGIN)
MIEN_MESSAGE(config_channel, CONFIG_CHANNEL)
MIEN_MESSAGE(config_interlock, CONFIG_INTERLOCK)
MIEN_MESSAGE(interlock_term, INTERLOCK_TERM)
MIEN_MESSAGE(config_commit, CONFIG_COMMIT)
MIEN_MESSAGE(arm, ARM)
MIEN_MESSAGE(setpoint, SETPOINT)
MIEN_MESSAGE(hello_reply, HELLO_REPLY)
MIEN_MESSAGE(pong, PONG)
MIEN_MESSAGE(ack, ACK)
MIEN_MESSAGE(telemetry, TELEMETRY)
MIEN_MESSAGE(outputs, OUTPUTS)

#endif
