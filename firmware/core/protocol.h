/* The wire between the host and the board: the only definition of it.
 *
 * Frame:   COBS( type u8 | seq u8 | payload | CRC-16/CCITT-FALSE u16 ) 0x00
 * Order:   little endian, no padding, signed values in two's complement. Line: 8N1, 500 000 baud.
 * CRC:     polynomial 0x1021, init 0xFFFF, no reflection, over type, seq and payload.
 * seq:     each side counts its own frames modulo 256; an answer repeats the seq of its question.
 * Pulse:   servo pulse width in units of 0.25 us.
 * Time:    microseconds of the board's clock, modulo 2^32.
 *
 * The host derives robot/wire.py from this file (python -m mien.firmware.tools.wire), and both sides
 * compare MIEN_PROTOCOL_HASH (protocol_hash.h: the first four bytes of the SHA-256 of this file) in
 * HELLO. Whatever changes here, comments included, therefore asks for new firmware.
 *
 * Commands (HELLO, CONFIG_*, ARM, DISARM, ESTOP, CLEAR) are answered, idempotent, and sent again by
 * the host until the answer comes. SETPOINT is never answered.
 */
#ifndef MIEN_PROTOCOL_H
#define MIEN_PROTOCOL_H

/* ---- sizes and times ------------------------------------------------------------------------- */
#define MIEN_CHANNELS_MAX 48       /* flat output indices 0..47 */
#define MIEN_BOARDS_MAX 4          /* PCA9685 boards */
#define MIEN_BOARD_CHANNELS 16     /* outputs of one PCA9685 */
#define MIEN_QUEUE_DEPTH 8         /* setpoints that wait for their time */
#define MIEN_STEP_US 5000          /* period of interpolation and limits */
#define MIEN_LEAD_MAX_US 1000000   /* a setpoint further ahead than this is refused */
#define MIEN_LATE_MAX_US 100000    /* a setpoint further behind than this is refused */
#define MIEN_TIMEOUT_MIN_MS 20     /* shortest link timeout that a configuration may ask for */
#define MIEN_TIMEOUT_MAX_MS 2000   /* longest one: the watchdog cannot be configured away */
#define MIEN_INTERLOCKS_MAX 16     /* sums of channels that have a limit */
#define MIEN_INTERLOCK_TERMS 14    /* channels in one of them */
#define MIEN_TERMS_MAX 48          /* and in all of them together */
#define MIEN_INTERLOCK_SUM 0x3FFFFFFF /* largest sum that an interlock's terms may reach, either sign */
#define MIEN_PULSE_MIN 1600        /* 400 us: no configuration may ask for less */
#define MIEN_PULSE_MAX 10400       /* 2600 us: nor for more */
#define MIEN_IDLE_UNIT_MS 1000     /* unit of CONFIG_CHANNEL.idle */
#define MIEN_DELAY_UNIT_MS 50      /* unit of CONFIG_CHANNEL.delay */
#define MIEN_SOFT_START_MS 500     /* after ARM motion is held to a quarter of the slew limit */
#define MIEN_RAMP_MAX_MS 60000     /* FAILSAFE: the ramp to safe counts as ended after this long */
#define MIEN_SLACKEN_MS 800        /* FAILSAFE: tendons have this long to go slack after the hold */
#define MIEN_BUS_FAILURES_MAX 5    /* failed transfers in a row after which a board counts as lost */
#define MIEN_PAYLOAD_MAX 108       /* longest payload: OUTPUTS of 48 channels is 107 */
#define MIEN_FRAME_MAX 114         /* longest encoded frame: payload + 4, one COBS code, one zero */

