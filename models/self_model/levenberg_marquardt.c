#include "levenberg_marquardt.h"

#include "bounded_step.h"
#include "for_each_cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4             /* rows, and terms of each sum, that a product takes at once */
#define PADDED(n) (((n) + LM_LANES - 1) / LM_LANES * LM_LANES)

/* c (rows, n) = a (rows, k) b (k, n); n is a multiple of LM_LANES, rows and k are of BLOCK. */
FOR_EACH_CPU static void product(const float *restrict a, int rows, int k, int a_step,
                                 const float *restrict b, int n, float *restrict c)
{
    for (int j = 0; j < n; j += LM_LANES) {
        for (int i = 0; i < rows; i += BLOCK) {
            float sum[BLOCK][LM_LANES] = {{0}};
            for (int at = 0; at < k; at += BLOCK) {
                const float *restrict b0 = b + (size_t)at * n + j, *restrict b1 = b0 + n;
                const float *restrict b2 = b1 + n, *restrict b3 = b2 + n;
                for (int r = 0; r < BLOCK; r++) {
                    const float *restrict f = a + (size_t)(i + r) * a_step + at;
                    for (int lane = 0; lane < LM_LANES; lane++)
                        sum[r][lane] += f[0] * b0[lane] + f[1] * b1[lane] + f[2] * b2[lane]
                                        + f[3] * b3[lane];
                }
            }
            for (int r = 0; r < BLOCK; r++)
                memcpy(c + (size_t)(i + r) * n + j, sum[r], sizeof sum[r]);
        }
    }
}

/* out (n,) += x (k,) a (k, n), row by row. */
FOR_EACH_CPU static void add_rows(const double *restrict x, int k, const double *restrict a, int n,
                                  double *restrict out)
{
    for (int at = 0; at < k; at++) {
        const double factor = x[at];
        const double *restrict row = a + (size_t)at * n;
        for (int i = 0; i < n; i++) out[i] += factor * row[i];
    }
}

/* Columns of the Jacobian from the powers of each input, added to j (m, n) by Horner's rule. */
static void add_powers(const float *restrict slopes, const double *restrict x, int m,
                                    int n, float *restrict j)
{
    const size_t power = (size_t)m * n;
    for (int i = 0; i < m; i++) {
        const float at = (float)x[i];
        const float *restrict s = slopes + (size_t)i * n;
        float *restrict row = j + (size_t)i * n;
        for (int q = 0; q < n; q++) {
            float own = s[3 * power + q];
            for (int p = 2; p >= 0; p--) own = own * at + s[p * power + q];
            row[q] += own;
        }
    }
}

/* Memory of one call, for one frame at a time. */
typedef struct {
    double *phi, *h1, *h2, *r, *r_new, *x, *moved, *g, *h, *step;
    float *inner, *dh, *j, *j_columns, *gram;
    int *touching, *touching_new, *index, *crossed;
} workspace;

static void hidden_layers(const lm_objective *o, const double *x, double *h1, double *h2)
{
    memcpy(h1, o->b1, sizeof *h1 * (size_t)o->hidden1);
    add_rows(x, o->inputs, o->w1, o->hidden1, h1);
    for (int i = 0; i < o->hidden1; i++) h1[i] = tanh(h1[i]);
    memcpy(h2, o->b2, sizeof *h2 * (size_t)o->hidden2);
    add_rows(h1, o->hidden1, o->w2, o->hidden2, h2);
    for (int i = 0; i < o->hidden2; i++) h2[i] = tanh(h2[i]);
}

/* Scaled residuals r (Q,) at x. Lips that touch do not pass: what they lack is added back. */
static void residual(const lm_objective *o, const workspace *w, const double *b,
                     const double *scale, const double *x, double *r, int *touching)
{
    const int m = o->inputs, powers = LM_POWERS * m;
    for (int i = 0; i < m; i++) {
        double value = 1.0;
        for (int p = 0; p < LM_POWERS; p++) w->phi[p * m + i] = value *= x[i];
    }
    hidden_layers(o, x, w->h1, w->phi + powers);
    w->phi[powers + o->hidden2] = 1.0;
    memset(r, 0, sizeof *r * (size_t)o->columns);
    add_rows(w->phi, powers + o->hidden2 + 1, o->readout, o->columns, r);
    for (int p = 0; p < o->pairs; p++) {
        const double missing = o->least[p] - r[o->pairs_at + p];
        touching[p] = missing > 0.0;
        if (!touching[p]) continue;
        r[o->pairs_at + p] = o->least[p];
        for (int q = 0; q < o->shared; q++) r[q] += missing * o->parted[p * o->shared + q];
    }
    for (int q = 0; q < o->columns; q++) r[q] = (r[q] - b[q]) * scale[q];
}

