// A slider whose places are equal ratios, beside a field for the number itself.
#pragma once

#include <QString>
#include <QWidget>

class QDoubleSpinBox;
class QSlider;

namespace spectral::ui {

class LogSlider : public QWidget {
    Q_OBJECT

public:
    struct Look {
        double scale = 1;  ///< the field shows the value times this
        int decimals = 1;
        QString suffix;  ///< unit, with the space before it
    };

    /// `object_name` is that of the field; the slider's ends in "_slider".
    LogSlider(const QString& object_name, const QString& accessible_name, const QString& tool_tip,
              const Look& look, QWidget* parent = nullptr);

    /// 0 < low < high. The value stays within.
    void set_range(double low, double high);
    double value() const { return value_; }
    /// Without valueChanged().
    void set_value(double value);

Q_SIGNALS:
    /// Moved or typed by the user.
    void valueChanged(double value);

private:
    void show_value();
    void change(double value);

    Look look_;
    double low_ = 1, high_ = 100, value_ = 1;
    QSlider* slider_;
    QDoubleSpinBox* field_;
};

}  // namespace spectral::ui
