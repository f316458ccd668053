// Requests as the limits see them: made, admitted and closed at once.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ngx_module/limit_store.h"

namespace keys_bench {

struct Party {
  std::string key_id;
  std::string user;
  std::string agent;
};

// Keys with a user each, and a few agents.
std::vector<Party> makeParties();

// One process's requests. The limits are so high that none is refused.
class Decider {
 public:
  // `owner` numbers the process, from 0 on. All references outlive the decider.
  Decider(agw::LimitStore& store, const agw::LimitLock& lock, const std::vector<Party>& parties,
          std::uint32_t owner);

  // A request of a random party. Throws std::runtime_error unless it is admitted.
  void decide();
  // One of each, so that the store knows all.
  void decideForAll();

 private:
  void decideFor(const Party& party);

  agw::LimitStore& store_;
  const agw::LimitLock& lock_;
  const std::vector<Party>& parties_;
  const std::uint32_t owner_;
  const std::uint32_t process_;
  std::mt19937 chooser_;
};

// Throws std::runtime_error when something is left in the ledger, or was given up.
void checkAtRest(const agw::LimitStore& store);

}  // namespace keys_bench
