#include "bench/scan/inputs.h"

#include <random>
#include <string_view>

namespace scan_bench {
namespace {

// The same on every run and every machine: only the engine's own values are used.
class Chooser {
 public:
  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }

 private:
  std::mt19937 engine_{20240607};
};

// A body whose "messages" are `messages`, the text of a JSON array.
std::string request(const std::string& messages) {
  return R"({"model":"demo/demo","stream":false,"messages":)" + messages + "}";
}

// One message of about `size` bytes that `write` adds to, piece by piece.
template <class Write>
std::string message(std::size_t size, Write write) {
  std::string text = R"([{"role":"user","content":")";
  while (text.size() < size) write(text);
  return request(text + "\"}]");
}

// An array of about `size` bytes whose elements `write` adds.
template <class Write>
std::string array(std::size_t size, Write write) {
  std::string text = "[";
  while (text.size() < size) {
    if (text.size() > 1) text += ',';
    write(text);
  }
  return request(text + "]");
}

std::string plain(std::size_t size) {
  return message(size, [](std::string& text) { text += "plain words of one long message, "; });
}

// Three bytes a character, as Chinese and Japanese text is, with a line end now and then.
std::string cjk(std::size_t size) {
  Chooser chooser;
  return message(size, [&](std::string& text) {
    const unsigned code = 0x4E00 + chooser.below(0x5000);
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
    if (chooser.below(40) == 0) text += "\\n";
  });
}

// Two bytes a character with spaces between the words, as Russian and Greek text is.
std::string cyrillic(std::size_t size) {
  Chooser chooser;
  return message(size, [&](std::string& text) {
    const unsigned code = 0x430 + chooser.below(0x20);
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
    if (chooser.below(6) == 0) text += ' ';
  });
}

// Code: a line end or a quote about every 20 bytes.
std::string escapes(std::size_t size) {
  Chooser chooser;
  return message(size, [&](std::string& text) {
    text.append(8 + chooser.below(20), 'x');
    text += chooser.below(2) == 0 ? "\\n" : "\\\"";
  });
}

// Text beyond ASCII as encoders write it that send pure ASCII.
std::string unicodeEscapes(std::size_t size) {
  Chooser chooser;
  return message(size, [&](std::string& text) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    text += "\\u";
    text += kHex[4 + chooser.below(5)];
    for (int i = 0; i < 3; ++i) text += kHex[chooser.below(16)];
  });
}

std::string emptyStrings(std::size_t size) {
  return array(size, [](std::string& text) { text += "\"\""; });
}

// As deep as the scanner lets it be: the body and its array are two levels.
std::string deep(std::size_t size) {
  return array(size,
               [](std::string& text) { text += std::string(62, '[') + std::string(62, ']'); });
}

// An embedding: numbers of many digits.
std::string numbers(std::size_t size) {
  Chooser chooser;
  return array(size, [&](std::string& text) {
    if (chooser.below(2) == 0) text += '-';
    text += "0." + std::to_string(chooser.below(1'000'000'000));
  });
}

}  // namespace

std::vector<Input> madeInputs(std::size_t size) {
  return {{"plain_400k", plain(size)},
          {"cjk_400k", cjk(size)},
          {"cyrillic_400k", cyrillic(size)},
          {"escapes_400k", escapes(size)},
          {"unicode_escapes_400k", unicodeEscapes(size)},
          {"empty_strings_400k", emptyStrings(size)},
          {"deep_400k", deep(size)},
          {"numbers_400k", numbers(size)}};
}

}  // namespace scan_bench
