// The scanner against nlohmann-json, the parser behind it: whatever the edge lets through must be
// the same request to the executor.
#include <gtest/gtest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "shared/body_scanner.h"
#include "shared/scan_oracle.h"
#include "shared/scan_support.h"

namespace agw {
namespace {

using Json = nlohmann::ordered_json;

// Writes random JSON text with the spellings that parsers differ in.
class BodyWriter {
 public:
  explicit BodyWriter(std::uint32_t seed) : random_(seed) {}

  std::string object() {
    std::string body = space() + "{";
    const unsigned members = below(8);
    bool first = true;
    if (below(8) != 0) {
      first = false;
      body += space() + key("model") + space() + ":" + space() + modelValue() + space();
    }
    for (unsigned i = 0; i < members; ++i) {
      if (!first) body += ",";
      first = false;
      body += space() + member() + space();
    }
    return body + "}" + space();
  }

  // Damages one byte, or cuts, or repeats a part.
  void spoil(std::string& body) {
    static constexpr std::string_view kBytes =
        "{}[]\",:\\0123456789.eE+-tfnu \n\x01\x7F\x80\xC3\xE4\xED\xF0\xFF/";
    const std::size_t at = below(static_cast<unsigned>(body.size()));
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
        body.insert(at, body.substr(below(static_cast<unsigned>(body.size())), below(12)));
    }
  }

  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

 private:
  std::string pick(std::initializer_list<const char*> texts) {
    return *(texts.begin() + below(static_cast<unsigned>(texts.size())));
  }
  std::string space() { return below(4) != 0 ? "" : pick({" ", "\n", "\t", "\r\n", "  "}); }

  // The name with some of its letters escaped.
  std::string key(std::string_view name) {
    std::string text = "\"";
    for (const char c : name) {
      if (below(12) == 0) {
        char escape[16];
        std::snprintf(escape, sizeof(escape), below(2) == 0 ? "\\u%04x" : "\\u%04X",
                      static_cast<unsigned>(static_cast<unsigned char>(c)));
        text += escape;
      } else {
        text += c;
      }
    }
    return text + "\"";
  }
  std::string modelValue() {
    if (below(12) == 0) return value(0);
    return key(pick({"gpt-4o", "research/deep", "default/helper", "a:b@c+d", "x/y/z", "m"}));
  }
  std::string string() {
    std::string text = "\"";
    const unsigned pieces = below(6);
    for (unsigned i = 0; i < pieces; ++i) {
      text += pick({"plain words that fill a block or two ",
                    "model",
                    "\\n",
                    "\\\"",
                    "\\\\",
                    "\\/",
                    "\\u0041",
                    "\\u0000",
                    "\\ud83d\\ude00",
                    "\\uFFFF",
                    "\xC3\xA4",
                    "\xE4\xB8\xAD",
                    "\xED\x9F\xBF",
                    "\xF0\x9F\x98\x80",
                    "\xF4\x8F\xBF\xBF",
                    "\x7F",
                    "\\b\\f\\r\\t",
                    "'",
                    "//",
                    "0"});
    }
    return text + "\"";
  }
  std::string number() {
    return pick({"0", "-0", "1", "12", "-7", "0.5", "-1.25e3", "1e5", "1E-5", "2e+2",
                 "123456789012345678", "18446744073709551615", "99999999999999999999",
                 "1.7976931348623157e308", "5e-324"});
  }
  std::string value(unsigned depth) {
    switch (below(depth > 5 ? 5 : 7)) {
      case 0:
        return number();
      case 1:
        return pick({"true", "false", "null"});
      case 2:
      case 3:
      case 4:
        return string();
      case 5: {
        std::string text = "[" + space();
        const unsigned count = below(4);
        for (unsigned i = 0; i < count; ++i) {
          text += (i != 0 ? "," + space() : "") + value(depth + 1) + space();
        }
        return text + "]";
      }
      default: {
        std::string text = "{" + space();
        const unsigned count = below(4);
        for (unsigned i = 0; i < count; ++i) {
          text += (i != 0 ? "," + space() : "") + string() + space() + ":" + value(depth + 1);
        }
        return text + "}";
      }
    }
  }
  std::string member() {
    switch (below(9)) {
      case 0:
        return key("stream") + ":" + pick({"true", "false", "null", "\"yes\"", "1"});
      case 1:
        return key("user") + ":" + (below(6) == 0 ? value(0) : string());
      case 2:
        return key("max_tokens") + ":" + pick({"0", "17", "null", "1e3", "4096", "-1"});
      case 3:
        return key("max_completion_tokens") + ":" + pick({"18", "null", "2.0", "5000"});
      case 4:
        return key("max_output_tokens") + ":" + pick({"19", "null", "3000000000"});
      case 5:
        return key(pick({"Model", "model ", "models", "mode", "streams", ""})) + ":" + value(0);
      default:
        return string() + space() + ":" + space() + value(0);
    }
  }

  std::mt19937 random_;
};

constexpr unsigned kBodies = 30000;

TEST(BodyScannerDifferential, WhatItAcceptsTheParserAcceptsWithTheSameValues) {
  BodyWriter writer(20240607);
  unsigned accepted = 0;
  unsigned refused = 0;
  for (unsigned i = 0; i < kBodies; ++i) {
    std::string body = writer.object();
    const unsigned faults = i % 3 == 0 ? 0 : 1 + writer.below(2);
    for (unsigned f = 0; f < faults && !body.empty(); ++f) writer.spoil(body);
    const ScanOutcome outcome = scan(body);
    EXPECT_EQ(scanCut(body, writer.below(static_cast<unsigned>(body.size() + 1))), outcome) << body;
    if (outcome.status != ScanStatus::Done) {
      ++refused;
      continue;
    }
    ++accepted;
    ASSERT_EQ(disagreement(outcome, body), "") << body;
  }
  // The generator must reach both sides, or the test shows nothing.
  EXPECT_GT(accepted, kBodies / 5);
  EXPECT_GT(refused, kBodies / 5);
}

TEST(BodyScannerDifferential, ItRefusesNoJsonThatTheParserAccepts) {
  // For undamaged text a refusal must have one of the reasons that are ours, not the grammar's.
  BodyWriter writer(7);
  for (unsigned i = 0; i < kBodies; ++i) {
    const std::string body = writer.object();
    if (Json::parse(body, nullptr, false).is_discarded()) continue;
    const ScanStatus status = scan(body).status;
    EXPECT_TRUE(status != ScanStatus::InvalidJson && status != ScanStatus::NotAnObject &&
                status != ScanStatus::Bom && status != ScanStatus::TooDeep)
        << body;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace agw
