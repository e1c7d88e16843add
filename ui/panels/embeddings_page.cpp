// What the Embeddings page does; its cards are built in embeddings_page_build.cpp.
#include "ui/panels/embeddings_page.hpp"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QLineEdit>
#include <QMetaObject>
#include <QSignalBlocker>
#include <QSpinBox>
#include <algorithm>
#include <exception>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/nn/embedding.hpp"
#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/point_cloud.hpp"
#include "ui/models/neighbour_table_model.hpp"
#include "ui/panels/format.hpp"

namespace spectral::ui {

namespace {

constexpr std::int64_t kNeighbours = 12, kShownWindings = 8;

const PatternSnapshot::Matrix* embedding_in(const PatternSnapshot& snapshot) {
    const auto found = std::ranges::find_if(snapshot.matrices, [](const PatternSnapshot::Matrix& matrix) {
        return matrix.name == "embedding" && matrix.values.shape.rank() == 2;
    });
    return found == snapshot.matrices.end() ? nullptr : &*found;
}

}  // namespace

EmbeddingsPage::~EmbeddingsPage() = default;

EncodingRequest EmbeddingsPage::request() const {
    return {
        .width = width_->value(),
        .positions = positions_->value(),
        .heads = heads_->value(),
        .vocabulary = vocabulary_->value(),
        .along = along_->currentData().toLongLong(),
        .around = around_->currentData().toLongLong(),
        .similarity_of = similarity_standard_->isChecked() ? PositionKind::standard : PositionKind::golden};
}

void EmbeddingsPage::suggest(QSpinBox& box, std::int64_t value) {
    const auto wanted = static_cast<int>(std::clamp<std::int64_t>(value, box.minimum(), box.maximum()));
    if (sizes_by_hand_ || value <= 0 || wanted == box.value()) return;
    const QSignalBlocker quiet(box);
    box.setValue(wanted);
    stale_ = true;
}

void EmbeddingsPage::suggest_heads(std::int64_t heads) {
    suggest(*heads_, heads);
    if (isVisible() && stale_) ask_encodings();
}

void EmbeddingsPage::ask_encodings() {
    if (!isVisible()) return;
    stale_ = false;
    const std::int64_t asked = ++encodings_asked_;
    encoding_worker_.submit([this, asked, wanted = request()](const std::atomic<bool>& unwanted) {
        auto view = std::make_shared<const EncodingView>(view_encodings(wanted));
        if (unwanted) return;
        QMetaObject::invokeMethod(
            this,
            [this, asked, view] {
                if (asked != encodings_asked_) return;
                encodings_shown_ = asked;
                show_encodings(*view);
            },
            Qt::QueuedConnection);
    });
}

void EmbeddingsPage::ask_vectors() {
    if (!isVisible()) return;
    const std::int64_t asked = ++vectors_asked_;
    const auto source = static_cast<Source>(source_->currentData().toInt());
    vector_worker_.submit(
        [this, asked, source, wanted = request(), embedding = embedding_](const std::atomic<bool>& unwanted) {
            std::function<void()> then;
            try {
                std::shared_ptr<const HostTensor> vectors = embedding;
                if (source == kWindings)
                    vectors = std::make_shared<const HostTensor>(winding_table(
                        wanted.vocabulary, kShownWindings, std::min(wanted.vocabulary, kMostTokensShown)));
                else if (source != kModel)
                    vectors = std::make_shared<const HostTensor>(
                        position_table(source == kGolden ? PositionKind::golden : PositionKind::standard,
                                       wanted.positions, wanted.width));
                auto view = std::make_shared<const VectorView>(view_vectors(std::move(vectors)));
                then = [this, view] { show_vectors(*view); };
            } catch (const std::exception& error) {
                then = [this, what = QString::fromUtf8(error.what())] { show_vector_trouble(what); };
            }
            if (unwanted) return;
            QMetaObject::invokeMethod(
                this,
                [this, asked, then = std::move(then)] {
                    if (asked != vectors_asked_) return;
                    vectors_shown_ = asked;
                    then();
                },
                Qt::QueuedConnection);
        });
}

void EmbeddingsPage::show_encodings(const EncodingView& view) {
    const auto width = static_cast<int>(view.request.width),
               positions = static_cast<int>(view.request.positions);
    golden_->set_data(positions, width, view.golden);
    standard_->set_data(positions, width, view.standard);
    similarity_->set_data(positions, positions, view.similarity);
    const QString size = tr("%1 × %2").arg(positions).arg(width);
    golden_card_->set_subtitle(size);
    standard_card_->set_subtitle(size);
    similarity_card_->set_subtitle(view.request.similarity_of == PositionKind::golden ? tr("golden")
                                                                                      : tr("standard"));
    // Distance 0 has no place on a logarithmic axis, and is 1 in every curve.
    std::vector<double> distances(view.golden_curve.size() - 1);
    std::iota(distances.begin(), distances.end(), 1.0);
    int series = 0;
    for (const std::vector<double>* curve : {&view.rotary_curve, &view.standard_curve, &view.golden_curve})
        curve_->set_series_data(series++, distances, {curve->begin() + 1, curve->end()});
    curve_->set_series_name(0, tr("rotary, heads of %1").arg(view.head_size));
    std::vector<PointCloud::Point> points;
    for (std::size_t token = 0; token < view.torus.size(); ++token)
        points.push_back({view.torus[token].x, view.torus[token].y, view.torus[token].z,
                          static_cast<double>(token) / static_cast<double>(view.request.vocabulary)});
    torus_->set_points(std::move(points));
    torus_->choose(chosen_);
    torus_card_->set_subtitle(
        tr("%1 of %2 tokens, windings %3 and %4")
            .arg(grouped(static_cast<std::int64_t>(view.torus.size())), grouped(view.request.vocabulary))
            .arg(view.request.along)
            .arg(view.request.around));
}

void EmbeddingsPage::show_vectors(const VectorView& view) {
    vectors_ = view;
    const HostTensor& at = view.components.coordinates;
    const std::int64_t count = at.shape[0], kept = at.shape[1];
    std::vector<PointCloud::Point> points;
    for (std::int64_t i = 0; i < count; ++i) {
        const auto coordinate = [&](std::int64_t k) {
            return k < kept ? static_cast<double>(at.values[static_cast<std::size_t>(i * kept + k)]) : 0.0;
        };
        points.push_back(
            {coordinate(0), coordinate(1), 0,
             static_cast<double>(i) / static_cast<double>(std::max<std::int64_t>(1, count - 1))});
    }
    scatter_->set_points(std::move(points));
    const auto axis = [&](std::size_t k) {
        const std::vector<double>& share = view.components.share;
        return tr("component %1: %2").arg(k + 1).arg(percent(k < share.size() ? share[k] : 0));
    };
    scatter_->set_axis_titles(axis(0), axis(1));
    vectors_card_->set_subtitle(tr("%1 vectors of %2 numbers; axes: share of the variance")
                                    .arg(grouped(view.vectors->shape[0]), grouped(view.vectors->shape[1])));
    choose(chosen_ < static_cast<int>(count) ? chosen_ : -1);
}

void EmbeddingsPage::show_vector_trouble(const QString& what) {
    vectors_ = {};
    scatter_->set_empty_text(what);
    scatter_->set_points({});
    vectors_card_->set_subtitle({});
    choose(-1);
}

void EmbeddingsPage::show_record(const RunRecord& record) {
    record_ = &record;
    if (isVisible()) follow_record();
}

void EmbeddingsPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    const bool stale = stale_ || encodings_asked_ == 0;
    if (stale) ask_encodings();
    follow_record();
    if (stale || vectors_asked_ == 0) ask_vectors();
}

