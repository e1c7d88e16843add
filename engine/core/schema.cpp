#include "engine/core/schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/core/error.hpp"

namespace spectral {

namespace {

std::string_view type_text(FieldType type) {
    switch (type) {
        case FieldType::integer:
            return "a whole number";
        case FieldType::real:
            return "a number";
        case FieldType::choice:
        case FieldType::text:
            return "a text";
        case FieldType::flag:
            return "true or false";
    }
    return "?";
}

bool has_type(FieldType type, const Json& value) {
    switch (type) {
        case FieldType::integer:
            return value.is_number_integer();
        case FieldType::real:
            return value.is_number();
        case FieldType::choice:
        case FieldType::text:
            return value.is_string();
        case FieldType::flag:
            return value.is_boolean();
    }
    return false;
}

BadValue field_error(const Field& field, std::string_view owner, const std::string& why) {
    const std::string range = range_text(field);
    return {
        fmt::format("option '{}' of {}", field.name, owner), field.name, why,
        range.empty() ? fmt::format("give {}", type_text(field.type)) : fmt::format("allowed: {}", range)};
}

template <class T>
bool parse_number(const std::string& text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

const Field* find_field(const Schema& schema, std::string_view name) {
    const auto found = std::ranges::find(schema, name, &Field::name);
    return found == schema.end() ? nullptr : &*found;
}

std::string range_text(const Field& field) {
    if (field.type == FieldType::choice) return fmt::format("{}", fmt::join(field.choices, ", "));
    const bool low = std::isfinite(field.minimum), high = std::isfinite(field.maximum);
    const auto text = [&field](double value) {
        return field.type == FieldType::integer && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value)
                                                                          : fmt::format("{:g}", value);
    };
    if (low && high) return fmt::format("{}–{}", text(field.minimum), text(field.maximum));
    if (low) return "≥ " + text(field.minimum);
    if (high) return "≤ " + text(field.maximum);
    return {};
}

void check_field(const Field& field, const Json& value, std::string_view owner) {
    if (!has_type(field.type, value))
        throw field_error(
            field, owner,
            fmt::format("{} is not {}", value.dump(-1, ' ', false, Json::error_handler_t::replace),
                        type_text(field.type)));
    if (field.type == FieldType::choice) {
        const auto text = value.get<std::string>();
        if (std::ranges::find(field.choices, text) == field.choices.end())
            throw field_error(field, owner, fmt::format("unknown value '{}'", text));
    }
    if (value.is_number()) {
        const auto number = value.get<double>();
        if (!(number >= field.minimum && number <= field.maximum))
            throw field_error(field, owner, fmt::format("{} is out of range", value.dump()));
    }
}

Json complete(const Schema& schema, const Json& values, std::string_view owner) {
    if (!values.is_object() && !values.is_null())
        throw Error(fmt::format("options of {}", owner), "not an object of names and values");
    Json result = Json::object();
    for (const Field& field : schema) result[field.name] = field.default_value;
    for (const auto& [name, value] : values.items()) {
        const Field* field = find_field(schema, name);
        if (!field) {
            std::vector<std::string_view> known;
            for (const Field& each : schema) known.push_back(each.name);
            throw Error(
                fmt::format("option '{}'", name), fmt::format("{} has no such option", owner),
                known.empty() ? "it has no options" : fmt::format("known: {}", fmt::join(known, ", ")));
        }
        check_field(*field, value, owner);
        result[name] = value;
    }
    return result;
}

namespace {

std::string value_text(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

std::string condition_text(const Condition& condition) {
    if (condition.choices.empty()) return fmt::format("{} from {:g} on", condition.field, condition.least);
    return fmt::format("{} {}", condition.field, fmt::join(condition.choices, " or "));
}

bool is_met(const Condition& condition, const Json& value) {
    if (value.is_number()) return value.get<double>() >= condition.least;
    return std::ranges::find(condition.choices, value_text(value)) != condition.choices.end();
}

void require_used(const Schema& schema, const Json& values, std::string_view owner) {
    for (const Field& field : schema) {
        if (!field.only_with || values.at(field.name) == field.default_value) continue;
        const Json& other = values.at(field.only_with->field);
        if (is_met(*field.only_with, other)) continue;
        throw BadValue(
            fmt::format("option '{}' of {}", field.name, owner), field.name,
            fmt::format("does nothing with {} {}", field.only_with->field, value_text(other)),
            fmt::format("it is for {}; leave it out, or ask for that too", condition_text(*field.only_with)));
    }
}

Json parse_field(const Field& field, const std::string& text, std::string_view owner) {
    Json value = text;
    if (field.type == FieldType::integer) {
        std::int64_t number = 0;
        if (parse_number(text, number)) value = number;
    } else if (field.type == FieldType::real) {
        double number = 0;
        if (parse_number(text, number) && std::isfinite(number)) value = number;
    } else if (field.type == FieldType::flag) {
        if (text == "true" || text == "1") value = true;
        if (text == "false" || text == "0") value = false;
    }
    check_field(field, value, owner);
    return value;
}

}  // namespace spectral
