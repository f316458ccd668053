#include "bench/chunks/inputs.h"

namespace chunk_bench {
namespace {

// About 300 bytes with one word of content.
std::string chunk(const std::string& id, const std::string& delta, const std::string& more = "") {
  return R"({"id":"chatcmpl-)" + id +
         R"(","object":"chat.completion.chunk","created":1742812345,"model":"gpt-4o-mini-2024-07-18",)"
         R"("service_tier":"default","system_fingerprint":"fp_b8bc95a0ac","choices":[{"index":0,"delta":)" +
         delta + R"(,"logprobs":null,"finish_reason":null}],"usage":null)" + more + "}";
}

constexpr auto kId = "BEcCBqCCo8dGpVhxXlTkUbK0x2NxC";

}  // namespace

std::vector<Input> inputs() {
  return {
      {"content", {chunk(kId, R"({"content":" gateway"})")}},
      {"content_other_words",
       {chunk(kId, R"({"content":" The"})"), chunk(kId, R"({"content":" quick"})"),
        chunk(kId, R"({"content":" brown"})"), chunk(kId, R"({"content":" fox,"})"),
        chunk(kId, R"({"content":"\n\njumps"})")}},
      // A member that differs in every chunk: no chunk is like the one before.
      {"content_obfuscated",
       {chunk(kId, R"({"content":" quick"})", R"(,"obfuscation":"Lq7")"),
        chunk(kId, R"({"content":" brown"})", R"(,"obfuscation":"a0PzV")"),
        chunk(kId, R"({"content":" fox"})", R"(,"obfuscation":"Xe")")}},
      {"content_chinese", {chunk(kId, R"({"content":"网关在流中"})")}},
      {"reasoning", {chunk(kId, R"({"content":null,"reasoning_content":" so"})")}},
      {"role_in_every_chunk", {chunk(kId, R"({"role":"assistant","content":" gateway"})")}},
      {"no_finish_reason",
       {R"({"id":"1","object":"chat.completion.chunk","created":1742812345.5,"model":"m","choices":[{"delta":{"content":" gateway"}}]})"}},
      {"tool_arguments",
       {chunk(kId, R"({"tool_calls":[{"index":0,"function":{"arguments":"\"city"}}]})")}},
  };
}

}  // namespace chunk_bench
