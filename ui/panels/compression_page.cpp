#include "ui/panels/compression_page.hpp"

#include <QAction>
#include <QClipboard>
#include <QDir>
#include <QEvent>
#include <QFileInfo>
#include <QGridLayout>
#include <QGuiApplication>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSortFilterProxyModel>
#include <QStackedLayout>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "engine/data/dataset.hpp"
#include "ui/card.hpp"
#include "ui/charts/bar_delegate.hpp"
#include "ui/charts/export.hpp"
#include "ui/models/tensor_table_model.hpp"
#include "ui/panels/budget_panel.hpp"
#include "ui/panels/export_report.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/panels/table.hpp"
#include "ui/panels/tensor_panel.hpp"
#include "ui/panels/tradeoff_panel.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kTensorsHeight = 256, kLookHeight = 324, kChartsHeight = 256;
constexpr int kBudgetWidth = 280, kNarrowestColumn = 48, kWidestName = 320, kNarrowestName = 160;
constexpr int kDamageWidth = 112;  ///< its number and some of its bar

}  // namespace

CompressionPage::CompressionPage(std::shared_ptr<Workspace> workspace, QWidget* parent)
    : QWidget(parent),
      session_(std::move(workspace)),
      model_(new TensorTableModel(this)),
      stack_(new QStackedLayout(this)) {
    setObjectName(QStringLiteral("compression_page"));
    stack_->addWidget(build_empty());
    auto* filled = new QWidget;
    QWidget* content = make_scrolled(*filled, "compression_scroll");
    stack_->addWidget(filled);
    auto* grid = new QGridLayout(content);
    grid->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    grid->setSpacing(kGap);
    grid->addWidget(build_tensors(), 0, 0, 1, 2);
    budget_ = new BudgetPanel;
    budget_->setFixedWidth(kBudgetWidth);
    grid->addWidget(budget_, 0, 2);
    tensor_ = new TensorPanel;
    grid->addWidget(tensor_, 1, 0, 1, 3);
    grid->addWidget(tensor_->energy_card(), 2, 0);
    tradeoff_ = new TradeoffPanel;
    grid->addWidget(tradeoff_, 2, 1, 1, 2);
    for (const auto& [row, height, stretch] :
         {std::tuple{0, kTensorsHeight, 0}, std::tuple{1, kLookHeight, 4}, std::tuple{2, kChartsHeight, 5}}) {
        grid->setRowMinimumHeight(row, height);
        grid->setRowStretch(row, stretch);
    }
    grid->setColumnStretch(0, 5);
    grid->setColumnStretch(1, 4);
    connect_session();
}

QWidget* CompressionPage::build_empty() {
    auto* empty = new QWidget;
    auto* column = new QVBoxLayout(empty);
    column->setSpacing(kGap);
    auto* text =
        new QLabel(tr("Open a model to see its tensors' spectra and store it in fewer bytes:\n"
                      "a saved run, or weights as safetensors, NumPy or HDF5. Files may be dropped here."));
    text->setObjectName(QStringLiteral("compression_empty"));
    text->setAlignment(Qt::AlignCenter);
    set_role(*text, QStringLiteral("muted"));
    auto* open = new QPushButton(tr("Open model…"));
    open->setObjectName(QStringLiteral("compression_open"));
    open->setAccessibleName(tr("Open a model to compress"));
    open->setToolTip(tr("Choose a model file (Ctrl+O)"));
    set_role(*open, QStringLiteral("primary"));
    offer_ = new QPushButton;
    offer_->setObjectName(QStringLiteral("compression_offer"));
    offer_->setAccessibleName(tr("Compress the model on show"));
    offer_->setToolTip(tr("Load its file into this page"));
    column->addStretch(1);
    column->addWidget(text);
    column->addWidget(open, 0, Qt::AlignHCenter);
    column->addWidget(offer_, 0, Qt::AlignHCenter);
    column->addStretch(1);
    connect(open, &QPushButton::clicked, this, &CompressionPage::openRequested);
    connect(offer_, &QPushButton::clicked, this, [this] { this->open(offered_); });
    offer_->hide();
    return empty;
}

