// What Python calls, by the formats of data. The definitions, in PyTorch, are named in cpu.py.

#include "alias_free.h"
#include "channels.h"
#include "fading.h"
#include "filtered.h"
#include "low_pass.h"

namespace {

// call(scheme, factors): of the types that are meant.
template <class C>
auto chosen(int scheme, bool short_products, C call) {
    auto with = [&](auto factor) {
        if (scheme == 0) return call(Even(), factor);
        return scheme == 1 ? call(Doubling(), factor) : call(DoublingFour(), factor);
    };
    return short_products ? with(bfloat()) : with(float());
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

long weights_size(int scheme, int inputs, int outputs) {
    return chosen(scheme, false, [&](auto s, auto) { return packed_size<decltype(s)>(inputs, outputs); });
}

void pack_weights(
    int scheme, bool short_products, const float* weight, int inputs, int outputs, void* packed, float* energy,
    int threads) {
    chosen(scheme, short_products, [&](auto s, auto p) {
        pack<decltype(s)>(weight, inputs, outputs, (decltype(p)*)packed, energy, threads);
    });
}

long convolve_tiles(
    int scheme, bool short_data, bool short_products, Shape shape, const void* x, const float* style,
    const void* weights, Filter filter, Finish finish, Colours colours, int threads, char* room) {
    return chosen(scheme, short_products, [&](auto s, auto p) {
        auto draw = [&](auto t) {
            using S = decltype(s);
            using T = decltype(t);
            using P = decltype(p);
            return filter.count ? convolve<S, T, P>(shape, x, style, weights, filter, finish, threads, room)
                                : convolve<S, T, P>(shape, x, style, weights, finish, colours, threads, room);
        };
        if constexpr (sizeof p == 2)
            return draw(bfloat());
        else
            return short_data ? draw(bfloat()) : draw(float());
    });
}

void filter_channels(
    bool short_data, Shape shape, const void* x, Filter filter, Finish finish, float* room, int threads) {
    if (short_data)
        low_pass(shape, (const bfloat*)x, filter, finish, room, threads);
    else
        low_pass(shape, (const float*)x, filter, finish, room, threads);
}

void scale_channels(
    bool short_data, Shape shape, const void* x, const float* mean, const float* factor, const float* shift,
    void* results, int threads) {
    if (short_data)
        scale(shape, (const bfloat*)x, mean, factor, shift, (bfloat*)results, threads);
    else
        scale(shape, (const float*)x, mean, factor, shift, (float*)results, threads);
}

void average_channels(
    bool short_data, Shape shape, const void* x, float* mean, float* variance, float* room, int threads) {
    if (short_data)
        averages(shape, (const bfloat*)x, mean, variance, room, threads);
    else
        averages(shape, (const float*)x, mean, variance, room, threads);
}

long activate_finely(
    bool short_data, Shape shape, const void* x, AliasFree filter, void* results, int threads, char* room) {
    auto draw = [&](auto t, auto radial) {
        using T = decltype(t);
        constexpr bool RADIAL = decltype(radial)::value;
        return filter.factor == 4
                   ? alias_free<T, 4, RADIAL>(shape, (const T*)x, filter, (T*)results, threads, room)
                   : alias_free<T, 2, RADIAL>(shape, (const T*)x, filter, (T*)results, threads, room);
    };
    auto with = [&](auto t) { return filter.radial ? draw(t, std::true_type()) : draw(t, std::false_type()); };
    return short_data ? with(bfloat()) : with(float());
}

void draw_colours(bool short_data, Colours colours, const void* x, int samples, int inputs, float* room, int threads) {
    if (short_data)
        draw_colours(colours, (const bfloat*)x, samples, inputs, room, threads);
    else
        draw_colours(colours, (const float*)x, samples, inputs, room, threads);
}
}