/* ---- message types: host to board below 0x80, board to host above ----------------------------- */
enum mien_msg {
    MIEN_MSG_HELLO = 0x01,          /* empty -> HELLO_REPLY, in every state, changes nothing */
    MIEN_MSG_PING = 0x02,           /* -> PONG; counts as a heartbeat */
    MIEN_MSG_CONFIG_BEGIN = 0x10,   /* -> ACK; forgets the configuration. Not while driven or stopped */
    MIEN_MSG_CONFIG_CHANNEL = 0x11, /* -> ACK; one channel, index ascending from 0 */
    MIEN_MSG_CONFIG_COMMIT = 0x12,  /* -> ACK; with the CRC over all of the upload */
    MIEN_MSG_CONFIG_INTERLOCK = 0x13, /* -> ACK; one interlock, after all channels, ascending from 0 */
    MIEN_MSG_ARM = 0x20,            /* -> ACK; outputs on, ramp from where they were to safe */
    MIEN_MSG_DISARM = 0x21,         /* empty -> ACK; outputs off */
    MIEN_MSG_ESTOP = 0x22,          /* any payload -> ACK; outputs off, latched until CLEAR */
    MIEN_MSG_CLEAR = 0x23,          /* empty -> ACK; leaves ESTOP, forgets latched faults */
    MIEN_MSG_SETPOINT = 0x30,       /* no answer; counts as a heartbeat when it was usable */
    MIEN_MSG_READ_OUTPUTS = 0x31,   /* empty -> OUTPUTS */
    MIEN_MSG_HELLO_REPLY = 0x81,
    MIEN_MSG_PONG = 0x82,
    MIEN_MSG_ACK = 0x90,
    MIEN_MSG_TELEMETRY = 0xB0,      /* unasked, every CONFIG_BEGIN.telemetry_ms once a host was heard */
    MIEN_MSG_OUTPUTS = 0xB1
};

enum mien_state {
    MIEN_STATE_UNCONFIGURED = 0, /* outputs off; waits for an upload */
    MIEN_STATE_DISARMED = 1,     /* outputs off; configured */
    MIEN_STATE_ARMED = 2,        /* follows setpoints */
    MIEN_STATE_FAILSAFE = 3,     /* ramps to the safe pose, holds it, lets the tendons go slack; then RELEASED */
    MIEN_STATE_ESTOP = 4,        /* outputs off, latched; only CLEAR leaves */
    MIEN_STATE_RELEASED = 5      /* outputs off after FAILSAFE; ARM drives again, CLEAR and DISARM lead to DISARMED */
};

/* The host went silent or a board was lost: FAILSAFE.
 *   1. Every driven channel goes to its safe pulse at its slew limit. The ramp has ended when a step
 *      moves nothing: all have arrived, or the rest wait for each other's interlocks.
 *   2. The pose is held for CONFIG_BEGIN.hold_s.
 *   3. Tendons go to their loose end (floor -/+ slack) at a quarter of the slew limit below the floor.
 *   4. All outputs off, MIEN_SLACKEN_MS after the hold at the latest: RELEASED.
 * The way back from FAILSAFE is ARM (drives on, ramps to safe) or DISARM (off at once). The way back
 * from RELEASED is ARM, or CLEAR, which forgets the faults and leads to DISARMED. A host that only
 * pings does not stop the release. */

enum mien_result {
    MIEN_RESULT_OK = 0,
    MIEN_RESULT_UNKNOWN = 1, /* no such message type */
    MIEN_RESULT_LENGTH = 2,  /* wrong payload length for the type */
    MIEN_RESULT_STATE = 3,   /* not allowed in this state */
    MIEN_RESULT_RANGE = 4,   /* a value outside what the board accepts */
    MIEN_RESULT_ORDER = 5,   /* an upload out of order, COMMIT before its end, or an echo of ARM or CLEAR */
    MIEN_RESULT_CRC = 6,     /* COMMIT or ARM names another configuration than the one received */
    MIEN_RESULT_BOARD = 7    /* ARM while a configured PCA9685 has not been verified */
};

/* Latched faults: bits of HELLO_REPLY.faults and TELEMETRY.faults, until CLEAR. */
enum mien_fault {
    MIEN_FAULT_LINK = 0x0001,     /* the host went silent while ARMED */
    MIEN_FAULT_BOARD = 0x0002,    /* a PCA9685 was lost while ARMED or FAILSAFE */
    MIEN_FAULT_BUS = 0x0004,      /* an I2C transfer failed */
    MIEN_FAULT_OVERRUN = 0x0008,  /* the loop missed a whole step */
    MIEN_FAULT_WATCHDOG = 0x0010, /* the last reset came from the hardware watchdog */
    MIEN_FAULT_BROWNOUT = 0x0020, /* the last reset came from a low supply */
    MIEN_FAULT_BUTTON = 0x0040,   /* ESTOP came from the board's own input */
    MIEN_FAULT_UART = 0x0080      /* received bytes were lost before the core saw them */
};

