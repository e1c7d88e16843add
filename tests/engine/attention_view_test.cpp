// What attention looks at, of a run between its steps and of a model file: the same for the same model, only
// when somebody asks, and with a sentence where there is nothing to see.
#include "engine/train/attention_view.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/train/run.hpp"

namespace spectral::test {
namespace {

using namespace std::chrono_literals;
using View = std::shared_ptr<const AttentionView>;

class AttentionViews : public testing::Test {
protected:
    AttentionViews() {
        std::filesystem::create_directory(folder_);
        std::ofstream text(folder_ / "text.txt");
        for (int i = 0; i < 120; ++i) text << "the long wave meets the shore " << i << "\n";
    }
    ~AttentionViews() override { std::filesystem::remove_all(folder_); }

    ExperimentConfig config(const std::string& model = "char-transformer") const {
        ExperimentConfig config;
        config.dataset = "text";
        config.data = (folder_ / "text.txt").string();
        config.dataset_options = {{"context", 16}};
        config.model = model;
        config.model_options = {{"width", 8}, {"layers", 2}};
        if (model == "char-transformer") config.model_options["heads"] = 2;
        config.batch = 16;
        config.epochs = 1000000;
        config.threads = 1;
        return config;
    }
    RunOptions paused() const {
        RunOptions options;
        options.out = (folder_ / "run.h5").string();
        options.send_snapshots = true;
        options.start_paused = true;
        return options;
    }
    /// The next that arrives, of that step where one is given.
    static View next_view(TrainingRun& run, std::int64_t step = -1) {
        for (int i = 0; i < 600; ++i) {
            const bool done = run.done();
            run.wait_for_updates(100ms);
            const Updates updates = run.take_updates();
            if (updates.attention && (step < 0 || updates.attention->step == step)) return updates.attention;
            if (done) break;
        }
        return nullptr;
    }
    /// `seen`: views of steps later than `after` came on the way.
    static void wait_for_step(TrainingRun& run, std::int64_t step, bool& seen, std::int64_t after = -1) {
        for (int i = 0; i < 600; ++i) {
            run.wait_for_updates(100ms);
            const Updates updates = run.take_updates();
            seen = seen || (updates.attention && updates.attention->step > after);
            if (!updates.steps.empty() && updates.steps.back().step >= step) return;
        }
        ADD_FAILURE() << "step " << step << " did not come";
    }

