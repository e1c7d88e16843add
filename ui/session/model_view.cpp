#include "ui/session/model_view.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace spectral::ui {

namespace {

/// On average, for a run may have been resumed with batches of another size.
double steps_per_epoch(const ModelFile& file) {
    if (file.checkpoint && file.checkpoint->step > 0 && epochs_done(*file.checkpoint) > 0)
        return static_cast<double>(file.checkpoint->step) / epochs_done(*file.checkpoint);
    if (!file.history.test_step.empty() && file.history.test_step.front() > 0)
        return static_cast<double>(file.history.test_step.front());
    return 1;
}

}  // namespace

ModelView view_model(const ModelFile& file, const std::string& path) {
    ModelView view;
    view.config = config_from_json(file.config, path);
    const double per_epoch = std::max(1.0, steps_per_epoch(file));
    const History& history = file.history;
    Updates updates;
    for (std::size_t i = 0; i < history.step.size(); ++i)
        updates.steps.push_back({history.step[i], static_cast<double>(history.step[i]) / per_epoch,
                                 history.loss[i], history.accuracy[i]});
    for (std::size_t i = 0; i < history.test_step.size(); ++i)
        updates.evaluations.push_back({history.test_step[i],
                                       static_cast<double>(history.test_step[i]) / per_epoch,
                                       history.test_loss[i], history.test_accuracy[i], 0, 0});
    auto snapshot = std::make_shared<PatternSnapshot>();
    snapshot->step = file.checkpoint ? file.checkpoint->step : history.step.empty() ? 0 : history.step.back();
    snapshot->epoch = static_cast<double>(snapshot->step) / per_epoch;
    snapshot->matrices = patterns_of(file, path);
    if (!snapshot->matrices.empty()) view.sides = network_sides(file, path);
    updates.patterns.push_back(std::move(snapshot));
    view.record.add(updates);
    if (file.checkpoint) view.record.set_epochs(epochs_done(*file.checkpoint));
    if (file.vocabulary.size() > 0) view.record.set_token_unit(std::string(file.vocabulary.unit_name()));
    view.resumable = file.checkpoint.has_value();
    return view;
}

}  // namespace spectral::ui
