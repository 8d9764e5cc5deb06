// A convolution by one of the schemes along both axes, and what follows it, in one pass over memory.
//
// A tile of the result is Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A: the input's patch d and the weight g are transformed, their
// transforms multiplied, and the products transformed back. For every point that is a matrix product, of
// [tiles, inputs] and [inputs, outputs]. Blocks of tiles go through all of it while they are in the cache.

#pragma once
#include <array>
#include <utility>

#include "colours.h"
#include "finish.h"
#include "schemes.h"

namespace {

constexpr int COLUMNS = 2 * LANES;  // of a matrix product, at once
constexpr int TILES = 24;  // at once, so that their transforms stay in the second cache
constexpr long FAR_BYTES = 1 << 24;  // of results that are written past the caches: they would not stay there

// sums [R, COLUMNS] += v [R, depth] × u [depth, COLUMNS].
template <int R>
INLINED void add_products(vec (&sums)[R][2], const float* v, long v_row, const float* u, int depth) {
    for (int k = 0; k < depth; k++, u += COLUMNS) {
        vec left = load(u), right = load(u + LANES);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            vec own = all(v[r * v_row + k]);
            sums[r][0] += own * left;
            sums[r][1] += own * right;
        }
    }
}

// The same, of bfloats; u holds pairs of rows, entry by entry.
template <int R>
INLINED void add_products(vec (&sums)[R][2], const bfloat* v, long v_row, const bfloat* u, int depth) {
#if defined(__AVX512BF16__)
    for (int k = 0; k < depth; k += 2, u += 2 * COLUMNS) {
        __m512bh left, right;
        memcpy(&left, u, sizeof left);
        memcpy(&right, u + 2 * LANES, sizeof right);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            int pair;
            memcpy(&pair, v + r * v_row + k, sizeof pair);
            __m512bh own = (__m512bh)_mm512_set1_epi32(pair);
            sums[r][0] = (vec)_mm512_dpbf16_ps((__m512)sums[r][0], own, left);
            sums[r][1] = (vec)_mm512_dpbf16_ps((__m512)sums[r][1], own, right);
        }
    }
#endif
}

template <class P, int R>
void multiply(const P* v, long v_row, const P* u, float* m, long m_row, int depth) {
    vec sums[R][2] = {};
    add_products<R>(sums, v, v_row, u, depth);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
        store(m + r * m_row, sums[r][0]);
        store(m + r * m_row + LANES, sums[r][1]);
    }
}

// `multiply` of 1 to ROWS rows.
template <class P, size_t... R>
constexpr auto multipliers(std::index_sequence<R...>) {
    return std::array{&multiply<P, R + 1>...};
}

// S: a scheme; T: activations; P: factors. Every result is summed in one order, whatever is drawn beside it.
template <class S, class T, class P>
struct Convolution {
    static constexpr int ALL = S::POINTS * S::POINTS, PIXELS = S::RESULTS * S::RESULTS;
    static constexpr auto MULTIPLY = multipliers<P>(std::make_index_sequence<ROWS>());
    const Shape& shape;
    const T* x;
    const float* style;  // [N, I], or null
    const P* weights;    // of `pack`
    const Finish& finish;
    const Colours& colours;               // wanted instead of the results, perhaps
    long kept;                            // rows of the result that there is room for: row r comes to r % kept
    bool far;                             // results go past the caches
    int across, down;                     // tiles
    int depth, width;                     // in_channels and out_channels, rounded up
    long v_row, m_row, v_point, m_point;  // distances; odd ones, so that points don't meet in the cache

    Convolution(
        const Shape& s, const void* x, const float* style, const void* weights, const Finish& f, const Colours& colours,
        long kept)
        : shape(s), x((const T*)x), style(style), weights((const P*)weights), finish(f), colours(colours), kept(kept) {
        across = up_to(s.out_width, S::RESULTS) / S::RESULTS;
        down = up_to(s.out_height, S::RESULTS) / S::RESULTS;
        depth = up_to(s.in_channels, LANES);
        width = up_to(s.out_channels, COLUMNS);
        v_row = depth + 64 / sizeof(P);
        m_row = width + LANES;
        v_point = v_row * TILES + 64 / sizeof(P);
        m_point = m_row * TILES + LANES;
        long line = s.out_channels * sizeof(T), rows = (long)s.samples * s.out_height;
        far = !colours.picture && !f.scaled && kept == rows && line % 64 == 0 && rows * s.out_width * line >= FAR_BYTES;
    }

