// StyleGAN3's leaky ReLU: of a signal that is made finer first, and coarser again afterwards, each by a low-pass
// filter. The finer signal, four or sixteen times as large, never leaves the cache.

#pragma once
#include "vectors.h"

namespace {

// Of x · scale [N, C] + bias [C]. Filters are symmetric, as low-pass filters are: half of their taps are enough. `up`
// [UP · PER_PHASE] has all gains in it; `down` is [DOWN_TAPS], for each axis, or [DOWN_TAPS, DOWN_TAPS]. Along each
// axis, x[t] is entry t·UP - shift of the finer signal before it is filtered; result o is made of entries from 2·o on.
struct AliasFree {
    const float *scale, *bias, *up, *down;
    int factor, shift;
    bool radial;
    float slope, clamp;
};

constexpr int PER_PHASE = 6;  // samples that a finer one is made of, along each axis
constexpr int DOWN_TAPS = 12, HALF = DOWN_TAPS / 2;

INLINED int floored(int value, int divisor) { return (value < 0 ? value - divisor + 1 : value) / divisor; }

// LANES channels of one picture, some rows of results. UP finer samples for each, along each axis, are made of the
// same samples, those up to x[q]: a group. The finer signal is counted from the first group on, `lead` entries early.
// What moves along a line stays in registers, a window of it, and comes back to the same ones after a round of steps.
template <class T, int UP, bool RADIAL>
struct AliasFreeRows {
    static constexpr int TAPS = UP * PER_PHASE, KEPT = DOWN_TAPS + UP;
    Shape shape;
    const AliasFree& filter;
    int q0, lead, columns, groups;  // of a line, in whole rounds: results and groups
    int left, wide;                 // zeros before a line of x, its length with all zeros
    vec scale, bias;

    AliasFreeRows(const Shape& shape, const AliasFree& filter) : shape(shape), filter(filter) {
        q0 = floored(filter.shift, UP), lead = filter.shift - q0 * UP;
        columns = up_to(shape.out_width, HALF);
        groups = up_to((lead + 2 * (columns - 1) + DOWN_TAPS + UP - 1) / UP, PER_PHASE);
        left = std::max(0, PER_PHASE - 1 - q0);
        wide = left + std::max(shape.in_width, q0 + groups);
    }

    // Of the finer signal, or (not RADIAL) of what is left of it along the rows.
    int kept_width() const { return RADIAL ? groups * UP : columns; }
    int spare_width() const { return RADIAL ? columns : groups * UP; }
    long vectors() const { return (long)(PER_PHASE + UP) * wide + (long)KEPT * kept_width() + spare_width(); }

    // Rows from `first` up to `end` of picture n, for channels from c on: `count` of them.
    void draw(long n, int c, int count, const T* x, T* results, int first, int end, float* room) {
        scale = load(filter.scale + n * shape.in_channels + c, count), bias = load(filter.bias + c, count);
        vec *lines = (vec*)room, *tall = lines + PER_PHASE * wide, *kept = tall + UP * wide;
        vec* spare = kept + KEPT * kept_width();
        x += n * shape.in_height * shape.in_width * shape.in_channels + c;
        results += n * shape.out_pixels() * shape.in_channels + c;
        int q = (lead + 2 * first) / UP + q0, row = first;
        for (int t = q - PER_PHASE + 1; t < q; t++) read(t, x, count, lines);
        for (; row < end; q++) {
            read(q, x, count, lines);
            stretch(q, lines, tall);
            int done = (q - q0) * UP;  // rows of the finer signal before these
            for (int r = 0; r < UP; r++) {
                vec* to = kept + (done + r) % KEPT * kept_width();
                refine(tall + r * wide, RADIAL ? to : spare);
                if (!RADIAL) coarsen(spare, to);
            }
            for (; row < end && lead + 2 * row + DOWN_TAPS <= done + UP; row++)
                collect(lead + 2 * row, kept, spare, results + (long)row * shape.out_width * shape.in_channels, count);
        }
    }

    // Line t of x, with zeros around; it takes the place of line t - PER_PHASE.
    void read(int t, const T* x, int count, vec* lines) const {
        vec* to = lines + (t % PER_PHASE + PER_PHASE) % PER_PHASE * wide;
        bool is_there = t >= 0 && t < shape.in_height;
        std::fill(to, to + (is_there ? left : wide), vec{});
        if (!is_there) return;
        std::fill(to + left + shape.in_width, to + wide, vec{});
        const T* from = x + (long)t * shape.in_width * shape.in_channels;
        for (int column = 0; column < shape.in_width; column++, from += shape.in_channels) {
            __builtin_prefetch(from + 8 * shape.in_channels);
            to[left + column] = (count < LANES ? load(from, count) : load(from)) * scale + bias;
        }
    }

    // The taps, for registers.
    INLINED void up_taps(vec* taps) const {
        for (int k = 0; k < TAPS / 2; k++) taps[k] = all(filter.up[k]);
    }
    INLINED void down_taps(vec* taps, int row = 0) const {
        for (int k = 0; k < HALF; k++) taps[k] = all(filter.down[row * DOWN_TAPS + k]);
    }

    // UP finer samples of those for which x(0) … x(PER_PHASE - 1) stand, the latest first.
    template <class X>
    static INLINED void raise(const vec* taps, X x, vec* sums) {
#pragma GCC unroll 8
        for (int r = 0; r < UP; r++) sums[r] = vec{};
#pragma GCC unroll 8
        for (int i = 0; i < PER_PHASE; i++)
#pragma GCC unroll 8
            for (int r = 0; r < UP; r++) sums[r] += taps[std::min(r + i * UP, TAPS - 1 - r - i * UP)] * x(i);
    }

