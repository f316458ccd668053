#include "cli/keys.h"

#include <algorithm>
#include <iterator>
#include <ostream>
#include <utility>

#include "base/json_reader.h"
#include "cli/key_arguments.h"
#include "cli/key_time.h"

namespace agw::cli {
namespace {

constexpr std::size_t kMaxNamedHashes = 100;  // in one audit line
constexpr std::size_t kMaxHints = 5;

using Entries = std::vector<const KeyEntry*>;

int refuse(const KeysContext& context, const std::string& error) {
  context.err << error << "\nnothing was changed\n";
  return 1;
}

std::string count(std::size_t number, const std::string& one, const std::string& many) {
  return std::to_string(number) + ' ' + (number == 1 ? one : many);
}

Json shortHashes(const Entries& entries) {
  Json out = Json::array();
  for (const KeyEntry* entry : entries) {
    if (out.size() == kMaxNamedHashes) break;
    out.push_back(shortHash(entry->key.hash));
  }
  return out;
}

void sayHowToGoOn(const KeysContext& context, const std::string& what) {
  context.err << what
              << "; the secret on standard output is not kept anywhere and not shown again\n";
}

std::string unknownId(const KeysContext& context, const std::string& id) {
  return context.file + ": there is no key of " + id + "; `keys list` shows the ids";
}

// The longest-lived one, of equals the last: a rotation leaves old lines a shorter life, so this is
// what the operator has said about the id itself.
const KeyEntry& modelLine(const Entries& entries) {
  const KeyEntry* model = entries.front();
  for (const KeyEntry* entry : entries) {
    if (endOf(entry->key) >= endOf(model->key)) model = entry;
  }
  return *model;
}

// The lines that live beyond `end`.
Entries endingAfter(const Entries& entries, std::int64_t end) {
  Entries out;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(out),
               [end](const KeyEntry* entry) { return endOf(entry->key) > end; });
  return out;
}

void hintRevocations(const KeysContext& context, const std::string& id, const Entries& old) {
  context.err << "the older secrets of " << id << " stay valid; when nobody needs them:\n";
  for (std::size_t i = 0; i < std::min(old.size(), kMaxHints); ++i) {
    context.err << "  agent-executor keys revoke " << id << " --hash "
                << shortHash(old[i]->key.hash) << " -f " << context.file << '\n';
  }
  if (old.size() > kMaxHints) context.err << "  and " << old.size() - kMaxHints << " more\n";
}

}  // namespace

int addKey(const KeysContext& context, const std::string& id, std::vector<KeyWord> words) {
  if (const std::string error = checkKeyId(id); !error.empty()) return refuse(context, error);
  if (const std::string error = settleWords(words, context.now_unix); !error.empty()) {
    return refuse(context, error);
  }
  const KeySecret secret;
  const std::string line = keyLine(id, secret.hash(), joinWords(words));
  if (const std::string error = checkLine(line); !error.empty()) return refuse(context, error);

  KeyChange change(context);
  if (!change.open(IfMissing::Create)) return 1;
  if (const Entries there = change.entriesOf(id); !there.empty()) {
    return refuse(context, context.file + ':' + std::to_string(there.front()->line) + ": " + id +
                               " has a key; `keys rotate " + id + "` gives it another secret");
  }
  Json detail = Json::object();
  for (const KeyWord& word : words) detail[word.name] = word.value;
  const std::string hash = shortHash(secret.hash());
  if (!change.commit({{change.text().size(), 0, line}}, {"key.add", id, hash, dumpJson(detail)},
                     &secret)) {
    return 1;
  }
  sayHowToGoOn(context, context.file + ": added " + id + ", hash " + hash);
  const bool may_use = std::any_of(words.begin(), words.end(),
                                   [](const KeyWord& word) { return word.name == "allow"; });
  if (!may_use) context.err << "without --allow it may use no model yet\n";
  if (change.isNewFile()) {
    context.err << "the file is new, with mode 0640: nginx's workers must be able to read it, so "
                   "give it to their group, e.g. chgrp www-data "
                << context.file << '\n';
  }
  return 0;
}

