#include "engine/compress/importance.hpp"

namespace spectral {

double Importance::damage(const HostTensor& whole, const HostTensor& stored) const {
    double sum = 0;
    for (std::size_t i = 0; i < whole.values.size(); ++i) {
        const double error = static_cast<double>(whole.values[i]) - static_cast<double>(stored.values[i]);
        sum += (column.empty() ? 1.0 : static_cast<double>(column[i % column.size()])) * error * error;
    }
    return scale * sum;
}

}  // namespace spectral
