// What is wrong with a member of a request, as an error for its client: `param` is the path of the
// member, such as messages[1].content. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json_reader.h"

namespace agw::protocol {

// A null pointer when the member is absent or null, which mean the same.
const Json* findMember(const Json& object, std::string_view key);

Error wrongType(std::string param, std::string_view expected);
Error wrongValue(std::string param, std::string_view expected);
Error missingMember(std::string param);

// Whether a member has its type; an absent one is good here.
Result<void> checkString(const Json& object, std::string_view key, const std::string& path);
Result<void> checkObject(const Json& object, std::string_view key, const std::string& path);
Result<void> checkArray(const Json& object, std::string_view key, const std::string& path);
// The same for one that has to be there.
Result<void> needString(const Json& object, std::string_view key, const std::string& path);
Result<void> needObject(const Json& object, std::string_view key, const std::string& path);

// The beginning of a client's own word, for an error that must not repeat megabytes of it.
std::string excerpt(std::string_view text);

}  // namespace agw::protocol
