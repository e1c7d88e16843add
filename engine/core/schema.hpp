// Options described as data: the command line's flags and the window's form are generated from them.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spectral {

using Json = nlohmann::json;

enum class FieldType { integer, real, choice, flag, text };

/// What another field of the schema is where a field counts: one of `choices`
/// ("true" of a flag), or a number from `least` on.
struct Condition {
    std::string field;
    std::vector<std::string> choices{};
    double least = -std::numeric_limits<double>::infinity();
};

struct Field {
    std::string name;  ///< snake_case; the flag is the same with dashes
    FieldType type = FieldType::integer;
    Json default_value;
    std::string label;  ///< for a form: "patterns"
    std::string help;   ///< one sentence
    double minimum = -std::numeric_limits<double>::infinity();
    double maximum = std::numeric_limits<double>::infinity();
    std::vector<std::string> choices{};
    std::optional<Condition> only_with{};  ///< nothing: it always counts
};

using Schema = std::vector<Field>;

const Field* find_field(const Schema& schema, std::string_view name);

/// `values` completed with defaults. Throws Error that names the option (`owner` says whose: "model
/// purefft"), the value and what is allowed, on an unknown name, a wrong type, or a value out of range.
Json complete(const Schema& schema, const Json& values, std::string_view owner);

/// Throws as complete() does; for one field.
void check_field(const Field& field, const Json& value, std::string_view owner);

/// Whether the field that the condition names has a value under which it holds.
bool is_met(const Condition& condition, const Json& value);

/// Throws BadValue where a field has another value than its default and does not count, by what the others
/// are. `values` has them all.
void require_used(const Schema& schema, const Json& values, std::string_view owner);

/// "embedding winding", "blocks from 2 on".
std::string condition_text(const Condition& condition);

/// "1–256", "adam, sgd, golden", or empty.
std::string range_text(const Field& field);

/// A value from its textual form (a flag's argument). Throws Error naming the field.
Json parse_field(const Field& field, const std::string& text, std::string_view owner);

}  // namespace spectral
