// What the module knows of one client request.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ngx_module/key_table.h"
#include "ngx_module/ngx.h"
#include "shared/body_scanner.h"
#include "shared/edge_headers.h"
#include "shared/gcra.h"
#include "shared/model_id.h"
#include "shared/openai_error.h"
#include "shared/sse_usage.h"

namespace agw {

inline constexpr Nanoseconds kUnknownWait = 0;

// An answer of the edge in place of the executor's. The views live as long as the request.
struct Refusal {
  ErrorCode code;
  std::string_view message;
  std::string_view param = {};
  Nanoseconds retry_after = kUnknownWait;  // until the same request may pass; 429 and 503 alone
};

enum class KeyState : std::uint8_t { NotLookedUp, Accepted };
enum class BodyState : std::uint8_t { NotRead, Reading, Complete };
// What the request's headers carry so far.
enum class SignState : std::uint8_t { None, Anonymous, Identified };
// X-Agent-Stream: the dialect of the stream's error events.
enum class StreamDialect : std::uint8_t { None, OpenAi, Anthropic };

struct SseState;
struct RequestLimits;
struct StreamGuard;

// Views point into memory of the request's pool. Made zeroed, no destructor ever runs.
struct RequestContext {
  std::string_view request_id;

  KeyState key_state = KeyState::NotLookedUp;
  std::string_view key_id;
  std::string_view grants;  // value of X-Agent-Grants
  std::string_view allow;
  std::string_view deny;
  ScopeSet scopes = 0;
  KeyLimits key_limits;
  SignState sign_state = SignState::None;

  BodyState body_state = BodyState::NotRead;
  bool is_uploading = false;     // counted in EdgeMemory::uploads
  bool is_body_refused = false;  // what comes of it is thrown away
  bool is_suspended = false;     // the access phase returned to nginx and waits for the body
  ngx_event_t* refused_body_timer = nullptr;
  BodyScanner* scanner = nullptr;  // set: the body is, or was, scanned
  ScanStatus scan_status = ScanStatus::InProgress;
  bool is_model_known = false;
  CanonicalModelId model;

  // As the client asked for it. nginx clears r->keepalive on several errors, also where the body
  // was read.
  bool wants_keepalive = false;
  std::optional<off_t> content_length;  // as announced; nginx counts its own copy down
  std::optional<Refusal> refusal;
  std::optional<ErrorCode> error_code;  // of the error that was written

  SseState* sse = nullptr;  // set: the response is an event stream of an executor
  StreamDialect dialect = StreamDialect::None;
  std::optional<Usage> usage;
  std::string_view run_id;
  StreamGuard* guard = nullptr;  // set: the stream gets a clean end if it breaks

  ngx_msec_t max_run = 0;      // 0: none
  ngx_msec_t admitted_at = 0;  // monotonic; set with max_run

  // What the browser is told; the origin is empty when it is not allowed.
  bool is_cors_judged = false;
  bool is_preflight = false;
  std::string_view cors_origin;

  RequestLimits* limits = nullptr;  // set: some limit applies
  bool is_chat_open = false;        // counted as begun, not yet as ended
  bool is_settled = false;
  off_t body_passed = 0;  // bytes of the response, until it is settled
};

// nullptr when the request has none yet. Finds it again after an internal redirect, which clears
// nginx's pointer. Subrequests share the context of the main request.
RequestContext* findContext(ngx_http_request_t* r) noexcept;
// nullptr when out of memory.
RequestContext* ensureContext(ngx_http_request_t* r) noexcept;

}  // namespace agw
