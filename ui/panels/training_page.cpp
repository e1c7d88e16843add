#include "ui/panels/training_page.hpp"

#include <QAction>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QVBoxLayout>
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "engine/train/run.hpp"
#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/image_grid.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kUpperHeight = 280, kLowerHeight = 200;
constexpr std::size_t kPointsPerMillisecond =
    4000;  ///< of chart data that may be rebuilt before it gets late
constexpr int kMaxDelay_ms = 1000;
constexpr double kSmoothing = 0.6;

enum ChartSeries : int { kTrain = 0, kTest = 1 };

template <class Point, class Value>
void fill(LineChart& chart, int series, const std::vector<Point>& points, Value Point::*member) {
    std::vector<double> xs, ys;
    xs.reserve(points.size());
    ys.reserve(points.size());
    for (const Point& point : points) {
        xs.push_back(point.epoch);
        ys.push_back(static_cast<double>(point.*member));
    }
    chart.set_series_data(series, std::move(xs), std::move(ys));
}

LineChart* make_chart(const char* name, const QString& accessible, const AxisTitle& y_title) {
    auto* chart = new LineChart;
    chart->setObjectName(QLatin1String(name));
    chart->setAccessibleName(accessible);
    chart->set_axis_titles({TrainingPage::tr("epoch")}, y_title);
    return chart;
}

void add_train_and_test(LineChart& chart) {
    chart.add_series({.name = TrainingPage::tr("train (batch)"), .colour = 0, .smoothed = true});
    chart.add_series({.name = TrainingPage::tr("test"), .colour = 1, .markers = Markers::always});
    chart.set_smoothing(kSmoothing);
}

QString class_name(const Evaluation& evaluation, std::int32_t index) {
    const auto place = static_cast<std::size_t>(index);
    return place < evaluation.class_names.size() ? QString::fromStdString(evaluation.class_names[place])
                                                 : QString::number(index);
}

}  // namespace

TrainingPage::TrainingPage(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("training_page"));
    QWidget* content = make_scrolled(*this, "training_scroll");
    auto* grid = new QGridLayout(content);
    grid->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    grid->setSpacing(kGap);
    grid->addWidget(build_loss(), 0, 0);
    grid->addWidget(build_accuracy(), 0, 1);
    grid->addWidget(build_confusion(), 0, 2);
    auto* samples = new QHBoxLayout;
    samples->setSpacing(kGap);
    samples->addWidget(build_samples(), 1);
    samples->addWidget(build_text(), 1);
    grid->addLayout(samples, 1, 0, 1, 2);
    grid->addWidget(build_throughput(), 1, 2);
    explain_absence({});
    grid->setRowMinimumHeight(0, kUpperHeight);
    grid->setRowMinimumHeight(1, kLowerHeight);
    grid->setRowStretch(0, 5);
    grid->setRowStretch(1, 3);
    for (int column = 0; column < 3; ++column) grid->setColumnStretch(column, column < 2 ? 8 : 7);
    late_refresh_.setSingleShot(true);
    connect(&late_refresh_, &QTimer::timeout, this, &TrainingPage::refresh_charts);
}

QWidget* TrainingPage::build_loss() {
    loss_card_ = new Card(QStringLiteral("loss_card"), tr("Loss"), tr("cross-entropy"));
    loss_ = make_chart("loss_chart", tr("Loss by epoch"), {tr("loss"), tr("nats")});
    add_train_and_test(*loss_);
    loss_->set_empty_text(tr("The loss appears here once a run has started."));
    loss_card_->add_action(loss_->log_action());
    loss_card_->add_action(loss_->smoothing_action());
    loss_card_->add_action(loss_->export_action());
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(4);
    bits_ = new QLabel;
    bits_->setObjectName(QStringLiteral("loss_bits"));
    bits_->setToolTip(tr("Cross-entropy / ln 2: what coding the text by the model's guesses would take"));
    set_role(*bits_, QStringLiteral("subtitle"));
    bits_->hide();
    column->addWidget(bits_);
    column->addWidget(loss_, 1);
    loss_card_->set_body(body);
    return loss_card_;
}

QWidget* TrainingPage::build_accuracy() {
    accuracy_card_ = new Card(QStringLiteral("accuracy_card"), tr("Accuracy"), tr("share right"));
    accuracy_ = make_chart("accuracy_chart", tr("Accuracy by epoch"), {tr("accuracy")});
    add_train_and_test(*accuracy_);
    accuracy_->set_y_format([](double value) { return QString::number(100 * value, 'g', 4) + tr(" %"); });
    accuracy_->set_y_limits(std::nullopt, 1.0);
    accuracy_->set_empty_text(tr("Training and test accuracy appear here."));
    accuracy_card_->add_action(accuracy_->smoothing_action());
    accuracy_card_->add_action(accuracy_->export_action());
    accuracy_card_->set_body(accuracy_);
    return accuracy_card_;
}

