// Whoever starts a process with a closed standard descriptor (`>&-`, some supervisors) means that
// nothing is to be read or written there. The next descriptor that is opened would take its number,
// and what is meant for stdout or stderr would go into a socket.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice {

// Opens /dev/null for those of 0, 1 and 2 that are closed. First thing in main.
inline void FillStandardDescriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    struct stat status {};
    // Nobody passes on a file of no type: it is the eventfd that libgrpc opens, to see whether it
    // can, and forgets before main begins.
    if (::fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) != 0) continue;
    const int null = ::open("/dev/null", O_RDWR);
    if (null < 0 || null == fd) continue;
    ::dup2(null, fd);
    ::close(null);
  }
}

}  // namespace sluice
