// Plays one turn of the script on a connection, faults and all.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "peer_stream.h"
#include "reply.h"
#include "request_log.h"

namespace scripted_llm {

struct ChatExchange {
  PeerStream& peer;
  const Turn& turn;
  const ChatRequest& request;
  Exchange& record;
  bool http_1_0 = false;     // the peer does not know chunked encoding
  bool close_asked = false;  // the peer wants the connection closed after the answer
};

// Returns how it ended. The connection may serve another request when the peer stream is still
// open.
net::awaitable<ExchangeStatus> play(ChatExchange& exchange);

}  // namespace scripted_llm
