#include "engine/profile/trace.hpp"

#include <fmt/format.h>

#include "engine/io/input_file.hpp"

namespace spectral {

std::string to_csv(const Profile& profile, const Ceiling& ceiling) {
    std::string text =
        "operation,level,level_name,calls,total_ms,median_us,p95_us,bytes,flops,gb_per_s,gflop_per_s,"
        "percent_of_ceiling,percent_of_step\n";
    for (const OpTiming& t : profile.timings) {
        const bool known = ceiling.gb_per_s > 0;
        const double share = 100 * ceiling.share({t.bytes, t.flops}, 1e-3 * t.total_ms);
        text += fmt::format("{},{},{},{},{:.6g},{:.6g},{:.6g},{:.0f},{:.0f},{:.6g},{:.6g},{},{:.4g}\n", t.op,
                            t.level, t.level_name, t.calls, t.total_ms, t.median_us, t.p95_us, t.bytes,
                            t.flops, t.gb_per_s(), t.gflop_per_s(), known ? fmt::format("{:.4g}", share) : "",
                            100 * t.share);
    }
    return text;
}

Json to_chrome_trace(const Profile& profile) {
    Json events = Json::array();
    events.push_back({{"name", "process_name"},
                      {"ph", "M"},
                      {"pid", 1},
                      {"args", {{"name", fmt::format("{}: {}", profile.backend, profile.device)}}}});
    const std::int64_t zero = profile.spans.empty() ? 0 : profile.spans.front().start_ns;
    for (const OpSpan& span : profile.spans) {
        const OpTiming& timing = profile.timings.at(static_cast<std::size_t>(span.timing));
        events.push_back({{"name", timing.op},
                          {"cat", timing.level_name},
                          {"ph", "X"},
                          {"pid", 1},
                          {"tid", 1 + span.depth},
                          {"ts", 1e-3 * static_cast<double>(span.start_ns - zero)},
                          {"dur", 1e-3 * static_cast<double>(span.duration_ns)},
                          {"args", {{"step", span.step}, {"level", timing.level}}}});
    }
    return {{"traceEvents", events}, {"displayTimeUnit", "ns"}};
}

bool is_chrome_trace(const std::filesystem::path& path) {
    return starts_with(path, R"({"displayTimeUnit":"ns","traceEvents":[)");
}

}  // namespace spectral
