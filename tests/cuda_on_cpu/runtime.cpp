// The runtime API on host memory. Work on a stream is done when it is queued; a crashed kernel's error waits
// for the next synchronising call, as on a device, and on demand so do copies.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "control.hpp"
#include "nvtx3/nvToolsExt.h"
#include "scheduler.hpp"

namespace {

struct Node {
    cuda_on_cpu::Work kind;
    std::function<void()> run;
};

}  // namespace

struct CUstream_st {
    bool capturing = false, spoilt = false;
    std::vector<Node> captured;
};
struct CUevent_st {
    std::chrono::steady_clock::time_point at;
    bool recorded = false;
    std::int64_t place = 0;  ///< among the late copies, the first is 1
};
struct CUmemPoolHandle_st {};
struct CUgraph_st {
    std::vector<Node> nodes;
};
struct CUgraphExec_st {
    std::vector<Node> nodes;
};

namespace cuda_on_cpu {

namespace {

constexpr std::size_t kAlignment = 256, kDefaultShared = std::size_t{48} << 10,
                      kMostShared = std::size_t{227} << 10;
constexpr unsigned char kGarbage = 0xFF;  ///< NaN as a float: what is read before it is written shows

/// A program that opens the emulated module has no other way to ask for faults than its environment.
std::int64_t from_environment(const char* name, std::int64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoll(text, nullptr, 10) : otherwise;
}

Machine machine_of_environment() {
    Machine machine;
    machine.fail_allocation = from_environment("CUDA_ON_CPU_FAIL_ALLOCATION", machine.fail_allocation);
    machine.lose_device = from_environment("CUDA_ON_CPU_LOSE_DEVICE", machine.lose_device);
    machine.memory_bytes = static_cast<std::size_t>(
        from_environment("CUDA_ON_CPU_MEMORY", static_cast<std::int64_t>(machine.memory_bytes)));
    return machine;
}

struct Device {
    Machine machine = machine_of_environment();
    Counts counts;
    unsigned seed = 0;
    std::map<void*, std::size_t> memory, pinned;
    std::map<const void*, std::size_t> shared_limits;
    std::deque<std::function<void()>> late;  ///< copies that were queued and have not been made
    std::int64_t late_done = 0;              ///< how many of them ever were
    cudaError_t pending = cudaSuccess;       ///< of a kernel that crashed: told at the next wait
    cudaError_t lost = cudaSuccess;          ///< every call fails with it
};

Device& device() {
    static Device one;
    return one;
}

std::recursive_mutex& device_mutex() {
    static std::recursive_mutex mutex;
    return mutex;
}

thread_local cudaError_t last_error = cudaSuccess;

bool strikes(std::int64_t& countdown) { return countdown > 0 && --countdown == 0; }

cudaError_t give(cudaError_t code) {
    if (code != cudaSuccess) last_error = code;
    return code;
}

/// What every call begins with.
cudaError_t enter() {
    Device& d = device();
    if (d.lost == cudaSuccess && strikes(d.machine.lose_device)) d.lost = cudaErrorLaunchFailure;
    if (d.lost != cudaSuccess) return give(d.lost);
    if (d.machine.driver_version == 0 || d.machine.driver_version < 13000)
        return give(cudaErrorInsufficientDriver);
    if (d.machine.devices == 0) return give(cudaErrorNoDevice);
    return cudaSuccess;
}

/// Makes late copies until as many as `count` were ever made.
void catch_up(std::int64_t count = std::numeric_limits<std::int64_t>::max()) {
    Device& d = device();
    for (; !d.late.empty() && d.late_done < count; ++d.late_done) {
        d.late.front()();
        d.late.pop_front();
    }
}

/// The answer of a call that waits.
cudaError_t tell() {
    Device& d = device();
    if (d.pending != cudaSuccess) d.lost = std::exchange(d.pending, cudaSuccess);
    return enter();
}

cudaError_t wait() {
    catch_up();
    return tell();
}

using Lock = std::lock_guard<std::recursive_mutex>;

/// A call that a recording does not allow ends it: its graph is lost.
cudaError_t spoil(cudaStream_t stream) {
    stream->spoilt = true;
    return give(cudaErrorStreamCaptureUnsupported);
}

cudaError_t allocate(void** pointer, std::size_t bytes, std::map<void*, std::size_t>& into,
                     std::int64_t& alive) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    Device& d = device();
    const bool no_room = &into == &d.memory &&
                         bytes > d.machine.memory_bytes - static_cast<std::size_t>(d.counts.device_bytes);
    if (strikes(d.machine.fail_allocation) || no_room) return give(cudaErrorMemoryAllocation);
    // Exactly as large as asked for, so that AddressSanitizer guards its end.
    void* memory = nullptr;
    if (posix_memalign(&memory, kAlignment, bytes) != 0) return give(cudaErrorMemoryAllocation);
    std::memset(memory, kGarbage, bytes);
    into[memory] = bytes;
    alive += static_cast<std::int64_t>(bytes);
    ++d.counts.allocations_made;
    if (&into == &d.memory) ++d.counts.device_allocations;
    *pointer = memory;
    return cudaSuccess;
}

/// Also when the device is lost: the program frees what it has.
cudaError_t deallocate(void* pointer, std::map<void*, std::size_t>& from, std::int64_t& alive) {
    const Lock lock(device_mutex());
    if (pointer == nullptr) return cudaSuccess;
    const auto found = from.find(pointer);
    if (found == from.end()) return give(cudaErrorInvalidValue);
    catch_up();
    alive -= static_cast<std::int64_t>(found->second);
    if (&from == &device().memory) --device().counts.device_allocations;
    std::free(pointer);
    from.erase(found);
    return device().lost;
}

/// A handle of an object of ours, counted.
template <class T>
cudaError_t create(T** handle, std::int64_t& alive) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    *handle = new T;
    ++alive;
    return cudaSuccess;
}

