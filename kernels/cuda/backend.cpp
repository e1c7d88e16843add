#include "kernels/cuda/backend.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

#include "kernels/cuda/operations.hpp"

namespace spectral::cuda {

namespace {

/// Freed memory that the pool keeps for the next allocation instead of giving it back to the driver.
constexpr std::uint64_t kKeptBytes = std::uint64_t{512} << 20;
/// What the kernels use of shared memory and instructions is there from Turing on.
constexpr int kOldestMajor = 7, kOldestMinor = 5;

std::string version_text(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

Stream make_stream() {
    cudaStream_t stream = nullptr;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
    return Stream(stream);
}

MemoryPool make_pool(int device) {
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device;
    cudaMemPool_t pool = nullptr;
    check(cudaMemPoolCreate(&pool, &properties), "memory pool");
    MemoryPool owned(pool);
    std::uint64_t kept = kKeptBytes;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept), "memory pool");
    return owned;
}

DeviceMemory make_device_memory(std::size_t bytes) {
    void* memory = nullptr;
    check(cudaMalloc(&memory, bytes), "working memory");
    return DeviceMemory(memory);
}

PinnedMemory make_pinned_memory(std::size_t bytes) {
    void* memory = nullptr;
    if (const cudaError_t code = cudaMallocHost(&memory, bytes); code == cudaErrorMemoryAllocation) {
        static_cast<void>(cudaGetLastError());
        throw OutOfMemory("cuda pinned memory", "the machine has no memory left that a device could read",
                          "close other programs");
    } else {
        check(code, "pinned memory");
    }
    return PinnedMemory(memory);
}

/// A work area of our own also makes cuBLAS give the same digits every time.
Blas make_blas(cudaStream_t stream, void* work, std::size_t work_bytes) {
    cublasHandle_t handle = nullptr;
    check(cublasCreate_v2(&handle), "start");
    Blas owned(handle);
    check(cublasSetStream_v2(handle, stream), "stream");
    check(cublasSetWorkspace_v2(handle, work, work_bytes), "work area");
    // No tensor cores with shortened inputs: results agree with the float32 definition.
    check(cublasSetMathMode(handle, CUBLAS_PEDANTIC_MATH), "math mode");
    return owned;
}

Event make_event() {
    cudaEvent_t event = nullptr;
    check(cudaEventCreate(&event), "event");
    return Event(event);
}

std::int64_t host_nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

bool switched_on(const char* variable, bool otherwise) {
    const char* value = std::getenv(variable);
    return value == nullptr || *value == '\0' ? otherwise : std::strcmp(value, "0") != 0;
}

}  // namespace

DeviceInfo find_device(int index) {
    int driver = 0, runtime = 0, count = 0;
    static_cast<void>(cudaDriverGetVersion(&driver));
    static_cast<void>(cudaRuntimeGetVersion(&runtime));
    const cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess) static_cast<void>(cudaGetLastError());
    if (driver == 0) throw Error("cuda", "no NVIDIA driver is installed", "install the driver of the GPU");
    if (code == cudaErrorInsufficientDriver)
        throw Error("cuda",
                    "the driver supports CUDA " + version_text(driver) + ", the program needs " +
                        version_text(runtime),
                    "update the NVIDIA driver");
    if (code == cudaErrorNoDevice || (code == cudaSuccess && count == 0))
        throw Error("cuda", "the driver finds no GPU", "look whether CUDA_VISIBLE_DEVICES hides it");
    check(code, "devices");
    if (index < 0 || index >= count)
        throw Error("cuda device " + std::to_string(index), "there is no such device",
                    count == 1 ? "the only one is 0" : "choose one of 0 to " + std::to_string(count - 1));
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index), "device properties");
    if (std::pair(properties.major, properties.minor) < std::pair(kOldestMajor, kOldestMinor))
        throw Error("cuda device " + std::to_string(index),
                    std::string(properties.name) + " has compute capability " +
                        std::to_string(properties.major) + "." + std::to_string(properties.minor) +
                        ", older than the " + std::to_string(kOldestMajor) + "." +
                        std::to_string(kOldestMinor) + " that the kernels need",
                    "use --backend cpu");
    return {index,
            properties.name,
            properties.multiProcessorCount,
            properties.sharedMemPerBlockOptin,
            properties.totalGlobalMem,
            10 * properties.major + properties.minor};
}

