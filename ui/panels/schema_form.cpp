#include "ui/panels/schema_form.hpp"

#include <QCheckBox>
#include <QGridLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <cmath>

#include "engine/core/error.hpp"
#include "ui/panels/field_edit.hpp"
#include "ui/theme.hpp"

namespace spectral::ui {

namespace {

constexpr int kMaxHint = 8;  ///< letters of a range that is shown in its field

QString text_of(const Json& value) {
    if (value.is_string()) return QString::fromStdString(value.get<std::string>());
    if (value.is_number_integer()) return QString::number(value.get<qlonglong>());
    if (value.is_number()) return QString::number(value.get<double>(), 'g', 10);
    return QString::fromStdString(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

QString sentence(const Error& error) {
    QString text = QString::fromStdString(error.why());
    if (!error.hint().empty()) text += QStringLiteral("; ") + QString::fromStdString(error.hint());
    if (!text.isEmpty()) text[0] = text[0].toUpper();
    return text + QLatin1Char('.');
}

}  // namespace

SchemaForm::SchemaForm(QWidget* parent) : QWidget(parent), grid_(new QGridLayout(this)) {
    grid_->setContentsMargins(0, 0, 0, 0);
    grid_->setHorizontalSpacing(0);
    grid_->setVerticalSpacing(0);
    grid_->setColumnMinimumWidth(0, kLabelWidth);
    grid_->setColumnStretch(1, 1);
}

void SchemaForm::set_schema(const Schema& schema, const Json& values, const std::string& owner) {
    for (const Row& row : rows_) {
        delete row.label;
        delete row.control;
        delete row.problem;
    }
    rows_.clear();
    schema_ = schema;
    owner_ = owner;
    int line = 0;
    for (const Field& field : schema_) {
        add_row(field,
                values.is_object() && values.contains(field.name) ? values[field.name] : field.default_value,
                line);
        line += 2;
    }
    for (Row& row : rows_) mark(row);
    show_what_counts();
}

void SchemaForm::add_row(const Field& field, const Json& value, int line) {
    Row row;
    row.field = field;
    const QString name = QString::fromStdString(field.name);
    const QString label = QString::fromStdString(field.label.empty() ? field.name : field.label);
    const QString help = QString::fromStdString(field.help);
    QString tip = help;
    if (field.type == FieldType::choice) {
        auto* combo = new FieldCombo(this);
        for (const std::string& choice : field.choices)
            combo->addItem(QString::fromStdString(choice), QString::fromStdString(choice));
        connect(combo, &QComboBox::activated, this, [this, key = field.name] { changed(key); });
        row.control = combo;
    } else if (field.type == FieldType::flag) {
        auto* box = new QCheckBox(this);
        connect(box, &QCheckBox::clicked, this, [this, key = field.name] { changed(key); });
        row.control = box;
    } else {
        auto* edit = new FieldEdit(this);
        edit->set_counting(field.type == FieldType::integer);
        const QString range = QString::fromStdString(range_text(field));
        if (range.size() <= kMaxHint && !range.contains(QLatin1Char('e'))) edit->set_hint(range);
        if (!range.isEmpty()) tip += tr(" (%1)").arg(range);
        connect(edit, &QLineEdit::textEdited, this, [this, key = field.name] { changed(key); });
        connect(edit, &QLineEdit::editingFinished, this, [this, key = field.name] {
            Row* edited_row = find(key);
            if (edited_row == nullptr || !edited_row->dirty) return;
            edited_row->dirty = false;
            Q_EMIT committed(QString::fromStdString(key));
        });
        row.control = row.edit = edit;
    }
    row.control->setObjectName(QStringLiteral("field_") + name);
    row.control->setAccessibleName(label);
    row.control->setAccessibleDescription(help);
    row.control->setToolTip(tip);
    row.label = new QLabel(label, this);
    set_role(*row.label, QStringLiteral("muted"));
    row.label->setToolTip(tip);
    row.label->setBuddy(row.control);
    row.label->setMinimumHeight(kRowHeight);
    row.problem = new QLabel(this);
    row.problem->setObjectName(QStringLiteral("problem_") + name);
    row.problem->setWordWrap(true);
    row.problem->hide();
    set_role(*row.problem, QStringLiteral("error"));
    grid_->addWidget(row.label, line, 0);
    grid_->addWidget(row.control, line, 1);
    grid_->addWidget(row.problem, line + 1, 0, 1, 2);
    show_value(row, value);
    // The order of the tab key is the order of the rows.
    if (!rows_.empty()) setTabOrder(rows_.back().control, row.control);
    rows_.push_back(row);
}

void SchemaForm::show_value(Row& row, const Json& value) {
    const QSignalBlocker quiet(row.control);
    if (auto* combo = qobject_cast<QComboBox*>(row.control)) {
        const QString text = text_of(value);
        if (combo->findData(text) < 0) combo->addItem(text, text);
        combo->setCurrentIndex(combo->findData(text));
    } else if (auto* box = qobject_cast<QCheckBox*>(row.control)) {
        box->setChecked(value.is_boolean() && value.get<bool>());
    } else {
        const bool stands_for_default =
            !row.edit->placeholderText().isEmpty() && value == row.field.default_value;
        row.edit->setText(stands_for_default ? QString() : text_of(value));
        // Of a path that is too long the end is shown, with the file's name.
        if (value.is_string())
            row.edit->end(false);
        else
            row.edit->setCursorPosition(0);
    }
    row.dirty = false;
}

Json SchemaForm::read(const Row& row) const {
    if (!counts(row)) return row.field.default_value;  // what is not seen would be refused
    if (auto* combo = qobject_cast<QComboBox*>(row.control)) {
        Json value = combo->currentData().toString().toStdString();
        check_field(row.field, value, owner_);
        return value;
    }
    if (auto* box = qobject_cast<QCheckBox*>(row.control)) return box->isChecked();
    const QString text = row.edit->text();
    if (text.trimmed().isEmpty() && !row.edit->placeholderText().isEmpty()) return row.field.default_value;
    if (row.field.type == FieldType::text) {
        Json value = text.toStdString();
        check_field(row.field, value, owner_);
        return value;
    }
    if (text.trimmed().isEmpty()) throw Error(row.field.label, "give a number", range_text(row.field));
    return parse_field(row.field, text.trimmed().toStdString(), owner_);
}

void SchemaForm::mark(Row& row) {
    QString problem;
    try {
        read(row);
    } catch (const Error& error) {
        problem = sentence(error);
    }
    row.problem->setText(problem);
    row.problem->setVisible(!problem.isEmpty() && !row.control->isHidden());
    if (row.edit != nullptr) row.edit->set_invalid(!problem.isEmpty());
    row.control->setAccessibleDescription(problem.isEmpty() ? QString::fromStdString(row.field.help)
                                                            : problem);
}

void SchemaForm::changed(const std::string& name) {
    Row* row = find(name);
    if (row == nullptr) return;
    row->dirty = true;
    mark(*row);
    show_what_counts();
    Q_EMIT edited(QString::fromStdString(name));
    if (row->edit == nullptr) {
        row->dirty = false;
        Q_EMIT committed(QString::fromStdString(name));
    }
}

const SchemaForm::Row* SchemaForm::find(const std::string& name) const {
    for (const Row& row : rows_)
        if (row.field.name == name) return &row;
    return nullptr;
}

SchemaForm::Row* SchemaForm::find(const std::string& name) {
    return const_cast<Row*>(static_cast<const SchemaForm*>(this)->find(name));
}

std::optional<Json> SchemaForm::values() const {
    Json result = Json::object();
    for (const Row& row : rows_) {
        try {
            result[row.field.name] = read(row);
        } catch (const Error&) {
            return std::nullopt;
        }
    }
    return result;
}

std::optional<Json> SchemaForm::value(const std::string& name) const {
    const Row* row = find(name);
    if (row == nullptr) return std::nullopt;
    try {
        return read(*row);
    } catch (const Error&) {
        return std::nullopt;
    }
}

void SchemaForm::set_value(const std::string& name, const Json& value) {
    if (Row* row = find(name)) {
        show_value(*row, value);
        mark(*row);
        show_what_counts();
    }
}

void SchemaForm::set_placeholder(const std::string& name, const QString& placeholder) {
    Row* row = find(name);
    if (row == nullptr || row->edit == nullptr) return;
    const std::optional<Json> before = value(name);
    row->edit->setPlaceholderText(placeholder);
    if (before) show_value(*row, *before);
    mark(*row);
}

void SchemaForm::set_choice_titles(const std::string& name, const QStringList& titles,
                                   const QStringList& helps) {
    auto* combo = qobject_cast<QComboBox*>(control(name));
    if (combo == nullptr) return;
    for (int i = 0; i < combo->count(); ++i) {
        if (i < titles.size()) combo->setItemText(i, titles[i]);
        if (i < helps.size()) combo->setItemData(i, helps[i], Qt::ToolTipRole);
    }
}

void SchemaForm::set_hint(const std::string& name, const QString& hint) {
    if (const Row* row = find(name); row != nullptr && row->edit != nullptr) row->edit->set_hint(hint);
}

bool SchemaForm::counts(const Row& row) const {
    if (!row.field.only_with) return true;
    const std::optional<Json> other = value(row.field.only_with->field);
    return !other || is_met(*row.field.only_with, *other);
}

void SchemaForm::show_what_counts() {
    for (const Row& row : rows_)
        if (row.field.only_with) set_field_visible(row.field.name, counts(row));
}

void SchemaForm::set_field_visible(const std::string& name, bool visible) {
    Row* row = find(name);
    if (row == nullptr) return;
    row->label->setVisible(visible);
    row->control->setVisible(visible);
    mark(*row);
}

void SchemaForm::set_locked(bool locked, const std::string& live) {
    for (const Row& row : rows_) row.control->setEnabled(!locked || row.field.name == live);
}

QWidget* SchemaForm::control(const std::string& name) const {
    const Row* row = find(name);
    return row == nullptr ? nullptr : row->control;
}

}  // namespace spectral::ui
