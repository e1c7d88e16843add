#include "engine/nn/models/fields.hpp"

#include <algorithm>
#include <utility>

namespace spectral {

namespace {

Field field(std::string name, FieldType type, Json value, std::string help) {
    Field result{name, type, std::move(value), name, std::move(help)};
    std::ranges::replace(result.label, '_', ' ');
    return result;
}

}  // namespace

Field labelled(std::string label, Field field) {
    field.label = std::move(label);
    return field;
}

Field only_with(Condition condition, Field field) {
    field.only_with = std::move(condition);
    return field;
}

Field integer_field(std::string name, std::int64_t value, double low, double high, std::string help) {
    Field result = field(std::move(name), FieldType::integer, value, std::move(help));
    result.minimum = low;
    result.maximum = high;
    return result;
}

Field real_field(std::string name, double value, double low, double high, std::string help) {
    Field result = field(std::move(name), FieldType::real, value, std::move(help));
    result.minimum = low;
    result.maximum = high;
    return result;
}

Field flag_field(std::string name, bool value, std::string help) {
    return field(std::move(name), FieldType::flag, value, std::move(help));
}

Field choice_field(std::string name, std::vector<std::string> choices, std::string help) {
    Field result = field(std::move(name), FieldType::choice, choices.front(), std::move(help));
    result.choices = std::move(choices);
    return result;
}

}  // namespace spectral