enum mien_reset { /* HELLO_REPLY.reset */
    MIEN_RESET_UNKNOWN = 0,
    MIEN_RESET_POWER = 1,
    MIEN_RESET_EXTERNAL = 2,
    MIEN_RESET_BROWNOUT = 3,
    MIEN_RESET_WATCHDOG = 4
};

enum mien_switch {        /* CONFIG_BEGIN.stop_switch: the emergency switch at the board's own input */
    MIEN_SWITCH_NC = 0,   /* closed = run, open = stop: a cut wire stops */
    MIEN_SWITCH_NO = 1,   /* open = run, closed = stop: a cut wire is not noticed */
    MIEN_SWITCH_NONE = 2  /* there is none: the input is not looked at, ARM's answer says so */
};

enum mien_flag {               /* CONFIG_CHANNEL.flags */
    MIEN_FLAG_TENDON = 0x01,   /* only pulls: slack and floor hold */
    MIEN_FLAG_PULL_DOWN = 0x02 /* a shorter pulse pulls harder */
};

/* ---- payloads: F(type, name) in wire order ----------------------------------------------------- */
#define MIEN_FIELDS_PING(F) \
    F(u32, token) /* comes back in PONG */

#define MIEN_FIELDS_CONFIG_BEGIN(F)                                       \
    F(u8, channels)      /* 1..MIEN_CHANNELS_MAX */                       \
    F(u8, boards)        /* 1..MIEN_BOARDS_MAX */                         \
    F(u8, address_0)     /* I2C addresses, 0x40..0x7F; 0 where unused */  \
    F(u8, address_1)                                                      \
    F(u8, address_2)                                                      \
    F(u8, address_3)                                                      \
    F(u16, pwm_hz)       /* servo frame rate, 40..400 */                  \
    F(u16, timeout_ms)   /* silence of the host before FAILSAFE */        \
    F(u16, telemetry_ms) /* 10..1000 */                                   \
    F(u8, hold_s)        /* FAILSAFE: safe pose held before release */    \
    F(u8, stop_switch)   /* enum mien_switch */                           \
    F(u8, interlocks)    /* 0..MIEN_INTERLOCKS_MAX */

#define MIEN_FIELDS_CONFIG_CHANNEL(F)                                                        \
    F(u8, index)                                                                             \
    F(u8, board)   /* index into address_0..3 */                                             \
    F(u8, channel) /* output of that board, 0..15 */                                         \
    F(u8, flags)                                                                             \
    F(u8, idle)    /* release after this long at rest, in MIEN_IDLE_UNIT_MS; 0 = never */    \
    F(u8, delay)   /* not driven before this long after ARM, in MIEN_DELAY_UNIT_MS */        \
    F(u16, min)    /* pulse */                                                               \
    F(u16, max)    /* pulse; min <= safe <= max */                                           \
    F(u16, safe)   /* pulse */                                                               \
    F(u16, slew)   /* largest change of the pulse in one MIEN_STEP_US, at least 1 */         \
    F(u16, slack)  /* tendon: pulse between the floor and a loose string, 0 otherwise */     \
    F(u16, floor)  /* tendon: pulse of the least tension, never let go; 0 otherwise */

/* Followed by `terms` x INTERLOCK_TERM, channels ascending. The sum over its terms of
 *     (pulse - neutral) * (pulse < neutral ? below : above)
 * is at most `limit`: no step of any motion crosses it, nor adds to a sum that is above it already. A
 * channel whose step would add too much waits. A channel without drive counts where it was last
 * driven. Refused (RANGE): a safe pose above the limit, a neutral pulse outside [min, max], below and
 * above of different signs, terms that may reach more than MIEN_INTERLOCK_SUM. */
#define MIEN_FIELDS_CONFIG_INTERLOCK(F) \
    F(u8, index)                        \
    F(u8, terms) /* 1..MIEN_INTERLOCK_TERMS */ \
    F(i32, limit)

#define MIEN_FIELDS_INTERLOCK_TERM(F) \
    F(u8, channel)                    \
    F(u16, neutral) /* pulse of the kink */ \
    F(i16, below)   /* slope under it */    \
    F(i16, above)   /* slope over it */

