// Text of somebody else's, made fit to be kept, sent on and shown: every string of a peer goes
// through here. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

// Length in bytes of the UTF-8 sequence at the start of `text`, which is not empty; 0 when it is
// none (RFC 3629: no surrogates, no overlong forms).
std::size_t Utf8Length(std::string_view text);

// The first `bytes` of `text` at most, ending with a whole character.
std::string_view CutAtCharacter(std::string_view text, std::size_t bytes);

// As CutAtCharacter() cuts. What is no UTF-8, control characters
// and marks that turn the direction of text (which make a terminal or a person see something else
// than was sent) become U+FFFD.
std::string BoundedText(std::string_view text, std::size_t bytes);

// BoundedText() would give `text` itself.
bool IsBoundedText(std::string_view text, std::size_t bytes);

}  // namespace sluice
