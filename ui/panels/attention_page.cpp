// What the Attention page does; its cards are built in attention_page_build.cpp.
#include "ui/panels/attention_page.hpp"

#include <QComboBox>
#include <QEvent>
#include <QItemSelectionModel>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QStackedLayout>
#include <QTableView>
#include <QToolButton>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/map_grid.hpp"
#include "ui/models/attention_head_model.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/tiles_panel.hpp"

namespace spectral::ui {

namespace {

constexpr std::size_t kOwnColours = 5;  ///< heads that have a colour each
constexpr double kLabelHeight = 14;     ///< pixels that a row needs for its label
constexpr int kLongestUnit = 3;         ///< characters of a token that are written below a column

/// As short as a column is wide.
QString short_label(const QString& token) {
    if (token == QLatin1String("space")) return QStringLiteral("␣");
    if (token == QLatin1String("\\n")) return QStringLiteral("⏎");
    return token.left(kLongestUnit);
}

QString sentence(const std::string& words) {
    const QString text = QString::fromStdString(words);
    return text.left(1).toUpper() + text.mid(1) + QLatin1Char('.');
}

/// ln of the places that each row can see: of a causal model its own and those before.
std::vector<double> bounds_of(const AttentionAnalysis& analysis) {
    std::vector<double> bounds;
    for (std::int64_t i = 0; i < analysis.places; ++i)
        bounds.push_back(std::log(static_cast<double>(analysis.causal ? i + 1 : analysis.places)));
    return bounds;
}

}  // namespace

QString AttentionPage::without_model() {
    return tr(
        "Train a model with attention, such as char-transformer on a text, or open one: the map of each "
        "of its heads appears here.");
}

std::optional<AttentionRequest> AttentionPage::request() const {
    AttentionRequest request;
    request.block = std::max(0, block_->currentIndex());
    if (source_->currentData().toInt() == kText) {
        if (text_->text().isEmpty()) return std::nullopt;
        request.text = text_->text().toStdString();
    } else {
        request.sample = sample_->value() - 1;
    }
    return request;
}

void AttentionPage::ask() {
    if (!isVisible()) return;
    const std::optional<AttentionRequest> wanted = request();
    if (!wanted)
        show_problem(tr("Type a text above: the model looks at its end, as much as its context holds."),
                     true);
    Q_EMIT lookRequested(wanted);
}

void AttentionPage::move_sample(int by) { sample_->setValue(sample_->value() + by); }

bool AttentionPage::busy() const {
    if (!isVisible() || record_ == nullptr || record_->empty()) return false;
    const std::optional<AttentionRequest> wanted = request();
    return wanted && (!record_->attention() || record_->attention()->request != *wanted);
}

void AttentionPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    ask();
    if (record_ != nullptr) show_record(*record_);
}

void AttentionPage::hideEvent(QHideEvent* event) {
    QWidget::hideEvent(event);
    Q_EMIT lookRequested(std::nullopt);
}

bool AttentionPage::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Resize) fit_labels();
    return QWidget::eventFilter(watched, event);
}

void AttentionPage::show_record(const RunRecord& record) {
    record_ = &record;
    if (!isVisible()) return;
    const std::shared_ptr<const AttentionView>& newest = record.attention();
    if (!newest) {
        forget_blocks();
        if (!request()) return;
        const QString text = record.empty() ? without_model() : tr("Looking at the model's attention…");
        if (view_ || empty_->text() != text) show_problem(text, true);
        return;
    }
    if (newest == view_ || newest->request != request()) return;
    if (mend_choices(*newest)) return;
    view_ = newest;
    show_view(*newest);
}

bool AttentionPage::mend_choices(const AttentionView& view) {
    if (view.analysis) return false;
    if (view.field == "sample" && view.samples > 0) {
        sample_->setValue(static_cast<int>(view.samples));
        return true;
    }
    if (view.field == "block" && view.request.block > 0) {
        block_->setCurrentIndex(0);
        return true;
    }
    return false;
}

