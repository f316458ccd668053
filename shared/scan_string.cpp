// The strings of a scanned body: escapes, UTF-8, and what of them is kept.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "shared/body_scanner.h"
#include "shared/json_escape.h"
#include "shared/string_skip.h"

namespace agw {
namespace {

// In the order of BodyScanner::Member.
constexpr std::string_view kWatchedKeys[] = {
    "model", "stream", "user", "max_tokens", "max_completion_tokens", "max_output_tokens"};

}  // namespace

const char* BodyScanner::beginKey(const char* p) noexcept {
  in_key_ = true;
  key_size_ = 0;
  return beginString(p, depth_ == 1 ? Capture::Key : Capture::None);
}

const char* BodyScanner::beginString(const char* p, Capture capture) noexcept {
  capture_ = capture;
  state_ = State::String;
  return p + 1;
}

const char* BodyScanner::scanString(const char* p, const char* end) noexcept {
  for (;;) {
    if (capture_ == Capture::None) p = skip_text_(p, end);
    const char* const plain = p;
    p = skipPlainString(p, end);
    if (capture_ != Capture::None && !store(plain, static_cast<std::size_t>(p - plain))) return p;
    if (p == end) return p;

    const auto c = static_cast<unsigned char>(*p);
    if (c == '"') {
      endString();
      return p + 1;
    }
    if (c == '\\') {
      char bytes[4];
      const WholeEscape escape = decodeEscape(p, end, bytes);
      if (escape.taken == 0) {
        state_ = State::StringEscape;
        return p + 1;
      }
      if (!store(bytes, escape.size)) return p;
      p += escape.taken;
      continue;
    }
    if (c < 0x20) return failJson(p, Fault::ControlCharacter);

    do {
      const std::size_t whole = utf8SequenceSize(p, static_cast<std::size_t>(end - p));
      if (whole == 0) {
        if (!utf8_.start(static_cast<unsigned char>(*p))) return failJson(p, Fault::BadUtf8);
        sequence_[0] = *p;
        progress_ = 1;
        state_ = State::StringUtf8;
        return p + 1;
      }
      if (!store(p, whole)) return p;
      p += whole;
    } while (p != end && static_cast<unsigned char>(*p) >= 0x80);
  }
}

const char* BodyScanner::scanUtf8(const char* p) noexcept {
  if (!utf8_.next(static_cast<unsigned char>(*p))) return failJson(p, Fault::BadUtf8);
  sequence_[progress_++] = *p;
  if (!utf8_.complete()) return p + 1;
  state_ = State::String;
  return store(sequence_.data(), progress_) ? p + 1 : p;
}

const char* BodyScanner::scanEscape(const char* p) noexcept {
  if (*p == 'u') {
    progress_ = 0;
    code_unit_ = 0;
    state_ = State::StringHex;
    return p + 1;
  }
  const char escaped = simpleEscape(*p);
  if (escaped == 0) return failJson(p, Fault::BadEscape);
  state_ = State::String;
  return store(&escaped, 1) ? p + 1 : p;
}

const char* BodyScanner::scanHex(const char* p) noexcept {
  const int digit = hexDigit(*p);
  if (digit < 0) return failJson(p, Fault::BadEscape);
  code_unit_ = static_cast<std::uint16_t>(code_unit_ << 4 | digit);
  if (++progress_ < 4) return p + 1;
  return takeCodeUnit(code_unit_) ? p + 1 : p;
}

bool BodyScanner::takeCodeUnit(std::uint32_t unit) noexcept {
  const bool is_high = unit >= 0xD800 && unit <= 0xDBFF;
  const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (is_low != (high_surrogate_ != 0)) {
    failJson(nullptr, Fault::LoneSurrogate);
    return false;
  }
  if (is_high) {
    high_surrogate_ = static_cast<std::uint16_t>(unit);
    state_ = State::StringLowBackslash;
    return true;
  }
  char32_t code_point = unit;
  if (is_low) code_point = joinSurrogates(high_surrogate_, unit);
  high_surrogate_ = 0;
  state_ = State::String;
  char bytes[4];
  return store(bytes, encodeUtf8(code_point, bytes));
}

// Keeps unescaped bytes of a wanted string; whole characters only. False: the scan has failed.
bool BodyScanner::store(const char* bytes, std::size_t size) noexcept {
  switch (capture_) {
    case Capture::None:
      return true;
    case Capture::Key:
      if (key_size_ == kNoKey) return true;
      if (size > kMaxWatchedKey - key_size_) {
        key_size_ = kNoKey;
        return true;
      }
      std::memcpy(key_.data() + key_size_, bytes, size);
      key_size_ = static_cast<std::uint8_t>(key_size_ + size);
      return true;
    case Capture::Model:
      if (size > kMaxModelId - model_size_) {
        fail(nullptr, ScanStatus::ModelInvalid);
        return false;
      }
      std::memcpy(model_.data() + model_size_, bytes, size);
      model_size_ = static_cast<std::uint16_t>(model_size_ + size);
      return true;
    case Capture::User:
      storeUser(bytes, size);
      return true;
  }
  return true;
}

// `bytes` is one character, or a run of ASCII that may be cut anywhere.
void BodyScanner::storeUser(const char* bytes, std::size_t size) noexcept {
  const std::size_t room = user_full_ ? 0 : kMaxUser - user_size_;
  std::size_t taken = size;
  if (size > room) {
    user_full_ = true;
    taken = static_cast<unsigned char>(bytes[0]) < 0x80 ? room : 0;
  }
  std::memcpy(user_.data() + user_size_, bytes, taken);
  user_size_ = static_cast<std::uint8_t>(user_size_ + taken);
}

void BodyScanner::endString() noexcept {
  const Capture captured = capture_;
  capture_ = Capture::None;
  if (in_key_) {
    in_key_ = false;
    state_ = State::Colon;
    if (captured != Capture::Key) return;
    endKey({key_.data(), key_size_ == kNoKey ? std::size_t{0} : key_size_});
    return;
  }
  state_ = State::AfterValue;
  if (captured == Capture::Model && !canonicalModelId(model())) {
    fail(nullptr, ScanStatus::ModelInvalid);
  }
}

void BodyScanner::endKey(std::string_view key) noexcept {
  const auto* found = std::find(std::begin(kWatchedKeys), std::end(kWatchedKeys), key);
  const auto index = static_cast<unsigned>(found - std::begin(kWatchedKeys));
  member_ = static_cast<Member>(index);
  if (member_ == Member::Other) return;
  if ((seen_ >> index & 1U) != 0) {
    fail(nullptr, ScanStatus::DuplicateKey);
    return;
  }
  seen_ = static_cast<std::uint8_t>(seen_ | 1U << index);
}

}  // namespace agw
