// The first byte chooses a cut, the rest is the stream. No cut may change the output, and the
// output is the input without usage comments and their blank lines: nothing is added, reordered or
// lost. What has passed at any time ends with a blank line, as long as blocks are short; with what
// closes a stream that breaks off it ends with one in any case.
#include <cstdint>
#include <string>
#include <string_view>

#include "require.h"
#include "shared/sse_usage.h"

namespace {

using agw::SseUsageFilter;

bool isLineEnd(char c) { return c == '\n' || c == '\r'; }

// Nothing at all, or text whose last line is empty, as a client reads it: CRLF is one line end.
bool endsWithBlankLine(std::string_view text) {
  if (text.empty()) return true;
  if (!isLineEnd(text.back())) return false;
  text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
  return text.empty() || isLineEnd(text.back());
}

struct Result {
  std::string text;
  std::uint64_t events = 0;
  std::string usage;

  bool operator==(const Result&) const = default;
};

class Run {
 public:
  void feed(std::string_view piece) {
    const std::string copy(piece);  // of its own size, so that AddressSanitizer sees a read past it
    input_ = copy;
    require(filter_.feed(copy, sink()), "feed succeeds");
    require(endsWithBlankLine(text_) || text_.size() > SseUsageFilter::kMaxHeldBlock,
            "only whole blocks pass");
  }
  Result finish() {
    input_ = {};
    require(filter_.finish(sink()), "finish succeeds");
    Result result{text_, filter_.dataEvents(), ""};
    if (filter_.usage()) result.usage = agw::formatUsage(*filter_.usage());
    return result;
  }
  // The stream breaks off here: an event that follows must be one of its own.
  void breakOff() {
    held_.clear();
    feed(filter_.cut());
    require(held_.empty() && endsWithBlankLine(text_), "a stream that breaks off is closed");
  }

 private:
  SseUsageFilter::Sink sink() {
    return {this,
            [](void* context, std::string_view bytes) noexcept {
              auto& self = *static_cast<Run*>(context);
              require(bytes.empty() ||
                          (bytes.data() >= self.input_.data() &&
                           bytes.data() + bytes.size() <= self.input_.data() + self.input_.size()),
                      "what passes is a view of the input");
              self.text_.append(self.held_).append(bytes);
              self.held_.clear();
              return true;
            },
            [](void* context, std::string_view bytes) noexcept {
              auto& self = *static_cast<Run*>(context);
              self.held_.append(bytes);
              require(
                  self.held_.size() <= SseUsageFilter::kMaxHeldBlock + SseUsageFilter::kMaxHeldLine,
                  "what is held is bounded");
              return true;
            }};
  }

  SseUsageFilter filter_;
  std::string_view input_;
  std::string text_;
  std::string held_;
};

// Walks the input; where the output leaves it, a whole usage comment or a blank line must have been
// there.
void requireOnlyUsageIsGone(std::string_view input, std::string_view output, bool usage_seen) {
  std::size_t in = 0;
  for (std::size_t out = 0; out < output.size() || in < input.size();) {
    if (out < output.size() && in < input.size() && input[in] == output[out] &&
        !input.substr(in).starts_with(agw::kUsageComment)) {
      ++in;
      ++out;
      continue;
    }
    require(in < input.size(), "nothing is added");
    const std::string_view rest = input.substr(in);
    if (isLineEnd(rest[0])) {
      require(usage_seen, "a line end goes only with a usage comment");
      ++in;
      continue;
    }
    require(rest.starts_with(agw::kUsageComment), "only usage comments go");
    const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
    const bool is_usage = agw::parseUsage(line.substr(agw::kUsageComment.size())).has_value() &&
                          line.size() <= SseUsageFilter::kMaxHeldLine;
    const bool kept = output.substr(out).starts_with(line);
    require(is_usage || kept, "other comments stay");
    in += line.size();
    if (kept) out += line.size();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  Run whole;
  whole.feed(input);
  const Result result = whole.finish();

  Run cut;
  const std::size_t at = input.size() * data[0] / 255;
  cut.feed(input.substr(0, at));
  cut.feed(input.substr(at));
  require(cut.finish() == result, "one cut");

  Run broken;
  broken.feed(input.substr(0, at));
  broken.breakOff();

  static const std::string too_long = "data: " + std::string(SseUsageFilter::kMaxHeldBlock, 'x');
  Run broken_in_long;
  broken_in_long.feed(too_long);
  broken_in_long.feed(input.substr(0, at));
  broken_in_long.breakOff();

  Run bytes;
  for (std::size_t i = 0; i < input.size(); ++i) bytes.feed(input.substr(i, 1));
  require(bytes.finish() == result, "byte by byte");

  requireOnlyUsageIsGone(input, result.text, !result.usage.empty());
  return 0;
}