    int tiles() const { return shape.samples * across * down; }
    long v_bytes() const { return up_to(ALL * v_point * sizeof(P), 64); }
    long m_bytes() const { return up_to(ALL * m_point * sizeof(float), 64); }
    // A tile's pixels, where they go on from there, and their colours.
    long pixels_bytes() const { return up_to(PIXELS * shape.out_channels * sizeof(T), 64); }
    long colours_bytes() const { return std::max<long>(colours.channels * PIXELS, colours.room()) * sizeof(float); }
    long bytes() const { return up_to(v_bytes() + m_bytes() + pixels_bytes() + colours_bytes(), 4096); }

    // Draws tiles from `first` up to `end` with the other threads of a team, equal parts of them each.
    void draw_all(int first, int end, int threads, char* room) const {
        int count = end - first, parts = up_to(up_to(count, TILES) / TILES, threads);
#pragma omp for schedule(dynamic)
        for (int part = 0; part < parts; part++) {
            int from = first + (long)count * part / parts, to = first + (long)count * (part + 1) / parts;
            draw(from, to - from, room + thread() * bytes());
        }
    }

    void draw(int first, int count, char* room) const {
        P* v = (P*)room;
        float* m = (float*)(room + v_bytes());
        for (int t = 0; t < count; t++) gather(first + t, v + t * v_row);
        for (int matrix = 0; matrix < S::MATRICES * S::MATRICES; matrix++)
            for (int o = 0; o < width; o += COLUMNS) multiply_all(matrix, o, v, m + o, count);
        T* pixels = colours.picture || far ? (T*)(room + v_bytes() + m_bytes()) : nullptr;
        for (int t = 0; t < count; t++) scatter(first + t, m + t * m_row, pixels);
    }

    // The products with one matrix for COLUMNS outputs.
    void multiply_all(int matrix, int output, const P* v, float* m, int count) const {
        const P* u = weights + ((long)matrix * width + output) * depth;
        int parts = up_to(count, ROWS) / ROWS;
        for (int p = 0; p < ALL; p++) {
            if (S::MATRIX[p / S::POINTS] * S::MATRICES + S::MATRIX[p % S::POINTS] != matrix) continue;
            for (int part = 0; part < parts; part++) {
                int first = count * part / parts, rows = count * (part + 1) / parts - first;
                MULTIPLY[rows - 1](
                    v + p * v_point + first * v_row, v_row, u, m + p * m_point + first * m_row, m_row, depth);
            }
        }
    }

    // The patch of a tile, times its styles, transformed.
    void gather(int tile, P* v) const {
        int n = tile / (across * down), top = tile / across % down * S::STEP - shape.pad;
        int left = tile % across * S::STEP - shape.pad, channels = shape.in_channels;
        const T* from[S::PATCH][S::PATCH];  // null: outside
        for (int i = 0; i < S::PATCH; i++)
            for (int j = 0; j < S::PATCH; j++) {
                int row = top + i, column = left + j;
                bool inside = row >= 0 && row < shape.in_height && column >= 0 && column < shape.in_width;
                long pixel = ((long)n * shape.in_height + row) * shape.in_width + column;
                from[i][j] = inside ? x + pixel * channels : nullptr;
            }
        const float* styles = style ? style + (long)n * channels : nullptr;
        bool inside = from[0][0] && from[S::PATCH - 1][S::PATCH - 1];
        for (int c = 0; c < depth; c += LANES)
            if (inside && c + LANES <= channels)
                gather_lanes<true>(from, c, LANES, styles, v + c);
            else
                gather_lanes<false>(from, c, channels - c, styles, v + c);
    }

    template <bool WHOLE>
    INLINED void gather_lanes(
        const T* const (&from)[S::PATCH][S::PATCH], int c, int count, const float* styles, P* v) const {
        vec half[S::POINTS][S::PATCH], patch[S::PATCH], ends[S::POINTS];
        vec style = styles ? load(styles + c, WHOLE ? LANES : count) : all(1), own[2 * S::PATCH - 1];
#pragma GCC unroll 16
        for (int k = 0; k < 2 * S::PATCH - 1; k++) own[k] = style * S::BEFORE[k];
#pragma GCC unroll 8
        for (int j = 0; j < S::PATCH; j++) {
#pragma GCC unroll 8
            for (int i = 0; i < S::PATCH; i++)
                if (WHOLE) {
                    patch[i] = own[i + j] * load(from[i][j] + c);
                    __builtin_prefetch(from[i][j] + c + S::STEP * shape.in_channels);  // the next tile's
                } else {
                    patch[i] = from[i][j] ? own[i + j] * load(from[i][j] + c, count) : vec{};
                }
            S::forward(patch, ends);
#pragma GCC unroll 8
            for (int p = 0; p < S::POINTS; p++) half[p][j] = ends[p];
        }
#pragma GCC unroll 8
        for (int p = 0; p < S::POINTS; p++) {
            S::forward(half[p], ends);
#pragma GCC unroll 8
            for (int q = 0; q < S::POINTS; q++) store(v + (p * S::POINTS + q) * v_point, ends[q]);
        }
    }

