#include "shared/openai_error.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "shared/utf8.h"

namespace agw {
namespace {

using Json = nlohmann::ordered_json;

TEST(ErrorTable, PinsStatusAndTypeOfEveryCode) {
  struct Entry {
    int status;
    std::string_view type;
  };
  const std::map<std::string_view, Entry> expected = {
      {"invalid_json", {400, "invalid_request_error"}},
      {"invalid_request", {400, "invalid_request_error"}},
      {"missing_required_parameter", {400, "invalid_request_error"}},
      {"invalid_type", {400, "invalid_request_error"}},
      {"invalid_value", {400, "invalid_request_error"}},
      {"duplicate_key", {400, "invalid_request_error"}},
      {"json_too_deep", {400, "invalid_request_error"}},
      {"unsupported_parameter", {400, "invalid_request_error"}},
      {"tool_name_conflict", {400, "invalid_request_error"}},
      {"model_mismatch", {400, "invalid_request_error"}},
      {"bad_request", {400, "invalid_request_error"}},
      {"unsupported_media_type", {415, "invalid_request_error"}},
      {"request_too_large", {413, "invalid_request_error"}},
      {"headers_too_large", {431, "invalid_request_error"}},
      {"uri_too_long", {414, "invalid_request_error"}},
      {"request_timeout", {408, "invalid_request_error"}},
      {"not_found", {404, "invalid_request_error"}},
      {"method_not_allowed", {405, "invalid_request_error"}},
      {"invalid_api_key", {401, "invalid_request_error"}},
      {"key_expired", {401, "invalid_request_error"}},
      {"scope_not_granted", {403, "permission_error"}},
      {"agent_not_allowed", {403, "permission_error"}},
      {"forbidden", {403, "permission_error"}},
      {"proof_invalid", {403, "permission_error"}},
      {"model_not_found", {404, "invalid_request_error"}},
      {"rate_limit_exceeded", {429, "rate_limit_error"}},
      {"keys_not_loaded", {503, "api_error"}},
      {"no_executor", {503, "api_error"}},
      {"run_lost", {424, "api_error"}},
      {"agent_unavailable", {503, "api_error"}},
      {"overloaded", {503, "api_error"}},
      {"draining", {503, "api_error"}},
      {"configuration_invalid", {422, "invalid_request_error"}},
      {"internal_error", {500, "api_error"}},
      {"upstream_auth_error", {502, "api_error"}},
      {"upstream_rejected", {400, "invalid_request_error"}},
      {"upstream_rate_limited", {429, "rate_limit_error"}},
      {"upstream_error", {502, "api_error"}},
      {"upstream_unreachable", {502, "api_error"}},
      {"upstream_timeout", {504, "api_error"}},
      {"upstream_stream_truncated", {502, "api_error"}},
      {"upstream_invalid_response", {502, "api_error"}},
      {"upstream_overloaded", {503, "api_error"}},
      {"upstream_unavailable", {503, "api_error"}},
      {"tool_failed", {424, "api_error"}},
      {"run_timeout", {504, "api_error"}},
      {"run_cancelled", {499, "api_error"}},
  };
  EXPECT_EQ(errorTable().size(), expected.size());
  for (const ErrorEntry& entry : errorTable()) {
    ASSERT_TRUE(expected.contains(entry.name)) << entry.name;
    EXPECT_EQ(entry.status, expected.at(entry.name).status) << entry.name;
    EXPECT_EQ(entry.type, expected.at(entry.name).type) << entry.name;
    EXPECT_TRUE(entry.meaning.ends_with('.')) << entry.name;
    EXPECT_EQ(errorEntry(entry.code).name, entry.name);
    EXPECT_EQ(errorCodeFromName(entry.name), entry.code);
  }
  EXPECT_EQ(errorCodeFromName("nonsense"), std::nullopt);
  EXPECT_EQ(errorCodeFromName(""), std::nullopt);
}

std::string json(ErrorCode code, std::string_view message, std::string_view param = {}) {
  std::string out;
  appendErrorJson(out, code, message, param);
  return out;
}

std::string buffered(std::size_t capacity, ErrorCode code, std::string_view message,
                     std::string_view param = {}) {
  std::string out(capacity, '~');
  out.resize(writeErrorJson(out.data(), capacity, code, message, param));
  return out;
}

TEST(ErrorJson, HasThePinnedForm) {
  constexpr std::string_view kPlain =
      R"({"error":{"message":"No such model.","type":"invalid_request_error","param":"model","code":"model_not_found"}})";
  EXPECT_EQ(json(ErrorCode::ModelNotFound, "No such model.", "model"), kPlain);
  EXPECT_EQ(buffered(1024, ErrorCode::ModelNotFound, "No such model.", "model"), kPlain);
  constexpr std::string_view kNoParam =
      R"({"error":{"message":"","type":"api_error","param":null,"code":"internal_error"}})";
  EXPECT_EQ(json(ErrorCode::InternalError, ""), kNoParam);
  EXPECT_EQ(buffered(256, ErrorCode::InternalError, ""), kNoParam);
}

TEST(ErrorJson, EscapesAndRepairsText) {
  const auto message = [](std::string_view text) {
    const std::string whole = json(ErrorCode::BadRequest, text);
    EXPECT_EQ(buffered(4096, ErrorCode::BadRequest, text), whole);
    const std::size_t start = std::string_view(R"({"error":{"message":")").size();
    return whole.substr(start, whole.find(R"(","type")") - start);
  };
  EXPECT_EQ(message("a\"b\\c/"), R"(a\"b\\c/)");
  EXPECT_EQ(message(std::string_view("\0\x01\b\n\r\t\x1F\x7F", 8)),
            R"(\u0000\u0001\u0008\n\r\t\u001f\u007f)");
  EXPECT_EQ(message("\xC3\xA4\xE4\xB8\xAD\xF0\x9F\x98\x80"),
            "\xC3\xA4\xE4\xB8\xAD\xF0\x9F\x98\x80");
  EXPECT_EQ(message("\xFFz"), "\xEF\xBF\xBDz");
  EXPECT_EQ(message("\xC3(x"), "\xEF\xBF\xBD(x");
  EXPECT_EQ(message("\xE4\xB8(x"), "\xEF\xBF\xBD(x");
  EXPECT_EQ(message("\xE4\xB8"), "\xEF\xBF\xBD");
  EXPECT_EQ(message("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(ErrorJson, IsWholeAndValidForEveryBufferSize) {
  std::string message;
  for (int i = 0; i < 40; ++i)
    message += "text \" \n \x01 \xC3\xA4 \xE4\xB8\xAD \xF0\x9F\x98\x80 \xFF";
  for (std::size_t capacity = 256; capacity < 1500; ++capacity) {
    const std::string out = buffered(capacity, ErrorCode::UpstreamStreamTruncated, message, "a");
    ASSERT_LE(out.size(), capacity);
    ASSERT_GT(out.size(), 200U);
    const Json parsed = Json::parse(out, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << out;
    ASSERT_EQ(parsed["error"]["code"], "upstream_stream_truncated");
  }
}

TEST(ErrorJson, EveryCodeFitsTheSmallestBuffer) {
  const std::string long_text(1000, '"');
  for (const ErrorEntry& entry : errorTable()) {
    const std::string out = buffered(256, entry.code, long_text, long_text);
    const Json parsed = Json::parse(out, nullptr, false);
    ASSERT_FALSE(parsed.is_discarded()) << out;
    EXPECT_EQ(parsed["error"]["type"], entry.type);
    EXPECT_EQ(parsed["error"]["param"], std::string(32, '"'));
    EXPECT_GE(parsed["error"]["message"].get<std::string>().size(), 30U);
  }
  EXPECT_EQ(buffered(50, ErrorCode::InternalError, "x"), "");
}

TEST(Utf8, SequencesAreThoseOfTheStandard) {
  // Every code point reads back; every two-byte pair is judged as its value says.
  for (char32_t code = 0x80; code <= 0x10FFFF; ++code) {
    char bytes[4];
    const std::size_t size = encodeUtf8(code, bytes);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    ASSERT_EQ(utf8SequenceSize(bytes, size), surrogate ? 0 : size) << static_cast<unsigned>(code);
    ASSERT_EQ(utf8SequenceSize(bytes, size - 1), 0U);
  }
  unsigned good = 0;
  for (unsigned pair = 0x8000; pair <= 0xFFFF; ++pair) {
    const char bytes[2] = {static_cast<char>(pair >> 8), static_cast<char>(pair)};
    if (utf8SequenceSize(bytes, 2) == 2) ++good;
  }
  EXPECT_EQ(good, 0x800U - 0x80U);
}

}  // namespace
}  // namespace agw