/* crc: CRC-16/CCITT-FALSE over the payloads of CONFIG_BEGIN, CONFIG_CHANNEL 0..n-1 and
 * CONFIG_INTERLOCK 0..m-1 as sent. */
#define MIEN_FIELDS_CONFIG_COMMIT(F) \
    F(u16, crc)

#define MIEN_FIELDS_ARM(F) \
    F(u16, crc) /* of the configuration that the host means */

/* Followed by count x u16 pulses for the channels first..first+count-1 and by u16 guard: the CRC
 * over this payload up to there, its bytes taken last to first. With the frame's own CRC it catches
 * every error in two bytes of time and pulses, and all others but one in about 2^32: one CRC-16 alone
 * lets a wrong pose through seven times in 10^6 corrupted frames. Channels that a frame leaves out
 * keep the value of the newest setpoint before it. */
#define MIEN_FIELDS_SETPOINT(F)                          \
    F(u32, t_us) /* when the pulses are to be reached */ \
    F(u8, first)                                         \
    F(u8, count)

#define MIEN_FIELDS_HELLO_REPLY(F)                                          \
    F(u32, protocol_hash)                                                   \
    F(u32, t_us)                                                            \
    F(u8, channels_max)                                                     \
    F(u8, queue_depth)                                                      \
    F(u16, step_us)                                                         \
    F(u8, state)                                                            \
    F(u8, channels)    /* configured, 0 = none */                           \
    F(u16, config_crc) /* of the committed configuration, 0 = none */       \
    F(u16, faults)                                                          \
    F(u8, boards)      /* bit b: board b was verified */                    \
    F(u8, reset)

#define MIEN_FIELDS_PONG(F) \
    F(u32, token)           \
    F(u32, t_us) /* when the PING's last byte was handled */

#define MIEN_FIELDS_ACK(F)                                                            \
    F(u8, type)   /* of the message answered */                                       \
    F(u8, result)                                                                     \
    F(u8, state)  /* after it */                                                      \
    F(u8, detail) /* CONFIG_CHANNEL, _INTERLOCK: its index; CONFIG_COMMIT: channels received; ARM: see below */

/* ACK of ARM, detail: bit b says that board b is verified; this bit, that no emergency switch is
 * configured, which the host names to its user. */
#define MIEN_ARM_NO_SWITCH 0x80

/* Counters run modulo 2^16 and start at 0 at reset. */
#define MIEN_FIELDS_TELEMETRY(F)                                                      \
    F(u32, t_us)                                                                      \
    F(u8, state)                                                                      \
    F(u8, queued)        /* setpoints that wait */                                    \
    F(u16, faults)                                                                    \
    F(u8, boards)        /* bit b: board b was verified and answers */                \
    F(u8, released)      /* channels without drive: idle, or outputs off */           \
    F(u16, rx_frames)    /* frames with a good CRC */                                 \
    F(u16, rx_bad)       /* frames refused: framing, CRC, length, guard */            \
    F(u16, rx_lost)      /* gaps in the host's seq */                                 \
    F(u16, setpoints)    /* accepted */                                               \
    F(u16, late)         /* accepted after their time */                              \
    F(u16, refused)      /* stale, too far ahead, out of order, queue full, not ARMED */ \
    F(u16, starved)      /* times the queue ran dry */                                \
    F(u16, clamped)      /* setpoints with a pulse outside its limits */              \
    F(u16, locked)       /* steps in which an interlock held something back */        \
    F(u16, bus_errors)                                                                \
    F(u16, overruns)     /* steps missed */                                           \
    F(u16, loop_max_us)  /* longest time between two ticks since the last telemetry */ \
    F(u16, tx_dropped)   /* frames that found no room in the transmit ring */

/* Followed by count x u16 pulses, as driven now. */
#define MIEN_FIELDS_OUTPUTS(F)                           \
    F(u32, t_us)                                         \
    F(u8, count)                                         \
    F(u8, powered_0) /* bit k: channel k is driven */    \
    F(u8, powered_1)                                     \
    F(u8, powered_2)                                     \
    F(u8, powered_3)                                     \
    F(u8, powered_4)                                     \
    F(u8, powered_5)

#endif
