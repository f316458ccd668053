// Every way of reading strings, every cut and every place within a block against the scanner that
// gets one byte at a time: same values, same error, and known at the same byte.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "shared/body_scanner.h"
#include "shared/scan_support.h"
#include "shared/string_ways.h"

namespace agw {
namespace {

using namespace std::string_literals;

// What feed() says once 0, 1, 2, ... bytes have come.
std::vector<ScanStatus> statuses(std::string_view body) {
  BodyScanner scanner;
  std::vector<ScanStatus> found{ScanStatus::InProgress};
  for (const char c : body) found.push_back(scanner.feed(&c, 1));
  return found;
}

// Whole, and cut at each of `cuts`, in every way.
void expectSame(std::string_view body, const std::vector<std::size_t>& cuts) {
  const ScanOutcome exact = scanByteByByte(body);
  const std::vector<ScanStatus> known = statuses(body);
  for (const StringWay& way : stringWays()) {
    ASSERT_EQ(scan(body, way.skip), exact) << way.name << ": " << body;
    for (const std::size_t cut : cuts) {
      BodyScanner scanner(way.skip);
      const std::string first(body.substr(0, cut));
      ASSERT_EQ(scanner.feed(first.data(), first.size()), known[cut])
          << way.name << " after " << cut << " bytes of " << body;
      feedCopy(scanner, body.substr(cut));
      ASSERT_EQ(outcomeOf(scanner), exact) << way.name << " cut at " << cut << ": " << body;
    }
  }
}

// Characters and escapes that a block's border may cut, and faults of every kind.
const std::vector<std::string>& specials() {
  static const std::vector<std::string> kSpecials = {
      "",
      "\\n",
      "\\\"",
      "\\\\",
      "\\\\\\\\\\\"",
      "\\u0041",
      "\\ud83d\\ude00",
      "\\u00e4\\ud83d\\ude00\\uFFFF",
      "\xC3\xA4",
      "\xE4\xB8\xAD",
      "\xE0\xA0\x80",
      "\xED\x9F\xBF",
      "\xF0\x90\x80\x80",
      "\xF4\x8F\xBF\xBF",
      "\xC3\xA4\xE4\xB8\xAD\xF0\x9F\x98\x80",
      "\",\"k\":\"",
      "\x1F",
      "\\a",
      "\\\x01",
      "\\\xC3\xA4",
      "\\u12x4",
      "\\u12\"",
      "\\ud83d",
      "\\ud83dn",
      "\\ud83d\\n",
      "\\ud83d\\u0041",
      "\\ud83d\\ud83d",
      "\\ud83d\\udbff",
      "\\ud83d\\ue000",
      "\\ude00",
      "\\ude00\\ude00",
      "\\udc00\\ud83d",
      "\x80",
      "\xC0\x80",
      "\xC3",
      "\xC3\\n",
      "\xC3\xC3\xA4",
      "\xC3\xA4\xA4",
      "\xE4\xB8",
      "\xE4\xB8\xE4\xB8\xAD",
      "\xE0\x9F\xBF",
      "\xED\xA0\x80",
      "\xF0\x8F\xBF\xBF",
      "\xF0\x9F\x98",
      "\xF4\x90\x80\x80",
      "\xF5\x80\x80\x80",
      "\xFF",
  };
  return kSpecials;
}

TEST(BodyScannerWays, AgreeWhereverASpecialStandsInABlock) {
  for (const std::string& special : specials()) {
    for (std::size_t before = 0; before < 134; ++before) {
      const std::string head = "{\"model\":\"m\",\"x\":\"" + std::string(before, 'x');
      const std::string body = head + special + std::string(70, 'y') + "\"}";
      std::vector<std::size_t> cuts;
      for (std::size_t i = 0; i <= special.size() + 1; ++i) cuts.push_back(head.size() + i);
      ASSERT_NO_FATAL_FAILURE(expectSame(body, cuts));
    }
  }
}

TEST(BodyScannerWays, AgreeWhenTheStringEndsWithASpecial) {
  for (const std::string& special : specials()) {
    for (std::size_t before = 0; before < 70; ++before) {
      const std::string text = std::string(before, 'x') + special + "\"";
      for (const char* tail :
           {"}", "  ,  \"other\" : [ \"and\", { \"more\" : \"\\n\xC3\xA4\" } ] }"}) {
        ASSERT_NO_FATAL_FAILURE(expectSame("{\"model\":\"m\",\"x\":\"" + text + tail, {}));
        ASSERT_NO_FATAL_FAILURE(expectSame("{\"model\":\"m\",\"" + text + ":1" + tail, {}));
        ASSERT_NO_FATAL_FAILURE(
            expectSame("{\"model\":\"m\",\"x\":{\"" + text + ":0" + tail + "}", {}));
        ASSERT_NO_FATAL_FAILURE(expectSame("{\"model\":\"m\",\"user\":\"" + text + tail, {}));
      }
    }
  }
}

// Every lead byte with every second byte, so that no range of UTF-8 is off by one in any way.
TEST(BodyScannerWays, AgreeOnEveryPairOfBytesBeyondAscii) {
  for (unsigned lead = 0x80; lead < 0x100; ++lead) {
    for (unsigned second = 0x70; second < 0x100; ++second) {
      std::string body = "{\"model\":\"m\",\"x\":\"" + std::string(10, 'x');
      body += static_cast<char>(lead);
      body += static_cast<char>(second);
      const unsigned trail = lead >= 0xF0 ? 2 : lead >= 0xE0 ? 1 : 0;
      body += std::string(trail, '\xBF') + std::string(100, 'y') + "\"}";
      const ScanOutcome exact = scanByteByByte(body);
      for (const StringWay& way : stringWays()) {
        ASSERT_EQ(scan(body, way.skip), exact) << way.name << " " << lead << " " << second;
      }
    }
  }
}

// Bodies with long strings, numbers and structure; every second one has a fault.
class LongBodies {
 public:
  std::string next() {
    std::string body = "{" + space() + "\"model\"" + space() + ":" + space() + "\"demo/demo\"";
    const unsigned members = below(4);
    for (unsigned i = 0; i < members; ++i) body += "," + space() + member();
    body += space() + "}" + space();
    if (below(2) == 0) spoil(body);
    return body;
  }
  std::size_t below(std::size_t limit) { return random_() % limit; }

