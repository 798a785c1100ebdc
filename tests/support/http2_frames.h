// HTTP/2 as bytes (RFC 9113), for tests that say what no well-behaved client would.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::test::http2 {

enum FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPing = 6,
  kWindowUpdate = 8,
  kContinuation = 9,
};

inline constexpr std::uint8_t kEndStream = 1;
inline constexpr std::uint8_t kEndHeaders = 4;

inline std::string Frame(FrameType type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload = {}) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(size >> shift & 0xFF);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift & 0xFF);
  frame += payload;
  return frame;
}

// What a client begins with.
inline std::string Hello() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0); }

// The header block of a gRPC call, without Huffman codes and without the dynamic table. `path` has
// fewer than 127 bytes.
inline std::string CallHeaders(std::string_view path) {
  std::string block = "\x83\x86\x04";
  block += static_cast<char>(path.size());
  block += path;
  block.append("\x01\x01x", 3);  // :authority
  block.append("\x00\x02te\x08trailers", 13);
  block.append("\x0f\x10\x10", 3) += "application/grpc";  // content-type
  return block;
}

inline std::string Call(std::uint32_t stream, std::string_view path, std::uint8_t flags = 0) {
  return Frame(kHeaders, static_cast<std::uint8_t>(kEndHeaders | flags), stream, CallHeaders(path));
}
inline std::string Reset(std::uint32_t stream) {
  return Frame(kRstStream, 0, stream, std::string_view("\0\0\0\x08", 4));  // CANCEL
}

}  // namespace sluice::test::http2