QWidget* TrainingPage::build_confusion() {
    confusion_card_ = new Card(QStringLiteral("confusion_card"), tr("Confusion"), tr("% of each row"));
    confusion_ = new HeatMap;
    confusion_->setObjectName(QStringLiteral("confusion_map"));
    confusion_->setAccessibleName(tr("Confusion matrix of the test set"));
    confusion_->set_square_cells(true);
    confusion_->set_print_values(true);
    confusion_->set_range(ValueRange{0, 1});
    confusion_->set_colour_bar_visible(false);
    confusion_->set_value_format([](float share) {
        const double hundredths = 100.0 * static_cast<double>(share);
        return hundredths < 0.5 ? QString() : QString::number(hundredths, 'f', 0);
    });
    confusion_->set_axis_titles(tr("true class"), tr("predicted class"));
    confusion_card_->add_action(confusion_->export_action());
    confusion_card_->set_body(confusion_);
    return confusion_card_;
}

QWidget* TrainingPage::build_samples() {
    samples_card_ = new Card(QStringLiteral("samples_card"), tr("Samples"), tr("predicted class"));
    samples_ = new ImageGrid;
    samples_->setObjectName(QStringLiteral("sample_grid"));
    samples_->setAccessibleName(tr("Test samples with their predicted classes"));
    auto* wrong = new QAction(tr("only mistakes"), this);
    wrong->setCheckable(true);
    wrong->setToolTip(tr("Show the first samples of the whole set that the model gets wrong"));
    connect(wrong, &QAction::toggled, this, [this](bool only) {
        only_wrong_ = only;
        show_samples();
    });
    samples_card_->add_action(wrong);
    samples_card_->set_body(samples_);
    return samples_card_;
}

QWidget* TrainingPage::build_text() {
    text_card_ = new Card(QStringLiteral("text_card"), tr("Generated text"));
    text_ = new QPlainTextEdit;
    text_->setObjectName(QStringLiteral("generated_text"));
    text_->setAccessibleName(tr("Text that the model writes by itself"));
    text_->setToolTip(tr("What the model writes by itself, one character after another"));
    text_->setReadOnly(true);
    text_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    text_->setFrameShape(QFrame::NoFrame);
    text_->setPlaceholderText(tr("Every %1 steps the model writes a few lines by itself.").arg(kTextEvery));
    text_card_->set_body(text_);
    text_card_->hide();
    return text_card_;
}

QWidget* TrainingPage::build_throughput() {
    throughput_card_ =
        new Card(QStringLiteral("throughput_card"), tr("Throughput"), tr("training steps only"));
    throughput_ = make_chart("throughput_chart", tr("Throughput by epoch"), {{}, tr("samples/s")});
    throughput_->add_series({.name = tr("samples per second"), .colour = 2});
    throughput_->set_legend_visible(false);
    throughput_->set_y_limits(0.0, std::nullopt);
    throughput_->set_empty_text(tr("Samples per second appear here while a run is going."));
    throughput_card_->add_action(throughput_->export_action());
    throughput_card_->set_body(throughput_);
    return throughput_card_;
}

void TrainingPage::set_ceiling(std::optional<double> accuracy) {
    accuracy_->clear_reference_lines();
    if (accuracy)
        accuracy_->set_reference_line(tr("linear models on these features %1").arg(percent(*accuracy)),
                                      *accuracy);
}

void TrainingPage::show_record(const RunRecord& record) {
    record_ = &record;
    if (!isVisible()) return;
    const std::size_t points = record.steps().size() + record.throughput().size();
    const auto wait = static_cast<int>(std::min<std::size_t>(points / kPointsPerMillisecond, kMaxDelay_ms));
    if (!since_refresh_.isValid() || since_refresh_.elapsed() >= wait) {
        refresh_charts();
    } else if (!late_refresh_.isActive()) {
        late_refresh_.start(wait);
    }
    refresh_evaluation(record);
    refresh_text(record);
}

void TrainingPage::showEvent(QShowEvent* event) {
    refresh_charts();
    if (record_ != nullptr) {
        refresh_evaluation(*record_);
        refresh_text(*record_);
    }
    QWidget::showEvent(event);
}

/// There is a place for it where the data are a text.
void TrainingPage::refresh_text(const RunRecord& record) {
    text_card_->setVisible(record.info() && !record.info()->token_unit.empty());
    const std::int64_t step = record.text() ? record.text()->step : -1;
    if (step == shown_text_step_) return;
    shown_text_step_ = step;
    text_->setPlainText(record.text() ? QString::fromStdString(record.text()->text) : QString());
    text_card_->set_subtitle(record.text() ? tr("at step %1").arg(grouped(step)) : QString());
}

