// Random JSON text in the spellings that a reader and a writer in between could change: escapes,
// numbers beyond 64 bits, white space, order. The same seed gives the same texts.
#pragma once

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agw::test {

struct MemberText {
  std::string name;  // with its quotes
  std::string value;
};

// An object and where the values of its members lie in it.
struct ObjectText {
  std::string text;
  std::vector<std::size_t> values;
};

class JsonTexts {
 public:
  // `breaks`: white space may hold line breaks. `huge`: numbers may be such that no double holds.
  JsonTexts(std::uint32_t seed, bool breaks, bool huge)
      : random_(seed), breaks_(breaks), huge_(huge) {}

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  bool onceIn(unsigned times) { return below(times) == 0; }
  std::string pick(std::initializer_list<std::string_view> texts) {
    return std::string(*(texts.begin() + below(static_cast<unsigned>(texts.size()))));
  }
  template <class Items>
  void shuffle(Items& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[below(static_cast<unsigned>(i))]);
    }
  }

  std::string space() {
    if (!onceIn(5)) return {};
    return breaks_ ? pick({" ", "\n", "\r\n", "\t", "  "}) : pick({" ", "\t", "  "});
  }

  // A known name, some of its letters written as escapes.
  std::string spelled(std::string_view text, unsigned escapes_in = 40) {
    std::string out = "\"";
    for (const char c : text) {
      if (!onceIn(escapes_in)) {
        out += c;
        continue;
      }
      char escape[8];
      std::snprintf(escape, sizeof(escape), below(2) == 0 ? "\\u%04x" : "\\u%04X",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    }
    return out + '"';
  }

  // No two are alike.
  std::string name() {
    const std::string odd =
        pick({"", "", "", "é", "\\u00e9", "\\u0000", "\\/", "\\\"", "😀", "\\uD83D\\ude00", " "});
    return "\"x" + std::to_string(++names_) + odd + '"';
  }

  std::string string() {
    std::string text = "\"";
    for (unsigned pieces = below(4); pieces != 0; --pieces) {
      text += pick({"plain words that fill a block or two ", "\\n", "\\\"", "\\\\", "\\/", "/",
                    "\\u0041", "\\u0000", "\\ud83d\\ude00", "\\uFFFF", "ä", "中", "😀", "\x7F",
                    "\\b\\f\\r\\t", "},{", "\\\"model\\\":", "[", "data: "});
    }
    return text + '"';
  }

  std::string number() {
    if (huge_ && onceIn(8)) return pick({"1E400", "-1e999", "123e4567"});
    return pick({"0",
                 "-0",
                 "-0.0",
                 "1",
                 "12",
                 "-7",
                 "0.1",
                 "0.10",
                 "1.50",
                 "-1.25e3",
                 "1e5",
                 "1E-5",
                 "2e+2",
                 "9007199254740993",
                 "-9223372036854775809",
                 "18446744073709551616",
                 "123456789012345678901234567890",
                 "1.7976931348623157e308",
                 "5e-324",
                 "1e-999",
                 "0.10000000000000000555"});
  }

  std::string value(unsigned depth = 0) {
    switch (below(depth > 3 ? 5 : 7)) {
      case 0:
      case 1:
        return number();
      case 2:
        return pick({"true", "false", "null"});
      case 3:
      case 4:
        return string();
      case 5: {
        std::string text = "[" + space();
        for (unsigned i = 0, count = below(4); i < count; ++i) {
          text += (i != 0 ? "," + space() : "") + value(depth + 1) + space();
        }
        return text + ']';
      }
      default: {
        std::vector<MemberText> members(below(4));
        for (MemberText& member : members) member = {string(), value(depth + 1)};
        return object(members).text;  // names may stand twice
      }
    }
  }

  std::string something() {
    std::string text = value();
    while (text == "null") text = value();
    return text;
  }

  // What nobody knows, added to the others.
  void addUnknown(std::vector<MemberText>& members, unsigned most) {
    for (unsigned count = below(most + 1); count != 0; --count) {
      members.push_back({name(), something()});
    }
  }

  ObjectText object(const std::vector<MemberText>& members) {
    ObjectText out;
    out.text = "{" + space();
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i != 0) out.text += "," + space();
      out.text += members[i].name + space() + ":" + space();
      out.values.push_back(out.text.size());
      out.text += members[i].value + space();
    }
    out.text += '}';
    return out;
  }

  std::string array(const std::vector<std::string>& elements) {
    std::string text = "[" + space();
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (i != 0) text += "," + space();
      text += elements[i] + space();
    }
    return text + ']';
  }

 private:
  std::mt19937 random_;
  bool breaks_;
  bool huge_;
  unsigned names_ = 0;
};

}  // namespace agw::test
