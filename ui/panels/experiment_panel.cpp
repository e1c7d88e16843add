#include "ui/panels/experiment_panel.hpp"

#include <QFileDialog>
#include <QFileInfo>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/features.hpp"
#include "engine/nn/registry.hpp"
#include "engine/optim/optimiser.hpp"
#include "ui/panels/field_edit.hpp"
#include "ui/panels/schema_form.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kSettle_ms = 200;

const std::vector<std::string> kMainFields{"optimiser", "learning_rate", "momentum",
                                           "batch",     "epochs",        "seed"};
const std::vector<std::string> kElsewhere{"dataset",         "data",         "model", "features",
                                          "dataset_options", "model_options"};

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

/// The training fields of the first or of the folded part of the form, in the order given above.
Schema training_part(bool main) {
    Schema part;
    if (main) {
        for (const std::string& name : kMainFields)
            if (const Field* field = find_field(training_schema(), name)) part.push_back(*field);
        return part;
    }
    for (const Field& field : training_schema())
        if (!contains(kMainFields, field.name) && !contains(kElsewhere, field.name)) part.push_back(field);
    return part;
}

struct Choices {
    Field field;
    QStringList titles, helps;
    void add(const std::string& name, const std::string& title, const std::string& help) {
        field.choices.push_back(name);
        titles << QString::fromStdString(title);
        helps << QString::fromStdString(help);
    }
};

Choices make_choices(const char* name, const char* label, const char* help) {
    Choices choices;
    choices.field.name = name;
    choices.field.type = FieldType::choice;
    choices.field.label = label;
    choices.field.help = help;
    return choices;
}

}  // namespace

ExperimentPanel::ExperimentPanel(std::shared_ptr<Workspace> workspace, QWidget* parent)
    : QWidget(parent), probe_(std::move(workspace)) {
    setObjectName(QStringLiteral("experiment_panel"));
    set_role(*this, QStringLiteral("side"));
    setAttribute(Qt::WA_StyledBackground);
    setFixedWidth(kWidth);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 1, 0);
    outer->setSpacing(0);
    auto* scroll = new QScrollArea(this);
    scroll->setObjectName(QStringLiteral("experiment_scroll"));
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setFocusPolicy(Qt::NoFocus);
    outer->addWidget(scroll, 1);
    auto* content = new QWidget(scroll);
    scroll->setWidget(content);
    column_ = new QVBoxLayout(content);
    column_->setContentsMargins(14, 12, 14, 12);
    column_->setSpacing(0);

    add_section(tr("DATA"));
    source_ = add_form(QStringLiteral("form_source"));
    data_options_ = add_form(QStringLiteral("form_data"));
    features_ = add_form(QStringLiteral("form_features"));
    add_section(tr("MODEL"));
    model_choice_ = add_form(QStringLiteral("form_model"));
    model_options_ = add_form(QStringLiteral("form_model_options"));
    auto* count = new QGridLayout;
    count->setContentsMargins(0, 0, 0, 0);
    count->setSpacing(0);
    count->setColumnMinimumWidth(0, SchemaForm::kLabelWidth);
    auto* count_label = new QLabel(tr("parameters"), this);
    set_role(*count_label, QStringLiteral("muted"));
    count_label->setMinimumHeight(SchemaForm::kRowHeight);
    parameters_ = new FieldEdit(this);
    parameters_->setObjectName(QStringLiteral("parameter_count"));
    parameters_->setAccessibleName(tr("parameters"));
    parameters_->setReadOnly(true);
    parameters_->setFocusPolicy(Qt::ClickFocus);
    count_label->setBuddy(parameters_);
    count->addWidget(count_label, 0, 0);
    count->addWidget(parameters_, 0, 1);
    column_->addLayout(count);
    add_section(tr("TRAINING"));
    training_ = add_form(QStringLiteral("form_training"));
    more_button_ = new QToolButton(this);
    more_button_->setObjectName(QStringLiteral("more_settings"));
    more_button_->setText(tr("More settings"));
    more_button_->setAccessibleName(tr("More settings"));
    more_button_->setToolTip(tr("First weights, validation, time limit, backend, threads and memory limit"));
    more_button_->setCheckable(true);
    more_button_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    more_button_->setArrowType(Qt::RightArrow);
    more_button_->setFocusPolicy(Qt::StrongFocus);
    column_->addWidget(more_button_, 0, Qt::AlignLeft);
    more_ = add_form(QStringLiteral("form_more"));
    more_->hide();
    connect(more_button_, &QToolButton::toggled, this, [this](bool shown) {
        more_->setVisible(shown);
        more_button_->setArrowType(shown ? Qt::DownArrow : Qt::RightArrow);
    });
    column_->addStretch(1);

    // The truth about the model stays in sight however far the fields are scrolled.
    auto* foot = new QVBoxLayout;
    foot->setContentsMargins(14, 8, 14, 12);
    foot->setSpacing(8);
    note_ = new QLabel(this);
    note_->setObjectName(QStringLiteral("model_note"));
    note_->setWordWrap(true);
    set_role(*note_, QStringLiteral("note"));
    foot->addWidget(note_);
    foot->addWidget(build_ceiling());
    outer->addLayout(foot);

    settle_.setSingleShot(true);
    settle_.setInterval(kSettle_ms);
    connect(&settle_, &QTimer::timeout, this, [this] {
        update_parameters();
        update_note();
        Q_EMIT changed();
    });
    set_config(ExperimentConfig());
}

