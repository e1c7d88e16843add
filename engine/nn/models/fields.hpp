// Fields of the models' schemas.
#pragma once

#include <string>
#include <vector>

#include "engine/core/schema.hpp"

namespace spectral {

Field integer_field(std::string name, std::int64_t value, double low, double high, std::string help);
Field real_field(std::string name, double value, double low, double high, std::string help);
Field flag_field(std::string name, bool value, std::string help);
/// The first choice is the default.
Field choice_field(std::string name, std::vector<std::string> choices, std::string help);

/// The field, which counts under that condition alone.
Field only_with(Condition condition, Field field);

/// The field under another name in a form, where its own is too long for one.
Field labelled(std::string label, Field field);

}  // namespace spectral
