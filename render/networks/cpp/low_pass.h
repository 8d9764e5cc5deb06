// A low-pass filter of every channel, and what follows it.

#pragma once
#include "finish.h"

namespace {

// A separable filter of every channel: along each axis, result j is Σ x[j + k - before] · taps[k].
struct Filter {
    const float* taps;
    int count, before, out_height, out_width;

    // The shape of this pass, after one with that shape.
    Shape after(const Shape& s) const {
        return {s.samples, s.out_height, s.out_width, s.out_channels, out_height, out_width, s.out_channels, before};
    }
};

// The pass, row by row.
template <class T>
struct LowPass {
    Shape shape;
    const T* x;
    long kept;  // rows of x: row r is r % kept
    Filter filter;
    const Finish& finish;

    // How many there are of n whole pictures and `height` rows of x.
    long rows(int n, int height) const {
        int own = height ? std::min(height, shape.in_height) + shape.pad - filter.count + 1 : 0;
        return (long)n * shape.out_height + std::min(std::max(own, 0), shape.out_height);
    }

    // One row, with room for a line of x.
    void draw(long row, float* sums) const {
        filter.count == 4 ? draw_taps<4>(row, sums) : draw_taps<0>(row, sums);  // [1, 3, 3, 1] is the usual one
    }

    // K taps, known when this is compiled, or 0.
    template <int K>
    void draw_taps(long row, float* sums) const {
        long n = row / shape.out_height, y = row % shape.out_height, line = (long)shape.in_width * shape.in_channels;
        int first = std::max<int>(0, shape.pad - y);
        int last = std::min<int>(filter.count, shape.in_height + shape.pad - y);
        auto from = [&](int k) { return x + (n * shape.in_height + y - shape.pad + k) % kept * line; };
        const T* all[K + 1];
        for (int k = 0; k < K; k++) all[k] = from(std::min(std::max(k, first), last - 1));
        long c = 0;
        for (; K && last - first == K && c + LANES <= line; c += LANES) {
            vec sum = {};
#pragma GCC unroll 8
            for (int k = 0; k < K; k++) sum += filter.taps[k] * load(all[k] + c);
            store(sums + c, sum);
        }
        for (; c < line; c += LANES) {
            vec sum = {};
            int some = std::min<long>(LANES, line - c);
            for (int k = first; k < last; k++) sum += filter.taps[k] * load(from(k) + c, some);
            store(sums + c, sum, some);
        }
        for (int c = 0; c < shape.in_channels; c += LANES) {
            Finisher<T> finisher(finish, n, shape.out_pixels(), c, shape.in_channels);
            if (finisher.count == LANES)
                along<K, true>(sums + c, finisher, row, y);
            else
                along<K, false>(sums + c, finisher, row, y);
        }
    }

    // The other axis, for LANES channels.
    template <int K, bool WHOLE>
    void along(const float* sums, const Finisher<T>& finisher, long row, long y) const {
        int channels = shape.in_channels, inner = std::max(shape.pad, 0);
        int end = std::min(shape.out_width, shape.in_width + shape.pad - filter.count + 1);
        for (int column = 0; column < shape.out_width; column++) {
            const float* from = sums + (long)(column - shape.pad) * channels;
            vec sum = {};
            if (K && column >= inner && column < end) {
#pragma GCC unroll 8
                for (int k = 0; k < K; k++)
                    sum += filter.taps[k] * load(from + (long)k * channels, WHOLE ? LANES : finisher.count);
            } else {
                int last = std::min(filter.count, shape.in_width + shape.pad - column);
                for (int k = std::max(0, shape.pad - column); k < last; k++)
                    sum += filter.taps[k] * load(from + (long)k * channels, finisher.count);
            }
            long at = (row * shape.out_width + column) * channels;
            finisher.template put<WHOLE>(
                sum * finisher.scale + finisher.bias, y * shape.out_width + column, at, channels);
        }
    }
};

template <class T>
void low_pass(const Shape& shape, const T* x, const Filter& filter, const Finish& finish, float* room, int threads) {
    LowPass<T> pass{shape, x, (long)shape.samples * shape.in_height, filter, finish};
#pragma omp parallel for num_threads(threads)
    for (long row = 0; row < (long)shape.samples * shape.out_height; row++)
        pass.draw(row, room + (long)shape.in_width * shape.in_channels * thread());
}

}  // namespace
