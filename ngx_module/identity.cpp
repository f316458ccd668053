#include "ngx_module/identity.h"

#include <openssl/rand.h>

#include <array>
#include <cstddef>

#include "ngx_module/conf.h"
#include "ngx_module/pool.h"
#include "ngx_module/request_headers.h"
#include "ngx_module/str.h"
#include "shared/edge_headers.h"
#include "shared/proof.h"

namespace agw {
namespace {

// The headers of the contract with their lower-case twins, in the order in which a proof covers
// them.
constexpr HeaderName kDeadlineName{header::kDeadlineMs, "x-agent-deadline-ms"};
constexpr HeaderName kGrantsName{header::kGrants, "x-agent-grants"};
constexpr HeaderName kKeyIdName{header::kKeyId, "x-agent-key-id"};
constexpr HeaderName kModelName{header::kModel, "x-agent-model"};
constexpr HeaderName kScopesName{header::kScopes, "x-agent-scopes"};
constexpr HeaderName kProofName{header::kProof, "x-agent-proof"};
constexpr HeaderName kRequestIdName{header::kRequestId, "x-request-id"};

// Random bytes of one worker process, drawn in bulk: one call of the generator costs as much for a
// block as for 16 bytes. They are no secret.
class RandomBytes {
 public:
  static constexpr std::size_t kSize = 16;

  const u_char* next() noexcept {
    if (left_ == 0) {
      if (RAND_bytes(block_.data(), block_.size()) != 1) {
        for (u_char& byte : block_) {
          byte = static_cast<u_char>(ngx_random());
        }
      }
      left_ = block_.size();
    }
    left_ -= kSize;
    return block_.data() + left_;
  }

 private:
  std::array<u_char, 64 * kSize> block_;
  std::size_t left_ = 0;
};

// Requests come after the fork, so no two workers share a block.
RandomBytes random_bytes;

bool isFromClientOnly(std::string_view name) noexcept {
  return isAgentHeader(name) || isHeaderName(name, "x-user-id") ||
         isHeaderName(name, kRequestIdName.lower);
}

bool isReplacedByIdentity(std::string_view name) noexcept {
  return isAgentHeader(name) || isHeaderName(name, "authorization") ||
         isHeaderName(name, "x-api-key");
}

// A client's id counts when it sent exactly one, and a valid one.
std::string_view clientRequestId(ngx_http_request_t* r) noexcept {
  std::string_view id;
  int count = 0;
  forEachHeader(r->headers_in.headers, [&](const ngx_table_elt_t& header) {
    if (isHeaderName(view(header.key), kRequestIdName.lower)) {
      id = view(header.value);
      ++count;
    }
  });
  return count == 1 && isValidRequestId(id) ? id : std::string_view();
}

std::string_view newRequestId(ngx_http_request_t* r) noexcept {
  auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, 2 * RandomBytes::kSize));
  if (text == nullptr) {
    return {};
  }
  return view(text,
              ngx_hex_dump(text, const_cast<u_char*>(random_bytes.next()), RandomBytes::kSize));
}

}  // namespace

std::string_view ensureRequestId(ngx_http_request_t* r, RequestContext& context) noexcept {
  if (context.request_id.empty()) {
    context.request_id = newRequestId(r->main);
  }
  return context.request_id;
}

ngx_int_t onRequestRead(ngx_http_request_t* r) noexcept {
  if (r != r->main || !mainConf(r).enabled()) {
    return NGX_DECLINED;
  }
  RequestContext* context = ensureContext(r);
  if (context == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  context->wants_keepalive = r->keepalive;
  if (r->headers_in.content_length_n >= 0) {
    context->content_length = r->headers_in.content_length_n;
  }
  if (context->request_id.empty()) {
    context->request_id = clientRequestId(r);
  }
  const NewHeader request_id{&kRequestIdName, ensureRequestId(r, *context)};
  if (request_id.value.empty() || !rewriteRequestHeaders(r, isFromClientOnly, {&request_id, 1})) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  return NGX_DECLINED;
}

bool signRequest(ngx_http_request_t* r, RequestContext& context) noexcept {
  const MainConf& conf = mainConf(r);
  const bool has_key = context.key_state == KeyState::Accepted;
  const SignState wanted = has_key ? SignState::Identified : SignState::Anonymous;
  if (conf.secret_path.len == 0 || context.sign_state >= wanted) {
    return true;
  }
  std::array<NewHeader, kMaxNewHeaders> headers;
  std::array<ProofHeader, kMaxNewHeaders> signed_headers;
  std::size_t count = 0;
  const auto add = [&](const HeaderName& header, std::string_view value) {
    headers[count] = {&header, value};
    signed_headers[count] = {header.lower, value};
    ++count;
  };
  if (has_key && context.max_run != 0) {
    // What is left of it now that the body is there.
    const ngx_msec_t since = ngx_current_msec - context.admitted_at;
    const ngx_msec_t left = context.max_run > since ? context.max_run - since : 1;
    auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, NGX_INT64_LEN));
    if (text == nullptr) {
      return false;
    }
    add(kDeadlineName, view(text, putNumber(text, left)));
  }
  if (has_key) {
    add(kGrantsName, context.grants);
    add(kKeyIdName, context.key_id);
    if (context.is_model_known) {
      add(kModelName, context.model.view());
    }
    add(kScopesName, formatScopes(context.scopes));
  }
  std::array<char, kProofMaxSize> proof;
  const ProofInput input{.method = view(r->method_name),
                         .target = view(r->unparsed_uri),
                         .request_id = context.request_id,
                         .headers = {signed_headers.data(), count}};
  const std::size_t size = signProof(*conf.owned->signing_key, input, ngx_time(), proof.data());
  const std::string_view value =
      size == 0 ? std::string_view() : copyToPool(r->pool, {proof.data(), size});
  if (value.empty()) {
    return false;
  }
  headers[count++] = {&kProofName, value};
  if (!rewriteRequestHeaders(r, has_key ? isReplacedByIdentity : isAgentHeader,
                             {headers.data(), count})) {
    return false;
  }
  context.sign_state = wanted;
  return true;
}

}  // namespace agw
