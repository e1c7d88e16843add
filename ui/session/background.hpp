// Work on threads of its own, with an ending in the GUI thread.
#pragma once

#include <QObject>
#include <QString>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace spectral::ui {

/// Lives in the GUI thread and waits for its work only when it is destroyed.
class Background : public QObject {
    Q_OBJECT

public:
    using Ending = std::function<void()>;

    explicit Background(QObject* parent = nullptr) : QObject(parent) {}
    ~Background() override;

    /// Runs `work` on a thread of its own, then what it returned (may be empty) in the GUI thread. What it
    /// throws ends in failed(), but Cancelled ends in nothing but `cancelled`.
    void run(std::function<Ending()> work, Ending cancelled = {});

Q_SIGNALS:
    void failed(const QString& what, const QString& hint);

private:
    struct Helper {
        std::thread thread;
        std::shared_ptr<std::atomic<bool>> done;
    };
    std::vector<Helper> helpers_;
};

}  // namespace spectral::ui