int revokeKeys(const KeysContext& context, const std::string& id, const std::string& hash_prefix) {
  if (const std::string error = checkKeyId(id); !error.empty()) return refuse(context, error);
  HashPrefix prefix;
  if (!hash_prefix.empty()) prefix = parseHashPrefix(hash_prefix);
  if (!prefix.error.empty()) return refuse(context, prefix.error);

  KeyChange change(context);
  if (!change.open(IfMissing::Refuse)) return 1;
  Entries entries = change.entriesOf(id);
  if (entries.empty()) return refuse(context, unknownId(context, id));
  const std::size_t all = entries.size();
  if (!prefix.digits.empty()) {
    std::erase_if(entries, [&prefix](const KeyEntry* entry) {
      return !hexOf(entry->key.hash).starts_with(prefix.digits);
    });
    if (entries.empty()) {
      return refuse(context, context.file + ": " + id + " has no secret whose hash begins so; " +
                                 "`keys list` shows the hashes");
    }
    if (entries.size() > 1) {
      return refuse(context, context.file + ": " + std::to_string(entries.size()) + " secrets of " +
                                 id + " have a hash that begins so; write more " +
                                 "digits of the one, as they stand in the file");
    }
  }
  std::vector<LineEdit> edits;
  for (const KeyEntry* entry : entries) {
    edits.push_back({change.positionOf(*entry), entry->text.size(), {}});
  }
  const Json detail = {{"count", entries.size()}, {"removed", shortHashes(entries)}};
  const std::string first = shortHash(entries.front()->key.hash);
  const std::size_t removed = entries.size();
  if (!change.commit(edits, {"key.revoke", id, first, dumpJson(detail)}, nullptr)) return 1;
  context.err << context.file << ": revoked " << count(removed, "secret", "secrets") << " of " << id
              << ", " << all - removed << " left\n";
  return 0;
}

int rotateKey(const KeysContext& context, const std::string& id, const std::string& grace) {
  if (const std::string error = checkKeyId(id); !error.empty()) return refuse(context, error);
  const auto span = parseSpan(grace);
  if (!grace.empty() && !span) {
    return refuse(context,
                  "--grace takes a time with its unit s, m, h or d, like 7d, at most "
                  "3650d; to end the old secrets at once, rotate and then revoke them");
  }
  const KeySecret secret;
  KeyChange change(context);
  if (!change.open(IfMissing::Refuse)) return 1;
  const Entries entries = change.entriesOf(id);
  if (entries.empty()) return refuse(context, unknownId(context, id));
  const KeyEntry& model = modelLine(entries);
  if (keyState(model.key.expires_unix, context.now_unix) == KeyState::Expired) {
    return refuse(context, context.file + ':' + std::to_string(model.line) + ": " + id +
                               " has expired, and a new secret would have the same expires=; "
                               "write a later one there, or revoke " +
                               id + " and add it anew");
  }
  Json detail = {{"like", shortHash(model.key.hash)}};
  std::vector<LineEdit> edits;
  const std::int64_t end = span ? context.now_unix + *span : 0;
  const Entries shortened = span ? endingAfter(entries, end) : Entries{};
  for (const KeyEntry* entry : shortened) {
    edits.push_back({change.positionOf(*entry), entry->text.size(), withExpiry(entry->text, end)});
  }
  if (span) {
    detail["grace"] = grace;
    detail["old_expires"] = formatUtcTime(end);
    detail["shortened"] = shortHashes(shortened);
  }
  // Behind the last line of the id, so that they stay together.
  const KeyEntry& last = *entries.back();
  edits.push_back({change.positionOf(last) + last.text.size(), 0,
                   keyLine(id, secret.hash(), wordsAfterHash(model.text))});
  const std::string hash = shortHash(secret.hash());
  if (!change.commit(edits, {"key.rotate", id, hash, dumpJson(detail)}, &secret)) return 1;
  sayHowToGoOn(context, context.file + ": " + id + " has a new secret, hash " + hash +
                            ", with the words of " + shortHash(model.key.hash));
  if (span) {
    context.err << "the older secrets of " << id << " end at " << formatUtcTime(end)
                << " at the latest\n";
  } else {
    hintRevocations(context, id, endingAfter(entries, context.now_unix));
  }
  return 0;
}

}  // namespace agw::cli
