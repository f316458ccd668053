#include "ngx_module/key_image_builder.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "ngx_module/work_pieces.h"
#include "shared/edge_headers.h"

namespace agw {
namespace {

KeyLimits limitsOf(const KeyLine& key) {
  return {.requests = key.requests.count,
          .tokens = key.tokens.count,
          .requests_window = key.requests.window_seconds,
          .tokens_window = key.tokens.window_seconds,
          .burst = key.burst,
          .streams = key.streams,
          .max_run = key.max_run_seconds};
}

// The standard hash leaves its upper bits poor; this spreads them.
std::uint64_t hashOf(std::string_view text) {
  return std::hash<std::string_view>{}(text)*0x9E3779B97F4A7C15ULL;
}

}  // namespace

KeyImageBuilder::KeyImageBuilder(std::uint64_t capacity, std::uint64_t text_size,
                                 std::vector<KeyFileError>& errors)
    : capacity_(capacity),
      text_size_(text_size),
      errors_(errors),
      image_(std::make_unique<KeyImage>()) {
  resizeInPieces(image_->slots, KeyTable::slotsFor(capacity));
  resizeInPieces(lines_, image_->slots.size());
  resizeInPieces(ids_, image_->slots.size());
}

void KeyImageBuilder::take(std::uint64_t line) {
  // Counted on beyond the capacity, so that the message can say how many there are.
  ++keys_;
  if (keys_ > capacity_) {
    return;
  }
  WaitingKey& next = waiting_[waiting_count_++];
  const std::uint64_t id_hash = hashOf(next.key.id);
  next.line = line;
  next.slot = KeyTable::firstSlot(next.key.hash, image_->slots.size());
  next.id_place =
      static_cast<std::uint64_t>((static_cast<unsigned __int128>(id_hash) * ids_.size()) >> 64);
  next.id_print = static_cast<std::uint32_t>(id_hash);
  __builtin_prefetch(&image_->slots[next.slot], 1);
  __builtin_prefetch(&lines_[next.slot], 1);
  __builtin_prefetch(&ids_[next.id_place], 1);
  if (waiting_count_ == waiting_.size()) {
    addWaiting();
  }
}

void KeyImageBuilder::refuse(std::uint64_t line, std::string message) {
  addWaiting();
  complain(line, std::move(message));
}

std::unique_ptr<KeyImage> KeyImageBuilder::finish() {
  addWaiting();
  if (errors_.size() >= kMaxKeyFileErrors) {
    return nullptr;  // not all of the file was read
  }
  if (keys_ > capacity_) {
    errors_.push_back(
        {0, "has " + std::to_string(keys_) + " keys, but agent_zone has room for keys=" +
                std::to_string(capacity_) + "; raise keys= (and the size) and reload nginx"});
  } else if (image_->text.size() > text_size_) {
    errors_.push_back({0, "needs " + std::to_string(image_->text.size()) +
                              " bytes for ids and rules, but agent_zone has room for " +
                              std::to_string(text_size_) +
                              "; make the zone larger, or give more keys the same allow=, deny= "
                              "and limits"});
  }
  image_->keys = keys_;
  return errors_.empty() ? std::move(image_) : nullptr;
}

void KeyImageBuilder::addWaiting() {
  for (std::size_t i = 0; i < waiting_count_; ++i) {
    add(waiting_[i]);
  }
  waiting_count_ = 0;
}

void KeyImageBuilder::add(const WaitingKey& waiting) {
  const KeyLine& key = waiting.key;
  std::uint64_t at = waiting.slot;
  while (image_->slots[at].used) {
    if (image_->slots[at].hash == key.hash) {
      complain(waiting.line, "the same key as on line " + std::to_string(lines_[at]) +
                                 "; one key stands for one id, so remove one of the lines");
      return;
    }
    at = next(at);
  }
  lines_[at] = static_cast<std::uint32_t>(waiting.line);
  fill(image_->slots[at], key);
  noteId(waiting, at);
}

// Limits belong to the id, so the lines of one id may not differ in them.
void KeyImageBuilder::noteId(const WaitingKey& waiting, std::uint64_t slot) {
  std::uint64_t at = waiting.id_place;
  for (; ids_[at].slot != 0; at = next(at)) {
    if (ids_[at].print != waiting.id_print) {
      continue;  // without a look at that slot, which lies anywhere
    }
    const std::uint64_t other_at = ids_[at].slot - 1;
    const KeySlot& other = image_->slots[other_at];
    if (idOf(other) != waiting.key.id) {
      continue;
    }
    KeyLimits limits;
    std::memcpy(&limits, image_->text.data() + std::size_t{other.policy} * 8, sizeof limits);
    if (!(limits == limitsOf(waiting.key))) {
      complain(waiting.line, "other limits than on line " + std::to_string(lines_[other_at]) +
                                 ", which has the same id; requests=, burst=, tokens=, streams= "
                                 "and max_run= belong to the id, so write the same on all of its "
                                 "lines");
    }
    return;
  }
  ids_[at] = {.slot = static_cast<std::uint32_t>(slot + 1), .print = waiting.id_print};
}

void KeyImageBuilder::fill(KeySlot& slot, const KeyLine& key) {
  slot.hash = key.hash;
  slot.used = 1;
  slot.scopes = key.scopes;
  slot.expires_unix = 0;
  if (key.expires_unix != 0) {
    slot.expires_unix = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(key.expires_unix, 1, std::numeric_limits<std::uint32_t>::max()));
  }
  slot.id_size = static_cast<std::uint8_t>(key.id.size());
  if (key.id.size() <= KeySlot::kInlineId) {
    std::copy(key.id.begin(), key.id.end(), slot.inline_id.begin());
  } else {
    slot.setLongIdAt(append(key.id));
  }
  const KeyLimits limits = limitsOf(key);
  policy_.assign(reinterpret_cast<const char*>(&limits), sizeof limits);
  appendGrants(policy_, {.allow = key.allow, .deny = key.deny, .act_as = key.act_as});
  slot.grants_size = static_cast<std::uint16_t>(policy_.size() - sizeof limits);
  slot.policy = intern();
}

// Padded to whole words, because the table is copied by words. Returns the word where it begins.
std::uint32_t KeyImageBuilder::append(std::string_view text) {
  const std::size_t at = image_->text.size();
  image_->text += text;
  image_->text.resize((image_->text.size() + 7) / 8 * 8);
  return static_cast<std::uint32_t>(at / 8);
}

// Equal policies share their place; most lines have that of the line before.
std::uint32_t KeyImageBuilder::intern() {
  if (policy_ != last_policy_) {
    auto [found, is_new] = known_.try_emplace(policy_, 0);
    if (is_new) {
      found->second = append(policy_);
    }
    last_policy_ = policy_;
    last_policy_at_ = found->second;
  }
  return last_policy_at_;
}

void KeyImageBuilder::complain(std::uint64_t line, std::string message) {
  if (errors_.size() < kMaxKeyFileErrors) {
    errors_.push_back({line, std::move(message)});
  }
}

std::uint64_t KeyImageBuilder::next(std::uint64_t at) const noexcept {
  return at + 1 == ids_.size() ? 0 : at + 1;
}

std::string_view KeyImageBuilder::idOf(const KeySlot& slot) const noexcept {
  return slot.id_size <= KeySlot::kInlineId
             ? std::string_view(slot.inline_id.data(), slot.id_size)
             : std::string_view(image_->text)
                   .substr(std::size_t{slot.longIdAt()} * 8, slot.id_size);
}

}  // namespace agw
