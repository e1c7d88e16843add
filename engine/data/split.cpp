#include "engine/data/split.hpp"

namespace spectral {

Field test_share_field() {
    return {
        "test_share", FieldType::real, 0.1, "test share", "Part of the data that is kept for testing.", 0.001,
        0.9};
}

}  // namespace spectral
