// The cards of the Embeddings page.
#include <QAction>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QTableView>
#include <QVBoxLayout>

#include "engine/nn/embedding.hpp"
#include "ui/card.hpp"
#include "ui/charts/bar_delegate.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/charts/point_cloud.hpp"
#include "ui/models/neighbour_table_model.hpp"
#include "ui/panels/embeddings_page.hpp"
#include "ui/panels/scrolled.hpp"
#include "ui/panels/table.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMargin = 14, kGap = 12, kMapHeight = 250, kCurveHeight = 270, kVectorsHeight = 320,
              kSyntonyHeight = 170;
constexpr int kColumns = 6, kNumberWidth = 74, kSimilarityWidth = 150;
constexpr int kChoosableWindings = 12, kMostWidth = 1024, kMostPositions = 512, kMostHeads = 64,
              kMostVocabulary = 65536;

}  // namespace

EmbeddingsPage::EmbeddingsPage(QWidget* parent)
    : QWidget(parent), neighbour_model_(new NeighbourTableModel(this)) {
    setObjectName(QStringLiteral("embeddings_page"));
    QWidget* content = make_scrolled(*this, "embeddings_scroll");
    auto* grid = new QGridLayout(content);
    grid->setContentsMargins(kMargin, kMargin, kMargin, kMargin);
    grid->setSpacing(kGap);
    for (int column = 0; column < kColumns; ++column) grid->setColumnStretch(column, 1);
    grid->addWidget(build_controls(), 0, 0, 1, kColumns);
    build_encodings(*grid);
    build_curve(*grid);
    build_torus(*grid);
    build_vectors(*grid);
    build_syntony(*grid);
    int row = 1;
    for (const int height : {kMapHeight, kCurveHeight, kVectorsHeight}) {
        grid->setRowMinimumHeight(row, height);
        grid->setRowStretch(row++, height);
    }
}

QSpinBox* EmbeddingsPage::add_number(QHBoxLayout& row, const char* name, const QString& caption,
                                     const QString& tip, int low, int high, int value) {
    auto* label = new QLabel(caption);
    set_role(*label, QStringLiteral("muted"));
    row.addWidget(label);
    auto* box = new QSpinBox;
    box->setObjectName(QLatin1String(name));
    box->setAccessibleName(caption);
    box->setToolTip(tip);
    box->setRange(low, high);
    box->setValue(value);
    box->setKeyboardTracking(false);
    box->setFocusPolicy(Qt::StrongFocus);
    box->setFixedWidth(kNumberWidth);
    label->setBuddy(box);
    row.addWidget(box);
    row.addSpacing(kGap);
    return box;
}

QComboBox* EmbeddingsPage::add_winding(QHBoxLayout& row, const char* name, const QString& way, int chosen) {
    auto* box = new QComboBox;
    box->setObjectName(QLatin1String(name));
    box->setAccessibleName(tr("Winding %1").arg(way));
    box->setToolTip(
        tr("How often the whole vocabulary goes %1; the numbers have no factor in common").arg(way));
    for (const std::int64_t winding : winding_numbers(kChoosableWindings))
        box->addItem(QString::number(winding), static_cast<qlonglong>(winding));
    box->setCurrentIndex(chosen);
    row.addWidget(box);
    connect(box, &QComboBox::currentIndexChanged, this, &EmbeddingsPage::ask_encodings);
    return box;
}

QWidget* EmbeddingsPage::build_controls() {
    auto* frame = new QFrame;
    set_role(*frame, QStringLiteral("card"));
    frame->setObjectName(QStringLiteral("embeddings_controls"));
    auto* column = new QVBoxLayout(frame);
    column->setContentsMargins(12, 7, 12, 7);
    column->setSpacing(6);
    auto* row = new QHBoxLayout;
    column->addLayout(row);
    row->setSpacing(8);
    none_of_model_ = new QLabel(tr(
        "The model on show has no embedding: what is shown below comes of these sizes and is none of its."));
    none_of_model_->setObjectName(QStringLiteral("embeddings_none"));
    set_role(*none_of_model_, QStringLiteral("muted"));
    none_of_model_->hide();
    column->addWidget(none_of_model_);
    const EncodingRequest first;
    width_ = add_number(*row, "embeddings_width", tr("dimensions"),
                        tr("Numbers that encode a position: pairs of a sine and a cosine, so an even number"),
                        2, kMostWidth, static_cast<int>(first.width));
    width_->setSingleStep(2);
    positions_ = add_number(*row, "embeddings_positions", tr("positions"),
                            tr("Positions in the matrices; the curve goes to a distance of 10,000"), 2,
                            kMostPositions, static_cast<int>(first.positions));
    heads_ =
        add_number(*row, "embeddings_heads", tr("heads"),
                   tr("Rotary encoding turns every head on its own: its size is the dimensions by the heads"),
                   1, kMostHeads, static_cast<int>(first.heads));
    vocabulary_ = add_number(*row, "embeddings_vocabulary", tr("vocabulary"),
                             tr("Tokens that go round the torus; of more than 4,096 the first are painted"),
                             2, kMostVocabulary, static_cast<int>(first.vocabulary));
    auto* windings = new QLabel(tr("windings"));
    set_role(*windings, QStringLiteral("muted"));
    row->addWidget(windings);
    along_ = add_winding(*row, "embeddings_along", tr("around the ring"), 0);
    around_ = add_winding(*row, "embeddings_around", tr("around the tube"), 1);
    windings->setBuddy(along_);
    row->addStretch(1);
    connect(width_, &QSpinBox::valueChanged, this, [this](int width) {
        if (width % 2 != 0) return width_->setValue(width - 1);
        ask_encodings();
        ask_vectors();
    });
    for (QSpinBox* box : {positions_, vocabulary_})
        connect(box, &QSpinBox::valueChanged, this, [this] {
            ask_encodings();
            ask_vectors();
        });
    connect(heads_, &QSpinBox::valueChanged, this, &EmbeddingsPage::ask_encodings);
    for (QSpinBox* box : {width_, heads_, vocabulary_})
        connect(box, &QSpinBox::valueChanged, this, [this] { sizes_by_hand_ = true; });
    return frame;
}

