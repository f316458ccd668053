// `agent-executor keys add|revoke|rotate`: changes of the key file that the edge watches.
#pragma once

#include <string>
#include <vector>

#include "cli/key_arguments.h"
#include "cli/key_change.h"

namespace agw::cli {

// Each returns 0, or 1 after it has said to context.err why nothing was changed.

// expires= may also be a span from now on.
int addKey(const KeysContext& context, const std::string& id, std::vector<KeyWord> words);
// `hash_prefix` "": every secret of the id.
int revokeKeys(const KeysContext& context, const std::string& id, const std::string& hash_prefix);
// `grace` "": the secrets that there are stay as they are.
int rotateKey(const KeysContext& context, const std::string& id, const std::string& grace);

}  // namespace agw::cli
