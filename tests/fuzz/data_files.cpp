// Readers of the files that data sets are made of.
#include <cmath>
#include <cstdlib>

#include "engine/io/file_set.hpp"
#include "engine/io/image.hpp"
#include "engine/io/number_array.hpp"
#include "engine/io/wav.hpp"
#include "tests/fuzz/input_path.hpp"
#include "tests/fuzz/targets.hpp"

namespace spectral::fuzz {

bool numbers(Bytes bytes) {
    static const InputPath input;
    MemoryBudget budget(std::size_t{64} << 20);
    const bool archive = bytes.size() > 1 && bytes[0] == 'P' && bytes[1] == 'K';
    try {
        const std::filesystem::path& path = input.holding(bytes);
        const NumberArray array =
            archive ? read_npz_numbers(path, "w", &budget) : read_npy_numbers(path, &budget);
        std::int64_t count = 1;
        for (const std::int64_t extent : array.extents) count *= extent;
        if (array.count() != count) std::abort();
        const std::size_t kept =
            std::visit([](const auto& each) { return each.size() * sizeof(each[0]); }, array.values);
        if (budget.total().current != kept) std::abort();
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool tar(Bytes bytes) {
    static const InputPath input;
    constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
    MemoryBudget budget(kMost);
    try {
        const FileSet files(input.holding(bytes), [](auto) { return true; }, kMost, &budget, {});
        std::size_t seen = 0;
        files.read(
            [&](std::size_t index, std::span<const std::uint8_t> contents) {
                ++seen;
                if (contents.size() != files.files()[index].bytes) std::abort();
            },
            {});
        if (seen != files.files().size()) std::abort();
        for (const FileSet::Entry& each : files.files())
            if (each.name.starts_with('/') || ("/" + each.name + "/").find("/../") != std::string::npos)
                std::abort();
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool wav(Bytes bytes) {
    try {
        const Recording recording = read_wav(bytes);
        if (recording.samples.empty() || recording.samples.size() > bytes.size()) std::abort();
        if (recording.rate < kWavLowestRate || recording.rate > kWavHighestRate) std::abort();
        for (const float each : recording.samples)
            if (!std::isfinite(each)) std::abort();
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool image(Bytes bytes) {
    MemoryBudget budget(std::size_t{16} << 20);
    Reservation room;
    try {
        const Picture picture = read_image(bytes, budget, room);
        if (std::ssize(picture.rgb) != 3 * picture.width * picture.height) std::abort();
        constexpr std::int64_t kSide = 5;
        if (std::ssize(fitted(picture, kSide).rgb) != 3 * kSide * kSide) std::abort();
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace spectral::fuzz
