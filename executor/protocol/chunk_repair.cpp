#include "protocol/chunk_repair.h"

#include <algorithm>
#include <utility>

#include "protocol/choice_writer.h"

namespace agw::protocol {
namespace {

constexpr std::size_t kMaxCarried = 64;

bool holdsKey(const MemberLooks& members, std::string_view key) {
  return std::any_of(members.begin(), members.end(),
                     [key](const MemberLook& member) { return member.key == key; });
}

// The string that is all that a delta says: its content, which has no key here, or one further
// member. Nothing when there is more.
MemberLook onlyText(const DeltaLook& said) {
  MemberLook found;
  if (hasText(said.content) && isString(said.content)) found.value = said.content;
  for (const MemberLook& member : said.others) {
    if (member.value == "null") continue;
    if (!found.value.empty() || !isString(member.value)) return {};
    found = member;
  }
  return found;
}

Error tooManyChoices() {
  return upstreamError(ErrorCode::UpstreamInvalidResponse,
                       "The upstream's answer has too many choices.");
}

}  // namespace

Result<bool> ChunkRepair::take(const ChatLook& look, const std::vector<Amendment>& amendments,
                               ChatChunk& chunk) {
  static const Amendment kNone;
  repaired_.clear();
  store_.clear();
  shape_.forget();
  if (look.choice.size() > kMaxChoices) return tooManyChoices();
  bool as_written = !look.odd;
  for (std::size_t i = 0; i < look.choice.size(); ++i) {
    ChoiceRepair* const repair = choice(look, i);
    if (repair == nullptr) return tooManyChoices();
    Result<RepairedChoice> read =
        repair->read(look.choice[i], look, amendments.empty() ? kNone : amendments[i], store_);
    if (!read) return read.error();
    as_written = as_written && read->as_written && !read->says_nothing;
    if (!read->says_nothing) repaired_.push_back(std::move(*read));
  }
  if (repaired_.empty()) {
    carry(look);
    return false;
  }
  write(look, as_written);
  give(chunk);
  return true;
}

void ChunkRepair::learn(std::string_view json, const ChatLook& look) {
  if (repaired_.size() != 1 || look.choice.size() != 1 || !isNothing(look.usage)) return;
  const RepairedChoice& only = repaired_.front();
  if (!only.as_written || !only.is_text || only.first) return;
  if (carried_in_rest_ || !look.error.empty()) return;
  const MemberLook text = onlyText(look.choice.front().said);
  if (text.value.empty()) return;
  const auto in_choices = static_cast<std::size_t>(text.value.data() - look.choices.data());
  shape_.learn(json, rest_, {text.value, choices_in_rest_ + in_choices}, padding_);
  alike_ = choice(look, 0);
  alike_key_ = stringOf(text.key);
}

bool ChunkRepair::takeAlike(std::string_view json, ChatChunk& chunk) {
  if (!shape_.matches(json)) return false;
  ChoiceDelta& delta = chunk.choices.emplace_back();
  delta.index = alike_->index();
  if (alike_key_.empty()) {
    alike_->takeContent(shape_.text(), delta.content);
  } else {
    alike_->takeOther();
    delta.extras.push_back({alike_key_, shape_.text()});
  }
  chunk.rest = shape_.rest();
  return true;
}

void ChunkRepair::carry(const ChatLook& look) {
  shape_.forget();
  for (const MemberLook& member : look.others) {
    if (isNothing(member.value)) continue;
    const auto same = std::find_if(carried_.begin(), carried_.end(),
                                   [&](const auto& other) { return other.first == member.key; });
    std::string value;
    appendRaw(value, member.value, look.clean_text);
    if (same != carried_.end()) {
      same->second = std::move(value);
    } else if (carried_.size() < kMaxCarried) {
      std::string key;
      appendRaw(key, member.key, look.clean_text);
      carried_.emplace_back(std::move(key), std::move(value));
    }
  }
}

bool ChunkRepair::close(ChatChunk& chunk) {
  repaired_.clear();
  store_.clear();
  for (ChoiceRepair& choice : choices_) {
    if (!choice.isFinished()) repaired_.push_back(choice.close(store_));
  }
  if (repaired_.empty()) return false;
  write(ChatLook(), false);
  give(chunk);
  return true;
}

void ChunkRepair::give(ChatChunk& chunk) {
  for (RepairedChoice& choice : repaired_) chunk.choices.push_back(std::move(choice.delta));
  chunk.rest = rest_;
}

void ChunkRepair::write(const ChatLook& look, bool choices_as_written) {
  rest_.clear();
  const auto others = look.others.begin();
  const auto middle = others + static_cast<std::ptrdiff_t>(look.others_before_choices);
  for (auto member = others; member != middle; ++member) {
    appendMember(rest_, *member, look.clean_text);
  }
  rest_.append(R"(,"choices":)");
  choices_in_rest_ = rest_.size();
  if (choices_as_written) {
    rest_.append(look.choices);
  } else {
    char before = '[';
    for (const RepairedChoice& choice : repaired_) {
      rest_ += before;
      appendChunkChoice(rest_, choice, look.clean_text);
      before = ',';
    }
    rest_ += ']';
  }
  padding_ = {};
  for (auto member = middle; member != look.others.end(); ++member) {
    appendMember(rest_, *member, look.clean_text);
    const std::string_view value = member->value;
    if (isString(value)) padding_ = {value, rest_.size() - value.size()};
  }
  carried_in_rest_ = !carried_.empty();
  for (const auto& [key, value] : carried_) {
    if (!holdsKey(look.others, key)) appendMember(rest_, {key, value}, true);
  }
  carried_.clear();
  rest_ += '}';
}

// Its place in the list where it has no number, or that of one before it.
unsigned ChunkRepair::indexOf(const ChatLook& look, std::size_t position) {
  const auto own = static_cast<unsigned>(position);
  const std::optional<unsigned> number = numberOf(look.choice[position].index);
  if (!number) return own;
  for (std::size_t i = 0; i < position; ++i) {
    if (indexOf(look, i) == *number) return own;
  }
  return *number;
}

ChoiceRepair* ChunkRepair::choice(const ChatLook& look, std::size_t position) {
  const unsigned index = indexOf(look, position);
  for (ChoiceRepair& known : choices_) {
    if (known.index() == index) return &known;
  }
  if (choices_.size() == kMaxChoices) return nullptr;
  return &choices_.emplace_back(index, form_);
}

bool ChunkRepair::isComplete() const {
  return !choices_.empty() && std::all_of(choices_.begin(), choices_.end(),
                                          [](const auto& choice) { return choice.mayEnd(); });
}

bool ChunkRepair::hasSaidSomething() const {
  return std::any_of(choices_.begin(), choices_.end(),
                     [](const auto& choice) { return choice.hasSaidSomething(); });
}

}  // namespace agw::protocol
