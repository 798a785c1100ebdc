#include "dataplane/relay/tcp_relay.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace sluice::dataplane {
namespace {

// A read of this much makes a flow hot, a spliced one of less than the second makes it cold.
constexpr std::size_t kHotRead = 32 * 1024;
constexpr std::size_t kColdSplice = 16 * 1024;
// Of one relay in one round.
constexpr std::size_t kBytesARound = 1024 * 1024;

constexpr unsigned kSpliceFlags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;

// splice(2) failed for a reason of its own; the socket is as before.
bool CannotSplice(int error) {
  return error == EINVAL || error == ENOMEM || error == EBADF || error == ENOSYS ||
         error == EOPNOTSUPP;
}

bool IsDead(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0;
}

TcpRelay::Outcome ResetOutcome(Peer dead) {
  return dead == Peer::kClient ? TcpRelay::Outcome::kClientReset
                               : TcpRelay::Outcome::kEndpointReset;
}

Peer Opposite(Peer peer) { return peer == Peer::kClient ? Peer::kEndpoint : Peer::kClient; }

}  // namespace

void TcpRelay::FreeUnwritten::operator()(Unwritten* unwritten) const { std::free(unwritten); }

void TcpRelay::SetSocket(Peer peer, int fd) {
  Flow& flow = From(peer);
  flow.source = fd;
  flow.readable = false;
  flow.until_end = false;
  flow.error = false;
}

void TcpRelay::Note(Peer peer, std::uint32_t events) {
  Flow& in = From(peer);
  Flow& out = From(Opposite(peer));
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) in.readable = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0) in.until_end = true;
  if ((events & EPOLLERR) != 0) in.error = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) out.blocked = false;
}

bool TcpRelay::NoteDead(Peer peer, PipePool& pipes) {
  Flow& flow = From(peer);
  Flow& opposite = From(Opposite(peer));
  if (opposite.dead) return false;
  if (flow.dead) return true;
  flow.dead = true;
  flow.readable = flow.until_end = true;  // To its end, whatever it has raised events for.
  opposite.unwritten = nullptr;
  if (opposite.pipe.write_end) pipes.Drop(std::move(opposite.pipe));
  opposite.pipe_bytes = 0;
  opposite.ended = opposite.dropping = true;
  return true;
}

bool TcpRelay::NoteErrors(PipePool& pipes) {
  for (const Peer peer : {Peer::kClient, Peer::kEndpoint}) {
    Flow& flow = From(peer);
    if (!flow.error) continue;
    flow.error = false;
    if (IsDead(flow.source) && !NoteDead(peer, pipes)) return false;
  }
  return true;
}

TcpRelay::Outcome TcpRelay::Pump(Tools tools, bool& moved) {
  moved = false;
  bool again = false;
  if ((flows_[0].error || flows_[1].error) && !NoteErrors(tools.pipes)) {
    return ResetOutcome(*dead());
  }
  for (const Peer source : {Peer::kClient, Peer::kEndpoint}) {
    Flow& flow = From(source);
    if (flow.dropping) {
      Drop(flow, tools.scratch);
      again |= flow.readable;
      continue;
    }
    if (flow.ended || flow.Idle()) continue;
    const std::uint64_t before = flow.bytes_written + flow.bytes_read;
    std::size_t budget = kBytesARound;
    const Step step = PumpFlow(flow, From(Opposite(source)).source, tools, budget);
    moved |= flow.bytes_written + flow.bytes_read != before;
    again |= step == Step::kMoved;
    if (step == Step::kSourceDead || step == Step::kDestinationDead) {
      const Peer peer = step == Step::kSourceDead ? source : Opposite(source);
      if (!NoteDead(peer, tools.pipes)) return ResetOutcome(Opposite(peer));
      if (step == Step::kSourceDead) From(source).end_read = true;
      again = true;
    }
  }
  for (const Peer source : {Peer::kClient, Peer::kEndpoint}) {
    Flow& flow = From(source);
    Flow& opposite = From(Opposite(source));
    if (flow.ended || !flow.end_read || flow.unwritten != nullptr || flow.pipe_bytes != 0) continue;
    flow.ended = true;
    moved = true;
    if (flow.dead) continue;  // A reset is passed on, not an end.
    // When both have ended closing the sockets says so. A connection that cannot be ended is dead.
    if (!opposite.ended && ::shutdown(opposite.source, SHUT_WR) != 0) {
      NoteDead(Opposite(source), tools.pipes);
      again = true;
    }
  }
  if (is_dead()) {
    if (From(*dead()).ended) return ResetOutcome(*dead());
  } else if (From(Peer::kClient).ended && From(Peer::kEndpoint).ended) {
    return Outcome::kFinished;
  }
  return again ? Outcome::kAgain : Outcome::kOpen;
}