template <class T>
cudaError_t destroy(T* handle, std::int64_t& alive) {
    const Lock lock(device_mutex());
    if (handle == nullptr) return give(cudaErrorInvalidResourceHandle);
    catch_up();
    delete handle;
    --alive;
    return cudaSuccess;
}

}  // namespace

void set_seed(unsigned seed) { device().seed = seed; }
Machine& machine() { return device().machine; }
Counts& counts() { return device().counts; }

void reset() {
    Device& d = device();
    d.machine = {};
    d.seed = 0;
    d.pending = d.lost = last_error = cudaSuccess;
}

cudaError_t set_shared_limit(const void* kernel, int bytes) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    if (bytes < 0 || static_cast<std::size_t>(bytes) > kMostShared) return give(cudaErrorInvalidValue);
    device().shared_limits[kernel] = static_cast<std::size_t>(bytes);
    return cudaSuccess;
}

cudaError_t submit(cudaStream_t stream, Work kind, std::function<void()> work) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    if (stream != nullptr && stream->capturing) {
        stream->captured.push_back({kind, std::move(work)});
    } else if (device().machine.late_copies && (kind == Work::copy || kind == Work::event)) {
        device().late.push_back(std::move(work));
    } else {
        catch_up();
        work();
    }
    return cudaSuccess;
}

void submit_kernel(const void* kernel, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                   std::function<void()> thread) {
    const Lock lock(device_mutex());
    if (enter() != cudaSuccess) return;
    Device& d = device();
    const auto limit = d.shared_limits.find(kernel);
    const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
    const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
    if (threads == 0 || threads > 1024 || block.z > 64 || blocks == 0 || grid.x > 0x7FFFFFFFU ||
        grid.y > 65535 || grid.z > 65535) {
        give(cudaErrorInvalidConfiguration);
        return;
    }
    if (shared_bytes > std::max(kDefaultShared, limit != d.shared_limits.end() ? limit->second : 0)) {
        give(cudaErrorInvalidValue);
        return;
    }
    if (strikes(d.machine.fail_launch)) {
        give(cudaErrorInvalidConfiguration);
        return;
    }
    ++d.counts.kernels;
    if (strikes(d.machine.crash_kernel)) {
        d.pending = cudaErrorIllegalAddress;
        return;
    }
    submit(stream, Work::kernel, [grid, block, shared_bytes, thread = std::move(thread)] {
        run_grid(grid, block, shared_bytes, device().seed, thread);
    });
}

}  // namespace cuda_on_cpu

using namespace cuda_on_cpu;

cudaError_t cudaGetLastError() {
    const Lock lock(device_mutex());
    if (device().lost != cudaSuccess) return device().lost;
    return std::exchange(last_error, cudaSuccess);
}

cudaError_t cudaPeekAtLastError() {
    const Lock lock(device_mutex());
    return device().lost != cudaSuccess ? device().lost : last_error;
}

