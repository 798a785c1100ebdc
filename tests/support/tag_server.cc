#include "tests/support/tag_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {

TagServer::TagServer(char tag, std::uint16_t port)
    : tag_(tag), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const int on = 1;
  SLUICE_CHECK(setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
  socklen_t length = sizeof address;
  SLUICE_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
  SLUICE_CHECK(listen(listener_, 128) == 0);
  SLUICE_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  SLUICE_CHECK(pipe2(stop_, O_CLOEXEC) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  thread_ = std::thread([this] { Run(); });
}

TagServer::~TagServer() {
  close(stop_[1]);
  thread_.join();
  close(stop_[0]);
  close(listener_);
}

void TagServer::Run() {
  std::vector<pollfd> sockets = {{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
  for (;;) {
    poll(sockets.data(), sockets.size(), -1);
    if (sockets[0].revents != 0) break;
    for (std::size_t i = sockets.size() - 1; i >= 2; --i) {
      if (sockets[i].revents == 0) continue;
      char bytes[4096];
      const ssize_t got = read(sockets[i].fd, bytes, sizeof bytes);
      if (got > 0 &&
          send(sockets[i].fd, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got) {
        continue;
      }
      close(sockets[i].fd);
      sockets.erase(sockets.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (sockets[1].revents == 0) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    if (send(client, &tag_, 1, MSG_NOSIGNAL) == 1) {
      sockets.push_back({client, POLLIN, 0});
    } else {
      close(client);
    }
  }
  for (std::size_t i = 2; i < sockets.size(); ++i) close(sockets[i].fd);
}

char TagAt(const std::string& address) {
  TcpClient client(address);
  if (!client.connected()) return '-';
  const std::string tag = client.Receive(1);
  return tag.empty() ? '-' : tag[0];
}

}  // namespace sluice::test
