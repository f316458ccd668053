#include "protocol/request_fault.h"

#include <utility>

namespace agw::protocol {
namespace {

constexpr std::size_t kMaxExcerpt = 128;  // bytes

bool isContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string inQuotes(std::string_view param) { return '"' + std::string(param) + '"'; }

std::string pathOf(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + '.' + std::string(key);
}

}  // namespace

const Json* findMember(const Json& object, std::string_view key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Error wrongType(std::string param, std::string_view expected) {
  std::string message = inQuotes(param) + " must be " + std::string(expected) + ".";
  return clientError(ErrorCode::InvalidType, std::move(message), std::move(param));
}

Error wrongValue(std::string param, std::string_view expected) {
  std::string message = inQuotes(param) + " must " + std::string(expected) + ".";
  return clientError(ErrorCode::InvalidValue, std::move(message), std::move(param));
}

Error missingMember(std::string param) {
  std::string message = inQuotes(param) + " is missing.";
  return clientError(ErrorCode::MissingParameter, std::move(message), std::move(param));
}

Result<void> checkString(const Json& object, std::string_view key, const std::string& path) {
  const Json* value = findMember(object, key);
  if (value != nullptr && !value->is_string()) return wrongType(pathOf(path, key), "a string");
  return {};
}

Result<void> checkObject(const Json& object, std::string_view key, const std::string& path) {
  const Json* value = findMember(object, key);
  if (value != nullptr && !value->is_object()) return wrongType(pathOf(path, key), "an object");
  return {};
}

Result<void> checkArray(const Json& object, std::string_view key, const std::string& path) {
  const Json* value = findMember(object, key);
  if (value != nullptr && !value->is_array()) return wrongType(pathOf(path, key), "an array");
  return {};
}

Result<void> needString(const Json& object, std::string_view key, const std::string& path) {
  if (findMember(object, key) == nullptr) return missingMember(pathOf(path, key));
  return checkString(object, key, path);
}

Result<void> needObject(const Json& object, std::string_view key, const std::string& path) {
  if (findMember(object, key) == nullptr) return missingMember(pathOf(path, key));
  return checkObject(object, key, path);
}

std::string excerpt(std::string_view text) {
  if (text.size() <= kMaxExcerpt) return std::string(text);
  std::size_t end = kMaxExcerpt;
  while (end != 0 && isContinuation(text[end])) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace agw::protocol
