#include "tests/integration/faults/syscall_faults.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string_view>

namespace sluice::test {
namespace {

std::atomic<bool> counting = false;
std::atomic<std::uint64_t> calls = 0;
std::atomic<std::uint64_t> fail_at = 0;
std::atomic<unsigned> variant = 0;
std::atomic<const char*> failed_call = nullptr;
std::atomic<int> failed_error = 0;

// Workers call nothing that stands in here before they have their names.
bool IsWorker() {
  static thread_local const bool is = [] {
    char name[16] = {};
    return ::pthread_getname_np(::pthread_self(), name, sizeof(name)) == 0 &&
           std::string_view(name).starts_with("worker-");
  }();
  return is;
}

// Is it this call's turn? Sets errno then.
bool Fails(const char* name, std::initializer_list<int> errors) {
  if (!counting || !IsWorker()) return false;
  if (++calls != fail_at) return false;
  const int error = *(errors.begin() + variant % errors.size());
  failed_error = error;
  failed_call = name;
  errno = error;
  return true;
}

template <typename Function>
Function Real(Function, const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void SyscallFaults::Begin(std::uint64_t at, unsigned which) {
  calls = 0;
  fail_at = at;
  variant = which;
  failed_call = nullptr;
  counting = true;
}

std::uint64_t SyscallFaults::End() {
  counting = false;
  return calls;
}

std::string SyscallFaults::failed() {
  const char* name = failed_call;
  return name == nullptr ? "" : std::string(name) + ": " + std::strerror(failed_error);
}

}  // namespace sluice::test

// NOLINTBEGIN: the C library's names and signatures.
#define SLUICE_STAND_IN(result, name, parameters, arguments, ...) \
  extern "C" result name parameters {                             \
    static const auto real = ::sluice::test::Real(&name, #name);  \
    if (::sluice::test::Fails(#name, {__VA_ARGS__})) return -1;   \
    return real arguments;                                        \
  }

SLUICE_STAND_IN(int, accept4, (int fd, sockaddr* address, socklen_t* length, int flags),
                (fd, address, length, flags), ECONNABORTED, EMFILE, ENOBUFS)
SLUICE_STAND_IN(int, socket, (int domain, int type, int protocol) noexcept,
                (domain, type, protocol), EMFILE, ENOBUFS, EAFNOSUPPORT)
SLUICE_STAND_IN(int, connect, (int fd, const sockaddr* address, socklen_t length),
                (fd, address, length), ECONNREFUSED, EADDRNOTAVAIL, ENETUNREACH, ENOBUFS)
SLUICE_STAND_IN(int, setsockopt,
                (int fd, int level, int name, const void* value, socklen_t length) noexcept,
                (fd, level, name, value, length), EINVAL, EPERM)
SLUICE_STAND_IN(int, getsockopt,
                (int fd, int level, int name, void* value, socklen_t* length) noexcept,
                (fd, level, name, value, length), ENOBUFS)
SLUICE_STAND_IN(int, getsockname, (int fd, sockaddr* address, socklen_t* length) noexcept,
                (fd, address, length), ENOBUFS)
SLUICE_STAND_IN(ssize_t, recv, (int fd, void* buffer, size_t size, int flags),
                (fd, buffer, size, flags), ECONNRESET, ETIMEDOUT, EINTR, EHOSTUNREACH)
SLUICE_STAND_IN(ssize_t, send, (int fd, const void* buffer, size_t size, int flags),
                (fd, buffer, size, flags), EPIPE, ECONNRESET, EINTR, ENOBUFS)
SLUICE_STAND_IN(ssize_t, splice,
                (int in, off64_t* in_at, int out, off64_t* out_at, size_t size, unsigned flags),
                (in, in_at, out, out_at, size, flags), ECONNRESET, EPIPE, EINVAL, EINTR, ENOMEM)
SLUICE_STAND_IN(int, pipe2, (int fds[2], int flags) noexcept, (fds, flags), EMFILE, ENFILE)
SLUICE_STAND_IN(int, shutdown, (int fd, int how) noexcept, (fd, how), ENOTCONN)
SLUICE_STAND_IN(int, epoll_ctl, (int epoll, int operation, int fd, epoll_event* event) noexcept,
                (epoll, operation, fd, event), ENOMEM, ENOSPC)
SLUICE_STAND_IN(int, recvmmsg,
                (int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout),
                (fd, messages, count, flags, timeout), ENOMEM, ECONNREFUSED, EINTR)
SLUICE_STAND_IN(int, sendmmsg, (int fd, mmsghdr* messages, unsigned count, int flags),
                (fd, messages, count, flags), ECONNREFUSED, EPERM, ENOBUFS, EINTR, EMSGSIZE)
// NOLINTEND
