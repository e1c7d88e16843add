#include "ui/panels/budget_panel.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QVBoxLayout>

#include "ui/icons.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/log_slider.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr double kFirstRatio = 10, kLargestRatio = 100;
constexpr int kProgressSteps = 1000, kFirstEpochs = 2;
const QString kUnknown = QStringLiteral("–");

}  // namespace

BudgetPanel::BudgetPanel(QWidget* parent)
    : Card(QStringLiteral("budget_card"), tr("Budget"), tr("of the whole file"), parent) {
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    ratio_ =
        new LogSlider(QStringLiteral("budget_ratio"), tr("Ratio of bytes"),
                      tr("Dense bytes over bytes of the file, 1 to 100: every tensor gets the method and "
                         "rate that do the least damage within"),
                      {.scale = 1, .decimals = 1, .suffix = QStringLiteral(" ×")});
    ratio_->set_range(1, kLargestRatio);
    ratio_->set_value(kFirstRatio);
    column->addWidget(ratio_);
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    auto* caption = new QLabel(tr("method"));
    set_role(*caption, QStringLiteral("subtitle"));
    row->addWidget(caption);
    method_ = new QComboBox;
    method_->setObjectName(QStringLiteral("budget_method"));
    method_->setAccessibleName(tr("Method for all tensors"));
    method_->setToolTip(tr("For all tensors that are large enough to gain; auto takes the best for each"));
    caption->setBuddy(method_);
    method_->addItem(tr("auto, the best for each"),
                     QString::fromUtf8(kAutoMethod.data(), qsizetype(kAutoMethod.size())));
    for (const Method& each : method_registry()) {
        if (each.is_null) continue;
        method_->addItem(QString::fromStdString(each.title), QString::fromStdString(each.name));
        method_->setItemData(method_->count() - 1, QString::fromStdString(each.help), Qt::ToolTipRole);
    }
    row->addWidget(method_, 1);
    column->addLayout(row);
    data_ = new QCheckBox;
    data_->setObjectName(QStringLiteral("budget_data"));
    data_->setChecked(true);
    column->addWidget(data_);
    set_data_name({});

    size_ = add_figure(*column, "budget_size", tr("file"),
                       tr("Bytes of the file with everything in it, and dense bytes over them"));
    error_ = add_figure(*column, "budget_error", tr("relative error"), tr("‖W − Ŵ‖ / ‖W‖ of all weights"));
    accuracy_ =
        add_figure(*column, "budget_accuracy", tr("test accuracy"), tr("On the test set, before → after"));
    status_ = new QLabel;
    status_->setObjectName(QStringLiteral("budget_status"));
    status_->setWordWrap(true);
    set_role(*status_, QStringLiteral("subtitle"));
    column->addStretch(1);
    column->addWidget(status_);
    progress_ = new QProgressBar;
    progress_->setObjectName(QStringLiteral("budget_progress"));
    progress_->setAccessibleName(tr("Progress of packing"));
    progress_->setRange(0, kProgressSteps);
    progress_->setTextVisible(false);
    QSizePolicy keeps_room = progress_->sizePolicy();
    keeps_room.setRetainSizeWhenHidden(true);
    progress_->setSizePolicy(keeps_room);
    column->addWidget(progress_);
    auto* tuning = new QHBoxLayout;
    tuning->setSpacing(8);
    fine_tune_ = new QPushButton;
    fine_tune_->setObjectName(QStringLiteral("budget_fine_tune"));
    epochs_ = new QSpinBox;
    epochs_->setObjectName(QStringLiteral("budget_epochs"));
    epochs_->setAccessibleName(tr("Epochs of fine-tuning"));
    epochs_->setToolTip(tr("Passes over the training samples"));
    epochs_->setRange(1, 100);
    epochs_->setValue(kFirstEpochs);
    epochs_->setSuffix(tr(" epochs"));
    tuning->addWidget(fine_tune_, 1);
    tuning->addWidget(epochs_);
    column->addLayout(tuning);
    auto* actions = new QHBoxLayout;
    actions->setSpacing(8);
    export_ = new QPushButton(tr("Export HDF5…"));
    export_->setObjectName(QStringLiteral("budget_export"));
    export_->setAccessibleName(tr("Export the compressed model"));
    export_->setToolTip(tr("Write the compressed model as it is in the table"));
    set_role(*export_, QStringLiteral("primary"));
    snippet_ = new QPushButton(tr("Copy Python"));
    snippet_->setObjectName(QStringLiteral("budget_snippet"));
    snippet_->setAccessibleName(tr("Copy the Python snippet"));
    actions->addWidget(export_, 1);
    actions->addWidget(snippet_);
    column->addLayout(actions);
    set_body(body);
    clear();
    set_exported(false);
    set_fine_tuning(false);
    connect(ratio_, &LogSlider::valueChanged, this, &BudgetPanel::changed);
    connect(method_, &QComboBox::currentIndexChanged, this, &BudgetPanel::changed);
    connect(data_, &QCheckBox::toggled, this, &BudgetPanel::changed);
    connect(fine_tune_, &QPushButton::clicked, this, [this] {
        if (fine_tuning_)
            Q_EMIT fineTuneCancelled();
        else
            Q_EMIT fineTuneRequested();
    });
    connect(export_, &QPushButton::clicked, this, &BudgetPanel::exportRequested);
    connect(snippet_, &QPushButton::clicked, this, &BudgetPanel::snippetRequested);
}

