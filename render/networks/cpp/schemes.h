// Winograd's minimal filtering along one axis (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2015): a patch of PATCH values → POINTS → RESULTS.
//
// `forward` is Bᵀ, WEIGHT is G, `back` is Aᵀ. Patches of neighbouring tiles are STEP apart. Points that have
// the same row of WEIGHT share a matrix. S and the other strides are in vectors. What is read and what results is
// multiplied anyway, by styles and by demodulation: entry k of a row is multiplied by BEFORE[k] and AFTER[k] then,
// k of both axes together, which spares the transforms half of their products.

#pragma once
#include <array>

#include "vectors.h"

namespace {

constexpr float power(float base, int exponent) {
    if (exponent < 0) return 1 / power(base, -exponent);
    return exponent ? base * power(base, exponent - 1) : 1;
}

// COUNT powers of a base, their exponents `step` apart: tables, so that none is worked out while pictures are.
template <int COUNT>
constexpr std::array<float, COUNT> powers(float base, int exponent = 0, int step = 1) {
    std::array<float, COUNT> found = {};
    for (float& one : found) one = power(base, exponent), exponent += step;
    return found;
}

// 4 results of 3 taps from 6 products instead of 12: F(4, 3) at the points 0, ±3/4, ±3/2, ∞. In bfloat16 the
// error is half of what the usual points 0, ±1, ±2 give. The transforms are those of the usual points, between
// powers of UNIT.
struct Even {
    static constexpr int TAPS = 3, PATCH = 6, STEP = 4, POINTS = 6, RESULTS = 4, MATRICES = 6;
    static constexpr int MATRIX[POINTS] = {0, 1, 2, 3, 4, 5};
    static constexpr float UNIT = 0.75f, A = UNIT, B = 2 * UNIT, AA = A * A, BB = B * B;
    static constexpr float FA = 2 * AA * (AA - BB), FB = 2 * BB * (BB - AA);
    static constexpr float WEIGHT[MATRICES][TAPS] = {
        {1 / (AA * BB), 0, 0},     {1 / FA, A / FA, AA / FA},  {1 / FA, -A / FA, AA / FA},
        {1 / FB, B / FB, BB / FB}, {1 / FB, -B / FB, BB / FB}, {0, 0, 1 / AA},
    };
    static constexpr auto BEFORE = powers<2 * PATCH - 1>(UNIT, 8, -1);
    static constexpr auto AFTER = powers<2 * RESULTS - 1>(UNIT);

    static INLINED void forward(const vec* x, vec* v) {
        vec even = x[4] - 4 * x[2], odd = x[3] - 4 * x[1];
        vec above = x[4] - x[2], below = x[3] - x[1];
        v[0] = above + 4 * (x[0] - x[2]);
        v[1] = even + odd;
        v[2] = even - odd;
        v[3] = above + 2 * below;
        v[4] = above - 2 * below;
        v[5] = (x[5] - x[3]) - 4 * below;
    }

    template <int S>
    static INLINED void back(const vec* m, vec* y) {
        vec even_a = m[S] + m[2 * S], odd_a = m[S] - m[2 * S];
        vec even_b = m[3 * S] + m[4 * S], odd_b = m[3 * S] - m[4 * S];
        y[0] = m[0] + even_a + even_b;
        y[1] = odd_a + 2 * odd_b;
        y[2] = even_a + 4 * even_b;
        y[3] = (m[5 * S] + odd_a) + 8 * odd_b;
    }
};

// 3 results of 2 taps from 4 products instead of 6: F(3, 2) at 0, 1, -1, ∞. A part of what follows.
struct Pair {
    static INLINED void forward(const vec* x, vec* v) {
        v[0] = x[2] - x[0];
        v[1] = x[2] + x[1];
        v[2] = x[2] - x[1];
        v[3] = x[3] - x[1];
    }

    template <int S, int TO>
    static INLINED void back(const vec* m, vec* y) {
        y[0] = m[0] + m[S] + m[2 * S];
        y[TO] = m[S] - m[2 * S];
        y[2 * TO] = m[S] + m[2 * S] + m[3 * S];
    }
};

// Stride 2, transposed, 3 taps: y[2i] = w[0] x[i] + w[2] x[i-1], y[2i+1] = w[1] x[i]; 7 products instead of 9.
struct Doubling {
    static constexpr int TAPS = 3, PATCH = 4, STEP = 3, POINTS = 7, RESULTS = 6, MATRICES = 5;
    static constexpr int MATRIX[POINTS] = {0, 1, 2, 3, 4, 4, 4};
    static constexpr float WEIGHT[MATRICES][TAPS] = {
        {0, 0, -1}, {0.5f, 0, 0.5f}, {-0.5f, 0, 0.5f}, {1, 0, 0}, {0, 1, 0},
    };
    static constexpr auto BEFORE = powers<2 * PATCH - 1>(1);
    static constexpr auto AFTER = powers<2 * RESULTS - 1>(1);

    static INLINED void forward(const vec* x, vec* v) {
        Pair::forward(x, v);
        for (int i = 0; i < 3; i++) v[4 + i] = x[1 + i];
    }

    template <int S>
    static INLINED void back(const vec* m, vec* y) {
        Pair::back<S, 2>(m, y);
        for (int i = 0; i < 3; i++) y[1 + 2 * i] = m[(4 + i) * S];
    }
};

// The same of 4 taps: y[2i] = w[1] x[i] + w[3] x[i-1], y[2i+1] = w[0] x[i+1] + w[2] x[i]; 8 instead of 12.
struct DoublingFour {
    static constexpr int TAPS = 4, PATCH = 5, STEP = 3, POINTS = 8, RESULTS = 6, MATRICES = 8;
    static constexpr int MATRIX[POINTS] = {0, 1, 2, 3, 4, 5, 6, 7};
    static constexpr float WEIGHT[MATRICES][TAPS] = {
        {0, 0, 0, -1}, {0, 0.5f, 0, 0.5f}, {0, -0.5f, 0, 0.5f}, {0, 1, 0, 0},
        {0, 0, -1, 0}, {0.5f, 0, 0.5f, 0}, {-0.5f, 0, 0.5f, 0}, {1, 0, 0, 0},
    };
    static constexpr auto BEFORE = powers<2 * PATCH - 1>(1);
    static constexpr auto AFTER = powers<2 * RESULTS - 1>(1);

    static INLINED void forward(const vec* x, vec* v) {
        Pair::forward(x, v);
        Pair::forward(x + 1, v + 4);
    }

    template <int S>
    static INLINED void back(const vec* m, vec* y) {
        Pair::back<S, 2>(m, y);
        Pair::back<S, 2>(m + 4 * S, y + 1);
    }
};

}  // namespace
