#include "tests/support/redis_server.h"

#include "common/base/check.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {

RedisServer::RedisServer() {
  process_ = std::make_unique<Process>(std::vector<std::string>{
      "redis-server", "--port", std::to_string(port_.port()), "--bind", "127.0.0.1", "--save", "",
      "--appendonly", "no", "--dir", dir_.path(), "--daemonize", "no"});
  SLUICE_CHECK(Eventually([this] {
    TcpClient client(Address());
    return client.connected() && client.Send("PING\r\n") &&
           client.ReceiveUntil("\r\n") == "+PONG\r\n";
  }));
}

}  // namespace sluice::test
