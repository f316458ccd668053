#include "io/background_tasks.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <exception>
#include <list>
#include <utility>

#include "io/wait_list.h"

namespace agw::io {
namespace {

struct Task {
  explicit Task(net::io_context& context, Millis limit) : timer(context, limit) {}
  net::cancellation_signal signal;
  net::steady_timer timer;
  bool done = false;
};

// From the io_context alone: co_spawn's own handler would otherwise post the cancellation, and find
// nothing of itself when the task has ended in between.
void cancel(net::io_context& context, std::shared_ptr<Task> task) {
  net::dispatch(context, [task = std::move(task)] {
    if (!task->done) task->signal.emit(net::cancellation_type::terminal);
  });
}

}  // namespace

struct BackgroundTasks::Core {
  Core(net::io_context& io_context, FailureSink sink)
      : context(io_context), on_failure(std::move(sink)), idle(io_context) {}

  net::io_context& context;
  FailureSink on_failure;
  WaitList idle;
  std::list<std::shared_ptr<Task>> tasks;
};

namespace {

void report(const BackgroundTasks::FailureSink& sink, std::exception_ptr failure) {
  // A border: a completion handler is where a coroutine's exception would otherwise be lost.
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() != net::error::operation_aborted) sink(error.what());
  } catch (const std::exception& error) {
    sink(error.what());
  }
}

}  // namespace

BackgroundTasks::BackgroundTasks(net::io_context& context, FailureSink on_failure)
    : core_(std::make_shared<Core>(context, std::move(on_failure))) {}

BackgroundTasks::~BackgroundTasks() {
  core_->on_failure = [](std::string_view) {};  // what it reports to may be gone before the tasks
}

void BackgroundTasks::start(net::awaitable<void> task, Millis limit) {
  auto entry = std::make_shared<Task>(core_->context, limit);
  core_->tasks.push_back(entry);
  const auto place = std::prev(core_->tasks.end());

  std::weak_ptr<Task> watched = entry;
  entry->timer.async_wait([watched](const boost::system::error_code& error) {
    const auto running = watched.lock();
    if (!error && running && !running->done) {
      running->signal.emit(net::cancellation_type::terminal);
    }
  });

  auto finished = [core = core_, place](std::exception_ptr failure) {
    (*place)->done = true;
    core->tasks.erase(place);
    report(core->on_failure, failure);
    if (core->tasks.empty()) core->idle.wakeAll();
  };
  net::co_spawn(core_->context, std::move(task),
                net::bind_cancellation_slot(entry->signal.slot(), std::move(finished)));
}

std::size_t BackgroundTasks::running() const { return core_->tasks.size(); }

void BackgroundTasks::cancelAll() {
  const auto tasks = core_->tasks;  // the end of a task takes it out of the list
  for (const auto& task : tasks) cancel(core_->context, task);
}

net::awaitable<void> BackgroundTasks::wait(Deadline deadline) {
  const auto core = core_;
  while (!core->tasks.empty()) {
    const bool woken = co_await core->idle.wait(deadline);
    if (!woken) break;
  }
}

}  // namespace agw::io