std::string device_text(const DeviceInfo& info) {
    return info.name + " (device " + std::to_string(info.index) + ", " +
           std::to_string(info.memory_bytes >> 30) + " GiB)";
}

CudaBackend::CudaBackend(int device_index, const std::unique_lock<std::shared_mutex>& /*no_recording*/)
    : info_(find_device(device_index)),
      parts_(2 * info_.multiprocessors),
      synchronous_(switched_on("SPECTRAL_CUDA_SYNC", false)),
      records_(switched_on("SPECTRAL_CUDA_GRAPH", true)),
      stream_((use_device(), make_stream())),
      pool_(make_pool(device_index)),
      reduction_(make_device_memory(kReductionParts * kReductionBytes)),
      blas_work_(make_device_memory(kBlasBytes)),
      staging_(make_pinned_memory(kStagingHalves * kStagingBytes)),
      staged_{make_event(), make_event()},
      blas_(make_blas(stream_.get(), blas_work_.get(), kBlasBytes)),
      plans_(pool_.get(), stream_.get()),
      convolutions_(LibraryConvolution::open(pool_.get(), stream_.get())),
      specialised_(info_.capability, stream_.get()),
      base_(make_event()) {
    add_all(operations_);
    if (convolutions_) add_library_convolution(operations_);
    check(cudaEventRecord(base_.get(), stream_.get()), "event");
    check(cudaStreamSynchronize(stream_.get()), "start");
    base_ns_ = host_nanoseconds();
}

CudaBackend::~CudaBackend() {
    static_cast<void>(cudaSetDevice(info_.index));
    // What is queued may still use memory that others hold.
    static_cast<void>(cudaStreamSynchronize(stream_.get()));
    const auto lock = keep_from_recording();
    step_graph_ = {};
    specialised_.clear();
    convolutions_.reset();
    blas_.reset();
    staging_.reset();
    blas_work_.reset();
    reduction_.reset();
}

void CudaBackend::use_device() const { check(cudaSetDevice(info_.index), "device"); }

void* CudaBackend::allocate(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    use_device();
    refuse_while_recording(stream_.get(), "allocation");
    void* pointer = nullptr;
    const cudaError_t code = cudaMallocFromPoolAsync(&pointer, bytes, pool_.get(), stream_.get());
    if (code == cudaErrorMemoryAllocation) {
        static_cast<void>(cudaGetLastError());
        throw std::bad_alloc();  // the caller knows what it was for
    }
    check(code, "allocation");
    // Other backend objects, with streams of their own, may use it at once.
    const cudaError_t ready = cudaStreamSynchronize(stream_.get());
    if (ready != cudaSuccess) {
        static_cast<void>(cudaFreeAsync(pointer, stream_.get()));
        check(ready, "allocation");
    }
    return pointer;
}

void CudaBackend::deallocate(void* pointer, std::size_t /*bytes*/) noexcept {
    if (pointer != nullptr) static_cast<void>(cudaFreeAsync(pointer, stream_.get()));
}

unsigned char* CudaBackend::staging(std::size_t chunk) const {
    return static_cast<unsigned char*>(staging_.get()) + chunk % kStagingHalves * kStagingBytes;
}

namespace {

/// A copy that ends early leaves nothing on its way through the staging memory.
class StagedCopy {
public:
    explicit StagedCopy(cudaStream_t stream) : stream_(stream) {}
    StagedCopy(const StagedCopy&) = delete;
    StagedCopy& operator=(const StagedCopy&) = delete;
    ~StagedCopy() {
        if (!done_) static_cast<void>(cudaStreamSynchronize(stream_));
    }
    void done() { done_ = true; }

private:
    cudaStream_t stream_;
    bool done_ = false;
};

}  // namespace

/// The host fills one half of the staging memory while the other is on its way.
void CudaBackend::copy_to_device(void* device, const void* host, std::size_t bytes) {
    use_device();
    StagedCopy copy(stream_.get());
    const auto* from = static_cast<const unsigned char*>(host);
    auto* to = static_cast<unsigned char*>(device);
    std::size_t chunk = 0;
    for (std::size_t done = 0; done < bytes; done += kStagingBytes, ++chunk) {
        const std::size_t count = std::min(kStagingBytes, bytes - done);
        const cudaEvent_t left = staged_[chunk % kStagingHalves].get();
        if (chunk >= kStagingHalves) check(cudaEventSynchronize(left), "copy");
        std::memcpy(staging(chunk), from + done, count);
        check(cudaMemcpyAsync(to + done, staging(chunk), count, cudaMemcpyHostToDevice, stream_.get()),
              "copy");
        if (done + count < bytes) check(cudaEventRecord(left, stream_.get()), "copy");
    }
    if (bytes > 0) synchronize();
    copy.done();
}