void EmbeddingsPage::follow_record() {
    if (record_ == nullptr) return;
    const RunRecord::Snapshot newest =
        record_->snapshots().empty() ? RunRecord::Snapshot() : record_->snapshots().back();
    if (newest == snapshot_) return;
    snapshot_ = newest;
    show_syntony();
    const PatternSnapshot::Matrix* matrix = newest ? embedding_in(*newest) : nullptr;
    const bool had = embedding_ != nullptr;
    // Held with its snapshot, not copied.
    embedding_ = matrix == nullptr ? nullptr : std::shared_ptr<const HostTensor>(newest, &matrix->values);
    none_of_model_->setVisible(newest && embedding_ == nullptr);
    if (embedding_) {
        suggest(*width_, embedding_->shape[1] / 2 * 2);
        suggest(*vocabulary_, embedding_->shape[0]);
        if (stale_) ask_encodings();
    }
    const int place = source_->findData(static_cast<int>(kModel));
    if (embedding_ == nullptr) {
        if (place >= 0) source_->removeItem(place);  // asks for another source where it was on show
        return;
    }
    if (!had) {
        source_->addItem(tr("the model's embedding"), static_cast<int>(kModel));
        source_->setCurrentIndex(source_->count() - 1);
    } else if (source_->currentIndex() == place) {
        ask_vectors();
    }
}

