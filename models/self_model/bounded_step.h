#ifndef MIEN_BOUNDED_STEP_H
#define MIEN_BOUNDED_STEP_H

/* x + d of the least d'Hd/2 + g'd in the box, for one frame. Returns 0, or -1 where H is not
 * positive definite. `work` holds LM_STEP_WORK(m) doubles, `index` 2 m integers. */
int lm_bounded_step(int m, const double *h, const double *g, const double *x, const double *low,
                    const double *high, double *moved, double *work, int *index);
#define LM_STEP_WORK(m) ((m) * (m) + 2 * (m))

#endif