    // The products of a tile, transformed back, and finished: to the results, or to `pixels` and on from there.
    void scatter(int tile, const float* m, T* pixels) const {
        int n = tile / (across * down), top = tile / across % down * S::RESULTS;
        int left = tile % across * S::RESULTS, channels = shape.out_channels;
        int rows = std::min(S::RESULTS, shape.out_height - top);
        int columns = std::min(S::RESULTS, shape.out_width - left);
        long row = (long)n * shape.out_height + top, at[S::RESULTS];
        for (int i = 0; i < S::RESULTS; i++)
            at[i] = (pixels ? i * S::RESULTS : (row + i) % kept * shape.out_width + left) * channels;
        long noisy = (long)top * shape.out_width + left;
        for (int o = 0; o < channels; o += LANES) {
            Finisher<T> finisher(finish, n, shape.out_pixels(), o, channels);
            if (pixels) finisher.plain = pixels + o;
            if (finisher.count == LANES)
                scatter_lanes<true>(m + o, finisher, at, noisy, rows, columns);
            else
                scatter_lanes<false>(m + o, finisher, at, noisy, rows, columns);
        }
        if (colours.picture) {
            colour(pixels, n, top, left, rows, columns);
        } else if (pixels) {
            long bytes = columns * channels * sizeof(T), line = (long)S::RESULTS * channels;
            T* to = (T*)finish.plain + (row * shape.out_width + left) * channels;
            for (int i = 0; i < rows; i++, pixels += line, to += (long)shape.out_width * channels)
                for (long b = 0; b < bytes; b += sizeof(vec)) store_far((char*)to + b, load((float*)pixels + b / 4));
        }
    }

    // The pixels of a tile, coloured.
    void colour(const T* pixels, int n, int top, int left, int rows, int columns) const {
        float* found = (float*)((char*)pixels + pixels_bytes());
        colours.of_pixels(n, pixels, PIXELS, shape.out_channels, found, PIXELS);
        for (int c = 0; c < colours.channels; c++)
            for (int i = 0; i < rows; i++) {
                const float* own = found + c * PIXELS + i * S::RESULTS;
                float* to = colours.line(n, c, top + i) + left;
                if (columns == S::RESULTS)
                    memcpy(to, own, S::RESULTS * sizeof(float));
                else
                    std::copy_n(own, columns, to);
            }
    }

    template <bool WHOLE>
    INLINED void scatter_lanes(
        const float* m, Finisher<T> finisher, const long* at, long noisy, int rows, int columns) const {
        constexpr int R = S::RESULTS;
        vec products[S::POINTS], half[S::POINTS][R], ends[R], results[R][R], scale[2 * R - 1];
#pragma GCC unroll 16
        for (int k = 0; k < 2 * R - 1; k++) scale[k] = finisher.scale * S::AFTER[k];
#pragma GCC unroll 8
        for (int p = 0; p < S::POINTS; p++) {
#pragma GCC unroll 8
            for (int q = 0; q < S::POINTS; q++) products[q] = load(m + (p * S::POINTS + q) * m_point);
            S::template back<1>(products, half[p]);
        }
#pragma GCC unroll 8
        for (int j = 0; j < R; j++) {
            S::template back<R>(&half[0][j], ends);
#pragma GCC unroll 8
            for (int i = 0; i < R; i++) results[i][j] = ends[i] * scale[i + j] + finisher.bias;
        }
        long channels = shape.out_channels;
        for (int i = 0; i < rows; i++, noisy += shape.out_width)
            for (int j = 0; j < columns; j++)
                finisher.template put<WHOLE>(results[i][j], noisy + j, at[i] + j * channels, R * channels);
    }
};

