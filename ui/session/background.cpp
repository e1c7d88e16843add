#include "ui/session/background.hpp"

#include <QMetaObject>
#include <exception>
#include <utility>

#include "engine/core/error.hpp"

namespace spectral::ui {

Background::~Background() {
    for (Helper& helper : helpers_) helper.thread.join();
}

void Background::run(std::function<Ending()> work, Ending cancelled) {
    std::erase_if(helpers_, [](Helper& helper) {
        if (!helper.done->load()) return false;
        helper.thread.join();
        return true;
    });
    auto done = std::make_shared<std::atomic<bool>>(false);
    helpers_.push_back(
        {std::thread([this, done, work = std::move(work), cancelled = std::move(cancelled)]() mutable {
             Ending then;
             try {
                 then = work();
             } catch (const Cancelled&) {
                 then = std::move(cancelled);
             } catch (const Error& error) {
                 then = [this, what = QString::fromUtf8(error.what()),
                         hint = QString::fromStdString(error.hint())] { Q_EMIT failed(what, hint); };
             } catch (const std::exception& error) {
                 then = [this, what = QString::fromUtf8(error.what())] { Q_EMIT failed(what, {}); };
             }
             work = {};
             done->store(true);
             if (!then) return;
             // Qt's queue orders what was made here before its use there, but out of a thread checker's
             // sight; the flag says the same in its sight.
             QMetaObject::invokeMethod(
                 this,
                 [done, then = std::move(then)] {
                     if (done->load()) then();
                 },
                 Qt::QueuedConnection);
         }),
         done});
}

}  // namespace spectral::ui