void AttentionPage::show_problem(const QString& text, bool to_come) {
    view_.reset();
    empty_->setText(text);
    map_->set_empty_text(to_come ? tr("The head that is chosen on the left, large.")
                                 : tr("There is no head to show."));
    entropy_->set_empty_text(to_come ? tr("How spread the attention of each position is.")
                                     : tr("There is no attention to measure."));
    table_empty_->setText(to_come ? tr("Each head's mean entropy and syntony stand here.")
                                  : tr("There is no head to measure."));
    qobject_cast<QStackedLayout*>(heads_card_->body()->layout())->setCurrentWidget(empty_);
    for (Card* card : {heads_card_, map_card_, entropy_card_}) card->set_subtitle({});
    map_card_->set_title(tr("Head"));
    samples_->setText({});
    previous_->setEnabled(sample_->value() > 1);
    fit_labels();
    maps_->set_maps(0, {});
    map_->clear();
    entropy_->clear_series();
    head_model_->set_rows({});
}

void AttentionPage::show_view(const AttentionView& view) {
    if (!view.analysis) {
        const auto shown = view_;
        QString text = sentence(view.problem);
        if (!view.hint.empty()) text += QStringLiteral("\n") + sentence(view.hint);
        show_problem(text);
        view_ = shown;
        return;
    }
    const AttentionAnalysis& analysis = *view.analysis;
    show_blocks(analysis);
    sample_->setMaximum(view.samples > 0 ? static_cast<int>(std::min<std::int64_t>(
                                               view.samples, std::numeric_limits<int>::max()))
                                         : std::numeric_limits<int>::max());
    previous_->setEnabled(sample_->value() > 1);
    next_->setEnabled(view.samples == 0 || sample_->value() < sample_->maximum());
    samples_->setText(view.samples > 0 ? tr("of %1").arg(grouped(view.samples)) : QString());
    qobject_cast<QStackedLayout*>(heads_card_->body()->layout())->setCurrentWidget(maps_);
    head_ = std::clamp(head_, 0, static_cast<int>(analysis.heads.size()) - 1);
    show_maps();
    show_entropies();
    choose_head(head_);
    tiles_->suggest(analysis.context, record_->info() ? record_->info()->batch : 0,
                    static_cast<std::int64_t>(analysis.heads.size()), analysis.head_size);
}

void AttentionPage::forget_blocks() {
    if (!block_->isEnabled()) return;
    block_->setCurrentIndex(0);  // asks anew where it was another
    while (block_->count() > 1) block_->removeItem(block_->count() - 1);
    block_->setItemText(0, tr("none"));
    block_->setEnabled(false);
}

void AttentionPage::show_blocks(const AttentionAnalysis& analysis) {
    const QSignalBlocker quiet(block_);
    const auto count = static_cast<int>(analysis.blocks.size());
    while (block_->count() > count) block_->removeItem(block_->count() - 1);
    while (block_->count() < count) block_->addItem({});
    for (int i = 0; i < count; ++i)
        block_->setItemText(i, QString::fromStdString(analysis.blocks[static_cast<std::size_t>(i)]));
    block_->setCurrentIndex(static_cast<int>(analysis.block));
    block_->setEnabled(true);
}

void AttentionPage::show_maps() {
    const AttentionAnalysis& analysis = *view_->analysis;
    const double end = analysis.scale_end;
    const auto places = static_cast<int>(analysis.places);
    std::vector<MapGrid::Map> maps;
    for (std::size_t i = 0; i < analysis.heads.size(); ++i) {
        // Held with its analysis, not copied.
        const HeatMap::Matrix weights(view_->analysis, &analysis.heads[i].weights.values);
        maps.push_back({tr("head %1").arg(i + 1), weights});
    }
    const ValueRange range{0, end};
    maps_->set_range(range);
    maps_->set_maps(places, std::move(maps));
    map_->set_range(range);
    map_->set_value_format([end](float weight) {
        const QString number = QString::number(static_cast<double>(weight), 'g', 2);
        return end < 1 && static_cast<double>(weight) >= end ? QStringLiteral("≥ ") + number : number;
    });
    QString subtitle = tr("queries down, keys across, one scale");
    if (view_->left_out > 0)
        subtitle += tr("; the last %1 %2s").arg(places).arg(QString::fromStdString(view_->token_unit));
    heads_card_->set_subtitle(subtitle);
}

