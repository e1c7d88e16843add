#include "ui/panels/tradeoff_panel.hpp"

#include <QAction>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QProgressBar>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "ui/charts/line_chart.hpp"
#include "ui/panels/format.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kProgressSteps = 1000;
constexpr double kPercent = 100;
/// Beyond, every method has lost nearly all.
constexpr double kLargestError = 1.05;

/// What a curve looks like, and whether it is on show at first: the others are one click on "methods" away.
struct Kind {
    const char* method;
    int colour;
    bool shown;
};
constexpr Kind kKinds[] = {{"auto", 5, true},
                           {"fft", 0, true},
                           {"fft-int8", 1, false},
                           {"fft-int4", 1, true},
                           {"fft-box", 4, false},
                           {"dct", 2, false},
                           {"dct-int8", 2, false},
                           {"dct-int4", 2, true},
                           {"block-fft", 5, false},
                           {"magnitude", 3, true},
                           {"svd", 4, true},
                           {"f16", -1, true},
                           {"int8", -1, true},
                           {"int4", -1, true},
                           {"random-basis", -1, true},
                           {"noise-fft", 0, true},
                           {"noise-magnitude", 3, false}};

Kind kind_of(const std::string& method) {
    const auto* found = std::ranges::find(kKinds, method, [](const Kind& kind) { return kind.method; });
    return found != std::end(kKinds) ? *found : Kind{"", -1, true};
}

}  // namespace

TradeoffPanel::TradeoffPanel(QWidget* parent)
    : Card(QStringLiteral("tradeoff_card"), tr("Trade-off"), {}, parent), chart_(new LineChart) {
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    chart_->setObjectName(QStringLiteral("tradeoff_chart"));
    chart_->setAccessibleName(tr("Error or accuracy of every method against its bytes"));
    chart_->set_log_x(true);
    column->addWidget(chart_, 1);
    foot_ = new QWidget;
    auto* foot = new QHBoxLayout(foot_);
    foot->setContentsMargins(0, 0, 0, 0);
    foot->setSpacing(10);
    compare_ = new QPushButton(tr("Compare methods"));
    compare_->setObjectName(QStringLiteral("tradeoff_compare"));
    compare_->setAccessibleName(tr("Compare the methods for the whole model"));
    foot->addWidget(compare_);
    progress_ = new QProgressBar;
    progress_->setObjectName(QStringLiteral("tradeoff_progress"));
    progress_->setAccessibleName(tr("Progress of the comparison"));
    progress_->setRange(0, kProgressSteps);
    progress_->setToolTip(tr("Of all methods at all ratios"));
    progress_->setTextVisible(false);
    progress_->setFixedWidth(160);
    foot->addWidget(progress_);
    activity_ = new QLabel;
    activity_->setObjectName(QStringLiteral("tradeoff_activity"));
    activity_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    set_role(*activity_, QStringLiteral("subtitle"));
    foot->addWidget(activity_, 1);
    column->addWidget(foot_);
    set_body(body);

    whole_ = new QAction(tr("whole model"), this);
    whole_->setCheckable(true);
    whole_->setToolTip(
        tr("All tensors by one method, or by the best for each, instead of the tensor chosen"));
    accuracy_ = new QAction(tr("accuracy"), this);
    accuracy_->setCheckable(true);
    accuracy_->setToolTip(tr("Test accuracy instead of the relative error, where data are at hand"));
    methods_ = new QMenu(tr("Methods"), this);
    methods_->setObjectName(QStringLiteral("tradeoff_methods"));
    methods_->setAccessibleName(methods_->title());
    auto* choose = new QAction(tr("methods"), this);
    choose->setToolTip(tr("Which curves are on show"));
    choose->setMenu(methods_);
    add_action(whole_);
    accuracy_button_ = add_action(accuracy_);
    add_action(choose);
    add_action(chart_->log_action());
    add_action(chart_->export_action());
    connect(whole_, &QAction::toggled, this, [this] {
        refresh_actions();
        show_curves();
    });
    connect(accuracy_, &QAction::toggled, this, [this] { show_curves(); });
    connect(compare_, &QPushButton::clicked, this, [this] {
        if (comparing_) {
            compare_->setEnabled(false);
            Q_EMIT cancelWanted();
        } else {
            show_progress(0, tr("reading"));
            Q_EMIT comparisonWanted();
        }
    });
    clear();
}

void TradeoffPanel::clear() {
    tensor_.clear();
    curves_.clear();
    tensor_mark_.reset();
    model_mark_.reset();
    end_progress();
    show_curves();
}

bool TradeoffPanel::shows_model() const { return whole_->isChecked(); }

void TradeoffPanel::set_tensor(const std::string& name) {
    tensor_ = name;
    tensor_mark_.reset();
    if (!name.empty() && !curves_.contains(name)) Q_EMIT curvesWanted(name);
    if (!shows_model()) show_curves();
}

void TradeoffPanel::set_curves(const std::string& name, CompressSession::Curves curves) {
    curves_[name] = std::move(curves);
    if (name.empty()) {
        const auto judged = [](const Curve& curve) { return curve.points.front().accuracy.has_value(); };
        accuracy_->setChecked(std::ranges::any_of(*curves_[name], judged));
    }
    refresh_actions();
    if (name == (shows_model() ? std::string() : tensor_)) show_curves();
}

void TradeoffPanel::mark_tensor(const std::string& method, double bytes, double error) {
    const bool other = !tensor_mark_ || tensor_mark_->method != method;
    tensor_mark_ = Mark{method, bytes, error, std::nullopt};
    if (shows_model()) return;
    other ? show_curves() : show_marks();
}

