// A convolution with a low-pass filter after it. What is to be filtered never leaves the cache.

#pragma once
#include "convolution.h"
#include "picture.h"

namespace {

constexpr int PARTS = 2;  // for each thread, about, between two passes of a filter

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

    // Pictures from `first` up to `end`.
    void draw(int first, int end, char* room) {
        between.plain = room;
        pass.x = (const T*)room;
        char *sums = room + rows_bytes(), *rest = sums + sums_bytes() * threads;
        auto ready = [&](int row) { return pass.rows(row / work.down, row % work.down * S::RESULTS); };
#pragma omp parallel num_threads(threads)
        for (int row = first * work.down; row < end * work.down; row += step) {
            int next = std::min(end * work.down, row + step);
            work.draw_all(row * work.across, next * work.across, threads, rest);
#pragma omp for
            for (long y = ready(row); y < ready(next); y++)
                pass.draw(y, (float*)(sums + sums_bytes() * thread()));
        }
    }
};

// Bytes of room that it wants, or (with room, of page-aligned parts) the work itself. Threads that wait for each
// other after every few rows lose time: where there are as many pictures for each, they draw them alone.
template <class S, class T, class P>
long convolve(
    const Shape& shape, const void* x, const float* style, const void* weights, const Filter& filter,
    const Finish& finish, int threads, char* room) {
    int teams = shape.samples % threads ? 1 : threads;
    auto team = [&] { return Filtered<S, T, P>(shape, x, style, weights, filter, finish, threads / teams); };
    if (!room) return team().bytes() * teams;
    if (teams == 1) {
        team().draw(0, shape.samples, room);  // within no other team, since inner ones start their threads anew
        return 0;
    }
#pragma omp parallel for num_threads(teams) schedule(dynamic)
    for (int n = 0; n < shape.samples; n++) {
        auto own = team();
        own.draw(n, n + 1, room + own.bytes() * thread());
    }
    return 0;
}

}  // namespace
