// Passes over pictures: a low-pass filter with what follows it, and the to-RGB with the picture so far.

#pragma once
#include "finish.h"

// One row of `low_pass`, for LANES channels: `sums` has been filtered along the other axis. K taps, known when
// this is compiled, or 0.
template <int K, bool WHOLE, class T>
inline void filter_row(
    const Shape& shape, const float* sums, const float* taps, int count, const Finisher<T>& finisher, long pixel) {
    int inner = std::max(shape.pad, 0), end = std::min(shape.out_width, shape.in_width + shape.pad - count + 1);
    auto result = [&](int column) {
        const float* from = sums + (long)(column - shape.pad) * shape.in_channels;
        vec sum = {};
        if (K && column >= inner && column < end) {
#pragma GCC unroll 8
            for (int k = 0; k < K; k++)
                sum += taps[k] * load(from + (long)k * shape.in_channels, WHOLE ? LANES : finisher.count);
        } else {
            int last = std::min(count, shape.in_width + shape.pad - column);
            for (int k = std::max(0, shape.pad - column); k < last; k++)
                sum += taps[k] * load(from + (long)k * shape.in_channels, finisher.count);
        }
        finisher.template put<WHOLE>(sum, pixel + column);
    };
    for (int column = 0; column < shape.out_width; column++) result(column);
}

// A separable filter of every channel: along each axis, result j is Σ x[j + k - pad] · taps[k].
template <int K, class T>
void low_pass(
    const Shape& shape, const T* x, const float* taps, int count, const Finish& finish, float* room, int threads) {
    int channels = shape.in_channels;
    long line = (long)shape.in_width * channels;
#pragma omp parallel for num_threads(threads)
    for (long row = 0; row < (long)shape.samples * shape.out_height; row++) {
        float* sums = room + line * thread();  // one line, filtered along the other axis
        int n = row / shape.out_height, y = row % shape.out_height;
        const T* above = x + ((long)n * shape.in_height + y - shape.pad) * line;
        int first = std::max(0, shape.pad - y), last = std::min(count, shape.in_height + shape.pad - y);
        long c = 0;
        for (; K && last - first == K && c + LANES <= line; c += LANES) {
            vec sum = {};
#pragma GCC unroll 8
            for (int k = 0; k < K; k++) sum += taps[k] * load(above + k * line + c);
            store(sums + c, sum);
        }
        for (; c < line; c += LANES) {
            vec sum = {};
            int some = std::min<long>(LANES, line - c);
            for (int k = first; k < last; k++) sum += taps[k] * load(above + k * line + c, some);
            store(sums + c, sum, some);
        }
        for (int c = 0; c < channels; c += LANES) {
            Finisher<T> finisher(finish, n, shape.out_pixels(), c, channels);
            auto filter = finisher.count == LANES ? filter_row<K, true, T> : filter_row<K, false, T>;
            filter(shape, sums + c, taps, count, finisher, (long)y * shape.out_width);
        }
    }
}

// Colours [N, C, H, W] = x · weight [N, C, I] + bias, clamped; plus the picture of half the size, doubled:
// zeros between its samples, and along each axis Σ spread[j + k - pad] · taps[k].
template <class T>
void to_colours(
    const Shape& shape, const T* x, const float* weight, const float* bias, float clamp, const float* before,
    const float* taps, int count, float* colours, float* room, int threads) {
    int width = shape.out_width, half = width / 2, inputs = shape.in_channels;
#pragma omp parallel for num_threads(threads)
    for (long row = 0; row < (long)shape.samples * shape.out_height; row++) {
        int n = row / shape.out_height, y = row % shape.out_height;
        for (int c = 0; c < shape.out_channels; c++) {
            const float* own = weight + ((long)n * shape.out_channels + c) * inputs;
            float* to = colours + ((long)n * shape.out_channels + c) * shape.out_pixels() + (long)y * width;
            for (int column = 0; column < width; column++) {
                const T* from = x + (row * width + column) * inputs;
                vec products = {};
                int i = 0;
                for (; i + LANES <= inputs; i += LANES) products += load(own + i) * load(from + i);
                if (i < inputs) products += load(own + i, inputs - i) * load(from + i, inputs - i);
                to[column] = std::min(clamp, std::max(-clamp, sum(products) + bias[c]));
            }
            if (!before) continue;
            const float* picture = before + ((long)n * shape.out_channels + c) * shape.out_pixels() / 4;
            float* line = room + (long)half * thread();
            std::fill(line, line + half, 0.0f);
            for (int k = (y + shape.pad) % 2; k < count; k += 2) {
                int from = (y + k - shape.pad) / 2;
                if (y + k < shape.pad || from >= shape.out_height / 2) continue;
                for (int i = 0; i < half; i++) line[i] += taps[k] * picture[(long)from * half + i];
            }
            for (int phase = 0; phase < 2; phase++)
                for (int k = (phase + shape.pad) % 2; k < count; k += 2) {
                    int shift = (phase + k - shape.pad) / 2;  // even, so that this is exact
                    for (int i = std::max(0, -shift); i < std::min(half, half - shift); i++)
                        to[2 * i + phase] += taps[k] * line[i + shift];
                }
        }
    }
}
