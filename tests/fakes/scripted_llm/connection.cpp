#include "connection.h"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "chat_exchange.h"
#include "http_text.h"

namespace scripted_llm {
namespace {

namespace http = boost::beast::http;
using Request = http::request<http::string_body>;
constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);
constexpr std::uint64_t kMaxBody = 64u * 1024 * 1024;
constexpr std::uint32_t kMaxHeader = 64u * 1024;
constexpr std::array<std::string_view, 4> kSecretHeaders = {"authorization", "x-api-key", "api-key",
                                                            "cookie"};

std::string lowerCase(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  return result;
}

std::shared_ptr<Exchange> makeRecord(const Request& request, const Service& service,
                                     std::uint64_t connection) {
  auto record = std::make_shared<Exchange>();
  record->connection = connection;
  record->method = std::string(request.method_string());
  record->target = std::string(request.target());
  for (const auto& field : request) {
    const auto name_string = field.name_string();
    std::string name = lowerCase({name_string.data(), name_string.size()});
    if (name == "authorization") continue;
    const bool secret =
        std::find(kSecretHeaders.begin(), kSecretHeaders.end(), name) != kSecretHeaders.end();
    record->headers.emplace_back(std::move(name),
                                 secret ? "(not shown)" : std::string(field.value()));
  }
  record->authorization =
      service.judgeAuthorization(std::string(request[http::field::authorization]));
  return record;
}

PlainResponse wrongKey() {
  return {401,
          errorBody("Incorrect API key provided", "invalid_request_error", "", "invalid_api_key")};
}

class Connection {
 public:
  Connection(net::ip::tcp::socket socket, Service& service, ConnectionLimits limits,
             std::uint64_t number)
      : peer_(std::move(socket), limits.write_timeout),
        service_(service),
        limits_(limits),
        number_(number) {
    service_.log().connectionOpened();
  }
  ~Connection() { service_.log().connectionClosed(); }

  net::awaitable<void> serve() {
    for (;;) {
      auto request = co_await read();
      if (!request) co_return;
      close_asked_ = !request->keep_alive();
      co_await answer(*request);
      if (!peer_.open()) co_return;
      if (close_asked_) {
        peer_.close();
        co_return;
      }
    }
  }

 private:
  net::awaitable<std::optional<Request>> read();
  net::awaitable<void> answer(Request& request);
  net::awaitable<ExchangeStatus> answerLogged(Request& request, Exchange& record,
                                              const nlohmann::json& body);
  net::awaitable<ExchangeStatus> answerChat(const Request& request, Exchange& record,
                                            const nlohmann::json& body);
  net::awaitable<bool> sendPlain(PlainResponse response);
  net::awaitable<ExchangeStatus> sendLogged(Exchange& record, PlainResponse response);

  PeerStream peer_;
  Service& service_;
  const ConnectionLimits limits_;
  const std::uint64_t number_;
  boost::beast::flat_buffer buffer_;
  bool close_asked_ = false;
};

net::awaitable<std::optional<Request>> Connection::read() {
  http::request_parser<http::string_body> parser;
  parser.body_limit(kMaxBody);
  parser.header_limit(kMaxHeader);
  peer_.stream().expires_after(limits_.read_timeout);
  const auto [header_error, header_size] =
      co_await http::async_read_header(peer_.stream(), buffer_, parser, kAsTuple);
  if (header_error) co_return std::nullopt;
  if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    if (!co_await peer_.send("HTTP/1.1 100 Continue\r\n\r\n")) co_return std::nullopt;
    peer_.stream().expires_after(limits_.read_timeout);
  }
  const auto [body_error, body_size] =
      co_await http::async_read(peer_.stream(), buffer_, parser, kAsTuple);
  peer_.stream().expires_never();
  if (body_error) co_return std::nullopt;
  co_return parser.release();
}

net::awaitable<bool> Connection::sendPlain(PlainResponse response) {
  HeaderBlock block(response.status);
  block.add("Content-Type", "application/json");
  block.add("Content-Length", std::to_string(response.body.size()));
  if (close_asked_) block.add("Connection", "close");
  const std::string text = block.finish() + response.body;
  co_return co_await peer_.send(text);
}

