// Tests of the CUDA backend on the emulated device, which each of them may break.
#pragma once

#include <gtest/gtest.h>

#include "kernels/cuda/backend.hpp"
#include "tests/cuda_on_cpu/control.hpp"

namespace spectral::test {

using cuda_on_cpu::counts;
using cuda_on_cpu::machine;

class EmulatedDeviceTest : public testing::Test {
protected:
    void TearDown() override { cuda_on_cpu::reset(); }
};

inline bool same_alive(const cuda_on_cpu::Counts& a, const cuda_on_cpu::Counts& b) {
    return a.device_bytes == b.device_bytes && a.device_allocations == b.device_allocations &&
           a.pinned_bytes == b.pinned_bytes && a.streams == b.streams && a.events == b.events &&
           a.pools == b.pools && a.graphs == b.graphs && a.plans == b.plans &&
           a.blas_handles == b.blas_handles && a.libraries == b.libraries &&
           a.cudnn_objects == b.cudnn_objects;
}

}  // namespace spectral::test
