// A layer that cross-fades: of three parts that all its frames share, each frame is a sum by its own weights.

#pragma once
#include <type_traits>

#include "finish.h"

namespace {

constexpr int FADING_BYTES = 1 << 17;  // of parts at once: they stay in the cache for all samples

// Results [N, H, W, C] = Σ weights [N, 3] · parts [3, H, W, C], finished; here every sample has a bias of its own.
template <class T>
void fade(const Shape& shape, const T* parts, const float* weights, const Finish& finish, int threads) {
    int channels = shape.out_channels;
    long pixels = shape.out_pixels(), part = pixels * channels;
    long some = std::max<long>(1, FADING_BYTES / (3 * channels * sizeof(T)));
#pragma omp parallel for num_threads(threads)
    for (long first = 0; first < pixels; first += some)
        for (int n = 0; n < shape.samples; n++) {
            Finish own = finish;
            own.bias += (long)n * channels;
            vec a = all(weights[3 * n]), b = all(weights[3 * n + 1]), c = all(weights[3 * n + 2]);
            long last = std::min(pixels, first + some);
            for (int o = 0; o < channels; o += LANES) {
                Finisher<T> finisher(own, n, pixels, o, channels);
                auto put = [&](auto whole) {
                    constexpr bool WHOLE = decltype(whole)::value;
                    int count = WHOLE ? LANES : finisher.count;
                    for (long pixel = first; pixel < last; pixel++) {
                        const T* x = parts + pixel * channels + o;
                        vec sum = a * load(x, count) + b * load(x + part, count) + c * load(x + 2 * part, count);
                        finisher.template put<WHOLE>(
                            sum * finisher.scale + finisher.bias, pixel, (n * pixels + pixel) * channels, channels);
                    }
                };
                if (finisher.count == LANES)
                    put(std::true_type());
                else
                    put(std::false_type());
            }
        }
}

}  // namespace

extern "C" void fade_parts(
    bool short_data, Shape shape, const void* parts, const float* weights, Finish finish, int threads) {
    if (short_data)
        fade(shape, (const bfloat*)parts, weights, finish, threads);
    else
        fade(shape, (const float*)parts, weights, finish, threads);
}
