#include "config/env_expand.h"

#include "config/values.h"

namespace agw::config {
namespace {

// `inside` is what stands between the braces.
void expandOne(std::string_view inside, const Environment& environment, Expansion& out) {
  const std::size_t colon = inside.find(":-");
  const std::string name(inside.substr(0, colon));
  if (!isVariableName(name)) {
    out.faults.push_back(
        "a ${...} that names no variable; write ${NAME}, or $${ for the characters ${");
    return;
  }
  const auto value = environment(name);
  out.changed = true;
  if (colon != std::string_view::npos && (!value || value->empty())) {
    out.text += inside.substr(colon + 2);
  } else if (value) {
    out.text += *value;
    out.from_variable = out.from_variable || !value->empty();
  } else {
    out.faults.push_back("the environment variable " + name + " is not set; set it, or write ${" +
                         name + ":-default}");
  }
}

void expandNode(Node& node, const std::string& path, const Environment& environment,
                Problems& problems) {
  switch (node.kind) {
    case Node::Kind::Null:
      return;
    case Node::Kind::Scalar: {
      if (node.text.find("${") == std::string::npos) return;
      Expansion expansion = expandText(node.text, environment);
      for (std::string& fault : expansion.faults) {
        node.broken = true;
        problems.add(node.place, path, std::move(fault));
      }
      node.text = std::move(expansion.text);
      node.expanded = expansion.changed;
      node.secret = expansion.from_variable;
      return;
    }
    case Node::Kind::List:
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        expandNode(node.items[i], path + '[' + std::to_string(i) + ']', environment, problems);
      }
      return;
    case Node::Kind::Map:
      for (Member& member : node.members) {
        expandNode(member.value, (path.empty() ? "" : path + '.') + printable(member.key),
                   environment, problems);
      }
      return;
  }
}

}  // namespace

Expansion expandText(std::string_view text, const Environment& environment) {
  Expansion out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t dollar = text.find('$', at);
    out.text += text.substr(at, dollar - at);
    if (dollar == std::string_view::npos) break;
    const std::string_view rest = text.substr(dollar);
    if (rest.starts_with("$${")) {
      out.text += "${";
      at = dollar + 3;
    } else if (rest.starts_with("${")) {
      const std::size_t end = rest.find('}');
      if (end == std::string_view::npos) {
        out.faults.push_back("a ${ without its }; write $${ for the characters ${");
        break;
      }
      expandOne(rest.substr(2, end - 2), environment, out);
      at = dollar + end + 1;
    } else {
      out.text += '$';
      at = dollar + 1;
    }
  }
  return out;
}

void expandTree(Node& root, const Environment& environment, Problems& problems) {
  expandNode(root, "", environment, problems);
}

}  // namespace agw::config
