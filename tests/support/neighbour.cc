#include "tests/support/neighbour.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tests/support/tag_server.h"

namespace sluice::test {

Neighbour::Neighbour(std::string address, char tag)
    : address_(std::move(address)), tag_(tag), thread_([this] { Run(); }) {}

Neighbour::~Neighbour() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Neighbour::Run() {
  while (!stop_) {
    const auto start = std::chrono::steady_clock::now();
    const bool greeted = TagAt(address_) == tag_;
    times_.push_back(std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - start));
    if (!greeted) ++failed_;
  }
}

NeighbourFigures Neighbour::Stop(const std::string& during) {
  stop_ = true;
  thread_.join();
  NeighbourFigures figures{.sessions = times_.size(), .failed = failed_};
  if (!times_.empty()) {
    std::sort(times_.begin(), times_.end());
    figures.median = times_[times_.size() / 2];
    figures.worst = times_.back();
  }
  std::printf("neighbour, %s: %zu new sessions, %zu failed, median %.1f ms, worst %.1f ms\n",
              during.c_str(), figures.sessions, figures.failed,
              static_cast<double>(figures.median.count()) / 1000,
              static_cast<double>(figures.worst.count()) / 1000);
  return figures;
}

}  // namespace sluice::test