void TrainingPage::refresh_charts() {
    late_refresh_.stop();
    if (record_ == nullptr) return;
    const RunRecord& record = *record_;
    fill(*loss_, kTrain, record.steps(), &StepPoint::loss);
    fill(*loss_, kTest, record.evaluations(), &EvaluationPoint::loss);
    fill(*accuracy_, kTrain, record.steps(), &StepPoint::accuracy);
    fill(*accuracy_, kTest, record.evaluations(), &EvaluationPoint::accuracy);
    fill(*throughput_, 0, record.throughput(), &ThroughputPoint::samples_per_second);
    const QString set = record.info() ? QString::fromStdString(record.info()->evaluated_on) : tr("test");
    loss_->set_series_name(kTest, set);
    accuracy_->set_series_name(kTest, set);
    accuracy_card_->set_subtitle(record.evaluations().empty()
                                     ? tr("share right")
                                     : set + QLatin1Char(' ') +
                                           percent(record.evaluations().back().accuracy));
    loss_card_->set_subtitle(record.evaluations().empty()
                                 ? tr("cross-entropy")
                                 : set + QLatin1Char(' ') +
                                       QString::number(record.evaluations().back().loss, 'f', 3));
    const QString unit = QString::fromStdString(record.token_unit());
    bits_->setVisible(!unit.isEmpty() && !record.evaluations().empty());
    if (bits_->isVisibleTo(this))
        bits_->setText(tr("%1: %2 bits per %3")
                           .arg(set)
                           .arg(bits_per_token(record.evaluations().back().loss), 0, 'f', 3)
                           .arg(unit));
    throughput_card_->set_subtitle(record.throughput().empty()
                                       ? tr("training steps only")
                                       : with_prefix(record.throughput().back().samples_per_second) +
                                             tr(" samples/s"));
    since_refresh_.start();
}

void TrainingPage::explain_absence(const RunRecord& record) {
    const QString when = record.from_file()
                             ? tr("Model files do not keep it; a run shows it after each evaluation.")
                             : tr("Shown after the first evaluation.");
    confusion_->set_empty_text(tr("Which classes are taken for which.\n%1").arg(when));
    samples_->set_empty_text(shown_evaluation_
                                 ? tr("The model made no mistake.")
                                 : tr("Test samples with what the model takes them for.\n%1").arg(when));
}

void TrainingPage::refresh_evaluation(const RunRecord& record) {
    const bool same = record.evaluation() == shown_evaluation_;
    shown_evaluation_ = record.evaluation();
    explain_absence(record);
    if (same) return;
    show_samples();
    if (!shown_evaluation_) {
        confusion_->clear();
        confusion_card_->set_subtitle(tr("% of each row"));
        return;
    }
    const Evaluation& evaluation = *shown_evaluation_;
    const auto classes = static_cast<int>(evaluation.class_names.size());
    const auto width = static_cast<std::size_t>(classes);
    if (evaluation.confusion.size() != width * width) {
        confusion_->clear();
        confusion_card_->set_subtitle(tr("not of more than %1 classes").arg(kMostConfusedClasses));
        return;
    }
    std::vector<float> shares(evaluation.confusion.size());
    for (std::size_t row = 0; row < width; ++row) {
        const std::span<const std::int64_t> counts(evaluation.confusion.data() + row * width, width);
        double total = 0;
        for (const std::int64_t count : counts) total += static_cast<double>(count);
        for (std::size_t column = 0; column < width && total > 0; ++column)
            shares[row * width + column] = static_cast<float>(static_cast<double>(counts[column]) / total);
    }
    QStringList names;
    for (const std::string& name : evaluation.class_names) names << QString::fromStdString(name);
    confusion_->set_row_labels(names);
    confusion_->set_column_labels(names);
    confusion_->set_formatter([keep = shown_evaluation_, names, classes](int row, int column, float share) {
        const std::int64_t count = keep->confusion[static_cast<std::size_t>(row * classes + column)];
        return tr("true %1, predicted %2: %3 samples, %4 of the row")
            .arg(names[row], names[column], grouped(count), percent(static_cast<double>(share)));
    });
    confusion_->set_data(classes, classes, std::move(shares));
    confusion_card_->set_subtitle(tr("% of each row"));
}

void TrainingPage::show_samples() {
    std::vector<GridItem> items;
    if (shown_evaluation_) {
        for (const Evaluation::Sample& sample :
             only_wrong_ ? shown_evaluation_->mistakes : shown_evaluation_->examples) {
            const bool wrong = sample.prediction != sample.truth;
            GridItem item;
            const Shape& shape = sample.values.shape;
            const bool colours = shape.rank() == 3 && shape[0] == 3 && shape[1] > 1;
            const bool picture = colours || shape.rank() == 2;
            item.planes = colours ? 3 : 1;
            item.height = picture ? static_cast<int>(shape[shape.rank() - 2]) : 1;
            item.width = static_cast<int>(picture ? shape[shape.rank() - 1] : shape.size());
            item.values = sample.values.values;
            const QString predicted = class_name(*shown_evaluation_, sample.prediction);
            const QString truth = class_name(*shown_evaluation_, sample.truth);
            item.caption = wrong ? predicted + QStringLiteral(" / ") + truth : predicted;
            item.wrong = wrong;
            item.tool_tip =
                tr("Test sample %1: predicted %2, true %3").arg(grouped(sample.index), predicted, truth);
            items.push_back(std::move(item));
        }
    }
    samples_card_->set_subtitle(tr("predicted class; predicted / true where wrong"));
    samples_->set_items(std::move(items));
}

}  // namespace spectral::ui