QLabel* BudgetPanel::add_figure(QLayout& column, const char* name, const QString& caption,
                                const QString& tip) {
    auto* line = new QWidget;
    auto* row = new QHBoxLayout(line);
    row->setContentsMargins(0, 0, 0, 0);
    auto* label = new QLabel(caption);
    set_role(*label, QStringLiteral("muted"));
    row->addWidget(label);
    auto* figure = new QLabel(kUnknown);
    figure->setObjectName(QLatin1String(name));
    figure->setAccessibleName(caption);
    figure->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    figure->setFont(tabular_font());
    row->addWidget(figure, 1);
    line->setToolTip(tip);
    column.addWidget(line);
    return figure;
}

double BudgetPanel::ratio() const { return ratio_->value(); }

std::string BudgetPanel::method() const { return method_->currentData().toString().toStdString(); }

bool BudgetPanel::uses_data() const { return data_->isEnabled() && data_->isChecked(); }

void BudgetPanel::set_data_name(const QString& name) {
    data_->setEnabled(!name.isEmpty());
    data_->setText(name.isEmpty() ? tr("no data set to weigh by") : tr("weigh errors by %1").arg(name));
    data_->setAccessibleName(data_->text());
    data_->setToolTip(
        tr("Errors count by the inputs that they meet and how far they move the class scores, and "
           "the test set judges the result; else they count by their energy"));
}

void BudgetPanel::show_packing(double fraction, const QString& activity) {
    export_->setEnabled(false);
    progress_->setValue(static_cast<int>(kProgressSteps * fraction));
    progress_->show();
    set_role(*status_, QStringLiteral("subtitle"));
    status_->setText(activity);
}

void BudgetPanel::show_result(const CompressResult& result) {
    progress_->hide();
    set_role(*status_, QStringLiteral("subtitle"));
    status_->clear();
    size_->setText(tr("%1 · %2 ×")
                       .arg(human_bytes(static_cast<std::size_t>(result.file_bytes)),
                            QString::number(result.ratio(), 'f', 1)));
    error_->setText(QString::number(result.relative_error, 'f', 3));
    accuracy_->setText(kUnknown);
    export_->setEnabled(true);
}

void BudgetPanel::show_accuracy(double before, double after) {
    const auto text = [](double share) { return QString::number(100 * share, 'f', 2); };
    accuracy_->setText(text(before) + QStringLiteral(" → ") + text(after) + QStringLiteral("\u202f%"));
}

void BudgetPanel::show_note(const QString& text) {
    set_role(*status_, QStringLiteral("subtitle"));
    status_->setText(text);
}

void BudgetPanel::show_data_missing(const QString& why) {
    data_->setText(tr("data not found: by energy"));
    data_->setToolTip(why);
}

void BudgetPanel::show_problem(const QString& what) {
    clear();
    set_role(*status_, QStringLiteral("error"));
    status_->setText(what);
}

int BudgetPanel::epochs() const { return epochs_->value(); }

void BudgetPanel::set_can_fine_tune(bool can) {
    can_fine_tune_ = can;
    set_fine_tuning(fine_tuning_);
}

void BudgetPanel::set_fine_tuning(bool going) {
    fine_tuning_ = going;
    fine_tune_->setEnabled(going || can_fine_tune_);
    epochs_->setEnabled(!going && can_fine_tune_);
    fine_tune_->setText(going ? tr("Cancel") : tr("Fine-tune"));
    fine_tune_->setAccessibleName(going ? tr("Cancel fine-tuning") : tr("Fine-tune"));
    fine_tune_->setToolTip(
        going ? tr("Stop, and keep what was there before")
        : can_fine_tune_
            ? tr("Train the stored numbers where they are, through the rounding of their coding, "
                 "on the training set; the file keeps to its ratio")
            : tr("Needs the model's data, to weigh errors by and to train on"));
}

void BudgetPanel::set_exported(bool exported) {
    snippet_->setEnabled(exported);
    snippet_->setToolTip(exported ? tr("Copy five lines of Python that read the exported file")
                                  : tr("Export first: the five lines of Python name the file"));
}

void BudgetPanel::clear() {
    progress_->hide();
    status_->clear();
    for (QLabel* figure : {size_, error_, accuracy_}) figure->setText(kUnknown);
    export_->setEnabled(false);
}

}  // namespace spectral::ui
