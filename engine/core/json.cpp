#include "engine/core/json.hpp"

namespace spectral {

Json parse_json(std::string_view text, const std::function<Error(const std::string& why)>& error) {
    constexpr int kMaxDepth = 64;
    const auto guard = [&](int depth, Json::parse_event_t, Json&) {
        if (depth > kMaxDepth) throw error("is nested too deeply");
        return true;
    };
    try {
        return Json::parse(text, guard);
    } catch (const Json::exception& failure) {
        throw error(std::string("is not JSON: ") + failure.what());
    }
}

}  // namespace spectral
