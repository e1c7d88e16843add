#include "engine/data/images.hpp"

#include <algorithm>
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

/// Bytes up to and with the last "/" of folders that all names share.
std::size_t common_folders(const std::vector<FileSet::Entry>& files) {
    std::string_view common = files.front().name;
    for (const FileSet::Entry& each : files) {
        const auto [end, other] = std::ranges::mismatch(common, each.name);
        common = common.substr(0, static_cast<std::size_t>(end - common.begin()));
    }
    const std::size_t slash = common.rfind('/');
    return slash == std::string_view::npos ? 0 : slash + 1;
}

/// Class, set and row of every picture.
struct Places {
    std::vector<std::string> classes;
    std::vector<std::int32_t> labels;
    std::vector<bool> for_test;
    std::vector<std::size_t> rows;
    std::size_t train = 0, test = 0;

    Places(const FileSet& files, double share) {
        const std::size_t common = common_folders(files.files());
        std::vector<std::string> folders;
        for (std::size_t i = 0; i < files.files().size(); ++i) {
            const std::string name = files.files()[i].name.substr(common);
            const std::size_t slash = name.rfind('/');
            if (slash == std::string::npos)
                throw files.error(i, "lies in no folder of its class, or there is one class alone",
                                  "Put the pictures of every class in a folder of its name.");
            folders.push_back(name.substr(0, slash));
            for_test.push_back(hashed_to_test(name, share));
            rows.push_back(for_test.back() ? test++ : train++);
        }
        classes = folders;
        std::ranges::sort(classes);
        classes.erase(std::ranges::unique(classes).begin(), classes.end());
        if (classes.size() > kMaximumClasses)
            throw files.error("has more than 4096 folders, each a class", "Give one folder for each class.");
        for (const std::string& folder : folders)
            labels.push_back(
                static_cast<std::int32_t>(std::ranges::lower_bound(classes, folder) - classes.begin()));
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
    const FileSet files(request.path, is_image_name, kMaximumFileBytes, request.progress);
    if (files.files().empty())
        throw files.error("holds no PNG or JPEG file",
                          "Give the directory or archive with one folder for each class.");
    const Places places(files, request.options.at("test_share").get<double>());

    Dataset dataset;
    dataset.name = "images";
    const SignalShape shape = picture_shape(grey, side, side);
    const auto size = static_cast<std::size_t>(shape.size());
    const auto make_room = [&](Samples& samples, std::size_t count, const char* holder) {
        samples.reservation =
            reserve_samples(request.budget, static_cast<std::int64_t>(count), shape.size(), holder);
        samples.shape = shape;
        samples.scale = 1 / (255 * kDeviation);
        samples.offset = -kMean / kDeviation;
        samples.labels.resize(count);
        samples.values.emplace<std::vector<std::uint8_t>>(count * size);
    };
    make_room(dataset.train, places.train, "training pictures");
    make_room(dataset.test, places.test, "test pictures");

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
    dataset.sha256 = files.read(visit, request.budget, request.progress);
    dataset.class_names = places.classes;
    return dataset;
}

}  // namespace spectral
