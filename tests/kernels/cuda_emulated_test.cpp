// The CUDA backend on the emulated device: what it does beyond its operations, and what it does when the
// device fails.
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <numeric>
#include <vector>

#include "engine/core/tensor.hpp"
#include "kernels/cuda/backend.hpp"
#include "kernels/ops/features.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/optimiser.hpp"
#include "kernels/ops/purefft.hpp"
#include "tests/support/arrays.hpp"
#include "tests/support/backend_under_test.hpp"
#include "tests/support/emulated_device.hpp"
#include "tests/support/failure.hpp"

namespace spectral::test {
namespace {

class CudaBackendTest : public EmulatedDeviceTest {};

void transform(Backend& backend, std::int64_t batch, std::int64_t length) {
    const SignalShape shape{1, {length, 1, 1}};
    Array<float> x(backend, batch * length);
    Array<Complex> y(backend, batch * shape.spectrum_size());
    backend.run(Rfft{batch, shape, x.data(), y.data()});
}

TEST_F(CudaBackendTest, ARepeatedTransformMakesNoPlanAndAllocatesNothing) {
    cuda::CudaBackend backend(0);
    const SignalShape shape{1, {97, 1, 1}};
    Array<float> x(backend, 5 * 97);
    Array<Complex> y(backend, 5 * 49);
    backend.run(Rfft{5, shape, x.data(), y.data()});
    const cuda_on_cpu::Counts before = counts();
    for (int i = 0; i < 10; ++i) backend.run(Rfft{5, shape, x.data(), y.data()});
    EXPECT_EQ(counts().plans_made, before.plans_made);
    EXPECT_EQ(counts().allocations_made, before.allocations_made);
}

TEST_F(CudaBackendTest, PlansAreFewAndShareOneWorkArea) {
    cuda::CudaBackend backend(0);
    for (std::int64_t n = 1; n <= 40; ++n) transform(backend, 2, n + 10);
    EXPECT_EQ(backend.plans().size(), cuda::PlanCache::kMaxEntries);
    EXPECT_EQ(counts().plans, static_cast<std::int64_t>(cuda::PlanCache::kMaxEntries));
    const std::size_t largest = backend.plans().work_bytes();
    transform(backend, 2, 8);
    EXPECT_EQ(backend.plans().work_bytes(), largest);
    const std::vector<PlanInfo> listed = backend.cached_plans();
    ASSERT_EQ(listed.size(), cuda::PlanCache::kMaxEntries + 1);
    EXPECT_EQ(listed[0], (PlanInfo{"work area of all plans", largest, 0}));
    EXPECT_EQ(listed[1], (PlanInfo{"8, batch 2, real → complex", std::nullopt, 1}));
    backend.clear_plans();
    EXPECT_TRUE(backend.cached_plans().empty());
    EXPECT_EQ(backend.plans().work_bytes(), 0U);
    EXPECT_EQ(counts().plans, 0);
    transform(backend, 2, 8);
}

/// Copies of several staging buffers while the device lags behind the host.
TEST_F(CudaBackendTest, LargeCopiesWaitForTheStagingMemoryThatTheyReuse) {
    cuda::CudaBackend backend(0);
    machine().late_copies = true;
    for (const std::int64_t size : {0, 1, 1 << 20, (1 << 20) + 1, 2 << 20, (5 << 20) + 3}) {
        std::vector<float> values(static_cast<std::size_t>(size));
        std::iota(values.begin(), values.end(), 1.0F);
        Array<float> x(backend, std::span<const float>(values));
        EXPECT_EQ(x.host(), values) << size;
    }
    std::vector<int> marks(10, 7), back(10);
    int* const at = static_cast<int*>(backend.allocate(40));
    backend.copy_to_device(at, marks.data(), 40);
    marks.assign(10, 8);  // the source is free again
    backend.copy_to_host(back.data(), at, 40);
    EXPECT_EQ(back, std::vector<int>(10, 7));
    backend.deallocate(at, 40);
}

TEST_F(CudaBackendTest, ATransformWithoutRoomForItsWorkAreaSaysSo) {
    cuda::CudaBackend backend(0);
    transform(backend, 1, 8);
    Array<float> x(backend, 1024);
    Array<Complex> y(backend, 1024);
    const Rfft op{1, {1, {1000, 1, 1}}, x.data(), y.data()};
    machine().fail_allocation = 1;
    EXPECT_THROW(backend.run(op), OutOfMemory);
    transform(backend, 1, 8);
    backend.run(op);
}

TEST_F(CudaBackendTest, OnlyMagnitudesThatDoNotFitSharedMemoryNeedAPlan) {
    cuda::CudaBackend backend(0);
    const auto plans_made = [&](std::int64_t length) {
        const SignalShape shape{1, {length}};
        Array<float> x(backend, length), y(backend, shape.spectrum_size());
        Array<Complex> scratch(backend, RfftMagnitude::scratch_size(1, shape));
        const std::int64_t before = counts().plans_made;
        backend.run(RfftMagnitude{1, shape, x.data(), y.data(), shape.spectrum_size(), scratch.data()});
        return counts().plans_made - before;
    };
    for (const std::int64_t length : {1, 2, 13, 16, 784, 9604}) EXPECT_EQ(plans_made(length), 0) << length;
    for (const std::int64_t length : {17, 97, 20'000}) EXPECT_EQ(plans_made(length), 1) << length;
}

TEST_F(CudaBackendTest, MarksGiveTheTimeBetweenThem) {
    cuda::CudaBackend backend(0);
    const Mark first = backend.mark();
    Array<float> x(backend, 1 << 16);
    backend.run(Log1p{1 << 16, x.data(), x.data()});
    const Mark second = backend.mark();
    const std::int64_t from = backend.nanoseconds(first), to = backend.nanoseconds(second);
    EXPECT_GT(to, from);
    const std::int64_t events = counts().events;
    for (int i = 0; i < 5; ++i) backend.nanoseconds(backend.mark());
    EXPECT_EQ(counts().events, events) << "an event is used again once its time is known";
}

TEST_F(CudaBackendTest, OperationsAreRangesOfTheirName) {
    cuda::CudaBackend backend(0);
    const std::int64_t before = counts().ranges;
    transform(backend, 1, 8);
    EXPECT_EQ(counts().ranges, before + 1);
}

/// What is queued as one is recorded from the second time on, and its graph takes new values.
TEST_F(CudaBackendTest, WorkThatIsQueuedAsOneBecomesAGraph) {
    cuda::CudaBackend backend(0);
    const std::vector<float> ones(100, 1.0F);
    Array<float> x(backend, std::span<const float>(ones)), y(backend, 100);
    const auto queue = [&](std::int64_t size, bool copies) {
        backend.run_as_one([&] {
            backend.run(Log1p{size, x.data(), x.data()});
            if (copies) backend.copy_on_device(y.data(), x.data(), 100 * sizeof(float));
        });
    };
    const cuda_on_cpu::Counts before = counts();
    float expected = 1;
    for (int i = 0; i < 5; ++i) {
        queue(100 - i, true);
        expected = std::log1p(expected);
        EXPECT_NEAR(y.host()[95], expected, 1e-6F);
    }
    EXPECT_EQ(counts().graph_launches, before.graph_launches + 4);
    EXPECT_EQ(counts().graph_updates, before.graph_updates + 3);
    queue(100, false);
    EXPECT_EQ(counts().graph_launches, before.graph_launches + 5) << "another sequence is another graph";
    EXPECT_NEAR(x.host()[95], std::log1p(expected), 1e-6F);
    EXPECT_EQ(counts().graphs, before.graphs + 1) << "one at a time";
}

TEST_F(CudaBackendTest, WorkThatCannotBeRecordedIsQueuedAsItIs) {
    cuda::CudaBackend backend(0);
    std::vector<SignalShape> shapes;
    for (const std::int64_t n : {8, 8, 12, 12}) shapes.push_back({1, {n, 1, 1}});
    const std::vector<float> ones(12, 1.0F);
    Array<float> x(backend, std::span<const float>(ones));
    Array<Complex> y(backend, 7);
    const std::int64_t before = counts().graph_launches;
    std::vector<std::int64_t> launches;
    for (const SignalShape& shape : shapes) {
        backend.run_as_one([&] { backend.run(Rfft{1, shape, x.data(), y.data()}); });
        EXPECT_EQ(y.host()[0], Complex(static_cast<float>(shape.extent[0]), 0));
        launches.push_back(counts().graph_launches - before);
    }
    EXPECT_EQ(launches, (std::vector<std::int64_t>{0, 1, 1, 2})) << "a new plan is made outside a graph";
    // Nor is what waits in between, or what allocates; and neither leaves an error behind.
    backend.run_as_one([&] {
        backend.run(Rfft{1, shapes[0], x.data(), y.data()});
        backend.synchronize();
    });
    EXPECT_EQ(y.host()[0], Complex(8, 0));
    backend.run_as_one([&] { Array<float> within(backend, 10); });
    EXPECT_EQ(counts().graph_launches - before, 2);
    backend.run_as_one([&] { backend.run(Rfft{1, shapes[2], x.data(), y.data()}); });
    EXPECT_EQ(y.host()[0], Complex(12, 0));
    EXPECT_EQ(counts().graph_launches - before, 3);
}

TEST_F(CudaBackendTest, AnErrorOfTheWorkItselfComesThroughARecording) {
    cuda::CudaBackend backend(0);
    const auto fail = [&] { backend.run_as_one([] { throw std::bad_alloc(); }); };
    EXPECT_THROW(fail(), std::bad_alloc);
    Array<float> x(backend, 10);
    for (int i = 0; i < 2; ++i) backend.run_as_one([&] { backend.run(Log1p{10, x.data(), x.data()}); });
    EXPECT_THROW(fail(), std::bad_alloc);
    backend.run(Log1p{10, x.data(), x.data()});
}

/// An observer wants to see each operation, a failed launch its name: neither is possible within a graph.
TEST_F(CudaBackendTest, WatchedWorkIsNotRecorded) {
    struct Counter final : OpObserver {
        int seen = 0;
        void began(std::string_view, Level, const Cost&) noexcept override { ++seen; }
        void ended() noexcept override {}
    } counter;
    cuda::CudaBackend backend(0);
    Array<float> x(backend, 10);
    backend.set_observer(&counter);
    const std::int64_t before = counts().graph_launches;
    for (int i = 0; i < 3; ++i) backend.run_as_one([&] { backend.run(Log1p{10, x.data(), x.data()}); });
    EXPECT_EQ(counter.seen, 3);
    EXPECT_EQ(counts().graph_launches, before);
}

TEST_F(CudaBackendTest, KernelsOfNewSizesAreCompiledOnceAndAFailureIsTold) {
    cuda::CudaBackend backend(0);
    const std::int64_t libraries = counts().libraries;
    const auto forward = [&](const PureFftSizes& sizes) {
        Array<float> x(backend, sizes.batch * padded_columns(sizes.frequencies)),
            pool(backend, sizes.patterns * sizes.frequencies),
            layer(backend, sizes.layers * sizes.frequencies),
            class_(backend, sizes.classes * sizes.frequencies), logits(backend, sizes.batch * sizes.classes),
            scratch(backend, purefft_scratch_size(sizes, Level::compiled, backend.threads()));
        backend.run(PureFftForward{sizes,
                                   {x.data(), padded_columns(sizes.frequencies), nullptr},
                                   {pool.data(), layer.data(), class_.data()},
                                   logits.data(),
                                   scratch.data()},
                    Level::compiled);
    };
    forward({3, 2, 1, 2, 5});
    forward({9, 2, 1, 2, 5});
    EXPECT_EQ(counts().libraries, libraries + 1) << "the batch is no constant";
    EXPECT_EQ(failure([&] {
                  forward({3, 2, 1, 2, 6});
              }).substr(0, 36),
              "run-time compilation: error: nobody ");
    EXPECT_EQ(counts().libraries, libraries + 1);
}

TEST_F(CudaBackendTest, SaysWhyThereIsNoDevice) {
    const auto open = [] { cuda::CudaBackend backend(0); };
    machine().driver_version = 0;
    EXPECT_EQ(failure(open), "cuda: no NVIDIA driver is installed");
    machine().driver_version = 11080;
    EXPECT_EQ(failure(open), "cuda: the driver supports CUDA 11.8, the program needs 13.0");
    machine() = {};
    machine().devices = 0;
    EXPECT_EQ(failure(open), "cuda: the driver finds no GPU");
    machine() = {};
    EXPECT_EQ(failure([] { cuda::CudaBackend backend(3); }), "cuda device 3: there is no such device");
    machine().major = 7;
    EXPECT_EQ(
        failure(open),
        "cuda device 0: CUDA on CPU has compute capability 7.0, older than the 7.5 that the kernels need");
}

TEST_F(CudaBackendTest, AFailedLaunchNamesItsOperation) {
    cuda::CudaBackend backend(0);
    Array<float> x(backend, 100);
    machine().fail_launch = 1;
    EXPECT_EQ(failure([&] {
                  backend.run(Log1p{100, x.data(), x.data()});
              }),
              "cuda log1p: invalid configuration argument (cudaErrorInvalidConfiguration)");
    backend.run(Log1p{100, x.data(), x.data()});  // and the next one works
}

TEST_F(CudaBackendTest, AKernelFaultIsToldByTheNextWait) {
    cuda::CudaBackend backend(0);
    const std::vector<float> host(100);
    float* x = static_cast<float*>(backend.allocate(400));
    machine().crash_kernel = 1;
    backend.run(Log1p{100, x, x});
    EXPECT_EQ(failure([&] { backend.synchronize(); }),
              "cuda synchronize: an illegal memory access was encountered (cudaErrorIllegalAddress)");
    EXPECT_NE(failure([&] { backend.copy_to_device(x, host.data(), 400); }), "nothing was thrown");
    backend.deallocate(x, 400);
}

TEST_F(CudaBackendTest, WithTheDebugOptionAFaultNamesItsOperation) {
    ::setenv("SPECTRAL_CUDA_SYNC", "1", 1);
    cuda::CudaBackend backend(0);
    ::unsetenv("SPECTRAL_CUDA_SYNC");
    float* x = static_cast<float*>(backend.allocate(400));
    machine().crash_kernel = 1;
    EXPECT_EQ(failure([&] {
                  backend.run(Log1p{100, x, x});
              }),
              "cuda log1p: an illegal memory access was encountered (cudaErrorIllegalAddress)");
    backend.deallocate(x, 400);
}

TEST_F(CudaBackendTest, AFailedPlanLeavesTheCacheAsItWas) {
    cuda::CudaBackend backend(0);
    transform(backend, 1, 8);
    machine().fail_plan = 1;
    EXPECT_EQ(failure([&] { transform(backend, 1, 9); }), "cuFFT plan: internal error (5)");
    EXPECT_EQ(backend.plans().size(), 1U);
    transform(backend, 1, 9);
}

/// Every allocation in turn fails once: what was asked for fails cleanly, nothing is left behind, and the
/// next try succeeds.
TEST_F(CudaBackendTest, SurvivesRunningOutOfMemoryAtEveryAllocation) {
    const cuda_on_cpu::Counts before = counts();
    const auto work = [] {
        cuda::CudaBackend backend(0);
        MemoryBudget budget;
        const Tensor x({backend, budget}, MemoryTag::data, {4, 64}, "x");
        const Tensor y({backend, budget}, MemoryTag::data, {4, 33}, "y", DType::complex64);
        backend.run(Rfft{4, {1, {64, 1, 1}}, x.data(), y.complex_data()});
        backend.run(Magnitude{4 * 33, y.complex_data(), x.data()});
    };
    int failures = 0;
    for (std::int64_t nth = 1;; ++nth) {
        machine().fail_allocation = nth;
        try {
            work();
        } catch (const Error&) {
            ++failures;
        } catch (const std::bad_alloc&) {
            ++failures;
        }
        EXPECT_TRUE(same_alive(counts(), before)) << "after the failure of allocation " << nth;
        if (machine().fail_allocation > 0) break;  // it never came to that many
        ASSERT_LT(nth, 50);
    }
    EXPECT_GE(failures, 6);
    machine() = {};
    work();
}

TEST_F(CudaBackendTest, ResultsAreBitIdenticalFromRunToRun) {
    const PureFftSizes sizes{130, 8, 2, 10, 393};
    const std::int64_t stride = padded_columns(sizes.frequencies);
    std::vector<std::vector<float>> results;
    for (const unsigned seed : {1U, 2U, 3U}) {
        cuda_on_cpu::set_seed(seed);
        cuda::CudaBackend backend(0);
        std::vector<float> rows = normal_values(sizes.batch * stride, 4);
        for (std::int64_t b = 0; b < sizes.batch; ++b)
            std::fill_n(rows.begin() + b * stride + sizes.frequencies, stride - sizes.frequencies, 0.0F);
        Array<float> x(backend, std::span<const float>(rows)),
            pool(backend, std::span<const float>(normal_values(sizes.patterns * sizes.frequencies, 1))),
            layer(backend, std::span<const float>(normal_values(sizes.layers * sizes.frequencies, 2))),
            class_(backend, std::span<const float>(normal_values(sizes.classes * sizes.frequencies, 3))),
            d_pool(backend, sizes.patterns * sizes.frequencies),
            d_layer(backend, sizes.layers * sizes.frequencies),
            d_class(backend, sizes.classes * sizes.frequencies), logits(backend, sizes.batch * sizes.classes),
            scratch(backend, purefft_scratch_size(sizes, Level::best, backend.threads()));
        const std::vector<std::int32_t> labels(static_cast<std::size_t>(sizes.batch), 3);
        Array<std::int32_t> labels_d(backend, std::span<const std::int32_t>(labels));
        Array<LossSums> sums(backend, 1);
        backend.run(PureFftStep{sizes,
                                {x.data(), stride, nullptr},
                                {pool.data(), layer.data(), class_.data()},
                                labels_d.data(),
                                logits.data(),
                                {d_pool.data(), d_layer.data(), d_class.data()},
                                sums.data(),
                                scratch.data()});
        std::vector<float> all = d_pool.host();
        for (const auto& more : {d_layer.host(), d_class.host()})
            all.insert(all.end(), more.begin(), more.end());
        all.push_back(static_cast<float>(sums.host()[0].loss));
        results.push_back(std::move(all));
    }
    EXPECT_EQ(results[0], results[1]);
    EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace spectral::test
