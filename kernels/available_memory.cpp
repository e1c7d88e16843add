#include "kernels/available_memory.hpp"

#include <cstdint>
#include <fstream>
#include <string>

namespace spectral {

std::size_t available_memory() {
    std::ifstream info("/proc/meminfo");
    for (std::string name, unit; info >> name;) {
        std::size_t kibibytes = 0;
        if (!(info >> kibibytes)) break;
        std::getline(info, unit);
        if (name == "MemAvailable:") return kibibytes << 10;
    }
    return SIZE_MAX;
}

}  // namespace spectral