net::awaitable<ExchangeStatus> Connection::sendLogged(Exchange& record, PlainResponse response) {
  record.http_status = response.status;
  const bool sent = co_await sendPlain(std::move(response));
  if (!sent) peer_.close();
  co_return sent ? ExchangeStatus::Done : ExchangeStatus::PeerClosed;
}

net::awaitable<void> Connection::answer(Request& request) {
  const std::string target(request.target());
  if (target.starts_with("/_")) {
    auto response = service_.control(std::string(request.method_string()), target, request.body());
    if (!co_await sendPlain(std::move(response))) peer_.close();
    co_return;
  }
  const auto record = makeRecord(request, service_, number_);
  if (target == "/v1/models" && request.method() == http::verb::get) {
    service_.log().modelsListed();
    PlainResponse response{200, service_.modelsJson()};
    if (service_.refuses(record->authorization)) response = wrongKey();
    if (!co_await sendPlain(std::move(response))) peer_.close();
    co_return;
  }
  const auto body = nlohmann::json::parse(request.body(), nullptr, /*allow_exceptions=*/false);
  record->body_is_json = !body.is_discarded();
  record->body = std::move(request.body());
  service_.log().add(record);
  // An exception must not leave the exchange open in the log.
  ExchangeStatus status = ExchangeStatus::Done;
  std::exception_ptr failure;
  try {
    status = co_await answerLogged(request, *record, body);
  } catch (const std::exception&) {
    failure = std::current_exception();
  }
  service_.log().finish(*record, status);
  if (failure) std::rethrow_exception(failure);
}

net::awaitable<ExchangeStatus> Connection::answerLogged(Request& request, Exchange& record,
                                                        const nlohmann::json& body) {
  const auto target = request.target();
  if (service_.refuses(record.authorization)) {
    PlainResponse refusal = wrongKey();
    co_return co_await sendLogged(record, std::move(refusal));
  }
  if (target == "/v1/chat/completions" && request.method() == http::verb::post) {
    co_return co_await answerChat(request, record, body);
  }
  PlainResponse response{404, errorBody("no such route", "invalid_request_error", "", "not_found")};
  co_return co_await sendLogged(record, std::move(response));
}

net::awaitable<ExchangeStatus> Connection::answerChat(const Request& request, Exchange& record,
                                                      const nlohmann::json& body) {
  const auto script = service_.script();
  const auto parsed = readChatRequest(body);
  PlainResponse refusal{400, {}};
  if (const auto* error = std::get_if<RequestError>(&parsed)) {
    refusal.body = errorBody(error->message, "invalid_request_error", error->param, "bad_request");
    co_return co_await sendLogged(record, std::move(refusal));
  }
  const auto& chat = std::get<ChatRequest>(parsed);
  const Model* model = script->find(chat.model);
  if (!model) {
    refusal = {404, errorBody("the script has no model " + chat.model, "invalid_request_error",
                              "model", "model_not_found")};
    co_return co_await sendLogged(record, std::move(refusal));
  }
  if (model->strict && !chat.conversation_error.empty()) {
    refusal.body =
        errorBody(chat.conversation_error, "invalid_request_error", "messages", "bad_request");
    co_return co_await sendLogged(record, std::move(refusal));
  }
  const Turns& turns = chooseTurns(*model, chat.values.last_user, chat.tools);
  const Turn& turn = turns[std::min(chat.turn, turns.size() - 1)];
  ChatExchange exchange{peer_, turn, chat, record, request.version() < 11, close_asked_};
  co_return co_await play(exchange);
}

}  // namespace

net::awaitable<void> serveConnection(net::ip::tcp::socket socket, Service& service,
                                     ConnectionLimits limits, std::uint64_t number) {
  Connection connection(std::move(socket), service, limits, number);
  co_await connection.serve();
}

}  // namespace scripted_llm