    // A result of entries x(0) … x(DOWN_TAPS - 1).
    template <class X>
    static INLINED vec lower(const vec* taps, X x) {
        vec sum = {};
#pragma GCC unroll 8
        for (int k = 0; k < HALF; k++) sum += taps[k] * (x(k) + x(DOWN_TAPS - 1 - k));
        return sum;
    }

    // put(column, result) for every second entry of a line, of which x(j) is entry j.
    template <class X, class P>
    INLINED void lower_line(const vec* taps, X x, P put) const {
        vec window[DOWN_TAPS];
#pragma GCC unroll 16
        for (int k = 0; k < DOWN_TAPS - 2; k++) window[k] = x(k);
        for (int column = 0; column < columns; column += HALF)
#pragma GCC unroll 8
            for (int u = 0; u < HALF; u++) {
                for (int k = 0; k < 2; k++)
                    window[(2 * u + DOWN_TAPS - 2 + k) % DOWN_TAPS] = x(2 * (column + u) + DOWN_TAPS - 2 + k);
                put(column + u, lower(taps, [&](int k) { return window[(2 * u + k) % DOWN_TAPS]; }));
            }
    }

    // A group of finer lines, from the lines up to x[q].
    void stretch(int q, const vec* lines, vec* tall) const {
        const vec* from[PER_PHASE];
        vec taps[TAPS / 2], sums[UP];
        up_taps(taps);
        for (int i = 0; i < PER_PHASE; i++) from[i] = lines + ((q - i) % PER_PHASE + PER_PHASE) % PER_PHASE * wide;
        for (int column = 0; column < wide; column++) {
            raise(taps, [&](int i) { return from[i][column]; }, sums);
#pragma GCC unroll 8
            for (int r = 0; r < UP; r++) tall[r * wide + column] = sums[r];
        }
    }

    // The same along a line, and the leaky ReLU.
    void refine(const vec* line, vec* fine) const {
        vec taps[TAPS / 2], window[PER_PHASE], sums[UP], slope = all(filter.slope), clamp = all(filter.clamp);
        up_taps(taps);
        line += left + q0;
        for (int i = 1; i < PER_PHASE; i++) window[PER_PHASE - i] = line[-i];
        for (int group = 0; group < groups; group += PER_PHASE)
#pragma GCC unroll 8
            for (int u = 0; u < PER_PHASE; u++) {
                window[u] = line[group + u];
                raise(taps, [&](int i) { return window[(u - i + PER_PHASE) % PER_PHASE]; }, sums);
#pragma GCC unroll 8
                for (int r = 0; r < UP; r++) {
                    vec v = larger(sums[r], slope * sums[r]);
                    fine[(group + u) * UP + r] = larger(-clamp, smaller(clamp, v));
                }
            }
    }

    void coarsen(const vec* fine, vec* line) const {
        vec taps[HALF];
        down_taps(taps);
        lower_line(taps, [&](int j) { return fine[lead + j]; }, [&](int column, vec v) { line[column] = v; });
    }

    // A row of results, from the kept lines from `first` on.
    void collect(int first, const vec* kept, vec* sums, T* results, int count) const {
        const vec* from[DOWN_TAPS];
        vec taps[HALF];
        for (int k = 0; k < DOWN_TAPS; k++) from[k] = kept + (first + k) % KEPT * kept_width() + (RADIAL ? lead : 0);
        if (!RADIAL) down_taps(taps);
        for (int k = 0; RADIAL && k < HALF; k++) {  // two lines have the same taps
            const vec *above = from[k], *below = from[DOWN_TAPS - 1 - k];
            down_taps(taps, k);
            lower_line(
                taps, [&](int j) { return above[j] + below[j]; },
                [&](int column, vec v) { sums[column] = k ? sums[column] + v : v; });
        }
        for (int column = 0; column < shape.out_width; column++) {
            vec v = RADIAL ? sums[column] : lower(taps, [&](int k) { return from[k][column]; });
            T* to = results + (long)column * shape.in_channels;
            count < LANES ? store(to, v, count) : store(to, v);
        }
    }
};

// Bytes of room that it wants, or (with room, of page-aligned parts) the work itself. A thread draws a band of a
// picture's rows; where pictures can be shared out among threads, all of them.
template <class T, int UP, bool RADIAL>
long alias_free(const Shape& shape, const T* x, const AliasFree& filter, T* results, int threads, char* room) {
    const AliasFreeRows<T, UP, RADIAL> rows(shape, filter);
    long bytes = up_to(rows.vectors() * sizeof(vec), 4096);
    if (!room) return bytes * threads;
    int bands = shape.samples % threads ? threads : 1, channels = shape.in_channels;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int part = 0; part < shape.samples * bands; part++) {
        int band = part % bands, first = shape.out_height * band / bands, end = shape.out_height * (band + 1) / bands;
        auto own = rows;
        for (int c = 0; c < channels; c += LANES) {
            int from = std::max(0, std::min(c, channels - LANES));  // rather some of them twice than few at once
            int count = std::min(LANES, channels);
            own.draw(part / bands, from, count, x, results, first, end, (float*)(room + bytes * thread()));
        }
    }
    return 0;
}

}  // namespace