void AttentionPage::show_entropies() {
    const AttentionAnalysis& analysis = *view_->analysis;
    const std::vector<double> bounds = bounds_of(analysis);
    const double most = std::accumulate(bounds.begin(), bounds.end(), 0.0);
    std::vector<AttentionHeadModel::Row> rows;
    for (const AttentionHead& head : analysis.heads)
        rows.push_back({head.mean_entropy,
                        most > 0 ? head.mean_entropy * static_cast<double>(analysis.places) / most : 0,
                        head.mean_syntony});
    head_model_->set_rows(std::move(rows));
    entropy_card_->set_subtitle(analysis.causal ? tr("a position sees itself and those before")
                                                : tr("every position sees all"));
    table_card_->set_subtitle(tr("syntony: 1 − entropy / ln %1").arg(analysis.places));
}

void AttentionPage::choose_head(int head) {
    if (!view_ || !view_->analysis || head < 0 || head >= std::ssize(view_->analysis->heads)) return;
    head_ = head;
    maps_->choose(head);
    if (table_->currentIndex().row() != head) {
        const QSignalBlocker quiet(table_->selectionModel());
        table_->setCurrentIndex(head_model_->index(head, 0));
        table_->viewport()->update();
    }
    show_head();
}

void AttentionPage::show_head() {
    const AttentionAnalysis& analysis = *view_->analysis;
    const AttentionHead& head = analysis.heads[static_cast<std::size_t>(head_)];
    const auto places = static_cast<int>(analysis.places);
    map_->set_data(places, places, HeatMap::Matrix(view_->analysis, &head.weights.values));
    map_card_->set_title(tr("Head %1 of %2").arg(head_ + 1).arg(analysis.heads.size()));
    map_card_->set_subtitle(
        tr("%1, %2 %3s; mean entropy %4 nats")
            .arg(QString::fromStdString(analysis.blocks[static_cast<std::size_t>(analysis.block)]))
            .arg(places)
            .arg(QString::fromStdString(view_->token_unit))
            .arg(head.mean_entropy, 0, 'f', 3));
    fit_labels();

    std::vector<double> positions(static_cast<std::size_t>(places));
    std::iota(positions.begin(), positions.end(), 0.0);
    const std::size_t heads = analysis.heads.size();
    // Of few heads each has its colour; of many the chosen one stands before the others.
    const bool coloured = heads <= kOwnColours;
    entropy_->clear_series();
    const auto add = [&](const SeriesStyle& style, const std::vector<double>& values) {
        entropy_->set_series_data(entropy_->add_series(style), positions, values);
    };
    add({.name = analysis.causal ? tr("even attention, ln(position + 1)") : tr("even attention, ln T"),
         .colour = -1,
         .dashed = true,
         .markers = Markers::never},
        bounds_of(analysis));
    const auto chosen = static_cast<std::size_t>(head_);
    const auto add_head = [&](std::size_t i) {
        add({.name = tr("head %1").arg(i + 1),
             .colour = coloured      ? static_cast<int>(i)
                       : i == chosen ? 0
                                     : -1,
             .markers = Markers::never,
             .width = i == chosen ? 2.0 : 1.0},
            analysis.heads[i].entropy);
    };
    for (std::size_t i = 0; i < heads; ++i)
        if (coloured || i != chosen) add_head(i);
    if (!coloured) add_head(chosen);
    entropy_->set_legend_visible(coloured);
}

void AttentionPage::fit_labels() {
    QString text;
    if (view_ && view_->analysis)
        for (const std::string& name : view_->tokens) {
            const QString unit = QString::fromStdString(name);
            text += unit == QLatin1String("space") ? QStringLiteral(" ") : short_label(unit);
        }
    window_text_->setToolTip(text);
    window_text_->setText(
        window_text_->fontMetrics().elidedText(text, Qt::ElideRight, window_text_->width()));
    if (text.isEmpty()) return;
    map_->set_row_labels({});
    map_->set_column_labels({});
    const QRectF area = map_->matrix_area();
    const double cell =
        area.height() / static_cast<double>(std::max<std::int64_t>(1, view_->analysis->places));
    if (cell < kLabelHeight) return;
    QStringList labels;
    for (const std::string& name : view_->tokens) labels << short_label(QString::fromStdString(name));
    map_->set_row_labels(labels);
    map_->set_column_labels(labels);
}

QString AttentionPage::token(int place) const {
    if (!view_ || place < 0 || place >= std::ssize(view_->tokens)) return QString::number(place);
    return tr("%1 “%2”").arg(place).arg(
        QString::fromStdString(view_->tokens[static_cast<std::size_t>(place)]));
}

}  // namespace spectral::ui
