#include "api/edge_identity.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace agw::api {
namespace {

constexpr std::string_view kProofName = "x-agent-proof";

std::string lower(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

Error refused(std::string_view why) {
  return clientError(ErrorCode::ProofInvalid,
                     "This executor answers its edge only: " + std::string(why) + ".");
}

struct AgentHeaders {
  std::vector<std::pair<std::string, std::string_view>> sorted;  // without the proof
  std::string_view proof;
  bool twice = false;
};

AgentHeaders collect(const io::HttpHeaders& headers) {
  AgentHeaders out;
  for (const io::HttpHeader& header : headers) {
    if (!isAgentHeader(header.name)) continue;
    std::string name = lower(header.name);
    if (name == kProofName) {
      out.twice = out.twice || !out.proof.empty();
      out.proof = header.value;
    } else {
      out.sorted.emplace_back(std::move(name), header.value);
    }
  }
  std::sort(out.sorted.begin(), out.sorted.end());
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  out.twice = out.twice ||
              std::adjacent_find(out.sorted.begin(), out.sorted.end(), same) != out.sorted.end();
  return out;
}

}  // namespace

Result<void> checkProof(const io::ServerRequest& request, std::string_view request_id,
                        std::span<const ProofKey> keys, std::int64_t unix_seconds) {
  const AgentHeaders found = collect(request.headers);
  if (found.twice) return refused("a header of the edge stands twice");
  std::vector<ProofHeader> headers;
  headers.reserve(found.sorted.size());
  for (const auto& [name, value] : found.sorted) {
    if (name.find('_') != std::string::npos) return refused("a header of the edge is misspelt");
    headers.push_back({name, value});
  }
  const ProofInput input{request.method, request.target, request_id, headers};
  const ProofVerdict verdict = verifyProof(keys, input, found.proof, unix_seconds);
  if (verdict != ProofVerdict::Valid) return refused(describe(verdict));
  return {};
}

Result<Identity> readIdentity(const io::ServerRequest& request) {
  Identity identity;
  identity.key_id = request.header(header::kKeyId);
  if (identity.key_id.empty()) return identity;
  const auto scopes = parseScopes(request.header(header::kScopes));
  const auto grants = parseGrants(request.header(header::kGrants));
  if (!scopes || !grants) return refused("its identity headers are malformed");
  identity.scopes = *scopes;
  identity.grants = *grants;
  return identity;
}

Result<Deadline> readDeadline(const io::ServerRequest& request) {
  const std::string_view text = request.header(header::kDeadlineMs);
  if (text.empty()) return Deadline::never();
  std::uint32_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc() || end != text.data() + text.size()) {
    return refused("its deadline header is malformed");
  }
  return Deadline::in(Millis(ms));
}

}  // namespace agw::api
