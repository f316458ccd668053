#include "cli/serve.h"

#include <fstream>
#include <iterator>
#include <ostream>
#include <utility>

#include "cli/check_config.h"
#include "shared/proof.h"

namespace agw::cli {
namespace {

constexpr std::size_t kMaxSecretFile = 64 * 1024;

bool readEdgeSecrets(const std::string& file, std::vector<std::string>& secrets,
                     std::ostream& err) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    err << file << ": the edge secret file cannot be read; make one with\n"
        << "  openssl rand -hex 32 > " << file << "\n"
        << "readable by edge and executor, and name it in server.edge_secret_file or "
           "AGENT_GATEWAY_EDGE_SECRET_FILE\n";
    return false;
  }
  std::string text(kMaxSecretFile, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  EdgeSecrets parsed = parseEdgeSecrets(text);
  if (!parsed.error.empty()) {
    err << file << ": " << parsed.error << "\n";
    return false;
  }
  secrets = std::move(parsed.secrets);
  return true;
}

}  // namespace

config::LoadResult loadForServe(const ServeFlags& flags, config::YamlCache* trees) {
  config::LoadResult result =
      config::loadSettings(flags.config_file, config::processEnvironment(), trees);
  config::ServerSettings& server = result.settings.server;
  if (!flags.listen.empty()) server.listen = flags.listen;
  if (flags.threads != 0) server.threads = flags.threads;
  return result;
}

bool prepareServe(const ServeFlags& flags, ServeInput& input, std::ostream& err) {
  input.config = loadForServe(flags);
  if (!input.config.problems.empty()) {
    reportProblems(flags.config_file, input.config.problems, err);
    return false;
  }
  return readEdgeSecrets(input.config.settings.server.edge_secret_file, input.edge_secrets, err);
}

}  // namespace agw::cli
