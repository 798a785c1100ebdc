// An endpoint that greets each connection with its tag and then echoes: a client knows where it
// landed, and that its session still lives.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

class TagServer {
 public:
  // On 127.0.0.1; port 0: any.
  explicit TagServer(char tag, std::uint16_t port = 0);
  ~TagServer();

  const std::string& address() const { return address_; }

 private:
  void Run();

  const char tag_;
  int listener_;
  int stop_[2];
  std::string address_;
  std::thread thread_;
};

// The greeting of a new connection to `address`; '-' when there is none.
char TagAt(const std::string& address);

}  // namespace sluice::test
