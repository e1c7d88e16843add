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
        // The library's texts begin with its own name and a number in brackets.
        const std::string told = failure.what();
        const std::size_t bracket = told.find("] ");
        throw error("is not JSON: " + (bracket == std::string::npos ? told : told.substr(bracket + 2)));
    }
}

}  // namespace spectral
