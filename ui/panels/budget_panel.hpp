// The bytes of the whole model: how many it may take, by which methods, what that costs, and the way out.
#pragma once

#include <QString>
#include <string>

#include "engine/compress/compress_model.hpp"
#include "ui/card.hpp"

class QCheckBox;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QProgressBar;
class QPushButton;

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
    void show_data_missing(const QString& why);
    void show_problem(const QString& what);
    /// The snippet names a file, so there must be one.
    void set_exported(bool exported);
    /// Of another model: nothing is known of it.
    void clear();
    /// For what is done with the model besides writing it.
    QHBoxLayout* actions() const { return actions_; }

Q_SIGNALS:
    void changed();
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
    QPushButton *export_, *snippet_;
    QHBoxLayout* actions_;
};

}  // namespace spectral::ui
