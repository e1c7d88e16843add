#include "engine/data/images.hpp"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/colour.hpp"
#include "engine/data/split.hpp"
#include "engine/io/file_set.hpp"
#include "engine/io/image.hpp"

namespace spectral {
namespace {

constexpr std::uint64_t kMaximumFileBytes = std::uint64_t{256} << 20;
constexpr std::size_t kMaximumClasses = 4096;
// Pixels of 0 to 1 become −2 to 2, about the spread that most pictures have.
constexpr float kMean = 0.5F, kDeviation = 0.25F;

/// Class, set and row of every picture.
struct Places {
    std::vector<std::string> classes;
    Reservation room;  ///< of the lists below
    std::vector<std::int32_t> labels;
    std::vector<bool> for_test;
    std::vector<std::uint32_t> rows;
    std::uint32_t train = 0, test = 0;

    Places(const FileSet& files, double share, MemoryBudget* budget) {
        const std::size_t count = files.files().size();
        if (budget)
            room = budget->reserve(MemoryTag::workspace,
                                   count * (sizeof(labels[0]) + sizeof(rows[0])) + count / 8 + 1,
                                   "places of pictures");
        labels.reserve(count);
        for_test.reserve(count);
        rows.reserve(count);
        std::map<std::string, std::int32_t, std::less<>> numbers;  // in the order of their first pictures
        for (std::size_t i = 0; i < count; ++i) {
            const std::string_view name = files.files()[i].name;
            const std::size_t slash = name.rfind('/');
            if (slash == std::string_view::npos)
                throw files.error(i, "lies in no folder of its class, or there is one class alone",
                                  "Put the pictures of every class in a folder of its name.");
            auto found = numbers.find(name.substr(0, slash));
            if (found == numbers.end()) {
                if (numbers.size() == kMaximumClasses)
                    throw files.error("has more than 4096 folders, each a class",
                                      "Give one folder for each class.");
                found =
                    numbers.emplace(name.substr(0, slash), static_cast<std::int32_t>(numbers.size())).first;
            }
            labels.push_back(found->second);
            for_test.push_back(hashed_to_test(name, share));
            rows.push_back(for_test.back() ? test++ : train++);
        }
        std::vector<std::int32_t> sorted(numbers.size());
        for (const auto& [folder, number] : numbers) {
            sorted[static_cast<std::size_t>(number)] = static_cast<std::int32_t>(classes.size());
            classes.push_back(folder);
        }
        for (std::int32_t& label : labels) label = sorted[static_cast<std::size_t>(label)];
        if (train == 0 || test == 0)
            throw files.error(train == 0 ? "leaves no picture for training" : "leaves no picture for testing",
                              "Give more pictures, or another --test-share.");
    }
};

}  // namespace

const Schema& images_schema() {
    static const Schema schema{{"size", FieldType::integer, 32, "size",
                                "Pixels along each side that every picture is cut and brought to.", 1, 1024},
                               colour_field(),
                               test_share_field()};
    return schema;
}

Dataset load_images(const DatasetRequest& request) {
    const auto side = request.options.at("size").get<std::int64_t>();
    const bool grey = is_grey(request.options);
    const FileSet files(request.path, is_image_name, kMaximumFileBytes, request.budget, request.progress);
    if (files.files().empty())
        throw files.error("holds no PNG or JPEG file",
                          "Give the directory or archive with one folder for each class.");
    const Places places(files, request.options.at("test_share").get<double>(), request.budget);

    Dataset dataset;
    dataset.name = "images";
    const SignalShape shape = picture_shape(grey, side, side);
    const auto size = static_cast<std::size_t>(shape.size());
    const auto make_room = [&](std::size_t count, const char* holder) {
        return picture_samples(request.budget, shape, count, kMean, kDeviation, holder);
    };
    dataset.train = make_room(places.train, "training pictures");
    dataset.test = make_room(places.test, "test pictures");

    MemoryBudget unlimited;
    MemoryBudget& budget = request.budget ? *request.budget : unlimited;
    const auto visit = [&](std::size_t i, std::span<const std::uint8_t> bytes) {
        Reservation room;
        const Picture whole = read_image(bytes, budget, room);
        room.grow(fitting_bytes(whole, side));
        const Picture picture = fitted(whole, side);
        Samples& samples = places.for_test[i] ? dataset.test : dataset.train;
        samples.labels[places.rows[i]] = places.labels[i];
        std::uint8_t* out =
            std::get<std::vector<std::uint8_t>>(samples.values).data() + places.rows[i] * size;
        const std::size_t pixels = picture.rgb.size() / 3;
        for (std::size_t p = 0; p < pixels; ++p) {
            const std::uint8_t* rgb = picture.rgb.data() + 3 * p;
            if (grey) {
                out[p] = luma(rgb[0], rgb[1], rgb[2]);
            } else {
                for (std::size_t plane = 0; plane < 3; ++plane) out[plane * pixels + p] = rgb[plane];
            }
        }
    };
    dataset.sha256 = files.read(visit, request.progress);
    dataset.class_names = places.classes;
    return dataset;
}

}  // namespace spectral
