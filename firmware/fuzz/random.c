/* Drives the fuzz target with random programs, where libFuzzer is not at hand:
 *     random COUNT SEED
 * Prints the number of programs run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint8_t next(void)
{
    state ^= state << 13; /* xorshift64, Marsaglia 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return (uint8_t)(state >> 24);
}

int main(int argc, char **argv)
{
    static uint8_t data[64 + 8 * 255];
    if (argc != 3) {
        fprintf(stderr, "usage: random COUNT SEED\n");
        return 2;
    }
    long count = strtol(argv[1], NULL, 10);
    state = 0x9E3779B97F4A7C15u ^ (uint64_t)strtoul(argv[2], NULL, 10);
    for (long i = 0; i < count; i++) {
        size_t size = 64u + 8u * next();
        for (size_t k = 0; k < size; k++) {
            data[k] = next();
        }
        LLVMFuzzerTestOneInput(data, size);
    }
    printf("%ld\n", count);
    return 0;
}
