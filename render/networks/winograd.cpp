// 3×3 convolutions with fewer products, by Winograd's minimal filtering (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015), and all that follows them, in one pass over memory.
//
// A tile of the result is Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A: the input's patch d and the weight g are transformed, their
// transforms multiplied channel by channel (one matrix product for each point), and the products transformed
// back. `Even` gives 4×4 results of a 3×3 convolution from 36 products instead of 144; `Doubling` gives 6×6
// results of a transposed one of stride 2 from 49 instead of 81. Blocks of tiles stay in the cache.
//
// Activations are [N, H, W, C], float or bfloat16; sums are float. The definition is in winograd.py.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

namespace {

// Lanes of a vector, and rows of a matrix product whose sums stay in registers.
#if defined(__AVX512F__)
constexpr int LANES = 16, ROWS = 12;
#elif defined(__AVX__)
constexpr int LANES = 8, ROWS = 6;
#else
constexpr int LANES = 4, ROWS = 8;
#endif
constexpr int COLUMNS = 2 * LANES;  // of a matrix product, at once

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
    halves half;
    memcpy(&half, from, sizeof half);
    return (vec)(__builtin_convertvector(half, words) << 16);
}

inline void store(float* to, vec v) { memcpy(to, &v, sizeof v); }

inline void store(bfloat* to, vec v) {
#if defined(__AVX512BF16__)
    auto half = _mm512_cvtneps_pbh((__m512)v);
#else
    words bits = (words)v;
    bits += 0x7fff + ((bits >> 16) & 1);  // to the nearest, ties to even
    halves half = __builtin_convertvector(bits >> 16, halves);
#endif
    memcpy(to, &half, sizeof half);
}

// The same for the last lanes of a row.
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

inline vec all(float value) { return value - vec{}; }  // unlike + 0, this is no operation

