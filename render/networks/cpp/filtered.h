// A convolution with a low-pass filter after it. What is to be filtered never leaves the cache.

#pragma once
#include "convolution.h"
#include "low_pass.h"

namespace {

constexpr int PARTS = 2;  // for each thread, about, between two passes of a filter
constexpr int MANY_ROWS = 40;  // of tiles, from which on it costs little to draw some twice

// What a team of threads does together, or one thread alone, with room of its own: some rows of tiles are
// convolved, then the rows of pixels that this is enough for are filtered.
template <class S, class T, class P>
struct Filtered {
    int threads, step;  // rows of tiles at once
    long line;          // numbers in a row of what is to be filtered
    Finish between = {};
    Colours none = {};
    Convolution<S, T, P> work;
    LowPass<T> pass;

    Filtered(
        const Shape& shape, const void* x, const float* style, const void* weights, const Filter& filter,
        const Finish& finish, int threads)
        : threads(threads), line((long)shape.out_width * shape.out_channels),
          work(shape, x, style, weights, between, none, 1), pass{filter.after(shape), nullptr, 1, filter, finish} {
        between.slope = 1, between.clamp = INFINITY;
        step = std::max(1, PARTS * threads * TILES / work.across);
        work.kept = pass.kept = std::min(step, shape.samples * work.down) * S::RESULTS + filter.count;
    }
    Filtered(const Filtered&) = delete;

    long rows_bytes() const { return up_to(work.kept * line * sizeof(T), 4096); }
    long sums_bytes() const { return up_to(line * sizeof(float), 4096); }
    long bytes() const { return (work.bytes() + sums_bytes()) * threads + rows_bytes(); }

    // Rows of tiles from `first` up to `end`, and the rows of pixels for which the last of these was missing.
    void draw(int first, int end, char* room) {
        between.plain = room;
        pass.x = (const T*)room;
        char *sums = room + rows_bytes(), *rest = sums + sums_bytes() * threads;
        auto ready = [&](int row) { return pass.rows(row / work.down, row % work.down * S::RESULTS); };
        int before = std::min<long>(first % work.down, up_to(pass.filter.count - 1, S::RESULTS) / S::RESULTS);
#pragma omp parallel num_threads(threads)
        for (int row = first - before; row < end; row += step) {
            int next = std::min(end, row + step);
            work.draw_all(row * work.across, next * work.across, threads, rest);
#pragma omp for
            for (long y = ready(std::max(row, first)); y < ready(next); y++)
                pass.draw(y, (float*)(sums + sums_bytes() * thread()));
        }
    }
};

// Bytes of room that it wants, or (with room, of page-aligned parts) the work itself. Threads that wait for each
// other after every few rows lose time, and more where their cores share no cache: where there are as many pictures
// for each, or a picture's rows are many, they draw these alone.
template <class S, class T, class P>
long convolve(
    const Shape& shape, const void* x, const float* style, const void* weights, const Filter& filter,
    const Finish& finish, int threads, char* room) {
    auto team = [&](int size) { return Filtered<S, T, P>(shape, x, style, weights, filter, finish, size); };
    int down = team(1).work.down, bands = shape.samples % threads ? down >= MANY_ROWS ? threads : 0 : 1;
    if (!room) return bands ? team(1).bytes() * threads : team(threads).bytes();
    if (!bands) {
        team(threads).draw(0, shape.samples * down, room);  // in no other team: inner ones start their threads anew
        return 0;
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int part = 0; part < shape.samples * bands; part++) {
        auto own = team(1);
        int first = part / bands * down, band = part % bands;
        own.draw(first + down * band / bands, first + down * (band + 1) / bands, room + own.bytes() * thread());
    }
    return 0;
}

}  // namespace
