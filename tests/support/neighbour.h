// Somebody who has nothing to do with an attack: opens one session after another to his own
// listener, in a thread of its own, and tells how he fared.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

struct NeighbourFigures {
  std::size_t sessions = 0;
  std::size_t failed = 0;  // Not connected, or not greeted with the tag.
  std::chrono::microseconds median{0};
  std::chrono::microseconds worst{0};  // From connect() to the greeting.
};

class Neighbour {
 public:
  // `address` leads to a TagServer of that tag.
  Neighbour(std::string address, char tag);
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  // Ends it, and prints the figures under that name. Once.
  NeighbourFigures Stop(const std::string& during);

 private:
  void Run();

  const std::string address_;
  const char tag_;
  std::atomic<bool> stop_{false};
  std::vector<std::chrono::microseconds> times_;  // Of the thread, until it is joined.
  std::size_t failed_ = 0;
  std::thread thread_;
};

}  // namespace sluice::test
