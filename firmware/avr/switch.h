/* The emergency switch. Any edge at its input raises /OE from the interrupt, at once and without asking what it
 * means. What it means is decided after: the clock's interrupt looks at the input every 250 us, which finds a stop
 * without an edge, too, and
 *   - 2 ms at stop in every look are a stop (switch_pressed);
 *   - 5 ms at run without an edge end a spark: /OE may fall again, by the rule of every other gate: after a whole
 *     pose went to every board;
 *   - an input that does neither for 20 ms chatters, and that is a stop, too: servos that were without power for
 *     longer would jump when it comes back.
 * A stop lasts until the input has been at run for 5 ms. */
#ifndef MIEN_SWITCH_H
#define MIEN_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

void switch_start(void);

/* How it is wired: an enum mien_switch. With another wiring than before everything is looked at anew. */
void switch_wire(uint8_t wiring);

/* Every 250 us, with interrupts off. */
void switch_look(void);

/* It moved or says stop, and was not at rest since: /OE must be high. Callable with interrupts off. */
bool switch_unrest(void);

/* It says stop. */
bool switch_pressed(void);

#endif
