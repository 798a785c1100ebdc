// Why connecting to an endpoint failed, as labels of a metric: a few errors by their names, the
// rest together.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

namespace sluice::dataplane {

struct ConnectErrorRow {
  int error;
  std::string_view name;  // As $upstream_error has it.
};
// The last row is for all others.
inline constexpr auto kConnectErrors = std::to_array<ConnectErrorRow>({
    {ECONNREFUSED, "ECONNREFUSED"},
    {ECONNRESET, "ECONNRESET"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {EHOSTUNREACH, "EHOSTUNREACH"},
    {ENETUNREACH, "ENETUNREACH"},
    {EACCES, "EACCES"},
    {ENOENT, "ENOENT"},
    {0, "other"},
});

constexpr std::size_t ConnectErrorIndex(int error) {
  std::size_t i = 0;
  while (i + 1 < kConnectErrors.size() && kConnectErrors[i].error != error) ++i;
  return i;
}

}  // namespace sluice::dataplane