// Reads and throws away, so that the peer is not kept from reading by what it wants to send.
void TcpRelay::Drop(Flow& flow, std::span<char> scratch) {
  for (std::size_t dropped = 0; flow.readable && dropped < kBytesARound;) {
    const ssize_t n = ::recv(flow.source, scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (n > 0) {
      dropped += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      flow.readable = false;
    }
  }
}

// kMoved: the budget is spent and there may be more.
TcpRelay::Step TcpRelay::PumpFlow(Flow& flow, int destination, const Tools& tools,
                                  std::size_t& budget) {
  Step step = Deliver(flow, destination, tools);
  while (step == Step::kMoved && flow.readable && !flow.end_read) {
    const std::uint64_t before = flow.bytes_read;
    if (flow.hot && !flow.pipe.write_end && !tools.pipes.Take(flow.pipe)) flow.hot = false;
    step = flow.hot ? ReadBySplice(flow) : ReadByCopy(flow, destination, tools.scratch);
    const std::uint64_t read = flow.bytes_read - before;
    if (step == Step::kMoved && flow.pipe_bytes != 0) {
      step = Deliver(flow, destination, tools);
    } else if (read >= kHotRead && !flow.never_splice && step == Step::kMoved) {
      flow.hot = true;
    }
    if (read >= budget) break;
    budget -= read;
  }
  if (flow.pipe.write_end && flow.pipe_bytes == 0) tools.pipes.Give(std::move(flow.pipe));
  if (step == Step::kMoved && (!flow.readable || flow.end_read)) step = Step::kStuck;
  return step;
}

TcpRelay::Step TcpRelay::Deliver(Flow& flow, int destination, const Tools& tools) {
  while (flow.unwritten != nullptr || flow.pipe_bytes != 0) {
    if (flow.blocked) return Step::kStuck;
    Step step;
    if (flow.unwritten != nullptr) {
      step = DeliverUnwritten(flow, destination);
    } else if (flow.never_splice) {
      step = DeliverPipeByCopy(flow, destination, tools.scratch);
    } else {
      step = DeliverPipe(flow, destination);
    }
    if (step != Step::kMoved) return step;
  }
  return Step::kMoved;
}

TcpRelay::Step TcpRelay::DeliverUnwritten(Flow& flow, int destination) {
  Unwritten& unwritten = *flow.unwritten;
  const ssize_t n = ::send(destination, unwritten.bytes() + unwritten.written,
                           unwritten.size - unwritten.written, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) {
    if (errno == EINTR) return Step::kMoved;
    if (errno != EAGAIN) return Step::kDestinationDead;
    flow.blocked = true;
    return Step::kStuck;
  }
  unwritten.written += static_cast<std::size_t>(n);
  flow.bytes_written += static_cast<std::uint64_t>(n);
  if (unwritten.written < unwritten.size) {
    flow.blocked = true;
    return Step::kStuck;
  }
  flow.unwritten = nullptr;
  return Step::kMoved;
}

// Exactly what is in the pipe is asked for: were it more, the kernel would wait for it.
TcpRelay::Step TcpRelay::DeliverPipe(Flow& flow, int destination) {
  const ssize_t n = ::splice(flow.pipe.read_end.get(), nullptr, destination, nullptr,
                             flow.pipe_bytes, kSpliceFlags);
  if (n < 0) {
    if (errno == EINTR) return Step::kMoved;
    if (errno == EAGAIN) {
      flow.blocked = true;
      return Step::kStuck;
    }
    if (!CannotSplice(errno)) return Step::kDestinationDead;
    flow.never_splice = true;
    flow.hot = false;
    return Step::kMoved;
  }
  flow.pipe_bytes -= static_cast<std::uint32_t>(n);
  flow.bytes_written += static_cast<std::uint64_t>(n);
  return Step::kMoved;
}

TcpRelay::Step TcpRelay::DeliverPipeByCopy(Flow& flow, int destination, std::span<char> scratch) {
  const std::size_t wanted = std::min<std::size_t>(flow.pipe_bytes, scratch.size());
  const ssize_t n = ::read(flow.pipe.read_end.get(), scratch.data(), wanted);
  SLUICE_CHECK(n > 0);  // They are in there.
  flow.pipe_bytes -= static_cast<std::uint32_t>(n);
  return Write(flow, destination, scratch.first(static_cast<std::size_t>(n)));
}

TcpRelay::Step TcpRelay::ReadByCopy(Flow& flow, int destination, std::span<char> scratch) {
  const ssize_t n = ::recv(flow.source, scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (n <= 0) return NoteNothingRead(flow, n);
  const auto size = static_cast<std::size_t>(n);
  flow.bytes_read += size;
  if (size < scratch.size() && !flow.until_end) flow.readable = false;
  return Write(flow, destination, scratch.first(size));
}

// A read answered no bytes: 0, or -1 and errno.
TcpRelay::Step TcpRelay::NoteNothingRead(Flow& flow, ssize_t answer) {
  if (answer == 0) {
    flow.end_read = true;
  } else if (errno == EAGAIN) {
    flow.readable = false;
  } else if (errno != EINTR) {
    return Step::kSourceDead;
  }
  return Step::kMoved;
}

// Reads until the socket is empty: a short splice may also mean that the pipe had no slot left.
TcpRelay::Step TcpRelay::ReadBySplice(Flow& flow) {
  const ssize_t n = ::splice(flow.source, nullptr, flow.pipe.write_end.get(), nullptr,
                             limits::kPipeBytes, kSpliceFlags);
  if (n < 0 && CannotSplice(errno)) {
    flow.never_splice = true;
    flow.hot = false;
    return Step::kMoved;
  }
  if (n <= 0) return NoteNothingRead(flow, n);
  const auto size = static_cast<std::size_t>(n);
  flow.bytes_read += size;
  flow.pipe_bytes += static_cast<std::uint32_t>(size);
  if (size < kColdSplice) flow.hot = false;
  return Step::kMoved;
}

TcpRelay::Step TcpRelay::Write(Flow& flow, int destination, std::span<const char> bytes) {
  ssize_t n = 0;
  do {
    n = ::send(destination, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno != EAGAIN) return Step::kDestinationDead;
  const std::size_t written = n < 0 ? 0 : static_cast<std::size_t>(n);
  flow.bytes_written += written;
  if (written == bytes.size()) return Step::kMoved;
  const std::size_t rest = bytes.size() - written;
  static_assert(limits::kRelayScratchBytes <= limits::kRelayPendingBytes);
  void* memory = std::malloc(sizeof(Unwritten) + rest);
  SLUICE_CHECK(memory != nullptr);
  flow.unwritten.reset(new (memory) Unwritten{rest, 0});
  std::memcpy(flow.unwritten->bytes(), bytes.data() + written, rest);
  flow.blocked = true;
  return Step::kStuck;
}

void TcpRelay::Release(PipePool& pipes) {
  for (Flow& flow : flows_) {
    flow.unwritten = nullptr;
    if (flow.pipe.write_end) pipes.Drop(std::move(flow.pipe));
    flow.pipe_bytes = 0;
  }
}

}  // namespace sluice::dataplane
