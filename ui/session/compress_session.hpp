// The bridge between the Compression page and the engine: one model at a time, packed, looked at and compared
// on threads of its own.
#pragma once

#include <QObject>
#include <QString>
#include <QStringList>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/compress/compress_model.hpp"
#include "engine/compress/tensor_explorer.hpp"
#include "engine/compress/tradeoff.hpp"
#include "engine/train/workspace.hpp"
#include "ui/session/background.hpp"
#include "ui/session/latest_worker.hpp"

namespace spectral::ui {

/// Where the labelled data are that judge a model.
struct DataPlace {
    std::string dataset, path;
    Json options = Json::object();
    bool operator==(const DataPlace&) const = default;
};

/// What was written, as the file has it.
struct ExportReport {
    QString path;
    std::int64_t dense_bytes = 0, file_bytes = 0;
    double relative_error = 0;
    std::optional<double> accuracy_before, accuracy_after;
    std::vector<TensorReport> tensors;
};

/// Lives in the GUI thread and never waits there, except in its destructor. Results that a newer model
/// overtook are dropped.
class CompressSession : public QObject {
    Q_OBJECT

public:
    using Model = std::shared_ptr<const ModelFile>;
    using Result = std::shared_ptr<const CompressResult>;
    using View = std::shared_ptr<const MethodView>;
    using Look = std::shared_ptr<const TensorLook>;
    using Curves = std::shared_ptr<const std::vector<Curve>>;

    explicit CompressSession(std::shared_ptr<Workspace> workspace, QObject* parent = nullptr);
    ~CompressSession() override;

    /// A model file, or weights that another program wrote. Ends in opened() or failed(); until then, and
    /// after a failure, the former model stays.
    void open(const QString& path);
    const Model& model() const { return model_; }
    /// Tensors of the file that are no weights, and not in the model.
    const QStringList& skipped() const { return skipped_; }
    QString path() const { return path_; }
    /// Null where the model has none of that name.
    const HostTensor* tensor(const std::string& name) const;
    /// Of the model's configuration; nothing where it names no data set.
    std::optional<DataPlace> data_of_model() const;

    /// Packs the model to `ratio` by `method`, errors weighed by the data where a place is given; ends in
    /// packed(), then judged() where there are data, or in packFailed(). The latest wins.
    void pack(double ratio, const std::string& method, const std::optional<DataPlace>& data);
    /// Packs as the last pack() did, then trains the stored numbers on the data that weighed it; ends as
    /// pack() does, or in fineTuningEnded() alone. A pack() overtakes it.
    void fine_tune(int epochs);
    void cancel_fine_tuning();
    /// Of the last result; 0: it is as it was packed.
    int tuned_epochs() const { return tuned_epochs_; }
    /// There are data to train on, and a result that is known.
    bool can_fine_tune() const { return judgeable_ && !judging_ && !packing_; }
    /// Stored so from the next pack() on; nothing: as the budget says. Whether that is new.
    bool fix(const std::string& name, std::optional<PackedTensor> packed);
    bool is_fixed(const std::string& name) const { return fixed_.contains(name); }
    /// Of the last pack(); null while there is none.
    const Result& result() const { return result_; }
    bool packing() const { return packing_; }
    /// Of the dense model and of the last result, on the test set.
    std::optional<std::pair<double, double>> accuracy() const;
    /// The last result is still to be judged.
    bool judging() const { return judging_; }

    /// One tensor by a method at the rate that keeps a share of it: viewed() where tensor or method are
    /// others than before, then looked(). The latest wins.
    void explore(const std::string& name, const std::string& method, double density);

    /// Of one tensor; ends in curvesReady(). The latest wins.
    void compare(const std::string& name);
    /// Of the whole model, judged where a place is given; ends in curvesReady() with an empty name, or in
    /// comparisonEnded() alone.
    void compare_model(const std::optional<DataPlace>& data);
    void cancel_comparison();

    /// Writes the last result; ends in exported() or failed().
    void export_to(const QString& path);

Q_SIGNALS:
    void opened();
    void failed(const QString& what, const QString& hint);
    void packProgressed(double fraction, const QString& activity);
    void packed();
    /// accuracy() says what came of it; where it failed, failed() came before, and there is none.
    void judged();
    /// The data cannot be read; errors count by their energy.
    void dataMissing(const QString& why);
    void fineTuningEnded();
    void packFailed(const QString& what, const QString& hint);
    void viewed(const std::string& name, const spectral::ui::CompressSession::View& view);
    void looked(const std::string& name, const spectral::ui::CompressSession::Look& look);
    void exploreFailed(const QString& what);
    void curvesReady(const std::string& name, const spectral::ui::CompressSession::Curves& curves);
    void comparisonProgressed(double fraction, const QString& activity);
    void comparisonEnded(const QString& problem, const QString& hint);
    void exported(const spectral::ui::ExportReport& report);

private:
    struct PackState;
    struct ExploreState;

    void show(const QString& path, Model model, QStringList skipped);
    /// Takes what packing came to, from its thread.
    void deliver(int generation, int asked, const Result& result, bool judged, int tuned_epochs);
    /// Of the last result, in the packing thread.
    void judge(int generation, const Result& result, PackState& state, const std::atomic<bool>& unwanted);
    void end_fine_tuning();
    /// Runs `then` in the GUI thread unless another model was opened meanwhile.
    void post(int generation, std::function<void()> then);
    std::shared_ptr<const HostTensor> shared_tensor(const std::string& name) const;

    std::shared_ptr<Workspace> workspace_;
    QString path_;
    Model model_;
    QStringList skipped_;
    int generation_ = 0;  ///< of the model
    int opens_ = 0;       ///< asked for: of several files the last one is shown
    int asked_ = 0;       ///< packs
    std::string asked_method_;
    std::optional<DataPlace> asked_data_;
    double asked_ratio_ = 1;
    int tuned_epochs_ = 0;
    bool packing_ = false, judging_ = false, judgeable_ = false, tuning_ = false;
    int comparison_ = 0;
    FixedTensors fixed_;
    Result result_;
    std::optional<double> accuracy_before_, accuracy_after_;
    std::shared_ptr<PackState> pack_state_;        ///< used by its worker alone
    std::shared_ptr<ExploreState> explore_state_;  ///< used by its worker alone
    LatestWorker pack_worker_, explore_worker_, curves_worker_, model_curves_worker_;
    Background background_;  // last, as the workers: their work refers to the rest
};

}  // namespace spectral::ui