void ExperimentPanel::add_section(const QString& title) {
    if (column_->count() > 0) column_->addSpacing(12);
    auto* label = new QLabel(title, this);
    set_role(*label, QStringLiteral("section"));
    QFont font = label->font();
    font.setLetterSpacing(QFont::PercentageSpacing, 106);
    label->setFont(font);
    column_->addWidget(label);
    column_->addSpacing(4);
}

SchemaForm* ExperimentPanel::add_form(const QString& object_name) {
    auto* form = new SchemaForm(this);
    form->setObjectName(object_name);
    column_->addWidget(form);
    connect(form, &SchemaForm::edited, this, &ExperimentPanel::field_edited);
    connect(form, &SchemaForm::committed, this, &ExperimentPanel::field_committed);
    return form;
}

QWidget* ExperimentPanel::build_ceiling() {
    auto* box = new QWidget(this);
    auto* column = new QVBoxLayout(box);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    measure_ = new QPushButton(tr("Compare with linear models"), box);
    measure_->setObjectName(QStringLiteral("measure_ceiling"));
    measure_->setAccessibleName(measure_->text());
    measure_->setToolTip(tr("Trains logistic regression on the same features, standardised and as they are, "
                            "%1 epochs each, and draws the best accuracy in the accuracy chart")
                             .arg(CeilingProbe::kEpochs));
    measure_progress_ = new QProgressBar(box);
    measure_progress_->setObjectName(QStringLiteral("ceiling_progress"));
    measure_progress_->setAccessibleName(tr("Progress of the measurement"));
    measure_progress_->setRange(0, 1000);
    measure_progress_->setTextVisible(false);
    measure_progress_->hide();
    measure_status_ = new QLabel(box);
    measure_status_->setObjectName(QStringLiteral("ceiling_status"));
    set_role(*measure_status_, QStringLiteral("subtitle"));
    measure_status_->setWordWrap(true);
    measure_status_->hide();
    column->addWidget(measure_);
    column->addWidget(measure_progress_);
    column->addWidget(measure_status_);
    connect(measure_, &QPushButton::clicked, this, &ExperimentPanel::toggle_measurement);
    connect(&probe_, &CeilingProbe::progressed, this, [this](double fraction, const QString& activity) {
        measure_progress_->setValue(static_cast<int>(1000 * fraction));
        measure_status_->setText(activity.isEmpty() ? tr("training linear models") : activity);
    });
    connect(&probe_, &CeilingProbe::measured, this, [this](const std::string& key, double accuracy) {
        ceilings_[key] = accuracy;
        update_note();
        Q_EMIT changed();
    });
    connect(&probe_, &CeilingProbe::ended, this, [this](const QString& why) {
        measure_->setText(tr("Compare with linear models"));
        measure_->setEnabled(true);
        measure_progress_->hide();
        measure_status_->hide();
        Q_EMIT changed();
        if (!why.isEmpty()) Q_EMIT problem(tr("The linear models were not measured: %1").arg(why), {});
    });
    return box;
}

