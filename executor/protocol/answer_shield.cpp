#include "protocol/answer_shield.h"

#include <algorithm>
#include <utility>

#include "base/json_text.h"
#include "protocol/upstream_fault.h"
#include "protocol/usage_reader.h"

namespace agw::protocol {
namespace {

Error truncated() {
  return upstreamError(ErrorCode::UpstreamStreamTruncated,
                       "The upstream's stream ended before the answer was complete.");
}

Error notJson() {
  return upstreamError(ErrorCode::UpstreamInvalidResponse,
                       "The upstream's answer is no JSON object.");
}

Error noMessage() {
  return upstreamError(ErrorCode::UpstreamInvalidResponse,
                       "The upstream's answer holds no message.");
}

Error tooLarge() {
  return upstreamError(ErrorCode::UpstreamInvalidResponse, "The upstream's answer is too large.");
}

bool hasLineBreak(std::string_view text) {
  return text.find('\n') != std::string_view::npos || text.find('\r') != std::string_view::npos;
}

bool isWhiteSpace(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

AnswerShield::AnswerShield(AnswerTerms terms)
    : terms_(std::move(terms)),
      body_(terms_.content_type, terms_.content_encoding),
      repair_(terms_.calls) {}

void AnswerShield::feed(std::string_view bytes) {
  if (hasValue()) {
    // Its text is the body's, which is about to change: keep it, and look again.
    text_ = event_.text;
    event_.text = text_;
    if (std::exchange(looked_, false)) position_ = value_;
  }
  body_.feed(bytes);
}

void AnswerShield::end() { body_.end(); }

void AnswerShield::broken(Error error) {
  break_ = std::move(error);
  body_.end();
}

Result<std::optional<ChatChunk>> AnswerShield::next() {
  return terms_.stream ? nextChunk() : nextWhole();
}

// Runs until there is something to give. What came before an error is given first.
AnswerShield::Maybe AnswerShield::nextChunk() {
  while (!over_) {
    if (!closing_ && !hasValue()) {
      Result<std::optional<AnswerEvent>> event = body_.next();
      if (!event) {
        error_ = event.error();
        closing_ = true;
      } else if (*event) {
        event_ = std::move(**event);
        position_ = 0;
        done_ = event_.kind == AnswerEvent::Kind::Done;
        closing_ = done_;
      } else if (body_.isOver()) {
        closing_ = true;
      } else {
        return Maybe(std::nullopt);
      }
    }
    ChatChunk chunk;
    const Result<bool> given = closing_ ? close(chunk) : takeValue(chunk);
    if (!given) {
      error_ = given.error();
      closing_ = true;
    } else if (*given) {
      return Maybe(std::move(chunk));
    }
  }
  return error_ ? Maybe(*error_) : Maybe(std::nullopt);
}

AnswerShield::Maybe AnswerShield::nextWhole() {
  for (;;) {
    Maybe chunk = nextChunk();
    if (!chunk) return chunk;
    if (!*chunk && (!over_ || std::exchange(whole_given_, true))) return chunk;
    if (*chunk && !as_written_) {
      if (whole_.add(source_, repair_.choices(), **chunk)) continue;
      error_ = tooLarge();
      over_ = true;
      return *error_;
    }
    if (as_written_) {
      whole_given_ = true;
      (*chunk)->rest = whole_json_;
    } else {
      chunk->emplace();
      whole_.finish(usage_json_, **chunk);
    }
    (*chunk)->usage = usage_;
    return chunk;
  }
}

bool AnswerShield::hasValue() const { return looked_ || !isLastValue(); }

bool AnswerShield::isLastValue() const { return isWhiteSpace(event_.text.substr(position_)); }

// Looks at the next value of the event.
std::optional<Error> AnswerShield::look() {
  const std::string_view text = event_.text.substr(position_);
  std::size_t size = 0;
  if (event_.kind == AnswerEvent::Kind::Error) return faultEvent(text);
  const LookFault fault = lookAtChat(text, look_, size);
  if (fault == LookFault::Cut && (body_.isJson() || event_.kind == AnswerEvent::Kind::Cut)) {
    value_cut_ = true;
    closing_ = true;  // which says whether the answer was whole without it
    return std::nullopt;
  }
  if (fault != LookFault::None) return notJson();
  if (terms_.stream && look_.clean_text && hasLineBreak(text.substr(0, size))) {
    // Between tokens any white space will do, and our own stream has one line an event.
    text_ = text;
    std::replace(text_.begin(), text_.end(), '\n', ' ');
    std::replace(text_.begin(), text_.end(), '\r', ' ');
    event_.text = text_;
    position_ = 0;
    lookAtChat(text_, look_, size);
  }
  value_ = position_;
  position_ += size;
  looked_ = true;
  noteUsage();
  return faultIn(look_);
}

Result<bool> AnswerShield::takeValue(ChatChunk& chunk) {
  if (!looked_ && position_ == 0 && terms_.stream && held_.isEmpty() &&
      event_.kind == AnswerEvent::Kind::Data && repair_.takeAlike(event_.text, chunk)) {
    position_ = event_.text.size();
    return true;
  }
  if (!looked_) {
    if (std::optional<Error> error = look()) return std::move(*error);
    if (!looked_) return false;
  }
  if (look_.choice.empty()) {
    looked_ = false;
    if (!look_.is_object && body_.isJson()) return notJson();
    if (!look_.choices.empty()) {
      repair_.carry(look_);
      if (!keepMembers(look_)) return tooLarge();
    }
    return !held_.isEmpty() && !isNothing(look_.usage) ? release(chunk) : Result<bool>(false);
  }
  if (held_.isEmpty()) return takeChoices(chunk);
  if (held_.amend(look_)) {
    looked_ = false;
    return false;
  }
  return release(chunk);
}

Result<bool> AnswerShield::takeChoices(ChatChunk& chunk) {
  looked_ = false;
  const bool is_all = body_.isJson() && isLastValue();
  was_message_ = !isObject(look_.choice.front().delta);
  if (!is_all && HeldChunk::isDue(look_)) {
    held_.hold(event_.text.substr(value_, position_ - value_));
    return false;
  }
  if (is_all && !terms_.stream && isCleanWhole(look_, terms_.calls.tools_only)) {
    as_written_ = true;
    whole_json_ = wholeAsWritten(look_, usage_json_);
  }
  source_ = &look_;
  const Result<bool> taken = repair_.take(look_, {}, chunk);
  if (taken && !*taken && !keepMembers(look_)) return tooLarge();
  if (taken && terms_.stream && value_ == 0 && position_ == event_.text.size()) {
    repair_.learn(event_.text, look_);
  }
  return taken;
}

Result<bool> AnswerShield::release(ChatChunk& chunk) {
  held_.release();
  source_ = &held_.look();
  const Result<bool> taken = repair_.take(held_.look(), held_.amendments(), chunk);
  if (taken && !*taken && !keepMembers(held_.look())) return tooLarge();
  return taken;
}

// The members of an event that gives no chunk: in a stream they ride on the next one.
bool AnswerShield::keepMembers(const ChatLook& look) {
  return terms_.stream || whole_.addMembers(look);
}

// One step to the end: the chunk that waited, the finish reasons that never came, the usage.
Result<bool> AnswerShield::close(ChatChunk& chunk) {
  if (!held_.isEmpty()) return release(chunk);
  if (!error_) {
    if (!repair_.isComplete() && !isProperEnd()) return howItBroke();
    source_ = nullptr;
    if (repair_.close(chunk)) return true;
  }
  if (terms_.stream && usage_) {
    chunk.usage = std::exchange(usage_, {});
    chunk.usage_json = usage_json_;
    return true;
  }
  over_ = true;
  return false;
}

// Without a finish reason only the upstream's own mark tells the end from a break: [DONE], or the
// end of an answer that came at once.
bool AnswerShield::isProperEnd() const {
  if (body_.isJson()) return was_message_ && !value_cut_ && !break_;
  return done_ && repair_.hasSaidSomething();
}

Error AnswerShield::howItBroke() const {
  if (break_) return *break_;
  if (body_.isForeign()) {
    return upstreamError(ErrorCode::UpstreamInvalidResponse, "The upstream's answer was empty.",
                         "neither JSON nor an event stream");
  }
  if (body_.isJson() && !value_cut_) return noMessage();
  return truncated();
}

void AnswerShield::noteUsage() {
  const std::optional<Usage> usage = readUsage(look_.usage);
  if (!usage) return;
  usage_ = usage;  // the last one counts: some servers repeat it in every chunk
  std::string clean;
  appendCleanJson(clean, look_.usage);
  usage_json_ = cleanUsage(clean, *usage);
}

}  // namespace agw::protocol
