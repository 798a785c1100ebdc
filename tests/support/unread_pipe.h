// A named pipe that is full and that nobody reads, as the standard error of a process whose log
// collector hangs.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>

#include "common/base/check.h"
#include "common/base/unique_fd.h"
#include "tests/support/temp_dir.h"

namespace sluice::test {

class UnreadPipe {
 public:
  UnreadPipe() {
    SLUICE_CHECK(::mkfifo(path().c_str(), 0600) == 0);
    // Both ends, so that writers do not wait for a reader.
    fd_.reset(::open(path().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    SLUICE_CHECK(fd_);
    const std::array<char, 4096> dots{};
    while (::write(fd_.get(), dots.data(), dots.size()) > 0) {
    }
  }
  std::string path() const { return dir_.File("pipe"); }
  // What is in it; there is room then.
  std::string Read() {
    std::string text;
    std::array<char, 65536> block;
    for (ssize_t n; (n = ::read(fd_.get(), block.data(), block.size())) > 0;) {
      text.append(block.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

 private:
  TempDir dir_;
  UniqueFd fd_;
};

}  // namespace sluice::test
