// Text inside JSON that may be broken: what a parser would refuse is mended here. Pure.
#pragma once

#include <string>
#include <string_view>

namespace agw {

bool isUtf8(std::string_view text);

// Appends what a JSON string means; `quoted` has its quotes and has passed a JsonCursor. A half of
// a surrogate pair without the other becomes the three bytes that UTF-8 would have for it, for
// cleanUtf8 to join or replace.
void appendUnescaped(std::string& out, std::string_view quoted);

// UTF-8 without flaws: joins surrogate pairs that stand there half by half, and puts U+FFFD for
// everything else that is none. When `tail` is given, an incomplete character or the first half of
// a pair at the very end is moved there instead.
std::string cleanUtf8(std::string_view text, std::string* tail = nullptr);

// Appends JSON that a JsonCursor has accepted, with its strings mended: broken UTF-8, halves of
// pairs, raw control characters. Strings without such flaws stay as they are, byte for byte; line
// breaks between them become spaces.
void appendCleanJson(std::string& out, std::string_view json);

}  // namespace agw
