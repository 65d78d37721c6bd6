/* Levenberg-Marquardt minimisation of the inverse's objective in a box, one frame after another.
 *
 * Matrices are row-major. Single-precision matrices are padded with zeros to a multiple of LM_LANES
 * columns, w2_rows and hidden_readout also to such a multiple of rows. See levenberg_marquardt.py for the meaning of the quantities. */
#ifndef MIEN_LEVENBERG_MARQUARDT_H
#define MIEN_LEVENBERG_MARQUARDT_H

#define LM_LANES 16
#define LM_POWERS 4

typedef struct {
    int inputs, hidden1, hidden2, columns; /* m, H1, H2, Q */
    int pairs, pairs_at, shared;           /* lip pairs, their first column, columns they share */
    const double *w1, *b1, *w2, *b2;       /* (m, H1) (H1,) (H1, H2) (H2,) */
    const double *readout;                 /* (LM_POWERS m + H2 + 1, Q) */
    const double *prior;                   /* (m, m) */
    const double *taut;                    /* (m,) least input for slopes */
    const double *least, *parted;          /* (pairs,) (pairs, shared) */
    const float *w1_rows;                  /* (m, H1) padded */
    const float *w2_rows;                  /* (H1, H2) padded */
    const float *hidden_readout;           /* (H2, Q) padded */
    const float *slopes;                   /* (LM_POWERS, m, Q) padded: of the powers */
} lm_objective;

typedef struct {
    int frames;
    const double *b, *scale;     /* (T, Q) */
    const double *start;         /* (T, m) */
    const double *previous;      /* (T, m), or NULL: no smoothness term */
    const double *hold;          /* (T, m) cost of each input's distance from own, or NULL */
    const double *own;           /* (T, m), if there is hold */
    const double *low, *high;    /* (T, m) */
    int planes;                  /* c interlocks */
    const double *plane;         /* (c, m) */
    const double *offsets;       /* (c,) */
    double smooth, interlock, tolerance;
    int steps;
} lm_problem;

/* Writes inputs x (T, m) and cost (T,). Returns 0, or -1 without memory. */
int lm_minimise(const lm_objective *objective, const lm_problem *problem, double *x, double *cost);

#endif
