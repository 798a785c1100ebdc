// A named pipe as a destination whose reader does what the test wants.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "common/base/unique_fd.h"

namespace sluice::dataplane::test {

class NamedPipe {
 public:
  explicit NamedPipe(const std::string& path) : path_(path) {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0) << std::strerror(errno);
    reader_.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_TRUE(reader_) << std::strerror(errno);
  }
  const std::string& path() const { return path_; }

  // What is in it now.
  std::string ReadSome() {
    std::string bytes(64 * 1024, '\0');
    const ssize_t count = ::read(reader_.get(), bytes.data(), bytes.size());
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  // Everything up to the moment when nobody has it open for writing.
  std::string ReadAll() {
    std::string all;
    for (;;) {
      pollfd readable{reader_.get(), POLLIN, 0};
      if (::poll(&readable, 1, 30'000) != 1) return all;
      const std::string some = ReadSome();
      if (some.empty()) return all;
      all += some;
    }
  }
  void CloseReader() { reader_.reset(); }

 private:
  const std::string path_;
  UniqueFd reader_;
};

}  // namespace sluice::dataplane::test
