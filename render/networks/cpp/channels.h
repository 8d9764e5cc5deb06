// What is done to whole channels: StyleGAN1's instance norm, and styles.

#pragma once
#include "vectors.h"

namespace {

// (x - mean) · factor + shift, of [N, C] each; mean and shift may be null.
template <class T>
void scale(
    const Shape& shape, const T* x, const float* mean, const float* factor, const float* shift, T* results,
    int threads) {
    long pixels = (long)shape.in_height * shape.in_width;
    int channels = shape.in_channels;
#pragma omp parallel for num_threads(threads)
    for (long pixel = 0; pixel < shape.samples * pixels; pixel++)
        for (int c = 0; c < channels; c += LANES) {
            long at = pixel * channels + c, own = pixel / pixels * channels + c;
            int count = std::min(LANES, channels - c);
            vec v = load(x + at, count);
            if (mean) v -= load(mean + own, count);
            v *= load(factor + own, count);
            if (shift) v += load(shift + own, count);
            store(results + at, v, count);
        }
}

// The mean and the variance of every channel of a picture, [N, C] each. A row has its own first, its mean as a
// difference from the picture's first pixel, since differences of large numbers would be noise where a channel
// hardly varies; rows are then joined, always in one order.
template <class T>
void averages(const Shape& shape, const T* x, float* mean, float* variance, float* room, int threads) {
    int channels = shape.in_channels, width = shape.in_width, height = shape.in_height;
#pragma omp parallel num_threads(threads)
    {
#pragma omp for
        for (long row = 0; row < (long)shape.samples * height; row++)
            for (int c = 0; c < channels; c += LANES) {
                const T* from = x + row * width * channels + c;
                int count = std::min(LANES, channels - c);
                auto at = [&](int column) { return load(from + (long)column * channels, count); };
                vec sum = {}, rest = {}, squares = {};
                for (int column = 0; column < width; column++) sum += at(column);
                vec near = sum / all(width);  // the row's mean, as far as sums of large numbers are true
                for (int column = 0; column < width; column++) {
                    vec off = at(column) - near;
                    rest += off, squares += off * off;
                }
                vec first = load(x + row / height * height * width * channels + c, count);
                store(room + row * 2 * channels + c, (near - first) + rest / all(width), count);
                store(room + (row * 2 + 1) * channels + c, squares - rest * rest / all(width), count);
            }
#pragma omp for
        for (long channel = 0; channel < (long)shape.samples * channels; channel++) {
            const float* rows = room + channel / channels * height * 2 * channels + channel % channels;
            double sum = 0, within = 0, between = 0;
            for (long row = 0; row < height; row++)
                sum += rows[row * 2 * channels], within += rows[(row * 2 + 1) * channels];
            double middle = sum / height;
            for (long row = 0; row < height; row++) {
                double off = rows[row * 2 * channels] - middle;
                between += off * off;
            }
            long first = channel / channels * height * width * channels + channel % channels;
            mean[channel] = load(x + first, 1)[0] + middle, variance[channel] = (within / width + between) / height;
        }
    }
}

}  // namespace