QWidget* CompressionPage::build_tensors() {
    tensors_card_ = new Card(QStringLiteral("tensors_card"), tr("Tensors"));
    sorted_ = new QSortFilterProxyModel(this);
    sorted_->setSourceModel(model_);
    sorted_->setSortRole(TensorTableModel::kValueRole);
    table_ = make_table("tensors_table", tr("Tensors of the model"), sorted_);
    table_->setSortingEnabled(true);
    table_->sortByColumn(-1, Qt::AscendingOrder);  // as in the file
    QHeaderView* header = table_->horizontalHeader();
    header->setSectionResizeMode(QHeaderView::ResizeToContents);
    header->setSectionResizeMode(TensorTableModel::kTensor, QHeaderView::Interactive);
    header->setSectionResizeMode(TensorTableModel::kDamage, QHeaderView::Stretch);
    header->setMinimumSectionSize(kNarrowestColumn);
    table_->setItemDelegateForColumn(TensorTableModel::kDamage,
                                     new BarDelegate(TensorTableModel::kValueRole, table_));
    connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &CompressionPage::select);
    table_->setTextElideMode(Qt::ElideMiddle);  // what tells names apart stands at their ends
    QWidget* body = make_table_or_text(*table_, "tensors_empty", tr("This model has no tensors."));
    show_whole_rows(*table_, *body);
    table_->viewport()->installEventFilter(this);
    connect(model_, &QAbstractItemModel::dataChanged, this, &CompressionPage::fit_columns);
    connect(header, &QHeaderView::sectionResized, this, [this](int column, int, int width) {
        if (column == TensorTableModel::kTensor && !fitting_) name_width_ = width;
    });
    auto* open = new QAction(tr("open"), this);
    open->setToolTip(tr("Open another model (Ctrl+O), or drop one onto the window"));
    connect(open, &QAction::triggered, this, &CompressionPage::openRequested);
    auto* save = new QAction(tr("export"), this);
    save->setToolTip(tr("Save or copy the table"));
    const auto csv = [this] { return model_->to_csv(); };
    save->setMenu(make_export_menu(*body,
                                   {{tr("CSV table…"), QStringLiteral("csv"),
                                     [csv](const QString& path) { return write_text_file(path, csv()); }}},
                                   csv));
    tensors_card_->add_action(open);
    tensors_card_->add_action(save);
    tensors_card_->set_body(body);
    return tensors_card_;
}

void CompressionPage::connect_session() {
    connect(&session_, &CompressSession::opened, this, &CompressionPage::show_opened);
    connect(&session_, &CompressSession::failed, this, [this](const QString& what, const QString& hint) {
        opening_ = false;
        Q_EMIT problem(what, hint);
    });
    connect(&session_, &CompressSession::packProgressed, budget_, &BudgetPanel::show_packing);
    connect(&session_, &CompressSession::packed, this, &CompressionPage::show_packed);
    connect(&session_, &CompressSession::judged, this, [this] {
        if (const auto accuracy = session_.accuracy()) {
            budget_->show_accuracy(accuracy->first, accuracy->second);
            tradeoff_->mark_accuracy(accuracy->second);
        }
        budget_->set_can_fine_tune(session_.can_fine_tune());
    });
    connect(&session_, &CompressSession::dataMissing, budget_, &BudgetPanel::show_data_missing);
    connect(&session_, &CompressSession::packFailed, this, [this](const QString& what) {
        budget_->show_problem(what);
        model_->clear_reports();
        compare_when_free();
    });
    connect(&session_, &CompressSession::viewed, this,
            [this](const std::string& name, const CompressSession::View& view) {
                if (name == tensor_->tensor()) tensor_->show_view(view);
            });
    connect(&session_, &CompressSession::looked, this,
            [this](const std::string& name, const CompressSession::Look& look) {
                if (name != tensor_->tensor()) return;
                tensor_->show_look(look);
                const PackedTensor& packed = look->packed;
                tradeoff_->mark_tensor(packed.method, static_cast<double>(packed.stored_bytes()),
                                       packed.relative_error);
                follow_fix();
            });
    connect(&session_, &CompressSession::exploreFailed, tensor_, &TensorPanel::show_problem);
    connect(&session_, &CompressSession::curvesReady, this,
            [this](const std::string& name, const CompressSession::Curves& curves) {
                tradeoff_->set_curves(name, curves);
            });
    connect(&session_, &CompressSession::comparisonProgressed, tradeoff_, &TradeoffPanel::show_progress);
    connect(&session_, &CompressSession::comparisonEnded, this,
            [this](const QString& what, const QString& hint) {
                tradeoff_->end_progress();
                if (!what.isEmpty()) Q_EMIT problem(what, hint);
            });
    connect(&session_, &CompressSession::exported, this, [this](const ExportReport& report) {
        exported_ = report.path;
        budget_->set_exported(true);
        auto* dialog = new ExportReportDialog(report, this);
        dialog->open();
        Q_EMIT exported(report.path);
    });
    connect(budget_, &BudgetPanel::changed, this, &CompressionPage::repack);
    connect(budget_, &BudgetPanel::fineTuneRequested, this, [this] {
        if (!session_.can_fine_tune()) return;
        budget_->show_packing(0, tr("fine-tuning"));
        session_.fine_tune(budget_->epochs());
        budget_->set_fine_tuning(true);
    });
    connect(budget_, &BudgetPanel::fineTuneCancelled, &session_, &CompressSession::cancel_fine_tuning);
    connect(&session_, &CompressSession::fineTuningEnded, this, [this] {
        budget_->set_fine_tuning(false);
        budget_->set_can_fine_tune(session_.can_fine_tune());
        if (session_.result()) budget_->show_result(*session_.result());
        if (const int epochs = session_.tuned_epochs(); epochs > 0)
            budget_->show_note(tr("fine-tuned, %1; errors are against the weights before")
                                   .arg(epochs == 1 ? tr("one epoch") : tr("%1 epochs").arg(epochs)));
        if (const auto accuracy = session_.accuracy())
            budget_->show_accuracy(accuracy->first, accuracy->second);
    });
    connect(budget_, &BudgetPanel::exportRequested, this, [this] {
        Q_EMIT exportRequested(QFileInfo(session_.path()).completeBaseName() +
                               QStringLiteral("-%1x.h5").arg(budget_->ratio(), 0, 'g', 3));
    });
    connect(budget_, &BudgetPanel::snippetRequested, this,
            [this] { QGuiApplication::clipboard()->setText(python_snippet(exported_)); });
    connect(tensor_, &TensorPanel::lookWanted, this, &CompressionPage::look);
    connect(tensor_, &TensorPanel::fixToggled, this, [this](bool on) {
        if (on) {
            follow_fix();
            return;
        }
        if (session_.fix(tensor_->tensor(), std::nullopt)) repack();
    });
    connect(tradeoff_, &TradeoffPanel::curvesWanted, this, [this](const std::string& name) {
        curves_wanted_ = name;
        compare_when_free();
    });
    connect(tradeoff_, &TradeoffPanel::comparisonWanted, this, [this] { session_.compare_model(data()); });
    connect(tradeoff_, &TradeoffPanel::cancelWanted, &session_, &CompressSession::cancel_comparison);
}

