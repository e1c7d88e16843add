// What the CUDA backend reaches of the device's own copy bandwidth: medians in one run, as a Markdown table.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "kernels/cuda/backend.hpp"
#include "kernels/ops/ceiling.hpp"
#include "kernels/ops/fft.hpp"
#include "kernels/ops/optimiser.hpp"
#include "kernels/ops/purefft.hpp"
#include "kernels/ops/select.hpp"

namespace {

using namespace spectral;

constexpr int kRounds = 21;

/// Device memory of zeros until the program ends.
class Memory {
public:
    explicit Memory(Backend& backend) : backend_(backend) {}
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory() {
        for (const auto& [pointer, bytes] : taken_) backend_.deallocate(pointer, bytes);
    }

    template <class T>
    T* zeros(std::int64_t size) {
        const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
        void* pointer = backend_.allocate(bytes);
        taken_.emplace_back(pointer, bytes);
        backend_.fill_zero(pointer, bytes);
        return static_cast<T*>(pointer);
    }

    /// Values that spread over several magnitudes, as the sum of uniform ones.
    float* spread(std::int64_t size) {
        std::vector<float> host(static_cast<std::size_t>(size));
        std::uint32_t state = 1;
        for (float& value : host) {
            value = 0;
            for (int i = 0; i < 4; ++i) {
                state = state * 1664525U + 1013904223U;
                value += static_cast<float>(state >> 8) * 0x1p-24F - 0.5F;
            }
        }
        float* device = zeros<float>(size);
        backend_.copy_to_device(device, host.data(), host.size() * sizeof(float));
        return device;
    }

private:
    Backend& backend_;
    std::vector<std::pair<void*, std::size_t>> taken_;
};

/// Median time of `run` by the device's own clock.
double seconds_of(Backend& backend, const std::function<void()>& run) {
    for (int i = 0; i < 3; ++i) run();
    std::vector<double> seconds;
    for (int i = 0; i < kRounds; ++i) {
        const Mark start = backend.mark();
        run();
        const Mark end = backend.mark();
        const std::int64_t from = backend.nanoseconds(start);
        seconds.push_back(1e-9 * static_cast<double>(backend.nanoseconds(end) - from));
    }
    std::ranges::nth_element(seconds, seconds.begin() + kRounds / 2);
    return seconds[kRounds / 2];
}

class Table {
public:
    explicit Table(Backend& backend) : backend_(backend) {
        std::printf(
            "| operation | shape | ms | GB/s | of copy bandwidth |\n| --- | --- | ---: | ---: | ---: |\n");
    }

