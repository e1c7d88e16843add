#include "engine/data/colour.hpp"

namespace spectral {

Field colour_field() {
    Field field{"colour", FieldType::choice, "rgb", "colour",
                "Planes of red, green and blue, or one of their brightness."};
    field.choices = {"rgb", "grey"};
    return field;
}

bool is_grey(const Json& options) { return options.at("colour") == "grey"; }

SignalShape picture_shape(bool grey, std::int64_t height, std::int64_t width) {
    if (grey) return {2, {height, width}};
    return {3, {3, height, width}};
}

}  // namespace spectral
