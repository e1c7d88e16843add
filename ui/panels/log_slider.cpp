#include "ui/panels/log_slider.hpp"

#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QSignalBlocker>
#include <QSlider>
#include <algorithm>
#include <cmath>

#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kPlaces = 1000, kPage = 100, kStep = 10, kFieldWidth = 104;

}  // namespace

LogSlider::LogSlider(const QString& object_name, const QString& accessible_name, const QString& tool_tip,
                     const Look& look, QWidget* parent)
    : QWidget(parent), look_(look), slider_(new QSlider(Qt::Horizontal)), field_(new QDoubleSpinBox) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(10);
    row->addWidget(slider_, 1);
    row->addWidget(field_);
    slider_->setObjectName(object_name + QStringLiteral("_slider"));
    slider_->setRange(0, kPlaces);
    slider_->setPageStep(kPage);
    slider_->setSingleStep(kStep);
    field_->setObjectName(object_name);
    field_->setDecimals(look_.decimals);
    field_->setSuffix(look_.suffix);
    field_->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    field_->setKeyboardTracking(false);
    field_->setFocusPolicy(Qt::StrongFocus);
    field_->setFixedWidth(kFieldWidth);
    field_->setFont(tabular_font());
    field_->setAlignment(Qt::AlignRight);
    for (QWidget* part : {static_cast<QWidget*>(slider_), static_cast<QWidget*>(field_)}) {
        part->setAccessibleName(accessible_name);
        part->setToolTip(tool_tip);
    }
    setFocusProxy(slider_);
    set_range(low_, high_);
    connect(slider_, &QSlider::valueChanged, this, [this](int place) {
        change(low_ * std::pow(high_ / low_, static_cast<double>(place) / kPlaces));
    });
    connect(field_, &QDoubleSpinBox::valueChanged, this,
            [this](double shown) { change(shown / look_.scale); });
}

void LogSlider::set_range(double low, double high) {
    low_ = low;
    high_ = std::max(high, 1.001 * low);  // of a single number too
    const QSignalBlocker quiet(field_);
    // The field rounds to its decimals; its least number may be below the range, its value is not.
    field_->setRange(
        std::floor(low * look_.scale * std::pow(10, look_.decimals)) / std::pow(10, look_.decimals),
        high_ * look_.scale);
    set_value(value_);
}

void LogSlider::set_value(double value) {
    value_ = std::clamp(value, low_, high_);
    show_value();
}

void LogSlider::show_value() {
    const QSignalBlocker quiet_slider(slider_), quiet_field(field_);
    slider_->setValue(
        static_cast<int>(std::lround(kPlaces * std::log(value_ / low_) / std::log(high_ / low_))));
    field_->setValue(value_ * look_.scale);
}

void LogSlider::change(double value) {
    value_ = std::clamp(value, low_, high_);
    show_value();
    Q_EMIT valueChanged(value_);
}

}  // namespace spectral::ui
