#include "shared/edge_headers.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "shared/access_rules.h"
#include "shared/model_chars.h"

namespace agw {
namespace {

struct ScopeName {
  std::string_view name;
  Scope scope;
};
constexpr std::array<ScopeName, 4> kScopeNames{
    {{"chat", Scope::Chat}, {"mcp", Scope::Mcp}, {"runs", Scope::Runs}, {"admin", Scope::Admin}}};

constexpr std::string_view kAllow = "allow=";
constexpr std::string_view kDeny = "deny=";
constexpr std::string_view kActAs = "act_as=";
constexpr std::size_t kMaxActAs = 128;

// Reads the fixed form of a usage object piece by piece, with JSON white space between the tokens.
class UsageReader {
 public:
  explicit UsageReader(std::string_view text) noexcept : text_(text) {}

  bool token(std::string_view expected) noexcept {
    skipSpace();
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }
  // A non-negative JSON integer that fits.
  bool number(std::int64_t& value) noexcept {
    skipSpace();
    if (text_.empty() || text_[0] < '0' || text_[0] > '9') return false;
    const auto [rest, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    const auto digits = static_cast<std::size_t>(rest - text_.data());
    if (error != std::errc{} || (text_[0] == '0' && digits > 1)) return false;
    text_.remove_prefix(digits);
    return true;
  }
  bool atEnd() noexcept {
    skipSpace();
    return text_.empty();
  }

 private:
  void skipSpace() noexcept {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t')) text_.remove_prefix(1);
  }

  std::string_view text_;
};

}  // namespace

bool isAgentHeader(std::string_view name) noexcept {
  if (name.size() < header::kPrefix.size()) return false;
  for (std::size_t i = 0; i < header::kPrefix.size(); ++i) {
    char c = name[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = '-';
    if (c != header::kPrefix[i]) return false;
  }
  return true;
}

bool isValidRequestId(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return isAsciiAlnum(c) || c == '.' || c == '_' || c == '-';
  });
}

std::optional<ScopeSet> parseScopes(std::string_view comma_list) noexcept {
  ScopeSet scopes = 0;
  for (;;) {
    const std::size_t comma = comma_list.find(',');
    const std::string_view word = comma_list.substr(0, comma);
    const auto* found = std::find_if(kScopeNames.begin(), kScopeNames.end(),
                                     [word](const ScopeName& entry) { return entry.name == word; });
    if (found == kScopeNames.end()) return std::nullopt;
    scopes |= scopeBit(found->scope);
    if (comma == std::string_view::npos) return scopes;
    comma_list.remove_prefix(comma + 1);
  }
}

std::string_view formatScopes(ScopeSet scopes) noexcept {
  static constexpr std::array<std::string_view, 16> kTexts = {
      "",
      "chat",
      "mcp",
      "chat,mcp",
      "runs",
      "chat,runs",
      "mcp,runs",
      "chat,mcp,runs",
      "admin",
      "chat,admin",
      "mcp,admin",
      "chat,mcp,admin",
      "runs,admin",
      "chat,runs,admin",
      "mcp,runs,admin",
      "chat,mcp,runs,admin",
  };
  return kTexts[scopes & 0xF];
}

bool isValidActAs(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kMaxActAs &&
         std::all_of(name.begin(), name.end(), isModelIdCharacter);
}

void appendGrants(std::string& out, const Grants& grants) {
  bool first = true;
  const auto append = [&out, &first](std::string_view label, std::string_view value) {
    if (value.empty()) return;
    if (!first) out.push_back(';');
    first = false;
    out.append(label).append(value);
  };
  append(kAllow, grants.allow);
  append(kDeny, grants.deny);
  append(kActAs, grants.act_as);
}

std::optional<Grants> parseGrants(std::string_view value) noexcept {
  Grants grants;
  while (!value.empty()) {
    const std::size_t semicolon = value.find(';');
    const std::string_view part = value.substr(0, semicolon);
    value.remove_prefix(semicolon == std::string_view::npos ? value.size() : semicolon + 1);
    if (semicolon != std::string_view::npos && value.empty()) return std::nullopt;  // "…;"

    std::string_view* target = nullptr;
    std::string_view text;
    bool good = false;
    if (part.starts_with(kAllow)) {
      target = &grants.allow;
      text = part.substr(kAllow.size());
      good = isValidGlobList(text);
    } else if (part.starts_with(kDeny)) {
      target = &grants.deny;
      text = part.substr(kDeny.size());
      good = isValidGlobList(text);
    } else if (part.starts_with(kActAs)) {
      target = &grants.act_as;
      text = part.substr(kActAs.size());
      good = isValidActAs(text);
    }
    if (!good || !target->empty()) return std::nullopt;
    *target = text;
  }
  return grants;
}

std::string formatUsage(const Usage& usage) {
  std::string json = R"({"prompt_tokens":)";
  json += std::to_string(usage.prompt_tokens);
  json += R"(,"completion_tokens":)";
  json += std::to_string(usage.completion_tokens);
  json += R"(,"total_tokens":)";
  json += std::to_string(usage.total_tokens);
  json += '}';
  return json;
}

std::optional<Usage> parseUsage(std::string_view json) noexcept {
  Usage usage;
  // As formatUsage() writes it, which is nearly always.
  UsageReader exact(json);
  if (exact.token(R"({"prompt_tokens":)") && exact.number(usage.prompt_tokens) &&
      exact.token(R"(,"completion_tokens":)") && exact.number(usage.completion_tokens) &&
      exact.token(R"(,"total_tokens":)") && exact.number(usage.total_tokens) && exact.token("}") &&
      exact.atEnd()) {
    return usage;
  }
  UsageReader reader(json);
  const bool good = reader.token("{") && reader.token(R"("prompt_tokens")") && reader.token(":") &&
                    reader.number(usage.prompt_tokens) && reader.token(",") &&
                    reader.token(R"("completion_tokens")") && reader.token(":") &&
                    reader.number(usage.completion_tokens) && reader.token(",") &&
                    reader.token(R"("total_tokens")") && reader.token(":") &&
                    reader.number(usage.total_tokens) && reader.token("}") && reader.atEnd();
  if (!good) return std::nullopt;
  return usage;
}

}  // namespace agw
