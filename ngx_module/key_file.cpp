#include "ngx_module/key_file.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "shared/api_key.h"
#include "shared/edge_headers.h"
#include "shared/key_line_checks.h"

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

std::uint64_t hashOf(std::string_view text) { return std::hash<std::string_view>{}(text); }

class Builder {
 public:
  Builder(std::uint64_t capacity, std::uint64_t text_size, std::vector<KeyFileError>& errors)
      : capacity_(capacity),
        text_size_(text_size),
        errors_(errors),
        image_(std::make_unique<KeyImage>()) {
    image_->slots.resize(KeyTable::slotsFor(capacity));
    lines_.resize(image_->slots.size());
    by_id_.resize(image_->slots.size());
  }

  void add(const KeyLine& key, std::uint64_t line) {
    // Counted on beyond the capacity, so that the message can say how many there are.
    ++keys_;
    if (keys_ > capacity_) {
      return;
    }
    std::uint64_t at = KeyTable::firstSlot(key.hash, image_->slots.size());
    while (image_->slots[at].used) {
      if (image_->slots[at].hash == key.hash) {
        errors_.push_back({line, "the same key as on line " + std::to_string(lines_[at]) +
                                     "; one key stands for one id, so remove one of the lines"});
        return;
      }
      at = next(at);
    }
    lines_[at] = static_cast<std::uint32_t>(line);
    fill(image_->slots[at], key);
    noteId(key, at, line);
  }

  std::unique_ptr<KeyImage> finish() {
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

 private:
  std::uint64_t next(std::uint64_t at) const { return at + 1 == image_->slots.size() ? 0 : at + 1; }

  std::string_view idOf(const KeySlot& slot) const {
    return slot.id_size <= KeySlot::kInlineId
               ? std::string_view(slot.inline_id.data(), slot.id_size)
               : std::string_view(image_->text)
                     .substr(std::size_t{slot.longIdAt()} * 8, slot.id_size);
  }

  // Limits belong to the id, so the lines of one id may not differ in them.
  void noteId(const KeyLine& key, std::uint64_t slot, std::uint64_t line) {
    std::uint64_t at = static_cast<std::uint64_t>(
        (static_cast<unsigned __int128>(hashOf(key.id) * 0x9E3779B97F4A7C15ULL) * by_id_.size()) >>
        64);
    while (by_id_[at] != 0) {
      const KeySlot& other = image_->slots[by_id_[at] - 1];
      if (idOf(other) == key.id) {
        KeyLimits limits;
        std::memcpy(&limits, image_->text.data() + std::size_t{other.policy} * 8, sizeof limits);
        if (!(limits == limitsOf(key))) {
          errors_.push_back({line, "other limits than on line " +
                                       std::to_string(lines_[by_id_[at] - 1]) +
                                       ", which has the same id; requests=, burst=, tokens=, "
                                       "streams= and max_run= belong to the id, so write the same "
                                       "on all of its lines"});
        }
        return;
      }
      at = next(at);
    }
    by_id_[at] = static_cast<std::uint32_t>(slot + 1);
  }

  void fill(KeySlot& slot, const KeyLine& key) {
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
  std::uint32_t append(std::string_view text) {
    const std::size_t at = image_->text.size();
    image_->text += text;
    image_->text.resize((image_->text.size() + 7) / 8 * 8);
    return static_cast<std::uint32_t>(at / 8);
  }

  // Equal policies share their place; most lines have that of the line before.
  std::uint32_t intern() {
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

  const std::uint64_t capacity_;
  const std::uint64_t text_size_;
  std::vector<KeyFileError>& errors_;
  std::unique_ptr<KeyImage> image_;
  std::vector<std::uint32_t> lines_;  // by slot
  std::vector<std::uint32_t> by_id_;  // slot + 1 of the first line of an id, by hash of the id
  std::unordered_map<std::string, std::uint32_t> known_;
  std::string policy_;  // of the line at work
  std::string last_policy_;
  std::uint32_t last_policy_at_ = 0;
  std::uint64_t keys_ = 0;
};

}  // namespace

std::unique_ptr<KeyImage> buildKeyImage(std::string_view file_text, std::uint64_t capacity,
                                        std::uint64_t text_size,
                                        std::vector<KeyFileError>& errors) {
  Builder builder(capacity, text_size, errors);
  std::uint64_t line_number = 0;
  KeyLine key;
  std::string error;
  while (!file_text.empty() && errors.size() < kMaxKeyFileErrors) {
    const std::size_t end = file_text.find('\n');
    const std::string_view line = file_text.substr(0, end);
    file_text.remove_prefix(end == std::string_view::npos ? file_text.size() : end + 1);
    ++line_number;
    switch (parseKeyLine(line, key, error)) {
      case KeyLineResult::Empty:
        break;
      case KeyLineResult::Error:
        errors.push_back({line_number, error});
        break;
      case KeyLineResult::Key:
        error = checkKeyLine(key);
        if (!error.empty()) {
          errors.push_back({line_number, error});
          break;
        }
        builder.add(key, line_number);
        break;
    }
  }
  return builder.finish();
}

}  // namespace agw