constexpr long up_to(long value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// --- schemes: one axis of an algorithm -------------------------------------------------------------------

// F(4, 3) at the points 0, ±3/4, ±3/2, ∞. With the usual 0, ±1, ±2 the error is twice as large.
struct Even {
    static constexpr int PATCH = 6, STEP = 4, POINTS = 6, RESULTS = 4, MATRICES = 6;
    static constexpr int MATRIX[POINTS] = {0, 1, 2, 3, 4, 5};
    static constexpr float A = 0.75f, B = 1.5f, AA = A * A, BB = B * B;
    static constexpr float FA = 2 * AA * (AA - BB), FB = 2 * BB * (BB - AA);
    static constexpr float WEIGHT[MATRICES][3] = {
        {1 / (AA * BB), 0, 0},        {1 / FA, A / FA, AA / FA}, {1 / FA, -A / FA, AA / FA},
        {1 / FB, B / FB, BB / FB}, {1 / FB, -B / FB, BB / FB}, {0, 0, 1},
    };

    template <int S>
    static inline void forward(const vec* x, vec* v) {
        vec even_a = x[4 * S] - BB * x[2 * S], odd_a = A * (x[3 * S] - BB * x[S]);
        vec even_b = x[4 * S] - AA * x[2 * S], odd_b = B * (x[3 * S] - AA * x[S]);
        v[0] = AA * BB * x[0] - (AA + BB) * x[2 * S] + x[4 * S];
        v[1] = even_a + odd_a;
        v[2] = even_a - odd_a;
        v[3] = even_b + odd_b;
        v[4] = even_b - odd_b;
        v[5] = AA * BB * x[S] - (AA + BB) * x[3 * S] + x[5 * S];
    }

    template <int S>
    static inline void back(const vec* m, vec* y) {
        vec even_a = m[S] + m[2 * S], odd_a = m[S] - m[2 * S];
        vec even_b = m[3 * S] + m[4 * S], odd_b = m[3 * S] - m[4 * S];
        y[0] = m[0] + even_a + even_b;
        y[1] = A * odd_a + B * odd_b;
        y[2] = AA * even_a + BB * even_b;
        y[3] = A * AA * odd_a + B * BB * odd_b + m[5 * S];
    }
};

// Stride 2, transposed: y[2i] = w[0] x[i] + w[2] x[i-1] by F(3, 2) at 0, 1, -1, ∞, and y[2i+1] = w[1] x[i].
struct Doubling {
    static constexpr int PATCH = 4, STEP = 3, POINTS = 7, RESULTS = 6, MATRICES = 5;
    static constexpr int MATRIX[POINTS] = {0, 1, 2, 3, 4, 4, 4};
    static constexpr float WEIGHT[MATRICES][3] = {
        {0, 0, -1}, {0.5f, 0, 0.5f}, {-0.5f, 0, 0.5f}, {1, 0, 0}, {0, 1, 0},
    };

    template <int S>
    static inline void forward(const vec* x, vec* v) {
        v[0] = x[2 * S] - x[0];
        v[1] = x[2 * S] + x[S];
        v[2] = x[2 * S] - x[S];
        v[3] = x[3 * S] - x[S];
        v[4] = x[S];
        v[5] = x[2 * S];
        v[6] = x[3 * S];
    }

    template <int S>
    static inline void back(const vec* m, vec* y) {
        y[0] = m[0] + m[S] + m[2 * S];
        y[1] = m[4 * S];
        y[2] = m[S] - m[2 * S];
        y[3] = m[5 * S];
        y[4] = m[S] + m[2 * S] + m[3 * S];
        y[5] = m[6 * S];
    }
};

// --- matrix products -------------------------------------------------------------------------------------

// sums[R][COLUMNS] of v[R][depth] and u[depth][COLUMNS]. Of bfloats, u holds pairs of rows, entry by entry.
template <int R>
inline void add_products(vec (&sums)[R][2], const float* v, long v_row, const float* u, int depth) {
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

template <int R>
inline void add_products(vec (&sums)[R][2], const bfloat* v, long v_row, const bfloat* u, int depth) {
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

// --- what follows a convolution --------------------------------------------------------------------------

// y·scale + noise·strength + bias, leaky ReLU, clamp; the result, and the result times the next styles.
struct Finish {
    const float *scale, *noise, *strength, *bias, *next;  // [N, O], [1 or N, H·W], [O], [O], [N, O]; any null
    int noise_samples;
    float slope, clamp;
    void *plain, *scaled;  // either may be null
};

// The same for LANES channels of one sample.
template <class T>
struct Finisher {
    vec scale, strength, bias, next, slope, clamp;
    const float* noise;
    T *plain, *scaled;  // of the first pixel
    int channels, count;

    Finisher(const Finish& all_of, long n, long pixels, int channel, int channels)
        : channels(channels), count(std::min(LANES, channels - channel)) {
        auto own = [&](const float* from, float otherwise) {
            return from ? load(from + channel, count) : all(otherwise);
        };
        auto sample = [&](const float* from) { return from ? from + n * channels : nullptr; };
        scale = own(sample(all_of.scale), 1);
        next = own(sample(all_of.next), 1);
        strength = own(all_of.strength, 1);
        bias = own(all_of.bias, 0);
        slope = all(all_of.slope);
        clamp = all(all_of.clamp);
        noise = all_of.noise && all_of.noise_samples > 1 ? all_of.noise + n * pixels : all_of.noise;
        long first = n * pixels * channels + channel;
        plain = all_of.plain ? (T*)all_of.plain + first : nullptr;
        scaled = all_of.scaled ? (T*)all_of.scaled + first : nullptr;
    }

    template <bool WHOLE>
    inline void put(vec v, long pixel) const {
        v = v * scale + bias;
        if (noise) v += noise[pixel] * strength;
        vec low = slope * v;
        v = v > 0 ? v : low;
        v = v > clamp ? clamp : v;
        v = v < -clamp ? -clamp : v;
        int some = WHOLE ? LANES : count;
        if (plain) store(plain + pixel * channels, v, some);
        if (scaled) store(scaled + pixel * channels, rounded<T>(v) * next, some);
    }
};

// --- the convolution -------------------------------------------------------------------------------------

struct Shape {
    int samples, in_height, in_width, in_channels, out_height, out_width, out_channels, pad;
};

template <class S, class T, class P>
struct Convolution {
    static constexpr int ALL = S::POINTS * S::POINTS;
    Shape shape;
    const T* x;
    const float* style;  // [N, I], or null
    const P* weights;    // as `prepare` packs them
    const Finish* finish;
    int across, down;                    // tiles
    int depth, width;                    // in_channels and out_channels, rounded up
    long v_row, m_row, v_point, m_point;  // distances; odd ones, so that points don't meet in the cache
    int block;

    Convolution(Shape s, const void* x, const float* style, const void* weights, const Finish* finish, int block)
        : shape(s), x((const T*)x), style(style), weights((const P*)weights), finish(finish), block(block) {
        across = up_to(s.out_width, S::RESULTS) / S::RESULTS;
        down = up_to(s.out_height, S::RESULTS) / S::RESULTS;
        depth = up_to(s.in_channels, LANES);
        width = up_to(s.out_channels, COLUMNS);
        v_row = depth + 64 / sizeof(P);
        m_row = width + LANES;
        v_point = v_row * block;
        m_point = m_row * block;
    }

    long v_bytes() const { return up_to(ALL * v_point * sizeof(P), 64); }
    long bytes() const { return up_to(v_bytes() + ALL * m_point * sizeof(float), 4096); }

    void draw(int first, int count, char* room) const {
        P* v = (P*)room;
        float* m = (float*)(room + v_bytes());
        for (int t = 0; t < count; t++) gather(first + t, v + t * v_row);
        for (int p = 0; p < ALL; p++) {
            int matrix = S::MATRIX[p / S::POINTS] * S::MATRICES + S::MATRIX[p % S::POINTS];
            const P* u = weights + (long)matrix * depth * width;
            for (int o = 0; o < width; o += COLUMNS) multiply_all(v + p * v_point, u + o * depth, m + p * m_point + o, count);
        }
        for (int t = 0; t < count; t++) scatter(first + t, m + t * m_row);
    }

    void multiply_all(const P* v, const P* u, float* m, int count) const {
        int t = 0;
        for (; t + ROWS <= count; t += ROWS) multiply<P, ROWS>(v + t * v_row, v_row, u, m + t * m_row, m_row, depth);
        for (; t + 4 <= count; t += 4) multiply<P, 4>(v + t * v_row, v_row, u, m + t * m_row, m_row, depth);
        for (; t < count; t++) multiply<P, 1>(v + t * v_row, v_row, u, m + t * m_row, m_row, depth);
    }

    // The patch of a tile, times its styles, transformed.
    void gather(int tile, P* v) const {
        int n = tile / (across * down), top = tile / across % down * S::STEP - shape.pad;
        int left = tile % across * S::STEP - shape.pad, channels = shape.in_channels;
        const T* from[S::PATCH][S::PATCH];
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
    inline void gather_lanes(const T* const (&from)[S::PATCH][S::PATCH], int c, int count, const float* styles, P* v) const {
        vec half[S::POINTS][S::PATCH], patch[S::PATCH], ends[S::POINTS];
        vec own = styles ? load(styles + c, WHOLE ? LANES : count) : all(1);
#pragma GCC unroll 8
        for (int j = 0; j < S::PATCH; j++) {
#pragma GCC unroll 8
            for (int i = 0; i < S::PATCH; i++)
                if (WHOLE)
                    patch[i] = own * load(from[i][j] + c);
                else
                    patch[i] = from[i][j] ? own * load(from[i][j] + c, count) : vec{};
            S::template forward<1>(patch, ends);
#pragma GCC unroll 8
            for (int p = 0; p < S::POINTS; p++) half[p][j] = ends[p];
        }
#pragma GCC unroll 8
        for (int p = 0; p < S::POINTS; p++) {
            S::template forward<1>(half[p], ends);
#pragma GCC unroll 8
            for (int q = 0; q < S::POINTS; q++) store(v + (p * S::POINTS + q) * v_point, ends[q]);
        }
    }

    // The products of a tile, transformed back, and finished.
    void scatter(int tile, const float* m) const {
        int n = tile / (across * down), top = tile / across % down * S::RESULTS;
        int left = tile % across * S::RESULTS;
        int rows = std::min(S::RESULTS, shape.out_height - top);
        int columns = std::min(S::RESULTS, shape.out_width - left);
        long pixels = (long)shape.out_height * shape.out_width;
        for (int o = 0; o < shape.out_channels; o += LANES) {
            Finisher<T> finisher(*finish, n, pixels, o, shape.out_channels);
            long first = (long)top * shape.out_width + left;
            if (finisher.count == LANES && rows == S::RESULTS && columns == S::RESULTS)
                scatter_lanes<true>(m + o, finisher, first, rows, columns);
            else
                scatter_lanes<false>(m + o, finisher, first, rows, columns);
        }
    }

    template <bool WHOLE>
    inline void scatter_lanes(const float* m, const Finisher<T>& finisher, long first, int rows, int columns) const {
        vec products[S::POINTS], half[S::POINTS][S::RESULTS], ends[S::RESULTS];
#pragma GCC unroll 8
        for (int p = 0; p < S::POINTS; p++) {
#pragma GCC unroll 8
            for (int q = 0; q < S::POINTS; q++) products[q] = load(m + (p * S::POINTS + q) * m_point);
            S::template back<1>(products, half[p]);
        }
#pragma GCC unroll 8
        for (int j = 0; j < S::RESULTS; j++) {
            S::template back<S::RESULTS>(&half[0][j], ends);
#pragma GCC unroll 8
            for (int i = 0; i < S::RESULTS; i++)
                if (WHOLE || (i < rows && j < columns))
                    finisher.template put<WHOLE>(ends[i], first + (long)i * shape.out_width + j);
        }
    }
};

template <class S, class T, class P>
long convolve(const Shape& shape, const void* x, const float* style, const void* weights, const Finish& finish, int block, int threads, char* room) {
    Convolution<S, T, P> work(shape, x, style, weights, &finish, block);
    if (!room) return work.bytes();
    int tiles = shape.samples * work.across * work.down;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int first = 0; first < tiles; first += block) {
#ifdef _OPENMP
        int thread = omp_get_thread_num();
#else
        int thread = 0;
#endif
        work.draw(first, std::min(block, tiles - first), room + thread * work.bytes());
    }
    return 0;
}

// Weights [O, I, 3, 3], or [I, O, 3, 3] transposed, as the products want them: for each of the matrices, in
// columns of 2·LANES outputs, [depth][columns]; of bfloats pairs of rows.
template <class S, class P>
void pack(const float* weight, int inputs, int outputs, P* packed, int threads) {
    int depth = up_to(inputs, LANES), width = up_to(outputs, COLUMNS);
    constexpr int PAIR = sizeof(P) == 2 ? 2 : 1;
    bool transposed = S::MATRICES == Doubling::MATRICES;
#pragma omp parallel for num_threads(threads)
    for (int i = 0; i < depth; i++)
        for (int o = 0; o < width; o += LANES) {
            float g[9][LANES] = {};
            for (int lane = 0; lane < LANES && i < inputs && o + lane < outputs; lane++) {
                long from = transposed ? (long)i * outputs + o + lane : (long)(o + lane) * inputs + i;
                for (int k = 0; k < 9; k++) g[k][lane] = weight[from * 9 + k];
            }
            for (int p = 0; p < S::MATRICES; p++)
                for (int q = 0; q < S::MATRICES; q++) {
                    vec sum = {};
                    for (int k = 0; k < 9; k++) sum += S::WEIGHT[p][k / 3] * S::WEIGHT[q][k % 3] * load(g[k]);
                    P some[LANES];
                    store(some, sum);
                    long block = (long)(p * S::MATRICES + q) * depth * width + (long)(o / COLUMNS) * depth * COLUMNS;
                    P* to = packed + block + (long)(i / PAIR) * PAIR * COLUMNS + o % COLUMNS * PAIR + i % PAIR;
                    for (int lane = 0; lane < LANES; lane++) to[lane * PAIR] = some[lane];
                }
        }
}

// A separable low-pass filter of every channel, and what follows: result j is Σ x[j + k - before] · taps[k].
template <class T>
void lowpass(const Shape& shape, const T* x, const float* taps, int count, const Finish& finish, float* room, int threads) {
    int channels = shape.in_channels;
    long line = (long)shape.in_width * channels;
#pragma omp parallel for num_threads(threads)
    for (long row = 0; row < (long)shape.samples * shape.out_height; row++) {
#ifdef _OPENMP
        float* sums = room + line * omp_get_thread_num();
#else
        float* sums = room;
#endif
        int n = row / shape.out_height, y = row % shape.out_height;
        for (long c = 0; c < line; c += LANES) {
            int some = std::min<long>(LANES, line - c);
            vec sum = {};
            for (int k = 0; k < count; k++) {
                int from = y + k - shape.pad;
                if (from < 0 || from >= shape.in_height) continue;
                sum += taps[k] * load(x + ((long)n * shape.in_height + from) * line + c, some);
            }
            store(sums + c, sum, some);
        }
        long pixels = (long)shape.out_height * shape.out_width;
        for (int c = 0; c < channels; c += LANES) {
            Finisher<T> finisher(finish, n, pixels, c, channels);
            for (int column = 0; column < shape.out_width; column++) {
                vec sum = {};
                for (int k = 0; k < count; k++) {
                    int from = column + k - shape.pad;
                    if (from < 0 || from >= shape.in_width) continue;
                    sum += taps[k] * load(sums + (long)from * channels + c, finisher.count);
                }
                finisher.template put<false>(sum, (long)y * shape.out_width + column);
            }
        }
    }
}

}  // namespace

extern "C" {

int has_short_products() {
#if defined(__AVX512BF16__)
    return 1;
#else
    return 0;
#endif
}

long packed_size(int doubling, int inputs, int outputs) {
    int matrices = doubling ? Doubling::MATRICES : Even::MATRICES;
    return (long)matrices * matrices * up_to(inputs, LANES) * up_to(outputs, COLUMNS);
}

void pack_weights(int doubling, int short_products, const float* weight, int inputs, int outputs, void* packed, int threads) {
    auto pack_into = doubling ? short_products ? (void (*)(const float*, int, int, void*, int))pack<Doubling, bfloat>
                                               : (void (*)(const float*, int, int, void*, int))pack<Doubling, float>
                     : short_products ? (void (*)(const float*, int, int, void*, int))pack<Even, bfloat>
                                      : (void (*)(const float*, int, int, void*, int))pack<Even, float>;
    pack_into(weight, inputs, outputs, packed, threads);
}

long convolve3x3(int doubling, int short_data, int short_products, Shape shape, const void* x, const float* style, const void* weights,
                 Finish finish, int block, int threads, char* room) {
#define RUN(S, T, P) convolve<S, T, P>(shape, x, style, weights, finish, block, threads, room)
    if (!short_data) return doubling ? RUN(Doubling, float, float) : RUN(Even, float, float);
    if (!short_products) return doubling ? RUN(Doubling, bfloat, float) : RUN(Even, bfloat, float);
    return doubling ? RUN(Doubling, bfloat, bfloat) : RUN(Even, bfloat, bfloat);
#undef RUN
}

void low_pass(int short_data, Shape shape, const void* x, const float* taps, int count, Finish finish, float* room, int threads) {
    if (short_data)
        lowpass(shape, (const bfloat*)x, taps, count, finish, room, threads);
    else
        lowpass(shape, (const float*)x, taps, count, finish, room, threads);
}
}
