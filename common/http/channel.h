// How the bytes of a connection travel: the seam below the exchanges where encryption goes. Beside
// the plain socket that is here, a TLS session fits: it has a handshake, and may have to read in
// order to write.
// The server's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "common/base/unique_fd.h"

namespace sluice::http {

class Channel {
 public:
  enum class State : std::uint8_t {
    kDone,
    kAwaitsRead,   // Nothing happened: again when the descriptor can be read.
    kAwaitsWrite,  // Nothing happened: again when it can be written.
    kEnd,          // The client has finished sending. Of Read() only.
    kFailed,       // The connection is of no use any more.
  };
  struct Step {
    State state;
    std::size_t bytes = 0;  // Read or written; at least one when kDone.
  };

  virtual ~Channel() = default;
  // To be polled.
  virtual int fd() const = 0;
  // Until it is kDone nothing else is called.
  virtual State Handshake() = 0;
  // What was read may be all there was: only kAwaitsRead says that there is nothing more.
  virtual Step Read(std::span<char> bytes) = 0;
  // `bytes` are not empty.
  virtual Step Write(std::string_view bytes) = 0;
  // Tells the client that nothing more will be written. Called once. False: as kFailed.
  virtual bool FinishWriting() = 0;
};

// Takes a connected socket that does not block.
using ChannelFactory = std::function<std::unique_ptr<Channel>(UniqueFd)>;

// No encryption.
std::unique_ptr<Channel> PlainChannel(UniqueFd fd);

}  // namespace sluice::http
