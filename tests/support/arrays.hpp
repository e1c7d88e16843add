// Arrays in backend memory for tests: aligned, between guard values that a stray write would change.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/random.hpp"
#include "kernels/backend.hpp"

namespace spectral::test {

/// `size` values of T, 64-byte aligned; check_guards() fails when something wrote beside them.
template <class T>
class Array {
public:
    Array(Backend& backend, std::int64_t size)
        : backend_(backend), size_(size), bytes_(kGuard * 2 + static_cast<std::size_t>(size) * sizeof(T)) {
        memory_ = static_cast<unsigned char*>(backend_.allocate(bytes_));
        const std::vector<unsigned char> marks(bytes_, kMark);
        backend_.copy_to_device(memory_, marks.data(), bytes_);
    }
    Array(Backend& backend, std::span<const T> values)
        : Array(backend, static_cast<std::int64_t>(values.size())) {
        backend.copy_to_device(data(), values.data(), values.size_bytes());
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() {
        check_guards();
        backend_.deallocate(memory_, bytes_);
    }

    T* data() { return reinterpret_cast<T*>(memory_ + kGuard); }
    std::vector<T> host() {
        std::vector<T> values(static_cast<std::size_t>(size_));
        backend_.copy_to_host(values.data(), data(), values.size() * sizeof(T));
        return values;
    }
    void check_guards() const {
        EXPECT_TRUE(is_marked(memory_)) << "something wrote in front of an array";
        EXPECT_TRUE(is_marked(memory_ + bytes_ - kGuard)) << "something wrote behind an array";
    }

private:
    static constexpr std::size_t kGuard = 64;
    static constexpr unsigned char kMark = 0xA5;

    bool is_marked(const unsigned char* guard) const {
        std::array<unsigned char, kGuard> bytes{};
        backend_.copy_to_host(bytes.data(), guard, kGuard);
        return std::ranges::all_of(bytes, [](unsigned char byte) { return byte == kMark; });
    }

    Backend& backend_;
    std::int64_t size_;
    std::size_t bytes_;
    unsigned char* memory_;
};

/// Normal values of a seed, scaled.
inline std::vector<float> normal_values(std::int64_t size, std::uint64_t seed, double scale = 1,
                                        double offset = 0) {
    Random random(seed);
    std::vector<float> values(static_cast<std::size_t>(size));
    for (float& value : values) value = static_cast<float>(offset + scale * random.normal());
    return values;
}

template <class T>
std::vector<double> to_doubles(const std::vector<T>& values) {
    return {values.begin(), values.end()};
}

/// Σ|a − b|² / Σ|b|²; 0 when both are empty or zero.
template <class A, class B>
double relative_energy_error(const std::vector<A>& a, const std::vector<B>& b) {
    EXPECT_EQ(a.size(), b.size());
    double difference = 0, energy = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        difference += std::norm(B(a[i]) - b[i]);
        energy += std::norm(b[i]);
    }
    return difference == 0 ? 0 : difference / std::max(energy, 1e-300);
}

/// float32 results against float64 definitions.
inline constexpr double kEnergyTolerance = 1e-10;

/// That of a level: some round what they multiply.
constexpr double energy_tolerance(Level level) {
    return level == Level::tf32 ? 1e-4 : level == Level::bf16 ? 1e-3 : kEnergyTolerance;
}

}  // namespace spectral::test