 private:
  std::string space() { return below(5) == 0 ? std::string(below(4), " \n\t\r"[below(4)]) : ""; }

  std::string string() {
    static const std::vector<std::string> kPieces = {
        "plain words that fill a block or two of sixteen ",
        "x",
        "\\n",
        "\\\"quoted\\\"",
        "\\\\",
        "\\/\\b\\f\\r\\t",
        "\\u0041",
        "\\ud83d\\ude00",
        "\xC3\xA4",
        "Stra\xC3\x9F\x65",
        "\xE4\xB8\xAD\xE6\x96\x87",
        "\xE0\xA4\x95",
        "\xED\x9F\xBF",
        "\xF0\x9F\x98\x80",
        "\x7F",
    };
    std::string text = "\"";
    for (std::size_t count = below(3) == 0 ? below(60) : below(4); count != 0; --count) {
      text += kPieces[below(kPieces.size())];
    }
    return text + "\"";
  }
  std::string value(unsigned depth) {
    static const std::vector<std::string> kScalars = {"0",     "-0.5", "12e+3", "123456789", "true",
                                                      "false", "null", "\"\"",  "1.25"};
    if (depth > 4 || below(3) == 0) return kScalars[below(kScalars.size())];
    if (below(3) != 0) return string();
    const bool object = below(2) == 0;
    std::string text = object ? "{" : "[";
    const std::size_t count = below(4);
    for (std::size_t i = 0; i < count; ++i) {
      text += (i != 0 ? "," : "") + space();
      if (object) text += string() + space() + ":" + space();
      text += value(depth + 1) + space();
    }
    return text + (object ? "}" : "]");
  }
  std::string member() {
    switch (below(6)) {
      case 0:
        return "\"user\":" + string();
      case 1:
        return "\"stream\":true";
      case 2:
        return "\"max_completion_tokens\" : 4096";
      case 3:
        return string() + ":" + value(0);
      default:
        return "\"messages\":" + space() + value(0);
    }
  }
  // One byte another, or one more, or some less; or the end missing.
  void spoil(std::string& body) {
    static constexpr std::string_view kBytes =
        "{}[]\",:\\0189.eE+-tfnu \n\x01\x7F\x80\xBF\xC3\xE4\xED\xF0\xFF";
    const std::size_t at = below(body.size());
    switch (below(4)) {
      case 0:
        body[at] = kBytes[below(kBytes.size())];
        break;
      case 1:
        body.insert(at, 1, kBytes[below(kBytes.size())]);
        break;
      case 2:
        body.erase(at, 1 + below(3));
        break;
      default:
        body.resize(at);
    }
  }

  std::mt19937 random_{20240711};
};

TEST(BodyScannerWays, AgreeOnLongBodiesInAnyPieces) {
  LongBodies bodies;
  unsigned accepted = 0;
  constexpr unsigned kBodies = 4000;
  for (unsigned i = 0; i < kBodies; ++i) {
    const std::string body = bodies.next();
    const ScanOutcome exact = scanByteByByte(body);
    if (exact.status == ScanStatus::Done) ++accepted;
    std::vector<std::size_t> cuts;
    for (unsigned k = 0; k < 6; ++k) cuts.push_back(bodies.below(body.size() + 1));
    ASSERT_NO_FATAL_FAILURE(expectSame(body, cuts));
    const auto [low, high] = std::minmax(cuts[0], cuts[1]);
    for (const StringWay& way : stringWays()) {
      ASSERT_EQ(scanCuts(body, {low, high}, way.skip), exact)
          << way.name << " cut at " << low << " and " << high << ": " << body;
    }
  }
  // Both sides must be reached, or the test shows nothing.
  EXPECT_GT(accepted, kBodies / 4);
  EXPECT_LT(accepted, kBodies * 3 / 4);
}

TEST(BodyScannerWays, AgreeAtEveryCutOfSomeLongBodies) {
  LongBodies bodies;
  for (unsigned i = 0; i < 60; ++i) {
    const std::string body = bodies.next();
    std::vector<std::size_t> cuts;
    for (std::size_t cut = 0; cut <= body.size(); ++cut) cuts.push_back(cut);
    ASSERT_NO_FATAL_FAILURE(expectSame(body, cuts));
  }
}

}  // namespace
}  // namespace agw
