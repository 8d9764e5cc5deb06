// What follows a convolution: y·scale + noise·strength + bias, leaky ReLU, clamp; times the next styles.

#pragma once
#include "vectors.h"

namespace {

// scale, next [N, O]; noise [1 or N, H·W]; strength, bias [O]. Any may be null; of the results one may.
struct Finish {
    const float *scale, *noise, *strength, *bias, *next;
    int noise_samples;
    float slope, clamp;  // the slope is at most 1
    void *plain, *scaled;
};

// The same for LANES channels of one sample.
template <class T>
struct Finisher {
    vec scale, strength, bias, next, slope, clamp;
    const float* noise;
    T *plain, *scaled;
    int count;
    bool clamped;

    Finisher(const Finish& finish, long n, long pixels, int channel, int channels)
        : count(std::min(LANES, channels - channel)), clamped(finish.clamp < INFINITY) {
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
        plain = finish.plain ? (T*)finish.plain + channel : nullptr;
        scaled = finish.scaled ? (T*)finish.scaled + channel : nullptr;
    }

    // What follows scale and bias, for one pixel: its place in the noise, and its entry of the results. What is
    // written `ahead` of it next is asked for.
    template <bool WHOLE>
    INLINED void put(vec v, long noisy, long at, long ahead) const {
        if (noise) v += noise[noisy] * strength;
        v = larger(v, slope * v);
        if (clamped) v = larger(-clamp, smaller(clamp, v));
        int some = WHOLE ? LANES : count;
        if (plain) store(plain + at, v, some), __builtin_prefetch(plain + at + ahead, 1);
        if (scaled) store(scaled + at, rounded<T>(v) * next, some), __builtin_prefetch(scaled + at + ahead, 1);
    }
};

}  // namespace
