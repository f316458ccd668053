// What a wrong file is answered with, as exact text: people read it, scripts match it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config_test_support.h"

namespace agw::config {
namespace {

struct Broken {
  const char* name;
  std::string yaml;
  std::string expected;  // all problem lines
};

void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

const std::string kUp = "upstreams: {up: {base_url: \"http://h/\"}}\n";
const std::string kAgent = "agents:\n- {name: a, upstream: up, model: m, instructions: x";

class BrokenFile : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenFile, IsAnsweredWith) {
  const LoadResult result = parse(GetParam().yaml);
  EXPECT_EQ(lines(result.problems), GetParam().expected);
}

const std::vector<Broken> kText = {
    {"Empty", "", "f.yaml: the file is empty; it needs agents or upstreams\n"},
    {"OnlyComments", "# nothing\n", "f.yaml: the file is empty; it needs agents or upstreams\n"},
    {"OnlyAMarker", "---\n", "f.yaml: the file is empty; it needs agents or upstreams\n"},
    {"NulByte", std::string("a: b\nc: \0", 9),
     "f.yaml:2:4: a NUL byte; the file must be UTF-8 text\n"},
    {"NotUtf8", "a: \"\xff\"\n", "f.yaml:1:5: a byte that is not UTF-8; save the file as UTF-8\n"},
    {"ControlCharacter", "a: \x01\n", "f.yaml:1:4: a control character; remove it\n"},
    {"TooLarge", std::string(8 * 1024 * 1024 + 1, '#'), "f.yaml: the file is larger than 8 MiB\n"},
    {"TabBeforeAKey", "server:\n\tlisten: x\n",
     "f.yaml:2:8: a tab is used for indentation; use spaces\n"},
    {"TabAfterSpaces", "server:\n  threads: 2\n\tlisten: x\n",
     "f.yaml:3:1: a tab is used for indentation; use spaces\n"},
    {"OpenBrace", "server: {threads: 1\n", "f.yaml:2:1: '{' without '}', or no ',' before this\n"},
    {"OpenBracket", "agents: [\n", "f.yaml:2:1: '[' without ']', or no ',' before this\n"},
    {"OpenQuotes", "server:\n  listen: \"unix:/x\n",
     "f.yaml:3:2: the file ends inside quotes that an earlier line opens\n"},
    {"ColonInAValue", "log: file: x\n",
     "f.yaml:1:10: a ':' that is not expected here; put a value that holds ': ' in quotes\n"},
    {"BadIndentation", "server:\n  threads: 1\n listen: x\n",
     "f.yaml:3:2: a line that does not fit the map around it; check its indentation and its ':'\n"},
    {"UnknownAlias", "log: *hunter2\n",
     "f.yaml:1:6: an alias without its anchor before it; quote the value if its '*' is part of the "
     "text\n"},
    {"ReservedCharacter", "log: @hunter2\n",
     "f.yaml:1:6: a character that cannot start a value; put the value in quotes\n"},
    {"BadEscape", "log: \"\\qhunter2\"\n",
     "f.yaml:1:9: an unknown escape in double quotes; use single quotes or write \\\\ for a "
     "backslash\n"},
    {"AliasInsideItself", "agents: &x [*x]\n",
     "f.yaml:1:13: agents[0]: an alias inside the value it stands for; write the value out\n"},
    {"TooDeep", "agents: " + std::string(100000, '[') + std::string(100000, ']'),
     "f.yaml:1:72: nested deeper than 64 levels\n"},
    {"SecondDocument", kUp + "---\nserver: {}\n",
     "f.yaml:2:1: a second document starts here; a file holds one\n"},
    {"NotAMap", "just text\n", "f.yaml:1:1: a single value where a map (key: value) is expected\n"},
    {"AListAtTheTop", "- a\n", "f.yaml:1:1: a list where a map (key: value) is expected\n"},
    {"UnknownTag", "version: !mine 1\n",
     "f.yaml:1:10: version: an unknown YAML tag; remove the word that starts with '!'\n"},
    {"KeyThatIsNoText", "? {a: b}\n: 1\n", "f.yaml:1:3: a key must be plain text\n"},
};

const std::vector<Broken> kKeys = {
    {"MisspelledTopKey", "upstream: {}\n",
     "f.yaml:1:1: upstream: unknown key; did you mean upstreams?\n"},
    {"MisspelledKey", "upstreams:\n  up:\n    base_ulr: \"http://h/\"\n",
     "f.yaml:3:5: upstreams.up.base_ulr: unknown key; did you mean base_url?\n"
     "f.yaml:3:5: upstreams.up.base_url: missing; write e.g. base_url: http://localhost:1234/v1\n"},
    {"ForeignKey", "log: {rotation: daily}\n",
     "f.yaml:1:7: log.rotation: unknown key; known here: file or level\n"},
    {"MergeKey", "log: {<<: {level: info}}\n",
     "f.yaml:1:7: log.<<: unknown key; merge keys are not supported, write the keys out\n"},
    {"DuplicateKey", "version: 1\nversion: 1\n",
     "f.yaml:2:1: version: the key stands twice (first on line 1); remove one\n"},
    {"DuplicateKeyDeepDown", kUp + kAgent + ",\n   model: other}\n",
     "f.yaml:4:4: agents[0].model: the key stands twice (first on line 3); remove one\n"},
    {"DuplicateUpstream", "upstreams:\n  up: {base_url: \"http://h/\"}\n  up: {base_url: x}\n",
     "f.yaml:3:3: upstreams.up: the key stands twice (first on line 2); remove one\n"},
    {"OtherVersion", "version: 2\n", "f.yaml:1:10: version: \"2\" is not known; write 1\n"},
};

const std::vector<Broken> kServer = {
    {"ServerIsNoMap", "server: 4\n",
     "f.yaml:1:9: server: a single value where a map (key: value) is expected\n"},
    {"ThreadsIsText", "server: {threads: many}\n",
     "f.yaml:1:19: server.threads: \"many\" is not a whole number; write 0 to 256\n"},
    {"ThreadsIsNegative", "server: {threads: -1}\n",
     "f.yaml:1:19: server.threads: \"-1\" is not a whole number; write 0 to 256\n"},
    {"ThreadsOutOfRange", "server: {threads: 257}\n",
     "f.yaml:1:19: server.threads: \"257\" is out of range; write 0 to 256\n"},
    {"ThreadsIsAList", "server: {threads: [1]}\n",
     "f.yaml:1:19: server.threads: a list where a whole number is expected\n"},
    {"ThreadsIsNothing", "server:\n  threads:\n",
     "f.yaml:2:3: server.threads: no value; write a whole number or remove the key\n"},
    {"ListenWithoutPort", "server: {listen: 127.0.0.1}\n",
     "f.yaml:1:18: server.listen: not a listen address; write unix:/path, IP:port or "
     "[IPv6]:port\n"},
    {"ListenOnARelativeSocket", "server: {listen: \"unix:x.sock\"}\n",
     "f.yaml:1:18: server.listen: the socket's path must be absolute; write unix:/path\n"},
    {"ListenOnALongPath", "server: {listen: unix:/" + std::string(120, 'x') + "}\n",
     "f.yaml:1:18: server.listen: the socket's path is longer than 107 bytes; use a shorter one\n"},
    {"DurationWithoutSense", "server: {drain_timeout: soon}\n",
     "f.yaml:1:25: server.drain_timeout: \"soon\" is not a duration; write e.g. 500ms, 30s, 10m or "
     "1h\n"},
    {"DurationOutOfRange", "server: {keep_alive_interval: 1ms}\n",
     "f.yaml:1:31: server.keep_alive_interval: \"1ms\" is out of range; write 50ms to 10m\n"},
    {"UnknownLevel", "log: {level: verbose}\n",
     "f.yaml:1:14: log.level: \"verbose\" is not known; write debug, info, warn or error\n"},
};

const std::vector<Broken> kUpstreams = {
    {"UpstreamsIsAList", "upstreams: []\n",
     "f.yaml:1:12: upstreams: a list where a map (key: value) is expected\n"},
    {"UpstreamName", "upstreams: {a/b: {base_url: \"http://h/\"}}\n",
     "f.yaml:1:13: upstreams.a/b: not a name for an upstream; use 1 to 64 of A-Z a-z 0-9 . _ : @ + "
     "-\n"},
    {"NoBaseUrl", "upstreams: {up: {}}\n",
     "f.yaml:1:17: upstreams.up.base_url: missing; write e.g. base_url: "
     "http://localhost:1234/v1\n"},
    {"UrlWithoutScheme", "upstreams: {up: {base_url: \"localhost:1234\"}}\n",
     "f.yaml:1:28: upstreams.up.base_url: the URL's scheme must be http or https\n"},
    {"UrlWithPassword", "upstreams: {up: {base_url: \"http://u:hunter2@h/\"}}\n",
     "f.yaml:1:28: upstreams.up.base_url: the URL must not hold a user name or password; send "
     "credentials in a header\n"},
    {"TwoKeys", "upstreams: {up: {base_url: \"http://h/\", api_key: hunter2, api_key_env: K}}\n",
     "f.yaml:1:72: upstreams.up.api_key_env: write only one of api_key, api_key_env and "
     "api_key_file\n"},
    {"KeyVariableNotSet", "upstreams: {up: {base_url: \"http://h/\", api_key_env: UP_KEY}}\n",
     "f.yaml:1:54: upstreams.up.api_key_env: the environment variable UP_KEY is not set\n"},
    {"KeyWhereItsVariableBelongs",
     "upstreams: {up: {base_url: \"http://h/\", api_key_env: hunter2}}\n",
     "f.yaml:1:54: upstreams.up.api_key_env: the environment variable named here is not set\n"},
    {"KeyVariableIsNoName", "upstreams: {up: {base_url: \"http://h/\", api_key_env: sk-hunter2}}\n",
     "f.yaml:1:54: upstreams.up.api_key_env: not the name of an environment variable; write e.g. "
     "OPENAI_API_KEY\n"},
    {"KeyFileMissing",
     "upstreams: {up: {base_url: \"http://h/\", api_key_file: /nonexistent/key}}\n",
     "f.yaml:1:55: upstreams.up.api_key_file: the file cannot be opened: No such file or "
     "directory\n"},
    {"KeyFileIsADevice", "upstreams: {up: {base_url: \"http://h/\", api_key_file: /dev/zero}}\n",
     "f.yaml:1:55: upstreams.up.api_key_file: the file is not a regular file\n"},
    {"KeyWithLineFeed", "upstreams: {up: {base_url: \"http://h/\", api_key: \"a\\nb\"}}\n",
     "f.yaml:1:50: upstreams.up.api_key: the key holds a space or a character that is not visible "
     "ASCII\n"},
    {"HeaderInjection",
     "upstreams: {up: {base_url: \"http://h/\", headers: {X-A: \"a\\r\\nB: c\"}}}\n",
     "f.yaml:1:56: upstreams.up.headers.X-A: a header's value must be one line without control "
     "characters\n"},
    {"HeaderName", "upstreams: {up: {base_url: \"http://h/\", headers: {\"X A\": a}}}\n",
     "f.yaml:1:51: upstreams.up.headers.X A: not a header name; use letters, digits and '-'\n"},
    {"HeaderOfTheClient", "upstreams: {up: {base_url: \"http://h/\", headers: {Host: a}}}\n",
     "f.yaml:1:51: upstreams.up.headers.Host: this header is set by the gateway; remove it\n"},
    {"HeaderTwice", "upstreams: {up: {base_url: \"http://h/\", headers: {X-A: a, x-a: b}}}\n",
     "f.yaml:1:59: upstreams.up.headers.x-a: the header stands twice (case does not count); remove "
     "one\n"},
    {"ModelName", "upstreams: {up: {base_url: \"http://h/\", models: [\"a b\"]}}\n",
     "f.yaml:1:49: upstreams.up.models: entry 1 is no model name; use 1 to 256 of A-Z a-z 0-9 . _ "
     ": / @ + -\n"},
    {"ModelTwice", "upstreams: {up: {base_url: \"http://h/\", models: [m, m]}}\n",
     "f.yaml:1:49: upstreams.up.models: entry 2 stands twice; remove one\n"},
    {"MissingVariable", "upstreams: {up: {base_url: \"${UP_URL}/v1\"}}\n",
     "f.yaml:1:28: upstreams.up.base_url: the environment variable UP_URL is not set; set it, or "
     "write ${UP_URL:-default}\n"},
    {"OpenVariable", "upstreams: {up: {base_url: \"http://${H\"}}\n",
     "f.yaml:1:28: upstreams.up.base_url: a ${ without its }; write $${ for the characters ${\n"},
    {"VariableWithoutName", "upstreams: {up: {base_url: \"http://${1}\"}}\n",
     "f.yaml:1:28: upstreams.up.base_url: a ${...} that names no variable; write ${NAME}, or $${ "
     "for the characters ${\n"},
};

const std::vector<Broken> kTools = {
    {"McpServerName", "mcp_servers: {\"a b\": {url: \"http://h/\"}}\n",
     "f.yaml:1:15: mcp_servers.a b: not a name for a server; use 1 to 64 of A-Z a-z 0-9 . _ -\n"},
    {"McpServerWithoutUrl", "mcp_servers: {m: {}}\n",
     "f.yaml:1:18: mcp_servers.m.url: missing (transport http needs it); write e.g. url: "
     "https://mcp.example.com/mcp\n"},
    {"StdioWithoutCommand", "mcp_servers: {m: {transport: stdio}}\n",
     "f.yaml:1:18: mcp_servers.m.command: missing (transport stdio needs it); write the program to "
     "start\n"},
    {"StdioWithUrl", "mcp_servers: {m: {transport: stdio, command: c, url: \"http://h/\"}}\n",
     "f.yaml:1:49: mcp_servers.m.url: has no meaning with transport stdio; remove it\n"},
    {"UnknownTransport", "mcp_servers: {m: {transport: websocket, url: \"http://h/\"}}\n",
     "f.yaml:1:30: mcp_servers.m.transport: \"websocket\" is not known; write http, stdio or "
     "sse\n"},
    {"ToolsIsText", "tools: all\n",
     "f.yaml:1:8: tools: a single value where a list or a map of tools is expected\n"},
    {"ToolWithoutName", "tools: [{provider: http, url: \"http://h/\"}]\n",
     "f.yaml:1:9: tools[0].name: missing; write e.g. name: get_weather\n"},
    {"ToolName", "tools: [{name: get weather, provider: http, url: \"http://h/\"}]\n",
     "f.yaml:1:16: tools[0].name: not a tool name; use 1 to 64 of A-Z a-z 0-9 _ -\n"},
    {"ToolNameOfAMap", "tools: {get.weather: {provider: http, url: \"http://h/\"}}\n",
     "f.yaml:1:22: tools.get.weather.name: not a tool name; use 1 to 64 of A-Z a-z 0-9 _ -\n"},
    {"ToolNameDiffers", "tools: {t: {name: u, provider: http, url: \"http://h/\"}}\n",
     "f.yaml:1:19: tools.t.name: differs from the tool's key; remove it\n"},
    {"ToolTwice",
     "tools:\n- {name: t, provider: http, url: \"http://h/\"}\n"
     "- {name: t, provider: http, url: \"http://h/\"}\n",
     "f.yaml:3:3: tools[1].name: the tool t stands twice (first on line 2); names must differ\n"},
    {"ToolWithoutProvider", "tools: [{name: t, url: \"http://h/\"}]\n",
     "f.yaml:1:9: tools[0].provider: missing; write mcp, http or local\n"},
    {"UnknownProvider", "tools: [{name: t, type: grpc}]\n",
     "f.yaml:1:25: tools[0].type: \"grpc\" is not known; write mcp, http or local\n"},
    {"ProviderTwice", "tools: [{name: t, type: http, provider: http, url: \"http://h/\"}]\n",
     "f.yaml:1:25: tools[0].type: another spelling of provider; write only one of them\n"},
    {"HttpToolWithoutUrl", "tools: [{name: t, provider: http}]\n",
     "f.yaml:1:9: tools[0].url: missing (provider http needs it); write e.g. url: "
     "https://api.example.com/time\n"},
    {"HttpToolWithMcpServer",
     "tools: [{name: t, provider: http, url: \"http://h/\", mcp_server: m}]\n",
     "f.yaml:1:53: tools[0].mcp_server: has no meaning with provider http; remove it\n"},
    {"UnknownMethod", "tools: [{name: t, provider: http, url: \"http://h/\", method: get}]\n",
     "f.yaml:1:61: tools[0].method: \"get\" is not known; write GET, POST, PUT, PATCH or DELETE\n"},
    {"ResponseSize",
     "tools: [{name: t, provider: http, url: \"http://h/\", max_response_bytes: 1g}]\n",
     "f.yaml:1:73: tools[0].max_response_bytes: \"1g\" is not a size; write bytes, or e.g. 64k or "
     "1m\n"},
    {"ParametersOfOtherType",
     "tools: [{name: t, provider: http, url: \"http://h/\", parameters: {type: array}}]\n",
     "f.yaml:1:65: tools[0].parameters: the arguments are an object; write type: object\n"},
    {"ParametersWithInfinity",
     "tools: [{name: t, provider: http, url: \"http://h/\", parameters: {maximum: .inf}}]\n",
     "f.yaml:1:75: tools[0].parameters.maximum: JSON has no such number; put text in quotes\n"},
    {"McpToolWithoutServer", "tools: [{name: t, provider: mcp}]\n",
     "f.yaml:1:9: tools[0].mcp_server: missing (provider mcp needs it); write a name in "
     "mcp_servers\n"},
    {"DanglingMcpServer",
     "mcp_servers: {weather: {url: \"http://h/\"}}\n"
     "tools: [{name: t, provider: mcp, mcp_server: wether}]\n",
     "f.yaml:2:46: tools[0].mcp_server: \"wether\" is not in mcp_servers; did you mean weather?\n"},
    {"LocalToolWithoutModule", "tools: [{name: t, provider: local}]\n",
     "f.yaml:1:9: tools[0].module: missing (provider local needs it); write e.g. module: "
     "tools.weather\n"},
};

const std::vector<Broken> kAgents = {
    {"AgentsIsAMap", "agents: {a: {}}\n",
     "f.yaml:1:9: agents: a map where a list (- item) is expected\n"},
    {"AgentIsText", "agents: [a]\n",
     "f.yaml:1:10: agents[0]: a single value where a map (key: value) is expected\n"},
    {"NoName", kUp + "agents: [{upstream: up, model: m, instructions: x}]\n",
     "f.yaml:2:10: agents[0].name: missing; write e.g. name: assistant\n"},
    {"BadName", kUp + "agents: [{name: my agent, upstream: up, model: m, instructions: x}]\n",
     "f.yaml:2:17: agents[0].name: not a name for an agent; use A-Z a-z 0-9 . _ : @ + - (256 with "
     "namespace)\n"},
    {"SlashInTheName", kUp + "agents: [{name: r/a, upstream: up, model: m, instructions: x}]\n",
     "f.yaml:2:17: agents[0].name: a '/' in the name; write the part before it as namespace:\n"},
    {"BadNamespace", kUp + kAgent + ", namespace: a/b}\n",
     "f.yaml:3:65: agents[0].namespace: not a namespace; use 1 to 64 of A-Z a-z 0-9 . _ : @ + -\n"},
    {"AgentTwice",
     kUp + kAgent + "}\n- {name: a, namespace: default, upstream: up, model: m, instructions: x}\n",
     "f.yaml:4:10: agents[1].name: the agent default/a stands twice (first on line 3); names must "
     "differ\n"},
    {"NamespaceOfAnUpstream",
     "upstreams: {up: {base_url: \"http://h/\", models: [m]}}\n" + kAgent + ", namespace: up}\n",
     "f.yaml:3:65: agents[0].namespace: the namespace up belongs to the upstream of that name, "
     "which has models; rename one of them\n"},
    {"NothingWritten", "agents: [{name: a}]\n",
     "f.yaml:1:10: agents[0].upstream: missing (kind declarative needs it); write a name in "
     "upstreams\n"
     "f.yaml:1:10: agents[0].model: missing (kind declarative needs it); write the model's name on "
     "that upstream\n"
     "f.yaml:1:10: agents[0].instructions: missing (kind declarative needs it); write the system "
     "message\n"},
    {"EmptyInstructions", kUp + "agents: [{name: a, upstream: up, model: m, instructions: \"\"}]\n",
     "f.yaml:2:58: agents[0].instructions: empty; write the system message\n"},
    {"DanglingUpstream",
     "upstreams: {lmstudio: {base_url: \"http://h/\"}}\n"
     "agents: [{name: a, upstream: lmstudo, model: m, instructions: x}]\n",
     "f.yaml:2:30: agents[0].upstream: \"lmstudo\" is not in upstreams; did you mean lmstudio?\n"},
    {"UnknownKind", kUp + kAgent + ", kind: python}\n",
     "f.yaml:3:60: agents[0].kind: \"python\" is not known; write declarative or sdk\n"},
    {"SdkWithoutModule", "agents: [{name: a, kind: sdk}]\n",
     "f.yaml:1:10: agents[0].module: missing (kind sdk needs it); write module: "
     "pkg.mod:callable\n"},
    {"SdkWithABadModule", "agents: [{name: a, kind: sdk, module: agents/researcher.py}]\n",
     "f.yaml:1:39: agents[0].module: not a module and a callable; write pkg.mod:callable\n"},
    {"DeclarativeWithModule", kUp + kAgent + ", module: \"a:b\"}\n",
     "f.yaml:3:54: agents[0].module: has no meaning with kind declarative; remove it\n"},
    {"DanglingTool",
     kUp + "tools: {get_time: {provider: http, url: \"http://h/\"}}\n" + kAgent +
         ", tools: [get_tim, weather]}\n",
     "f.yaml:4:62: agents[0].tools[0]: \"get_tim\" is not in tools; did you mean get_time?\n"
     "f.yaml:4:71: agents[0].tools[1]: \"weather\" is not in tools\n"},
    {"ToolOfTheSameName",
     kUp + "tools: {t: {provider: http, url: \"http://h/\"}}\n" + kAgent +
         ", tools: [t, {name: t, provider: http, url: \"http://h/\"}]}\n",
     "f.yaml:4:65: agents[0].tools[1]: the agent has another tool of this name; names must "
     "differ\n"},
    {"InlineToolWithoutUrl", kUp + kAgent + ", tools: [{name: t, provider: http}]}\n",
     "f.yaml:3:62: agents[0].tools[0].url: missing (provider http needs it); write e.g. url: "
     "https://api.example.com/time\n"},
    {"ToolIsAList", kUp + kAgent + ", tools: [[]]}\n",
     "f.yaml:3:62: agents[0].tools[0]: not a tool; write a name in tools, or name: and "
     "provider:\n"},
    {"MisspelledPolicy", kUp + kAgent + ", policies: {max_tool_hop: 2}}\n",
     "f.yaml:3:65: agents[0].policies.max_tool_hop: unknown key; did you mean max_tool_hops?\n"},
    {"NoHops", kUp + kAgent + ", policies: {max_tool_hops: 0}}\n",
     "f.yaml:3:80: agents[0].policies.max_tool_hops: \"0\" is out of range; write 1 to 1000\n"},
    {"EndlessRun", kUp + kAgent + ", policies: {max_run: 48h}}\n",
     "f.yaml:3:74: agents[0].policies.max_run: \"48h\" is out of range; write 1ms to 24h\n"},
};

const auto kNameOfCase = [](const auto& info) { return std::string(info.param.name); };

INSTANTIATE_TEST_SUITE_P(Text, BrokenFile, ::testing::ValuesIn(kText), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Keys, BrokenFile, ::testing::ValuesIn(kKeys), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Server, BrokenFile, ::testing::ValuesIn(kServer), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Upstreams, BrokenFile, ::testing::ValuesIn(kUpstreams), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Tools, BrokenFile, ::testing::ValuesIn(kTools), kNameOfCase);
INSTANTIATE_TEST_SUITE_P(Agents, BrokenFile, ::testing::ValuesIn(kAgents), kNameOfCase);

TEST(Problems, AreAllReportedAtOnceInFileOrder) {
  const LoadResult result = parse(
      "agents:\n"
      "- {name: a, upstream: nowhere, model: m, instructions: x}\n"
      "server: {threads: x}\n"
      "nonsense: 1\n"
      "upstreams: {up: {base_url: 5}}\n");
  EXPECT_EQ(lines(result.problems),
            "f.yaml:2:23: agents[0].upstream: \"nowhere\" is not in upstreams\n"
            "f.yaml:3:19: server.threads: \"x\" is not a whole number; write 0 to 256\n"
            "f.yaml:4:1: nonsense: unknown key; known here: version, server, log, defaults, "
            "upstreams, mcp_servers, tools, agents, aliases or include\n"
            "f.yaml:5:28: upstreams.up.base_url: not an absolute URL; write e.g. "
            "http://localhost:8080/path\n");
}

TEST(Problems, ArePrintedUpToABound) {
  std::string yaml;
  for (int i = 0; i < 1500; ++i) yaml += "key" + std::to_string(i) + ": 1\n";
  const LoadResult result = parse(yaml);
  ASSERT_EQ(result.problems.size(), 1001U);
  EXPECT_EQ(formatProblem(result.problems.back()), "f.yaml: 500 more problems are not shown");
}

TEST(Problems, DoNotFollowFromOneAnother) {
  // The upstream is broken but named: the agent's reference to it is fine.
  const LoadResult result = parse("upstreams: {up: {base_url: \"${NOT_SET}\"}}\n" + kAgent + "}\n");
  EXPECT_EQ(result.problems.size(), 1U) << lines(result.problems);
}

TEST(Problems, OfAliasesOfAliasesComeSoon) {
  std::string yaml = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 1; j < 10; ++j) yaml += ", " + before;
    yaml += "]\n";
  }
  const LoadResult result = parse(yaml);
  ASSERT_EQ(result.problems.size(), 1U);
  EXPECT_EQ(result.problems[0].message,
            "the file is too large once its aliases are filled in; use fewer aliases");
}

TEST(Problems, OfTheEnvironmentNameTheVariable) {
  const LoadResult result = parse(kMinimal, {{"AGENT_GATEWAY_LISTEN", "nowhere"},
                                             {"AGENT_GATEWAY_THREADS", "many"},
                                             {"AGENT_GATEWAY_LOG_LEVEL", "loud"}});
  EXPECT_EQ(
      lines(result.problems),
      "environment: AGENT_GATEWAY_LISTEN: not a listen address; write unix:/path, IP:port or "
      "[IPv6]:port\n"
      "environment: AGENT_GATEWAY_THREADS: not a whole number from 0 to 256\n"
      "environment: AGENT_GATEWAY_LOG_LEVEL: not a level; write debug, info, warn or error\n");
}

}  // namespace
}  // namespace agw::config
