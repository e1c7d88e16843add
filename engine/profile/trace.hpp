// What the profiler saw, for other programs: a table as CSV, the spans as a Chrome trace (opens in Perfetto).
#pragma once

#include <filesystem>
#include <string>

#include "engine/core/schema.hpp"
#include "engine/profile/ceiling.hpp"
#include "engine/profile/profiler.hpp"

namespace spectral {

/// One line per operation and level; a ceiling of zeros leaves its column empty.
std::string to_csv(const Profile& profile, const Ceiling& ceiling);

/// Trace Event Format: complete events in microseconds, one track per depth.
Json to_chrome_trace(const Profile& profile);
/// Whether a file begins as that does. Throws Error where it cannot be opened.
bool is_chrome_trace(const std::filesystem::path& path);

}  // namespace spectral
