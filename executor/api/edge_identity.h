// Reads what the edge says about a request, and checks that it was the edge that said it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "api/request_context.h"
#include "base/error.h"
#include "shared/proof.h"

namespace agw::api {

// proof_invalid unless the request carries a valid proof and no X-Agent header twice or in a
// foreign spelling.
Result<void> checkProof(const io::ServerRequest& request, std::string_view request_id,
                        std::span<const ProofKey> keys, std::int64_t unix_seconds);

// Only after checkProof. An identity that the edge did not give is empty.
Result<Identity> readIdentity(const io::ServerRequest& request);

// From X-Agent-Deadline-Ms; Deadline::never() without one.
Result<Deadline> readDeadline(const io::ServerRequest& request);

}  // namespace agw::api
