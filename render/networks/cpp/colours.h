// StyleGAN2's to-RGB: colours of the activations, and the picture so far, doubled.

#pragma once
#include <array>

#include "vectors.h"

namespace {

// x [COUNT, I] · weight [C, I], COUNT neighbouring pixels and C neighbouring colours: of each colour, every pixel's
// product in LANES / COUNT neighbouring lanes that are still to be summed. Of no more than `count` pixels there are any.
template <int COUNT, bool WHOLE, class T, int C>
INLINED void add_products(const T* x, int count, const float* weight, int inputs, vec (&products)[C]) {
    if constexpr (COUNT > 1) {
        vec left[C] = {}, right[C] = {};
        add_products<COUNT / 2, WHOLE>(x, count, weight, inputs, left);
        add_products<COUNT / 2, WHOLE>(x + COUNT / 2 * inputs, count - COUNT / 2, weight, inputs, right);
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) products[c] = neighbours(left[c], right[c]);
    } else if (WHOLE || count > 0) {
        int i = 0;
        for (; i + LANES <= inputs; i += LANES) {
            vec v = load(x + i);
#pragma GCC unroll 4
            for (int c = 0; c < C; c++) products[c] += load(weight + c * inputs + i) * v;
        }
        for (int c = 0; i < inputs && c < C; c++)
            products[c] += load(weight + c * inputs + i, inputs - i) * load(x + i, inputs - i);
    }
}

// The same of up to LANES pixels, plus bias [C], clamped.
template <class T, int C>
void colour_pixels(
    const T* x, int count, const float* weight, const float* bias, int inputs, float clamp, float* to, long apart) {
    vec products[C] = {};
    if (count == LANES)
        add_products<LANES, true>(x, count, weight, inputs, products);
    else
        add_products<LANES, false>(x, count, weight, inputs, products);
    for (int c = 0; c < C; c++) {
        vec found = larger(all(-clamp), smaller(all(clamp), products[c] + bias[c]));
        store(to + c * apart, found, count);
    }
}

// Colours [N, C, H, W] = x · weight [N, C, I] + bias [N, C], clamped; plus the picture of half the size, if there is
// one, doubled: zeros between its samples, and along each axis Σ spread[j + k - pad] · taps[k].
struct Colours {
    const float *weight, *bias, *before, *taps;
    float* picture;  // null: nobody asks for colours
    int channels, height, width, count, pad;
    float clamp;

    float* line(long n, int c, long y) const { return picture + ((n * channels + c) * height + y) * width; }

    // What pixels x [some, I] of sample n come to; colour c is written to `to + c * apart`.
    template <class T>
    void of_pixels(long n, const T* x, int some, int inputs, float* to, long apart) const {
        constexpr std::array BY_NUMBER{
            &colour_pixels<T, 1>, &colour_pixels<T, 2>, &colour_pixels<T, 3>, &colour_pixels<T, 4>};
        for (int c = 0, step; c < channels; c += step) {
            step = std::min<int>(BY_NUMBER.size(), channels - c);
            long row = n * channels + c;
            for (int first = 0; first < some; first += LANES)
                BY_NUMBER[step - 1](
                    x + (long)first * inputs, std::min(LANES, some - first), weight + row * inputs, bias + row, inputs,
                    clamp, to + c * apart + first, apart);
        }
    }

    // Numbers of room that `add_before` wants.
    long room() const { return before ? 3L * (width / 2) : 0; }

    // Adds row y of what was there before to the colours of sample n.
    void add_before(long n, int y, float* room) const {
        int half = width / 2;
        float *own = room, *phases[2] = {own + half, own + 2 * half};
        for (int c = 0; before && c < channels; c++) {
            float* to = line(n, c, y);
            const float* from = before + (n * channels + c) * (height / 2) * half;
            std::fill(own, own + 3L * half, 0.0f);
            for (int k = (y + pad) % 2; k < count; k += 2) {
                int row = (y + k - pad) / 2;
                if (y + k < pad || row >= height / 2) continue;
                for (int i = 0; i < half; i++) own[i] += taps[k] * from[(long)row * half + i];
            }
            for (int phase = 0; phase < 2; phase++)
                for (int k = (phase + pad) % 2; k < count; k += 2) {
                    int shift = (phase + k - pad) / 2;  // even, so that this is exact
                    int first = std::max(0, -shift), end = std::min(half, half - shift);
                    for (int i = first; i < end; i++) phases[phase][i] += taps[k] * own[i + shift];
                }
            for (int i = 0; i < half; i++) to[2 * i] += phases[0][i], to[2 * i + 1] += phases[1][i];
        }
    }
};

// The colours of x [N, H, W, I]; there is room for each thread.
template <class T>
void draw_colours(const Colours& colours, const T* x, int samples, int inputs, float* room, int threads) {
    long height = colours.height, width = colours.width;
#pragma omp parallel for num_threads(threads)
    for (long row = 0; row < samples * height; row++) {
        long n = row / height, y = row % height;
        colours.of_pixels(n, x + row * width * inputs, width, inputs, colours.line(n, 0, y), height * width);
        colours.add_before(n, y, room + colours.room() * thread());
    }
}

}  // namespace
