#include "app/commands/model_judge.hpp"

#include "engine/data/dataset.hpp"
#include "engine/train/config.hpp"
#include "engine/train/file_model.hpp"

namespace spectral::app {

void JudgeFlags::add(CLI::App& command) {
    command.add_option("--dataset", dataset_, "judge by this data set's test set")->type_name("NAME");
    command.add_option("--data", data_, "directory or file of the data set")->type_name("DIR");
    for (const DatasetInfo& set : dataset_registry())
        flags_.add_section(command, set.schema, "Data set " + set.name, set.help);
}

std::optional<FileJudge> JudgeFlags::make(const ModelFile& file, const std::string& where,
                                          const std::string& backend, const Progress& progress) {
    if (dataset_.empty() && data_.empty()) {
        flags_.require_all_used("no data set is given", "give --dataset and --data");
        return std::nullopt;
    }
    return make_required(file, where, backend, progress);
}

FileJudge JudgeFlags::make_required(const ModelFile& file, const std::string& where,
                                    const std::string& backend, const Progress& progress) {
    require_network(file, where);
    const ExperimentConfig config = config_from_json(file.config, where);
    const std::string dataset = dataset_.empty() ? config.dataset : dataset_;
    Json options = dataset == config.dataset ? config.dataset_options : Json::object();
    const std::string data = data_.empty() && dataset == config.dataset ? config.data : data_;
    flags_.apply(find_dataset(dataset).schema, "data set " + dataset, options);
    flags_.require_all_used("the data set has no such option", "see 'spectral datasets'");
    return FileJudge(file.config, dataset, data, options, backend, progress);
}

}  // namespace spectral::app
