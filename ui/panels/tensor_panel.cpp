#include "ui/panels/tensor_panel.hpp"

#include <QAction>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ui/card.hpp"
#include "ui/charts/heat_map.hpp"
#include "ui/charts/line_chart.hpp"
#include "ui/panels/format.hpp"
#include "ui/panels/log_slider.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kGap = 12, kMapHeight = 236, kMethodWidth = 172, kFiguresWidth = 210;
/// Of the weights' magnitudes, where the colours end: a few large ones would leave the rest grey.
constexpr double kColoured = 0.998;
constexpr double kFaint = 0.02;  ///< of the coefficients, which are too small to have a colour of their own
constexpr double kPercent = 100;
enum EnergySeries : int { kMethodEnergy, kNoiseEnergy, kNowEnergy };

/// Symmetric around 0, the same for weights, reconstruction and difference.
ValueRange common_range(const std::vector<float>& weights) {
    std::vector<float> sizes;
    sizes.reserve(weights.size());
    for (const float value : weights) sizes.push_back(std::abs(value));
    if (sizes.empty()) return {-1, 1};
    const auto end =
        sizes.begin() + static_cast<std::ptrdiff_t>(kColoured * static_cast<double>(sizes.size() - 1));
    std::ranges::nth_element(sizes, end);
    const double limit = *end > 0 ? static_cast<double>(*end) : 1;
    return {-limit, limit};
}

/// log₁₀ of the magnitude from which colours begin: nearly all are above. Heat maps paint the strongest of a
/// block, so what they are given counts decades above this one.
double colours_begin(const std::vector<float>& logarithms) {
    std::vector<float> known;
    for (const float value : logarithms)
        if (std::isfinite(value)) known.push_back(value);
    if (known.empty()) return 0;
    const auto place =
        known.begin() + static_cast<std::ptrdiff_t>(kFaint * static_cast<double>(known.size() - 1));
    std::ranges::nth_element(known, place);
    return static_cast<double>(*place);
}

QString span_text(std::int64_t cell, std::int64_t per_cell, std::int64_t count) {
    const std::int64_t first = cell * per_cell, last = std::min(first + per_cell, count) - 1;
    return first == last ? QString::number(first) : QStringLiteral("%1–%2").arg(first).arg(last);
}

HeatMap::Formatter place_of(const Cells& cells) {
    return [cells](int row, int column, float value) {
        return TensorPanel::tr("row %1, column %2: %3")
            .arg(span_text(row, cells.rows_per_cell, cells.rows),
                 span_text(column, cells.columns_per_cell, cells.columns), QString::number(value, 'g', 4));
    };
}

void show_picture(HeatMap& map, const Picture& picture) {
    map.set_data(static_cast<int>(picture.cells.down()), static_cast<int>(picture.cells.across()),
                 picture.values);
}

}  // namespace

