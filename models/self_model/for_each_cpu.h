#ifndef MIEN_FOR_EACH_CPU_H
#define MIEN_FOR_EACH_CPU_H

#include <limits.h> /* tells which C library this is */

/* Loops marked so are compiled twice, and the processor chooses: with fused multiply-add in wide
 * registers, and without. Elsewhere the compiler's own target decides. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define FOR_EACH_CPU __attribute__((optimize("O3"), target_clones("fma", "default")))
#else
#define FOR_EACH_CPU
#endif

#endif
