#include "bounded_step.h"

#include <math.h>
#include <stddef.h>

#include "for_each_cpu.h"

#define ACTIVE_SET_PASSES 8 /* at most; three are usual */

/* Solves a s = s in place for a symmetric positive definite a (n, n), by Cholesky. Only the upper
 * triangle of a is read. */
FOR_EACH_CPU static int solve(int n, double *restrict a, double *restrict s)
{
    for (int j = 0; j < n; j++) {
        double *restrict pivot = a + (size_t)j * n;
        if (!(pivot[j] > 0.0)) return -1;
        const double scale = 1.0 / sqrt(pivot[j]);
        for (int k = j; k < n; k++) pivot[k] *= scale;
        s[j] *= scale;
        for (int i = j + 1; i < n; i++) {
            const double factor = pivot[i];
            double *restrict row = a + (size_t)i * n;
            for (int k = i; k < n; k++) row[k] -= factor * pivot[k];
            s[i] -= factor * s[j];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        const double *restrict row = a + (size_t)i * n;
        for (int k = i + 1; k < n; k++) s[i] -= row[k] * s[k];
        s[i] *= 1.0 / row[i];
    }
    return 0;
}

int lm_bounded_step(int m, const double *h, const double *g, const double *x, const double *low,
                    const double *high, double *moved, double *work, int *index)
{
    double *a = work, *s = a + m * m, *d = s + m;
    int *at = index, *held = index + m; /* free inputs; -1 at the low bound, 1 at the high one */
    for (int i = 0; i < m; i++)
        held[i] = x[i] <= low[i] && g[i] > 0.0 ? -1 : x[i] >= high[i] && g[i] < 0.0 ? 1 : 0;
    for (int pass = 0; pass < ACTIVE_SET_PASSES; pass++) {
        int n = 0, changed = 0;
        for (int i = 0; i < m; i++) {
            d[i] = held[i] < 0 ? low[i] - x[i] : held[i] > 0 ? high[i] - x[i] : 0.0;
            if (!held[i]) at[n++] = i;
        }
        for (int i = 0; i < n; i++) {
            const double *row = h + at[i] * m;
            s[i] = -g[at[i]];
            for (int k = 0; k < m; k++)
                if (held[k]) s[i] -= row[k] * d[k];
            for (int k = i; k < n; k++) a[i * n + k] = row[at[k]];
        }
        if (solve(n, a, s)) return -1;
        for (int i = 0; i < n; i++) d[at[i]] = s[i];
        for (int i = 0; i < m; i++) moved[i] = x[i] + d[i];
        for (int i = 0; i < m; i++) {
            /* The multiplier of the bounds: 0 where an input is free. */
            double multiplier = 0.0;
            if (held[i]) {
                multiplier = -g[i];
                for (int k = 0; k < m; k++) multiplier -= h[i * m + k] * d[k];
            }
            const double scale = h[i * m + i];
            const int now = multiplier + scale * (moved[i] - low[i]) < 0.0    ? -1
                            : multiplier + scale * (moved[i] - high[i]) > 0.0 ? 1
                                                                              : 0;
            changed |= now != held[i];
            held[i] = now;
        }
        if (!changed) break;
    }
    for (int i = 0; i < m; i++) moved[i] = fmin(fmax(moved[i], low[i]), high[i]);
    return 0;
}
