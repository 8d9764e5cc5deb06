// Vectors of floats as wide as the processor's, and activations in float or bfloat16 read and written as such.

#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

// Not left to the compiler, whose decisions change with whatever else a file holds: a third of the speed hangs on
// it, and how a product and a sum are rounded.
#define INLINED inline __attribute__((always_inline))

// Nothing here is known outside: of two libraries in one process, none may call the other's.
namespace {

// Lanes of a vector, and rows of a matrix product whose sums stay in registers.
#if defined(__AVX512F__)
constexpr int LANES = 16, ROWS = 12;
#elif defined(__AVX__)
constexpr int LANES = 8, ROWS = 6;
#else
constexpr int LANES = 4, ROWS = 8;
#endif

typedef uint16_t bfloat;  // the upper half of a float
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));

INLINED vec load(const float* from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINED vec load(const bfloat* from) {
#if defined(__AVX512F__)
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from)), 16);
#else
    halves half;
    memcpy(&half, from, sizeof half);
    return (vec)(__builtin_convertvector(half, words) << 16);
#endif
}

// To the nearest bfloats, ties to even.
INLINED halves shortened(vec v) {
#if defined(__AVX512BF16__)
    return (halves)_mm512_cvtneps_pbh((__m512)v);
#else
    words bits = (words)v;
    bits += 0x7fff + ((bits >> 16) & 1);
    return __builtin_convertvector(bits >> 16, halves);
#endif
}

INLINED void store(float* to, vec v) { memcpy(to, &v, sizeof v); }

INLINED void store(bfloat* to, vec v) {
    halves half = shortened(v);
    memcpy(to, &half, sizeof half);
}

// Past the caches, to a multiple of a vector: for much that is not read soon, and all that a cache would do is
// to read first what is overwritten.
INLINED void store_far(void* to, vec v) {
#if defined(__AVX512F__)
    _mm512_stream_ps((float*)to, (__m512)v);
#else
    memcpy(to, &v, sizeof v);
#endif
}

// Other threads see them from here on.
INLINED void finish_far_stores() {
#if defined(__AVX512F__)
    _mm_sfence();
#endif
}

// `load` and `store` for the last lanes of a row.
template <class T>
INLINED vec load(const T* from, int count) {
    if (count >= LANES) return load(from);
    T some[LANES] = {};
    memcpy(some, from, count * sizeof(T));
    return load(some);
}

template <class T>
INLINED void store(T* to, vec v, int count) {
    if (count >= LANES) return store(to, v);
    T some[LANES];
    store(some, v);
    memcpy(to, some, count * sizeof(T));
}

// As it is when it is kept: what goes on within a pass must be what a later pass would find.
template <class T>
INLINED vec rounded(vec v) {
    T kept[LANES];
    store(kept, v);
    return load(kept);
}

// The larger and the smaller of two; the second where one is not a number. Compilers take two operations.
INLINED vec larger(vec a, vec b) {
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return a > b ? a : b;
#endif
}

INLINED vec smaller(vec a, vec b) {
#if defined(__AVX512F__)
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#else
    return a < b ? a : b;
#endif
}

INLINED vec all(float value) { return value - vec{}; }  // adding 0 would be an operation, for the sake of -0

// What neighbouring lanes come to, those of a before those of b.
INLINED vec neighbours(vec a, vec b) {
#if defined(__AVX512F__)
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
    return (vec)_mm512_permutex2var_ps((__m512)a, even, (__m512)b) +
           (vec)_mm512_permutex2var_ps((__m512)a, odd, (__m512)b);
#else
    vec found;
    for (int lane = 0; lane < LANES / 2; lane++) {
        found[lane] = a[2 * lane] + a[2 * lane + 1];
        found[LANES / 2 + lane] = b[2 * lane] + b[2 * lane + 1];
    }
    return found;
#endif
}

constexpr long up_to(long value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

INLINED int thread() {
#if defined(_OPENMP)
    return omp_get_thread_num();
#else
    return 0;
#endif
}

struct Shape {
    int samples, in_height, in_width, in_channels, out_height, out_width, out_channels, pad;

    long out_pixels() const { return (long)out_height * out_width; }
};

}  // namespace