void EmbeddingsPage::show_syntony() {
    std::vector<double> steps, values;
    for (const RunRecord::Snapshot& snapshot : record_->snapshots()) {
        if (!snapshot->syntony) continue;
        steps.push_back(static_cast<double>(snapshot->step));
        values.push_back(*snapshot->syntony);
    }
    syntony_card_->setVisible(!steps.empty());
    syntony_->set_series_data(0, std::move(steps), std::move(values));
}

QString EmbeddingsPage::name_of(int token) const {
    const int source = source_->currentData().toInt();
    if (source == kGolden || source == kStandard) return tr("position %1").arg(token);
    if (source == kModel && record_ != nullptr && record_->evaluation() && embedding_) {
        const std::vector<std::string>& names = record_->evaluation()->class_names;
        if (static_cast<std::int64_t>(names.size()) == embedding_->shape[0])
            return tr("%1 (token %2)")
                .arg(QString::fromStdString(names[static_cast<std::size_t>(token)]))
                .arg(token);
    }
    return tr("token %1").arg(token);
}

void EmbeddingsPage::choose(int token) {
    chosen_ = token;
    scatter_->choose(token);
    const int source = source_->currentData().toInt();
    torus_->choose(source == kWindings || source == kModel ? token : -1);
    show_neighbours();
}

void EmbeddingsPage::show_neighbours() {
    std::vector<NeighbourTableModel::Row> rows;
    std::vector<int> marked;
    if (vectors_.vectors && chosen_ >= 0 && chosen_ < vectors_.vectors->shape[0])
        for (const Neighbour& each : cosine_neighbours(*vectors_.vectors, chosen_, kNeighbours)) {
            const auto token = static_cast<int>(each.token);
            rows.push_back({token, name_of(token), each.similarity});
            marked.push_back(token);
        }
    neighbours_card_->set_subtitle(chosen_ >= 0 ? tr("of %1").arg(name_of(chosen_)) : QString());
    neighbour_model_->set_rows(std::move(rows));
    scatter_->set_marked(std::move(marked));
}

void EmbeddingsPage::search(const QString& text) {
    const auto count = static_cast<int>(scatter_->points().size());
    if (text.isEmpty() || count == 0) return;
    // A number alone names a token, anything else is part of a name; the search begins behind the chosen one.
    bool number = false;
    const int token = text.toInt(&number);
    if (number && token >= 0 && token < count) return choose(token);
    for (int step = 1; step <= count; ++step) {
        const int candidate = (std::max(chosen_, -1) + step) % count;
        if (name_of(candidate).contains(text, Qt::CaseInsensitive)) return choose(candidate);
    }
}

}  // namespace spectral::ui
