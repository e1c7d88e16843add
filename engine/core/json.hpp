// JSON from outside: parsed without letting its nesting exhaust the stack.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "engine/core/error.hpp"
#include "engine/core/schema.hpp"

namespace spectral {

/// Throws error(why) on what is no JSON or is nested more than 64 levels deep.
Json parse_json(std::string_view text, const std::function<Error(const std::string& why)>& error);

}  // namespace spectral
