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

inline vec load(const float* from) {
    vec v;
    memcpy(&v, from, sizeof v);
    return v;
}

inline vec load(const bfloat* from) {
#if defined(__AVX512F__)
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)from)), 16);
#else
    halves half;
    memcpy(&half, from, sizeof half);
    return (vec)(__builtin_convertvector(half, words) << 16);
#endif
}

// To the nearest bfloats, ties to even.
inline halves shortened(vec v) {
#if defined(__AVX512BF16__)
    return (halves)_mm512_cvtneps_pbh((__m512)v);
#else
    words bits = (words)v;
    bits += 0x7fff + ((bits >> 16) & 1);
    return __builtin_convertvector(bits >> 16, halves);
#endif
}

inline void store(float* to, vec v) { memcpy(to, &v, sizeof v); }

inline void store(bfloat* to, vec v) {
    halves half = shortened(v);
    memcpy(to, &half, sizeof half);
}

// Past the caches, to a multiple of a vector: for much that is not read soon, and all that a cache would do is
// to read first what is overwritten.
inline void store_far(void* to, vec v) {
#if defined(__AVX512F__)
    _mm512_stream_ps((float*)to, (__m512)v);
#else
    memcpy(to, &v, sizeof v);
#endif
}

// Other threads see them from here on.
inline void finish_far_stores() {
#if defined(__AVX512F__)
    _mm_sfence();
#endif
}

// `load` and `store` for the last lanes of a row.
template <class T>
inline vec load(const T* from, int count) {
    if (count >= LANES) return load(from);
    T some[LANES] = {};
    memcpy(some, from, count * sizeof(T));
    return load(some);
}

template <class T>
inline void store(T* to, vec v, int count) {
    if (count >= LANES) return store(to, v);
    T some[LANES];
    store(some, v);
    memcpy(to, some, count * sizeof(T));
}

// As it is when it is kept: what goes on within a pass must be what a later pass would find.
template <class T>
inline vec rounded(vec v) {
    T kept[LANES];
    store(kept, v);
    return load(kept);
}

// The larger and the smaller of two; the second where one is not a number. Compilers take two operations.
inline vec larger(vec a, vec b) {
#if defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return a > b ? a : b;
#endif
}

inline vec smaller(vec a, vec b) {
#if defined(__AVX512F__)
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#else
    return a < b ? a : b;
#endif
}

inline vec all(float value) { return value - vec{}; }  // adding 0 would be an operation, for the sake of -0

typedef float quarter __attribute__((vector_size(16)));

inline float sum(vec v) {
    quarter some[LANES / 4];
    memcpy(some, &v, sizeof v);
    for (int i = 1; i < LANES / 4; i++) some[0] += some[i];
    return (some[0][0] + some[0][1]) + (some[0][2] + some[0][3]);
}

constexpr long up_to(long value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

inline int thread() {
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