void CompressionPage::open(const QString& path) {
    if (path.isEmpty()) return;
    opening_ = true;
    session_.open(path);
    offered_.clear();  // perhaps what `path` refers to
}

void CompressionPage::offer(const QString& path) {
    offered_ = path;
    offer_->setVisible(!path.isEmpty());
    offer_->setText(tr("Compress %1").arg(QFileInfo(path).completeBaseName()));
    offer_->setToolTip(QDir::toNativeSeparators(path));
    if (isVisible() && !session_.model() && !opening_) open(path);
}

bool CompressionPage::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Resize) fit_columns();
    return QWidget::eventFilter(watched, event);
}

/// Where the table is too narrow for all columns, those give way that the chosen tensor's card tells too;
/// names have what the others leave.
void CompressionPage::fit_columns() {
    if (fitting_) return;
    fitting_ = true;
    for (const int column : {TensorTableModel::kDense, TensorTableModel::kShape})
        table_->setColumnHidden(column, false);  // what is hidden has no width
    const QAbstractItemView& view = *table_;
    QHeaderView* header = table_->horizontalHeader();
    const auto width_of = [&](int column) {
        return std::max({view.sizeHintForColumn(column), header->sectionSizeHint(column), kNarrowestColumn,
                         column == TensorTableModel::kDamage ? kDamageWidth : 0});
    };
    int others = 0;
    for (int column = TensorTableModel::kTensor + 1; column < TensorTableModel::kColumns; ++column)
        others += width_of(column);
    const int wanted =
        name_width_ > 0 ? name_width_ : std::min(width_of(TensorTableModel::kTensor), kWidestName);
    const int room = table_->viewport()->width();
    for (const int column : {TensorTableModel::kDense, TensorTableModel::kShape}) {
        const bool narrow = room - others < std::min(wanted, kNarrowestName);
        table_->setColumnHidden(column, narrow);
        if (narrow) others -= width_of(column);
    }
    header->resizeSection(TensorTableModel::kTensor,
                          std::clamp(room - others, kNarrowestColumn, std::max(kNarrowestColumn, wanted)));
    fitting_ = false;
}

