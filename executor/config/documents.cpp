#include "config/documents.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "config/env_expand.h"
#include "config/values.h"
#include "config/yaml_cache.h"
#include "config/yaml_text.h"

namespace agw::config {
namespace {

std::string withoutLinks(const std::string& path) {
  std::error_code failed;
  const auto real = std::filesystem::weakly_canonical(path, failed);
  return failed ? path : real.string();
}

class DocumentReader {
 public:
  explicit DocumentReader(ReadContext& context) : context_(context) {}

  void configuration(std::string_view text) {
    const std::string& name = context_.problems.fileName(0);
    text_bytes_ = text.size();
    open_.push_back({withoutLinks(name), name});
    first_.emplace(open_.back().real_path, Place{});
    document(text, 0);
  }

  std::vector<Node> take() { return std::move(documents_); }

 private:
  struct OpenFile {
    std::string real_path;
    std::string name;  // as messages call it
  };

  void document(std::string_view text, std::size_t file) {
    Problems& problems = context_.problems;
    const bool is_json = problems.fileName(file).ends_with(".json");
    auto root = is_json ? tree(joinJsonSurrogates(text), file) : tree(text, file);
    if (!root) {
      context_.all_read = false;
      return;
    }
    expandTree(*root, context_.environment, problems);
    const Member* const include = root->find("include");
    const Node list = include != nullptr ? include->value : Node{};
    documents_.push_back(std::move(*root));
    if (list.kind != Node::Kind::List) return;  // another kind is reported with the other keys
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      includeFile(list.items[i], "include[" + std::to_string(i) + ']');
    }
  }

  std::optional<Node> tree(std::string_view text, std::size_t file) {
    Problems& problems = context_.problems;
    if (context_.trees == nullptr) return readYaml(text, file, use_, problems);
    return context_.trees->read(text, file, use_, problems);
  }

  void includeFile(const Node& node, const std::string& path) {
    if (node.broken || is_full_) {
      context_.all_read = false;
      return;
    }
    const auto fault = [&](std::string message) {
      context_.all_read = false;
      context_.problems.add(node.place, path, std::move(message));
    };
    if (node.kind != Node::Kind::Scalar || node.text.empty() || hasControl(node.text)) {
      fault("not a path; write a file relative to this one, e.g. agents/research.yaml");
      return;
    }
    OpenFile file;
    file.name = besideFile(context_.problems.fileName(node.place.file), node.text);
    file.real_path = withoutLinks(file.name);
    if (std::string message = reasonAgainst(file, node); !message.empty()) {
      fault(std::move(message));
      return;
    }
    first_.emplace(file.real_path, node.place);
    const FileText content = context_.files.text(file.name, kMaxYamlBytes);
    if (!content.error.empty()) {
      fault(shown(node) + ' ' + content.error);
      return;
    }
    text_bytes_ += content.text.size();
    if (text_bytes_ > kMaxYamlBytes) {
      is_full_ = true;
      fault("with this file the configuration is larger than 8 MiB");
      return;
    }
    const std::size_t number = context_.problems.addFile(file.name);
    open_.push_back(std::move(file));
    document(content.text, number);
    open_.pop_back();
  }

  // "" when the file may be read.
  std::string reasonAgainst(const OpenFile& file, const Node& node) {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i].real_path != file.real_path) continue;
      std::string cycle;
      for (std::size_t j = i; j < open_.size(); ++j) cycle += open_[j].name + " includes ";
      return "a circle: " + cycle + open_[i].name + "; remove one of these includes";
    }
    if (const auto found = first_.find(file.real_path); found != first_.end()) {
      return "the file is included twice (first " +
             context_.problems.lineFrom(node.place, found->second) + "); remove one";
    }
    if (open_.size() > kMaxIncludeDepth) {
      return "includes are nested deeper than " + std::to_string(kMaxIncludeDepth) + " files";
    }
    if (first_.size() == kMaxFiles) {
      is_full_ = true;
      return "more than " + std::to_string(kMaxFiles) + " files; put several parts into one file";
    }
    return {};
  }

  ReadContext& context_;
  YamlUse use_;
  std::size_t text_bytes_ = 0;
  bool is_full_ = false;                // a bound of the whole was reached: nothing more is read
  std::vector<OpenFile> open_;          // from the configuration file to the one being read
  std::map<std::string, Place> first_;  // real paths, and where each was included
  std::vector<Node> documents_;
};

}  // namespace

std::vector<Node> readDocuments(std::string_view text, ReadContext& context) {
  DocumentReader reader(context);
  reader.configuration(text);
  return reader.take();
}

}  // namespace agw::config
