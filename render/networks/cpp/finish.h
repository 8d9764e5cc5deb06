// What follows a convolution: y·scale + noise·strength + bias, leaky ReLU, clamp; times the next styles.

#pragma once
#include "vectors.h"

// scale, next [N, O]; noise [1 or N, H·W]; strength, bias [O]. Any may be null; of the results one may.
struct Finish {
    const float *scale, *noise, *strength, *bias, *next;
    int noise_samples;
    float slope, clamp;
    void *plain, *scaled;
};

// The same for LANES channels of one sample.
template <class T>
struct Finisher {
    vec scale, strength, bias, next, slope, clamp;
    const float* noise;
    T *plain, *scaled;  // of the first pixel
    int channels, count;

    Finisher(const Finish& finish, long n, long pixels, int channel, int channels)
        : channels(channels), count(std::min(LANES, channels - channel)) {
        auto own = [&](const float* from, long row, float otherwise) {
            return from ? load(from + row * channels + channel, count) : all(otherwise);
        };
        scale = own(finish.scale, n, 1);
        next = own(finish.next, n, 1);
        strength = own(finish.strength, 0, 1);
        bias = own(finish.bias, 0, 0);
        slope = all(finish.slope);
        clamp = all(finish.clamp);
        noise = finish.noise && finish.noise_samples > 1 ? finish.noise + n * pixels : finish.noise;
        long first = n * pixels * channels + channel;
        plain = finish.plain ? (T*)finish.plain + first : nullptr;
        scaled = finish.scaled ? (T*)finish.scaled + first : nullptr;
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
