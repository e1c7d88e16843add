#include "engine/compress/tradeoff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/core/random.hpp"

namespace spectral {

namespace {

constexpr std::array kRatios{2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 14.0, 20.0, 28.0, 40.0};
/// The seed of the noise: the same at every run.
constexpr std::uint64_t kNoiseSeed = 1;

Curve curve_of(Device device, const std::string& name, const Method& method, const HostTensor& dense) {
    Curve curve{name, method.name, method.title, method.is_null, {}};
    const auto packer = method.prepare(device, dense);
    for (const std::int64_t step : spread_steps(*packer, dense.shape)) {
        const PackedTensor packed = packer->pack(step);
        const auto bytes = static_cast<std::int64_t>(packed.stored_bytes());
        curve.points.push_back({bytes, static_cast<double>(packed.dense_bytes()) / static_cast<double>(bytes),
                                packed.relative_error, std::nullopt});
    }
    std::ranges::reverse(curve.points);
    return curve;
}

/// As RFC 4180 has it, where it must be.
std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string result = "\"";
    for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
    return result + "\"";
}

}  // namespace

std::vector<Curve> tensor_curves(Device device, const std::string& name, const HostTensor& dense,
                                 const Progress& progress) {
    std::vector<Curve> curves;
    const std::vector<Method>& methods = method_registry();
    for (std::size_t i = 0; i < methods.size(); ++i) {
        if (!is_practical(methods[i], dense.shape)) continue;
        report(progress, fmt::format("{}: {}", name, methods[i].title),
               static_cast<double>(i) / static_cast<double>(methods.size()));
        curves.push_back(curve_of(device, name, methods[i], dense));
    }
    HostTensor noise = dense;
    Random random(kNoiseSeed);
    for (float& value : noise.values) value = static_cast<float>(random.normal());
    for (const char* method : {"fft", "magnitude"}) {
        Curve curve = curve_of(device, name, find_method(method), noise);
        curve.method = "noise-" + curve.method;
        curve.title += " of white noise";
        curve.is_null = true;
        curves.push_back(std::move(curve));
    }
    return curves;
}

std::vector<Curve> model_curves(Device device, const ModelFile& model, const Importances& importances,
                                const Judgement& judge, const Progress& progress) {
    std::vector<std::pair<std::string, std::string>> methods{{std::string(kAutoMethod), "Auto"}};
    for (const Method& each : method_registry()) methods.emplace_back(each.name, each.title);
    std::vector<Curve> curves;
    for (std::size_t i = 0; i < methods.size(); ++i) {
        const auto& [name, title] = methods[i];
        const auto told = [&](double done) {
            report(progress, "whole model: " + title,
                   (static_cast<double>(i) + done) / static_cast<double>(methods.size()));
        };
        told(0);
        CompressRequest request;
        request.method = name;
        request.with_nulls = true;
        request.importances = importances;
        ModelCompressor compressor(device, model, request, {});
        Curve curve{"", name, title, name != kAutoMethod && find_method(name).is_null, {}};
        for (const double ratio : kRatios) {
            told(static_cast<double>(curve.points.size()) / kRatios.size());
            try {
                const CompressResult result = compressor.pack({CompressTarget::By::ratio, ratio}, {});
                // A method that has no more to give meets a lower target with the same bytes.
                if (!curve.points.empty() && result.file_bytes >= curve.points.back().bytes) continue;
                curve.points.push_back(
                    {result.file_bytes, result.ratio(), result.relative_error, std::nullopt});
                if (judge) curve.points.back().accuracy = judge(result.model);
            } catch (const OutOfReach&) {
                break;
            }
        }
        std::ranges::reverse(curve.points);
        if (!curve.points.empty()) curves.push_back(std::move(curve));
    }
    return curves;
}

std::string curves_csv(const std::vector<Curve>& curves) {
    std::string text = "tensor,method,null,bytes,ratio,relative_error,energy_retained,accuracy\n";
    for (const Curve& curve : curves)
        for (const CurvePoint& point : curve.points)
            text += fmt::format("{},{},{:d},{},{:.6g},{:.6g},{:.6g},{}\n", quoted(curve.tensor), curve.method,
                                curve.is_null, point.bytes, point.ratio, point.relative_error,
                                1 - point.relative_error * point.relative_error,
                                point.accuracy ? fmt::format("{:.6g}", *point.accuracy) : "");
    return text;
}

}  // namespace spectral