std::string ExperimentPanel::dataset() const { return source_->value("dataset")->get<std::string>(); }

std::string ExperimentPanel::model() const { return model_choice_->value("model")->get<std::string>(); }

void ExperimentPanel::set_config(const ExperimentConfig& config) {
    Choices sets = make_choices("dataset", "data set", "What the model learns from");
    for (const DatasetInfo& info : dataset_registry()) sets.add(info.name, info.title, info.help);
    sets.field.default_value = sets.field.choices.front();
    Field path{"data", FieldType::text, "", "path", "Folder or file that holds the data set"};
    source_->set_schema({sets.field, path}, Json{{"dataset", config.dataset}, {"data", config.data}},
                        "the data");
    source_->set_choice_titles("dataset", sets.titles, sets.helps);

    Choices features = make_choices("features", "features", "What the model sees of a signal");
    features.add("auto", "as the model prefers", "The features that the chosen model is made for");
    for (const FeatureInfo& info : feature_registry()) features.add(info.name, info.title, info.help);
    features.field.default_value = "auto";
    // Features that are the model's own are no choice: another model brings its own.
    const bool preferred = config.features == find_model(config.model).features;
    features_->set_schema({features.field}, Json{{"features", preferred ? "auto" : config.features}},
                          "the features");
    features_->set_choice_titles("features", features.titles, features.helps);

    Choices models = make_choices("model", "model", "What is trained");
    for (const ModelInfo& info : model_registry()) models.add(info.name, info.title, info.help);
    models.field.default_value = models.field.choices.front();
    model_choice_->set_schema({models.field}, Json{{"model", config.model}}, "the model");
    model_choice_->set_choice_titles("model", models.titles, models.helps);

    const Json values = to_json(config);
    training_->set_schema(training_part(true), values, "the training");
    more_->set_schema(training_part(false), values, "the training");
    add_start_browse();
    QStringList titles, helps;
    for (const OptimiserInfo& info : optimiser_registry()) {
        titles << QString::fromStdString(info.title);
        helps << QString::fromStdString(info.help);
    }
    const Field* field = find_field(training_schema(), "optimiser");
    if (field != nullptr && field->choices.size() == optimiser_registry().size())
        training_->set_choice_titles("optimiser", titles, helps);
    rebuild_data(config.dataset_options);
    rebuild_model(config.model_options);
    update_optimiser_fields();
    set_run_active(run_active_);
    update_parameters();
    update_note();
    Q_EMIT changed();
}

void ExperimentPanel::rebuild_data(const Json& values) {
    data_options_->set_schema(find_dataset(dataset()).schema, values, "data set " + dataset());
    data_options_->setVisible(!data_options_->schema().empty());
    update_path_field();
}

void ExperimentPanel::rebuild_model(const Json& values) {
    model_options_->set_schema(find_model(model()).schema, values, "model " + model());
    model_options_->setVisible(!model_options_->schema().empty());
    const std::string& preferred = find_model(model()).features;
    if (auto* combo = qobject_cast<QComboBox*>(features_->control("features"))) {
        QString title = QString::fromStdString(preferred);
        for (const FeatureInfo& info : feature_registry())
            if (info.name == preferred) title = QString::fromStdString(info.title);
        combo->setItemText(0, tr("%1 (auto)").arg(title));
    }
}

