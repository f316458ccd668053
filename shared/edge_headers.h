// Names and value formats of the headers between edge and executor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace agw {

namespace header {
// Edge -> executor. Lower-case twins serve comparisons; HTTP header names are case-insensitive.
inline constexpr std::string_view kKeyId = "X-Agent-Key-Id";
inline constexpr std::string_view kScopes = "X-Agent-Scopes";           // "chat,mcp"
inline constexpr std::string_view kGrants = "X-Agent-Grants";           // see Grants
inline constexpr std::string_view kModel = "X-Agent-Model";             // canonical model id
inline constexpr std::string_view kDeadlineMs = "X-Agent-Deadline-Ms";  // remaining, relative
inline constexpr std::string_view kProof = "X-Agent-Proof";             // see proof.h
inline constexpr std::string_view kRequestId = "X-Request-Id";
// Executor -> edge.
inline constexpr std::string_view kRunId = "X-Agent-Run-Id";
inline constexpr std::string_view kUsage = "X-Agent-Usage";  // JSON of Usage; stripped by the edge
inline constexpr std::string_view kStream =
    "X-Agent-Stream";  // openai|anthropic|none; stripped by the edge
inline constexpr std::string_view kPrefix = "x-agent-";  // lower case
}  // namespace header

// True for every spelling of a header of this contract: "X-Agent-…" in any case, with '_' for '-'
// too.
bool isAgentHeader(std::string_view name) noexcept;

// A request id is accepted from a client when it matches [A-Za-z0-9._-]{1,128}.
bool isValidRequestId(std::string_view id) noexcept;

enum class Scope : std::uint8_t { Chat = 1, Mcp = 2, Runs = 4, Admin = 8 };
using ScopeSet = std::uint8_t;  // bits of Scope

constexpr ScopeSet scopeBit(Scope scope) noexcept { return static_cast<ScopeSet>(scope); }
// nullopt: a word that is no scope, or an empty list.
std::optional<ScopeSet> parseScopes(std::string_view comma_list) noexcept;
// "chat,mcp" in the order chat, mcp, runs, admin. Returns a static string.
std::string_view formatScopes(ScopeSet scopes) noexcept;

// X-Agent-Grants: what the key may use, "allow=<globs>;deny=<globs>;act_as=<name>". Absent parts
// are left out.
struct Grants {
  std::string_view allow;
  std::string_view deny;
  std::string_view act_as;
};
// An act_as name: characters of model ids, 1 to 128 bytes.
bool isValidActAs(std::string_view name) noexcept;
// The parts must be valid (see parseGrants), as those of a parsed key line are.
void appendGrants(std::string& out, const Grants& grants);
// Views into `value`; nullopt when a part is unknown, stands twice or holds no valid globs or name.
// An empty value grants nothing.
std::optional<Grants> parseGrants(std::string_view value) noexcept;

// Token counts of one response, as X-Agent-Usage and the ": agent-usage" comment carry them:
// {"prompt_tokens":N,"completion_tokens":N,"total_tokens":N}
struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t total_tokens = 0;
};
inline constexpr std::string_view kUsageComment = ": agent-usage ";
std::string formatUsage(const Usage& usage);
std::optional<Usage> parseUsage(
    std::string_view json) noexcept;  // exactly the format above, spaces and tabs allowed

}  // namespace agw