/// The device fills one half of the staging memory while the host empties the other.
void CudaBackend::copy_to_host(void* host, const void* device, std::size_t bytes) {
    use_device();
    StagedCopy copy(stream_.get());
    const auto* from = static_cast<const unsigned char*>(device);
    auto* to = static_cast<unsigned char*>(host);
    const std::size_t chunks = (bytes + kStagingBytes - 1) / kStagingBytes;
    const auto size = [&](std::size_t chunk) {
        return std::min(kStagingBytes, bytes - chunk * kStagingBytes);
    };
    for (std::size_t chunk = 0; chunk <= chunks; ++chunk) {
        if (chunk < chunks) {
            check(cudaMemcpyAsync(staging(chunk), from + chunk * kStagingBytes, size(chunk),
                                  cudaMemcpyDeviceToHost, stream_.get()),
                  "copy");
            if (chunks > 1)
                check(cudaEventRecord(staged_[chunk % kStagingHalves].get(), stream_.get()), "copy");
        }
        if (chunk == 0) continue;
        if (chunks > 1)
            check(cudaEventSynchronize(staged_[(chunk - 1) % kStagingHalves].get()), "copy");
        else
            synchronize();
        std::memcpy(to + (chunk - 1) * kStagingBytes, staging(chunk - 1), size(chunk - 1));
    }
    if (bytes == 0) synchronize();
    copy.done();
}

void CudaBackend::copy_on_device(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_.get()), "copy");
}

void CudaBackend::fill_zero(void* device, std::size_t bytes) {
    if (bytes > 0) check(cudaMemsetAsync(device, 0, bytes, stream_.get()), "fill");
}

void CudaBackend::synchronize() { check(cudaStreamSynchronize(stream_.get()), "synchronize"); }

void CudaBackend::run_as_one(const std::function<void()>& body) {
    use_device();
    if (records_ && !synchronous_ && !observed())
        step_graph_.run(stream_.get(), body);
    else
        body();
}

std::vector<PlanInfo> CudaBackend::cached_plans() const {
    std::vector<PlanInfo> result = plans_.list();
    if (convolutions_) std::ranges::move(convolutions_->list(), std::back_inserter(result));
    return result;
}

void CudaBackend::clear_plans() {
    synchronize();
    plans_.clear();
    if (convolutions_) convolutions_->clear();
}

void CudaBackend::check_launches(std::string_view op) {
    cudaError_t code = cudaGetLastError();
    if (code == cudaSuccess && synchronous_) code = cudaStreamSynchronize(stream_.get());
    if (code == cudaErrorMemoryAllocation)  // not a shortage that can be met: a part of it may have run
        throw Error(std::string(op), "the device has no memory left to start it",
                    "close other programs that use the device, or make the batch smaller");
    if (code != cudaSuccess) check(code, std::string(op).c_str());
}

Mark CudaBackend::mark() {
    if (free_.empty()) {
        events_.push_back(make_event());
        free_.push_back(events_.size() - 1);
    }
    const std::size_t event = free_.back();
    check(cudaEventRecord(events_[event].get(), stream_.get()), "event");
    free_.pop_back();
    return {static_cast<std::int64_t>(event)};
}

std::int64_t CudaBackend::nanoseconds(Mark mark) {
    // Times come as float milliseconds: measured from a moment not long ago, they keep their digits.
    constexpr std::int64_t kFar_ns = 1'000'000'000;
    Event& event = events_[static_cast<std::size_t>(mark.value)];
    check(cudaEventSynchronize(event.get()), "event");
    float elapsed_ms = 0;
    check(cudaEventElapsedTime(&elapsed_ms, base_.get(), event.get()), "event");
    const std::int64_t at = base_ns_ + std::llround(static_cast<double>(elapsed_ms) * 1e6);
    if (at - base_ns_ > kFar_ns) {
        std::swap(base_, event);
        base_ns_ = at;
    }
    free_.push_back(static_cast<std::size_t>(mark.value));
    return at;
}

}  // namespace spectral::cuda
