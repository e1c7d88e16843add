#include "engine/data/generator.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <string>
#include <system_error>
#include <thread>

#include "engine/core/error.hpp"
#include "engine/core/random.hpp"

namespace spectral {

Schema generator_schema(std::int64_t train_samples, std::int64_t test_samples) {
    return {{"train_samples", FieldType::integer, train_samples, "training samples",
             "How many samples to generate for training.", 100, 1'000'000},
            {"test_samples", FieldType::integer, test_samples, "test samples",
             "How many samples to generate for testing.", 100, 1'000'000},
            {"data_seed", FieldType::integer, 1, "data seed",
             "Another seed gives other samples of the same kind.", 0, 4'294'967'295}};
}

std::vector<std::int32_t> balanced_labels(std::int64_t count, std::int64_t classes, std::uint64_t seed,
                                          StreamSet set) {
    std::vector<std::int32_t> labels(static_cast<std::size_t>(count));
    const auto width = static_cast<std::size_t>(classes);
    std::vector<std::uint32_t> order(width);
    for (std::size_t first = 0, block = 0; first < labels.size(); first += width, ++block) {
        std::iota(order.begin(), order.end(), 0U);
        Random(seed, stream_id(set, block)).shuffle(order);
        const std::size_t end = std::min(width, labels.size() - first);
        for (std::size_t i = 0; i < end; ++i) labels[first + i] = static_cast<std::int32_t>(order[i]);
    }
    return labels;
}

void generate(std::int64_t count, int threads, const std::function<void(std::int64_t)>& make,
              const Progress& progress, std::string_view what) {
    constexpr std::int64_t kChunk = 64;
    std::atomic<std::int64_t> next{0};
    std::mutex mutex;
    std::exception_ptr failure;
    const auto work = [&](bool reports) {
        try {
            for (std::int64_t first = 0; (first = next.fetch_add(kChunk)) < count;) {
                if (reports) report(progress, what, static_cast<double>(first) / static_cast<double>(count));
                for (std::int64_t i = first; i < std::min(first + kChunk, count); ++i) make(i);
            }
        } catch (...) {
            next = count;  // nobody takes more
            const std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
        }
    };
    if (threads <= 0) threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 16U));
    {
        std::vector<std::jthread> workers;  // joined at the end of this block
        try {
            for (int i = 1; i < threads; ++i) workers.emplace_back(work, false);
        } catch (const std::system_error&) {
            // The machine gives no more threads: those there are do the work.
        }
        work(true);
    }
    if (failure) std::rethrow_exception(failure);
    report(progress, what, 1.0);
}

}  // namespace spectral