/* Scaled Jacobian w->j (m, Q) at x. A slack tendon's slope is taken where it becomes taut. */
FOR_EACH_CPU static void jacobian(const lm_objective *o, const workspace *w, const double *scale,
                     const double *x, const int *touching)
{
    const int m = o->inputs, rows = (m + BLOCK - 1) / BLOCK * BLOCK;
    const int n1 = PADDED(o->hidden1), n2 = PADDED(o->hidden2), n = PADDED(o->columns);
    double *at = w->phi; /* its features are no longer needed */
    for (int i = 0; i < m; i++) at[i] = fmax(x[i], o->taut[i]);
    hidden_layers(o, at, w->h1, w->h2);
    for (int k = 0; k < o->hidden1; k++) w->h1[k] = 1.0 - w->h1[k] * w->h1[k];
    for (int k = 0; k < o->hidden2; k++) w->h2[k] = 1.0 - w->h2[k] * w->h2[k];
    for (int i = 0; i < m; i++)
        for (int k = 0; k < o->hidden1; k++)
            w->inner[i * n1 + k] = o->w1_rows[i * n1 + k] * (float)w->h1[k];
    product(w->inner, rows, n1, n1, o->w2_rows, n2, w->dh);
    for (int i = 0; i < m; i++)
        for (int k = 0; k < o->hidden2; k++) w->dh[i * n2 + k] *= (float)w->h2[k];
    product(w->dh, rows, n2, n2, o->hidden_readout, n, w->j);
    add_powers(o->slopes, at, m, n, w->j);
    for (int i = 0; i < m; i++) {
        float *row = w->j + (size_t)i * n;
        for (int p = 0; p < o->pairs; p++) {
            if (!touching[p]) continue;
            const float closing = row[o->pairs_at + p];
            row[o->pairs_at + p] = 0.0f;
            for (int q = 0; q < o->shared; q++)
                row[q] -= closing * (float)o->parted[p * o->shared + q];
        }
        for (int q = 0; q < o->columns; q++) row[q] *= (float)scale[q];
    }
}

/* How far x lies beyond interlock c; negative inside. */
static double beyond_plane(const lm_problem *p, int c, const double *x, int m)
{
    double beyond = -p->offsets[c];
    for (int i = 0; i < m; i++) beyond += p->plane[c * m + i] * x[i];
    return beyond;
}

/* Marks the interlocks beyond which x lies; 1 if one of them was not marked yet. */
static int mark_crossed(const lm_problem *p, const double *x, int m, int *crossed)
{
    int more = 0;
    for (int c = 0; c < p->planes; c++) {
        if (crossed[c] || beyond_plane(p, c, x, m) <= 0.0) continue;
        crossed[c] = more = 1;
    }
    return more;
}

/* Cost of the residuals r at x in frame t. */
static double cost_of(const lm_objective *o, const lm_problem *p, int t, const double *r,
                      const double *x)
{
    const int m = o->inputs;
    double cost = 0.0;
    for (int q = 0; q < o->columns; q++) cost += r[q] * r[q];
    for (int i = 0; i < m; i++) {
        double pull = 0.0;
        for (int k = 0; k < m; k++) pull += o->prior[i * m + k] * x[k];
        cost += x[i] * pull;
        if (p->hold) {
            const double off = x[i] - p->own[(size_t)t * m + i];
            cost += p->hold[(size_t)t * m + i] * off * off;
        }
        if (p->previous) {
            const double change = x[i] - p->previous[(size_t)t * m + i];
            cost += p->smooth * change * change;
        }
    }
    for (int c = 0; c < p->planes; c++) {
        const double beyond = beyond_plane(p, c, x, m);
        if (beyond > 0.0) cost += p->interlock * beyond * beyond;
    }
    return cost;
}

/* Gradient w->g and Gauss-Newton Hessian w->h of the cost at w->x. An interlock that a step from
 * here crossed counts on both of its sides, so that the next step ends on it: without it every step
 * would cross it again, be rejected, and the whole face would stand still. */
FOR_EACH_CPU static void quadratic(const lm_objective *o, const lm_problem *p, int t, const workspace *w)
{
    const int m = o->inputs, n = PADDED(o->columns);
    const int rows = (m + BLOCK - 1) / BLOCK * BLOCK, wide = PADDED(m);
    for (int i = 0; i < m; i++)
        for (int q = 0; q < n; q++) w->j_columns[(size_t)q * wide + i] = w->j[(size_t)i * n + q];
    product(w->j, rows, n, n, w->j_columns, wide, w->gram);
    for (int i = 0; i < m; i++) {
        const float *row = w->j + (size_t)i * n;
        double lanes[LM_LANES] = {0}, sum = 0.0;
        for (int k = 0; k < m; k++)
            w->h[i * m + k] = o->prior[i * m + k] + w->gram[(size_t)i * wide + k];
        for (int q = 0; q < n; q += LM_LANES) /* r is padded with zeros, too */
            for (int lane = 0; lane < LM_LANES; lane++)
                lanes[lane] += row[q + lane] * w->r[q + lane];
        for (int lane = 0; lane < LM_LANES; lane++) sum += lanes[lane];
        for (int k = 0; k < m; k++) sum += o->prior[i * m + k] * w->x[k];
        if (p->hold) {
            sum += p->hold[(size_t)t * m + i] * (w->x[i] - p->own[(size_t)t * m + i]);
            w->h[i * m + i] += p->hold[(size_t)t * m + i];
        }
        if (p->previous) {
            sum += p->smooth * (w->x[i] - p->previous[(size_t)t * m + i]);
            w->h[i * m + i] += p->smooth;
        }
        w->g[i] = sum;
    }
    for (int c = 0; c < p->planes; c++) {
        const double *plane = p->plane + (size_t)c * m;
        const double beyond = beyond_plane(p, c, w->x, m);
        if (beyond <= 0.0 && !w->crossed[c]) continue;
        for (int i = 0; i < m; i++) {
            w->g[i] += p->interlock * beyond * plane[i];
            for (int k = 0; k < m; k++) w->h[i * m + k] += p->interlock * plane[i] * plane[k];
        }
    }
}

