#include "engine/data/colour.hpp"

#include <vector>

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

Samples picture_samples(MemoryBudget* budget, const SignalShape& shape, std::size_t count, float mean,
                        float deviation, std::string_view holder) {
    Samples samples;
    samples.reservation = reserve_samples(budget, static_cast<std::int64_t>(count), shape.size(), holder);
    samples.shape = shape;
    samples.scale = 1 / (255 * deviation);
    samples.offset = -mean / deviation;
    samples.labels.resize(count);
    samples.values.emplace<std::vector<std::uint8_t>>(count * static_cast<std::size_t>(shape.size()));
    return samples;
}

}  // namespace spectral
