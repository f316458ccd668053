// What a client is told about a body that the scanner refuses.
#include "shared/body_scanner.h"

namespace agw {
namespace {

constexpr ScanErrorInfo kSyntax{ErrorCode::InvalidJson, "",
                                "The request body is not valid JSON; send one JSON object."};

constexpr ScanErrorInfo kDuplicateKey[] = {
    {ErrorCode::DuplicateKey, "model",
     "The key \"model\" stands twice in the request body; send it once."},
    {ErrorCode::DuplicateKey, "stream",
     "The key \"stream\" stands twice in the request body; send it once."},
    {ErrorCode::DuplicateKey, "user",
     "The key \"user\" stands twice in the request body; send it once."},
    {ErrorCode::DuplicateKey, "max_tokens",
     "The key \"max_tokens\" stands twice in the request body; send it once."},
    {ErrorCode::DuplicateKey, "max_completion_tokens",
     "The key \"max_completion_tokens\" stands twice in the request body; send it once."},
    {ErrorCode::DuplicateKey, "max_output_tokens",
     "The key \"max_output_tokens\" stands twice in the request body; send it once."},
    {ErrorCode::DuplicateKey, "",
     "A key that decides access or limits stands twice in the request body; send it once."},
};

constexpr ScanErrorInfo kNotInteger[] = {
    {ErrorCode::InvalidType, "max_tokens",
     "\"max_tokens\" must be a whole number in plain digits, or null."},
    {ErrorCode::InvalidType, "max_completion_tokens",
     "\"max_completion_tokens\" must be a whole number in plain digits, or null."},
    {ErrorCode::InvalidType, "max_output_tokens",
     "\"max_output_tokens\" must be a whole number in plain digits, or null."},
};

constexpr ScanErrorInfo kEmpty{ErrorCode::InvalidJson, "",
                               "The request has no body; send a JSON object."};
constexpr ScanErrorInfo kBom{
    ErrorCode::InvalidJson, "",
    "The request body begins with a byte order mark; send plain UTF-8 without one."};
constexpr ScanErrorInfo kNotAnObject{ErrorCode::InvalidJson, "",
                                     "The request body must be a JSON object."};
constexpr ScanErrorInfo kTooDeep{ErrorCode::JsonTooDeep, "",
                                 "The request body is nested more than 64 levels deep."};
constexpr ScanErrorInfo kModelMissing{ErrorCode::MissingParameter, "model",
                                      "You must provide a \"model\" parameter."};
constexpr ScanErrorInfo kModelNotString{ErrorCode::InvalidType, "model",
                                        "\"model\" must be a string."};
constexpr ScanErrorInfo kModelInvalid{ErrorCode::InvalidValue, "model",
                                      "\"model\" must be 1 to 256 characters of A-Z a-z 0-9 . _ : "
                                      "/ @ + -, with text on both sides of "
                                      "the first /."};
constexpr ScanErrorInfo kStreamNotBool{ErrorCode::InvalidType, "stream",
                                       "\"stream\" must be true, false or null."};
constexpr ScanErrorInfo kUserNotString{ErrorCode::InvalidType, "user",
                                       "\"user\" must be a string or null."};

constexpr ScanErrorInfo kTruncated{ErrorCode::InvalidJson, "",
                                   "The request body ends before its JSON object is complete."};
constexpr ScanErrorInfo kTrailingBytes{
    ErrorCode::InvalidJson, "", "The request body goes on after the end of its JSON object."};
constexpr ScanErrorInfo kBadUtf8{ErrorCode::InvalidJson, "",
                                 "A string in the request body is not valid UTF-8."};
constexpr ScanErrorInfo kLoneSurrogate{
    ErrorCode::InvalidJson, "",
    "A string in the request body holds one half of a \\u surrogate pair without the other."};
constexpr ScanErrorInfo kControlCharacter{
    ErrorCode::InvalidJson, "",
    "A string in the request body holds a raw control character; write it as an escape such as "
    "\\n or \\u0000."};
constexpr ScanErrorInfo kBadEscape{ErrorCode::InvalidJson, "",
                                   "A string in the request body holds an escape that JSON does "
                                   "not have."};
constexpr ScanErrorInfo kBadNumber{ErrorCode::InvalidJson, "",
                                   "A number in the request body is not written as JSON wants it "
                                   "(e.g. 01, 1. or 1e)."};

}  // namespace

const ScanErrorInfo& scanError(ScanStatus status) noexcept {
  switch (status) {
    case ScanStatus::Empty:
      return kEmpty;
    case ScanStatus::Bom:
      return kBom;
    case ScanStatus::NotAnObject:
      return kNotAnObject;
    case ScanStatus::TooDeep:
      return kTooDeep;
    case ScanStatus::DuplicateKey:
      return kDuplicateKey[std::size(kDuplicateKey) - 1];
    case ScanStatus::ModelMissing:
      return kModelMissing;
    case ScanStatus::ModelNotString:
      return kModelNotString;
    case ScanStatus::ModelInvalid:
      return kModelInvalid;
    case ScanStatus::StreamNotBool:
      return kStreamNotBool;
    case ScanStatus::MaxTokensNotInteger:
      return kNotInteger[0];
    case ScanStatus::UserNotString:
      return kUserNotString;
    case ScanStatus::InProgress:
    case ScanStatus::Done:
    case ScanStatus::InvalidJson:
      break;
  }
  return kSyntax;
}

const ScanErrorInfo& BodyScanner::error() const noexcept {
  const auto member = static_cast<std::size_t>(member_);
  if (status_ == ScanStatus::DuplicateKey) return kDuplicateKey[member];
  if (status_ == ScanStatus::MaxTokensNotInteger) {
    return kNotInteger[member - static_cast<std::size_t>(Member::MaxTokens)];
  }
  if (status_ != ScanStatus::InvalidJson) return scanError(status_);
  switch (fault_) {
    case Fault::Syntax:
      break;
    case Fault::Truncated:
      return kTruncated;
    case Fault::TrailingBytes:
      return kTrailingBytes;
    case Fault::BadUtf8:
      return kBadUtf8;
    case Fault::LoneSurrogate:
      return kLoneSurrogate;
    case Fault::ControlCharacter:
      return kControlCharacter;
    case Fault::BadEscape:
      return kBadEscape;
    case Fault::BadNumber:
      return kBadNumber;
  }
  return kSyntax;
}

}  // namespace agw
