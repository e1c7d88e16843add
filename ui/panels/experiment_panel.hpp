// The left side of the window: data, model and training of the next run, and the truth about the chosen
// model.
#pragma once

#include <QString>
#include <QTimer>
#include <QWidget>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/train/config.hpp"
#include "engine/train/events.hpp"
#include "ui/session/ceiling_probe.hpp"
#include "ui/session/data_shape.hpp"

class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QToolButton;
class QVBoxLayout;

namespace spectral::ui {

class FieldEdit;
class SchemaForm;

class ExperimentPanel : public QWidget {
    Q_OBJECT

public:
    /// In windows that have the room for it, wide enough for the longest names.
    static constexpr int kWidth = 308, kWideWidth = 348, kWideWindow = 1600;

    /// `workspace` is shared with the window's runs, so that data are loaded once.
    explicit ExperimentPanel(std::shared_ptr<Workspace> workspace, QWidget* parent = nullptr);

    /// Nothing when a field is invalid; it is marked then.
    std::optional<ExperimentConfig> config() const;
    /// Shows `config`; fields that it does not know keep their defaults.
    void set_config(const ExperimentConfig& config);
    /// While a run is going only the learning rate can be changed.
    void set_run_active(bool active);
    /// What a run or a file says of its network: shown beside the fields, and remembered.
    void show_sides(const NetworkSides& sides, const ExperimentConfig& config);
    /// The rate in use by the run.
    void show_learning_rate(double learning_rate);
    /// The limit in force, in MiB; 0: none.
    void show_memory_limit(std::int64_t mib);
    /// The measured accuracy of the best linear model on the features of `config`, in [0, 1].
    std::optional<double> ceiling(const ExperimentConfig& config) const;
    /// Ends a measurement under way.
    void cancel_measurement() { probe_.cancel(); }
    bool measuring() const { return probe_.active(); }

Q_SIGNALS:
    /// Some field was changed by the user, or a ceiling was measured.
    void changed();
    /// The user gave a new learning rate.
    void learningRateChanged(double value);
    void problem(const QString& what, const QString& hint);

private:
    SchemaForm* add_form(const QString& object_name);
    void add_section(const QString& title);
    QWidget* build_ceiling();
    void rebuild_data(const Json& values);
    void rebuild_model(const Json& values);
    static QToolButton* add_browse(FieldEdit& edit, const QString& name, const QString& accessible_name,
                                   const QString& tool_tip);
    void add_start_browse();
    void update_path_field();
    void browse(bool for_file);
    void update_optimiser_fields();
    void update_note();
    void update_parameters();
    void field_edited(const QString& name);
    void field_committed(const QString& name);
    void toggle_measurement();
    std::string dataset() const;
    std::string model() const;

    QVBoxLayout* column_ = nullptr;
    SchemaForm* source_ = nullptr;
    SchemaForm* data_options_ = nullptr;
    SchemaForm* features_ = nullptr;
    SchemaForm* model_choice_ = nullptr;
    SchemaForm* model_options_ = nullptr;
    SchemaForm* training_ = nullptr;
    SchemaForm* more_ = nullptr;
    QToolButton* more_button_ = nullptr;
    FieldEdit* parameters_ = nullptr;
    QToolButton* browse_ = nullptr;
    QLabel* note_ = nullptr;
    QPushButton* measure_ = nullptr;
    QProgressBar* measure_progress_ = nullptr;
    QLabel* measure_status_ = nullptr;
    QTimer settle_;  ///< a moment after the last key, what depends on the fields is worked out again
    std::map<std::string, NetworkSides> sides_;  ///< by ceiling_key()
    std::map<std::string, double> ceilings_;     ///< by ceiling_key()
    CeilingProbe probe_;
    bool run_active_ = false;
};

}  // namespace spectral::ui