    void add(const char* name, const std::string& shape, double bytes, const std::function<void()>& run) {
        const double seconds = seconds_of(backend_, run), rate = bytes / seconds;
        if (copy_ == 0) copy_ = rate;
        std::printf("| %s | %s | %.4f | %.0f | %.0f %% |\n", name, shape.c_str(), 1e3 * seconds, 1e-9 * rate,
                    100 * rate / copy_);
    }

private:
    Backend& backend_;
    double copy_ = 0;  ///< bytes per second of the first line
};

void bench_purefft(Backend& backend, Memory& memory, Table& table, std::int64_t batch) {
    const PureFftSizes sizes{batch, 8, 2, 10, 393};
    const std::int64_t stride = padded_columns(sizes.frequencies);
    // Each on a boundary of its own, as tensors are.
    const auto values = [&](std::int64_t rows) { return padded_columns(rows * sizes.frequencies); };
    const std::int64_t pool = values(sizes.patterns), layer = values(sizes.layers),
                       class_ = values(sizes.classes), all = pool + layer + class_;
    const PureFftInput input{memory.spread(batch * stride), stride, nullptr};
    float* const w = memory.spread(all);
    float* const g = memory.zeros<float>(all);
    float* const m = memory.zeros<float>(all);
    float* const v = memory.zeros<float>(all);
    auto* const labels = memory.zeros<std::int32_t>(batch);
    float* const logits = memory.zeros<float>(batch * sizes.classes);
    auto* const sums = memory.zeros<LossSums>(1);
    float* const scratch = memory.zeros<float>(purefft_scratch_size(sizes, Level::best, backend.threads()));
    const PureFftParameters parameters{w, w + pool, w + pool + layer};
    const PureFftForward forward{sizes, input, parameters, logits, scratch};
    const PureFftStep step{sizes, input,  parameters, labels, logits, {g, g + pool, g + pool + layer},
                           sums,  scratch};
    const std::vector<ParameterSlot> slots{
        {pool, g, w, m, v},
        {layer, g + pool, w + pool, m + pool, v + pool},
        {class_, g + pool + layer, w + pool + layer, m + pool + layer, v + pool + layer}};
    const Adam adam{.parameters = slots};
    const std::string shape = "batch " + std::to_string(batch) + ", 393 frequencies";
    const double step_bytes = step.cost().bytes + adam.cost().bytes;
    for (const Level level : backend.operations().levels(PureFftForward::name)) {
        if (level == Level::reference) continue;  // its temporaries do not fit
        const std::string name = ", " + std::string(level_name(level));
        table.add(("purefft_forward" + name).c_str(), shape, forward.cost().bytes,
                  [&] { backend.run(forward, level); });
        const auto train = [&] {
            backend.run(step, level);
            backend.run(adam);
        };
        table.add(("purefft_step + adam" + name).c_str(), shape, step_bytes, train);
        table.add(("the same as one graph" + name).c_str(), shape, step_bytes,
                  [&] { backend.run_as_one(train); });
    }
}

void bench(Backend& backend) {
    Memory memory(backend);
    Table table(backend);
    constexpr std::int64_t kCopy = std::int64_t{1} << 28;
    const StreamCopy copy{kCopy, memory.zeros<float>(kCopy), memory.zeros<float>(kCopy)};
    table.add("stream_copy", "2^28 floats", copy.cost().bytes, [&] { backend.run(copy); });
    for (const std::int64_t batch : {256, 4096, 65536}) bench_purefft(backend, memory, table, batch);

    const SignalShape signal{1, {784, 1, 1}};
    constexpr std::int64_t kImages = 65536;
    const std::int64_t stride = padded_columns(signal.spectrum_size());
    const RfftMagnitude magnitude{kImages,
                                  signal,
                                  memory.spread(kImages * 784),
                                  memory.zeros<float>(kImages * stride),
                                  stride,
                                  memory.zeros<Complex>(RfftMagnitude::scratch_size(kImages, signal))};
    for (const Level level : backend.operations().levels(RfftMagnitude::name))
        table.add(("rfft_magnitude, " + std::string(level_name(level))).c_str(), "65,536 signals of 784",
                  magnitude.cost().bytes, [&] { backend.run(magnitude, level); });

    constexpr std::int64_t kValues = std::int64_t{1} << 26, kKept = kValues / 20;
    const TopK top{kValues,
                   kKept,
                   reinterpret_cast<Complex*>(memory.spread(2 * kValues)),
                   nullptr,
                   memory.zeros<std::uint32_t>(kKept),
                   memory.zeros<Complex>(kKept),
                   memory.zeros<std::int64_t>(1),
                   memory.zeros<std::int64_t>(TopK::scratch_size(kValues))};
    table.add("top_k", "5 % of 2^26 complex values", top.cost().bytes, [&] { backend.run(top); });
}

}  // namespace

int main() {
    try {
        cuda::CudaBackend backend(0);
        int driver = 0;
        cuda::check(cudaDriverGetVersion(&driver), "driver version");
        std::printf("%s, driver for CUDA %d.%d\n\n", backend.device().c_str(), driver / 1000,
                    driver % 1000 / 10);
        bench(backend);
    } catch (const Error& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
        return 3;
    }
    return 0;
}