// The convolution alone, or its colours. Bytes of room that it wants, or (with room, of page-aligned parts) the work
// itself.
template <class S, class T, class P>
long convolve(
    const Shape& shape, const void* x, const float* style, const void* weights, const Finish& finish,
    const Colours& colours, int threads, char* room) {
    long rows = (long)shape.samples * shape.out_height;
    Convolution<S, T, P> work(shape, x, style, weights, finish, colours, rows);
    if (!room) return work.bytes() * threads;
#pragma omp parallel num_threads(threads)
    {
        work.draw_all(0, work.tiles(), threads, room);
        finish_far_stores();
#pragma omp for
        for (long row = 0; row < (colours.picture ? rows : 0); row++)
            colours.add_before(
                row / shape.out_height, row % shape.out_height, (float*)(room + thread() * work.bytes()));
    }
    return 0;
}

template <class S>
long packed_size(int inputs, int outputs) {
    return (long)S::MATRICES * S::MATRICES * up_to(inputs, LANES) * up_to(outputs, COLUMNS);
}

// Weights [O, I, k, k] transformed, as the products want them: for each matrix, by COLUMNS outputs, [depth,
// COLUMNS]; of bfloats, pairs of rows entry by entry.
template <class S, class P>
void pack(const float* weight, int inputs, int outputs, P* packed, float* energy, int threads) {
    constexpr int PAIR = sizeof(P) == 2 ? 2 : 1, K = S::TAPS, M = S::MATRICES;
    int depth = up_to(inputs, LANES), width = up_to(outputs, COLUMNS);
    // Of LANES inputs for LANES outputs: g [inputs, k·k, outputs], read along the rows of memory.
    auto transposed = [&](int i, int o, float* g) {
        int count = std::min(LANES, inputs - i) * K * K;
        if (count < LANES * K * K || o + LANES > outputs) std::fill(g, g + LANES * K * K * LANES, 0.0f);
        for (int lane = 0; lane < std::min(LANES, outputs - o); lane++) {
            const float* from = weight + ((long)(o + lane) * inputs + i) * K * K;
            for (int k = 0; k < count; k++) g[k * LANES + lane] = from[k];
        }
    };
    auto transformed = [&](const float* g, vec (&sums)[M * M]) {
#pragma GCC unroll 8
        for (int p = 0; p < M; p++) {
            vec row[K] = {};
#pragma GCC unroll 4
            for (int column = 0; column < K; column++)
#pragma GCC unroll 4
                for (int k = 0; k < K; k++) row[column] += S::WEIGHT[p][k] * load(g + (k * K + column) * LANES);
#pragma GCC unroll 8
            for (int q = 0; q < M; q++) {
                sums[p * M + q] = vec{};
#pragma GCC unroll 4
                for (int k = 0; k < K; k++) sums[p * M + q] += S::WEIGHT[q][k] * row[k];
            }
        }
    };
    auto packed_lanes = [&](int i, int o, const float* g) {
        vec sums[2][M * M];
        for (int own = 0; own < PAIR; own++) transformed(g + own * K * K * LANES, sums[own]);
        P* to = packed + (long)(o / COLUMNS) * depth * COLUMNS + (long)i * COLUMNS + o % COLUMNS * PAIR;
        for (int m = 0; m < M * M; m++, to += (long)depth * width) {
            vec first = sums[0][m], second = sums[1][m];
            if constexpr (PAIR == 1) {
                store_far(to, first);
            } else {
                words both = __builtin_convertvector(shortened(second), words) << 16;
                both |= __builtin_convertvector(shortened(first), words);
                store_far(to, (vec)both);
            }
        }
    };
    auto summed = [&](int i, int o, const float* g) {
        vec sum = {};
        for (int k = 0; k < K * K; k++) sum += load(g + k * LANES) * load(g + k * LANES);
        store(energy + (long)i * outputs + o, sum, std::min(LANES, outputs - o));
    };
#pragma omp parallel num_threads(threads)
    {
        alignas(64) float g[LANES * K * K * LANES];
#pragma omp for
        for (int o = 0; o < width; o += LANES)
            for (int i = 0; i < depth; i += LANES) {
                transposed(i, o, g);
                for (int own = 0; own < LANES; own += PAIR) packed_lanes(i + own, o, g + own * K * K * LANES);
                for (int own = 0; o < outputs && own < std::min(LANES, inputs - i); own++)
                    summed(i + own, o, g + own * K * K * LANES);
            }
        finish_far_stores();
    }
}

}  // namespace