    std::filesystem::path folder_ =
        std::filesystem::temp_directory_path() / ("attention view " + std::to_string(getpid()));
};

TEST_F(AttentionViews, ARunShowsThemOnlyWhileSomebodyLooks) {
    TrainingRun run(config(), paused());
    bool seen = false;
    run.send(command::Step{});
    wait_for_step(run, 1, seen);
    EXPECT_FALSE(seen);

    run.send(command::LookAtAttention{AttentionRequest{.sample = 2, .block = 1}});
    const View first = next_view(run, 1);
    ASSERT_TRUE(first && first->analysis) << (first ? first->problem : "nothing came");
    EXPECT_EQ(first->request, (AttentionRequest{.sample = 2, .block = 1}));
    EXPECT_EQ(first->analysis->block, 1);
    EXPECT_EQ(first->analysis->heads.size(), 2U);
    EXPECT_EQ(first->analysis->places, 16);
    EXPECT_EQ(first->tokens.size(), 16U);
    EXPECT_GT(first->samples, 2);
    EXPECT_EQ(first->token_unit, "character");

    // A step later it is another map, without asking again.
    run.send(command::Step{});
    const View second = next_view(run, 2);
    ASSERT_TRUE(second && second->analysis);
    EXPECT_EQ(second->tokens, first->tokens);
    EXPECT_NE(second->analysis->heads[0].weights.values, first->analysis->heads[0].weights.values);

    run.send(command::LookAtAttention{});
    seen = false;
    run.send(command::Step{});
    run.send(command::Step{});
    wait_for_step(run, 4, seen, 2);
    EXPECT_FALSE(seen);
}

TEST_F(AttentionViews, LookingChangesNoStep) {
    std::vector<float> losses[2];
    for (const bool looks : {false, true}) {
        TrainingRun run(config(), paused());
        if (looks) run.send(command::LookAtAttention{AttentionRequest{.text = "the wave"}});
        for (int i = 0; i < 5; ++i) run.send(command::Step{});
        for (int i = 0; i < 600 && losses[looks].size() < 5; ++i) {
            run.wait_for_updates(100ms);
            for (const StepPoint& point : run.take_updates().steps) losses[looks].push_back(point.loss);
        }
    }
    ASSERT_EQ(losses[0].size(), 5U);
    EXPECT_EQ(losses[0], losses[1]);
}

TEST_F(AttentionViews, AFileShowsWhatItsRunDid) {
    const AttentionRequest window{.sample = 1}, text{.text = "the wave", .block = 1};
    View of_run, text_of_run;
    {
        TrainingRun run(config(), paused());
        for (int i = 0; i < 3; ++i) run.send(command::Step{});
        run.send(command::LookAtAttention{window});
        of_run = next_view(run, 3);
        run.send(command::LookAtAttention{text});
        text_of_run = next_view(run, 3);
        while (text_of_run && text_of_run->request != text) text_of_run = next_view(run, 3);
        run.send(command::Stop{});
        ASSERT_EQ(run.result().state, RunState::stopped);
    }
    ASSERT_TRUE(of_run && of_run->analysis && text_of_run && text_of_run->analysis);
    FileAttention file(paused().out, std::make_shared<Workspace>());
    const AttentionView of_file = file.look(window, {}), text_of_file = file.look(text, {});
    ASSERT_TRUE(of_file.analysis) << of_file.problem;
    EXPECT_EQ(of_file.step, 3);
    EXPECT_EQ(of_file.samples, of_run->samples);
    EXPECT_EQ(of_file.tokens, of_run->tokens);
    EXPECT_EQ(text_of_file.tokens, (std::vector<std::string>{"t", "h", "e", "space", "w", "a", "v", "e"}));
    EXPECT_EQ(text_of_file.analysis->places, 8);
    for (const auto& [a, b] : {std::pair{of_run->analysis, of_file.analysis},
                               std::pair{text_of_run->analysis, text_of_file.analysis}}) {
        ASSERT_EQ(a->heads.size(), b->heads.size());
        for (std::size_t h = 0; h < a->heads.size(); ++h)
            for (std::size_t i = 0; i < a->heads[h].weights.values.size(); ++i)
                EXPECT_NEAR(a->heads[h].weights.values[i], b->heads[h].weights.values[i], 1e-6F);
    }
}

TEST_F(AttentionViews, WhatIsHeldIsInTheBudget) {
    const auto workspace = std::make_shared<Workspace>();
    const auto held = [&] { return workspace->budget().total().current; };
    const AttentionRequest text{.text = "the wave"};
    // Maps of two heads, entropy and syntony of their rows.
    const std::size_t maps = 2 * (8 * 8 * sizeof(float) + 2 * 8 * sizeof(double));
    View of_run;
    {
        RunOptions options = paused();
        options.workspace = workspace;
        TrainingRun run(config(), options);
        run.send(command::LookAtAttention{text});
        of_run = next_view(run);
        run.send(command::Stop{});
        ASSERT_EQ(run.result().state, RunState::stopped);
    }
    ASSERT_TRUE(of_run && of_run->analysis) << (of_run ? of_run->problem : "nothing came");
    const std::size_t with_run = held();  // and its data, which the workspace keeps
    of_run.reset();
    EXPECT_EQ(held() + maps, with_run);

    const std::size_t before = held();
    View of_file;
    {
        FileAttention file(paused().out, workspace);
        const std::size_t read = held() - before;
        EXPECT_GT(read, std::filesystem::file_size(paused().out) / 4);
        of_file = std::make_shared<const AttentionView>(file.look(text, {}));
        EXPECT_GT(held() - before, read + maps);  // and the model
    }
    ASSERT_TRUE(of_file->analysis) << of_file->problem;
    EXPECT_EQ(held() - before, maps);
    of_file.reset();
    EXPECT_EQ(held(), before);

    // What does not fit is said.
    workspace->budget().set_limit(before + 1000);
    EXPECT_THROW(FileAttention(paused().out, workspace), OutOfMemory);
    EXPECT_EQ(held(), before);
}

TEST_F(AttentionViews, AViewOutlivesTheWorkspaceOfItsRun) {
    View view;
    {
        TrainingRun run(config(), paused());
        run.send(command::LookAtAttention{AttentionRequest{}});
        view = next_view(run);
    }
    ASSERT_TRUE(view && view->analysis);
    EXPECT_EQ(view->analysis->heads.size(), 2U);
}

TEST_F(AttentionViews, WhatCannotBeShownIsSaid) {
    TrainingRun run(config(), paused());
    const auto problem = [&](const AttentionRequest& request, const std::string& field) {
        run.send(command::LookAtAttention{request});
        View view = next_view(run);
        while (view && view->request != request) view = next_view(run);
        EXPECT_TRUE(view && !view->analysis && !view->hint.empty());
        EXPECT_EQ(view ? view->field : "nothing", field);
        return view ? view->problem : "nothing";
    };
    EXPECT_NE(problem({.sample = 1 << 20}, "sample").find("1048577 is not one"), std::string::npos);
    EXPECT_NE(problem({.text = ""}, "text").find("empty"), std::string::npos);
    EXPECT_NE(problem({.text = "ж"}, "text").find("text"), std::string::npos);
    EXPECT_NE(problem({.block = 2}, "block").find("3 is not one"), std::string::npos);

    run.send(command::LookAtAttention{AttentionRequest{.text = "the long wave meets the shore"}});
    View view = next_view(run);
    while (view && !view->analysis) view = next_view(run);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->analysis->places, 16);
    EXPECT_EQ(view->left_out, 13);
    EXPECT_EQ(view->tokens.back(), "e");
}

TEST_F(AttentionViews, ModelsWithoutAttentionSaySo) {
    {
        TrainingRun run(config("char-spectral"), paused());
        run.send(command::LookAtAttention{AttentionRequest{}});
        const View view = next_view(run);
        ASSERT_TRUE(view);
        EXPECT_FALSE(view->analysis);
        EXPECT_NE(view->problem.find("no attention"), std::string::npos);
    }
    FileAttention file(paused().out, std::make_shared<Workspace>());
    EXPECT_NE(file.look({}, {}).problem.find("no attention"), std::string::npos);
}

TEST_F(AttentionViews, AFileWithoutItsDataTakesTextsAlone) {
    {
        TrainingRun run(config(), paused());
        run.send(command::LookAtAttention{AttentionRequest{}});
        ASSERT_TRUE(next_view(run));
    }
    std::filesystem::remove(folder_ / "text.txt");
    FileAttention file(paused().out, std::make_shared<Workspace>());
    const AttentionView none = file.look({}, {});
    EXPECT_FALSE(none.analysis);
    EXPECT_NE(none.problem.find("data"), std::string::npos);
    EXPECT_EQ(none.samples, 0);
    EXPECT_TRUE(file.look({.text = "shore"}, {}).analysis);
    EXPECT_THROW(FileAttention((folder_ / "missing.h5").string(), std::make_shared<Workspace>()), Error);
}

}  // namespace
}  // namespace spectral::test