void CompressionPage::showEvent(QShowEvent* event) {
    if (!session_.model() && !opening_ && !offered_.isEmpty()) open(offered_);
    QWidget::showEvent(event);
}

std::optional<DataPlace> CompressionPage::data() const {
    std::optional<DataPlace> place = session_.data_of_model();
    if (!place) return std::nullopt;
    // The file knows where its data were; the experiment on the left may know better.
    if (known_data_.dataset == place->dataset && !known_data_.path.empty()) place->path = known_data_.path;
    return place;
}

void CompressionPage::show_opened() {
    stack_->setCurrentIndex(1);
    opening_ = false;
    exported_.clear();
    budget_->set_exported(false);
    budget_->clear();
    const std::optional<DataPlace> place = data();
    const QString data_name = place ? QString::fromStdString(find_dataset(place->dataset).title) : QString();
    budget_->set_data_name(data_name);
    tradeoff_->set_data_name(data_name);
    tradeoff_->clear();
    tensor_->set_tensor({}, {});  // the other model's, perhaps of the same name
    model_->set_model(*session_.model());
    name_width_ = 0;
    fit_columns();
    std::int64_t bytes = 0;
    int largest = 0;
    for (int row = 0; row < model_->rowCount(); ++row) {
        const auto dense = [this](int at) {
            return model_->index(at, TensorTableModel::kDense)
                .data(TensorTableModel::kValueRole)
                .toLongLong();
        };
        bytes += dense(row);
        if (dense(row) > dense(largest)) largest = row;
    }
    const QString name = QFileInfo(session_.path()).fileName();
    tensors_card_->set_title(name);
    QString size =
        tr("%1 tensors, %2 dense").arg(model_->rowCount()).arg(human_bytes(static_cast<std::size_t>(bytes)));
    if (const QStringList& skipped = session_.skipped(); !skipped.isEmpty())
        size += tr("; left out, as no weights: %1").arg(skipped.join(QStringLiteral(", ")));
    tensors_card_->set_subtitle(size);
    repack();
    if (model_->rowCount() > 0) table_->setCurrentIndex(sorted_->mapFromSource(model_->index(largest, 0)));
    Q_EMIT opened(session_.path());
}

bool CompressionPage::busy() const {
    return session_.packing() || session_.judging() ||
           (!tensor_->tensor().empty() && (!tensor_->look() || !tradeoff_->knows(tensor_->tensor())));
}

void CompressionPage::repack() {
    if (!session_.model()) return;
    budget_->set_fine_tuning(false);
    budget_->set_can_fine_tune(false);
    budget_->show_packing(0, tr("packing"));
    session_.pack(budget_->ratio(), budget_->method(), budget_->uses_data() ? data() : std::nullopt);
}

void CompressionPage::show_packed() {
    const CompressResult& result = *session_.result();
    model_->set_reports(result.tensors);
    if (!session_.packing()) {
        budget_->show_result(result);
        budget_->set_can_fine_tune(session_.can_fine_tune());
    }
    tradeoff_->mark_model(result.ratio(), result.relative_error);
    if (!session_.is_fixed(tensor_->tensor())) adopt_choice();
    compare_when_free();
}

void CompressionPage::select(const QModelIndex& index) {
    if (!index.isValid()) return;
    const std::string name = model_->name(sorted_->mapToSource(index).row());
    if (name == tensor_->tensor() && tensor_->look() != nullptr) return;
    const HostTensor* tensor = session_.tensor(name);
    if (tensor == nullptr) return;
    tensor_->set_tensor(name, tensor->shape);
    tradeoff_->set_tensor(tensor_->method().empty() ? std::string() : name);
    adopt_choice();
}

void CompressionPage::adopt_choice() {
    const TensorReport* report = model_->report(tensor_->tensor());
    const bool known = report != nullptr && report->method != "dense";
    tensor_->choose(known ? report->method : std::string("fft"),
                    known ? std::min(1.0, report->kept) : 1 / budget_->ratio(),
                    session_.is_fixed(tensor_->tensor()));
    look();
}

void CompressionPage::compare_when_free() {
    if (session_.packing() || curves_wanted_.empty()) return;
    session_.compare(std::exchange(curves_wanted_, {}));
}

void CompressionPage::look() {
    if (!tensor_->method().empty())
        session_.explore(tensor_->tensor(), tensor_->method(), tensor_->density());
}

void CompressionPage::follow_fix() {
    if (!tensor_->fixes() || !tensor_->look()) return;
    if (session_.fix(tensor_->tensor(), tensor_->look()->packed)) repack();
}

}  // namespace spectral::ui
