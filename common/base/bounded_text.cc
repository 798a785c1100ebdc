#include "common/base/bounded_text.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool IsControl(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  if (character.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;  // C1.
  if (character.size() != 3 || byte(0) != 0xE2) return false;
  // U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069.
  if (byte(1) == 0x80) {
    return byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE);
  }
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
}

bool IsPlain(char c) { return c >= ' ' && c < 0x7F; }

// What the character at the start of `text` becomes, and how many bytes it takes there.
std::string_view NextPiece(std::string_view text, std::size_t& taken) {
  const std::size_t length = Utf8Length(text);
  taken = std::max<std::size_t>(length, 1);
  const std::string_view character = text.substr(0, taken);
  return length == 0 || IsControl(character) ? kReplacement : character;
}

}  // namespace

std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xBF) {
    return i < text.size() && byte(i) >= least && byte(i) <= most;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned least = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned most = first == 0xED ? 0x9F : 0xBF;
    return continues(1, least, most) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned least = first == 0xF0 ? 0x90 : 0x80;
    const unsigned most = first == 0xF4 ? 0x8F : 0xBF;
    return continues(1, least, most) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

std::string_view CutAtCharacter(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string BoundedText(std::string_view text, std::size_t bytes) {
  std::string out;
  out.reserve(std::min(text.size(), bytes));
  while (!text.empty()) {
    std::size_t taken = 0;
    const std::string_view piece = NextPiece(text, taken);
    if (out.size() + piece.size() > bytes) break;
    out += piece;
    text.remove_prefix(taken);
  }
  return out;
}

bool IsBoundedText(std::string_view text, std::size_t bytes) {
  if (text.size() > bytes) return false;
  if (std::all_of(text.begin(), text.end(), IsPlain)) return true;
  return BoundedText(text, bytes) == text;
}

}  // namespace sluice
