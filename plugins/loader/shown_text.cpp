#include "plugins/loader/shown_text.hpp"

#include <fmt/core.h>

namespace lab::plugin {
namespace {

// Bytes of the UTF-8 character at `at`, or 0 when there is none: a stray or
// overlong byte, a surrogate, a value past U+10FFFF, or one cut short.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(text[at + i]));
  };
  const unsigned first = byte(0);
  std::size_t length = 0;
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF)
    length = 2;
  else if (first >= 0xE0 && first <= 0xEF)
    length = 3;
  else if (first >= 0xF0 && first <= 0xF4)
    length = 4;
  if (length == 0 || at + length > text.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
      (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
    return 0;
  return length;
}

// C0 and C1 controls: a terminal obeys them. So do the marks that turn the
// direction of writing, which can make a line read as something else.
bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1)
    return first < 0x20 || first == 0x7F;
  const auto second = static_cast<unsigned char>(character[1]);
  if (character.size() == 2)
    return first == 0xC2 && second < 0xA0;
  const auto third = static_cast<unsigned char>(character[2]);
  return character.size() == 3 && first == 0xE2 &&
         ((second == 0x80 && third >= 0xA8 && third <= 0xAE) ||
          (second == 0x81 && third >= 0xA6 && third <= 0xA9));
}

} // namespace

std::string shown_text(std::string_view text, std::size_t most) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const std::string_view character = text.substr(at, length == 0 ? 1 : length);
    std::string piece;
    if (character == "\n" || character == "\r" || character == "\t")
      piece = shown.empty() || shown.back() == ' ' ? "" : " ";
    else if (length != 0 && !is_control(character))
      piece = character;
    else
      for (const char c : character)
        piece += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    if (shown.size() + piece.size() > most)
      return shown + "...";
    shown += piece;
    at += character.size();
  }
  return shown;
}

} // namespace lab::plugin