Card* EmbeddingsPage::make_map_card(const char* name, const QString& title, HeatMap*& map) {
    auto* card = new Card(QLatin1String(name) + QStringLiteral("_card"), title);
    map = new HeatMap;
    map->setObjectName(QLatin1String(name) + QStringLiteral("_map"));
    map->setAccessibleName(title);
    map->set_colour_map(ColourMapKind::diverging);
    map->set_range(ValueRange{-1, 1});
    card->set_body(map);
    return card;
}

void EmbeddingsPage::build_encodings(QGridLayout& grid) {
    golden_card_ = make_map_card("golden_encoding", tr("Golden encoding"), golden_);
    standard_card_ = make_map_card("standard_encoding", tr("Standard encoding"), standard_);
    golden_card_->add_action(golden_->export_action());
    standard_card_->add_action(standard_->export_action());
    for (HeatMap* map : {golden_, standard_}) {
        map->set_axis_titles(tr("position"), tr("dimension"));
        map->set_formatter([](int row, int column, float value) {
            return tr("position %1, dimension %2: %3")
                .arg(row)
                .arg(column)
                .arg(static_cast<double>(value), 0, 'f', 3);
        });
    }
    similarity_card_ = make_map_card("position_similarity", tr("Similarity of positions"), similarity_);
    similarity_->set_axis_titles(tr("position"), tr("position"));
    similarity_->set_formatter([](int row, int column, float value) {
        return tr("positions %1 and %2: cosine %3")
            .arg(row)
            .arg(column)
            .arg(static_cast<double>(value), 0, 'f', 3);
    });
    similarity_standard_ = new QAction(tr("standard"), this);
    similarity_standard_->setObjectName(QStringLiteral("similarity_standard"));
    similarity_standard_->setCheckable(true);
    similarity_standard_->setToolTip(tr("Of the standard encoding instead of the golden one"));
    similarity_card_->add_action(similarity_standard_);
    similarity_card_->add_action(similarity_->export_action());
    connect(similarity_standard_, &QAction::toggled, this, &EmbeddingsPage::ask_encodings);
    grid.addWidget(golden_card_, 1, 0, 1, 2);
    grid.addWidget(standard_card_, 1, 2, 1, 2);
    grid.addWidget(similarity_card_, 1, 4, 1, 2);
}

void EmbeddingsPage::build_curve(QGridLayout& grid) {
    auto* card = new Card(QStringLiteral("aliasing_card"), tr("Aliasing"),
                          tr("where it comes back to 1, two positions look alike"));
    curve_ = new LineChart;
    curve_->setObjectName(QStringLiteral("aliasing_chart"));
    curve_->setAccessibleName(tr("Similarity of two positions by their distance"));
    curve_->set_axis_titles({tr("distance"), tr("positions")}, {tr("cosine similarity")});
    curve_->set_y_limits(-1, 1);
    curve_->set_log_x(true);
    // The last is painted on top.
    curve_->add_series({.name = tr("rotary"), .colour = 2, .markers = Markers::never});
    curve_->add_series({.name = tr("standard"), .colour = 1, .markers = Markers::never});
    curve_->add_series({.name = tr("golden"), .colour = 0, .markers = Markers::never});
    card->add_action(curve_->export_action());
    card->set_body(curve_);
    grid.addWidget(card, 2, 0, 1, 3);
}