TensorPanel::TensorPanel(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("tensor_panel"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(kGap);
    column->addWidget(build_controls());
    column->addWidget(build_maps(), 1);
    build_energy();
}

QWidget* TensorPanel::energy_card() const { return energy_card_; }

QWidget* TensorPanel::build_controls() {
    controls_ = new Card(QStringLiteral("tensor_card"), tr("Tensor"));
    auto* body = new QWidget;
    auto* row = new QHBoxLayout(body);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(12);
    method_ = new QComboBox;
    method_->setObjectName(QStringLiteral("tensor_method"));
    method_->setAccessibleName(tr("Method for this tensor"));
    method_->setToolTip(tr("What the tensor below is stored by, to look at; 'fix' stores it so"));
    method_->setFixedWidth(kMethodWidth);
    row->addWidget(method_);
    density_ =
        new LogSlider(QStringLiteral("tensor_density"), tr("Share of the tensor that is kept, in percent"),
                      tr("Share of the tensor's degrees of freedom that is kept: a pair of conjugate "
                         "coefficients counts two, "
                         "a real number one"),
                      {.scale = kPercent, .decimals = 3, .suffix = QStringLiteral(" %")});
    row->addWidget(density_, 1);
    figures_ = new QLabel;
    figures_->setObjectName(QStringLiteral("tensor_figures"));
    figures_->setFont(tabular_font());
    figures_->setMinimumWidth(kFiguresWidth);
    figures_->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    figures_->setToolTip(tr("Stored bytes, dense bytes over them, relative error ‖W − Ŵ‖ / ‖W‖"));
    row->addWidget(figures_);
    fix_ = new QPushButton(tr("Fix"));
    fix_->setObjectName(QStringLiteral("tensor_fix"));
    fix_->setAccessibleName(tr("Fix method and rate of this tensor"));
    fix_->setCheckable(true);
    row->addWidget(fix_);
    controls_->set_body(body);
    show_fix();
    connect(method_, &QComboBox::currentIndexChanged, this, [this] {
        show_fix();
        Q_EMIT lookWanted();
    });
    connect(density_, &LogSlider::valueChanged, this, &TensorPanel::lookWanted);
    connect(fix_, &QPushButton::toggled, this, &TensorPanel::fixToggled);
    return controls_;
}

HeatMap* TensorPanel::add_map(Card& card, const char* name, const QString& accessible) {
    auto* map = new HeatMap;
    map->setObjectName(QLatin1String(name));
    map->setAccessibleName(accessible);
    map->set_colour_map(ColourMapKind::diverging);
    map->set_empty_text(tr("Transforming…"));
    card.add_action(map->export_action());
    card.set_body(map);
    return map;
}

QWidget* TensorPanel::build_maps() {
    auto* maps = new QWidget;
    maps->setMinimumHeight(kMapHeight);
    auto* row = new QHBoxLayout(maps);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(kGap);
    const auto card = [&](const char* name, const QString& title, const QString& subtitle) {
        auto* made = new Card(QLatin1String(name), title, subtitle);
        row->addWidget(made, 1);
        return made;
    };
    weights_card_ = card("weights_card", tr("Weights"), {});
    weights_ = add_map(*weights_card_, "weights_map", tr("Weights, the first axis down"));
    spectrum_card_ = card("spectrum_card", tr("Spectrum"), {});
    phase_ = new QAction(tr("phase"), this);
    phase_->setCheckable(true);
    phase_->setToolTip(tr("Colour by phase, −π to π, instead of magnitude"));
    spectrum_card_->add_action(phase_);
    spectrum_ =
        add_map(*spectrum_card_, "spectrum_map", tr("Log-magnitude spectrum, what is kept in colour"));
    reconstruction_card_ = card("reconstruction_card", tr("Restored"), {});
    reconstruction_ = add_map(*reconstruction_card_, "reconstruction_map", tr("Reconstruction"));
    difference_card_ = card("difference_card", tr("Difference"), {});
    difference_ = add_map(*difference_card_, "difference_map", tr("Weights less reconstruction"));
    connect(phase_, &QAction::toggled, this, [this] {
        spectrum_->clear();
        show_spectrum();
    });
    return maps;
}

void TensorPanel::build_energy() {
    energy_card_ = new Card(QStringLiteral("energy_card"), tr("Energy"), tr("largest coefficients first"));
    energy_ = new LineChart;
    energy_->setObjectName(QStringLiteral("energy_chart"));
    energy_->setAccessibleName(tr("Energy held against share kept"));
    energy_->set_axis_titles({tr("share kept"), tr("%")}, {tr("energy held"), tr("%")});
    energy_->set_log_x(true);
    energy_->set_y_limits(0, kPercent);
    energy_->set_empty_text(tr("How much of ‖W‖² the largest coefficients hold appears here."));
    energy_->add_series({.name = tr("this tensor"), .colour = 0, .markers = Markers::never});
    energy_->add_series({.name = tr("white noise"), .colour = -1, .dashed = true, .markers = Markers::never});
    energy_->add_series({.name = {}, .colour = 1, .markers = Markers::always});
    energy_card_->add_action(energy_->export_action());
    energy_card_->set_body(energy_);
}

void TensorPanel::set_tensor(const std::string& name, const Shape& shape) {
    tensor_ = name;
    view_.reset();
    look_.reset();
    for (HeatMap* map : {weights_, spectrum_, reconstruction_, difference_}) map->clear();
    for (const int series : {kMethodEnergy, kNoiseEnergy, kNowEnergy})
        energy_->set_series_data(series, {}, {});
    energy_->set_cursor(std::nullopt);
    controls_->set_title(QString::fromStdString(name));
    controls_->set_subtitle(
        shape.size() > 0 ? tr("%1, %2 dense")
                               .arg(QString::fromStdString(shape.text()),
                                    human_bytes(static_cast<std::size_t>(shape.size()) * sizeof(float)))
                         : QString());
    figures_->clear();
    const QSignalBlocker quiet(method_);
    method_->clear();
    if (shape.rank() > 0 && shape.size() > 0)
        for (const Method& each : method_registry()) {
            if (!is_practical(each, shape)) continue;
            const QString title = QString::fromStdString(each.title);
            method_->addItem(each.is_null ? tr("%1 (null)").arg(title) : title,
                             QString::fromStdString(each.name));
            method_->setItemData(method_->count() - 1, QString::fromStdString(each.help), Qt::ToolTipRole);
        }
    density_->set_range(1 / static_cast<double>(std::max<std::int64_t>(2, shape.size())), 1);
    controls_->setEnabled(method_->count() > 0);
}

void TensorPanel::choose(const std::string& method, double density, bool fixed) {
    const QSignalBlocker quiet_method(method_), quiet_fix(fix_);
    if (const int place = method_->findData(QString::fromStdString(method)); place >= 0)
        method_->setCurrentIndex(place);
    density_->set_value(density);
    fix_->setChecked(fixed);
    show_fix();
}

void TensorPanel::show_fix() {
    const std::string name = method();
    const bool storable = !name.empty() && !find_method(name).is_null;
    if (!storable && fix_->isChecked()) fix_->setChecked(false);
    fix_->setEnabled(storable);
    fix_->setToolTip(storable ? tr("Store this tensor so, whatever the budget; the others share what is left")
                              : tr("A null is there to compare with, not to store by"));
}

std::string TensorPanel::method() const { return method_->currentData().toString().toStdString(); }

double TensorPanel::density() const { return density_->value(); }

bool TensorPanel::fixes() const { return fix_->isChecked(); }

void TensorPanel::show_view(const CompressSession::View& view) {
    view_ = view;
    look_.reset();
    const ValueRange range = common_range(view->weights.values);
    for (HeatMap* map : {weights_, reconstruction_, difference_}) {
        map->set_range(range);
        map->set_formatter(place_of(view->weights.cells));
    }
    show_picture(*weights_, view->weights);
    spectrum_->clear();
    density_->setEnabled(view->steps > 1);
    show_spectrum();
    show_energy();
}

void TensorPanel::show_spectrum() {
    if (!view_) return;
    const MethodView& view = *view_;
    const bool phase = phase_->isChecked() && view.is_complex;
    phase_->setEnabled(view.is_complex);
    spectrum_card_->set_title(view.map->has_frequencies() ? tr("Spectrum") : tr("Coefficients"));
    spectrum_card_->set_subtitle(view.has_coefficients ? tr("kept in colour") : tr("none is kept"));
    if (spectrum_->rows() == 0) {
        spectrum_->set_colour_map(phase ? ColourMapKind::cyclic : ColourMapKind::viridis);
        spectrum_->set_range(phase ? std::optional(ValueRange{-std::numbers::pi, std::numbers::pi})
                                   : std::nullopt);
        spectrum_->set_formatter([view = view_, panel = this, phase](int row, int column, float) {
            const QString place = QString::fromStdString(view->map->place_text(row, column));
            if (place.isEmpty()) return tr("between two transforms");
            const auto cell =
                static_cast<std::size_t>(row) * static_cast<std::size_t>(view->map->cells().across()) +
                static_cast<std::size_t>(column);
            const double value = phase ? static_cast<double>(view->phases[cell])
                                       : std::pow(10.0, static_cast<double>(view->magnitudes.values[cell]));
            const bool marked = panel->look_ && cell < panel->look_->marks.size();
            return (phase ? tr("%1: phase %2%3") : tr("%1: |c| = %2%3"))
                .arg(place, QString::number(value, 'g', 3),
                     !marked                          ? QString()
                     : panel->look_->marks[cell] != 0 ? tr(", kept")
                                                      : tr(", dropped"));
        });
        Picture picture = view.magnitudes;
        if (phase) {
            picture.values = view.phases;
        } else {
            const auto begin = static_cast<float>(colours_begin(picture.values));
            for (float& value : picture.values)
                if (!std::isnan(value)) value = std::max(0.0F, value - begin);
        }
        show_picture(*spectrum_, picture);
    }
    spectrum_->set_mask(look_ && !look_->marks.empty()
                            ? std::shared_ptr<const std::vector<std::uint8_t>>(look_, &look_->marks)
                            : nullptr);
}

void TensorPanel::show_energy() {
    const auto set = [this](EnergySeries series, const std::vector<EnergyPoint>& points) {
        std::vector<double> xs, ys;
        for (const EnergyPoint& point : points) {
            xs.push_back(kPercent * point.kept);
            ys.push_back(kPercent * point.energy);
        }
        energy_->set_series_data(series, std::move(xs), std::move(ys));
    };
    set(kMethodEnergy, view_->energies.size() > 1 ? view_->energies : std::vector<EnergyPoint>{});
    set(kNoiseEnergy, view_->noise);
    if (!look_) return;
    const double kept = std::min(1.0, look_->kept);
    set(kNowEnergy, {{kept, look_->packed.energy_retained()}});
    energy_->set_cursor(kPercent * kept);
    energy_card_->set_subtitle(
        tr("%1 of it in %2").arg(percent(look_->packed.energy_retained()), percent(look_->kept)));
}

void TensorPanel::show_look(const CompressSession::Look& look) {
    look_ = look;
    if (!view_) return;
    const PackedTensor& packed = look->packed;
    const auto bytes = static_cast<double>(packed.stored_bytes());
    const double ratio = static_cast<double>(packed.dense_bytes()) / bytes;
    figures_->setText(tr("%1 · %2 × · error %3")
                          .arg(human_bytes(packed.stored_bytes()), QString::number(ratio, 'f', 1),
                               QString::number(packed.relative_error, 'f', 3)));
    reconstruction_card_->set_subtitle(tr("at %1 ×").arg(ratio, 0, 'f', 1));
    difference_card_->set_subtitle(tr("error %1").arg(packed.relative_error, 0, 'f', 2));
    show_picture(*reconstruction_, look->reconstruction);
    show_picture(*difference_, look->difference);
    show_spectrum();
    show_energy();
}

void TensorPanel::show_problem(const QString& what) {
    view_.reset();
    look_.reset();
    figures_->clear();
    for (HeatMap* map : {weights_, spectrum_, reconstruction_, difference_}) map->clear();
    controls_->set_subtitle(what);
}

}  // namespace spectral::ui
