// Passes over pictures: a low-pass filter with what follows it, and the to-RGB with the picture so far.

#pragma once
#include "finish.h"

// A separable filter of every channel: along each axis, result j is Σ x[j + k - pad] · taps[k].
template <class T>
void low_pass(
    const Shape& shape, const T* x, const float* taps, int count, const Finish& finish, float* room, int threads) {
    int channels = shape.in_channels;
    long line = (long)shape.in_width * channels;
    // The taps of result j that meet a value.
    auto first = [&](int j) { return std::max(0, shape.pad - j); };
    auto last = [&](int j, int size) { return std::min(count, size + shape.pad - j); };
#pragma omp parallel for num_threads(threads)
    for (long row = 0; row < (long)shape.samples * shape.out_height; row++) {
        float* sums = room + line * thread();  // one line, filtered along the other axis
        int n = row / shape.out_height, y = row % shape.out_height;
        const T* above = x + ((long)n * shape.in_height + y - shape.pad) * line;
        int begin = first(y), end = last(y, shape.in_height);
        for (long c = 0; c < line; c += LANES) {
            vec sum = {};
            int some = std::min<long>(LANES, line - c);
            for (int k = begin; k < end; k++) sum += taps[k] * load(above + k * line + c, some);
            store(sums + c, sum, some);
        }
        for (int c = 0; c < channels; c += LANES) {
            Finisher<T> finisher(finish, n, shape.out_pixels(), c, channels);
            for (int column = 0; column < shape.out_width; column++) {
                vec sum = {};
                const float* from = sums + (long)(column - shape.pad) * channels + c;
                for (int k = first(column); k < last(column, shape.in_width); k++)
                    sum += taps[k] * load(from + (long)k * channels, finisher.count);
                finisher.template put<false>(sum, (long)y * shape.out_width + column);
            }
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
                for (int i = 0; i < inputs; i += LANES) {
                    int some = std::min(LANES, inputs - i);
                    products += load(own + i, some) * load(from + i, some);
                }
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
