#include "protocol/answer_body.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace agw::protocol {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r\n";
constexpr std::size_t kMaxBlank = 64 << 10;  // before the first character that tells the form

std::string lowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool isDone(std::string_view text) {
  if (text.front() == '{') return false;
  text = trimmed(text);
  return text == "[DONE]" || text == "[done]";
}

// What a compressed body begins with: gzip, zstd.
constexpr std::string_view kCompressed[] = {"\x1F\x8B", "\x28\xB5\x2F\xFD"};

bool isCompressed(std::string_view start) {
  return std::any_of(std::begin(kCompressed), std::end(kCompressed),
                     [start](std::string_view mark) { return start.starts_with(mark); });
}
bool mayBecomeCompressed(std::string_view start) {
  return std::any_of(std::begin(kCompressed), std::end(kCompressed),
                     [start](std::string_view mark) { return mark.starts_with(start); });
}

}  // namespace

AnswerBody::AnswerBody(std::string_view content_type, std::string_view content_encoding)
    : says_events_(lowerCase(content_type).starts_with("text/event-stream")),
      events_(1 << 20, 4 << 20, SseDialect::Sloppy) {
  const std::string encoding = lowerCase(trimmed(content_encoding));
  if (!encoding.empty() && encoding != "identity") {
    refuse("compressed as \"" + encoding.substr(0, 32) + "\", which was not asked for");
  }
}

void AnswerBody::feed(std::string_view bytes) {
  switch (form_) {
    case Form::Unknown:
      start_.append(bytes);
      recognise();
      return;
    case Form::Events:
      events_.feed(bytes);
      return;
    case Form::Json:
      start_.append(bytes);
      if (start_.size() > kMaxJson) {
        refuse("over " + std::to_string(kMaxJson) + " bytes");
      }
      return;
    case Form::Refused:
      return;
  }
}

void AnswerBody::end() {
  ended_ = true;
  if (form_ == Form::Unknown) recognise();
}

void AnswerBody::recognise() {
  std::string_view start = start_;
  const bool may_be_bom = start.size() < kBom.size() && kBom.starts_with(start);
  if (may_be_bom && !ended_) return;
  if (start.starts_with(kBom)) start.remove_prefix(kBom.size());
  const std::size_t first = start.find_first_not_of(kBlank);
  if (first == std::string_view::npos) {
    if (ended_) form_ = says_events_ ? Form::Events : Form::Json;
    if (start.size() > kMaxBlank) refuse("nothing but white space");
    return;
  }
  const std::string_view text = start.substr(first);
  if (isCompressed(text)) {
    refuse("compressed, which was not asked for");
  } else if (mayBecomeCompressed(text) && !ended_) {
    return;  // the next bytes tell
  } else if (text[0] == '<') {
    refuse("markup, which no model server sends");
  } else if (!says_events_ && (text[0] == '{' || text[0] == '[')) {
    form_ = Form::Json;
    start_.erase(0, static_cast<std::size_t>(text.data() - start_.data()));
  } else {
    form_ = Form::Events;
    events_.feed(std::exchange(start_, {}));
  }
}

void AnswerBody::refuse(std::string detail) {
  form_ = Form::Refused;
  start_ = {};
  error_ = upstreamError(ErrorCode::UpstreamInvalidResponse, "The upstream's answer is not usable.",
                         "the body is " + detail);
}

Result<std::optional<AnswerEvent>> AnswerBody::next() {
  if (error_) return *error_;
  if (over_) return std::optional<AnswerEvent>();
  switch (form_) {
    case Form::Events:
      return nextEvent();
    case Form::Json:
      return takeJson();
    default:
      return std::optional<AnswerEvent>();
  }
}

Result<std::optional<AnswerEvent>> AnswerBody::nextEvent() {
  using Kind = AnswerEvent::Kind;
  Result<std::optional<SseText>> event = events_.nextText();
  if (!event) return event.error();
  bool is_last = false;
  if (!*event && ended_) {
    event = events_.finishText();
    if (!event) return event.error();
    is_last = true;
  }
  if (!*event) {
    over_ = ended_;
    return std::optional<AnswerEvent>();
  }
  gave_event_ = true;
  AnswerEvent out;
  out.text = (*event)->data;
  if (isDone(out.text)) {
    out.kind = Kind::Done;
    over_ = true;
  } else if ((*event)->type == "error") {
    out.kind = Kind::Error;
  } else if (is_last) {
    out.kind = Kind::Cut;
  }
  return std::optional<AnswerEvent>(std::move(out));
}

Result<std::optional<AnswerEvent>> AnswerBody::takeJson() {
  if (!ended_) return std::optional<AnswerEvent>();
  over_ = true;
  if (trimmed(start_).empty()) return std::optional<AnswerEvent>();
  gave_event_ = true;
  AnswerEvent out;
  given_ = std::exchange(start_, {});
  out.text = given_;
  return std::optional<AnswerEvent>(std::move(out));
}

bool AnswerBody::isForeign() const { return !gave_event_ && !says_events_; }

}  // namespace agw::protocol