cudaError_t cudaDriverGetVersion(int* version) {
    *version = machine().driver_version;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
    const Lock lock(device_mutex());
    *count = 0;
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    *count = machine().devices;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int index) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    return index >= 0 && index < machine().devices ? cudaSuccess : give(cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int* index) {
    *index = 0;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
    if (const cudaError_t code = cudaSetDevice(index); code != cudaSuccess) return code;
    *properties = {};
    std::strcpy(properties->name, "CUDA on CPU");
    properties->totalGlobalMem = machine().memory_bytes;
    properties->sharedMemPerBlock = kDefaultShared;
    properties->sharedMemPerBlockOptin = kMostShared;
    properties->major = machine().major;
    properties->minor = machine().minor;
    properties->multiProcessorCount = machine().multiprocessors;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = 1024;
    properties->l2CacheSize = 1 << 20;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    *total = machine().memory_bytes;
    *free_bytes = *total - static_cast<std::size_t>(counts().device_bytes);
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
    const Lock lock(device_mutex());
    return wait();
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
    return allocate(pointer, bytes, device().memory, counts().device_bytes);
}
cudaError_t cudaFree(void* pointer) { return deallocate(pointer, device().memory, counts().device_bytes); }
cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
    return allocate(pointer, bytes, device().pinned, counts().pinned_bytes);
}
cudaError_t cudaFreeHost(void* pointer) {
    return deallocate(pointer, device().pinned, counts().pinned_bytes);
}
cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t /*stream*/) {
    return cudaMalloc(pointer, bytes);
}
cudaError_t cudaMallocFromPoolAsync(void** pointer, std::size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t stream) {
    if (stream != nullptr && stream->capturing) return spoil(stream);
    return pool != nullptr ? cudaMalloc(pointer, bytes) : give(cudaErrorInvalidValue);
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t /*stream*/) { return cudaFree(pointer); }

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* /*properties*/) {
    return create(pool, counts().pools);
}
cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) { return destroy(pool, counts().pools); }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t /*pool*/, cudaMemPoolAttr /*attribute*/, void* /*value*/) {
    const Lock lock(device_mutex());
    return enter();
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t /*pool*/, cudaMemPoolAttr /*attribute*/, void* value) {
    *static_cast<std::uint64_t*>(value) = static_cast<std::uint64_t>(counts().device_bytes);
    return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t /*pool*/, std::size_t /*bytes*/) {
    const Lock lock(device_mutex());
    return enter();
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind /*kind*/,
                            cudaStream_t stream) {
    return submit(stream, Work::copy, [=] { std::memmove(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void* at, int value, std::size_t bytes, cudaStream_t stream) {
    return submit(stream, Work::fill, [=] { std::memset(at, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
    return create(stream, counts().streams);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return destroy(stream, counts().streams); }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    const Lock lock(device_mutex());
    if (stream != nullptr && stream->capturing) return spoil(stream);
    return wait();
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return create(event, counts().events); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return destroy(event, counts().events); }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    const Lock lock(device_mutex());
    event->place = device().late_done + static_cast<std::int64_t>(device().late.size()) + 1;
    return submit(stream, Work::event, [event] {
        event->at = std::chrono::steady_clock::now();
        event->recorded = true;
    });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    const Lock lock(device_mutex());
    if (event == nullptr) return give(cudaErrorInvalidResourceHandle);
    catch_up(event->place);
    return tell();
}
cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaEventSynchronize(event); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    if (!start->recorded || !end->recorded) return give(cudaErrorInvalidResourceHandle);
    *milliseconds = std::chrono::duration<float, std::milli>(end->at - start->at).count();
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode /*mode*/) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    if (stream == nullptr || stream->capturing) return give(cudaErrorStreamCaptureUnsupported);
    stream->capturing = true;
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
    const Lock lock(device_mutex());
    *status =
        stream != nullptr && stream->capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return enter();
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    const Lock lock(device_mutex());
    *graph = nullptr;
    if (!stream->capturing) return give(cudaErrorStreamCaptureInvalidated);
    stream->capturing = false;
    std::vector<Node> nodes = std::exchange(stream->captured, {});
    if (std::exchange(stream->spoilt, false)) return give(cudaErrorStreamCaptureInvalidated);
    if (const cudaError_t code = create(graph, counts().graphs); code != cudaSuccess) return code;
    (*graph)->nodes = std::move(nodes);
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long /*flags*/) {
    if (const cudaError_t code = create(executable, counts().graphs); code != cudaSuccess) return code;
    (*executable)->nodes = graph->nodes;
    return cudaSuccess;
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* /*info*/) {
    const Lock lock(device_mutex());
    if (const cudaError_t code = enter(); code != cudaSuccess) return code;
    if (!std::ranges::equal(executable->nodes, graph->nodes, {}, &Node::kind, &Node::kind))
        return give(cudaErrorGraphExecUpdateFailure);
    executable->nodes = graph->nodes;
    ++counts().graph_updates;
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
    ++counts().graph_launches;
    return submit(stream, Work::library, [executable] {
        for (const Node& node : executable->nodes) node.run();
    });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return destroy(graph, counts().graphs); }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) { return destroy(executable, counts().graphs); }

namespace {
thread_local int open_ranges = 0;
}

int nvtxRangePushA(const char* /*name*/) {
    ++counts().ranges;
    return open_ranges++;
}

int nvtxRangePop() { return --open_ranges; }