static double minimise_frame(const lm_objective *o, const lm_problem *p, int t, const workspace *w)
{
    const int m = o->inputs;
    const double *b = p->b + (size_t)t * o->columns, *scale = p->scale + (size_t)t * o->columns;
    const double *low = p->low + (size_t)t * m, *high = p->high + (size_t)t * m;
    double damping = 1e-4;
    int stale = 1; /* gradient and Hessian are of an earlier x */
    for (int i = 0; i < m; i++)
        w->x[i] = fmin(fmax(p->start[(size_t)t * m + i], low[i]), high[i]);
    residual(o, w, b, scale, w->x, w->r, w->touching);
    double cost = cost_of(o, p, t, w->r, w->x);
    memset(w->crossed, 0, sizeof *w->crossed * (size_t)p->planes);
    for (int step = 0; step < p->steps; step++) {
        if (stale) jacobian(o, w, scale, w->x, w->touching);
        quadratic(o, p, t, w);
        stale = 0;
        for (int i = 0; i < m; i++) w->h[i * m + i] *= 1.0 + damping;
        double largest = 0.0, cost_new = INFINITY;
        if (lm_bounded_step(m, w->h, w->g, w->x, low, high, w->moved, w->step,
                            w->index)) {
            largest = INFINITY;
        } else {
            for (int i = 0; i < m; i++) largest = fmax(largest, fabs(w->moved[i] - w->x[i]));
            residual(o, w, b, scale, w->moved, w->r_new, w->touching_new);
            cost_new = cost_of(o, p, t, w->r_new, w->moved);
        }
        if (cost_new <= cost) {
            memcpy(w->x, w->moved, sizeof *w->x * (size_t)m);
            memcpy(w->r, w->r_new, sizeof *w->r * (size_t)o->columns);
            memcpy(w->touching, w->touching_new, sizeof *w->touching * (size_t)o->pairs);
            cost = cost_new;
            damping *= 0.3;
            stale = 1;
            memset(w->crossed, 0, sizeof *w->crossed * (size_t)p->planes);
        } else if (isinf(cost_new) || !mark_crossed(p, w->moved, m, w->crossed)) {
            damping = fmax(damping, 1e-3) * 10.0;
        }
        if (largest < p->tolerance) break;
    }
    return cost;
}

int lm_minimise(const lm_objective *o, const lm_problem *p, double *x, double *cost)
{
    const size_t m = (size_t)o->inputs, q = (size_t)o->columns, rows = (m + BLOCK - 1) / BLOCK * BLOCK;
    const size_t h1 = (size_t)o->hidden1, h2 = (size_t)o->hidden2, pairs = (size_t)o->pairs;
    const size_t n1 = PADDED(h1), n2 = PADDED(h2), n = PADDED(q), wide = PADDED(m);
    const size_t doubles = LM_POWERS * m + h2 + 1 + h1 + h2 + 2 * n + 3 * m + m * m
                           + LM_STEP_WORK(m);
    double *d = calloc(doubles, sizeof *d);
    float *f = calloc(rows * (n1 + n2 + n + wide) + n * wide, sizeof *f);
    int *touching = calloc(2 * pairs + 2 * m + (size_t)p->planes, sizeof *touching);
    const int failed = !d || !f || !touching;
    if (!failed) {
        workspace w;
        w.phi = d, w.h1 = w.phi + LM_POWERS * m + h2 + 1, w.h2 = w.h1 + h1;
        w.r = w.h2 + h2, w.r_new = w.r + n, w.moved = w.r_new + n, w.g = w.moved + m;
        w.h = w.g + m, w.step = w.h + m * m;
        w.inner = f, w.dh = f + rows * n1, w.j = w.dh + rows * n2;
        w.gram = w.j + rows * n, w.j_columns = w.gram + rows * wide;
        w.touching = touching, w.touching_new = touching + pairs, w.index = touching + 2 * pairs;
        w.crossed = w.index + 2 * m;
        for (int t = 0; t < p->frames; t++) {
            w.x = x + (size_t)t * m;
            cost[t] = minimise_frame(o, p, t, &w);
        }
    }
    free(d);
    free(f);
    free(touching);
    return failed ? -1 : 0;
}
