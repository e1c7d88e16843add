// Bytes against error and accuracy: every method for one tensor or the whole model, beside what each reaches
// without any structure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ui/card.hpp"
#include "ui/session/compress_session.hpp"

class QAction;
class QLabel;
class QMenu;
class QProgressBar;
class QPushButton;
class QToolButton;

namespace spectral::ui {

class LineChart;

class TradeoffPanel : public Card {
    Q_OBJECT

public:
    explicit TradeoffPanel(QWidget* parent = nullptr);

    /// Of another model: nothing is known of it.
    void clear();
    /// Curves of this tensor are on show from now on; unknown ones are asked for by curvesWanted().
    void set_tensor(const std::string& name);
    void set_curves(const std::string& name, CompressSession::Curves curves);
    /// Where the tensor stands now, and where the model does.
    void mark_tensor(const std::string& method, double bytes, double error);
    void mark_model(double ratio, double error);
    void mark_accuracy(std::optional<double> accuracy);

    void show_progress(double fraction, const QString& activity);
    void end_progress();
    bool shows_model() const;
    bool knows(const std::string& name) const { return curves_.contains(name); }
    const LineChart& chart() const { return *chart_; }
    /// Whether the comparison can judge by data.
    void set_data_name(const QString& name) { data_name_ = name; }

Q_SIGNALS:
    void curvesWanted(const std::string& name);
    void comparisonWanted();
    void cancelWanted();

private:
    struct Mark {
        std::string method;
        double x = 0, error = 0;
        std::optional<double> accuracy;
    };

    bool on_show(const std::string& method) const;
    void offer_methods(const std::vector<Curve>& curves);
    void show_curves();
    void show_marks();
    void refresh_actions();

    LineChart* chart_;
    QAction *whole_, *accuracy_;
    QToolButton* accuracy_button_ = nullptr;
    QMenu* methods_ = nullptr;
    std::map<std::string, bool> chosen_;  ///< by method: put on show or taken off by hand
    QWidget* foot_;
    QPushButton* compare_;
    QProgressBar* progress_;
    QLabel* activity_;
    std::string tensor_;
    std::map<std::string, CompressSession::Curves> curves_;  ///< by tensor; the whole model's under ""
    std::optional<Mark> tensor_mark_, model_mark_;
    int mark_series_ = -1;
    bool comparing_ = false;
    QString data_name_;
};

}  // namespace spectral::ui
