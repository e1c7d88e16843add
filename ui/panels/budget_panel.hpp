// The bytes of the whole model: how many it may take, by which methods, what that costs, and the way out.
#pragma once

#include <QString>
#include <string>

#include "engine/compress/compress_model.hpp"
#include "ui/card.hpp"

class QCheckBox;
class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace spectral::ui {

class LogSlider;

class BudgetPanel : public Card {
    Q_OBJECT

public:
    explicit BudgetPanel(QWidget* parent = nullptr);

    double ratio() const;
    std::string method() const;
    bool uses_data() const;
    /// Empty: there are none.
    void set_data_name(const QString& name);

    void show_packing(double fraction, const QString& activity);
    void show_result(const CompressResult& result);
    void show_accuracy(double before, double after);
    void show_note(const QString& text);
    void show_data_missing(const QString& why);
    void show_problem(const QString& what);
    /// The snippet names a file, so there must be one.
    void set_exported(bool exported);
    /// Of another model: nothing is known of it.
    void clear();
    int epochs() const;
    void set_can_fine_tune(bool can);
    /// While it goes on its button cancels it.
    void set_fine_tuning(bool going);

Q_SIGNALS:
    void changed();
    void fineTuneRequested();
    void fineTuneCancelled();
    void exportRequested();
    void snippetRequested();

private:
    QLabel* add_figure(QLayout& column, const char* name, const QString& caption, const QString& tip);

    LogSlider* ratio_;
    QComboBox* method_;
    QCheckBox* data_;
    QLabel *size_, *error_, *accuracy_;
    QLabel* status_;
    QProgressBar* progress_;
    QPushButton *fine_tune_, *export_, *snippet_;
    QSpinBox* epochs_;
    bool fine_tuning_ = false, can_fine_tune_ = false;
};

}  // namespace spectral::ui
