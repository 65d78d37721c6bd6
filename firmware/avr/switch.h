/* The emergency switch. Any edge at its input raises /OE from the interrupt, at once, before its meaning
 * is known. The clock's interrupt samples the input every 250 us, which also finds a stop without an edge:
 *   - 2 ms at stop in every sample are a stop (switch_pressed);
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

/* How it is wired: an enum mien_switch. Another wiring than before starts the decision anew. */
void switch_wire(uint8_t wiring);

/* Every 250 us, with interrupts off. */
void switch_sample(void);

/* It moved or is at stop, and was not at rest since: /OE must be high. Callable with interrupts off. */
bool switch_unrest(void);

/* It is at stop. */
bool switch_pressed(void);

#endif
