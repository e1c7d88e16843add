#include "ui/session/pattern_evolution.hpp"

#include <QMetaObject>
#include <exception>
#include <optional>
#include <utility>

#include "engine/core/error.hpp"
#include "engine/core/thin.hpp"

namespace spectral::ui {

struct PatternEvolution::State {
    std::unique_ptr<Backend> backend = open_backend("cpu", 1);
    MemoryBudget budget{available_memory()};
    std::optional<PatternDynamics> dynamics;
    std::int64_t generation = 0, step = 0;
};

struct PatternEvolution::Request {
    PatternEvolution* owner;
    std::shared_ptr<State> state;
    std::int64_t generation, steps;
    std::shared_ptr<const HostTensor> start;
    EvolutionSettings settings;
};

namespace {

void advance(PatternDynamics& dynamics, const EvolutionSettings& settings) {
    switch (settings.tool) {
        case EvolutionTool::heat:
            return dynamics.flow_heat(settings.time, settings.metric);
        case EvolutionTool::evolution:
            return dynamics.evolve(settings.rate, settings.stability, settings.time, settings.metric);
        case EvolutionTool::ricci:
            return dynamics.step_ricci(settings.rate, settings.metric);
    }
}

}  // namespace

PatternEvolution::PatternEvolution(QObject* parent) : QObject(parent), state_(std::make_shared<State>()) {}

PatternEvolution::~PatternEvolution() = default;

void PatternEvolution::begin(HostTensor pattern) {
    clear();
    start_ = std::make_shared<const HostTensor>(std::move(pattern));
    submit({});
}

void PatternEvolution::clear() {
    ++generation_;
    asked_ = 0;
    start_.reset();
    now_.reset();
    points_.clear();
    worker_.drop();
}

void PatternEvolution::step(const EvolutionSettings& settings) {
    if (!start_) return;
    ++asked_;
    submit(settings);
}

void PatternEvolution::submit(const EvolutionSettings& settings) {
    worker_.submit([request = Request{this, state_, generation_, asked_, start_, settings}](
                       const std::atomic<bool>& unwanted) { work(request, unwanted); });
}

void PatternEvolution::work(const Request& request, const std::atomic<bool>& unwanted) {
    State& state = *request.state;
    PatternEvolution* owner = request.owner;
    const auto post = [&] {
        auto pattern = std::make_shared<const HostTensor>(state.dynamics->pattern());
        QMetaObject::invokeMethod(
            owner,
            [owner, generation = request.generation, point = Point{state.step, state.dynamics->measure()},
             pattern = std::move(pattern)] { owner->take(generation, point, pattern); },
            Qt::QueuedConnection);
    };
    const auto refuse = [&](const QString& field, const QString& what) {
        QMetaObject::invokeMethod(
            owner, [=, generation = request.generation] { owner->take_refusal(generation, field, what); },
            Qt::QueuedConnection);
    };
    try {
        if (state.generation != request.generation) {
            state.dynamics.reset();
            state.dynamics.emplace(Device{*state.backend, state.budget}, *request.start);
            state.generation = request.generation;
            state.step = 0;
            post();
        }
        // What is newer goes on from here.
        while (state.step < request.steps && !unwanted) {
            advance(*state.dynamics, request.settings);
            ++state.step;
            post();
        }
    } catch (const BadValue& error) {
        QString what = QString::fromUtf8(error.what());
        if (!error.hint().empty()) what += QStringLiteral("; ") + QString::fromStdString(error.hint());
        refuse(QString::fromStdString(error.field()), what);
    } catch (const std::exception& error) {
        if (!state.dynamics) state.generation = 0;
        refuse({}, QString::fromUtf8(error.what()));
    }
}

void PatternEvolution::take(std::int64_t generation, Point point, std::shared_ptr<const HostTensor> pattern) {
    if (generation != generation_) return;
    now_ = std::move(pattern);
    points_.push_back(point);
    if (points_.size() > kMostPoints)
        thin_evenly(points_, [](const Point& each) { return static_cast<double>(each.step); });
    Q_EMIT moved();
}

void PatternEvolution::take_refusal(std::int64_t generation, const QString& field, const QString& what) {
    if (generation != generation_) return;
    asked_ = steps();
    if (points_.empty()) start_.reset();
    Q_EMIT refused(field, what);
}

}  // namespace spectral::ui