void TradeoffPanel::mark_model(double ratio, double error) {
    model_mark_ = Mark{"auto", ratio, error, std::nullopt};
    if (shows_model()) show_marks();
}

void TradeoffPanel::mark_accuracy(std::optional<double> accuracy) {
    if (model_mark_) model_mark_->accuracy = accuracy;
    if (shows_model()) show_marks();
}

void TradeoffPanel::refresh_actions() {
    const bool known = curves_.contains({});
    foot_->setVisible(shows_model() && (comparing_ || !known));
    accuracy_button_->setVisible(shows_model());
    compare_->setText(comparing_ ? tr("Cancel") : tr("Compare methods"));
    compare_->setToolTip(comparing_
                             ? tr("Stop comparing; what is known so far is dropped")
                             : tr("Pack the whole model by every method at ten ratios, and judge each by "
                                  "the test set where data are at hand; takes minutes for large models"));
    progress_->setVisible(comparing_);
}

void TradeoffPanel::show_progress(double fraction, const QString& activity) {
    comparing_ = true;
    progress_->setValue(static_cast<int>(kProgressSteps * fraction));
    activity_->setText(activity);
    refresh_actions();
}

void TradeoffPanel::end_progress() {
    comparing_ = false;
    compare_->setEnabled(true);
    activity_->setText(data_name_.isEmpty() ? tr("by error alone: there are no data to judge by")
                                            : tr("by error, and by accuracy on %1").arg(data_name_));
    refresh_actions();
}

void TradeoffPanel::show_curves() {
    const bool whole = shows_model(), judged = whole && accuracy_->isChecked();
    set_subtitle(whole             ? tr("file of the whole model, nulls dashed")
                 : tensor_.empty() ? QString()
                                   : tr("%1, nulls dashed").arg(QString::fromStdString(tensor_)));
    chart_->set_axis_titles(
        {whole ? tr("dense bytes / bytes of the file") : tr("stored bytes")},
        judged ? AxisTitle{tr("test accuracy"), tr("%")} : AxisTitle{tr("relative error")});
    chart_->set_x_format(
        whole ? NumberFormat([](double x) { return QString::number(x, 'g', 3) + QStringLiteral("×"); })
              : NumberFormat([](double x) { return with_prefix(x); }));
    chart_->set_y_limits(judged ? std::nullopt : std::optional(0.0),
                         judged ? std::nullopt : std::optional(kLargestError));
    chart_->clear_series();
    chart_->reset_zoom();
    mark_series_ = -1;
    const auto found = curves_.find(whole ? std::string() : tensor_);
    if (found == curves_.end()) {
        chart_->set_empty_text(whole             ? tr("All methods for the whole model, side by side.")
                               : tensor_.empty() ? tr("Choose a tensor above.")
                                                 : tr("Packing the tensor by every method at every rate…"));
        chart_->set_cursor(std::nullopt);
        return;
    }
    offer_methods(*found->second);
    for (const Curve& curve : *found->second) {
        if (!on_show(curve.method)) continue;
        const Kind kind = kind_of(curve.method);
        std::vector<double> xs, ys;
        for (const CurvePoint& point : curve.points) {
            if (judged && !point.accuracy) continue;
            xs.push_back(whole ? point.ratio : static_cast<double>(point.bytes));
            ys.push_back(judged ? kPercent * *point.accuracy : point.relative_error);
        }
        if (xs.empty()) continue;
        const int series = chart_->add_series({.name = QString::fromStdString(curve.title),
                                               .colour = kind.colour,
                                               .dashed = curve.is_null,
                                               .markers = xs.size() == 1 ? Markers::always : Markers::never});
        chart_->set_series_data(series, std::move(xs), std::move(ys));
    }
    const std::optional<Mark>& mark = whole ? model_mark_ : tensor_mark_;
    mark_series_ = chart_->add_series(
        {.name = {}, .colour = mark ? kind_of(mark->method).colour : -1, .markers = Markers::always});
    show_marks();
}

bool TradeoffPanel::on_show(const std::string& method) const {
    const auto chosen = chosen_.find(method);
    if (chosen != chosen_.end()) return chosen->second;
    // What the tensor is looked at by belongs in the picture.
    return kind_of(method).shown || (!shows_model() && tensor_mark_ && tensor_mark_->method == method);
}

void TradeoffPanel::offer_methods(const std::vector<Curve>& curves) {
    methods_->clear();
    for (const Curve& curve : curves) {
        const QString title = QString::fromStdString(curve.title);
        QAction* action = methods_->addAction(curve.is_null ? tr("%1 (null)").arg(title) : title);
        action->setCheckable(true);
        action->setChecked(on_show(curve.method));
        connect(action, &QAction::toggled, this, [this, method = curve.method](bool on) {
            chosen_[method] = on;
            // The menu that is open now is filled anew.
            QMetaObject::invokeMethod(this, &TradeoffPanel::show_curves, Qt::QueuedConnection);
        });
    }
}

void TradeoffPanel::show_marks() {
    if (mark_series_ < 0) return;
    const bool judged = shows_model() && accuracy_->isChecked();
    const std::optional<Mark>& mark = shows_model() ? model_mark_ : tensor_mark_;
    chart_->set_cursor(mark ? std::optional(mark->x) : std::nullopt);
    if (!mark || (judged && !mark->accuracy))
        chart_->set_series_data(mark_series_, {}, {});
    else
        chart_->set_series_data(mark_series_, {mark->x}, {judged ? kPercent * *mark->accuracy : mark->error});
}

}  // namespace spectral::ui
