// A choice as clients get it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "protocol/chat_look.h"
#include "protocol/choice_repair.h"

namespace agw::protocol {

// `json` as it is, or with its strings mended.
void appendRaw(std::string& out, std::string_view json, bool clean_text);
// `,"key":value`
void appendMember(std::string& out, const MemberLook& member, bool clean_text);

// One element of "choices" of a chunk.
void appendChunkChoice(std::string& out, const RepairedChoice& choice, bool clean_text);

}  // namespace agw::protocol