QToolButton* ExperimentPanel::add_browse(FieldEdit& edit, const QString& name, const QString& accessible_name,
                                         const QString& tool_tip) {
    edit.setTextMargins(0, 0, 30, 0);
    auto* button = new QToolButton(&edit);
    button->setObjectName(name);
    button->setText(QStringLiteral("…"));
    button->setToolTip(tool_tip);
    button->setAccessibleName(accessible_name);
    auto* row = new QHBoxLayout(&edit);
    row->setContentsMargins(0, 1, 2, 1);
    row->addStretch(1);
    row->addWidget(button);
    return button;
}

void ExperimentPanel::add_start_browse() {
    auto* edit = qobject_cast<FieldEdit*>(more_->control("start"));
    if (edit == nullptr || edit->layout() != nullptr) return;
    const QToolButton* button =
        add_browse(*edit, QStringLiteral("browse_start"), tr("Browse for a model file"),
                   tr("Choose the model file whose weights are the first ones"));
    connect(button, &QToolButton::clicked, this, [this, edit] {
        const QString chosen = QFileDialog::getOpenFileName(this, tr("Model to start from"), edit->text(),
                                                            tr("Models (*.h5 *.hdf5);;All files (*)"));
        if (chosen.isEmpty()) return;
        more_->set_value("start", chosen.toStdString());
        field_edited(QStringLiteral("start"));
    });
}

void ExperimentPanel::update_path_field() {
    const bool needs_path = find_dataset(dataset()).needs_path();
    source_->set_field_visible("data", needs_path);
    auto* edit = qobject_cast<FieldEdit*>(source_->control("data"));
    if (edit == nullptr || edit->layout() != nullptr) return;
    browse_ = add_browse(*edit, QStringLiteral("browse_data"), tr("Browse for the data set"),
                         tr("Choose the folder or file that holds the data set"));
    connect(browse_, &QToolButton::clicked, this, [this] {
        const DataPath kind = find_dataset(dataset()).path;
        if (kind != DataPath::either) {
            browse(kind == DataPath::file);
            return;
        }
        QMenu menu(this);
        const QAction* file = menu.addAction(tr("File…"));
        const QAction* folder = menu.addAction(tr("Folder…"));
        const QAction* chosen = menu.exec(browse_->mapToGlobal(QPoint(0, browse_->height())));
        if (chosen == file || chosen == folder) browse(chosen == file);
    });
}

void ExperimentPanel::browse(bool for_file) {
    const QString before =
        QString::fromStdString(source_->value("data").value_or(Json("")).get<std::string>());
    const QString chosen =
        for_file ? QFileDialog::getOpenFileName(this, tr("File of the data set"), before)
                 : QFileDialog::getExistingDirectory(this, tr("Folder of the data set"), before);
    if (chosen.isEmpty()) return;
    source_->set_value("data", chosen.toStdString());
    field_edited(QStringLiteral("data"));
}

void ExperimentPanel::update_optimiser_fields() {
    const std::optional<Json> chosen = training_->value("optimiser");
    if (!chosen) return;
    const std::string name = chosen->get<std::string>();
    for (const OptimiserInfo& info : optimiser_registry())
        if (info.name == name)
            training_->set_placeholder("learning_rate", QString::number(info.default_learning_rate, 'g', 6));
    training_->set_hint("learning_rate", run_active_ ? tr("live") : QString());
}

std::optional<ExperimentConfig> ExperimentPanel::config() const {
    Json all = Json::object();
    for (const SchemaForm* form : {source_, features_, model_choice_, training_, more_}) {
        const std::optional<Json> values = form->values();
        if (!values) return std::nullopt;
        all.update(*values);
    }
    const std::optional<Json> data_values = data_options_->values(), model_values = model_options_->values();
    if (!data_values || !model_values) return std::nullopt;
    all["dataset_options"] = *data_values;
    all["model_options"] = *model_values;
    try {
        if (!find_dataset(all.value("dataset", "")).needs_path()) all["data"] = "";
        return config_from_json(all, "the form");
    } catch (const Error&) {
        return std::nullopt;  // the field that is wrong is marked
    }
}

}  // namespace spectral::ui