void EmbeddingsPage::build_torus(QGridLayout& grid) {
    torus_card_ = new Card(QStringLiteral("torus_card"), tr("Winding torus"));
    torus_ = new PointCloud;
    torus_->setObjectName(QStringLiteral("torus_cloud"));
    torus_->setAccessibleName(tr("Tokens on the torus of two windings"));
    torus_->set_space(true);
    torus_->set_torus(kTubeRadius);
    torus_->set_colour_map(ColourMapKind::cyclic);
    torus_->set_names([](int token) { return tr("token %1").arg(token); });
    torus_card_->add_action(torus_->turning_action());
    torus_card_->add_action(torus_->export_action());
    torus_card_->set_body(torus_);
    connect(torus_, &PointCloud::pointChosen, this, &EmbeddingsPage::choose);
    grid.addWidget(torus_card_, 2, 3, 1, 3);
}

void EmbeddingsPage::build_vectors(QGridLayout& grid) {
    vectors_card_ = new Card(QStringLiteral("vectors_card"), tr("Principal components"));
    auto* body = new QWidget;
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    source_ = new QComboBox;
    source_->setObjectName(QStringLiteral("vectors_source"));
    source_->setAccessibleName(tr("Vectors on show"));
    source_->setToolTip(
        tr("Whose vectors are shown. A model with an embedding of tokens adds its own, while it "
           "trains and when it is opened"));
    source_->addItem(tr("golden encoding"), static_cast<int>(kGolden));
    source_->addItem(tr("standard encoding"), static_cast<int>(kStandard));
    source_->addItem(tr("winding features"), static_cast<int>(kWindings));
    row->addWidget(source_);
    search_ = new QLineEdit;
    search_->setObjectName(QStringLiteral("vectors_search"));
    search_->setAccessibleName(tr("Find a token"));
    search_->setPlaceholderText(tr("find a token by name or number"));
    search_->setToolTip(tr("Return finds the next one"));
    search_->setClearButtonEnabled(true);
    row->addWidget(search_, 1);
    column->addLayout(row);
    scatter_ = new PointCloud;
    scatter_->setObjectName(QStringLiteral("vectors_cloud"));
    scatter_->setAccessibleName(tr("First two principal components of the vectors"));
    scatter_->set_names([this](int token) { return name_of(token); });
    column->addWidget(scatter_, 1);
    vectors_card_->add_action(scatter_->export_action());
    vectors_card_->set_body(body);
    connect(source_, &QComboBox::currentIndexChanged, this, &EmbeddingsPage::ask_vectors);
    connect(search_, &QLineEdit::returnPressed, this, [this] { search(search_->text()); });
    connect(scatter_, &PointCloud::pointChosen, this, &EmbeddingsPage::choose);
    grid.addWidget(vectors_card_, 3, 0, 1, 4);

    neighbours_card_ = new Card(QStringLiteral("neighbours_card"), tr("Nearest"));
    neighbours_ = make_table("neighbours_table", tr("Vectors most like the chosen one"), neighbour_model_);
    neighbours_->setToolTip(tr("By the cosine of the angle between the vectors; a double click goes there"));
    neighbours_->setItemDelegateForColumn(NeighbourTableModel::kSimilarity,
                                          new BarDelegate(NeighbourTableModel::kShareRole, neighbours_));
    neighbours_->horizontalHeader()->setSectionResizeMode(NeighbourTableModel::kSimilarity,
                                                          QHeaderView::Fixed);
    neighbours_->setColumnWidth(NeighbourTableModel::kSimilarity, kSimilarityWidth);
    neighbours_->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Ignored);
    neighbours_card_->set_body(
        make_table_or_text(*neighbours_, "neighbours_empty", tr("Choose a point, or find one by its name.")));
    connect(neighbours_, &QTableView::activated, this, [this](const QModelIndex& index) {
        if (const int token = neighbour_model_->token_at(index.row()); token >= 0) choose(token);
    });
    grid.addWidget(neighbours_card_, 3, 4, 1, 2);
}

void EmbeddingsPage::build_syntony(QGridLayout& grid) {
    syntony_card_ =
        new Card(QStringLiteral("syntony_card"), tr("Syntony"),
                 tr("of the embedding while it trains: windings by the energy that the projection "
                    "takes from low ones, tables by what harmonisation brings back"));
    syntony_ = new LineChart;
    syntony_->setObjectName(QStringLiteral("syntony_chart"));
    syntony_->setAccessibleName(tr("Syntony of the embedding over the steps of the run"));
    syntony_->set_axis_titles({tr("step")}, {tr("syntony")});
    syntony_->set_y_limits(0, 1);
    syntony_->set_legend_visible(false);
    syntony_->add_series({.name = tr("syntony"), .colour = 0});
    syntony_card_->add_action(syntony_->export_action());
    syntony_card_->set_body(syntony_);
    syntony_->setMinimumHeight(kSyntonyHeight);
    syntony_card_->hide();
    grid.addWidget(syntony_card_, 4, 0, 1, kColumns);
}

}  // namespace spectral::ui
